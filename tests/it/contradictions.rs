//! Lints, `access policies` and `access explain` say the same of policies that nobody chose: seeded
//! meshes with all that decides whether a rule counts (`support/contradictions.rs` says what a
//! contradiction is).

#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test may fail this way")]

use std::fmt::Write as _;

use waypost::diagnostic::FileId;
use waypost::k8s::objects_of;
use waypost::yaml::{Budget, read};

#[path = "../support/contradictions.rs"]
mod look;

use look::{Looked, look};

/// xorshift: the same meshes on every machine.
struct Seeded(u64);

impl Seeded {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn pick<'t>(&mut self, choices: &[&'t str]) -> &'t str {
        choices[(self.next() % choices.len() as u64) as usize]
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.next().is_multiple_of(n)
    }
}

const NAMESPACES: [&str; 3] = ["shop", "front", "kube-system"];
const APPS: [&str; 2] = ["web", "api"];

fn mesh(seed: u64) -> String {
    let mut s = Seeded(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    for _ in 0..8 {
        s.next();
    }
    let mut out = String::new();
    for namespace in NAMESPACES {
        let labels = s.pick(&[
            "istio.io/dataplane-mode: ambient",
            "istio.io/dataplane-mode: ambient",
            "istio.io/dataplane-mode: ambient, istio.io/use-waypoint: waypoint",
            "istio.io/dataplane-mode: ambient, istio-injection: enabled",
            "istio-injection: enabled",
            "istio.io/rev: stable",
            "team: a",
        ]);
        if !s.one_in(8) {
            let _ = writeln!(
                out,
                "---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: {namespace}, labels: {{{labels}}}}}"
            );
        }
        if s.one_in(2) {
            let labels = s.pick(&[
                "",
                ", labels: {istio.io/waypoint-for: all}",
                ", labels: {istio.io/waypoint-for: workload}",
            ]);
            let _ = writeln!(
                out,
                "---\napiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {{name: waypoint, namespace: {namespace}{labels}}}\nspec:\n  gatewayClassName: istio-waypoint\n  listeners: [{{name: mesh, port: 15008, protocol: HBONE}}]"
            );
        }
        for app in APPS {
            if s.one_in(4) {
                continue;
            }
            let labels = s.pick(&[
                "",
                "",
                "",
                ", istio.io/dataplane-mode: none",
                ", istio.io/dataplane-mode: ambient",
                ", sidecar.istio.io/inject: \"true\"",
                ", sidecar.istio.io/inject: \"false\"",
                ", istio.io/use-waypoint: waypoint",
            ]);
            let _ = writeln!(
                out,
                "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {app}, namespace: {namespace}}}\nspec:\n  selector: {{matchLabels: {{app: {app}}}}}\n  template:\n    metadata: {{labels: {{app: {app}{labels}}}}}\n    spec: {{serviceAccountName: {app}, containers: [{{name: app, image: app, ports: [{{containerPort: 8080}}]}}]}}"
            );
            let labels = s.pick(&[
                "",
                "",
                ", labels: {istio.io/use-waypoint: waypoint}",
                ", labels: {istio.io/use-waypoint: none}",
            ]);
            let extra = s.pick(&["", "", "", "clusterIP: None, "]);
            let port = s.pick(&["http", "http", "tcp", "web"]);
            let _ = writeln!(
                out,
                "---\napiVersion: v1\nkind: Service\nmetadata: {{name: {app}, namespace: {namespace}{labels}}}\nspec: {{{extra}selector: {{app: {app}}}, ports: [{{name: {port}, port: 80, targetPort: 8080}}]}}"
            );
        }
    }
    for index in 0..6 {
        policy(&mut s, index, &mut out);
    }
    if s.one_in(3) {
        let namespace = s.pick(&["istio-system", "shop"]);
        let _ = writeln!(
            out,
            "---\napiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {{name: default, namespace: {namespace}}}\nspec: {{mtls: {{mode: STRICT}}}}"
        );
    }
    out
}

fn policy(s: &mut Seeded, index: usize, out: &mut String) {
    let namespace = s.pick(&["shop", "front", "kube-system", "istio-system"]);
    let binding = s.pick(&[
        "",
        "",
        "selector: {matchLabels: {app: web}}",
        "selector: {matchLabels: {app: api}}",
        "selector: {}",
        "selector: {matchLabels: {}}",
        "targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: waypoint}]",
        "targetRefs: [{group: \"\", kind: Service, name: web}]",
        "selector: {matchLabels: {gateway.networking.k8s.io/gateway-name: waypoint}}",
    ]);
    let action = s.pick(&["ALLOW", "ALLOW", "DENY", "DENY", "AUDIT", "CUSTOM"]);
    let provider = if action == "CUSTOM" { "\n  provider: {name: opa}" } else { "" };
    let dry_run = match action {
        "ALLOW" | "DENY" if s.one_in(10) => ", annotations: {istio.io/dry-run: \"true\"}",
        _ => "",
    };
    let _ = writeln!(
        out,
        "---\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {{name: p{index}, namespace: {namespace}{dry_run}}}\nspec:\n  {binding}\n  action: {action}{provider}\n  rules:"
    );
    for _ in 0..=s.next() % 2 {
        let mut parts = Vec::new();
        if s.one_in(2) {
            let sources = alternatives(
                s,
                "source",
                &[
                    "namespaces: [front]",
                    "principals: [cluster.local/ns/front/sa/web]",
                    "notPrincipals: [cluster.local/ns/shop/sa/waypoint]",
                    "ipBlocks: [192.0.2.0/24]",
                    "remoteIpBlocks: [192.0.2.0/24]",
                    "requestPrincipals: [\"*\"]",
                    "serviceAccounts: [front/web]",
                    "trustDomains: [cluster.local]",
                    "namespaces: [front], requestPrincipals: [\"*\"]",
                ],
            );
            parts.push(format!("from: [{sources}]"));
        }
        if s.one_in(2) {
            let operations = alternatives(
                s,
                "operation",
                &[
                    "ports: [\"8080\"]",
                    "ports: [\"80\"]",
                    "paths: [\"/admin*\"]",
                    "methods: [GET]",
                    "hosts: [web.shop]",
                    "ports: [\"8080\"], paths: [\"/admin*\"]",
                    "notPorts: [\"9090\"], methods: [POST]",
                ],
            );
            parts.push(format!("to: [{operations}]"));
        }
        if s.one_in(3) {
            let condition = s.pick(&[
                "{key: source.namespace, values: [front]}",
                "{key: destination.port, values: [\"8080\"]}",
                "{key: \"request.headers[x-a]\", values: [b]}",
                "{key: connection.sni, values: [a.example]}",
                "{key: source.trustDomain, values: [cluster.local]}",
            ]);
            parts.push(format!("when: [{condition}]"));
        }
        let _ = writeln!(out, "  - {{{}}}", parts.join(", "));
    }
}

fn alternatives(s: &mut Seeded, inner: &str, choices: &[&str]) -> String {
    let count = 1 + s.next() % 2;
    let all: Vec<String> =
        (0..count).map(|_| format!("{{{inner}: {{{}}}}}", s.pick(choices))).collect();
    all.join(", ")
}

#[test]
fn lints_policies_and_decisions_do_not_contradict_each_other() {
    let mut sum = Looked::default();
    for seed in 1..=120 {
        let text = mesh(seed);
        let (documents, found) = read(FileId(0), &text, &Budget::MANIFESTS);
        assert_eq!(found, [], "{text}");
        let (objects, found) = objects_of(documents);
        assert_eq!(found, [], "{text}");
        let mut looked = look(&objects);
        for contradiction in &mut looked.contradictions {
            contradiction.insert_str(0, &format!("seed {seed}: "));
        }
        sum.add(looked);
    }
    let shown = sum.contradictions.join("\n");
    assert!(sum.contradictions.is_empty(), "{}\n{shown}", sum.contradictions.len());
    assert!(
        sum.policies > 300 && sum.rules > 300 && sum.decisions > 1500 && sum.findings > 80,
        "too little was looked at: {} policies, {} rules, {} decisions, {} findings",
        sum.policies,
        sum.rules,
        sum.decisions,
        sum.findings
    );
}
