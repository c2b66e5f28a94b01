//! JSON6902 patches: read from text, applied through the `json-patch` crate.
//!
//! kustomize uses Go's evanphx/json-patch, which takes more than RFC 6902 allows; what it takes
//! beyond that is refused here (see the list in `mod.rs`), with a hint.

use json_patch::{PatchErrorKind, PatchOperation};
use serde_json::{Map, Value};

use crate::diagnostic::Span;
use crate::yaml::{Node, Pointer};

/// The operations of one patch.
#[derive(Clone, Debug)]
pub(super) struct Operations {
    operations: Vec<PatchOperation>,
    /// Where each stands, if that is known.
    pub(super) places: Vec<Span>,
}

/// Why an operation cannot be read or applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OperationFault {
    /// Its number, from 0.
    pub(super) index: usize,
    pub(super) what: String,
    pub(super) help: Option<&'static str>,
}

/// Where kustomize keeps notes of its own while it works: whoever reads all of it reads them, too.
const NOTES: [&str; 3] = ["", "/metadata", "/metadata/annotations"];

const FIELDS: [&str; 4] = ["op", "path", "from", "value"];

impl Operations {
    /// Reads the list of operations.
    pub(super) fn parse(items: &[Node]) -> Result<Self, OperationFault> {
        let mut operations = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let operation = operation(&item.to_json()).map_err(|(what, help)| OperationFault {
                index,
                what,
                help,
            })?;
            operations.push(operation);
        }
        Ok(Self { operations, places: items.iter().map(|item| item.span).collect() })
    }

    /// Applies all operations or none.
    pub(super) fn apply(&self, object: &Value) -> Result<Value, OperationFault> {
        let mut result = object.clone();
        // kustomize notes the object's name in its annotations first, so that they exist for the
        // patch; at its end it drops them if they are empty
        let dropping = with_annotations(&mut result);
        let mut size = Size::of(&result);
        for (index, operation) in self.operations.iter().enumerate() {
            let fault = |(what, help)| OperationFault { index, what, help };
            growth(operation, &result, &mut size).map_err(fault)?;
            json_patch::patch(&mut result, std::slice::from_ref(operation))
                .map_err(|error| fault(explain(operation, &error.kind, &result)))?;
        }
        if dropping {
            drop_empty_annotations(&mut result);
        }
        Ok(result)
    }
}

/// What an object may grow to under a patch, whatever it copies: as many values and bytes as
/// aliases may grow to, and the depth that is read (`yaml::Budget`).
const MOST: Size = Size { values: 100_000, bytes: 4 << 20, depth: 64 };

/// What a value takes.
#[derive(Clone, Copy, Debug, Default)]
struct Size {
    values: usize,
    bytes: usize,
    /// Levels of lists and mappings.
    depth: usize,
}

