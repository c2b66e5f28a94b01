//! What Argo CD is told: an AppProject, and an Application for each unit or one ApplicationSet.
//!
//! None has the finalizer `resources-finalizer.argocd.argoproj.io`: an Application that goes
//! leaves what it applied (facts/gitops-delivery.md 1.9, 2.1.1).

use std::collections::BTreeSet;

use super::units::{ForApplier, Units, keeps_what_leaves};
use crate::k8s::{Labels, ObjectRef};
use crate::manifest::{
    AppProject, Application, ApplicationSet, ApplicationSpec, Automated, ClusterObject,
    Destination, Element, KindRef, Manifest, Metadata, Retry, SyncPolicy,
};
use crate::model::{ArgoCdOrder, ClusterName, Owner, Target, Unit};

const WAVE: &str = "argocd.argoproj.io/sync-wave";

/// The objects for Argo CD, all of one folder: it runs in one cluster and applies to others.
pub(super) fn objects(units: &Units<'_>) -> Vec<ForApplier> {
    let argocd = &units.delivery.argocd;
    let mut manifests = Vec::new();
    let project = match &argocd.project {
        Some(name) => name.clone(),
        None => {
            let project = project(units);
            let name = project.metadata.name.clone();
            manifests.push(Manifest::AppProject(project));
            name
        }
    };
    match argocd.order {
        ArgoCdOrder::Gated | ArgoCdOrder::Automatic => {
            manifests.extend(units.iter().map(|(cluster, unit, objects)| {
                Manifest::Application(application(units, &project, cluster, unit, objects))
            }));
        }
        ArgoCdOrder::Progressive => {
            manifests.push(Manifest::ApplicationSet(application_set(units, project)));
        }
    }
    let for_argocd = |manifest| ForApplier { target: Target::ArgoCd, folder: None, manifest };
    manifests.into_iter().map(for_argocd).collect()
}

fn metadata(units: &Units<'_>, name: String, labels: Labels, annotations: Labels) -> Metadata {
    Metadata { name, namespace: Some(units.delivery.argocd.namespace.clone()), labels, annotations }
}

/// The least that the units need (facts/gitops-delivery.md 2.1.8): this repository, the
/// namespaces of these clusters, Namespaces by name, and the kinds that are rendered. It is the
/// same at every stage: an Application that syncs before its project has changed would fail.
fn project(units: &Units<'_>) -> AppProject {
    let environment = units.environment;
    let mut destinations = BTreeSet::new();
    let mut cluster_objects = BTreeSet::new();
    let mut kinds = BTreeSet::new();
    for (cluster, _, objects) in units.iter() {
        let mut allow = |namespace: &str| {
            destinations.insert(Destination {
                cluster: cluster.to_string(),
                namespace: namespace.to_owned(),
            });
        };
        allow(&namespace_of(objects));
        for object in objects {
            let (group, kind) = (object.group.clone(), object.kind.clone());
            match &object.namespace {
                Some(namespace) => {
                    allow(namespace);
                    kinds.insert(KindRef { group, kind });
                }
                None => {
                    let name = object.name.clone();
                    cluster_objects.insert(ClusterObject { group, kind, name });
                }
            }
        }
    }
    let later = environment.stages.iter().flat_map(|stage| &stage.namespaces);
    for id in later {
        destinations.insert(Destination {
            cluster: id.cluster.to_string(),
            namespace: id.namespace.to_string(),
        });
    }
    if !environment.stages.is_empty() {
        let mut need = |group: &str, kind: &str| {
            kinds.insert(KindRef { group: group.to_owned(), kind: kind.to_owned() });
        };
        if environment.ownership.waypoints == Owner::GitOps {
            need("gateway.networking.k8s.io", "Gateway");
            let waypoints = environment.clusters.values().flat_map(|c| c.namespaces.values());
            if waypoints.filter_map(|n| n.waypoint.as_ref()).any(|w| w.is_customised()) {
                need("", "ConfigMap");
            }
        }
        if environment.ownership.policies == Owner::GitOps {
            need("security.istio.io", "AuthorizationPolicy");
        }
    }
    let wave = Labels::from([(WAVE.to_owned(), "-10".to_owned())]);
    AppProject {
        metadata: metadata(units, units.own_name(), units.environment_label(), wave),
        description: format!("What the units of environment {} need", environment.name),
        repositories: vec![units.delivery.repo_url.clone()],
        destinations: destinations.into_iter().collect(),
        cluster_objects: cluster_objects.into_iter().collect(),
        kinds: kinds.into_iter().collect(),
    }
}

