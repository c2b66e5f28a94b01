//! What the reader makes of a text: values, places, findings, limits.

#![allow(clippy::expect_used, clippy::panic, reason = "a test may fail this way")]

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use waypost::diagnostic::{Diagnostic, FileId, Span};
use waypost::yaml::{Budget, Document, Node, Pointer, check_characters, from_node, read};

fn spec(text: &str) -> (Vec<Document>, Vec<Diagnostic>) {
    read(FileId(0), text, &Budget::SPEC)
}

fn values(text: &str) -> Vec<Value> {
    let (documents, found) = spec(text);
    assert!(!found.iter().any(Diagnostic::is_error), "{text:?}: {found:?}");
    documents.iter().map(|d| d.root.to_json()).collect()
}

fn codes(text: &str) -> Vec<&'static str> {
    spec(text).1.iter().map(|d| d.code).collect()
}

fn slice(text: &str, span: Span) -> &str {
    &text[span.start.offset as usize..span.end.offset as usize]
}

/// The one finding of a text: code, the text it points at, and the text of its other place.
fn finding(text: &str) -> (&'static str, &str, Option<&str>) {
    let (_, found) = spec(text);
    assert_eq!(found.len(), 1, "{text:?}: {found:?}");
    let span = found[0].primary.as_ref().expect("a place").span;
    let other = found[0].secondary.first().map(|p| slice(text, p.span));
    (found[0].code, slice(text, span), other)
}

#[test]
fn plain_scalars_by_the_core_schema() {
    for (text, expected) in [
        ("", json!(null)),
        ("~", json!(null)),
        ("Null", json!(null)),
        ("nULL", json!("nULL")),
        ("TRUE", json!(true)),
        ("False", json!(false)),
        ("no", json!("no")),
        ("on", json!("on")),
        ("y", json!("y")),
        ("1", json!(1)),
        ("+1", json!(1)),
        ("-0", json!(0)),
        ("0x1F", json!(31)),
        ("0o17", json!(15)),
        ("017", json!("017")),
        ("1_000", json!("1_000")),
        ("0b11", json!("0b11")),
        ("-0x1", json!("-0x1")),
        ("1:30", json!("1:30")),
        ("18446744073709551615", json!(u64::MAX)),
        ("-9223372036854775808", json!(i64::MIN)),
        ("18446744073709551616", json!("18446744073709551616")),
        ("123456789012345678901234567890", json!("123456789012345678901234567890")),
        ("1.5", json!(1.5)),
        ("1.", json!(1.0)),
        (".5", json!(0.5)),
        ("1e3", json!(1000.0)),
        ("1e1000", json!("1e1000")),
        (".", json!(".")),
        ("1e", json!("1e")),
        (".inf", json!(".inf")),
        (".nan", json!(".nan")),
        ("2001-12-14", json!("2001-12-14")),
        ("'1'", json!("1")),
        ("\"true\"", json!("true")),
        ("!!str 1", json!("1")),
        ("!!str", json!("")),
        ("!!str null", json!("null")),
        ("\"\\ud83d\\ude00\"", json!("😀")),
        ("|-\n  1", json!("1")),
        (">-\n  a\n  b", json!("a b")),
        ("[a, [1], {b: c}]", json!(["a", [1], {"b": "c"}])),
    ] {
        assert_eq!(values(&format!("a: {text}\n")), [json!({"a": expected})], "{text}");
    }
}

#[test]
fn keys_become_text() {
    assert_eq!(
        values(
            "~: 1\ntrue: 2\n1: 3\n1.5: 4\n\"<<\": 5\n!!str <<: 6\n? x\n: 7\n"
                .replace("!!str <<: 6\n", "")
                .as_str()
        ),
        [json!({"null": 1, "true": 2, "1": 3, "1.5": 4, "<<": 5, "x": 7})]
    );
    assert_eq!(values("!!str <<: 6\n"), [json!({"<<": 6})]);
    assert_eq!(values("&k a: *k\n"), [json!({"a": "a"})]);
}

