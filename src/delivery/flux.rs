//! What Flux is told: a source, and a Kustomization for each unit that waits for the one before.
//!
//! A Kustomization is ready when its health checks hold, and one that depends on it waits for it
//! at the same revision (facts/gitops-delivery.md 3.1.2): that is what keeps a namespace from
//! being labelled before its waypoint is programmed and its policies are accepted.

use super::guard::{GUARD, is_guarded};
use super::units::{ForApplier, Units, keeps_what_leaves};
use crate::k8s::{Labels, ObjectRef};
use crate::manifest::{
    FluxKustomization, GitRepository, HealthCheck, HealthExpression, Manifest, Metadata,
};
use crate::model::{ClusterName, FluxSource, Owner, Revision, Target, Unit};

const GATEWAY: (&str, &str, &str) = ("gateway.networking.k8s.io", "v1", "Gateway");
const POLICY: (&str, &str, &str) = ("security.istio.io", "v1", "AuthorizationPolicy");

/// The namespace of a control plane.
const CONTROL_PLANE: &str = "istio-system";

/// The objects for Flux, a folder for each cluster: in each runs a Flux that applies to its own.
pub(super) fn objects(units: &Units<'_>) -> Vec<ForApplier> {
    let flux = &units.delivery.flux;
    let own = FluxSource { kind: "GitRepository", name: units.own_name() };
    let source = flux.source.as_ref().unwrap_or(&own);
    let mut all = Vec::new();
    for (cluster, of_cluster) in units.objects {
        let mut add = |manifest| {
            let folder = Some(cluster.to_string());
            all.push(ForApplier { target: Target::Flux, folder, manifest });
        };
        if flux.source.is_none() && !of_cluster.is_empty() {
            add(Manifest::GitRepository(git_repository(units)));
        }
        let mut before = None;
        for (&unit, objects) in of_cluster {
            let kustomization = FluxKustomization {
                metadata: metadata(units, units.name(cluster, unit), units.labels(cluster, unit)),
                depends_on: before.map(|unit| units.name(cluster, unit)).into_iter().collect(),
                interval: flux.interval.clone(),
                retry_interval: "1m".to_owned(),
                timeout: timeout(unit).to_owned(),
                path: format!("./{}", units.path(cluster, unit)),
                prune: !keeps_what_leaves(unit),
                components: is_guarded(units.environment, unit)
                    .then(|| GUARD.to_owned())
                    .into_iter()
                    .collect(),
                // a Kustomization that goes leaves what it applied: without its policies a
                // namespace is open (facts/gitops-delivery.md 4.6.5)
                deletion_policy: "Orphan".to_owned(),
                source_kind: source.kind.to_owned(),
                source_name: source.name.clone(),
                wait: unit == Unit::Mesh && waits_for_all(units, cluster),
                health_checks: health_checks(units, cluster, unit, objects),
                health_expressions: Vec::new(),
            };
            add(Manifest::FluxKustomization(with_expressions(kustomization)));
            before = Some(unit);
        }
    }
    all
}

fn metadata(units: &Units<'_>, name: String, labels: Labels) -> Metadata {
    let namespace = Some(units.delivery.flux.namespace.clone());
    Metadata { name, namespace, labels, annotations: Labels::new() }
}

fn git_repository(units: &Units<'_>) -> GitRepository {
    let (reference, commit) = match &units.delivery.revision {
        Revision::Reference(reference) => (Some(reference.clone()), None),
        Revision::Commit(commit) => (None, Some(commit.clone())),
    };
    GitRepository {
        metadata: metadata(units, units.own_name(), units.environment_label()),
        url: units.delivery.repo_url.clone(),
        interval: "1m".to_owned(),
        reference,
        commit,
    }
}

/// How long health is waited for: a rollout takes longer than a waypoint.
fn timeout(unit: Unit) -> &'static str {
    match unit {
        Unit::Platform | Unit::Workloads => "15m",
        Unit::Tsb | Unit::Mesh | Unit::Enrollment => "5m",
    }
}

