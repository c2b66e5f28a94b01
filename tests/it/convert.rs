//! `waypost convert`: the fixtures of both forms, there and back.

use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;

use crate::program::{project, waypost, waypost_reading};

const TO_KUBERNETES: [&str; 3] = ["convert", "--to", "kubernetes"];
const TO_TCTL: [&str; 3] = ["convert", "--to", "tctl"];

/// Converts a text; what it says is no error.
fn convert(options: &[&str], text: &str) -> String {
    let arguments: Vec<&str> = options.iter().copied().chain(["-"]).collect();
    let ran = waypost_reading(project(), &arguments, text);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    ran.stdout
}

fn values(text: &str) -> Vec<Value> {
    serde_yaml::Deserializer::from_str(text)
        .map(|document| Value::deserialize(document).expect("YAML"))
        .filter(|value| !value.is_null())
        .collect()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(project().join(path)).expect(path)
}

#[test]
fn every_kind_in_both_forms() {
    const FOLDER: &str = "tests/cases/tsb-forms/every-kind";
    let (tctl, kubernetes) =
        (read(&format!("{FOLDER}/tctl.yaml")), read(&format!("{FOLDER}/kubernetes.yaml")));
    let options = [&TO_KUBERNETES[..], &["--namespace", "gitops", "--no-sync-waves"]].concat();
    for text in [&tctl, &kubernetes] {
        assert_eq!(values(&convert(&options, text)), values(&kubernetes));
        assert_eq!(values(&convert(&TO_TCTL, text)), values(&tctl));
    }
}

/// The resources of every case and example that are without fault.
fn fixtures() -> Vec<PathBuf> {
    let cases = std::fs::read_dir(project().join("tests/cases/tsb")).expect("cases");
    let cases = cases.map(|entry| entry.expect("an entry").path().join("tsb.yaml"));
    let examples = ["greenfield", "brownfield"]
        .map(|name| project().join("environments").join(name).join("tsb-config.yaml"));
    let mut all: Vec<PathBuf> = cases.chain(examples).collect();
    all.sort();
    all
}

/// Back in the first form nothing is missing, and what has the wanted form already stays as it is,
/// byte for byte.
#[test]
fn there_and_back() {
    let mut converted = 0;
    for path in fixtures() {
        let name = path.to_str().expect("UTF-8");
        let arguments = [&TO_KUBERNETES[..], &[name]].concat();
        let ran = waypost(project(), &arguments);
        if ran.code != 0 {
            assert_eq!((ran.code, ran.stdout.as_str()), (3, ""), "{name}: {}", ran.stderr);
            continue;
        }
        converted += 1;
        let kubernetes = ran.stdout;
        let tctl = convert(&TO_TCTL, &kubernetes);
        assert_eq!(convert(&TO_KUBERNETES, &kubernetes), kubernetes, "{name}");
        assert_eq!(convert(&TO_TCTL, &tctl), tctl, "{name}");
        assert_eq!(convert(&TO_KUBERNETES, &tctl), kubernetes, "{name}");
    }
    assert!(converted > 40, "only {converted} fixtures");
}

/// Lists, several files and both forms beside each other: the order stays.
#[test]
fn lists_and_several_files() {
    let list = "
apiVersion: v1
kind: List
items:
- apiVersion: api.tsb.tetrate.io/v2
  kind: Workspace
  metadata: {name: web, organization: o, tenant: t}
  spec: {namespaceSelector: {names: ['*/web']}}
- apiVersion: tsb.tetrate.io/v2
  kind: Tenant
  metadata:
    name: t
    namespace: mine
    annotations: {tsb.tetrate.io/organization: o}
";
    let arguments = [
        &TO_KUBERNETES[..],
        &["-", "environments/greenfield/tsb-config.yaml", "--tenant-namespace", "t=team-t"],
    ]
    .concat();
    let ran = waypost_reading(project(), &arguments, list);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let objects = values(&ran.stdout);
    let said: Vec<_> = objects[..2]
        .iter()
        .map(|o| (o["kind"].as_str(), o["metadata"]["namespace"].as_str()))
        .collect();
    assert_eq!(said, [(Some("Workspace"), Some("team-t")), (Some("Tenant"), Some("mine"))]);
    assert!(objects.len() > 4, "the file's objects are missing");
    assert_eq!(objects[0]["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"], "30");
}

