//! What is secret by where it stands (facts/gitops-delivery.md 8.3, T10).

use crate::diagnostic::Span;
use crate::yaml::{Entry, Mapping, Node, Value};

/// What kubectl keeps of an object that it applies: all of it, as JSON.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// A value that is never shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretPlace {
    /// Where it stands.
    pub span: Span,
    /// The key of it, which may be shown.
    pub key: Option<String>,
}

/// Every value below a node that is secret by where it stands: the values of a Secret, alone or in
/// a list of Secrets, an annotation that repeats one, values of variables, keys of ConfigMaps and
/// flags of commands whose names speak of passwords, tokens and keys.
pub fn secret_places(node: &Node) -> Vec<SecretPlace> {
    let mut places = Vec::new();
    walk(node, &mut places);
    places
}

/// True where a text may hold such a value: whoever has a large text asks before it is read.
pub(super) fn may_hold(text: &str) -> bool {
    const WORDS: [&[u8]; 7] =
        [b"secret", b"pass", b"pwd", b"token", b"credential", b"key", b"authorization"];
    let bytes = text.as_bytes();
    let begins = |at: usize, word: &[u8]| {
        bytes.get(at..at + word.len()).is_some_and(|part| part.eq_ignore_ascii_case(word))
    };
    bytes.iter().enumerate().any(|(at, b)| match b.to_ascii_lowercase() {
        b's' | b'p' | b't' | b'c' | b'k' | b'a' => WORDS.iter().any(|word| begins(at, word)),
        _ => false,
    })
}

