//! Adding overlays to overlays.
//!
//! `[-1]` is not keyed: a variable that is appended twice stands there twice (facts/tsb.md). So
//! overlays merge by target, and their patches by path, or for variables by path and name.

use serde_json::Value;

use super::{patches, target, variable};
use crate::diagnostic::{Diagnostic, Span};
use crate::translate::install::json_patch::join;

/// A variable that both lists set, to different values. The second list's value was taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Conflict {
    /// The variable.
    pub variable: String,
    /// What the first list said.
    pub before: Value,
    /// What the second list says.
    pub after: Value,
    /// JSON pointer of the patch in the first list.
    pub pointer: String,
}

impl Conflict {
    /// A base's value that the spec overrules.
    pub fn overruled(&self, base: Span, spec: Span) -> Diagnostic {
        let Self { variable, before, after, .. } = self;
        Diagnostic::warning(
            "overlay-variable-overruled",
            format!(
                "variable `{variable}` is `{}` in the base and `{}` in the spec, which is taken",
                plain(before),
                plain(after)
            ),
        )
        .at(base, "overruled")
        .also(spec, "by this")
        .help("let one of them set it")
    }

    /// Two places of the spec that contradict each other.
    pub fn contradiction(&self, first: Span, second: Span) -> Diagnostic {
        let Self { variable, before, after, .. } = self;
        Diagnostic::error(
            "overlay-variable-twice",
            format!(
                "variable `{variable}` is set to `{}` and to `{}`",
                plain(before),
                plain(after)
            ),
        )
        .at(second, "again")
        .also(first, "first")
        .help("set it once")
    }
}

/// The value of a variable, as people write it.
fn plain(variable: &Value) -> String {
    match variable.get("value") {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => variable.to_string(),
    }
}

/// Adds the overlays of `over` to `list`, which stands at pointer `at`.
pub fn merge_lists(list: &mut Vec<Value>, over: &[Value], at: &str, conflicts: &mut Vec<Conflict>) {
    for overlay in over {
        let same = list.iter().position(|o| o.is_object() && target(o) == target(overlay));
        let Some((i, Value::Object(old))) = same.and_then(|i| Some((i, list.get_mut(i)?))) else {
            list.push(overlay.clone());
            continue;
        };
        let at = join(&join(at, &i.to_string()), "patches");
        match old.get_mut("patches") {
            Some(Value::Array(old)) => merge_patches(old, patches(overlay), &at, conflicts),
            _ => {
                old.insert("patches".to_owned(), Value::Array(patches(overlay).to_vec()));
            }
        }
    }
}

fn merge_patches(list: &mut Vec<Value>, over: &[Value], at: &str, conflicts: &mut Vec<Conflict>) {
    for patch in over {
        // the last of several is the one that counts
        let same = list.iter().rposition(|p| {
            p.get("path") == patch.get("path")
                && match (variable(p), variable(patch)) {
                    (Some(a), Some(b)) => a == b,
                    // other appended values have no key: only an equal one is the same
                    _ if appends(patch) => p == patch,
                    _ => true,
                }
        });
        match same {
            Some(i) if list[i] == *patch => {}
            Some(i) => {
                if let Some(variable) = variable(patch) {
                    conflicts.push(Conflict {
                        variable: variable.to_owned(),
                        before: list[i]["value"].clone(),
                        after: patch["value"].clone(),
                        pointer: join(at, &i.to_string()),
                    });
                }
                list[i] = patch.clone();
            }
            None => list.push(patch.clone()),
        }
    }
}

fn appends(patch: &Value) -> bool {
    patch.get("path").and_then(Value::as_str).is_some_and(|path| path.ends_with("[-1]"))
}
