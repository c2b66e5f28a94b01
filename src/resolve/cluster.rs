//! Clusters and what is installed in them.

use std::collections::{BTreeMap, BTreeSet};

use super::name::{self, Clusters};
use super::namespace;
use crate::diagnostic::{Diagnostic, Span, Spanned};
use crate::k8s::Object;
use crate::model::{
    Cluster, ClusterName, ControlPlane, EdgeEnv, Environment, InstallBase, InstallOutput,
    ManagementPlane, Namespace, Platform, TrustDomain, Version,
};
use crate::spec;
use crate::yaml::{Node, Pointer};

/// Istio's first release that TSB runs in ambient mode, and TSB's (facts/tsb.md, "Versions").
const ISTIO_WITH_AMBIENT: Version = Version::new(1, 24);
/// 1.12.0 ships an Istio before it: where the patch number counts, it is asked for later.
const TSB_WITH_AMBIENT: Version = Version { major: 1, minor: 12, patch: 1 };

/// Makes clusters of what was typed; `migrating` holds the `cluster/namespace` texts of all stages.
pub(super) fn clusters(
    typed: Vec<Spanned<spec::Cluster>>,
    document: &Node,
    bases: &BTreeMap<Span, Object>,
    migrating: &BTreeSet<String>,
    found: &mut Vec<Diagnostic>,
) -> Clusters {
    let domains = trust_domains(&typed);
    let mut clusters = Clusters::new();
    for (index, cluster) in typed.into_iter().enumerate() {
        let node = typed_node(document, &["clusters", &index.to_string()]);
        let Some(cluster) = self::cluster(cluster.value, node, bases, migrating, &domains, found)
        else {
            continue;
        };
        match clusters.get(&cluster.name) {
            Some(first) => found.push(name::duplicate(
                "clusters",
                cluster.name.as_str(),
                cluster.origin,
                first.origin,
            )),
            None => {
                clusters.insert(cluster.name.clone(), cluster);
            }
        }
    }
    check_trust_domains(&clusters, found);
    clusters
}

/// Trust domains by the name of their cluster, for principals of clusters yet to come.
pub(super) type TrustDomains = BTreeMap<String, TrustDomain>;

fn trust_domains(typed: &[Spanned<spec::Cluster>]) -> TrustDomains {
    typed.iter().filter_map(|c| Some((c.name.value.clone(), trust_domain(c).1.ok()?))).collect()
}

/// The trust domain of a cluster and its place: what is typed, else TSB's default.
fn trust_domain(cluster: &spec::Cluster) -> (Span, Result<TrustDomain, String>) {
    match &cluster.trust_domain {
        Some(typed) => (typed.span, TrustDomain::parse(typed)),
        None => {
            let default = format!("{}.tsb.local", cluster.name.value);
            (cluster.name.span, TrustDomain::parse(&default))
        }
    }
}

/// The node below `spec` that a typed value was read from.
fn typed_node<'n>(document: &'n Node, way: &[&str]) -> Option<&'n Node> {
    let spec = Pointer::root().join("spec");
    document.at(&way.iter().fold(spec, |pointer, step| pointer.join(*step)))
}

fn cluster(
    typed: spec::Cluster,
    node: Option<&Node>,
    bases: &BTreeMap<Span, Object>,
    migrating: &BTreeSet<String>,
    domains: &TrustDomains,
    found: &mut Vec<Diagnostic>,
) -> Option<Cluster> {
    let name = name::parse(&typed.name, ClusterName::parse, found)?;
    let (span, trust_domain) = trust_domain(&typed);
    let trust_domain = match trust_domain {
        Ok(domain) => domain,
        Err(message) => {
            found.push(Diagnostic::error("invalid-name", message).at(span, ""));
            return None;
        }
    };
    let platform = match &typed.platform {
        None => Platform::default(),
        Some(word) => Platform::parse(word).or_else(|| {
            let message = format!("`{}` is not a platform", word.value);
            found.push(Diagnostic::error("invalid-name", message).at(word.span, ""));
            None
        })?,
    };
    let namespaces = namespace::namespaces(
        typed.namespaces,
        &namespace::Surroundings {
            cluster: &name,
            default_waypoint: typed.waypoints.default.as_ref(),
            migrating,
            domains,
        },
        found,
    );
    let plane = node.and_then(|n| n.get("controlPlane"));
    let control_plane = typed.control_plane.map(|c| control_plane(c, plane, bases, found));
    // each namespace reported what is wrong with it, and it may have none
    let default_waypoint = typed
        .waypoints
        .default
        .as_ref()
        .and_then(|default| namespace::waypoint(None, Some(default), &mut Vec::new()));
    Some(Cluster {
        default_waypoint,
        name,
        platform,
        trust_domain,
        mesh_config: typed.mesh_config,
        control_plane,
        namespaces,
        origin: typed.name.span,
    })
}

