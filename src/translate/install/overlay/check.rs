//! What is wrong with a list of overlays.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{OverlayPath, PathError, Step, is_read_as_yaml, patches, target, variable};
use crate::diagnostic::{Diagnostic, Span};
use crate::translate::install::json_patch::join;

/// Checks a list of overlays that stands at pointer `at`; `place` gives the line behind a pointer.
pub fn check(list: &[Value], at: &str, place: &dyn Fn(&str) -> Span) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    // several overlays of one target are applied one after the other, as if they were one
    let mut targets: BTreeMap<[Option<&str>; 3], Vec<(String, &Value)>> = BTreeMap::new();
    for (i, overlay) in list.iter().enumerate() {
        let at = join(&join(at, &i.to_string()), "patches");
        let own = patches(overlay).iter().enumerate();
        let own = own.map(|(i, patch)| (join(&at, &i.to_string()), patch));
        targets.entry(target(overlay)).or_default().extend(own);
    }
    for patches in targets.values() {
        for (at, patch) in patches {
            check_patch(patch, at, place, &mut found);
        }
        check_variables(patches, place, &mut found);
        check_whole_lists(patches, place, &mut found);
    }
    found
}

fn check_patch(patch: &Value, at: &str, place: &dyn Fn(&str) -> Span, found: &mut Vec<Diagnostic>) {
    let Some(text) = patch.get("path").and_then(Value::as_str) else { return };
    let path_at = place(&join(at, "path"));
    let path = match OverlayPath::parse(text) {
        Ok(path) => path,
        Err(error) => {
            let message = format!("overlay path `{text}` {error}");
            // upstream takes `[v]` for `[:v]` where the list holds scalars, and `a..b` for `a.b`
            let is_taken = matches!(error, PathError::Selector | PathError::EmptyElement);
            let diagnostic = if is_taken {
                Diagnostic::warning("overlay-path", message)
            } else {
                Diagnostic::error("overlay-path", message)
            };
            found.push(
                diagnostic
                    .at(path_at, "")
                    .help(r"write `a.b`, `a\.b` for a point in a key, `list[0]`, `list[-1]` to append, `list[key:value]` or `list[:value]`"),
            );
            return;
        }
    };
    let value = patch.get("value").filter(|v| !v.is_null());
    if let Some(value) = value {
        nested(value, &join(at, "value"), place, found);
    }
    match value {
        None if path.appends() => found.push(
            Diagnostic::error(
                "overlay-delete",
                format!("`{text}` has no value, which deletes, but `[-1]` names nothing to delete"),
            )
            .at(path_at, "")
            .help("give it a `value`, or name the entry by `[key:value]`"),
        ),
        None if ends_in_nested_list(&path) => found.push(
            Diagnostic::error(
                "overlay-delete",
                format!("`{text}` deletes an entry of a list inside a list, which the operator cannot"),
            )
            .at(path_at, ""),
        ),
        Some(Value::String(value)) if is_read_as_yaml(value) => found.push(
            Diagnostic::warning(
                "overlay-text-as-yaml",
                format!("the text at `{text}` looks like YAML: if it is a mapping, the operator puts its first key in the place of the path's last"),
            )
            .at(place(&join(at, "value")), "")
            .help("write the value as YAML instead of a text"),
        ),
        Some(value) if path.appends() && is_env(&path) => {
            let inner = value.get("value");
            if value.get("name").and_then(Value::as_str).is_none() {
                found.push(
                    Diagnostic::error(
                        "overlay-variable",
                        format!("`{text}` appends a variable without a `name`"),
                    )
                    .at(place(&join(at, "value")), ""),
                );
            } else if let Some(inner) = inner.filter(|v| v.is_boolean() || v.is_number()) {
                let name = variable(patch).unwrap_or_default();
                found.push(
                    Diagnostic::error(
                        "overlay-variable",
                        format!("variable `{name}` is `{inner}`, but a variable's value is a text"),
                    )
                    .at(place(&join(&join(at, "value"), "value")), "")
                    .help(format!("write `\"{inner}\"` with its quotes")),
                );
            }
        }
        _ => {}
    }
}

