//! What changed in an object, field by field.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::field_path::{FieldPath, Step};
use super::keyed::{identity, keys_of};

/// A field that is not as it was.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldChange {
    /// The way to it.
    pub path: FieldPath,
    /// Its value before; `None` where there was none.
    pub before: Option<Value>,
    /// Its value after; `None` where there is none.
    pub after: Option<Value>,
    /// The items of a list are the same, by what tells them apart, in another order: `before` and
    /// `after` say the orders.
    pub is_order: bool,
}

/// The fields in which two values differ, in the order of the keys before and then after. There
/// is none only where the values are equal; the order of keys is no part of a value.
///
/// The items of a list are matched by the fields that tell them apart, where there are such, else
/// the longest common run of equal items stays where it is. A value that is there on one side only
/// is told whole, at its root.
pub fn fields(before: &Value, after: &Value) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    compare(&FieldPath::default(), before, after, &mut changes);
    changes
}

fn compare(path: &FieldPath, before: &Value, after: &Value, changes: &mut Vec<FieldChange>) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => mappings(path, before, after, changes),
        (Value::Array(before), Value::Array(after)) => lists(path, before, after, changes),
        (before, after) if before == after => {}
        (before, after) => changes.push(change(path, Some(before), Some(after))),
    }
}

fn mappings(
    path: &FieldPath,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    changes: &mut Vec<FieldChange>,
) {
    for (key, old) in before {
        let here = || path.join(Step::Key(key.clone()));
        match after.get(key) {
            Some(new) if old == new => {}
            Some(new) => compare(&here(), old, new, changes),
            None => changes.push(change(&here(), Some(old), None)),
        }
    }
    for (key, new) in after.iter().filter(|(key, _)| !before.contains_key(*key)) {
        changes.push(change(&path.join(Step::Key(key.clone())), None, Some(new)));
    }
}

fn lists(path: &FieldPath, before: &[Value], after: &[Value], changes: &mut Vec<FieldChange>) {
    if before == after {
        return;
    }
    match keys_of(before, after) {
        Some(keys) => keyed_lists(path, (before, after), keys, changes),
        None => plain_lists(path, before, after, changes),
    }
}

fn keyed_lists(
    path: &FieldPath,
    (before, after): (&[Value], &[Value]),
    keys: &[&str],
    changes: &mut Vec<FieldChange>,
) {
    type Id = Vec<(String, String)>;
    let by_id = |items: &'_ [Value]| -> Vec<Id> {
        items.iter().filter_map(|item| identity(item, keys)).collect()
    };
    let (old, new) = (by_id(before), by_id(after));
    let places: BTreeMap<&Id, usize> = new.iter().enumerate().map(|(i, id)| (id, i)).collect();
    for (id, item) in old.iter().zip(before) {
        let here = path.join(Step::Item(id.clone()));
        match places.get(id).and_then(|at| after.get(*at)) {
            Some(other) => compare(&here, item, other, changes),
            None => changes.push(change(&here, Some(item), None)),
        }
    }
    let known: BTreeSet<&Id> = old.iter().collect();
    for (id, item) in new.iter().zip(after).filter(|(id, _)| !known.contains(id)) {
        changes.push(change(&path.join(Step::Item(id.clone())), None, Some(item)));
    }
    // of those that stay
    let stays = |ids: &[Id], others: &BTreeSet<&Id>| -> Vec<Value> {
        ids.iter().filter(|id| others.contains(id)).map(|id| said(id)).collect()
    };
    let (was, is) = (stays(&old, &places.keys().copied().collect()), stays(&new, &known));
    if was != is {
        let (before, after) = (Some(Value::Array(was)), Some(Value::Array(is)));
        changes.push(FieldChange { path: path.clone(), before, after, is_order: true });
    }
}

fn said(id: &[(String, String)]) -> Value {
    id.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>().join("/").into()
}

/// Items without a name of their own: those that are equal on both sides stay; of the others, as
/// many mappings or lists as stand in the place of each other are compared, the rest came or went.
fn plain_lists(
    path: &FieldPath,
    before: &[Value],
    after: &[Value],
    changes: &mut Vec<FieldChange>,
) {
    // equal items have equal texts: keys are sorted, since their order means nothing
    let texts = |items: &[Value]| items.iter().map(canonical).collect::<Vec<String>>();
    let (old, new) = (texts(before), texts(after));
    for op in capture_diff_slices(Algorithm::Myers, &old, &new) {
        if matches!(op, DiffOp::Equal { .. }) {
            continue;
        }
        let (olds, news) = (op.old_range(), op.new_range());
        let mut pairs = olds.clone().zip(news.clone()).take_while(|(i, j)| {
            let both = |f: fn(&Value) -> bool| f(&before[*i]) && f(&after[*j]);
            both(Value::is_object) || both(Value::is_array)
        });
        let mut paired = 0;
        for (i, j) in pairs.by_ref() {
            compare(&path.join(Step::Index(i)), &before[i], &after[j], changes);
            paired += 1;
        }
        for i in olds.skip(paired) {
            changes.push(change(&path.join(Step::Index(i)), Some(&before[i]), None));
        }
        for j in news.skip(paired) {
            changes.push(change(&path.join(Step::Index(j)), None, Some(&after[j])));
        }
    }
}

fn canonical(value: &Value) -> String {
    fn write(value: &Value, out: &mut String) {
        match value {
            Value::Object(map) => {
                let sorted: BTreeMap<&String, &Value> = map.iter().collect();
                out.push('{');
                for (key, value) in sorted {
                    out.push_str(&Value::from(key.as_str()).to_string());
                    out.push(':');
                    write(value, out);
                    out.push(',');
                }
                out.push('}');
            }
            Value::Array(items) => {
                out.push('[');
                for item in items {
                    write(item, out);
                    out.push(',');
                }
                out.push(']');
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                out.push_str(&value.to_string());
            }
        }
    }
    let mut out = String::new();
    write(value, &mut out);
    out
}

fn change(path: &FieldPath, before: Option<&Value>, after: Option<&Value>) -> FieldChange {
    FieldChange {
        path: path.clone(),
        before: before.cloned(),
        after: after.cloned(),
        is_order: false,
    }
}
