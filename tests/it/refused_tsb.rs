//! Wrong TSB configuration through the whole program: one clear finding each, exit code 3, and
//! nothing written.

use crate::program::Ran;
use crate::refused::{one_finding, with_changes};

const ENVIRONMENT: &str = "environment.yaml";
const CONFIG: &str = "tsb-config.yaml";
const PLANE: &str = "base/controlplane.yaml";

/// With one text of a file replaced, once.
fn replaced(file: &str, from: &str, to: &str) -> Ran {
    with_changes(&[(file, &|text| text.replacen(from, to, 1))])
}

/// With more at the end of a file.
fn appended(file: &str, more: &str) -> Ran {
    with_changes(&[(file, &|text| format!("{text}{more}"))])
}

#[test]
fn a_rule_contained_in_another() {
    let ran = replaced(
        CONFIG,
        "          deny:\n",
        "          - from: {fqn: organizations/tetrate/tenants/my-tenant}
            to: {fqn: organizations/tetrate/tenants/my-tenant/workspaces/httpbin-ws}
          deny:\n",
    );
    one_finding(&ran, "contained-rule", "tsb-config.yaml:46:");
    assert!(ran.stderr.contains("contains it"), "{}", ran.stderr);
}

#[test]
fn a_name_of_another_organization() {
    let ran = replaced(
        CONFIG,
        "fqn: organizations/tetrate/tenants/my-tenant/workspaces/client-ws",
        "fqn: organizations/acme/tenants/my-tenant/workspaces/client-ws",
    );
    one_finding(&ran, "foreign-organization", "tsb-config.yaml:");
    assert!(ran.stderr.contains("acme"), "{}", ran.stderr);
}

#[test]
fn two_workspaces_that_take_one_namespace() {
    let ran = replaced(CONFIG, "\"*/client\"", "\"*/*\"");
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    // one for each pair of workspaces
    assert_eq!(ran.stderr.matches("error[workspace-overlap]").count(), 2, "{}", ran.stderr);
    let ran =
        replaced(CONFIG, "      - \"*/client\"\n", "      - \"*/client\"\n      - \"*/httpbin\"\n");
    one_finding(&ran, "workspace-overlap", "tsb-config.yaml:");
}

#[test]
fn a_group_outside_its_workspace() {
    let ran = appended(
        CONFIG,
        "- apiVersion: security.tsb.tetrate.io/v2
  kind: Group
  metadata: {name: g, organization: tetrate, tenant: my-tenant, workspace: client-ws}
  spec: {namespaceSelector: {names: [\"*/httpbin\"]}}
",
    );
    one_finding(&ran, "group-outside-workspace", "tsb-config.yaml:");
}

#[test]
fn an_unknown_mode() {
    let ran = replaced(CONFIG, "mode: RULES", "mode: RULE");
    one_finding(&ran, "unknown-value", "tsb-config.yaml:28:15");
    assert!(ran.stderr.contains("did you mean `RULES`?"), "{}", ran.stderr);
    let ran = replaced(CONFIG, "trafficMode: REQUIRED", "trafficMode: STRICT");
    one_finding(&ran, "unknown-value", "tsb-config.yaml:26:22");
}

#[test]
fn service_accounts_without_custom() {
    let ran =
        replaced(CONFIG, "mode: RULES", "mode: RULES\n        serviceAccounts: [client/sleep]");
    one_finding(&ran, "accounts-without-custom", "tsb-config.yaml:29:");
    assert!(ran.stderr.contains("`mode: CUSTOM`"), "{}", ran.stderr);
}

/// The spec gives the waypoint to the tree, and the ControlPlane lets TSB make one too.
#[test]
fn a_waypoint_owned_twice() {
    let ran = replaced(
        PLANE,
        "    istio:\n",
        "    istio:
      ambient:
        waypoints:
          namespaceLevel:
          - name: httpbin
            config: {enable: true}
",
    );
    one_finding(&ran, "waypoint-owned-twice", "base/controlplane.yaml:");
    assert!(ran.stderr.contains("httpbin"), "{}", ran.stderr);
}

/// A policy in DIRECT mode that bears the name of one that the tree makes.
#[test]
fn a_policy_owned_twice() {
    let ran = appended(
        CONFIG,
        "- apiVersion: security.istio.io/v1
  kind: AuthorizationPolicy
  metadata:
    name: deny-rules
    namespace: httpbin
    labels: {istio.io/rev: tsb}
    annotations:
      tsb.tetrate.io/organization: tetrate
      tsb.tetrate.io/tenant: my-tenant
      tsb.tetrate.io/workspace: httpbin-ws
      tsb.tetrate.io/securityGroup: g
  spec: {action: DENY, rules: [{from: [{source: {namespaces: [client]}}]}]}
- apiVersion: security.tsb.tetrate.io/v2
  kind: Group
  metadata: {name: g, organization: tetrate, tenant: my-tenant, workspace: httpbin-ws}
  spec: {namespaceSelector: {names: [\"*/httpbin\"]}, configMode: DIRECT}
",
    );
    one_finding(&ran, "rendered-twice", "tsb-config.yaml:");
    assert!(ran.stderr.contains("deny-rules"), "{}", ran.stderr);
}

#[test]
fn a_wrong_cni_directory() {
    let cni = "    istio:\n      kubeSpec:\n        CNI: {binaryDirectory: /opt/cni/bin}\n";
    let ran = with_changes(&[
        (ENVIRONMENT, &|text| text.replace("platform: generic", "platform: gke")),
        (PLANE, &|text| text.replacen("    istio:\n", cni, 1)),
    ]);
    one_finding(&ran, "platform-cni", "base/controlplane.yaml:");
    assert!(ran.stderr.contains("`/home/kubernetes/bin`"), "{}", ran.stderr);
}

#[test]
fn two_patches_that_fight() {
    let ran = appended(
        ENVIRONMENT,
        "  patches:
  - target: {kind: Gateway, name: waypoint, namespace: httpbin}
    patch: |
      - {op: add, path: /metadata/annotations, value: {team: mesh}}
  - patch: |
      apiVersion: gateway.networking.k8s.io/v1
      kind: Gateway
      metadata: {name: waypoint, namespace: httpbin, annotations: {team: apps}}
",
    );
    one_finding(&ran, "patches-fight", "environment.yaml:");
}

/// Ambient mode came with TSB 1.12: an older one is refused wherever something is ambient, once,
/// whatever else the same upgrade brings.
#[test]
fn ambient_before_1_12() {
    let ran = replaced(
        ENVIRONMENT,
        "{tsb: \"1.13\", istio: \"1.24\"}",
        "{tsb: \"1.11\", istio: \"1.24\"}",
    );
    one_finding(&ran, "version-too-old", "environment.yaml:11:19");
}

#[test]
fn a_field_that_is_wanted_and_misspelt() {
    let ran = replaced(CONFIG, "namespaceSelector:", "namespaceSelektor:");
    one_finding(&ran, "unknown-field", "tsb-config.yaml:62:5");
}