/// What tctl has no place for is told: namespaces, waves and names of the user's own.
#[test]
fn what_tctl_form_cannot_hold_is_told() {
    let text = "
apiVersion: tsb.tetrate.io/v2
kind: Tenant
metadata:
  name: t
  namespace: mine
  annotations: {tsb.tetrate.io/organization: o, argocd.argoproj.io/sync-wave: '-3'}
---
apiVersion: rbac.tsb.tetrate.io/v2
kind: AccessBindings
metadata:
  name: who-may-what
  namespace: mine
  annotations: {tsb.tetrate.io/fqn: organizations/o/tenants/t}
spec: {allow: []}
";
    let ran = waypost_reading(project(), &["convert", "--to", "tctl", "-"], text);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for what in ["namespace `mine`", "sync wave `-3`", "name `who-may-what`"] {
        assert!(ran.stderr.contains(what), "no {what} in\n{}", ran.stderr);
    }
    assert_eq!(ran.stderr.matches("note[left-out]").count(), 3, "{}", ran.stderr);
    assert!(!ran.stdout.contains("mine"), "{}", ran.stdout);
}

/// With an error nothing is written: whoever applies the output must never get half of it.
#[test]
fn errors_leave_standard_output_empty() {
    let tenant = "
apiVersion: api.tsb.tetrate.io/v2
kind: Tenant
metadata: {name: t, organization: o}
---
";
    for (code, text) in [
        ("not-tsb", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"),
        (
            "not-tsb",
            "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\ndata: {key: aHVudGVyMg==}\n",
        ),
        (
            "missing-parent",
            "apiVersion: api.tsb.tetrate.io/v2\nkind: Workspace\nmetadata: {name: w}\n",
        ),
        ("yaml-syntax", "kind: [\n"),
        (
            "same-object",
            "apiVersion: api.tsb.tetrate.io/v2\nkind: Tenant\nmetadata: {name: t, organization: o}\n",
        ),
    ] {
        let form = if code == "not-tsb" { "tctl" } else { "kubernetes" };
        let ran =
            waypost_reading(project(), &["convert", "--to", form, "-"], &format!("{tenant}{text}"));
        assert_eq!((ran.code, ran.stdout.as_str()), (3, ""), "{}", ran.stderr);
        assert!(ran.stderr.contains(&format!("error[{code}]")), "{code}: {}", ran.stderr);
        assert!(ran.stderr.contains("standard input:"), "{}", ran.stderr);
        assert!(!ran.stderr.contains("aHVudGVyMg"), "a secret is shown: {}", ran.stderr);
    }
}

/// A file for `kubectl apply` holds what tctl knows nothing of.
#[test]
fn what_is_not_tsbs_passes_through_to_kubernetes() {
    let others = "---
apiVersion: v1
kind: Namespace
metadata:
  name: shop
---
apiVersion: other.example/v1
kind: Gadget
metadata:
  name: g
  annotations:
    argocd.argoproj.io/sync-wave: \"3\"
size: 1
";
    let tenant = "---
apiVersion: api.tsb.tetrate.io/v2
kind: Tenant
metadata: {name: t, organization: o}
";
    let ran = waypost_reading(
        project(),
        &["convert", "--to", "kubernetes", "-"],
        &format!("{others}{tenant}"),
    );
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.ends_with(others), "{}", ran.stdout);
    assert!(ran.stdout.contains("kind: Tenant"), "{}", ran.stdout);
    let ran = waypost_reading(project(), &["convert", "--to", "kubernetes", "-"], others);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, others), "{}", ran.stderr);
}

#[test]
fn an_unknown_kind_passes_through_with_a_note() {
    let text = "---
apiVersion: extension.tsb.tetrate.io/v2
kind: WasmExtension
metadata:
  name: hello
  namespace: mine
  annotations:
    tsb.tetrate.io/organization: o
spec:
  image: oci://registry.example/hello@sha256:1
";
    let ran = waypost_reading(project(), &["convert", "--to", "kubernetes", "-"], text);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, text), "{}", ran.stderr);
    assert!(ran.stderr.contains("note[unknown-kind]"), "{}", ran.stderr);
    let ran = waypost_reading(project(), &["convert", "--to", "tctl", "-"], text);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, text), "{}", ran.stderr);
    assert!(ran.stderr.contains("warning[not-converted]"), "{}", ran.stderr);
}

#[test]
fn a_file_that_is_not_there() {
    let ran = waypost(project(), &["convert", "--to", "tctl", "no-such-file.yaml"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""));
    assert!(ran.stderr.contains("cannot read `no-such-file.yaml`"), "{}", ran.stderr);
    assert_eq!(waypost(project(), &["convert", "no-such-file.yaml"]).code, 2);
    let wrong = ["convert", "--to", "kubernetes", "--namespace", "Not_One", "x.yaml"];
    assert_eq!(waypost(project(), &wrong).code, 2);
}
