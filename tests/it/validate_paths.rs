//! `waypost validate PATH` and `waypost explain`, as pipelines use them.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test may fail this way")]

use std::fs;
use std::path::Path;

use crate::program::{Ran, copy, copy_of, project, waypost};

const TREE: &str = "tests/cases/manifests/tree";
const CRDS: &str = "tests/cases/manifests/crds";

fn run(arguments: &[&str]) -> Ran {
    waypost(project(), arguments)
}

/// Compares with a file beside the case; `WAYPOST_BLESS=1` writes it.
fn expect(name: &str, text: &str) {
    let path = project().join("tests/cases/manifests/expected").join(name);
    // the version of the program is no part of what is compared
    let text = text.replace(env!("CARGO_PKG_VERSION"), "VERSION");
    if std::env::var_os("WAYPOST_BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    } else {
        assert_eq!(text, fs::read_to_string(&path).unwrap_or_default(), "{name}");
    }
}

#[cfg(feature = "cel")]
#[test]
fn every_format_says_the_same() {
    let text = run(&["validate", TREE, "--crds", CRDS]);
    assert_eq!((text.code, text.stdout.as_str()), (3, ""));
    expect("text", &text.stderr);
    for format in ["json", "junit", "sarif", "github", "gitlab"] {
        let ran = run(&["validate", TREE, "--crds", CRDS, "--format", format]);
        assert_eq!(ran.code, 3, "{format}");
        expect(format, &ran.stdout);
        assert!(ran.stderr.starts_with("7 files, 8 objects: 3 valid, 3 invalid"), "{}", ran.stderr);
    }
}

#[test]
fn secrets_appear_in_no_format() {
    for format in ["text", "json", "junit", "sarif", "github", "gitlab"] {
        let ran = run(&["validate", TREE, "--format", format]);
        let all = format!("{}{}", ran.stdout, ran.stderr);
        assert!(all.contains("secret-data"), "{format}");
        assert!(!all.contains("correct-horse"), "{format}: {all}");
    }
}

#[test]
fn exit_codes_tell_what_happened() {
    let valid = "tests/cases/manifests/tree/sub/kustomization.yaml";
    assert_eq!(run(&["validate", valid]).code, 0);
    let unknown = "tests/cases/manifests/tree/unknown.json";
    let ran = run(&["validate", unknown]);
    assert_eq!(ran.code, 0);
    assert!(ran.stderr.contains("1 not validated"), "{}", ran.stderr);
    assert!(ran.stderr.contains("no schema for other.example/v1/Gadget: 1 object"));
    assert_eq!(run(&["validate", unknown, "--require-schemas"]).code, 3);
    assert_eq!(run(&["validate", "no/such/path"]).code, 1);
    assert_eq!(run(&["validate", "brownfield", unknown]).code, 1);
    assert_eq!(run(&["validate", valid, "--format", "xml"]).code, 2);
    assert_eq!(run(&["validate", valid, "--crds", "no/such/path"]).code, 1);
}

/// Without its rules a CRD says less, never the opposite.
#[test]
fn rules_can_be_left_out() {
    let with = run(&["validate", TREE, "--crds", CRDS, "--format", "github"]);
    let without = run(&["validate", TREE, "--crds", CRDS, "--format", "github", "--no-rules"]);
    assert!(!without.stdout.contains("rule-broken"));
    assert!(without.stdout.lines().all(|line| with.stdout.lines().any(|l| l == line)));
    if cfg!(feature = "cel") {
        assert!(with.stdout.contains("rule-broken"));
    } else {
        assert!(with.stderr.contains("this program was built without CEL"), "{}", with.stderr);
    }
}

#[test]
fn standard_input_and_schemas_of_the_repository_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("a.yaml", "apiVersion: other.example/v1\nkind: Gadget\nmetadata: {name: a}\nsize: 1\n");
    write(
        "schemas/other.example/gadget_v1.json",
        r#"{"properties": {"apiVersion": {}, "kind": {}, "metadata": {}}, "additionalProperties": false}"#,
    );
    let ran = waypost(folder.path(), &["validate", "a.yaml"]);
    assert_eq!(ran.code, 3);
    assert!(ran.stderr.contains("`size` is not known here"), "{}", ran.stderr);
    let crd = fs::read_to_string(project().join(CRDS).join("widget.yaml")).unwrap();
    write("schemas/crds/widget.yaml", &crd);
    write("b.yaml", "apiVersion: shop.example/v1\nkind: Widget\nmetadata: {name: a}\nspec: {}\n");
    let ran = waypost(folder.path(), &["validate", "b.yaml"]);
    assert!(ran.stderr.contains("`spec` has no `size`"), "{}", ran.stderr);
}

#[cfg(unix)]
#[test]
fn links_are_not_followed_and_it_is_said() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("a")).unwrap();
    std::os::unix::fs::symlink(Path::new("/etc/hostname"), folder.path().join("a/b.yaml")).unwrap();
    let ran = waypost(folder.path(), &["validate", "a"]);
    assert_eq!(ran.code, 0);
    assert!(ran.stderr.contains("`a/b.yaml` was not read"), "{}", ran.stderr);
}

