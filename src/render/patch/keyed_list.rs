//! Lists that a strategic merge joins element by element (`kyaml/yaml/walk/associative_sequence.go`).
//!
//! The order is kustomize's. With one key: the elements of the patch in its order, merged with
//! their namesakes, then the rest of the object's. With two keys in use: the patch's new elements,
//! then the object's in their own order.
//!
//! kustomize normalises such lists even where the patch does not name them: it drops all but the
//! last of equal keys and, beside an element without its key, everything else. Here the elements
//! that the patch does not name stay as they are; where it names one of those, it is refused.

use serde_json::{Map, Value};

use super::strategic::{DIRECTIVE, Dest, Directive, Fault, directive, merge_map, scalar_text};
use crate::k8s::merge_keys::Schema;
use crate::yaml::Pointer;

/// Merges a list by its keys, or as a set of scalars where there is none. `None` means that the
/// list goes.
pub(super) fn merge(
    keys: &[&str],
    schema: Schema,
    dest: Dest<&Vec<Value>>,
    patch: &[Value],
    at: &Pointer,
) -> Result<Option<Vec<Value>>, Fault> {
    let empty = Vec::new();
    let (whole, patch) = list_directive(patch, at)?;
    let (dest, is_new) = match (whole, dest) {
        (Some(_), Dest::Missing) => {
            return Err(Fault::new(at, "patch-directive", "the object has no such list")
                .help("leave `$patch` out"));
        }
        (Some(Directive::Delete), _) => return Ok(None),
        (Some(Directive::Merge) | None, Dest::Present(dest)) => (dest, false),
        (Some(Directive::Replace), _) | (_, Dest::Missing | Dest::New) => (&empty, true),
    };
    if keys.is_empty() {
        return set(dest, &patch, at).map(Some);
    }
    let list = KeyedList { keys, schema, at };
    list.merge(dest, &patch, is_new).map(Some)
}

/// A directive for the list as a whole stands in an element of its own.
fn list_directive<'p>(
    patch: &'p [Value],
    at: &Pointer,
) -> Result<(Option<Directive>, Vec<&'p Value>), Fault> {
    let Some(found) = patch.iter().filter_map(alone).find(|m| m.contains_key(DIRECTIVE)) else {
        return Ok((None, patch.iter().collect()));
    };
    let rest: Vec<&Value> = patch.iter().filter(|v| alone(v) != Some(found)).collect();
    if rest.iter().any(|v| v.get(DIRECTIVE).is_some()) {
        return Err(Fault::new(
            at,
            "patch-directive",
            "`$patch` stands for the whole list and in an element of it",
        )
        .help("use one of the two"));
    }
    Ok((directive(found, at)?, rest))
}

fn alone(value: &Value) -> Option<&Map<String, Value>> {
    value.as_object().filter(|m| m.len() == 1)
}

/// Elements of the patch, then those of the object that it does not have; each once.
fn set(dest: &[Value], patch: &[&Value], at: &Pointer) -> Result<Vec<Value>, Fault> {
    let mut result: Vec<Value> = Vec::new();
    for value in patch.iter().copied().chain(dest) {
        if matches!(value, Value::Object(_) | Value::Array(_)) {
            return Err(Fault::new(at, "patch-list-element", "this list holds scalars only"));
        }
        if !result.iter().any(|v| scalar_text(v) == scalar_text(value)) {
            result.push(value.clone());
        }
    }
    Ok(result)
}

struct KeyedList<'a> {
    keys: &'a [&'a str],
    schema: Schema,
    at: &'a Pointer,
}

/// The texts of the key fields; an absent one is empty.
type Key = Vec<String>;

/// An element of a patch and its key.
type Element<'p> = (Key, &'p Map<String, Value>);

