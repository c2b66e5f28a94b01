//! Which patch set which field, so that two patches which fight are found.
//!
//! An element of a list is known by its `name`, else by its place where the list kept its length,
//! else by its value: an inserted element moves no other.

use std::collections::BTreeMap;

use serde_json::Value;

/// The fields of one object that patches changed, and the entry that changed each last.
#[derive(Clone, Debug, Default)]
pub(super) struct Changes {
    by_path: BTreeMap<Vec<String>, Change>,
}

#[derive(Clone, Copy, Debug)]
struct Change {
    entry: usize,
    removed: bool,
}

impl Changes {
    /// Takes in what an entry did to the object. Returns the fields that an earlier entry had
    /// changed, with that entry.
    pub(super) fn record(
        &mut self,
        entry: usize,
        before: &Value,
        after: &Value,
    ) -> Vec<(usize, String)> {
        let mut changed = BTreeMap::new();
        compare(before, after, &mut Vec::new(), &mut changed);
        let mut fights = Vec::new();
        for path in changed.keys() {
            let above = (1..path.len()).filter_map(|n| self.by_path.get(&path[..n]));
            let touched = self.by_path.get(path).into_iter().chain(above.filter(|c| c.removed));
            if let Some(earlier) = touched.filter(|c| c.entry != entry).map(|c| c.entry).max() {
                fights.push((earlier, readable(path)));
            }
        }
        for (path, removed) in changed {
            self.by_path.insert(path, Change { entry, removed });
        }
        fights
    }
}

/// A step that stands for an element by its value.
const BY_VALUE: &str = "=";

fn readable(path: &[String]) -> String {
    let steps = path.iter().map(|step| match step.strip_prefix(BY_VALUE) {
        Some(value) if value.chars().count() > 40 => "an element".to_owned(),
        Some(value) => value.to_owned(),
        None => step.clone(),
    });
    steps.collect::<Vec<_>>().join(".")
}

type Changed = BTreeMap<Vec<String>, bool>;

fn compare(before: &Value, after: &Value, path: &mut Vec<String>, changed: &mut Changed) {
    match (before, after) {
        (before, after) if before == after => {}
        (Value::Object(before), Value::Object(after)) => {
            for (key, old) in before {
                within(path, key, |path| match after.get(key) {
                    Some(new) => compare(old, new, path, changed),
                    None => removed(old, path, changed),
                });
            }
            for (key, new) in after.iter().filter(|(key, _)| !before.contains_key(*key)) {
                within(path, key, |path| leaves(new, path, changed, false));
            }
        }
        (Value::Array(before), Value::Array(after)) => {
            compare_lists(before, after, path, changed);
        }
        (old, new) => {
            leaves(old, path, changed, false);
            leaves(new, path, changed, false);
        }
    }
}

fn compare_lists(before: &[Value], after: &[Value], path: &mut Vec<String>, changed: &mut Changed) {
    if let (Some(old), Some(new)) = (by_name(before), by_name(after)) {
        for (name, old) in &old {
            within(path, name, |path| match new.get(name) {
                Some(new) => compare(old, new, path, changed),
                None => removed(old, path, changed),
            });
        }
        for (name, new) in new.iter().filter(|(name, _)| !old.contains_key(*name)) {
            within(path, name, |path| leaves(new, path, changed, false));
        }
    } else if before.len() == after.len() {
        for (index, (old, new)) in before.iter().zip(after).enumerate() {
            within(path, &index.to_string(), |path| compare(old, new, path, changed));
        }
    } else {
        let mut left: Vec<(usize, &Value)> = before.iter().enumerate().collect();
        for new in after {
            match left.iter().position(|(_, old)| *old == new) {
                Some(at) => {
                    left.remove(at);
                }
                None => within(path, &format!("{BY_VALUE}{new}"), |path| {
                    changed.insert(path.clone(), false);
                }),
            }
        }
        for (index, old) in left {
            within(path, &index.to_string(), |path| leaves(old, path, changed, false));
            within(path, &format!("{BY_VALUE}{old}"), |path| {
                changed.insert(path.clone(), true);
            });
        }
    }
}

fn by_name(list: &[Value]) -> Option<BTreeMap<&str, &Value>> {
    let named: Option<BTreeMap<&str, &Value>> =
        list.iter().map(|v| Some((v.get("name")?.as_str()?, v))).collect();
    named.filter(|named| named.len() == list.len())
}

fn removed(value: &Value, path: &mut Vec<String>, changed: &mut Changed) {
    leaves(value, path, changed, true);
    changed.insert(path.clone(), true);
}

fn leaves(value: &Value, path: &mut Vec<String>, changed: &mut Changed, removed: bool) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                within(path, key, |path| leaves(value, path, changed, removed));
            }
        }
        Value::Array(list) if !list.is_empty() => {
            let names = by_name(list).is_some();
            for (index, value) in list.iter().enumerate() {
                let name = value.get("name").and_then(Value::as_str).filter(|_| names);
                let step = name.map_or_else(|| index.to_string(), str::to_owned);
                within(path, &step, |path| leaves(value, path, changed, removed));
            }
        }
        _ => {
            changed.insert(path.clone(), removed);
        }
    }
}

fn within(path: &mut Vec<String>, step: &str, act: impl FnOnce(&mut Vec<String>)) {
    path.push(step.to_owned());
    act(path);
    path.pop();
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The fights of a series of states of one object, each the work of one entry.
    fn fights(states: &[Value]) -> Vec<(usize, String)> {
        let mut changes = Changes::default();
        let pairs = states.windows(2).enumerate();
        pairs.flat_map(|(entry, pair)| changes.record(entry, &pair[0], &pair[1])).collect()
    }

    #[test]
    fn a_field_that_is_set_twice_or_taken_back() {
        let overwritten = [json!({"a": {"b": 1}}), json!({"a": {"b": 2}}), json!({"a": {"b": 3}})];
        assert_eq!(fights(&overwritten), [(0, "a.b".into())]);
        let undone = [json!({}), json!({"a": {"b": 2}}), json!({})];
        assert_eq!(fights(&undone), [(0, "a.b".into())]);
        let put_back = [json!({"a": {"b": 2}}), json!({}), json!({"a": {"c": 1}})];
        assert_eq!(fights(&put_back), [(0, "a.c".into())]);
    }

    #[test]
    fn neighbours_do_not_fight() {
        let maps = [json!({"a": {"b": 1}}), json!({"a": {"b": 2}}), json!({"a": {"b": 2, "c": 1}})];
        assert_eq!(fights(&maps), []);
        let appended = [json!({"l": [1]}), json!({"l": [1, 2]}), json!({"l": [0, 1, 2]})];
        assert_eq!(fights(&appended), []);
        let named = |v: i32, w: i32| json!({"l": [{"name": "x", "v": v}, {"name": "y", "v": w}]});
        assert_eq!(fights(&[named(1, 1), named(2, 1), named(2, 2)]), []);
        assert_eq!(fights(&[json!({}), json!({"a": 1}), json!({"a": 1})]), []);
    }

    #[test]
    fn elements_of_lists() {
        let removed = [json!({"l": [1]}), json!({"l": [1, 2]}), json!({"l": [1]})];
        assert_eq!(fights(&removed), [(0, "l.2".into())]);
        let changed = [
            json!({"l": [{"v": 1}, {"v": 5}]}),
            json!({"l": [{"v": 2}, {"v": 5}]}),
            json!({"l": [{"v": 5}]}),
        ];
        assert_eq!(fights(&changed), [(0, "l.0.v".into())]);
    }
}
