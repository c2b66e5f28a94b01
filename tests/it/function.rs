//! `waypost fn`: one ResourceList in, one out.

use serde_json::{Value, json};

use crate::program::{Ran, copy_of, waypost, waypost_reading};

fn call(fields: &Value, items: &[Value]) -> Ran {
    let folder = copy_of("brownfield");
    let list = json!({
        "apiVersion": "config.kubernetes.io/v1",
        "kind": "ResourceList",
        "functionConfig": {"apiVersion": "v1", "kind": "ConfigMap", "data": fields},
        "items": items,
    });
    waypost_reading(folder.path(), &["fn"], &list.to_string())
}

fn answer(ran: &Ran) -> Value {
    serde_yaml::from_str(&ran.stdout).expect("YAML")
}

fn items(answer: &Value) -> &[Value] {
    answer["items"].as_array().expect("items")
}

fn path(item: &Value) -> &str {
    item["metadata"]["annotations"]["internal.config.kubernetes.io/path"]
        .as_str()
        .expect("an item has a path")
}

/// Without the paths and indices, which only the protocol needs.
fn bare(item: &Value) -> Value {
    let mut item = item.clone();
    let metadata = item["metadata"].as_object_mut().expect("metadata");
    let annotations = metadata["annotations"].as_object_mut().expect("annotations");
    annotations.retain(|key, _| !key.contains("config.kubernetes.io/"));
    if annotations.is_empty() {
        metadata.remove("annotations");
    }
    item
}

#[test]
fn a_function_gives_what_a_render_applies() {
    let folder = copy_of("brownfield");
    for stage in ["none", "client/mesh", "bookinfo"] {
        let ran = call(&json!({"environment": "brownfield", "stage": stage}), &[]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let given: Vec<Value> = items(&answer(&ran)).iter().map(bare).collect();
        let stream =
            waypost(folder.path(), &["render", "brownfield", "--stdout", "--stage", stage]).stdout;
        let applied: Vec<Value> = serde_yaml::Deserializer::from_str(&stream)
            .map(|document| serde::Deserialize::deserialize(document).expect("YAML"))
            .collect();
        assert_eq!(given, applied, "{stage}");
        assert!(given.len() > 10, "{stage} has objects");
    }
}

#[test]
fn a_function_keeps_to_its_cluster_and_unit() {
    let fields = json!({"environment": "brownfield", "cluster": "cp-cluster-1", "unit": "mesh"});
    let ran = call(&fields, &[]);
    let answer = answer(&ran);
    assert!(!items(&answer).is_empty());
    for item in items(&answer) {
        assert!(path(item).starts_with("cp-cluster-1/mesh/"), "{}", path(item));
    }
}

#[test]
fn a_function_keeps_what_others_wrote_and_replaces_its_own() {
    let fields = json!({"environment": "brownfield", "unit": "enrollment"});
    let at = |path: &str| {
        json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": "client", "annotations": {"internal.config.kubernetes.io/path": path}},
        })
    };
    let foreign = at("team/namespace.yaml");
    let stale = at("cp-cluster-1/enrollment/_cluster/namespace-client.yaml");
    let without_path = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}});
    let ran = call(&fields, &[foreign.clone(), stale.clone(), without_path.clone()]);
    let answer = answer(&ran);
    let first = items(&answer);
    assert_eq!(first[..2], [foreign, without_path]);
    let same_path: Vec<&Value> =
        first[2..].iter().filter(|item| path(item) == path(&stale)).collect();
    assert_eq!(same_path.len(), 1);
    assert_ne!(bare(same_path[0]), bare(&stale));

    let again = call(&fields, first);
    assert_eq!(again.stdout, ran.stdout, "a second call changes nothing");
}

/// Comments, words of YAML 1.1, tags and what cannot be read at all are not ours to change.
#[test]
fn a_function_passes_foreign_files_on_byte_for_byte() {
    let folder = copy_of("brownfield");
    let foreign = "- apiVersion: v1 # as the team wrote it\n  kind: ConfigMap\n  metadata: {name: a, annotations: {internal.config.kubernetes.io/path: 'a.yaml'}}\n  data:\n    mode: 0644\n    on: yes\n    text: |+\n      - a\n\n- !Ref {kind: Thing}\n- {a: 1, a: 2}\n# the end\n";
    for (environment, code) in [("brownfield", 0), ("brownfeld", 3)] {
        let list = format!(
            "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n{foreign}functionConfig:\n  kind: ConfigMap\n  data: {{environment: {environment}, unit: enrollment}}\n"
        );
        let ran = waypost_reading(folder.path(), &["fn"], &list);
        assert_eq!(ran.code, code, "{}", ran.stderr);
        assert!(ran.stdout.contains(&format!("items:\n{foreign}")), "{}", ran.stdout);
        let again = waypost_reading(folder.path(), &["fn"], &ran.stdout);
        assert_eq!(again.stdout, ran.stdout, "a second call changes nothing");
    }
}

#[test]
fn a_function_that_cannot_render_gives_back_what_it_got_and_why() {
    let item = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}});
    let ran = call(&json!({"environment": "brownfeld"}), std::slice::from_ref(&item));
    assert_eq!(ran.code, 3);
    let answer = answer(&ran);
    assert_eq!(items(&answer), [item]);
    let result = &answer["results"][0];
    assert_eq!(result["severity"], "error");
    assert_eq!(result["tags"]["code"], "unknown-environment");
    let message = result["message"].as_str().expect("a message");
    assert!(message.contains("did you mean `brownfield`?"), "{message}");
}

#[test]
fn a_misspelt_field_of_a_function_is_told() {
    let ran = call(&json!({"environment": "brownfield", "clustr": "cp-cluster-1"}), &[]);
    assert_eq!((ran.code, ran.stdout.as_str()), (3, ""));
    assert!(ran.stderr.contains("takes no `clustr`"), "{}", ran.stderr);
    assert!(ran.stderr.contains("did you mean `cluster`?"), "{}", ran.stderr);
}

#[test]
fn what_is_no_resource_list_is_refused() {
    let folder = copy_of("brownfield");
    let list = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\n";
    for (input, code) in [
        ("", "not-a-resource-list"),
        ("a: 1\n", "not-a-resource-list"),
        ("[]\n", "not-a-resource-list"),
        ("apiVersion: v1\nkind: List\n", "not-a-resource-list"),
        (list, "malformed-function-config"),
        (&format!("{list}functionConfig: 7\n"), "malformed-function-config"),
        (&format!("{list}functionConfig: {{spec: {{unit: mesh}}}}\n"), "malformed-function-config"),
        (
            &format!("{list}functionConfig: {{spec: {{environment: [a]}}}}\n"),
            "malformed-function-config",
        ),
        (
            &format!("{list}items: 3\nfunctionConfig: {{spec: {{environment: a}}}}\n"),
            "not-a-resource-list",
        ),
    ] {
        let ran = waypost_reading(folder.path(), &["fn"], input);
        assert_eq!((ran.code, ran.stdout.as_str()), (3, ""), "{input}");
        assert!(ran.stderr.contains(&format!("error[{code}]")), "{input}: {}", ran.stderr);
    }
}

#[test]
fn an_unknown_unit_of_a_function_is_wrong_usage() {
    let ran = call(&json!({"environment": "brownfield", "unit": "mash"}), &[]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
}