impl KeyedList<'_> {
    fn merge(&self, dest: &[Value], patch: &[&Value], is_new: bool) -> Result<Vec<Value>, Fault> {
        let elements = self.elements(patch)?;
        let dest_keys: Vec<Key> = dest.iter().map(|v| self.key(v)).collect();
        let in_use = |at: usize| {
            elements.iter().map(|(k, _)| k).chain(&dest_keys).any(|k| !k[at].is_empty())
        };
        let composite = self.keys.len() > 1 && (1..self.keys.len()).all(in_use);
        self.refuse_ambiguous(&elements, &dest_keys, is_new)?;

        let mut merged: Vec<Option<Value>> = Vec::new();
        let mut of_dest: Vec<Slot> = vec![Slot::Untouched; dest.len()];
        for (index, (key, element)) in elements.iter().enumerate() {
            let at = self.at.join(index.to_string());
            let namesake = self.namesake(key, &dest_keys, &at)?;
            let into = match namesake.and_then(|i| dest[i].as_object()) {
                Some(map) => Dest::Present(map),
                None if is_new => Dest::New,
                None => Dest::Missing,
            };
            self.refuse_ignored(directive(element, &at)?, key, into, composite, &at)?;
            let value = merge_map(Some(self.schema), into, element, &at)?.map(Value::Object);
            match namesake {
                Some(i) if composite => of_dest[i] = Slot::Merged(value),
                Some(i) => {
                    of_dest[i] = Slot::Merged(None);
                    merged.push(value);
                }
                None => merged.push(value),
            }
        }
        let rest = dest.iter().zip(of_dest).filter_map(|(old, slot)| match slot {
            Slot::Untouched => Some(old.clone()),
            Slot::Merged(value) => value,
        });
        Ok(merged.into_iter().flatten().chain(rest).collect())
    }

    /// The object's element of the same key.
    fn namesake(&self, key: &Key, dest: &[Key], at: &Pointer) -> Result<Option<usize>, Fault> {
        let mut same = (0..dest.len()).filter(|i| dest[*i] == *key);
        let found = same.next();
        if same.next().is_some() {
            let what = format!("the object has several elements with {}", self.named(key));
            return Err(self.fault(at, what));
        }
        Ok(found)
    }

    /// Directives on an element that kustomize passes over.
    fn refuse_ignored(
        &self,
        says: Option<Directive>,
        key: &Key,
        into: Dest<&Map<String, Value>>,
        composite: bool,
        at: &Pointer,
    ) -> Result<(), Fault> {
        match says {
            Some(Directive::Replace) if matches!(into, Dest::Present(_)) => Err(Fault::new(
                at,
                "patch-directive",
                format!("kustomize ignores `$patch: replace` on {}", self.named(key)),
            )
            .help("delete it and give the new one another key, or use a JSON6902 patch")),
            Some(Directive::Delete) if composite && key.iter().any(String::is_empty) => {
                let what = format!(
                    "kustomize does not delete {} beside elements that have every key",
                    self.named(key)
                );
                Err(Fault::new(at, "patch-directive", what).help("use a JSON6902 patch"))
            }
            Some(Directive::Delete | Directive::Replace | Directive::Merge) | None => Ok(()),
        }
    }

    /// The patch's elements by key: each a mapping that has its first key, none twice.
    fn elements<'p>(&self, patch: &[&'p Value]) -> Result<Vec<Element<'p>>, Fault> {
        let mut elements: Vec<Element<'_>> = Vec::new();
        for (index, value) in patch.iter().enumerate() {
            let at = self.at.join(index.to_string());
            let Some(map) = value.as_object() else {
                return Err(self.fault(&at, "an element of this list is a mapping"));
            };
            let key = self.key(value);
            if key[0].is_empty() {
                return Err(self.fault(&at, format!("this element has no `{}`", self.keys[0])));
            }
            if elements.iter().any(|(k, _)| *k == key) {
                return Err(self.fault(&at, format!("the patch has {} twice", self.named(&key))));
            }
            elements.push((key, map));
        }
        Ok(elements)
    }

    /// kustomize takes `{port: 53}` and `{port: 53, protocol: UDP}` for one element and loses one of
    /// them.
    fn refuse_ambiguous(
        &self,
        elements: &[Element<'_>],
        dest: &[Key],
        is_new: bool,
    ) -> Result<(), Fault> {
        for (index, (key, _)) in elements.iter().enumerate() {
            // in a list of its own it loses the fuller one only if that stands first
            if is_new && key.iter().all(|k| !k.is_empty()) {
                continue;
            }
            let mut others = elements[..index].iter().map(|(k, _)| k).chain(dest);
            if others.any(|other| other != key && may_be_one(key, other)) {
                return Err(self
                    .fault(
                        &self.at.join(index.to_string()),
                        format!("{} may be two elements of the list", self.named(key)),
                    )
                    .help("say every key, here and in the object"));
            }
        }
        Ok(())
    }

    fn key(&self, element: &Value) -> Key {
        self.keys.iter().map(|k| element.get(k).map(scalar_text).unwrap_or_default()).collect()
    }

    fn named(&self, key: &[String]) -> String {
        let parts: Vec<String> = self
            .keys
            .iter()
            .zip(key)
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        format!("`{}`", parts.join(", "))
    }

    fn fault(&self, at: &Pointer, what: impl Into<String>) -> Fault {
        Fault::new(at, "patch-list-element", what)
    }
}