/// A pipeline whose template gave nothing, or whose path is mistyped, was told that all is well.
#[test]
fn a_folder_without_manifests_and_an_empty_input_are_told() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("empty")).unwrap();
    let ran = waypost(folder.path(), &["validate", "./empty"]);
    assert_eq!(ran.code, 0);
    assert!(
        ran.stderr.contains("warning[empty-source]: `empty` holds no manifest"),
        "{}",
        ran.stderr
    );
    fs::write(folder.path().join("empty/README"), "words").unwrap();
    let ran = waypost(folder.path(), &["validate", "./empty"]);
    assert!(ran.stderr.contains("warning[empty-source]"), "{}", ran.stderr);
    let ran = waypost(folder.path(), &["validate", "-"]);
    assert!(ran.stderr.contains("warning[empty-source]: `stdin`"), "{}", ran.stderr);
}

/// A pipe or socket was passed over in silence, and a folder without rights ended the run.
#[cfg(unix)]
#[test]
fn what_is_no_file_or_cannot_be_entered_is_a_finding_and_the_rest_is_checked() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let a = folder.path().join("a");
    fs::create_dir_all(a.join("shut")).unwrap();
    fs::write(a.join("z.yaml"), "apiVersion: v1\nkind: Namespace\nmetadata: {name: A}\n").unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(a.join("s.yaml")).unwrap();
    fs::set_permissions(a.join("shut"), fs::Permissions::from_mode(0o000)).unwrap();
    let may_enter = fs::read_dir(a.join("shut")).is_ok();
    let ran = waypost(folder.path(), &["validate", "a/"]);
    let one = waypost(folder.path(), &["validate", "a/s.yaml"]);
    fs::set_permissions(a.join("shut"), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!((ran.code, one.code), (3, 3), "{}", ran.stderr);
    for said in [&ran.stderr, &one.stderr] {
        let wanted = "`a/s.yaml` cannot be read: it is neither a file nor a folder";
        assert!(said.contains(wanted), "{said}");
    }
    assert!(ran.stderr.contains("error[bad-name]"), "{}", ran.stderr);
    // root may
    assert_eq!(ran.stderr.contains("`a/shut` cannot be read"), !may_enter, "{}", ran.stderr);
}

#[test]
fn pages_are_printed_by_code_and_by_istios_code() {
    let page = run(&["explain", "l7-deny-noop"]);
    assert_eq!(page.code, 0);
    assert!(page.stdout.starts_with("# l7-deny-noop\n\nA DENY rule"), "{}", page.stdout);
    assert!(run(&["explain", "IST0123"]).stdout.starts_with("# reinjection\n"));
    let ran = run(&["explain", "l7-deny-nop"]);
    assert_ne!(ran.code, 0);
    assert!(ran.stderr.contains("did you mean `l7-deny-noop`?"), "{}", ran.stderr);
    expect("explain", &run(&["explain"]).stdout);
}

/// A policy that exists anyway is held against the mode that we render: it is not ours, and it is
/// what the migration would break.
#[test]
fn an_environment_is_linted_with_what_exists_anyway() {
    let folder = copy_of("greenfield");
    assert_eq!(waypost(folder.path(), &["validate", "greenfield"]).code, 0);
    let policy = "\
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: deny-admin, namespace: httpbin}
spec:
  action: DENY
  rules:
  - to:
    - operation: {paths: [/admin], ports: []}
";
    let path = folder.path().join("environments/greenfield/inventory/policy.yaml");
    fs::write(path, policy).unwrap();
    let ran = waypost(folder.path(), &["validate", "greenfield", "--format", "github"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    let place = "file=environments/greenfield/inventory/policy.yaml,line=8,";
    assert!(ran.stdout.contains(place) && ran.stdout.contains("l7-deny-noop"), "{}", ran.stdout);
}

#[test]
fn several_environments_are_one_document_whose_places_are_in_their_own_files() {
    let folder = copy_of("greenfield");
    let root = folder.path();
    copy(&project().join("environments/brownfield"), &root.join("environments/brownfield"));
    for (name, word) in [("brownfield", "httpbin"), ("greenfield", "sleep")] {
        let path = root.join(format!("environments/{name}/environment.yaml"));
        let text = fs::read_to_string(&path).expect("a spec");
        fs::write(path, format!("{text}  # of {word}\n  unknown-{word}: 1\n")).expect("written");
    }
    let ran = waypost(root, &["validate", "--format", "sarif"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    let sarif: serde_json::Value = serde_json::from_str(&ran.stdout).expect("one document");
    let results = sarif["runs"][0]["results"].as_array().expect("results");
    for (name, word) in [("brownfield", "httpbin"), ("greenfield", "sleep")] {
        let wanted = format!("unknown-{word}");
        let of = |r: &&serde_json::Value| r["message"].to_string().contains(&wanted);
        let result = results.iter().find(of).unwrap_or_else(|| panic!("{wanted}: {results:#?}"));
        let place = &result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
        assert_eq!(place, &format!("environments/{name}/environment.yaml"));
    }
}
