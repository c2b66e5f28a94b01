//! How long it takes to compare the access of two meshes, and how that grows:
//!
//! ```text
//! cargo bench --bench access
//! ```
//!
//! Estates of namespaces with five workloads each, of which every one admits two others by policies: one
//! namespace moves from sidecars to ambient mode, or all do. Twice the estate should take no more than
//! 2.5 times as long, and a policy of 4,000 principals no more than 4,000 policies of one.

#![allow(
    missing_docs,
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a bench prints, and writes its own input"
)]

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use waypost::diagnostic::Sources;
use waypost::k8s::{Object, objects_of};
use waypost::simulate::{Mesh, Options, compare};
use waypost::yaml::{Budget, read};

const ROUNDS: usize = 3;

fn main() {
    for moved in [Moved::One, Moved::All] {
        let mut before = Duration::ZERO;
        for namespaces in [100, 200, 400] {
            let took = best(&estate(namespaces, Moved::None), &estate(namespaces, moved));
            let ratio = took.as_secs_f64() / before.as_secs_f64();
            print!("{namespaces:>6} namespaces, {moved:?} of them moved   {took:>10.1?}");
            if before.is_zero() {
                println!();
            } else {
                println!("   {ratio:.2} times half of it");
            }
            before = took;
        }
    }
    let principals = |changed: usize| {
        let all: Vec<String> = (0..4_000 + changed).map(principal).collect();
        one_policy("all", &all.join(", "))
    };
    let policies = |changed: usize| {
        (0..4_000 + changed).fold(String::new(), |mut text, number| {
            text.push_str(&one_policy(&format!("p{number}"), &principal(number)));
            text
        })
    };
    let one = best(&small(&principals(0)), &small(&principals(1)));
    let many = best(&small(&policies(0)), &small(&policies(1)));
    println!("one policy of 4,000 principals   {one:>10.1?}");
    println!("4,000 policies of one            {many:>10.1?}");
    println!("ratio {:.2}", one.as_secs_f64() / many.as_secs_f64());
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    if let Some(peak) = status.lines().find(|line| line.starts_with("VmHWM")) {
        println!("{peak}");
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Moved {
    None,
    One,
    All,
}

fn best(before: &str, after: &str) -> Duration {
    let (before, after) = (objects(before), objects(after));
    let rounds = (0..ROUNDS).map(|_| {
        // the meshes keep what they work out: each round has its own
        let mesh = |objects: &[Object]| Mesh::from_objects(objects, &Options::default()).0;
        let (before, after) = (mesh(&before), mesh(&after));
        let start = Instant::now();
        std::hint::black_box(compare(&before, &after));
        start.elapsed()
    });
    rounds.min().unwrap_or_default()
}

fn objects(text: &str) -> Vec<Object> {
    let file = Sources::default().add("mesh.yaml", text);
    let (documents, found) = read(file, text, &Budget::MANIFESTS);
    assert!(found.is_empty(), "{found:?}");
    objects_of(documents).0
}

fn principal(number: usize) -> String {
    format!("cluster.local/ns/team{number}/sa/app")
}

fn one_policy(name: &str, principals: &str) -> String {
    format!(
        "
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {{name: {name}, namespace: shop}}
spec: {{rules: [{{from: [{{source: {{principals: [{principals}]}}}}]}}]}}
---"
    )
}

/// One namespace with one workload.
fn small(policies: &str) -> String {
    format!("{}{policies}", namespace("shop", true, 1))
}

fn estate(namespaces: usize, moved: Moved) -> String {
    let mut text = String::new();
    for number in 0..namespaces {
        let is_ambient = match moved {
            Moved::None => false,
            Moved::One => number == 0,
            Moved::All => true,
        };
        text.push_str(&namespace(&format!("ns{number}"), is_ambient, 5));
        let from = [number, (number + 1) % namespaces, (number + 2) % namespaces]
            .map(|n| format!("cluster.local/ns/ns{n}/*"))
            .join(", ");
        let _ = write!(
            text,
            "
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {{name: allow, namespace: ns{number}}}
spec: {{rules: [{{from: [{{source: {{principals: [{from}]}}}}]}}]}}
---"
        );
    }
    text
}

fn namespace(name: &str, is_ambient: bool, workloads: usize) -> String {
    let label =
        if is_ambient { "istio.io/dataplane-mode: ambient" } else { "istio-injection: enabled" };
    let mut text = format!(
        "
apiVersion: v1
kind: Namespace
metadata: {{name: {name}, labels: {{{label}}}}}
---"
    );
    for number in 0..workloads {
        let _ = write!(
            text,
            "
apiVersion: apps/v1
kind: Deployment
metadata: {{name: w{number}, namespace: {name}}}
spec:
  template:
    metadata: {{labels: {{app: w{number}}}}}
    spec: {{serviceAccountName: w{number}, containers: [{{name: c, ports: [{{containerPort: 8080}}]}}]}}
---
apiVersion: v1
kind: Service
metadata: {{name: w{number}, namespace: {name}}}
spec: {{selector: {{app: w{number}}}, ports: [{{name: http, port: 80, targetPort: 8080}}]}}
---"
        );
    }
    text
}