/// True where unit `mesh` waits for everything that it applies.
///
/// Not for a list: what Flux is told and what it applies reach it by different ways, so that it may
/// have applied a commit before it reads that commit's list. It is then ready by the list of the
/// commit before, without the new waypoint, and the namespace is labelled (seen with Flux 2.9). What
/// is applied is in step with itself. Before 2.9 Flux fails on Istio's objects, whatever the
/// expressions say (facts/gitops-delivery.md 1.13), and policies bound to waypoints that TSB makes
/// are accepted no sooner than these are there: both wait for what is listed.
fn waits_for_all(units: &Units<'_>, cluster: &ClusterName) -> bool {
    units.delivery.flux.checks_policies
        && units.environment.ownership.waypoints == Owner::GitOps
        && units.is_ever_ambient(cluster)
}

/// What a unit's successor waits for beside, or instead of, all that is applied: `wait: true`
/// leaves these out.
fn health_checks(
    units: &Units<'_>,
    cluster: &ClusterName,
    unit: Unit,
    objects: &[ObjectRef],
) -> Vec<HealthCheck> {
    let by_tsb = units.environment.ownership.waypoints == Owner::Tsb;
    let mut checks: Vec<HealthCheck> = match unit {
        Unit::Platform => {
            let mut checks = definitions(units, cluster);
            checks.extend(data_plane(units, cluster));
            checks
        }
        Unit::Mesh if !by_tsb && !waits_for_all(units, cluster) => {
            objects.iter().filter(|object| is(object, GATEWAY)).map(check).collect()
        }
        Unit::Enrollment if by_tsb => made_by_tsb(units, cluster, objects),
        Unit::Workloads => objects.iter().map(check).collect(),
        Unit::Tsb | Unit::Mesh | Unit::Enrollment => Vec::new(),
    };
    checks.sort();
    checks
}

/// A policy of a namespace that is ambient or about to be: elsewhere nobody says that it is
/// accepted.
fn is_policy(units: &Units<'_>, cluster: &ClusterName, object: &ObjectRef) -> bool {
    units.delivery.flux.checks_policies
        && is(object, POLICY)
        && object.namespace.as_deref().is_some_and(|n| units.is_prepared(cluster, n))
}

fn mesh_objects<'a>(units: &Units<'a>, cluster: &ClusterName) -> &'a [ObjectRef] {
    let mesh = units.objects.get(cluster).and_then(|of| of.get(&Unit::Mesh));
    mesh.map(Vec::as_slice).unwrap_or_default()
}

/// Custom resources of a missing kind would leave a unit half applied
/// (facts/gitops-delivery.md 1.18, 9.2): the installation is not done before the kinds are there.
/// They are the same at every stage, as everything that is told should be.
fn definitions(units: &Units<'_>, cluster: &ClusterName) -> Vec<HealthCheck> {
    let mesh = mesh_objects(units, cluster);
    let ownership = units.environment.ownership;
    let needed = [
        (GATEWAY, "gateways", ownership.waypoints),
        (POLICY, "authorizationpolicies", ownership.policies),
    ];
    let comes = |owner| owner == Owner::GitOps && units.is_ever_ambient(cluster);
    needed
        .into_iter()
        .filter(|(kind, _, owner)| comes(*owner) || mesh.iter().any(|o| is(o, *kind)))
        .map(|((group, _, _), plural, _)| HealthCheck {
            api_version: "apiextensions.k8s.io/v1".to_owned(),
            kind: "CustomResourceDefinition".to_owned(),
            namespace: None,
            name: format!("{plural}.{group}"),
        })
        .collect()
}

