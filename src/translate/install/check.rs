//! What must hold in a finished resource, whoever wrote it. Field names and types are the schemas'
//! part (`schemas/install.tetrate.io`).

use std::collections::BTreeMap;

use serde_json::Value;

use super::blame::Blame;
use super::json_patch::join;
use super::merge::is_overlays;
use super::overlay;
use crate::diagnostic::Diagnostic;
use crate::model::{Environment, Version};

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
pub(super) fn revisions(full: &Value, blame: &Blame<'_>, found: &mut Vec<Diagnostic>) {
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