#[test]
fn documents() {
    for (text, expected) in [
        ("", vec![]),
        ("# only a comment\n", vec![]),
        ("\u{feff}", vec![]),
        ("---\n", vec![]),
        ("---\n---\n# x\n---\n", vec![]),
        ("\n\n---\na: 1\n", vec![json!({"a": 1})]),
        ("---\n~\n", vec![json!(null)]),
        ("a: 1\n---\n---\nb: 2\n...\n", vec![json!({"a": 1}), json!({"b": 2})]),
        ("a: 1\r\n---\r\nb: 2\r\n", vec![json!({"a": 1}), json!({"b": 2})]),
        ("\u{feff}a: 1\n", vec![json!({"a": 1})]),
        ("%YAML 1.2\n---\na: 1\n", vec![json!({"a": 1})]),
        ("a: |\n  x", vec![json!({"a": "x"})]),
    ] {
        assert_eq!(values(text), expected, "{text:?}");
    }
    let (documents, _) = spec("# c\na: 1\n---\n\n# d\nb: 2\n");
    let second = &documents[1];
    assert_eq!((second.index, second.root.span.start.line), (1, 6));
}

#[test]
fn a_document_with_an_error_is_left_out_and_the_others_stay() {
    let (documents, found) = spec("a: 1\n---\nb: 1\nb: 2\n---\nc: 1\n");
    let kept: Vec<_> = documents.iter().map(|d| (d.index, d.root.to_json())).collect();
    assert_eq!(kept, [(0, json!({"a": 1})), (2, json!({"c": 1}))]);
    assert_eq!(found.len(), 1);
}

#[test]
fn refused_with_both_places() {
    for (text, expected) in [
        ("a: 1\nb: 2\n'a': 3\n", ("duplicate-key", "'a'", Some("a"))),
        ("1: 1\n\"1\": 2\n", ("duplicate-key", "\"1\"", Some("1"))),
        ("null: 1\n~: 2\n", ("duplicate-key", "~", Some("null"))),
        ("&k a: 1\n*k : 2\n", ("duplicate-key", "*k", Some("a"))),
        ("x: {a: 1, b: 2, a: 3}\n", ("duplicate-key", "a", Some("a"))),
        ("- - a: {b: 1, b: 2}\n", ("duplicate-key", "b", Some("b"))),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", ("merge-key", "<<", None)),
        ("a: !custom x\n", ("yaml-tag", "x", None)),
        ("a: ! x\n", ("yaml-tag", "x", None)),
        ("a: !!int 1\n", ("yaml-tag", "1", None)),
        ("a: !!set {b}\n", ("yaml-tag", "{b}", None)),
        ("a: !!str [b]\n", ("yaml-tag", "[b]", None)),
        ("!!map\na: 1\n", ("yaml-tag", "", None)),
        ("[a, b]: 1\n", ("complex-key", "[a, b]", None)),
        ("? {a: 1}\n: 2\n", ("complex-key", "{a: 1}", None)),
        ("a: {{ x }}\n", ("complex-key", "{ x }", None)),
        ("a: *b\n", ("unknown-alias", "*b", None)),
        ("a: &x 1\n---\nb: *x\n", ("unknown-alias", "*x", None)),
        ("a: &x [1, *x]\n", ("recursive-alias", "*x", None)),
        ("a: \u{1b}[31m\n", ("control-character", "\u{1b}", None)),
        ("a: 1 # hidden \u{2028}b: 2\n", ("control-character", "\u{2028}", None)),
        ("a: 1\n\0b: 2\n", ("control-character", "\0", None)),
    ] {
        let found = finding(text);
        // a collection's tag is found before its end is known: only its start counts
        let (code, place, other) = expected;
        assert_eq!((found.0, found.2), (code, other), "{text:?}");
        assert!(place.starts_with(found.1), "{text:?}: {found:?}");
    }
}

#[test]
fn braces_of_a_template_are_named() {
    for text in ["a: {{ x }}\n", "a: {{ x }}-y\n", "{% if x %}\na: 1\n"] {
        let (_, found) = spec(text);
        let help = found[0].help.as_deref().unwrap_or("");
        assert!(help.contains("template"), "{text}: {found:?}");
    }
    let (_, found) = spec("a: '{{ x }}'\nb: {[c]: 1}\n");
    assert!(!found[0].help.as_deref().unwrap_or("").contains("template"), "{found:?}");
}