fn control_plane(
    typed: Spanned<spec::ControlPlane>,
    node: Option<&Node>,
    bases: &BTreeMap<Span, Object>,
    found: &mut Vec<Diagnostic>,
) -> ControlPlane {
    let Spanned { value: typed, span } = typed;
    check_output(typed.base.as_ref(), typed.output, found);
    let resolution = typed
        .edge
        .dns_resolution
        .map(|on| EdgeEnv { name: "ENABLE_DNS_RESOLUTION_AT_EDGE".into(), value: on.to_string() });
    let further = typed.edge.env.into_iter();
    let mut places = node.map(Node::places).unwrap_or_default();
    let mut edge_env: Vec<EdgeEnv> = Vec::from_iter(resolution);
    if let Some(span) = places.get("/edge/dnsResolution") {
        places.insert("/edge/env/0", span);
    }
    for variable in further {
        if edge_env.iter().any(|e| e.name == variable.name.value) {
            found.push(
                Diagnostic::error(
                    "duplicate-name",
                    format!("the variable `{}` is set twice", variable.name.value),
                )
                .at(variable.name.span, "again here")
                .help("keep one of them; `dnsResolution` sets `ENABLE_DNS_RESOLUTION_AT_EDGE`"),
            );
            continue;
        }
        places.insert(format!("/edge/env/{}", edge_env.len()), variable.name.span);
        edge_env.push(EdgeEnv { name: variable.name.value, value: variable.value });
    }
    ControlPlane {
        base: base(typed.base.as_ref(), bases),
        output: output(typed.output),
        ambient: typed.ambient,
        spm_agent: typed.spm_agent,
        cni: typed.cni,
        edge_env,
        spec: typed.spec,
        places,
        origin: span,
    }
}

/// Makes the management plane of what was typed.
pub(super) fn management_plane(
    typed: Spanned<spec::ManagementPlane>,
    document: &Node,
    bases: &BTreeMap<Span, Object>,
    clusters: &Clusters,
    found: &mut Vec<Diagnostic>,
) -> Option<ManagementPlane> {
    let Spanned { value: typed, span } = typed;
    check_output(typed.base.as_ref(), typed.output, found);
    let cluster = name::cluster(&typed.cluster, typed.cluster.span, clusters, found)?;
    Some(ManagementPlane {
        cluster: cluster.name.clone(),
        base: base(typed.base.as_ref(), bases),
        output: output(typed.output),
        spm_agent_receiver: typed.oap.spm_agent_receiver,
        spec: typed.spec,
        places: typed_node(document, &["managementPlane"]).map(Node::places).unwrap_or_default(),
        origin: span,
    })
}

fn base(named: Option<&Spanned<String>>, bases: &BTreeMap<Span, Object>) -> Option<InstallBase> {
    bases.get(&named?.span).cloned().map(InstallBase::new)
}

fn output(typed: Option<Spanned<spec::InstallOutput>>) -> InstallOutput {
    match typed.map(|o| o.value) {
        None | Some(spec::InstallOutput::Overlay) => InstallOutput::Overlay,
        Some(spec::InstallOutput::Full) => InstallOutput::Full,
    }
}

fn check_output(
    base: Option<&Spanned<String>>,
    output: Option<Spanned<spec::InstallOutput>>,
    found: &mut Vec<Diagnostic>,
) {
    if let (None, Some(Spanned { value: spec::InstallOutput::Full, span })) = (base, output) {
        found.push(
            Diagnostic::error("missing-base", "`output: full` without a `base`")
                .at(span, "there is nothing to patch")
                .help("name the file of your resource as `base`, or leave `output` out"),
        );
    }
}

