//! Two readings of one intent: TSB's rules as they are resolved, and what the simulator makes of the
//! manifests that are rendered from them, at every point of a migration and in every state between two
//! points. They share no code, so where they agree it is not by the same mistake.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail this way"
)]

use std::fmt::Write as _;
use std::path::Path;

use proptest::prelude::*;
use waypost::diagnostic::has_errors;
use waypost::model::{Access, Cluster, Principal};
use waypost::resolve::{Resolved, resolve};
use waypost::spec::{Files, Reader};

use crate::program::waypost;

const NAMESPACES: [&str; 3] = ["a", "b", "c"];
const MODES: [&str; 6] = ["UNSET", "RULES", "WORKSPACE", "GROUP", "CLUSTER", "NAMESPACE"];
const TRAFFIC: [&str; 3] = ["UNSET", "OPTIONAL", "REQUIRED"];

/// A setting of a tenant or a workspace.
#[derive(Clone, Debug)]
struct Setting {
    mode: usize,
    traffic: usize,
    /// From and to workspaces, by the namespaces they own.
    allow: Vec<(usize, usize)>,
    deny: Vec<(usize, usize)>,
    stricter: bool,
}

/// An environment: one workspace for each namespace.
#[derive(Clone, Debug)]
struct Intent {
    /// The tenant of each workspace.
    tenants: [usize; 3],
    of_tenants: [Option<Setting>; 2],
    of_workspaces: [Option<Setting>; 3],
    /// The namespaces in the order in which they move; the rest stays.
    order: Vec<usize>,
    waypoints: bool,
}

fn setting() -> impl Strategy<Value = Setting> {
    let pairs = || prop::collection::vec((0..3_usize, 0..3_usize), 0..4);
    (0..MODES.len(), 0..TRAFFIC.len(), pairs(), pairs(), any::<bool>()).prop_map(
        |(mode, traffic, allow, deny, stricter)| Setting { mode, traffic, allow, deny, stricter },
    )
}

fn intent() -> impl Strategy<Value = Intent> {
    let tenants = [0..2_usize, 0..2_usize, 0..2_usize];
    let of_tenants = [prop::option::of(setting()), prop::option::of(setting())];
    let of_workspaces = [
        prop::option::weighted(0.3, setting()),
        prop::option::weighted(0.3, setting()),
        prop::option::weighted(0.3, setting()),
    ];
    let order = Just(vec![0, 1, 2]).prop_shuffle();
    (tenants, of_tenants, of_workspaces, order, 1..=3_usize, any::<bool>()).prop_map(
        |(tenants, of_tenants, of_workspaces, mut order, moves, waypoints)| {
            order.truncate(moves);
            Intent { tenants, of_tenants, of_workspaces, order, waypoints }
        },
    )
}

impl Intent {
    fn workspace(&self, of: usize) -> String {
        let (tenant, name) = (self.tenants[of], NAMESPACES[of]);
        format!("organizations/tetrate/tenants/t{tenant}/workspaces/{name}-ws")
    }

    fn setting(&self, of: &Setting) -> String {
        let rules = |pairs: &[(usize, usize)]| {
            let mut seen = Vec::new();
            for pair in pairs {
                if !seen.contains(pair) {
                    seen.push(*pair);
                }
            }
            let rules: Vec<String> = seen
                .iter()
                .map(|(from, to)| {
                    let (from, to) = (self.workspace(*from), self.workspace(*to));
                    format!("{{from: {{fqn: {from}}}, to: {{fqn: {to}}}}}")
                })
                .collect();
            rules.join(", ")
        };
        let rules = match MODES[of.mode] {
            "RULES" => {
                format!(", rules: {{allow: [{}], deny: [{}]}}", rules(&of.allow), rules(&of.deny))
            }
            _ => String::new(),
        };
        let strategy = if of.stricter { "STRICTER" } else { "REPLACE" };
        format!(
            "  defaultSecuritySetting:
    propagationStrategy: {strategy}
    authenticationSettings: {{trafficMode: {}}}
    authorization: {{mode: {}{rules}}}
",
            TRAFFIC[of.traffic], MODES[of.mode]
        )
    }

