//! The ManagementPlane (facts/tsb.md, "Management plane").

use serde_json::{Map, Value};

use super::blame::Blame;
use super::merge::set;
use super::resource::{InstallFiles, Wanted, with_free_fields};
use super::{check, gate};
use crate::diagnostic::Diagnostic;
use crate::model::{Cluster, Environment};

/// The files of the ManagementPlane, where it lives in this cluster.
///
/// Without a base there is only a Component, never a resource: what lacks `dataStore`,
/// `telemetryStore` or `identityProvider` is a demo installation.
pub fn management_plane(
    environment: &Environment,
    cluster: &Cluster,
) -> (InstallFiles, Vec<Diagnostic>) {
    let mut found = Vec::new();
    let Some(plane) =
        environment.management_plane.as_ref().filter(|plane| plane.cluster == cluster.name)
    else {
        return (InstallFiles::default(), found);
    };
    let blame = Blame { base: plane.base.as_ref(), spec: &plane.places, origin: plane.origin };

    let mut fields = Map::new();
    if let Some(enabled) = plane.spm_agent_receiver {
        set(&mut fields, &["components", "oap", "spmAgentReceiverEnabled"], enabled.into());
        if enabled {
            gate::SPM_AGENT_RECEIVER.check(
                environment,
                blame.spec("/oap/spmAgentReceiver"),
                &mut found,
            );
        }
    }
    let spec = with_free_fields(fields, &plane.spec, &blame, &mut found);
    let wanted = Wanted {
        kind: "ManagementPlane",
        name: "managementplane",
        namespace: "tsb",
        cluster: cluster.name.as_str(),
        output: plane.output,
        spec,
    };
    let files = wanted.finish(&blame, &mut found, |full, found| {
        check::overlays(full, &blame, found);
        receiver(environment, full, &blame, found);
    });
    (files, found)
}

/// The receiver of the clusters' SPM agents. It is needed "when any control-plane cluster has no
/// Istio or runs ambient" (facts/tsb.md, "Management plane").
fn receiver(
    environment: &Environment,
    full: &Value,
    blame: &Blame<'_>,
    found: &mut Vec<Diagnostic>,
) {
    let at = "/spec/components/oap/spmAgentReceiverEnabled";
    if !check::is_off(full.pointer(at).and_then(Value::as_bool), blame) {
        return;
    }
    let sender = environment.clusters.values().find_map(|cluster| {
        let plane = cluster.control_plane.as_ref()?;
        let sends = plane.spm_agent == Some(true) || plane.ambient == Some(true);
        sends.then_some((&cluster.name, plane.origin))
    });
    if let Some((cluster, origin)) = sender {
        found.push(
            Diagnostic::warning(
                "spm-agent-receiver-off",
                format!("the management plane takes no data of SPM agents, but cluster `{cluster}` has one"),
            )
            .at(blame.of(full, at), "")
            .also(origin, "of this cluster")
            .help("set `managementPlane.oap.spmAgentReceiver: true`"),
        );
    }
}