#[test]
fn syntax_errors_read_like_sentences() {
    for (text, message, at) in [
        ("a: [1, 2\nb: 3\n", "not valid YAML: a `:` cannot stand here between brackets", (2, 2)),
        ("a: [1, 2\n", "not valid YAML: `[` is never closed", (1, 4)),
        ("a: 'x\n", "not valid YAML: a quote is never closed", (1, 4)),
        ("a: @x\n", "not valid YAML: a value cannot begin with `@`", (1, 4)),
        (
            "a: b: c\n",
            "not valid YAML: a second `: ` on this line, or a key where none can be",
            (1, 5),
        ),
        (
            "a: 1\n b: 2\n",
            "not valid YAML: a second `: ` on this line, or a key where none can be",
            (2, 3),
        ),
        (
            "a:\n  b: 1\n c: 2\n",
            "not valid YAML: this line does not line up with those above",
            (3, 2),
        ),
        ("a: \"x\" y\n", "not valid YAML: text follows the closing quote", (1, 8)),
        ("a: \"\\q\"\n", "not valid YAML: the text after this backslash is no escape", (1, 4)),
        (
            "a: 1\nb\n",
            "not valid YAML: this line is neither `key: value` nor the rest of a text",
            (2, 1),
        ),
    ] {
        let (documents, found) = spec(text);
        assert!(documents.is_empty());
        let start = found[0].primary.as_ref().expect("a place").span.start;
        assert_eq!(
            (found[0].message.as_str(), (start.line, start.column)),
            (message, at),
            "{text:?}"
        );
    }
}

#[test]
fn warnings_where_a_yaml_1_1_reader_differs() {
    for text in [
        "y",
        "N",
        "yes",
        "No",
        "ON",
        "off",
        "017",
        "08",
        "1_000",
        "0b11",
        "0o17",
        "0X1F",
        "-0x1",
        "1:30",
        "190:20:30.15",
        "2001-12-14",
        "2001-1-1",
        "2001-12-14 21:59:43",
        "=",
        ".inf",
        "-.INF",
        ".nan",
        "1e3",
        "1.5e3",
        "-1.5e3",
        "+.5",
        "18446744073709551616",
    ] {
        assert_eq!(codes(&format!("a: {text}\n")), ["ambiguous-scalar"], "value {text}");
        assert_eq!(codes(&format!("{text}: a\n")), ["ambiguous-scalar"], "key {text}");
        assert_eq!(codes(&format!("a: '{text}'\n'{text}': b\n")), Vec::<&str>::new(), "{text}");
    }
    assert_eq!(codes("a: &x yes\nb: *x\nc: [*x, *x]\n"), ["ambiguous-scalar"]);
}

#[test]
fn no_warning_where_all_readers_agree() {
    for text in [
        "1", "-1", "+1", "0", "0x1F", "1.5", "-1.5", "1.", ".5", "1.5e+3", "1.5e-3", "true",
        "False", "null", "~", "none", "1.2.3", "10.0.0.1", "v1", "1.24-rc1", "80-90", "1,000",
        "500m", "1Gi", "::1", "a:b", "1h30m", "e3", "_1", "1:99", "12:30:xx", "2001-12", "x", "-",
        "on-call",
    ] {
        let text = if text == "-" { "'-'" } else { text };
        assert_eq!(codes(&format!("a: {text}\n")), Vec::<&str>::new(), "{text}");
        assert_eq!(codes(&format!("{text}: a\n")), Vec::<&str>::new(), "{text}");
    }
}