/// ztunnel and istio-cni, rolled out on every node: a namespace that is labelled before has pods that
/// nothing captures, or a ztunnel that does not come up under them (facts/tsb.md, "Ambient switch").
/// They come with unit `platform`, so that no unit after it, and no label, goes before them. A
/// cluster whose ControlPlane is not known to run ambient mode has none to wait for.
fn data_plane(units: &Units<'_>, cluster: &ClusterName) -> Vec<HealthCheck> {
    let known = units.environment.clusters.get(cluster);
    let plane = known.and_then(|known| known.control_plane.as_ref());
    let Some(plane) = plane.filter(|p| p.runs_ambient() == Some(true)) else { return Vec::new() };
    if !units.is_ever_ambient(cluster) {
        return Vec::new();
    }
    let check = |name: &str, namespace: &str| HealthCheck {
        api_version: "apps/v1".to_owned(),
        kind: "DaemonSet".to_owned(),
        namespace: Some(namespace.to_owned()),
        name: name.to_owned(),
    };
    vec![
        check("istio-cni-node", plane.cni_namespace().unwrap_or(CONTROL_PLANE)),
        check("ztunnel", CONTROL_PLANE),
    ]
}

/// The waypoints that TSB makes once a namespace is labelled, and the policies, some of which are
/// bound to them and accepted no sooner: they are waited for where the label is applied
/// (facts/gitops-delivery.md 3.1.3, 3.4).
fn made_by_tsb(
    units: &Units<'_>,
    cluster: &ClusterName,
    objects: &[ObjectRef],
) -> Vec<HealthCheck> {
    let Some(known) = units.environment.clusters.get(cluster) else { return Vec::new() };
    let labelled = objects.iter().filter(|o| o.group.is_empty() && o.kind == "Namespace");
    let mut checks = Vec::new();
    for object in labelled.filter(|namespace| units.is_enrolled(cluster, &namespace.name)) {
        let namespace = known.namespaces.get(object.name.as_str());
        if let Some(waypoint) = namespace.and_then(|n| n.waypoint.as_ref()) {
            checks.push(HealthCheck {
                api_version: api_version(GATEWAY),
                kind: GATEWAY.2.to_owned(),
                namespace: Some(object.name.clone()),
                name: waypoint.name.to_string(),
            });
        }
        let policies = mesh_objects(units, cluster).iter().filter(|policy| {
            policy.namespace.as_ref() == Some(&object.name) && is_policy(units, cluster, policy)
        });
        checks.extend(policies.map(check));
    }
    checks
}

/// Adds what healthy means for kinds that Flux has no rule for, where they are waited for.
fn with_expressions(mut kustomization: FluxKustomization) -> FluxKustomization {
    let checks = &kustomization.health_checks;
    let all = kustomization.wait;
    let waits_for = |kind: (&str, &str, &str)| {
        all || checks.iter().any(|c| c.kind == kind.2 && c.api_version == api_version(kind))
    };
    let mut expressions = Vec::new();
    if waits_for(GATEWAY) {
        // facts/gitops-delivery.md 3.1.4
        let at_generation = "e.observedGeneration == metadata.generation";
        expressions.push(HealthExpression {
            api_version: api_version(GATEWAY),
            kind: GATEWAY.2.to_owned(),
            current: format!(
                "status.conditions.exists(e, e.type == 'Programmed' && e.status == 'True' && {at_generation})"
            ),
            failed: Some(format!(
                "status.conditions.exists(e, e.type == 'Accepted' && e.status == 'False' && {at_generation})"
            )),
        });
    }
    if waits_for(POLICY) {
        // whoever enforces it says so; the observed generation of Istio's objects is a text and
        // must not be compared (facts/gitops-delivery.md 3.1.5)
        expressions.push(HealthExpression {
            api_version: api_version(POLICY),
            kind: POLICY.2.to_owned(),
            current: "status.conditions.exists(e, e.type in ['ZtunnelAccepted', 'WaypointAccepted'] && e.status == 'True')".to_owned(),
            failed: None,
        });
    }
    kustomization.health_expressions = expressions;
    kustomization
}

fn is(object: &ObjectRef, (group, _, kind): (&str, &str, &str)) -> bool {
    object.group == group && object.kind == kind
}

fn api_version((group, version, _): (&str, &str, &str)) -> String {
    format!("{group}/{version}")
}

fn check(object: &ObjectRef) -> HealthCheck {
    HealthCheck {
        // every kind that is waited for here is served as v1
        api_version: format!("{}/v1", object.group),
        kind: object.kind.clone(),
        namespace: object.namespace.clone(),
        name: object.name.clone(),
    }
}
