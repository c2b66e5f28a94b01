//! How fast YAML is read and written, beside `yaml_serde` in the same run:
//!
//! ```text
//! cargo bench --bench yaml
//! ```
//!
//! 20,000 documents of the shapes that fill a tree: AuthorizationPolicy, Gateway, Namespace.
//! Every figure is the best of five rounds, of one thread.

#![allow(missing_docs, clippy::print_stdout, clippy::expect_used, reason = "a bench prints")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use waypost::diagnostic::FileId;
use waypost::yaml::{Budget, emit, emit_checked, read};

const DOCUMENTS: usize = 20_000;
const ROUNDS: usize = 5;

fn main() {
    let values: Vec<Value> = (0..DOCUMENTS).map(document).collect();
    let texts: Vec<String> = values.iter().map(|v| emit(v).expect("emits")).collect();
    let bytes: usize = texts.iter().map(String::len).sum();
    println!("{DOCUMENTS} documents, {} bytes each on average", bytes / DOCUMENTS);

    let yaml_serde_reads = best(|| {
        for text in &texts {
            black_box(serde_yaml::from_str::<Value>(text).expect("reads"));
        }
    });
    let yaml_serde_writes = best(|| {
        for value in &values {
            black_box(serde_yaml::to_string(value).expect("writes"));
        }
    });
    let reads = best(|| {
        for text in &texts {
            black_box(read(FileId(0), text, &Budget::MANIFESTS));
        }
    });
    let reads_to_json = best(|| {
        for text in &texts {
            let (documents, _) = read(FileId(0), text, &Budget::MANIFESTS);
            documents.into_iter().for_each(|d| drop(black_box(d.root.into_json())));
        }
    });
    let emits = best(|| {
        for value in &values {
            black_box(emit(value).expect("emits"));
        }
    });
    let emits_checked = best(|| {
        for value in &values {
            black_box(emit_checked(value).expect("emits"));
        }
    });

    line("yaml_serde: text to JSON value", yaml_serde_reads, yaml_serde_reads);
    line("read: text to spanned tree", reads, yaml_serde_reads);
    line("read, then to JSON value", reads_to_json, yaml_serde_reads);
    line("yaml_serde: JSON value to text", yaml_serde_writes, yaml_serde_writes);
    line("emit", emits, yaml_serde_writes);
    line("emit_checked", emits_checked, yaml_serde_reads + yaml_serde_writes);
}

fn best(mut round: impl FnMut()) -> Duration {
    (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            round();
            start.elapsed()
        })
        .min()
        .unwrap_or_default()
}

fn line(name: &str, took: Duration, yardstick: Duration) {
    let each = took.as_secs_f64() / DOCUMENTS as f64;
    println!(
        "{name:32} {:>9.0} docs/s  {:>6.1} µs  {:.2}x the speed of yaml_serde",
        1.0 / each,
        each * 1e6,
        yardstick.as_secs_f64() / took.as_secs_f64()
    );
}

fn document(n: usize) -> Value {
    let namespace = format!("team-{}", n % 400);
    match n % 20 {
        0..12 => policy(n, &namespace),
        12..15 => gateway(&namespace),
        _ => json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {
                "name": namespace,
                "labels": {
                    "istio.io/dataplane-mode": "ambient",
                    "istio.io/use-waypoint": "waypoint",
                    "istio-injection": "disabled",
                },
                "annotations": {"argocd.argoproj.io/sync-options": "Prune=confirm"},
            },
        }),
    }
}

fn policy(n: usize, namespace: &str) -> Value {
    let principals: Vec<String> =
        (0..14).map(|i| format!("cp-cluster-{}.tsb.local/ns/team-{}/*", i % 3, n + i)).collect();
    json!({
        "apiVersion": "security.istio.io/v1",
        "kind": "AuthorizationPolicy",
        "metadata": {
            "name": "waypoint-deny-rules",
            "namespace": namespace,
            "labels": {"app.kubernetes.io/managed-by": "waypost", "tsb.tetrate.io/workspace": "ws"},
            "annotations": {"waypost.dev/stage": "httpbin"},
        },
        "spec": {
            "targetRefs": [
                {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "waypoint"},
            ],
            "action": "DENY",
            "rules": [{
                "from": [{"source": {"principals": principals}}],
                "to": [{"operation": {"methods": ["GET", "POST"], "paths": ["/api/*", "/status"], "ports": ["8080"]}}],
            }],
        },
    })
}

fn gateway(namespace: &str) -> Value {
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": {
            "name": "waypoint",
            "namespace": namespace,
            "labels": {"istio.io/waypoint-for": "all", "app.kubernetes.io/managed-by": "waypost"},
        },
        "spec": {
            "gatewayClassName": "istio-waypoint",
            "infrastructure": {
                "labels": {"app": "waypoint"},
                "annotations": {"proxy.istio.io/config": "{\"concurrency\": 2}"},
                "parametersRef": {"group": "", "kind": "ConfigMap", "name": "waypoint-params"},
            },
            "listeners": [{
                "name": "mesh",
                "port": 15008,
                "protocol": "HBONE",
                "allowedRoutes": {"namespaces": {"from": "Same"}},
            }],
        },
    })
}