#[test]
fn spans_are_what_they_should_be() {
    let text = "\u{feff}# ü\r\nä: 'é'\r\nlist:\r\n- 日本: |\r\n    über\r\n    x\r\n\r\n  b: [1, {c: d}] # c\r\n\r\n# end\r\nnull:\r\n---\r\n😀: >-\r\n  a\r\n  b\r\nlast: &x !!str 1\r\nalias: *x\r\n";
    let (documents, found) = spec(text);
    assert!(found.is_empty(), "{found:?}");
    let at = |document: usize, pointer: &str| {
        let pointer = Pointer::parse(pointer).expect("a pointer");
        let node = documents[document].root.at(&pointer).expect("a node");
        let start = node.span.start;
        (slice(text, node.span), start.line, start.column)
    };
    assert_eq!(at(0, "/ä"), ("'é'", 2, 4));
    assert_eq!(at(0, "/list/0/日本"), ("über\r\n    x", 5, 5));
    assert_eq!(at(0, "/list/0/b"), ("[1, {c: d}]", 8, 6));
    assert_eq!(at(0, "/list/0/b/1/c"), ("d", 8, 14));
    assert_eq!(at(0, "/null"), ("", 11, 6));
    let (block, line, column) = at(0, "/list");
    assert!(block.starts_with("- 日本") && block.ends_with("{c: d}]"), "{block:?}");
    assert_eq!((line, column), (4, 1));
    let (root, ..) = at(0, "");
    assert!(root.starts_with("ä: ") && root.ends_with("null:"), "{root:?}");
    assert_eq!(at(1, "/😀"), ("a\r\n  b", 14, 3));
    assert_eq!(at(1, "/last"), ("1", 16, 16));
    assert_eq!(at(1, "/alias"), ("*x", 17, 8));
    let mapping = documents[1].root.as_mapping().expect("a mapping");
    let keys: Vec<_> = mapping.entries.iter().map(|e| slice(text, e.key_span)).collect();
    assert_eq!(keys, ["😀", "last", "alias"]);
    // the block scalar's end is a place, too
    let block =
        documents[0].root.at(&Pointer::parse("/list/0/日本").expect("a pointer")).expect("a node");
    assert_eq!((block.span.end.line, block.span.end.column), (6, 6));
}

#[test]
fn a_list_starts_at_its_dash() {
    for (text, pointer, expected) in [
        ("a:\n- x\n- y\n", "/a", "- x\n- y"),
        ("a:\n  - x\n", "/a", "- x"),
        ("a:\n-\n  x\n", "/a", "-\n  x"),
        ("a:\n-   # d\n\n  b: 1\n- c\n", "/a", "-   # d\n\n  b: 1\n- c"),
        ("a:\n- - b\n  - c\n", "/a", "- - b\n  - c"),
        ("a:\n- - b\n  - c\n", "/a/0", "- b\n  - c"),
        ("a:\n- -b\n", "/a", "- -b"),
        ("a:\n- \n-\n", "/a", "- \n-"),
        ("- - a\n  - b\n", "", "- - a\n  - b"),
        ("- - a\n  - b\n", "/0", "- a\n  - b"),
        ("a: &x\n- b\n", "/a", "- b"),
        ("a: [b, - c]\n", "", ""),
    ] {
        let (documents, _) = spec(text);
        let found = documents.first().and_then(|d| d.root.at(&Pointer::parse(pointer)?));
        assert_eq!(found.map_or("", |n| slice(text, n.span)), expected, "{text:?} {pointer}");
    }
}

/// Line and column of every place agree with its offset.
fn places_agree(text: &str, node: &Node) {
    for position in [node.span.start, node.span.end] {
        let before = &text[..position.offset as usize];
        let before =
            before.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
        let line = before.matches('\n').count() as u32 + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() as u32 + 1;
        assert_eq!((position.line, position.column), (line, column), "{text:?} {node:?}");
    }
    assert!(node.span.start <= node.span.end, "{text:?} {node:?}");
    match &node.value {
        waypost::yaml::Value::List(items) => items.iter().for_each(|n| places_agree(text, n)),
        waypost::yaml::Value::Mapping(m) => {
            m.entries.iter().for_each(|e| places_agree(text, &e.value));
        }
        _ => {}
    }
}

