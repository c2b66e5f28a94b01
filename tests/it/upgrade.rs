//! `access diff` about an upgrade alone: who gains and who loses, and the release that brought it.

#![allow(clippy::expect_used, reason = "a test may fail this way")]

use serde_json::Value;

use crate::program::{project, waypost};

const MESH: &str = "tests/upgrade";

fn diff(arguments: &[&str]) -> (i32, String, String) {
    let ran = waypost(project(), &[&["access", "diff", MESH, MESH], arguments].concat());
    (ran.code, ran.stdout, ran.stderr)
}

#[test]
fn an_upgrade_alone_says_who_gains_and_which_release_brought_it() {
    let (code, out, err) = diff(&["--istio", "1.24", "--against-istio", "1.30"]);
    assert_eq!(code, 0, "{err}");
    for said in [
        "front/cart gains orders/stock:8080\n",
        "  by      Istio 1.25: sidecars send HBONE to ambient pods whatever a DestinationRule says about TLS (1.25.1)\n",
        "orders/audit, outside lose orders/audit:8080",
        "  by      Istio 1.25: sources may have `serviceAccounts`\n",
    ] {
        assert!(out.contains(said), "{said}: {out}");
    }
    // each says what brought it
    assert_eq!(out.matches("\n  after   ").count(), out.matches("\n  by      ").count(), "{out}");
    assert!(
        err.contains("folder tests/upgrade (Istio 1.24) to folder tests/upgrade (Istio 1.30)"),
        "{err}"
    );
}

#[test]
fn a_way_back_says_what_is_gone() {
    let (_, out, _) = diff(&["--istio", "1.30", "--against-istio", "1.24", "-f", "markdown"]);
    assert!(out.starts_with("| who | | what | with | before | after | by |\n"), "{out}");
    let gone = "no longer with a release before Istio 1.25: sources may have `serviceAccounts` |\n";
    assert!(out.contains(gone), "{out}");
}

#[test]
fn a_ztunnel_older_than_istiod_is_a_difference() {
    let (_, out, _) = diff(&[
        "--istio",
        "1.30",
        "--ztunnel",
        "1.24",
        "--against-istio",
        "1.30",
        "--format",
        "json",
    ]);
    let out: Value = serde_json::from_str(&out).expect("JSON");
    let differences = out["differences"].as_array().expect("a list");
    assert!(!differences.is_empty(), "{out:#}");
    for difference in differences {
        let brought = &difference["broughtBy"];
        assert_eq!(brought[0]["release"], "1.25", "{difference:#}");
        assert_eq!(brought[0]["what"], "ztunnel reads `serviceAccounts` of a source");
    }
    // the policy that holds nowhere is the same on both sides
    assert_eq!(out["notCompared"], serde_json::json!([]));
}

#[test]
fn the_same_release_is_no_difference() {
    let (code, out, err) = diff(&["--istio", "1.28", "--against-istio", "1.28.3"]);
    assert_eq!((code, out.as_str()), (0, ""), "{err}");
}

#[test]
fn one_cluster_is_upgraded_and_a_name_that_is_none_is_said() {
    let run = |istio: &str| {
        let arguments = ["access", "diff", "brownfield", "brownfield", "--against-istio", istio];
        let ran = waypost(project(), &arguments);
        (ran.code, ran.stderr)
    };
    let (code, err) = run("cp-cluster-1=1.30");
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("(Istio 1.24) to brownfield, stage httpbin (Istio 1.30)"), "{err}");
    let (code, err) = run("west=1.30");
    assert_ne!(code, 0);
    assert!(err.contains("there is no cluster `west` in brownfield"), "{err}");
    assert!(err.contains("there are cp-cluster-1"), "{err}");
}

#[test]
fn nothing_is_said_about_a_release_that_is_not_known() {
    let (code, _, err) = diff(&["--against-istio", "1.99"]);
    assert_ne!(code, 0);
    assert!(err.contains("what Istio 1.99 does is not known"), "{err}");
}