impl Size {
    fn of(value: &Value) -> Self {
        let mut size = Self { values: 1, ..Self::default() };
        match value {
            Value::String(text) => size.bytes = text.len(),
            Value::Array(items) => items.iter().for_each(|item| size.hold(Self::of(item))),
            Value::Object(map) => {
                for (key, value) in map {
                    size.bytes += key.len();
                    size.hold(Self::of(value));
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
        if value.is_array() || value.is_object() {
            size.depth += 1;
        }
        size
    }

    fn hold(&mut self, inner: Self) {
        self.values += inner.values;
        self.bytes += inner.bytes;
        self.depth = self.depth.max(inner.depth);
    }
}

/// Adds what an operation puts into the object to its size. What it takes away is not deducted: a
/// patch that needs that has copied thousands of values.
fn growth(operation: &PatchOperation, object: &Value, size: &mut Size) -> Result<(), What> {
    let (path, added) = match operation {
        PatchOperation::Add(op) => (&op.path, Size::of(&op.value)),
        PatchOperation::Replace(op) => (&op.path, Size::of(&op.value)),
        PatchOperation::Copy(op) => {
            (&op.path, object.pointer(op.from.as_str()).map(Size::of).unwrap_or_default())
        }
        // it is there already, but for its depth
        PatchOperation::Move(op) => {
            let moved = object.pointer(op.from.as_str()).map(Size::of).unwrap_or_default();
            (&op.path, Size { values: 0, bytes: 0, ..moved })
        }
        PatchOperation::Remove(_) | PatchOperation::Test(_) => return Ok(()),
    };
    size.values += added.values;
    size.bytes += added.bytes;
    let depth = path.as_str().matches('/').count() + added.depth;
    let help = Some("copy a part that does not hold what was copied before");
    if size.values > MOST.values || size.bytes > MOST.bytes {
        let Size { values, bytes, .. } = MOST;
        let what = format!("the object would grow to more than {values} values or {bytes} bytes");
        return Err((what, help));
    }
    if depth > MOST.depth {
        return Err((
            format!("the object would be nested more than {} levels deep", MOST.depth),
            help,
        ));
    }
    Ok(())
}

fn with_annotations(object: &mut Value) -> bool {
    match object.get_mut("metadata").and_then(Value::as_object_mut) {
        Some(metadata) => {
            let annotations = metadata.entry("annotations").or_insert(Value::Null);
            if annotations.is_null() {
                *annotations = Value::Object(Map::new());
            }
            true
        }
        None => false,
    }
}

fn drop_empty_annotations(object: &mut Value) {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut)
        && metadata.get("annotations").and_then(Value::as_object).is_some_and(Map::is_empty)
    {
        metadata.shift_remove("annotations");
    }
}

type What = (String, Option<&'static str>);

fn operation(value: &Value) -> Result<PatchOperation, What> {
    let Some(map) = value.as_object() else {
        return Err(("it is no mapping".into(), Some("write `op`, `path` and `value`")));
    };
    if let Some(unknown) = map.keys().find(|k| !FIELDS.contains(&k.as_str())) {
        return Err((
            format!("`{unknown}` is no part of it"),
            Some("use `op`, `path`, `from`, `value`"),
        ));
    }
    let text = |field: &str| map.get(field).and_then(Value::as_str);
    let Some(op) = text("op") else { return Err(("`op` is missing".into(), None)) };
    let needs: &[&str] = match op {
        "add" | "replace" | "test" => &["value"],
        "move" | "copy" => &["from"],
        "remove" => &[],
        _ => {
            return Err((
                format!("`{op}` is not known"),
                Some("use `add`, `remove`, `replace`, `move`, `copy` or `test`"),
            ));
        }
    };
    if let Some(missing) = needs.iter().find(|f| !map.contains_key(**f)) {
        return Err((format!("`{op}` has no `{missing}`"), None));
    }
    for field in ["path", "from"] {
        let (pointer, given) = match (text(field), map.contains_key(field)) {
            (Some(pointer), _) => (pointer, true),
            (None, given) => ("", given),
        };
        if !given && (field == "path" || needs.contains(&field)) {
            return Err((format!("`{op}` has no `{field}`"), None));
        }
        if given && (text(field).is_none() || Pointer::parse(pointer).is_none()) {
            return Err((
                format!("`{field}` is not a JSON pointer"),
                Some("it starts with `/`, and `/` in a key is written `~1`"),
            ));
        }
        if given && pointer.is_empty() && !(field == "path" && op == "replace") {
            return Err((format!("`{op}` of the whole object is not taken"), None));
        }
    }
    let reads = if op == "test" { text("path") } else { text("from") };
    if let Some(pointer) = reads.filter(|p| NOTES.contains(p)) {
        return Err((
            format!("`{op}` reads `{pointer}`, where kustomize keeps notes of its own"),
            Some("name a label or annotation"),
        ));
    }
    serde_json::from_value(value.clone()).map_err(|e| (e.to_string(), None))
}

fn explain(operation: &PatchOperation, kind: &PatchErrorKind, object: &Value) -> What {
    let op = match operation {
        PatchOperation::Add(_) => "add",
        PatchOperation::Remove(_) => "remove",
        PatchOperation::Replace(_) => "replace",
        PatchOperation::Move(_) => "move",
        PatchOperation::Copy(_) => "copy",
        PatchOperation::Test(_) => "test",
    };
    let path = operation.path().as_str();
    let from = match operation {
        PatchOperation::Move(op) => op.from.as_str(),
        PatchOperation::Copy(op) => op.from.as_str(),
        _ => "",
    };
    let (what, pointer) = match kind {
        PatchErrorKind::TestFailed => (format!("`{path}` has another value"), ""),
        PatchErrorKind::InvalidFromPointer => (format!("`{from}` does not exist"), from),
        PatchErrorKind::CannotMoveInsideItself => {
            (format!("`{from}` cannot be moved into itself"), "")
        }
        _ => match operation {
            PatchOperation::Add(_) | PatchOperation::Move(_) | PatchOperation::Copy(_) => {
                (format!("there is no place `{path}` to add to"), path)
            }
            _ => (format!("`{path}` does not exist"), path),
        },
    };
    let last = pointer.rsplit('/').next().unwrap_or_default();
    let help = if last.strip_prefix('-').is_some_and(|n| n.parse::<u32>().is_ok()) {
        Some("a negative index is an extension of kustomize: write `-` to append, else the index")
    } else {
        match operation {
            _ if is_slashed(pointer, object) => {
                Some("write a `/` in a key as `~1`: `/metadata/annotations/example.com~1owner`")
            }
            PatchOperation::Replace(_) if !pointer.is_empty() => {
                Some("use `add`, which sets a key whether it exists or not")
            }
            PatchOperation::Add(_) if !pointer.is_empty() => {
                Some("add its parent first; an index may be at most the length of the list")
            }
            _ => None,
        }
    };
    (format!("`{op}`: {what}"), help)
}

/// True where a pointer goes into labels, annotations or selectors by a key that must be a prefix:
/// `example.com`, of which there is none, and then a name.
fn is_slashed(pointer: &str, object: &Value) -> bool {
    let is_map =
        |value: &Value| value.as_object().is_some_and(|map| map.values().all(Value::is_string));
    let slashes = pointer.match_indices('/').skip(1).map(|(at, _)| at);
    slashes.into_iter().any(|at| {
        let (holder, rest) = pointer.split_at(at);
        let mut keys = rest.trim_start_matches('/').split('/');
        let prefix = keys.next().unwrap_or_default();
        let names_one = matches!(
            holder.rsplit('/').next(),
            Some("annotations" | "labels" | "matchLabels" | "nodeSelector")
        );
        let is_there = object.pointer(&format!("{holder}/{prefix}")).is_some();
        let is_prefix = prefix.contains('.') && keys.next().is_some();
        let holds_texts = object.pointer(holder).is_none_or(is_map);
        names_one && is_prefix && !is_there && holds_texts
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::diagnostic::FileId;
    use crate::yaml::{Budget, read};

    fn operations(text: &str) -> Result<Operations, String> {
        let (documents, found) = read(FileId(0), text, &Budget::SPEC);
        assert_eq!(found, []);
        Operations::parse(documents[0].root.as_list().unwrap()).map_err(|f| f.what)
    }

    fn applied(text: &str) -> Result<Value, (usize, String)> {
        let object = json!({"metadata": {"name": "a"}, "l": [1, 2], "m": {"x": 1}});
        operations(text).unwrap().apply(&object).map_err(|f| (f.index, f.what))
    }

    #[test]
    fn all_or_nothing() {
        let result = applied("- {op: add, path: /l/-, value: 3}\n- {op: remove, path: /m/x}\n");
        assert_eq!(result, Ok(json!({"metadata": {"name": "a"}, "l": [1, 2, 3], "m": {}})));
        let result = applied("- {op: add, path: /l/-, value: 3}\n- {op: remove, path: /m/y}\n");
        assert_eq!(result, Err((1, "`remove`: `/m/y` does not exist".into())));
    }

    #[test]
    fn annotations_exist_for_the_patch() {
        let result = applied("- {op: add, path: /metadata/annotations/k, value: v}\n").unwrap();
        assert_eq!(result["metadata"], json!({"name": "a", "annotations": {"k": "v"}}));
    }

    #[test]
    fn stricter_than_evanphx() {
        for text in [
            "- {op: replace, path: /m/y, value: 1}\n",
            "- {op: add, path: /l/-1, value: 1}\n",
            "- {op: remove, path: /l/-1}\n",
            "- {op: copy, from: /m/y, path: /m/z}\n",
            "- {op: test, path: /m/y, value: null}\n",
            "- {op: replace, path: /l/00, value: 1}\n",
        ] {
            assert!(applied(text).is_err(), "{text}");
        }
        for text in [
            "- {op: add, path: l/0, value: 1}\n",
            "- {op: add, path: /l/0}\n",
            "- {op: merge, path: /l, value: 1}\n",
            "- {op: add, path: /l/0, valeu: 1}\n",
            "- {op: add, path: '', value: {}}\n",
            "- {op: move, path: /a}\n",
            "- {op: test, path: /metadata/annotations, value: {}}\n",
            "- {op: copy, from: /metadata, path: /spec}\n",
            "- 3\n",
        ] {
            assert!(operations(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_object_grows_only_so_far() {
        let copies = |n: usize| -> String {
            (0..n).map(|i| format!("- {{op: copy, from: /spec, path: /spec/a{i}}}\n")).collect()
        };
        let object = json!({"spec": {"a": "b"}});
        let apply =
            |text: &str| operations(text).unwrap().apply(&object).map_err(|f| (f.index, f.what));
        assert!(apply(&copies(12)).is_ok());
        let (index, what) = apply(&copies(40)).unwrap_err();
        assert!(index < 20 && what.contains("would grow to more than 100000 values"), "{what}");
        // a text that is copied into itself by moves grows in bytes, a chain in depth
        let nested: String = (0..80)
            .map(|i| format!("- {{op: copy, from: /spec, path: /b{i}}}\n- {{op: move, from: /b{i}, path: /spec/c}}\n"))
            .collect();
        let (_, what) = apply(&nested).unwrap_err();
        assert!(what.contains("values") || what.contains("levels deep"), "{what}");
        let long = "x".repeat(1 << 20);
        let doubled: String =
            (0..9).map(|i| format!("- {{op: copy, from: /spec/t, path: /spec/t{i}}}\n")).collect();
        let large = json!({"spec": {"t": long}});
        let fault = operations(&doubled).unwrap().apply(&large).unwrap_err();
        assert!(fault.what.contains("4194304 bytes"), "{}", fault.what);
    }

    #[test]
    fn a_slash_in_a_key_is_explained() {
        let object = json!({"metadata": {"annotations": {"a": "b"}}});
        let fault = |text: &str| operations(text).unwrap().apply(&object).unwrap_err();
        for path in
            ["/metadata/annotations/example.com/owner", "/metadata/labels/example.com/owner"]
        {
            for op in ["add", "replace"] {
                let fault = fault(&format!("- {{op: {op}, path: {path}, value: x}}"));
                assert!(fault.help.is_some_and(|h| h.contains("~1")), "{op} {path}: {fault:?}");
            }
        }
        let other = fault("- {op: add, path: /spec/a.b/c, value: x}");
        assert!(!other.help.is_some_and(|h| h.contains("~1")), "{other:?}");
    }
}