#[test]
fn budgets_speak_in_time() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for i in 1..10 {
        let uses = vec![format!("*a{}", i - 1); 10].join(", ");
        bomb.push_str(&format!("a{i}: &a{i} [{uses}]\n"));
    }
    let long = "x".repeat(1 << 20);
    let text_bomb = format!("a: &a {long}\nb: [{}]\n", "*a, ".repeat(50_000));
    let chain: String = (1..200).map(|i| format!("- &a{i} [*a{}]\n", i - 1)).collect();
    // anchors around one another, none of them used: copies must not add up
    let nested_anchors =
        format!("{}{}{}", "&a [".repeat(60), "x, ".repeat(300_000), "]".repeat(60));
    let nested_and_used = format!("- {nested_anchors}\n- *a\n");
    let cases = [
        ("alias-bomb", bomb),
        ("alias-bomb", text_bomb),
        ("too-deep", format!("- &a0 x\n{chain}")),
        ("too-deep", "[".repeat(200)),
        ("too-deep", "[".repeat(3 << 20)),
        ("too-deep", format!("{}x", "- ".repeat(1 << 20))),
        ("too-deep", format!("{}x", "? ".repeat(1 << 20))),
        ("too-deep", (0..1000).map(|i| format!("{}a:\n", " ".repeat(i))).collect()),
        ("too-deep", format!("{}{}", "[".repeat(65), "]".repeat(65))),
        ("too-large", " ".repeat((4 << 20) + 1)),
        ("too-large", "a".repeat(5 << 20)),
        ("alias-bomb", nested_and_used),
        ("yaml-syntax", "{".repeat(60)),
        ("yaml-syntax", format!("a: \"{}", "\\x41".repeat((1 << 20) - 9))),
        ("complex-key", format!("{{{}}}", "{}: 1, ".repeat(900))),
        ("too-many-errors", format!("{{{}}}", "[]: 1, ".repeat(500_000))),
        (
            "too-many-errors",
            (0..100_000).map(|i| format!("k{i}:\n")).collect::<String>()
                + &"k99999:\n".repeat(2_000),
        ),
        ("too-many-errors", "a:\n".repeat(100_000)),
        ("too-many-errors", "a: !x y\n---\n".repeat(100_000)),
        ("ambiguous-scalar", "- no\n".repeat(100_000)),
    ];
    for (code, text) in cases {
        let start = Instant::now();
        let (documents, found) = spec(&text);
        let took = start.elapsed();
        let shown: String = text.chars().take(60).collect();
        assert!(found.iter().any(|d| d.code == code), "{code} {shown}: {:?}", found.last());
        assert!(found.len() <= 2_002, "{shown}: {}", found.len());
        assert!(code == "ambiguous-scalar" || documents.is_empty(), "{shown}");
        // without optimisation and beside other work: a second is for the release build
        assert!(took < Duration::from_secs(20), "{shown} took {took:?}");
        println!("{took:?} {code} {}", shown.escape_debug());
    }
}

#[test]
fn values_are_counted() {
    let budget = Budget { nodes: 10, ..Budget::SPEC };
    let codes = |text: &str| {
        let (_, found) = read(FileId(0), text, &budget);
        found.iter().map(|d| d.code).collect::<Vec<_>>()
    };
    assert!(codes("[1, 2, 3, 4, 5, 6, 7, 8, 9]").is_empty());
    assert_eq!(codes("[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]"), ["too-large"]);
    assert_eq!(codes("a: 1\n---\nb: 1\n---\nc: 1\n---\nd: 1\n"), ["too-large"]);
    assert_eq!(codes("[&a [1, 2, 3], *a, *a]"), ["too-large"]);
}

#[test]
fn within_the_budget_aliases_are_taken() {
    let (documents, found) = spec(&format!("a: &a [1, 2]\nb: [{}]\n", "*a, ".repeat(33_333)));
    assert!(found.is_empty(), "{found:?}");
    assert_eq!(documents[0].root.get("b").and_then(Node::as_list).map(<[Node]>::len), Some(33_333));
    assert_eq!(codes(&format!("a: &a [1, 2]\nb: [{}]\n", "*a, ".repeat(33_334))), ["alias-bomb"]);
    let nested = format!("{}{}", "[".repeat(64), "]".repeat(64));
    assert_eq!(codes(&nested), Vec::<&str>::new());
    let lists: String = (0..64).map(|i| format!("{}- \n", " ".repeat(i))).collect();
    assert_eq!(codes(&lists), Vec::<&str>::new());
}

