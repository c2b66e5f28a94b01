//! The order of a migration's stages decides who is cut off on the way: `validate`, `access diff` and the
//! plan say so (facts/outbound.md §1, 02 and 03).

#![allow(clippy::expect_used, reason = "a test may fail this way")]

use std::path::Path;

use serde_json::Value;

use crate::program::{copy, project, waypost};

/// A repository with one of the environments of `tests/world`.
fn repository(name: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let from = project().join("tests/world/environments").join(name);
    copy(&from, &folder.path().join("environments").join(name));
    folder
}

/// By step, who loses what in the plan: `servers/workloads: front/cart orders/queue:9092`.
fn losses(folder: &Path) -> Vec<String> {
    let ran = waypost(folder, &["diff", "--every-stage", "-f", "json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let plan: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let steps = plan["environments"].as_array().expect("steps").iter();
    steps
        .flat_map(|step| {
            let name = step["name"].as_str().unwrap_or_default();
            let name = name.rsplit(", ").next().unwrap_or_default();
            let changes = step["access"]["changes"].as_array().into_iter().flatten();
            let lost = changes.filter(|change| change["direction"] == "lost");
            lost.map(|change| {
                let word = |key: &str| change[key].as_str().unwrap_or_default().to_owned();
                format!("{name}: {} {}", word("from"), word("to"))
            })
            .collect::<Vec<String>>()
        })
        .collect()
}

#[test]
fn a_statefulset_that_moves_before_its_sidecar_clients_cuts_them_off() {
    let folder = repository("queue");
    let ran = waypost(folder.path(), &["validate", "queue"]);
    for said in [
        "`front/cart`, `front/mail` are cut off from headless Service orders/queue",
        "(from `servers/workloads` on)",
        "move namespace `front` to ambient mode before this Service's pods, or with them",
    ] {
        assert!(ran.stderr.contains(said), "{said}: {}", ran.stderr);
    }
    let diff = |from: &str, to: &str| {
        let ran = waypost(folder.path(), &["access", "diff", from, to, "--fail-on", "loss"]);
        (ran.code, ran.stdout)
    };
    let (code, told) = diff("queue@none", "queue@servers");
    assert_eq!(code, 5, "{told}");
    assert!(told.contains("front/cart, front/mail lose orders/queue:9092"), "{told}");
    assert!(
        losses(folder.path()).contains(&"servers/workloads: front/cart orders/queue:9092".into()),
        "{:?}",
        losses(folder.path())
    );
}

#[test]
fn in_the_order_that_is_named_nobody_is_cut_off() {
    let folder = repository("queue");
    let spec = folder.path().join("environments/queue/environment.yaml");
    let servers = "    - {name: servers, namespaces: [cluster-1/orders]}\n";
    let clients = "    - {name: clients, namespaces: [cluster-1/front]}\n";
    let text = std::fs::read_to_string(&spec).expect("the spec");
    let turned = text.replace(&format!("{servers}{clients}"), &format!("{clients}{servers}"));
    assert_ne!(text, turned);
    write(&spec, &turned);
    let ran = waypost(folder.path(), &["validate", "queue"]);
    assert!(!ran.stderr.contains("headless-sidecar-clients"), "{}", ran.stderr);
    let lost = losses(folder.path());
    assert!(!lost.iter().any(|line| line.contains(" front/")), "{lost:?}");
}

#[test]
fn a_prometheus_that_scrapes_by_address_loses_the_port_at_the_stage_that_moves_the_pods() {
    let folder = repository("scrape");
    let lost = losses(folder.path());
    assert!(
        lost.contains(&"shop/workloads: monitoring/prometheus pod:shop/shop:9102".to_owned()),
        "{lost:?}"
    );
    assert!(!lost.iter().any(|line| line.starts_with("shop/mesh")), "{lost:?}");
}

#[test]
fn an_environment_says_what_its_mesh_config_is() {
    let folder = repository("queue");
    let spec = folder.path().join("environments/queue/environment.yaml");
    let text = std::fs::read_to_string(&spec).expect("the spec");
    let verdict = |more: &str| {
        write(
            &spec,
            &text.replace("    platform: generic\n", &format!("    platform: generic\n{more}")),
        );
        let ask = ["access", "explain", "front/cart", "orders/queue:9092", "queue"];
        let ran = waypost(folder.path(), &[&ask[..], &["--stage", "none"]].concat());
        let last = ran.stdout.lines().next().unwrap_or_default().to_owned();
        (ran.code, last, ran.stderr)
    };
    let (code, told, err) = verdict("");
    assert!(told.contains("allow"), "{code} {told} {err}");
    // without mutual TLS of its own accord, STRICT refuses the client
    let (code, told, err) = verdict("    meshConfig: {enableAutoMtls: false}\n");
    assert!(told.contains("deny"), "{code} {told} {err}");
    let (_, _, err) = verdict("    meshConfig: {pathNormalization: {normalization: SOME}}\n");
    assert!(err.contains("error[bad-mesh-config]: `SOME` is not a path normalization"), "{err}");
}

#[allow(clippy::disallowed_methods, reason = "a test's own folder")]
fn write(path: &Path, text: &str) {
    std::fs::write(path, text).expect("a file");
}