#[derive(Clone)]
enum Slot {
    Untouched,
    Merged(Option<Value>),
}

/// True when the keys differ only in what one of them leaves out.
fn may_be_one(a: &[String], b: &[String]) -> bool {
    !a[0].is_empty()
        && !b[0].is_empty()
        && a.iter().zip(b).all(|(a, b)| a == b || a.is_empty() || b.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn merged(keys: &[&str], dest: &Value, patch: &Value) -> Result<Value, &'static str> {
        let dest = match dest {
            Value::Array(items) => Dest::Present(items),
            _ => Dest::Missing,
        };
        merge(keys, Schema::Leaf, dest, patch.as_array().unwrap(), &Pointer::root())
            .map(|list| list.map_or(Value::Null, Value::Array))
            .map_err(|f| f.code)
    }

    #[test]
    fn one_key_puts_the_patch_first() {
        let dest = json!([{"name": "a", "v": 1}, {"name": "b"}, {"name": "c", "v": 3}]);
        let patch = json!([{"name": "c", "v": 4}, {"name": "d"}, {"name": "a", "$patch": "delete"},
            {"name": "x", "$patch": "delete"}]);
        assert_eq!(
            merged(&["name"], &dest, &patch),
            Ok(json!([{"name": "c", "v": 4}, {"name": "d"}, {"name": "b"}]))
        );
    }

    #[test]
    fn two_keys_keep_the_order_of_the_object() {
        let keys = ["port", "protocol"];
        let dest = json!([{"port": 1, "protocol": "TCP"}, {"port": 2, "protocol": "UDP"}]);
        let patch =
            json!([{"port": 2, "protocol": "UDP", "name": "x"}, {"port": 3, "protocol": "TCP"}]);
        assert_eq!(
            merged(&keys, &dest, &patch),
            Ok(json!([{"port": 3, "protocol": "TCP"}, {"port": 1, "protocol": "TCP"},
                {"port": 2, "protocol": "UDP", "name": "x"}]))
        );
        // where no element has the second key it is as if there were one
        assert_eq!(
            merged(&keys, &json!([{"port": 1}, {"port": 2}]), &json!([{"port": "2", "name": "x"}])),
            Ok(json!([{"port": "2", "name": "x"}, {"port": 1}]))
        );
    }

    #[test]
    fn what_kustomize_would_lose_is_refused() {
        let keys = ["port", "protocol"];
        let tcp = json!([{"port": 1, "protocol": "TCP"}, {"port": 2}]);
        for (dest, patch, code) in [
            (&tcp, json!([{"port": 1, "name": "x"}]), "patch-list-element"),
            (&tcp, json!([{"port": 2, "protocol": "TCP"}]), "patch-list-element"),
            (&tcp, json!([{"port": 2, "$patch": "delete"}]), "patch-directive"),
            (&tcp, json!([{"port": 2, "$patch": "replace"}]), "patch-directive"),
            (&tcp, json!([{"protocol": "TCP"}]), "patch-list-element"),
            (&tcp, json!([{"port": 7}, {"port": 7}]), "patch-list-element"),
            (&tcp, json!(["x"]), "patch-list-element"),
            (&json!([{"port": 1}, {"port": 1}]), json!([{"port": 1}]), "patch-list-element"),
            (&Value::Null, json!([{"$patch": "replace"}, {"port": 1}]), "patch-directive"),
        ] {
            assert_eq!(merged(&keys, dest, &patch), Err(code), "{patch}");
        }
    }

    #[test]
    fn directives_for_the_whole_list() {
        let dest = json!([{"name": "a"}]);
        let with = |word: &str| merged(&["name"], &dest, &json!([{"name": "b"}, {"$patch": word}]));
        assert_eq!(with("replace"), Ok(json!([{"name": "b"}])));
        assert_eq!(with("merge"), Ok(json!([{"name": "b"}, {"name": "a"}])));
        assert_eq!(with("delete"), Ok(Value::Null));
        assert_eq!(with("retain"), Err("patch-directive"));
    }

    #[test]
    fn a_set_of_scalars() {
        assert_eq!(merged(&[], &json!(["a", "b"]), &json!(["c", "b"])), Ok(json!(["c", "b", "a"])));
        assert_eq!(
            merged(&[], &json!(["a"]), &json!([{"$patch": "replace"}, "c"])),
            Ok(json!(["c"]))
        );
        assert_eq!(merged(&[], &json!(["a"]), &json!([{"b": 1}])), Err("patch-list-element"));
    }
}
