//! What a diff promises of any two trees.

use std::collections::BTreeMap;

use proptest::prelude::*;
use waypost::diff::{ChangeKind, ObjectVersion, Options, TreeDiff, compare, fields, hunks};
use waypost::tree::Differing;

use super::strategy::{Files, tree, value};

pub fn diff(before: &Files, after: &Files) -> TreeDiff {
    fn bytes(files: &Files) -> impl Iterator<Item = (&str, &[u8])> {
        files.iter().map(|(path, text)| (path.as_str(), text.as_bytes()))
    }
    compare(&Differing::between(bytes(before), bytes(after)), &Options::default())
}

/// The objects of a tree, each with its file.
fn objects(files: &Files) -> BTreeMap<(String, String), String> {
    let empty = Files::new();
    let all = diff(&empty, files);
    let version = |v: &ObjectVersion| ((v.path.clone(), v.reference.to_string()), v.text.clone());
    all.objects.iter().filter_map(|object| object.after.as_ref()).map(version).collect()
}

fn file(text: &str) -> Files {
    [("east/mesh/a.yaml".to_owned(), text.to_owned())].into()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn taking_away_what_was_and_putting_in_what_is_gives_the_other_tree(
        before in tree(), after in tree()
    ) {
        let diff = diff(&before, &after);
        let mut objects_of = objects(&before);
        for object in &diff.objects {
            if let Some(old) = &object.before {
                let gone = objects_of.remove(&(old.path.clone(), old.reference.to_string()));
                prop_assert_eq!(gone.as_deref(), Some(old.text.as_str()));
            }
        }
        for object in &diff.objects {
            if let Some(new) = &object.after {
                let key = (new.path.clone(), new.reference.to_string());
                prop_assert_eq!(objects_of.insert(key, new.text.clone()), None);
            }
        }
        prop_assert_eq!(objects_of, objects(&after));
    }

    #[test]
    fn counts_add_up_and_only_equal_trees_have_no_changes(before in tree(), after in tree()) {
        let diff = diff(&before, &after);
        prop_assert_eq!(diff.is_empty(), before == after);
        prop_assert_eq!(diff.counts.objects(), diff.objects.len());
        for kind in ChangeKind::ALL {
            let of_kind = diff.objects.iter().filter(|object| object.kind() == kind).count();
            prop_assert_eq!(diff.counts.of(kind), of_kind);
        }
        let hidden: usize = diff.hidden().values().sum();
        prop_assert_eq!(hidden, diff.counts.hidden_objects + diff.counts.hidden_files);
        let (befores, afters) = (objects(&before).len(), objects(&after).len());
        let (added, removed) = (diff.counts.added, diff.counts.removed);
        prop_assert_eq!(befores + added, afters + removed);
    }

    #[test]
    fn fields_differ_where_values_do(before in value(), after in value()) {
        prop_assert_eq!(fields(&before, &after).is_empty(), before == after);
        prop_assert!(fields(&before, &before).is_empty());
        for field in fields(&before, &after) {
            prop_assert_ne!(&field.before, &field.after);
        }
    }

    #[test]
    fn hunks_hold_every_line_that_came_or_went(before in "([a-c]{0,2}\n){0,40}", after in "([a-c]{0,2}\n){0,40}") {
        let signs = |sign: char| -> Vec<String> {
            let hunks = hunks(&before, &after);
            let lines = hunks.into_iter().flat_map(|hunk| hunk.lines);
            lines.filter(|line| line.kind.sign() == sign).map(|line| line.text).collect()
        };
        let lines = |text: &str| text.lines().count();
        prop_assert_eq!(
            lines(&before) + signs('+').len(),
            lines(&after) + signs('-').len()
        );
        prop_assert_eq!(signs('+').is_empty() && signs('-').is_empty(), before == after);
    }
}

#[test]
fn an_object_in_another_file_or_unit_is_moved_and_one_with_another_name_renamed() {
    let object = |name: &str| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: ns}}\ndata: {{k: v}}\n"
        )
    };
    let at = |path: &str, name: &str| -> Files { [(path.to_owned(), object(name))].into() };
    let kind = |before: &Files, after: &Files| diff(before, after).objects[0].kind();
    let here = at("east/mesh/n/a.yaml", "a");
    assert_eq!(kind(&here, &at("east/mesh/m/a.yaml", "a")), ChangeKind::Moved);
    assert_eq!(kind(&here, &at("east/tsb/n/a.yaml", "a")), ChangeKind::Moved);
    assert_eq!(kind(&here, &at("west/mesh/n/a.yaml", "a")), ChangeKind::Moved);
    assert_eq!(kind(&here, &at("east/mesh/n/b.yaml", "b")), ChangeKind::Renamed);
    let other = at("east/mesh/n/b.yaml", "b").into_iter().map(|(p, t)| (p, t.replace("v}", "w}")));
    let kinds: Vec<_> = diff(&here, &other.collect()).objects.iter().map(|o| o.kind()).collect();
    assert_eq!(kinds, [ChangeKind::Removed, ChangeKind::Added]);
}

#[test]
fn spelling_is_noise_and_still_no_equality() {
    let before = file("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n");
    let after = file("# why\nkind: ConfigMap\napiVersion: 'v1'\nmetadata:\n  name: a\n");
    let diff = diff(&before, &after);
    assert!(!diff.is_empty());
    assert_eq!((diff.counts.changed, diff.counts.hidden_objects), (1, 1));
}

#[test]
fn a_file_that_cannot_be_read_is_said_so_and_its_other_side_is_not_lost() {
    let before = file("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n");
    let diff = diff(&before, &file("a: [\n"));
    assert_eq!(diff.unreadable().count(), 1);
    assert_eq!(diff.counts.removed, 1);
}

#[test]
fn lists_are_matched_by_what_tells_their_items_apart() {
    let said = |before: serde_json::Value, after: serde_json::Value| -> Vec<String> {
        let say = |field: waypost::diff::FieldChange| {
            let text = |v: &Option<serde_json::Value>| {
                v.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string)
            };
            format!("{}: {} -> {}", field.path, text(&field.before), text(&field.after))
        };
        fields(&before, &after).into_iter().map(say).collect()
    };
    let json = |text: &str| serde_json::from_str(text).expect("JSON");
    assert_eq!(
        said(
            json(r#"{"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]}"#),
            json(r#"{"env": [{"name": "C"}, {"name": "B", "value": "3"}]}"#)
        ),
        [
            r#"env[name=A]: {"name":"A","value":"1"} -> -"#,
            r#"env[name=B].value: "2" -> "3""#,
            r#"env[name=C]: - -> {"name":"C"}"#
        ]
    );
    assert_eq!(
        said(
            json(r#"{"principals": ["a", "b", "d"]}"#),
            json(r#"{"principals": ["a", "c", "d"]}"#)
        ),
        [r#"principals[1]: "b" -> -"#, r#"principals[1]: - -> "c""#]
    );
    assert_eq!(
        said(
            json(r#"{"l": [{"name": "a"}, {"name": "b"}]}"#),
            json(r#"{"l": [{"name": "b"}, {"name": "a"}]}"#)
        ),
        [r#"l: ["a","b"] -> ["b","a"]"#]
    );
    assert_eq!(
        said(
            json(r#"{"metadata": {"labels": {"istio.io/x": "a"}}}"#),
            json(r#"{"metadata": {"labels": {"istio.io/x": "b"}}}"#)
        ),
        [r#"metadata.labels["istio.io/x"]: "a" -> "b""#]
    );
}
