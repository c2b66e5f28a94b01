//! Random trees, with texts that break what is not careful.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use waypost::yaml::emit;

/// A tree: path, text.
pub type Files = BTreeMap<String, String>;

/// Texts that break out of tables, fences, HTML, terminals and sentences.
pub fn nasty() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z]{0,6}",
        1 => "\\PC{0,8}",
        1 => prop::sample::select(vec![
            "```", "~~~~~~", "</details>", "<script>alert(1)</script>", "<!-- x -->", "@team/admins",
            "#123", "a|b", "\u{202e}evil\u{202c}", "\u{2066}x\u{2069}", "\u{1b}[31mred", "\r\n", "\n```\n",
            "日本語日本語日本語", "👩‍👩‍👧‍👦", "e\u{301}\u{301}", "[x](javascript:alert(1))", "`", "``x``", "\\", "&amp;",
            "::error::x", "%0A", "]]>", "\u{feff}", "\u{200b}", "GH-12", "https://evil.example/x",
        ]).prop_map(str::to_owned),
    ]
}

pub fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3_i64..3).prop_map(Value::from),
        nasty().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let named = |items: Vec<(String, Value)>| -> Value {
            items.into_iter().map(|(name, value)| json!({"name": name, "value": value})).collect()
        };
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("[a-c]", inner.clone()), 0..4).prop_map(named),
            prop::collection::btree_map("[a-d]", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// An object of a few kinds and names, so that two trees share some.
fn object() -> impl Strategy<Value = (String, String)> {
    let kinds = prop::sample::select(vec!["ConfigMap", "Secretless", "Namespace"]);
    let clusters = prop::sample::select(vec!["east", "west"]);
    let areas = prop::sample::select(vec!["mesh", "tsb", "expected"]);
    (kinds, clusters, areas, "[a-c]", "[a-b]", prop::bool::weighted(0.2), value()).prop_map(
        |(kind, cluster, area, name, namespace, elsewhere, spec)| {
            let mut metadata = Map::new();
            metadata.insert("name".into(), name.clone().into());
            if kind != "Namespace" {
                metadata.insert("namespace".into(), namespace.clone().into());
            }
            let body =
                json!({"apiVersion": "v1", "kind": kind, "metadata": metadata, "spec": spec});
            let folder = if elsewhere { "other" } else { "here" };
            let path = format!("{cluster}/{area}/{folder}/{kind}-{namespace}-{name}.yaml");
            (path, emit(&body).expect("a text"))
        },
    )
}

/// A tree of some objects.
pub fn tree() -> impl Strategy<Value = Files> {
    prop::collection::vec(object(), 0..12).prop_map(|objects| objects.into_iter().collect())
}
