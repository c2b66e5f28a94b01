//! The ControlPlane (facts/tsb.md, "Control plane", "Ambient settings").

use serde_json::{Map, Value};

use super::blame::Blame;
use super::merge::set;
use super::resource::{InstallFiles, Wanted, with_free_fields};
use super::{check, cni, edge, gate, waypoints};
use crate::diagnostic::{Diagnostic, Span};
use crate::model::{Cluster, ControlPlane, Environment};
use crate::translate::platform::{ManualStep, profile};

/// The namespace of a control plane.
const NAMESPACE: &str = "istio-system";

/// The files of a cluster's ControlPlane, with what its platform needs; nothing where the spec
/// leaves the ControlPlane alone.
///
/// Platform and waypoint settings are for ambient mode: a cluster without Istio only gets its SPM
/// agent (facts/tsb.md, "Control plane").
pub fn control_plane(
    environment: &Environment,
    cluster: &Cluster,
) -> (InstallFiles, Vec<Diagnostic>) {
    let mut found = Vec::new();
    let Some(plane) = &cluster.control_plane else {
        return (InstallFiles::default(), found);
    };
    let blame = Blame { base: plane.base.as_ref(), spec: &plane.places, origin: plane.origin };
    // only ambient mode takes anything of it but the CNI's names, and then the release is known
    let profile = profile(cluster.platform, environment.istio.unwrap_or(gate::AMBIENT_ISTIO));
    // unknown, without a base, counts as no
    let is_ambient = plane.runs_ambient().unwrap_or(false);

    let mut fields = Map::new();
    if let Some(enable) = plane.ambient {
        set(&mut fields, &["components", "istio", "ambient", "enable"], enable.into());
    }
    let cni = cni::fields(cluster.platform, &profile.cni, is_ambient, plane, &blame, &mut found);
    for (key, value) in cni {
        set(&mut fields, &["components", "istio", "kubeSpec", "CNI", &key], value);
    }
    if let Some(enabled) = plane.spm_agent {
        set(&mut fields, &["components", "spmAgent", "enabled"], enabled.into());
    }
    if !plane.edge_env.is_empty() {
        let overlays = vec![edge::overlay(&plane.edge_env)];
        set(&mut fields, &["components", "xcp", "kubeSpec", "overlays"], Value::Array(overlays));
    }
    if is_ambient {
        gate::AMBIENT.check(environment, ambient_place(plane, &blame), &mut found);
        let waypoints = waypoints::fields(environment, cluster, &mut found);
        if waypoints.as_object().is_some_and(|levels| !levels.is_empty()) {
            set(&mut fields, &["components", "istio", "ambient", "waypoints"], waypoints);
        }
        manual_steps(cluster, &profile.manual, &blame, &mut found);
    }

    let wanted = Wanted {
        kind: "ControlPlane",
        name: "controlplane",
        namespace: NAMESPACE,
        cluster: cluster.name.as_str(),
        output: plane.output,
        spec: with_free_fields(fields, &plane.spec, &blame, &mut found),
    };
    let mut files = wanted.finish(&blame, &mut found, |full, found| {
        check::overlays(full, &blame, found);
        check::revisions(full, is_ambient, &blame, found);
        check::version(full, environment, &blame, found);
        check::spm_agent(full, cluster.platform, is_ambient, &blame, found);
        if is_ambient {
            check::cilium(full, &blame, found);
            waypoints::check(environment, full, &blame, found);
        }
    });
    if is_ambient {
        let namespace = plane.base.as_ref().and_then(|base| base.object.namespace.as_deref());
        let namespace = namespace.unwrap_or(NAMESPACE);
        files.resources.extend(profile.resources.iter().map(|make| make(namespace)));
    }
    (files, found)
}

const ENABLE: &str = "/spec/components/istio/ambient/enable";

/// Who asked for ambient mode.
fn ambient_place(plane: &ControlPlane, blame: &Blame<'_>) -> Span {
    match (plane.places.get(ENABLE), plane.ambient) {
        (Some(free), _) => free,
        (None, Some(_)) => blame.spec("/ambient"),
        (None, None) => blame.base(ENABLE),
    }
}

/// What the platform needs and TSB has no field for.
fn manual_steps(
    cluster: &Cluster,
    steps: &[ManualStep],
    blame: &Blame<'_>,
    found: &mut Vec<Diagnostic>,
) {
    for step in steps {
        let message = format!("cluster `{}` ({}) {}", cluster.name, cluster.platform, step.message);
        let diagnostic = if step.required {
            Diagnostic::warning("platform-manual-step", message)
        } else {
            Diagnostic::note("platform-manual-step", message)
        };
        found.push(diagnostic.at(blame.origin, "").help(step.help));
    }
}
