//! What must hold in a finished resource, whoever wrote it. Field names and types are the schemas'
//! part (`schemas/install.tetrate.io`).

use std::collections::BTreeMap;

use serde_json::Value;

use super::blame::Blame;
use super::json_patch::join;
use super::merge::is_overlays;
use super::overlay;
use crate::diagnostic::Diagnostic;
use crate::model::{Environment, Platform, Version};

/// Checks every list of overlays.
pub(super) fn overlays(full: &Value, blame: &Blame<'_>, found: &mut Vec<Diagnostic>) {
    let mut lists = Vec::new();
    collect(full, "", &mut lists);
    for (at, list) in lists {
        found.extend(overlay::check(list, &at, &|pointer| blame.of(full, pointer)));
    }
}

fn collect<'a>(value: &'a Value, at: &str, lists: &mut Vec<(String, &'a [Value])>) {
    match value {
        Value::Array(list) if is_overlays(at) => lists.push((at.to_owned(), list)),
        Value::Array(list) => {
            for (i, value) in list.iter().enumerate() {
                collect(value, &join(at, &i.to_string()), lists);
            }
        }
        Value::Object(map) => {
            for (key, value) in map {
                collect(value, &join(at, key), lists);
            }
        }
        _ => {}
    }
}

/// Checks isolation boundaries and what names their revisions (facts/tsb.md, "Full spec tree",
/// "Full CNI message").
pub(super) fn revisions(
    full: &Value,
    is_ambient: bool,
    blame: &Blame<'_>,
    found: &mut Vec<Diagnostic>,
) {
    const BOUNDARIES: &str = "/spec/components/xcp/isolationBoundaries";
    let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    let mut revisions: BTreeMap<String, (String, bool)> = BTreeMap::new();
    let boundaries = list(full.pointer(BOUNDARIES));
    for (i, boundary) in boundaries.iter().enumerate() {
        for (j, revision) in list(boundary.get("revisions")).iter().enumerate() {
            let at = format!("{BOUNDARIES}/{i}/revisions/{j}/name");
            let Some(name) = revision.get("name").and_then(Value::as_str) else { continue };
            let enabled = revision.get("disable").and_then(Value::as_bool) != Some(true);
            if let Some((first, _)) = revisions.get(name) {
                found.push(
                    Diagnostic::error(
                        "revision-twice",
                        format!(
                            "revision `{name}` is defined twice, but is one istiod of the cluster"
                        ),
                    )
                    .at(blame.of(full, &at), "again")
                    .also(blame.of(full, first), "first"),
                );
                continue;
            }
            let ambient = format!("{BOUNDARIES}/{i}/revisions/{j}/istio/ambient/enable");
            let own = full.pointer(&ambient).and_then(Value::as_bool);
            if let Some(own) = own.filter(|own| *own != is_ambient) {
                let place = blame.of(full, &ambient);
                found.push(revision_differs(name, own).at(place, ""));
            }
            revisions.insert(name.to_owned(), (at, enabled));
        }
    }

    let ambient = "/spec/components/istio/ambient";
    let mut uses = vec![
        "/spec/components/istio/kubeSpec/CNI/revision".to_owned(),
        format!("{ambient}/ztunnelRevision"),
        format!("{ambient}/revision"),
        format!("{ambient}/waypoints/clusterLevel/revision"),
    ];
    let namespaces = list(full.pointer(&format!("{ambient}/waypoints/namespaceLevel")));
    uses.extend(
        (0..namespaces.len())
            .map(|i| format!("{ambient}/waypoints/namespaceLevel/{i}/config/revision")),
    );
    for at in uses {
        let Some(name) = full.pointer(&at).and_then(Value::as_str) else { continue };
        let fault = match revisions.get(name) {
            Some((_, true)) => continue,
            Some((_, false)) => "is disabled",
            None if name == "default" && !at.ends_with("CNI/revision") => continue,
            // only a known base tells that a revision does not exist
            None if blame.base.is_none() => continue,
            None if boundaries.is_empty() => "needs isolation boundaries, of which there are none",
            None => "is in no isolation boundary",
        };
        let known: Vec<String> = revisions
            .iter()
            .filter(|(_, (_, enabled))| *enabled)
            .map(|(name, _)| format!("`{name}`"))
            .collect();
        let diagnostic =
            Diagnostic::error("unknown-revision", format!("revision `{name}` {fault}"))
                .at(blame.of(full, &at), "");
        found.push(if known.is_empty() {
            diagnostic
        } else {
            diagnostic.help(format!("enabled revisions: {}", known.join(", ")))
        });
    }
}

