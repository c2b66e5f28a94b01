//! What one authorization policy matches that another one does not, rule by rule.
//!
//! A rule matches where one of its sources, one of its operations and all of its conditions do
//! (istio.io/v1 AuthorizationPolicy, `Rule`): it is the sum of its atoms, one source and one
//! operation each. An atom is covered by one that asks for no more. The answer errs to one side
//! only: what is covered matches no more; what is not covered may still not match more, where
//! several atoms together cover it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// The fields of a source or an operation: a list of values each.
type Fields = BTreeMap<String, BTreeSet<String>>;

/// One way for a rule to match: all of its fields do.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Atom {
    source: Fields,
    operation: Fields,
    /// By key: the values, and those that must not be, as fields.
    conditions: BTreeMap<String, Fields>,
}

/// The atoms of a policy's rules; `None` for what is no policy that can be read.
pub(super) fn atoms(rules: Option<&Value>) -> Option<Vec<Atom>> {
    let Some(rules) = rules.filter(|rules| !rules.is_null()) else { return Some(Vec::new()) };
    let mut atoms = Vec::new();
    for rule in rules.as_array()? {
        let sources = parts(rule.get("from"), "source")?;
        let operations = parts(rule.get("to"), "operation")?;
        let mut conditions = BTreeMap::new();
        for condition in list(rule.get("when"))? {
            let key = condition.get("key")?.as_str()?.to_owned();
            conditions.insert(key, fields(condition, &["key"])?);
        }
        for source in &sources {
            for operation in &operations {
                atoms.push(Atom {
                    source: source.clone(),
                    operation: operation.clone(),
                    conditions: conditions.clone(),
                });
            }
        }
    }
    Some(atoms)
}

/// The atoms that none of the others covers.
pub(super) fn uncovered<'a>(atoms: &'a [Atom], others: &[Atom]) -> Vec<&'a Atom> {
    let equal: BTreeSet<&Atom> = others.iter().collect();
    let is_covered = |atom: &&Atom| equal.contains(atom) || others.iter().any(|o| o.covers(atom));
    atoms.iter().filter(|atom| !is_covered(atom)).collect()
}

/// `from` or `to`: an absent list matches everything.
fn parts(list_of: Option<&Value>, name: &str) -> Option<Vec<Fields>> {
    let items = list(list_of)?;
    if items.is_empty() {
        return Some(vec![Fields::new()]);
    }
    items
        .iter()
        .map(|item| item.get(name).map_or(Some(Fields::new()), |f| fields(f, &[])))
        .collect()
}

fn list(value: Option<&Value>) -> Option<&[Value]> {
    match value {
        None | Some(Value::Null) => Some(&[]),
        Some(value) => value.as_array().map(Vec::as_slice),
    }
}

fn fields(mapping: &Value, but: &[&str]) -> Option<Fields> {
    let mut fields = Fields::new();
    for (name, values) in mapping.as_object()? {
        let values = list(Some(values)).filter(|_| !but.contains(&name.as_str()));
        match values {
            None if but.contains(&name.as_str()) => {}
            None => return None,
            // an empty list is no list
            Some([]) => {}
            Some(values) => {
                let texts = values.iter().map(|v| v.as_str().map(str::to_owned));
                fields.insert(name.clone(), texts.collect::<Option<_>>()?);
            }
        }
    }
    Some(fields)
}

impl Atom {
    /// True where whatever the other matches, this matches too.
    fn covers(&self, other: &Atom) -> bool {
        let none = Fields::new();
        covers(&self.source, &other.source)
            && covers(&self.operation, &other.operation)
            && self
                .conditions
                .iter()
                .all(|(key, own)| covers(own, other.conditions.get(key).unwrap_or(&none)))
    }

    /// Its values, for a reader: the fields that say who and what.
    pub(super) fn values(&self) -> impl Iterator<Item = &str> {
        let conditions = self.conditions.values().flat_map(BTreeMap::values);
        let fields = self.source.values().chain(self.operation.values()).chain(conditions);
        fields.flatten().map(String::as_str)
    }
}

