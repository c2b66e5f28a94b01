//! The speed of the simulator: 1,000 workloads, 500 services, 2,000 policies, all pairs.
//!
//! ```text
//! cargo bench --bench simulate
//! ```

#![allow(clippy::print_stdout, reason = "a bench says what it measured")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use waypost::diagnostic::Sources;
use waypost::k8s::{Object, objects_of};
use waypost::simulate::{Mesh, Options, Verdict};
use waypost::yaml::{Budget, read};

const NAMESPACES: usize = 50;
const WORKLOADS: usize = 1_000;
const SERVICES: usize = 500;
const POLICIES: usize = 2_000;

fn main() {
    let objects = objects();
    let build = best(5, || {
        black_box(Mesh::from_objects(&objects, &Options::default()));
    });
    let (mesh, found) = Mesh::from_objects(&objects, &Options::default());
    assert!(found.is_empty(), "{found:?}");
    assert_eq!(mesh.workloads().count(), WORKLOADS + NAMESPACES / 2);
    let first = Instant::now();
    let matrix = mesh.matrix();
    let first = first.elapsed();
    let again = best(5, || {
        black_box(mesh.matrix());
    });
    let pairs = matrix.iter().count();
    let allowed = matrix.iter().filter(|(_, _, c)| c.verdict == Verdict::Allow).count();
    let per_second = pairs as f64 / again.as_secs_f64();
    println!(
        "{WORKLOADS} workloads, {SERVICES} services, {POLICIES} policies, {NAMESPACES} namespaces"
    );
    println!("objects to mesh      {build:>12.1?}");
    println!("first matrix         {first:>12.1?}  {pairs} pairs, {allowed} allowed");
    println!("matrix again         {again:>12.1?}  {:.2} million pairs/s", per_second / 1e6);
}

fn best(times: usize, mut work: impl FnMut()) -> Duration {
    (0..times)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed()
        })
        .min()
        .unwrap_or_default()
}

/// Half of the namespaces ambient with a waypoint, half with sidecars.
fn objects() -> Vec<Object> {
    let mut items: Vec<Value> = Vec::new();
    for n in 0..NAMESPACES {
        let labels = if n % 2 == 0 {
            json!({"istio.io/dataplane-mode": "ambient", "istio.io/use-waypoint": "waypoint"})
        } else {
            json!({"istio-injection": "enabled"})
        };
        items.push(json!({"apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": format!("ns-{n}"), "labels": labels}}));
        if n % 2 == 0 {
            items.push(json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway",
                "metadata": {"name": "waypoint", "namespace": format!("ns-{n}")},
                "spec": {"gatewayClassName": "istio-waypoint",
                         "listeners": [{"name": "mesh", "port": 15008, "protocol": "HBONE"}]}}));
        }
    }
    for w in 0..WORKLOADS {
        let (n, name) = (w % NAMESPACES, format!("app-{w}"));
        items.push(json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": name, "namespace": format!("ns-{n}")},
            "spec": {"template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"serviceAccountName": name,
                         "containers": [{"name": "app", "ports": [{"containerPort": 8080}]}]}}}}));
        if w < SERVICES {
            items.push(json!({"apiVersion": "v1", "kind": "Service",
                "metadata": {"name": name, "namespace": format!("ns-{n}")},
                "spec": {"selector": {"app": name},
                         "ports": [{"name": "http", "port": 80, "targetPort": 8080}]}}));
        }
    }
    items.extend((0..POLICIES).map(policy));
    let text = json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string();
    let mut sources = Sources::default();
    let file = sources.add("bench", text.as_str());
    objects_of(read(file, &text, &Budget::MANIFESTS).0).0
}

/// 40 policies in each namespace: ALLOW and DENY, by principal, namespace, path and port, for the
/// whole namespace, for one workload, or at the waypoint.
fn policy(p: usize) -> Value {
    let n = p % NAMESPACES;
    let principal = |k: usize| {
        format!(
            "cluster.local/ns/ns-{}/sa/app-{}",
            (p + k) % NAMESPACES,
            (p * 7 + k * NAMESPACES + p + k) % WORKLOADS
        )
    };
    let source = match p % 4 {
        0 => json!({"principals": [principal(1), principal(2), principal(3)]}),
        1 => {
            json!({"namespaces": [format!("ns-{}", (n + 1) % NAMESPACES), format!("ns-{}", (n + 9) % NAMESPACES)]})
        }
        2 => json!({"principals": [format!("cluster.local/ns/ns-{}/*", (n + 3) % NAMESPACES)]}),
        _ => json!({"principals": [principal(5)], "notNamespaces": ["ns-1"]}),
    };
    let mut rule = json!({"from": [{"source": source}]});
    match p % 3 {
        0 => rule["to"] = json!([{"operation": {"paths": ["/api/*"], "methods": ["GET"]}}]),
        1 => rule["to"] = json!([{"operation": {"ports": ["8080", "80"]}}]),
        _ => {}
    }
    let mut spec =
        json!({"action": if p.is_multiple_of(5) { "DENY" } else { "ALLOW" }, "rules": [rule]});
    match p / NAMESPACES % 4 {
        0 => {
            spec["selector"] =
                json!({"matchLabels": {"app": format!("app-{}", n + NAMESPACES * (p % 10))}});
        }
        1 if n.is_multiple_of(2) => {
            spec["targetRefs"] = json!([{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "waypoint"}]);
        }
        _ => {}
    }
    json!({"apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy",
           "metadata": {"name": format!("policy-{p}"), "namespace": format!("ns-{n}")}, "spec": spec})
}