/// A revision's `istio` is laid over the common one, and has no waypoints of its own.
fn revision_differs(name: &str, own: bool) -> Diagnostic {
    const CODE: &str = "revision-ambient-differs";
    if own {
        Diagnostic::warning(
            CODE,
            format!("revision `{name}` runs ambient mode, which the ControlPlane does not: no settings of the platform and of waypoints are rendered"),
        )
        .help("set `controlPlane.ambient: true` as well")
    } else {
        Diagnostic::note(
            CODE,
            format!("revision `{name}` leaves ambient mode off, which the ControlPlane turns on"),
        )
    }
}

/// The SPM agent, which ambient mode needs (facts/tsb.md, "Policy and features by mode").
pub(super) fn spm_agent(
    full: &Value,
    platform: Platform,
    is_ambient: bool,
    blame: &Blame<'_>,
    found: &mut Vec<Diagnostic>,
) {
    const AGENT: &str = "/spec/components/spmAgent";
    let enabled = format!("{AGENT}/enabled");
    let is_enabled = full.pointer(&enabled).and_then(Value::as_bool);
    if is_ambient && is_off(is_enabled, blame) {
        found.push(
            Diagnostic::warning(
                "spm-agent-off",
                "ambient mode is on and the SPM agent is off: its traffic is missing in TSB",
            )
            .at(blame.of(full, &enabled), "")
            .help("set `controlPlane.spmAgent: true`"),
        );
    }
    // "container-in-container (kind, k3d) needs the host's path" (facts/tsb.md, "Full spec tree")
    let path = full.pointer(&format!("{AGENT}/hostPath"));
    if is_enabled == Some(true)
        && matches!(platform, Platform::Kind | Platform::K3d)
        && is_unset(path, blame)
    {
        found.push(
            Diagnostic::note(
                "spm-agent-host-path",
                format!("nodes of platform `{platform}` are containers: the SPM agent looks for the host's root at `/`, which is the node's"),
            )
            .at(blame.of(full, &enabled), "")
            .help("mount the host's root into the nodes and name the path by `components.spmAgent.hostPath` in `controlPlane.spec`"),
        );
    }
}

/// Off, as far as is known: without a base, what is not said may be on.
pub(super) fn is_off(value: Option<bool>, blame: &Blame<'_>) -> bool {
    value == Some(false) || (value.is_none() && blame.base.is_some())
}

fn is_unset(value: Option<&Value>, blame: &Blame<'_>) -> bool {
    value.is_none() && blame.base.is_some()
}

/// Cilium as the CNI, where the base gives it away (facts/istio-ambient.md §8.1).
pub(super) fn cilium(full: &Value, blame: &Blame<'_>, found: &mut Vec<Diagnostic>) {
    let at = "/spec/components/istio/kubeSpec/CNI/configurationFileName";
    let name = full.pointer(at).and_then(Value::as_str).unwrap_or_default();
    if name.contains("cilium") {
        found.push(
            Diagnostic::warning(
                "platform-manual-step",
                format!("`{name}` is Cilium's, which needs settings of its own for ambient mode"),
            )
            .at(blame.of(full, at), "")
            .help("set Cilium's `cni.exclusive: false`, leave `bpf.masquerade` off, and where the default is deny, admit 169.254.7.127/32 by a CiliumClusterwideNetworkPolicy"),
        );
    }
}

/// The base's own version against the environment's: the Istio that a cluster runs follows from
/// `istio.tsbVersion` (facts/tsb.md, "Versions").
pub(super) fn version(
    full: &Value,
    environment: &Environment,
    blame: &Blame<'_>,
    found: &mut Vec<Diagnostic>,
) {
    let at = "/spec/components/istio/tsbVersion";
    let Some(text) = full.pointer(at).and_then(Value::as_str) else { return };
    let Some(version) = Version::parse(text.trim_start_matches('v')) else { return };
    let minor = |v: Version| (v.major, v.minor);
    if minor(version) != minor(environment.tsb) {
        found.push(
            Diagnostic::warning(
                "version-differs",
                format!(
                    "the ControlPlane pins TSB `{text}`, but the environment says `{}`",
                    environment.tsb
                ),
            )
            .at(blame.of(full, at), "")
            .help("the environment's versions select what is rendered: make them say what runs"),
        );
    }
}