#[test]
fn messages_hold_nothing_invisible_and_no_line_break() {
    let (_, found) = spec("\"a\\n\\x1b\\u202e\": 1\n\"a\\n\\x1b\\u202e\": 2\n");
    assert_eq!(found[0].message, "the key `a\\n\\u{1b}\\u{202e}` is given twice");
    let (documents, _) = spec("\"a\\nb\"\n");
    let error = from_node::<u8>(&documents[0].root).expect_err("a text is no number");
    assert_eq!(error.message, "expected a whole number from 0 to 255, found the text `a\\nb`");
}

#[test]
fn many_keys_are_compared_as_few_are() {
    let text: String = (0..100).map(|i| format!("k{}: {i}\n", i % 98)).collect();
    let (_, found) = spec(&text);
    let places: Vec<_> = found
        .iter()
        .map(|d| {
            (
                slice(&text, d.primary.as_ref().expect("a place").span),
                d.secondary[0].span.start.line,
            )
        })
        .collect();
    assert_eq!(places, [("k0", 1), ("k1", 2)]);
}

mod typed {
    use super::*;
    use serde::Deserialize;
    use std::collections::BTreeMap;
    use waypost::diagnostic::Spanned;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Port {
        name: Option<String>,
        port: u16,
        #[serde(default)]
        mode: Option<Mode>,
        #[serde(default)]
        labels: BTreeMap<String, String>,
        #[serde(default)]
        weights: Vec<f64>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "lowercase")]
    enum Mode {
        Strict,
        Custom(u8),
    }

    fn port(text: &str) -> Result<Port, (String, String)> {
        let (documents, _) = spec(text);
        from_node(&documents[0].root)
            .map_err(|e| (e.message.clone(), e.span.map_or("", |s| slice(text, s)).to_owned()))
    }

    #[test]
    fn taken() {
        assert_eq!(
            port("name: a\nport: 80\nmode: strict\nlabels: {a: '1'}\nweights: [1, 1.5]\n"),
            Ok(Port {
                name: Some("a".into()),
                port: 80,
                mode: Some(Mode::Strict),
                labels: BTreeMap::from([("a".into(), "1".into())]),
                weights: vec![1.0, 1.5],
            })
        );
        assert_eq!(port("port: 1\nmode: {custom: 3}\n").map(|p| p.mode), Ok(Some(Mode::Custom(3))));
        assert_eq!(port("port: 1\nname:\n").map(|p| p.name), Ok(None));
    }

    #[test]
    fn refused_in_words_of_yaml_with_the_innermost_place() {
        for (text, message, place) in [
            (
                "port: 70000",
                "expected a whole number from 0 to 65535, found the number `70000`",
                "70000",
            ),
            ("port: '80'", "expected a whole number from 0 to 65535, found the text `80`", "'80'"),
            ("port: 1.5", "expected a whole number from 0 to 65535, found the number `1.5`", "1.5"),
            ("port: -1", "expected a whole number from 0 to 65535, found the number `-1`", "-1"),
            ("port: 1\nname: 5", "expected a text, found the number `5`", "5"),
            ("port: 1\nname: true", "expected a text, found the boolean `true`", "true"),
            ("port: 1\nname: [a]", "expected a text, found a list", "[a]"),
            ("port: 1\nlabels: {a: 1}", "expected a text, found the number `1`", "1"),
            ("port: 1\nlabels: {a: }", "expected a text, found nothing", ""),
            ("port: 1\nlabels: [a]", "expected a mapping, found a list", "[a]"),
            ("port: 1\nweights: 1", "expected a list, found the number `1`", "1"),
            ("port: 1\nweights: [x]", "expected a number, found the text `x`", "x"),
            (
                "port: 1\nmode: loose",
                "unknown word `loose`, expected `strict` or `custom`",
                "loose",
            ),
            ("port: 1\nmode: 1", "expected a word, found a number", "1"),
            (
                "port: 1\nprot: 2",
                "unknown field `prot`, expected one of `name`, `port`, `mode`, `labels`, `weights`",
                "prot",
            ),
            ("name: a", "missing field `port`", "name: a"),
            ("[a]", "expected a mapping, found a list", "[a]"),
        ] {
            assert_eq!(port(text), Err((message.into(), place.into())), "{text}");
        }
    }

    #[test]
    fn places_travel_along() {
        let text = "- x\n- 'é'\n";
        let (documents, _) = spec(text);
        let items: Vec<Spanned<String>> = from_node(&documents[0].root).expect("texts");
        let shown: Vec<_> =
            items.iter().map(|i| (i.as_str(), slice(text, i.span), i.span.start.line)).collect();
        assert_eq!(shown, [("x", "x", 1), ("é", "'é'", 2)]);
    }
}

