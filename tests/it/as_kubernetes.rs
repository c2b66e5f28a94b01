//! What is only read is read as Kubernetes' readers read it; what they refuse is refused in words
//! that lead out.

use serde_json::{Value, json};
use waypost::diagnostic::{Diagnostic, FileId};
use waypost::yaml::{Budget, read};

/// The one document of a text, read as manifests are.
fn manifest(text: &str) -> Value {
    let (documents, found) = read(FileId(0), text, &Budget::MANIFESTS);
    assert!(found.iter().all(|d| !d.is_error()), "{text}: {found:?}");
    assert_eq!(documents.len(), 1, "{text}");
    documents[0].root.to_json()
}

fn refused(text: &str, budget: &Budget) -> Diagnostic {
    let (_, found) = read(FileId(0), text, budget);
    found.into_iter().find(Diagnostic::is_error).unwrap_or_else(|| panic!("{text} is taken"))
}

#[test]
fn merge_keys_merge_in_manifests() {
    for (text, wanted) in [
        ("a: &a {x: 1, w: 2}\nb:\n  <<: *a\n  w: 3\n", json!({"w": 3, "x": 1})),
        ("a: &a {x: 1}\nc: &c {x: 2, z: 4}\nb:\n  <<: [*a, *c]\n", json!({"x": 1, "z": 4})),
        ("b:\n  <<: {x: 1}\n", json!({"x": 1})),
        ("b:\n  x: 1\n  <<: {x: 1, w: 2}\n", json!({"x": 1, "w": 2})),
        ("b: {\"<<\": 1}\n", json!({"<<": 1})),
    ] {
        assert_eq!(manifest(text)["b"], wanted, "{text}");
    }
    // labels of a Deployment, as releases write them
    let deployment = manifest(
        "metadata: {labels: &l {app: worker}}\nspec:\n  selector: {matchLabels: *l}\n  template:\n    metadata:\n      labels:\n        <<: *l\n        version: v1\n",
    );
    let labels = &deployment["spec"]["template"]["metadata"]["labels"];
    assert_eq!(*labels, json!({"version": "v1", "app": "worker"}));
}

#[test]
fn what_readers_disagree_on_is_refused() {
    for text in [
        "b:\n  x: 1\n  <<: {x: 2}\n",
        "b:\n  <<: {x: 2}\n  <<: {w: 2}\n",
        "b:\n  <<: 3\n",
        "b:\n  <<: [1]\n",
    ] {
        assert_eq!(refused(text, &Budget::MANIFESTS).code, "merge-key", "{text}");
    }
    for budget in [Budget::SPEC, Budget::RENDERED] {
        assert_eq!(refused("b:\n  <<: {x: 2}\n", &budget).code, "merge-key");
    }
}

#[test]
fn words_and_numbers_are_those_of_kubectl() {
    let text = "a: yes\nb: 0644\nc: 1_000\nd: 12:30\ne: 2001:db8::10\nf: [192.0.2.10, 2001:db8::10, ::1]\ng: {h: 2001:db8::10}\n";
    assert_eq!(
        manifest(text),
        json!({
            "a": true, "b": 420, "c": 1000, "d": "12:30", "e": "2001:db8::10",
            "f": ["192.0.2.10", "2001:db8::10", "::1"], "g": {"h": "2001:db8::10"},
        })
    );
    let (_, found) = read(FileId(0), text, &Budget::MANIFESTS);
    let messages: Vec<&str> = found.iter().map(|d| d.message.as_str()).collect();
    assert_eq!(messages, ["`yes` is `true` to kubectl, but text to kustomize"]);
}

#[test]
fn invisible_line_ends_and_marks_are_refused() {
    for budget in [Budget::SPEC, Budget::MANIFESTS] {
        for (text, place) in [
            ("a: 1\rb: 2\n", (1, 5)),
            ("a: 1 # x\r", (1, 9)),
            ("a: 1\r\nb: \"x\ry\"\r\n", (2, 6)),
            ("a: 1\nb: x\u{feff}y\n", (2, 5)),
            ("a: 1\n\u{feff}b: 2\n", (2, 1)),
        ] {
            let found = refused(text, &budget);
            let start = found.primary.map(|p| (p.span.start.line, p.span.start.column));
            assert_eq!((found.code, start), ("control-character", Some(place)), "{text:?}");
        }
        let (documents, found) = read(FileId(0), "\u{feff}a: 1\r\nb: 2\r\n", &budget);
        assert_eq!((documents.len(), found.len()), (1, 0));
    }
}

/// Where a syntax error is shown, what it says and how it leads out.
#[test]
fn syntax_errors_name_what_is_to_blame() {
    for (text, line, message, help) in [
        ("data:\n  x: a\n\tb\n", 3, "a tab", "spaces"),
        ("data:\n\tx: a\n", 2, "a tab", "spaces"),
        ("data:\n  x: |\n    a\n\t\n    c\n", 4, "a tab", "spaces"),
        ("data:\n  x: |\n    a\n    b\n  \t\n\n    c\n", 5, "a tab", "spaces"),
        (
            "kind: A\na: 50---\nkind: B\na: 1\n",
            2,
            "`---` is a part of the value",
            "line of its own",
        ),
        ("kind: A\na: \"x\"\n---# second\nkind: B\n", 3, "separator", "a space after `---`"),
    ] {
        let (_, found) = read(FileId(0), text, &Budget::MANIFESTS);
        let errors: Vec<&Diagnostic> = found.iter().filter(|d| d.is_error()).collect();
        assert_eq!(errors.len(), 1, "{text:?}: {errors:?}");
        let error = errors[0];
        let at = error.primary.as_ref().map(|p| p.span.start.line);
        assert_eq!(at, Some(line), "{text:?}: {error:?}");
        assert!(error.message.contains(message), "{text:?}: {error:?}");
        assert!(error.help.as_ref().is_some_and(|h| h.contains(help)), "{text:?}: {error:?}");
    }
}

/// Following the help of a finding about a text makes the finding go away.
#[test]
fn the_help_leads_out() {
    for (wrong, right) in [
        ("b:\n  x: 1\n  <<: {x: 2}\n", "b:\n  <<: {x: 2}\n  x: 1\n"),
        ("b:\n  <<: {x: 2}\n  <<: {w: 2}\n", "b:\n  <<: [{x: 2}, {w: 2}]\n"),
        ("data:\n  x: a\n\tb\n", "data:\n  x: a\n    b\n"),
        ("data:\n  x: |\n    a\n\t\n    c\n", "data:\n  x: |\n    a\n    \n    c\n"),
        ("kind: A\na: 50---\nkind: B\na: 1\n", "kind: A\na: 50\n---\nkind: B\na: 1\n"),
        ("kind: A\n---# second\nkind: B\n", "kind: A\n--- # second\nkind: B\n"),
        ("a: yes\n", "a: \"yes\"\n"),
        ("a: 1\n\u{feff}b: 2\n", "a: 1\nb: 2\n"),
    ] {
        let (_, found) = read(FileId(0), wrong, &Budget::MANIFESTS);
        assert!(!found.is_empty(), "{wrong:?}");
        let (_, found) = read(FileId(0), right, &Budget::MANIFESTS);
        assert_eq!(found, [], "{right:?}");
    }
}