/// Overlays inside of a patch's value: those of what another operator makes, as XCP's does
/// (EdgeXcp `spec.components.edgeServer.kubeSpec.overlays`).
fn nested(value: &Value, at: &str, place: &dyn Fn(&str) -> Span, found: &mut Vec<Diagnostic>) {
    match value {
        Value::Array(list) if list.iter().any(|entry| !patches(entry).is_empty()) => {
            found.extend(check(list, at, place));
        }
        Value::Object(map) => {
            for (key, value) in map {
                nested(value, &join(at, key), place, found);
            }
        }
        _ => {}
    }
}

/// The same variable appended twice for one target: Kubernetes takes the last, people read the
/// first.
fn check_variables(
    patches: &[(String, &Value)],
    place: &dyn Fn(&str) -> Span,
    found: &mut Vec<Diagnostic>,
) {
    let mut seen: BTreeMap<(&str, &str), (&str, &Value)> = BTreeMap::new();
    for (at, patch) in patches {
        let path = patch.get("path").and_then(Value::as_str).unwrap_or_default();
        let Some(name) = variable(patch) else { continue };
        let Some((first_at, first)) = seen.get(&(path, name)) else {
            seen.insert((path, name), (at, patch));
            continue;
        };
        let is_equal = first.get("value") == patch.get("value");
        let message = if is_equal {
            format!("variable `{name}` is appended twice")
        } else {
            format!("variable `{name}` is appended twice, with different values")
        };
        let code = "overlay-variable-twice";
        let diagnostic = if is_equal {
            Diagnostic::warning(code, message)
        } else {
            Diagnostic::error(code, message)
        };
        found.push(
            diagnostic
                .at(place(&join(at, "value")), "again")
                .also(place(&join(first_at, "value")), "first")
                .help("keep one: `[-1]` appends whatever is there already"),
        );
    }
}

/// A path that ends at a list instead of `[-1]` sets the list where it is absent, and nests it
/// where it is not.
fn check_whole_lists(
    patches: &[(String, &Value)],
    place: &dyn Fn(&str) -> Span,
    found: &mut Vec<Diagnostic>,
) {
    let path = |patch: &Value| {
        patch.get("path").and_then(Value::as_str).and_then(|t| OverlayPath::parse(t).ok())
    };
    for (i, (at, patch)) in patches.iter().enumerate() {
        let Some(whole) = path(patch).filter(|p| matches!(p.steps.last(), Some(Step::Key(_))))
        else {
            continue;
        };
        let value = patch.get("value");
        let is_list = value.is_some_and(Value::is_array);
        let is_variable = is_env(&whole) && value.is_some_and(Value::is_object);
        if !is_list && !is_variable {
            continue;
        }
        let spot = place(&join(at, "path"));
        // the first patch that made the list before this one
        let before = patches[..i].iter().find(|(_, earlier)| {
            path(earlier).is_some_and(|p| match p.steps.strip_prefix(whole.steps.as_slice()) {
                Some([]) => earlier.get("value").is_some_and(|v| !v.is_null()),
                Some([Step::Append | Step::Index(_), ..]) => true,
                _ => false,
            })
        });
        let help = format!("use `{whole}[-1]`, one patch for each entry");
        found.push(match before {
            Some((first, _)) if is_list => Diagnostic::error(
                "overlay-whole-list",
                format!("`{whole}` is a list already when this patch writes to it, so this list becomes one entry of it"),
            )
            .at(spot, "")
            .also(place(&join(first, "path")), "the list is made here")
            .help(help),
            _ if is_list => Diagnostic::warning(
                "overlay-whole-list",
                format!("`{whole}` is written as a whole list: where the list exists already, the operator nests this one in it"),
            )
            .at(spot, "")
            .help(help),
            _ => Diagnostic::warning(
                "overlay-whole-list",
                format!("`{whole}` is a list, but a mapping is written to it: it is appended where the list exists, and takes its place where not"),
            )
            .at(spot, "")
            .help(help),
        });
    }
}

fn ends_in_nested_list(path: &OverlayPath) -> bool {
    match path.steps.as_slice() {
        [.., before, last] => !matches!(before, Step::Key(_)) && !matches!(last, Step::Key(_)),
        _ => false,
    }
}

/// True for `….env` and `….env[-1]`.
fn is_env(path: &OverlayPath) -> bool {
    path.steps.iter().rev().find_map(|s| match s {
        Step::Key(key) => Some(key == "env"),
        _ => None,
    }) == Some(true)
}
