//! Three readings of one intent: TSB's rules as the facts tell them (`agreement/oracle.rs`), as they are
//! resolved, and what the simulator makes of the manifests that are rendered from them, at every point of a
//! migration and in every state between two points. They share no code, so where they agree it is not
//! by the same mistake.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail this way"
)]

mod intent;
mod oracle;

use std::fmt::Write as _;
use std::path::Path;

use proptest::prelude::*;
use waypost::diagnostic::has_errors;
use waypost::model::{Access, NamespaceName, ObjectName, Principal, TrafficMode, TrustDomain};
use waypost::resolve::{Resolved, resolve};
use waypost::spec::{Files, Reader};

use crate::program::waypost;
use intent::{Intent, SLOTS, intent};
use oracle::{Policy, effective, lets_in};

fn inventory() -> String {
    ["a", "b", "c", "d"].iter().fold(String::new(), |mut out, name| {
        let _ = write!(
            out,
            "---
apiVersion: v1
kind: Namespace
metadata: {{name: {name}, labels: {{istio-injection: enabled}}}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {{name: app, namespace: {name}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: app, namespace: {name}}}
spec:
  selector: {{matchLabels: {{app: app}}}}
  template:
    metadata: {{labels: {{app: app}}}}
    spec:
      serviceAccountName: app
      containers: [{{name: app, image: app, ports: [{{containerPort: 8080}}]}}]
---
apiVersion: v1
kind: Service
metadata: {{name: app, namespace: {name}}}
spec:
  selector: {{app: app}}
  ports: [{{name: http, port: 80, targetPort: 8080}}, {{name: tcp, port: 90, targetPort: 9090}}]
"
        );
        out
    })
}

/// Does a namespace's resolved setting let everybody of another namespace in? In the order of
/// facts/tsb.md: `deny_all`, then `deny`, then `allow`.
fn resolved_lets_in(access: &Access, caller: &Principal) -> bool {
    let covers = |set: &std::collections::BTreeSet<Principal>| set.iter().any(|p| p.covers(caller));
    !access.deny_all && !covers(&access.deny) && access.allow.as_ref().is_none_or(|set| covers(set))
}

/// Where the resolved settings are not those of the facts.
fn resolved_otherwise(intent: &Intent, resolved: &Resolved) -> String {
    let mut out = String::new();
    for (to, (cluster, name)) in SLOTS.into_iter().enumerate() {
        let (policy, strict) = effective(intent, to);
        let clusters = &resolved.environment.clusters;
        let (_, at) = clusters.iter().find(|(c, _)| c.as_str() == format!("c{cluster}")).unwrap();
        let server = &at.namespaces.iter().find(|(n, _)| n.as_str() == name).unwrap().1.security;
        if (server.traffic_mode.value == TrafficMode::Required) != strict {
            let _ = writeln!(out, "c{cluster}/{name}: mTLS is required? {strict} by the facts");
        }
        for (from, (caller_cluster, caller)) in SLOTS.into_iter().enumerate() {
            let expected = lets_in(intent, &policy, from, to);
            let account = Principal::ServiceAccount(
                TrustDomain::parse(intent.trust_domain(caller_cluster)).unwrap(),
                NamespaceName::parse(caller).unwrap(),
                ObjectName::parse("app").unwrap(),
            );
            if resolved_lets_in(&server.access.value, &account) != expected {
                let _ = writeln!(
                    out,
                    "c{caller_cluster}/{caller} to c{cluster}/{name}: {expected} by the facts, resolved {:?}",
                    server.access.value
                );
            }
        }
    }
    out
}

/// What the facts say, as an access test.
fn expected(intent: &Intent) -> String {
    let mut cases = String::new();
    for (to, (cluster, name)) in SLOTS.into_iter().enumerate() {
        let (policy, strict) = effective(intent, to);
        let mut add = |from: &str, allowed: bool| {
            let expect = if allowed { "allow" } else { "deny" };
            let _ = write!(
                cases,
                "  - {{from: {from}, to: 'c{cluster}/{name}/app:80', request: {{method: GET, path: /x}}, expect: {expect}}}
  - {{from: {from}, to: 'c{cluster}/{name}/app:90', expect: {expect}}}
"
            );
        };
        // a call from one cluster to another goes through gateways whose identity is not documented:
        // the simulator says that it does not know
        let here = |(_, (caller_cluster, _)): &(usize, (usize, &str))| *caller_cluster == cluster;
        for (from, (_, caller)) in SLOTS.into_iter().enumerate().filter(here) {
            add(&format!("c{cluster}/{caller}/app"), lets_in(intent, &policy, from, to));
        }
        match policy {
            _ if strict => add("outside", false),
            Policy::Everyone => add("outside", true),
            // whether rules without any `allow` ask for a certificate is not documented
            Policy::Rules { .. } => {}
            _ => add("outside", false),
        }
    }
    format!(
        "apiVersion: waypost.dev/v1alpha1\nkind: AccessTest\nmetadata: {{name: resolved}}\nspec:\n  cases:\n{cases}"
    )
}

#[allow(clippy::disallowed_methods, reason = "a test's own folder")]
fn put(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join("environments/env").join(name), text).unwrap();
}

/// What disagrees; empty where nothing does.
fn disagreements(intent: &Intent) -> String {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("environments/env")).unwrap();
    put(folder.path(), "environment.yaml", &intent.environment());
    put(folder.path(), "tsb.yaml", &intent.tsb());
    put(folder.path(), "inventory.yaml", &inventory());
    put(folder.path(), "access.yaml", &expected(intent));
    let files = Files::Disk(folder.path().to_owned());
    let check = |_, _: &_| Vec::new();
    let mut reader = Reader::new(&files, &check);
    let (input, found) = reader.read("env");
    assert!(!has_errors(&found), "{found:#?}");
    let (resolved, found) = resolve(input.unwrap());
    assert!(!has_errors(&found), "{found:#?}\n{}", intent.tsb());
    let otherwise = resolved_otherwise(intent, &resolved.unwrap());
    if !otherwise.is_empty() {
        return otherwise;
    }
    let ran = waypost(folder.path(), &["access", "test", "env", "--every-stage"]);
    let lines: Vec<&str> = ran.stdout.lines().filter(|line| !line.starts_with("ok")).collect();
    if ran.code == 0 && ran.stdout.lines().count() > 72 && lines.is_empty() {
        return String::new();
    }
    format!("ended with {}\n{}\n{}", ran.code, lines.join("\n"), ran.stderr)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    #[test]
    fn the_facts_the_resolved_rules_and_the_rendered_manifests_agree(intent in intent()) {
        let disagree = disagreements(&intent);
        prop_assert!(disagree.is_empty(), "{}\n{}", intent.tsb(), disagree);
    }
}