    fn tsb(&self) -> String {
        let mut out = String::new();
        for (tenant, setting) in self.of_tenants.iter().enumerate() {
            let _ = write!(
                out,
                "---
apiVersion: api.tsb.tetrate.io/v2
kind: Tenant
metadata: {{name: t{tenant}, organization: tetrate}}
spec: {{displayName: t{tenant}}}
"
            );
            if let Some(setting) = setting {
                let _ = write!(
                    out,
                    "---
apiVersion: api.tsb.tetrate.io/v2
kind: TenantSetting
metadata: {{name: settings, organization: tetrate, tenant: t{tenant}}}
spec:
{}",
                    self.setting(setting)
                );
            }
        }
        for (index, name) in NAMESPACES.iter().enumerate() {
            let tenant = self.tenants[index];
            let _ = write!(
                out,
                "---
apiVersion: api.tsb.tetrate.io/v2
kind: Workspace
metadata: {{name: {name}-ws, organization: tetrate, tenant: t{tenant}}}
spec: {{namespaceSelector: {{names: ['*/{name}']}}}}
"
            );
            if let Some(setting) = &self.of_workspaces[index] {
                let _ = write!(
                    out,
                    "---
apiVersion: api.tsb.tetrate.io/v2
kind: WorkspaceSetting
metadata: {{name: settings, organization: tetrate, tenant: t{tenant}, workspace: {name}-ws}}
spec:
{}",
                    self.setting(setting)
                );
            }
        }
        out
    }

    fn environment(&self) -> String {
        let stages: Vec<String> = self
            .order
            .iter()
            .map(|n| format!("{{name: move-{0}, namespaces: [c1/{0}]}}", NAMESPACES[*n]))
            .collect();
        let waypoints = if self.waypoints { "    waypoints: {default: {for: all}}\n" } else { "" };
        format!(
            "apiVersion: waypost.dev/v1alpha1
kind: Environment
metadata: {{name: env}}
spec:
  organization: tetrate
  versions: {{tsb: '1.13', istio: '1.24'}}
  sources: {{tsb: [tsb.yaml], inventory: [inventory.yaml], access: [access.yaml]}}
  clusters:
  - name: c1
    platform: generic
    trustDomain: td1
{waypoints}    namespaces: [{{name: a, mode: sidecar}}, {{name: b, mode: sidecar}}, {{name: c, mode: sidecar}}]
  migration:
    reached: none
    stages: [{}]
",
            stages.join(", ")
        )
    }
}

fn inventory() -> String {
    NAMESPACES.iter().fold(String::new(), |mut out, name| {
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
fn lets_in(access: &Access, caller: &Principal) -> bool {
    let covers = |set: &std::collections::BTreeSet<Principal>| set.iter().any(|p| p.covers(caller));
    !access.deny_all && !covers(&access.deny) && access.allow.as_ref().is_none_or(|set| covers(set))
}

fn expected(resolved: &Resolved) -> String {
    let cluster: &Cluster = resolved.environment.clusters.values().next().unwrap();
    let mut cases = String::new();
    for from in cluster.namespaces.keys() {
        let caller = Principal::Namespace(cluster.trust_domain.clone(), from.clone());
        for (to, server) in &cluster.namespaces {
            let expect =
                if lets_in(&server.security.access.value, &caller) { "allow" } else { "deny" };
            let _ = write!(
                cases,
                "  - {{from: {from}/app, to: '{to}/app:80', request: {{method: GET, path: /x}}, expect: {expect}}}
  - {{from: {from}/app, to: '{to}/app:90', expect: {expect}}}
"
            );
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

/// What disagrees; empty where nothing does, `None` where the intent has errors of its own.
fn disagreements(intent: &Intent) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("environments/env")).unwrap();
    put(folder.path(), "environment.yaml", &intent.environment());
    put(folder.path(), "tsb.yaml", &intent.tsb());
    put(folder.path(), "inventory.yaml", &inventory());
    put(folder.path(), "access.yaml", "");
    let files = Files::Disk(folder.path().to_owned());
    let check = |_, _: &_| Vec::new();
    let mut reader = Reader::new(&files, &check);
    let (input, found) = reader.read("env");
    assert!(!has_errors(&found), "{found:#?}");
    let (resolved, found) = resolve(input.unwrap());
    if has_errors(&found) {
        return None;
    }
    put(folder.path(), "access.yaml", &expected(&resolved?));
    let ran = waypost(folder.path(), &["access", "test", "env", "--every-stage"]);
    let lines: Vec<&str> = ran.stdout.lines().filter(|line| !line.starts_with("ok")).collect();
    if ran.code == 0 && ran.stdout.lines().count() > 18 && lines.is_empty() {
        return Some(String::new());
    }
    Some(format!("ended with {}\n{}\n{}", ran.code, lines.join("\n"), ran.stderr))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    #[test]
    fn the_resolved_rules_and_the_rendered_manifests_agree(intent in intent()) {
        let Some(disagree) = disagreements(&intent) else {
            return Err(TestCaseError::reject("the intent has errors of its own"));
        };
        prop_assert!(disagree.is_empty(), "{}\n{}", intent.tsb(), disagree);
    }
}