fn walk(node: &Node, places: &mut Vec<SecretPlace>) {
    match &node.value {
        Value::List(items) => {
            for item in items {
                if flag(item).is_some_and(is_secret_name) {
                    places.push(SecretPlace { span: item.span, key: None });
                }
                walk(item, places);
            }
        }
        Value::Mapping(mapping) => {
            match mapping.get("kind").and_then(Node::as_str) {
                Some("Secret") => secret(mapping, places),
                Some("SecretList") => {
                    let items = mapping.get("items").and_then(Node::as_list).unwrap_or_default();
                    items.iter().filter_map(Node::as_mapping).for_each(|m| secret(m, places));
                }
                Some("ConfigMap") => named(mapping.get("data"), places),
                _ => last_applied(mapping, false, places),
            }
            named(mapping.get("env"), places);
            variable(mapping, places);
            mapping.entries.iter().for_each(|entry| walk(&entry.value, places));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => {}
    }
}

/// Values of a Secret that can be read: SOPS puts `ENC[…]` in their place.
pub(super) fn values(secret: &Mapping) -> impl Iterator<Item = &Entry> {
    let of = |key| secret.get(key).and_then(Node::as_mapping);
    let entries = ["data", "stringData"].into_iter().filter_map(of).flat_map(|m| &m.entries);
    entries.filter(|entry| is_value(&entry.value))
}

fn secret(mapping: &Mapping, places: &mut Vec<SecretPlace>) {
    places.extend(values(mapping).map(place));
    last_applied(mapping, true, places);
}

fn last_applied(mapping: &Mapping, is_secret: bool, places: &mut Vec<SecretPlace>) {
    let annotations = mapping.get("metadata").and_then(|m| m.get("annotations")?.as_mapping());
    let Some(entry) = annotations.and_then(|m| m.entry(LAST_APPLIED)) else { return };
    let repeats_one = |text: &str| {
        may_hold(text)
            && serde_json::from_str(text).is_ok_and(|value: serde_json::Value| {
                !secret_places(&Node::from_json(&value, entry.value.span)).is_empty()
            })
    };
    if is_secret || entry.value.as_str().is_some_and(repeats_one) {
        places.push(place(entry));
    }
}

/// Entries whose keys say that their values are secret.
fn named(node: Option<&Node>, places: &mut Vec<SecretPlace>) {
    let entries = node.and_then(Node::as_mapping).map(|m| m.entries.as_slice()).unwrap_or_default();
    let is_one = |entry: &&Entry| is_secret_name(&entry.key) && is_literal(&entry.value);
    places.extend(entries.iter().filter(is_one).map(place));
}

/// `{name: DB_PASSWORD, value: …}`
fn variable(mapping: &Mapping, places: &mut Vec<SecretPlace>) {
    let name = mapping.get("name").and_then(Node::as_str);
    let value = mapping.get("value").filter(|value| is_literal(value));
    if let (Some(name), Some(value)) = (name, value)
        && is_secret_name(name)
    {
        places.push(SecretPlace { span: value.span, key: Some("value".to_owned()) });
    }
}

/// The name in `--name=value`.
fn flag(item: &Node) -> Option<&str> {
    let (name, value) = item.as_str()?.strip_prefix('-')?.split_once('=')?;
    (!value.is_empty() && !value.starts_with('$')).then_some(name)
}

fn place(entry: &Entry) -> SecretPlace {
    SecretPlace { span: entry.value.span, key: Some(entry.key.clone()) }
}

fn is_value(node: &Node) -> bool {
    let is_encrypted = |text: &str| text.starts_with("ENC[") && text.ends_with(']');
    !node.is_null() && node.as_str().is_none_or(|text| !text.is_empty() && !is_encrypted(text))
}

/// A value, and no reference to one that is filled in later.
fn is_literal(node: &Node) -> bool {
    let is_scalar = !matches!(node.value, Value::List(_) | Value::Mapping(_) | Value::Bool(_));
    is_scalar && is_value(node) && !node.as_str().is_some_and(|text| text.starts_with('$'))
}

/// True for `DB_PASSWORD`, `clientSecret`, `github-token`, `API_KEY`; not for `PASSWORD_FILE`,
/// `tokenAudience`, `secretName`: the last word counts.
fn is_secret_name(name: &str) -> bool {
    let words = words(name);
    let mut words = words.iter().rev().map(String::as_str).skip_while(|word| {
        // `PASSWORD_1`
        word.bytes().all(|b| b.is_ascii_digit())
    });
    match words.next() {
        Some(
            "password" | "passwd" | "passphrase" | "pwd" | "pass" | "secret" | "token" | "apikey"
            | "credential" | "credentials" | "authorization",
        ) => true,
        Some("key") => matches!(
            words.next(),
            Some(
                "api"
                    | "access"
                    | "private"
                    | "secret"
                    | "auth"
                    | "encryption"
                    | "signing"
                    | "account"
            )
        ),
        _ => false,
    }
}

/// The words of a name in lower case: at dashes, underscores and points, and where a capital
/// follows a small letter.
fn words(name: &str) -> Vec<String> {
    let (mut words, mut word, mut was_lower) = (Vec::new(), String::new(), false);
    for c in name.chars() {
        let ends = !c.is_ascii_alphanumeric() || (was_lower && c.is_ascii_uppercase());
        if ends && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if c.is_ascii_alphanumeric() {
            word.push(c.to_ascii_lowercase());
        }
        was_lower = c.is_ascii_lowercase();
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::FileId;
    use crate::yaml::{Budget, read};

    fn secrets(text: &str) -> Vec<String> {
        let (documents, found) = read(FileId(0), text, &Budget::SPEC);
        assert!(found.iter().all(|d| !d.is_error()), "{found:?}");
        let places = secret_places(&documents[0].root);
        assert!(places.is_empty() || may_hold(text), "{text}");
        let part = |p: &SecretPlace| {
            text[p.span.start.offset as usize..p.span.end.offset as usize].to_owned()
        };
        places.iter().map(part).collect()
    }

    #[test]
    fn values_are_secret_by_where_they_stand() {
        for (text, wanted) in [
            (
                "{kind: Secret, metadata: {name: a}, data: {a: aHVudGVy}, stringData: {b: 1}}",
                &["aHVudGVy", "1"][..],
            ),
            (
                "{kind: SecretList, items: [{metadata: {name: a}, stringData: {b: hunter2}}]}",
                &["hunter2"],
            ),
            (
                "{kind: List, items: [{kind: Secret, stringData: {b: \"ENC[x]\", c: \"\", d: y}}]}",
                &["y"],
            ),
            (
                "{kind: Secret, metadata: {annotations: {kubectl.kubernetes.io/last-applied-configuration: '{}'}}}",
                &["'{}'"],
            ),
            (
                "kind: Deployment\nmetadata:\n  annotations:\n    kubectl.kubernetes.io/last-applied-configuration: '{\"env\":[{\"name\":\"A_TOKEN\",\"value\":\"x\"}]}'",
                &["'{\"env\":[{\"name\":\"A_TOKEN\",\"value\":\"x\"}]}'"],
            ),
            (
                "{kind: Pod, metadata: {annotations: {kubectl.kubernetes.io/last-applied-configuration: '{}'}}}",
                &[],
            ),
            (
                "{env: [{name: DB_PASSWORD, value: hunter2}, {name: PORT, value: \"80\"}]}",
                &["hunter2"],
            ),
            (
                "{env: [{name: DB_PASSWORD, value: $(OTHER)}, {name: PASSWORD_FILE, value: /run/x}]}",
                &[],
            ),
            ("{env: {clientSecret: hunter2, TOKEN_AUDIENCE: x, secretName: y}}", &["hunter2"]),
            ("{kind: ConfigMap, data: {API_KEY: k, PASSWORD_2: p, key: v}}", &["k", "p"]),
            (
                "{args: [--db-password=hunter2, --token-ttl=1h, --api-key=$(KEY)]}",
                &["--db-password=hunter2"],
            ),
            ("{tls: {credentialName: gateway-tls}, secretRef: {name: a}}", &[]),
        ] {
            assert_eq!(secrets(text), wanted, "{text}");
        }
    }
}
