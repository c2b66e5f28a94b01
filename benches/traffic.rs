//! How fast access logs are read and replayed, beside `zcat` of the same file.
//!
//! `WAYPOST_BENCH_LINES` says how many lines (default 1,000,000). The lines are written into a
//! temporary folder: a day of 500 namespaces, 40 paths each.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark may fail this way, and prints"
)]

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Instant;

use waypost::diagnostic::FileId;
use waypost::k8s::objects_of;
use waypost::replay::{Directory, Pods, Point, replay};
use waypost::simulate::{Mesh, Options};
use waypost::traffic::{Formats, Limits, read_lines};
use waypost::yaml::{Budget, read};

const NAMESPACES: usize = 500;

fn mesh() -> String {
    let mut out = String::new();
    for n in 0..NAMESPACES {
        let _ = write!(
            out,
            "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: ns-{n}\n  labels: {{istio.io/dataplane-mode: ambient, istio.io/use-waypoint: waypoint}}\n---\n\
             apiVersion: v1\nkind: Service\nmetadata: {{name: web, namespace: ns-{n}}}\nspec:\n  clusterIP: 10.96.{}.{}\n  selector: {{app: web}}\n  ports: [{{name: http, port: 8000, targetPort: 80}}]\n---\n\
             apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web, namespace: ns-{n}}}\nspec:\n  selector: {{matchLabels: {{app: web}}}}\n  template:\n    metadata: {{labels: {{app: web}}}}\n    spec: {{serviceAccountName: web, containers: [{{name: web}}]}}\n---\n\
             apiVersion: v1\nkind: Pod\nmetadata:\n  name: web-7d9f-a{n}\n  namespace: ns-{n}\n  labels: {{app: web, pod-template-hash: 7d9f}}\n  ownerReferences: [{{apiVersion: apps/v1, kind: ReplicaSet, name: web-7d9f, uid: \"1\", controller: true}}]\nspec: {{containers: [{{name: web}}]}}\nstatus: {{podIP: 10.0.{}.{}}}\n---\n\
             apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {{name: waypoint, namespace: ns-{n}}}\nspec:\n  gatewayClassName: istio-waypoint\n  listeners: [{{name: mesh, port: 15008, protocol: HBONE}}]\n---\n\
             apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {{name: read, namespace: ns-{n}}}\nspec:\n  targetRefs: [{{group: gateway.networking.k8s.io, kind: Gateway, name: waypoint}}]\n  rules: [{{to: [{{operation: {{methods: [GET], paths: [/api/*]}}}}]}}]\n---\n",
            n / 250,
            n % 250,
            n / 250,
            n % 250
        );
    }
    out
}

fn main() {
    if std::env::args().any(|a| a == "--test") {
        return;
    }
    let lines: usize =
        std::env::var("WAYPOST_BENCH_LINES").ok().and_then(|n| n.parse().ok()).unwrap_or(1_000_000);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("access.log.gz");
    let mut gz = flate2::write::GzEncoder::new(
        std::io::BufWriter::new(fs::File::create(&path).unwrap()),
        flate2::Compression::fast(),
    );
    let mut line = String::new();
    let mut bytes = 0;
    let mut state: u64 = 7;
    for i in 0..lines {
        line.clear();
        // each namespace is called by five others
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let x = (state >> 33) as usize;
        let n = x % NAMESPACES;
        let (c, p) = ((n + x / 1_000 % 5) % NAMESPACES, x / 10_000 % 40);
        let (second, minute, hour) = (i % 60, i / 60 % 60, i / 3600 % 24);
        let _ = writeln!(
            line,
            "[2025-12-02T{hour:02}:{minute:02}:{second:02}.135Z] \"GET /api/v1/items/{p}?session={i} HTTP/1.1\" 200 - via_upstream - \"-\" 0 1023 4 4 \"-\" \"curl/8.17.0\" \"cd3b2ae8-6b6a-4c55-a186-{i:012}\" \"web.ns-{n}.svc.cluster.local:8000\" \"envoy://connect_originate/10.0.{}.{}:80\" inbound-vip|8000|http|web.ns-{n}.svc.cluster.local; envoy://internal_client_address/ 10.96.{}.{}:8000 10.0.{}.{}:58468 - default",
            n / 250,
            n % 250,
            n / 250,
            n % 250,
            c / 250,
            c % 250
        );
        bytes += line.len();
        gz.write_all(line.as_bytes()).unwrap();
    }
    gz.finish().unwrap().flush().unwrap();
    let zcat = Instant::now();
    let status = Command::new("zcat").arg(&path).stdout(Stdio::null()).status();
    let zcat = status.ok().filter(|s| s.success()).map(|_| zcat.elapsed().as_secs_f64());

    let (documents, _) = read(FileId(0), &mesh(), &Budget::MANIFESTS);
    let objects = objects_of(documents).0;
    let (mesh, _) = Mesh::from_objects(&objects, &Options::default());
    let mut pods = Pods::default();
    pods.add("", &objects);

    let start = Instant::now();
    let (sample, _, found) = read_lines(&[path], &Formats::default(), &Limits::default());
    assert!(found.is_empty(), "{found:?}");
    let reading = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let point = |name: &str| Point {
        name: name.to_owned(),
        directory: Directory::new(&mesh, &pods, &sample),
    };
    let replay = replay(&sample, &point("now"), &[point("then")]);
    let asking = start.elapsed().as_secs_f64();
    assert_eq!(replay.same, lines as u64);
    println!(
        "{lines} lines, {} MB, {} classes: read in {reading:.2} s, asked of two meshes in {asking:.2} s",
        bytes / 1_000_000,
        sample.classes().len()
    );
    if let Some(zcat) = zcat {
        println!("zcat: {zcat:.2} s; waypost / zcat: {:.2}", (reading + asking) / zcat);
    }
}