#[test]
fn characters_that_deceive_are_found_in_keys_and_texts() {
    let text =
        "a: \"x\\u0007\"\n\"k\\u202e\": 1\nl: [\"\\ufeff\", \"ok\\n\\t\", \"\\x85\"]\n\u{feff}";
    let text = text.trim_end_matches('\u{feff}');
    let (documents, _) = spec(text);
    let mut found = Vec::new();
    check_characters(&documents[0].root, &mut found);
    let places: Vec<_> =
        found.iter().map(|d| slice(text, d.primary.as_ref().expect("a place").span)).collect();
    assert_eq!(places, ["\"x\\u0007\"", "\"k\\u202e\"", "\"\\ufeff\"", "\"\\x85\""]);
}

fn yaml_like() -> impl Strategy<Value = String> {
    let parts = [
        "a",
        "b",
        ": ",
        ":",
        "- ",
        "\n",
        "\n  ",
        "\n    ",
        "[",
        "]",
        "{",
        "}",
        ", ",
        "&x ",
        "*x",
        "!!str ",
        "!t ",
        "'",
        "\"",
        "|",
        ">",
        "|+\n",
        "#",
        " #c\n",
        "? ",
        "---\n",
        "...\n",
        "%YAML 1.2\n",
        "<<: ",
        "\t",
        "\r\n",
        "\r",
        "\u{feff}",
        "é",
        "😀",
        "1",
        "0x",
        "yes",
        "~",
        "\\",
        "\\x41",
        "\u{2028}",
        "\0",
    ];
    vec(proptest::sample::select(parts.to_vec()), 0..40).prop_map(|parts| parts.concat())
}

/// Whatever comes in, the answer is documents or findings, and every place lies in the text.
fn survives(text: &str) {
    let (documents, found) = spec(text);
    for document in &documents {
        places_agree_within(text, &document.root);
        check_characters(&document.root, &mut Vec::new());
        let _ = from_node::<Value>(&document.root);
        let _ = from_node::<Vec<String>>(&document.root);
        assert_eq!(document.root.to_json(), document.root.clone().into_json());
    }
    for place in found.iter().flat_map(|d| d.primary.iter().chain(&d.secondary)) {
        assert!(
            text.get(place.span.start.offset as usize..place.span.end.offset as usize).is_some()
        );
    }
    for diagnostic in &found {
        let first = diagnostic.message.chars().next();
        assert!(first.is_some_and(|c| !c.is_uppercase()) && !diagnostic.message.contains('\n'));
    }
}

fn places_agree_within(text: &str, node: &Node) {
    assert!(text.get(node.span.start.offset as usize..node.span.end.offset as usize).is_some());
    // an alias' copy keeps the places of its anchor; a byte-order mark may have no column
    if !text.contains('*') && !text.contains('\u{feff}') {
        places_agree(text, node);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn anything_like_yaml_is_survived(text in yaml_like()) {
        survives(&text);
    }

    #[test]
    fn any_text_is_survived(text in any::<String>()) {
        survives(&text);
    }

    #[test]
    fn any_bytes_are_survived(bytes in vec(any::<u8>(), 0..200)) {
        survives(&String::from_utf8_lossy(&bytes));
    }
}