fn application(
    units: &Units<'_>,
    project: &str,
    cluster: &ClusterName,
    unit: Unit,
    objects: &[ObjectRef],
) -> Application {
    let (name, labels) = (units.name(cluster, unit), units.labels(cluster, unit));
    Application {
        metadata: metadata(units, name, labels, annotations(unit)),
        spec: ApplicationSpec {
            project: project.to_owned(),
            repo_url: units.delivery.repo_url.clone(),
            revision: units.delivery.revision.as_str().to_owned(),
            path: units.path(cluster, unit),
            cluster: cluster.to_string(),
            namespace: namespace_of(objects),
            sync: sync(unit, units.delivery.argocd.order),
        },
    }
}

/// The generated Applications differ in more than texts, which a template alone cannot say.
const TEMPLATE_PATCH: &str = "\
metadata:
  annotations: {{ toJson .annotations }}
spec:
  syncPolicy: {{ toJson .syncPolicy }}
";

fn application_set(units: &Units<'_>, project: String) -> ApplicationSet {
    let order = units.delivery.argocd.order;
    let element = |(cluster, unit, objects): (&ClusterName, Unit, &[ObjectRef])| Element {
        name: units.name(cluster, unit),
        cluster: cluster.to_string(),
        unit: unit.to_string(),
        path: units.path(cluster, unit),
        namespace: namespace_of(objects),
        annotations: annotations(unit),
        sync: sync(unit, order),
    };
    ApplicationSet {
        metadata: metadata(units, units.own_name(), units.environment_label(), Labels::new()),
        elements: units.iter().map(element).collect(),
        // an Application that no step selects is never synced (facts/gitops-delivery.md 2.2.10)
        steps: units.all().into_iter().map(|unit| unit.to_string()).collect(),
        project,
        repo_url: units.delivery.repo_url.clone(),
        revision: units.delivery.revision.as_str().to_owned(),
        labels: units.environment_label(),
        template_patch: TEMPLATE_PATCH.to_owned(),
    }
}

fn annotations(unit: Unit) -> Labels {
    let wave = Unit::ALL.iter().position(|u| *u == unit).unwrap_or_default() * 10;
    let mut annotations = Labels::from([
        // a commit that touches nothing below the unit's folder does not render it again
        // (facts/gitops-delivery.md 2.1.5)
        ("argocd.argoproj.io/manifest-generate-paths".to_owned(), ".".to_owned()),
        (WAVE.to_owned(), wave.to_string()),
    ]);
    if is_partial(unit) {
        // what of an object is not ours must not show as drift (facts/gitops-delivery.md 2.4.1)
        annotations.insert(
            "argocd.argoproj.io/compare-options".to_owned(),
            "ServerSideDiff=true".to_owned(),
        );
    }
    annotations
}

/// Labels of Namespaces, annotations of pod templates: objects that others made.
fn is_partial(unit: Unit) -> bool {
    matches!(unit, Unit::Enrollment | Unit::Workloads)
}

/// How a unit is synced (facts/gitops-delivery.md 2.3).
///
/// Under progressive syncs the controller takes `automated` away and starts the syncs itself, with
/// `prune` as it stands there; where progressive syncs are not enabled, the units that enrol wait,
/// as they do without.
fn sync(unit: Unit, order: ArgoCdOrder) -> SyncPolicy {
    let waits = is_partial(unit) && order != ArgoCdOrder::Automatic;
    let mut options = vec![
        // partial objects, and defaults of CRDs (2.3.1)
        "ServerSideApply=true".to_owned(),
        // the new policy first, the old one after it (2.3.6)
        "PruneLast=true".to_owned(),
        // two owners of one object undo each other's work (2.3.10)
        "FailOnSharedResource=true".to_owned(),
    ];
    if is_partial(unit) {
        // it would take over what `kubectl apply` has set, and then delete what is not rendered
        // (2.3.2, 4.1.4); kubectl's own code does it nevertheless, which `verify` tells of
        options.push("ClientSideApplyMigration=false".to_owned());
    }
    if unit == Unit::Workloads {
        // a pod template's annotation alone is no complete workload (2.3.1)
        options.push("Validate=false".to_owned());
    }
    SyncPolicy {
        automated: (!waits).then(|| Automated { prune: !keeps_what_leaves(unit) }),
        options,
        // with the newest commit, as the template says: else a refused one holds back its repair
        // until the last retry, five minutes later (seen with Argo CD 3.2)
        retry: Retry {
            limit: 5,
            duration: "10s".to_owned(),
            factor: 2,
            max_duration: "3m".to_owned(),
        },
    }
}

/// The first namespace of the objects, or that is one of the objects.
fn namespace_of(objects: &[ObjectRef]) -> String {
    let inside = objects.iter().filter_map(|o| o.namespace.as_deref()).min();
    let made = objects
        .iter()
        .filter(|o| o.group.is_empty() && o.kind == "Namespace")
        .map(|o| o.name.as_str())
        .min();
    inside.or(made).unwrap_or("default").to_owned()
}