/// Each field that is asked for, the other asks for too, with no other values; what must not be
/// (`notPrincipals`, …) must not be for the other either.
fn covers(own: &Fields, other: &Fields) -> bool {
    own.iter().all(|(name, values)| {
        let Some(theirs) = other.get(name) else { return false };
        match name.starts_with("not") {
            true => values.iter().all(|value| theirs.iter().any(|t| matches(t, value))),
            false => theirs.iter().all(|value| values.iter().any(|v| matches(v, value))),
        }
    })
}

/// True where everything that the value stands for, the pattern stands for too: Istio's exact,
/// prefix, suffix and presence match.
fn matches(pattern: &str, value: &str) -> bool {
    if pattern == value || pattern == "*" {
        return true;
    }
    if let Some(prefix) = pattern.strip_suffix('*').filter(|p| !p.starts_with('*')) {
        return !value.starts_with('*') && value.trim_end_matches('*').starts_with(prefix);
    }
    if let Some(suffix) = pattern.strip_prefix('*') {
        return !value.ends_with('*') && value.trim_start_matches('*').ends_with(suffix);
    }
    false
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(rules: &Value) -> Vec<Atom> {
        atoms(Some(rules)).expect("rules")
    }

    fn more(before: &Value, after: &Value) -> usize {
        uncovered(&of(after), &of(before)).len()
    }

    fn principals(names: &[&str]) -> Value {
        json!([{"from": [{"source": {"principals": names}}]}])
    }

    #[test]
    fn sources_and_operations() {
        assert_eq!(more(&principals(&["a", "b"]), &principals(&["a"])), 0);
        assert_eq!(more(&principals(&["a"]), &principals(&["a", "b"])), 1);
        assert_eq!(more(&principals(&["td/ns/*"]), &principals(&["td/ns/a/sa/b"])), 0);
        assert_eq!(more(&principals(&["td/ns/a/sa/b"]), &principals(&["td/ns/*"])), 1);
        assert_eq!(more(&principals(&["a"]), &json!([{}])), 1, "a rule without a source");
        assert_eq!(more(&json!([{}]), &principals(&["a"])), 0);
        assert_eq!(more(&json!([]), &principals(&["a"])), 1, "before, nothing matched");
        let to = |ports: &[&str]| json!([{"to": [{"operation": {"ports": ports}}]}]);
        assert_eq!(more(&to(&["80"]), &to(&["80", "81"])), 1);
        let split = json!([
            {"from": [{"source": {"principals": ["a"]}}, {"source": {"principals": ["b"]}}]},
        ]);
        assert_eq!(more(&principals(&["a", "b"]), &split), 0);
    }

    #[test]
    fn what_must_not_be() {
        let not = |names: &[&str]| json!([{"from": [{"source": {"notPrincipals": names}}]}]);
        assert_eq!(more(&not(&["a", "b"]), &not(&["a"])), 1);
        assert_eq!(more(&not(&["a"]), &not(&["a", "b"])), 0);
        assert_eq!(more(&not(&["a"]), &json!([{}])), 1);
    }

    #[test]
    fn conditions() {
        let when = |values: &[&str]| json!([{"when": [{"key": "k", "values": values}]}]);
        assert_eq!(more(&when(&["1"]), &when(&["1", "2"])), 1);
        assert_eq!(more(&when(&["1", "2"]), &when(&["1"])), 0);
        assert_eq!(more(&when(&["1"]), &json!([{}])), 1);
    }

    #[test]
    fn patterns() {
        assert!(matches("*", "x") && matches("a*", "ab") && matches("a*", "ab*"));
        assert!(matches("*b", "ab") && matches("*b", "*ab"));
        assert!(!matches("ab*", "a*") && !matches("a*", "*a") && !matches("a", "a*"));
        assert!(!matches("*b", "b*"));
    }
}