/// Two clusters may share a trust domain, but then no principal tells them apart.
fn check_trust_domains(clusters: &Clusters, found: &mut Vec<Diagnostic>) {
    let mut first: BTreeMap<&TrustDomain, &Cluster> = BTreeMap::new();
    for cluster in clusters.values() {
        match first.get(&cluster.trust_domain) {
            Some(other) => found.push(
                Diagnostic::warning(
                    "shared-trust-domain",
                    format!(
                        "clusters `{}` and `{}` share the trust domain `{}`",
                        other.name, cluster.name, cluster.trust_domain
                    ),
                )
                .at(cluster.origin, "this cluster")
                .also(other.origin, "and this one")
                .help("give each its own: a policy that admits a namespace of one admits its namesake in the other"),
            ),
            None => {
                first.insert(&cluster.trust_domain, cluster);
            }
        }
    }
}

/// What ambient namespaces need: releases that know the mode, and a control plane that runs it.
pub(super) fn check_ambient(
    environment: &Environment,
    versions: &spec::Versions,
    is_patched: bool,
    found: &mut Vec<Diagnostic>,
) {
    let mut any = false;
    for cluster in environment.clusters.values() {
        let Some(first) = environment.first_ambient(cluster) else { continue };
        any = true;
        // what patches leave of it is seen once they are applied
        if let Some(plane) = cluster.control_plane.as_ref().filter(|_| !is_patched)
            && plane.runs_ambient() == Some(false)
        {
            found.push(ambient_off(cluster, plane, first));
        }
    }
    check_istio_is_known(environment, versions, found);
    for (version, least, typed, what) in [
        (environment.istio, ISTIO_WITH_AMBIENT, versions.istio.as_ref(), "Istio"),
        (Some(environment.tsb), TSB_WITH_AMBIENT, Some(&versions.tsb), "TSB"),
    ] {
        let (Some(version), Some(typed)) = (version, typed) else { continue };
        if any && version.is_before(least) {
            found.push(
                Diagnostic::error(
                    "version-too-old",
                    format!("{what} {version} is too old for ambient mode"),
                )
                .at(typed.span, "")
                .help(format!("upgrade to {least} or later before any namespace is made ambient")),
            );
        }
    }
}

fn ambient_off(cluster: &Cluster, plane: &ControlPlane, first: &Namespace) -> Diagnostic {
    let enable = "/spec/components/istio/ambient/enable";
    let base = plane.base.as_ref().filter(|_| plane.ambient.is_none());
    let (at, label, help) = match (plane.places.get(enable), plane.places.get("/ambient"), base) {
        (Some(free), _, _) => (free, "off here", "set it to `true`"),
        (None, Some(flag), _) => (flag, "`ambient: false` here", "set `ambient: true`"),
        (None, None, Some(base)) => match base.places.get(enable) {
            Some(place) => {
                (place, "off here", "set `controlPlane.ambient: true`, or enable it in the base")
            }
            None => (
                base.origin,
                "this resource does not switch it on",
                "set `controlPlane.ambient: true`, or `components.istio.ambient.enable: true` in the base",
            ),
        },
        (None, None, None) => (plane.origin, "off here", "set `ambient: true`"),
    };
    Diagnostic::error(
        "ambient-off",
        format!(
            "namespace `{}/{}` is to be ambient, but its control plane has ambient mode off",
            cluster.name, first.name
        ),
    )
    .at(at, label)
    .also(first.origin, "this namespace")
    .help(help)
}

/// A cluster with only the SPM agent runs no Istio (facts/tsb.md, "Control plane"): its release is
/// asked for where a namespace is in the mesh, or a control plane runs ambient mode.
fn check_istio_is_known(
    environment: &Environment,
    versions: &spec::Versions,
    found: &mut Vec<Diagnostic>,
) {
    if versions.istio.is_some() {
        return;
    }
    let namespaces = environment.clusters.values().flat_map(|c| c.namespaces.values());
    let staged = environment.stages.iter().map(|stage| stage.origin);
    let planes = environment.clusters.values().filter_map(|c| c.control_plane.as_ref());
    let first = namespaces.filter(|n| n.is_in_mesh()).map(|n| n.origin).next();
    let plane = planes.filter(|p| p.runs_ambient() == Some(true)).map(|p| p.origin);
    let Some(user) = first.into_iter().chain(staged).chain(plane).next() else { return };
    found.push(
        Diagnostic::error("missing-field", "`versions.istio` is missing, and Istio runs here")
            .at(user, "with a sidecar or in ambient mode")
            .help("add the release, such as `istio: \"1.24\"`; where no Istio runs, write `mode: none`"),
    );
}
