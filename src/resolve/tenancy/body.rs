//! What a resource says beside its name and place, the same for both forms.

use serde_json::{Map, Value};

use crate::diagnostic::Diagnostic;
use crate::model::Standing;
use crate::spec::tsb::{Form, TsbDocument};

/// The body of a document: everything but `apiVersion`, `kind`, `metadata` and `status`; all of it
/// where nobody knows the kind.
///
/// What `tctl get` prints and the management plane sets, `etag` and `fqn`, is left out and told:
/// an old `etag` would be refused. `displayName` and `description` of tctl's `metadata` become
/// those of `spec`, which Kubernetes form has alone.
pub(super) fn body(
    document: &TsbDocument,
    standing: Standing,
    found: &mut Vec<Diagnostic>,
) -> Map<String, Value> {
    let Value::Object(mut body) = document.object.body.to_json() else { return Map::new() };
    if standing == Standing::Unknown {
        return body;
    }
    let metadata = body.remove("metadata");
    for key in ["apiVersion", "kind", "status"] {
        body.remove(key);
    }
    if standing == Standing::Known {
        leave_out_returned(document, &mut body, found);
        if document.form == Form::Tctl {
            take_over(metadata.as_ref(), &mut body);
        }
    }
    body
}

fn leave_out_returned(
    document: &TsbDocument,
    body: &mut Map<String, Value>,
    found: &mut Vec<Diagnostic>,
) {
    let Some(spec) = body.get_mut("spec").and_then(Value::as_object_mut) else { return };
    for key in ["etag", "fqn"] {
        if spec.remove(key).is_none() {
            continue;
        }
        let node = document.object.body.get("spec").and_then(|spec| spec.as_mapping());
        let span = node
            .and_then(|spec| spec.entry(key))
            .map_or(document.name_span(), |entry| entry.key_span);
        found.push(
            Diagnostic::note(
                "returned-field",
                format!("`{key}` is set by the management plane and left out"),
            )
            .at(span, "")
            .help("remove it: it belongs to what `tctl get` prints"),
        );
    }
}

fn take_over(metadata: Option<&Value>, body: &mut Map<String, Value>) {
    for key in ["displayName", "description"] {
        let Some(value) = metadata.and_then(|m| m.get(key)).filter(|v| v.is_string()) else {
            continue;
        };
        let spec = body.entry("spec").or_insert_with(|| Map::new().into());
        if let Some(spec) = spec.as_object_mut() {
            spec.entry(key).or_insert_with(|| value.clone());
        }
    }
}
