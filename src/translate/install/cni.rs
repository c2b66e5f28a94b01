//! `components.istio.kubeSpec.CNI`: the platform's profile, the base's own values, the spec's
//! overrides.

use serde_json::{Map, Value};

use super::blame::Blame;
use crate::diagnostic::Diagnostic;
use crate::model::{ControlPlane, Platform};
use crate::translate::platform::Cni;

const CNI: &str = "/spec/components/istio/kubeSpec/CNI";

/// The fields that are wanted.
///
/// - In ambient mode, what neither base nor spec says comes from the profile.
/// - An override in the spec is the user's right: a contradiction of a named platform is a warning.
/// - A base that contradicts its named platform is an error, as one of the two is a mistake, and
///   either leaves pods without network. `generic` knows nothing: there the base stays.
pub(super) fn fields(
    platform: Platform,
    profile: &Cni,
    is_ambient: bool,
    plane: &ControlPlane,
    blame: &Blame<'_>,
    found: &mut Vec<Diagnostic>,
) -> Map<String, Value> {
    let mut wanted = plane.cni.clone();
    if !is_ambient {
        return wanted;
    }
    let free = plane.spec.get("components").and_then(|c| c.pointer("/istio/kubeSpec/CNI"));
    for (key, expected) in profile.fields() {
        let at = format!("{CNI}/{key}");
        let base = plane.base.as_ref().and_then(|base| base.body.pointer(&at));
        let base = base.filter(|v| !v.is_null());
        let (value, place, is_override) = match (free.and_then(|f| f.get(&key)), wanted.get(&key)) {
            (Some(value), _) => (value, blame.spec(&at), true),
            (None, Some(value)) => (value, blame.spec(&format!("/cni/{key}")), true),
            (None, None) => match base {
                Some(value) => (value, blame.base(&at), false),
                None => {
                    wanted.insert(key, expected);
                    continue;
                }
            },
        };
        let is_other = key == "binaryDirectory"
            && profile.other_binary_directories.iter().any(|d| is_same(value, &Value::from(*d)));
        if is_other || is_same(value, &expected) {
            continue;
        }
        if platform == Platform::Generic {
            if !is_override {
                let message = format!(
                    "`{key}` is `{}` and stays so; platform `generic` has `{}`",
                    plain(value),
                    plain(&expected)
                );
                found.push(
                    Diagnostic::note("platform-cni", message)
                        .at(place, "")
                        .help("name the cluster's platform, which then checks it"),
                );
            }
        } else {
            let message = format!(
                "`{key}` is `{}`, but platform `{platform}` needs `{}`",
                plain(value),
                plain(&expected)
            );
            found.push(if is_override {
                Diagnostic::warning("platform-cni", message)
                    .at(place, "taken as it is")
                    .help("remove the override, unless the nodes were set up differently")
            } else {
                Diagnostic::error("platform-cni", message).at(place, "").help(format!(
                    "remove it here, name another platform, or set `controlPlane.cni.{key}` to say that it is meant"
                ))
            });
        }
    }
    wanted
}

/// Equal, but for a slash at the end of a directory.
fn is_same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::String(a), Value::String(b)) => a.trim_end_matches('/') == b.trim_end_matches('/'),
        _ => a == b,
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
