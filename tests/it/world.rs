//! What is in the clusters, as every command sees it. The environments are those of `tests/world`.

use std::path::PathBuf;

use crate::program::{Ran, project, waypost};

fn root() -> PathBuf {
    project().join("tests/world")
}

fn run(arguments: &[&str]) -> Ran {
    waypost(&root(), arguments)
}

#[test]
fn a_restart_patch_takes_no_named_port_away() {
    let ran = run(&["access", "explain", "till/till", "shop/shop:80", "--in", "named-port"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("8080"), "{}", ran.stdout);
    assert!(ran.stdout.contains("allow"), "{}", ran.stdout);
}

#[test]
fn only_what_a_workload_makes_is_left_out_for_its_owner() {
    let ran = run(&["access", "matrix", "owned", "--format", "csv"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let rows: std::collections::BTreeSet<&str> =
        ran.stdout.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
    assert!(rows.contains("shop/db") && rows.contains("till/job-runner"), "{rows:?}");
    for made in ["shop/shop-5d9c", "till/till-7f6b-x2x"] {
        assert!(!rows.contains(made), "{rows:?}");
    }
    // each once
    assert!(rows.contains("shop/shop") && rows.contains("till/till"), "{rows:?}");
}

#[test]
fn what_is_applied_beside_us_is_linted() {
    let ran = run(&["validate", "direct-linted"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("error[l7-deny-noop]"), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("environments/direct-linted/direct/no-admin.yaml:"),
        "{}",
        ran.stderr
    );
    // the simulator sees the same object
    let ran = run(&["access", "policies", "direct-linted"]);
    assert!(ran.stdout.contains("no-admin"), "{}", ran.stdout);
}

#[test]
fn what_is_applied_beside_us_is_not_foreign() {
    let folder = tempfile::tempdir().unwrap();
    let rendered = run(&["render", "direct-linted", "--stdout"]);
    let direct = root().join("environments/direct-linted/direct/no-admin.yaml");
    let direct = std::fs::read_to_string(direct).unwrap();
    let dump = folder.path().join("dump.yaml");
    std::fs::write(&dump, format!("{}---\n{direct}", rendered.stdout)).unwrap();
    let ran = run(&["verify", "direct-linted", dump.to_str().unwrap()]);
    assert!(!ran.stderr.contains("foreign-object"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("kubectl delete"), "{}", ran.stderr);
}

#[test]
fn what_is_applied_beside_us_is_validated_where_it_is_written() {
    for verb in ["validate", "render"] {
        let ran = run(&[verb, "direct-invalid"]);
        assert_eq!(ran.code, 3, "{}", ran.stderr);
        for (place, word) in [("policies.yaml:5:3", "acton"), ("policies.yaml:12:10", "rules")] {
            let place = format!("environments/direct-invalid/direct/{place}");
            assert!(ran.stderr.contains(&place), "{place}: {}", ran.stderr);
            assert!(ran.stderr.contains(word), "{}", ran.stderr);
        }
    }
}
