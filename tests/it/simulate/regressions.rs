//! Faults of other tools, each by the name of its report.

use waypost::simulate::{RuleEffect, Verdict};

use super::{
    AMBIENT, AMBIENT_WAYPOINT, AT_WAYPOINT, FROM_CLIENT, SIDECAR, get, mesh, pair, policy, story,
};

fn effects(server: &str, more: &str) -> Vec<RuleEffect> {
    let mesh = mesh(&pair(AMBIENT, server, more));
    mesh.classify()[0].rules.iter().map(|r| r.effect).collect()
}

fn verdict(client: &str, server: &str, more: &str) -> Verdict {
    get(&mesh(&pair(client, server, more)), "client/sleep", "server/web:8000", "/").verdict
}

const DENY_PATH: &str = "action: DENY, rules: [{to: [{operation: {paths: ['*']}}]}]";

#[test]
fn istio_61126_inert_deny() {
    let deny = policy("p", DENY_PATH);
    assert_eq!(effects(AMBIENT, &deny), [RuleEffect::Inert]);
    assert_eq!(verdict(AMBIENT, AMBIENT, &deny), Verdict::Allow);
}

#[test]
fn ztunnel_deny_widened() {
    let deny = policy(
        "p",
        "action: DENY, rules: [{to: [{operation: {ports: ['80'], methods: [DELETE]}}]}]",
    );
    assert_eq!(effects(AMBIENT, &deny), [RuleEffect::Widened]);
    assert_eq!(verdict(AMBIENT, AMBIENT, &deny), Verdict::Deny);
}

#[test]
fn ztunnel_allow_dropped() {
    let allow = policy("p", "rules: [{to: [{operation: {methods: [GET]}}]}]");
    assert_eq!(effects(AMBIENT, &allow), [RuleEffect::Dropped]);
    assert_eq!(verdict(AMBIENT, AMBIENT, &allow), Verdict::Deny);
}

#[test]
fn inert_hidden_by_effective_rule() {
    let both = policy(
        "p",
        "action: DENY, rules: [{to: [{operation: {paths: [/a]}}]}, {to: [{operation: {ports: ['1']}}]}]",
    );
    assert_eq!(effects(AMBIENT, &both), [RuleEffect::Inert, RuleEffect::Enforced]);
}

#[test]
fn docs_fail_safe_claim() {
    let deny = policy("p", DENY_PATH);
    assert_eq!(verdict(SIDECAR, SIDECAR, &deny), Verdict::Deny);
    assert_eq!(verdict(AMBIENT, AMBIENT, &deny), Verdict::Allow);
}

#[test]
fn sail_bypass_protection() {
    let guard = policy(
        "p",
        "targetRefs: [{group: '', kind: Service, name: web}], \
         rules: [{from: [{source: {principals: [cluster.local/ns/server/sa/waypoint]}}]}]",
    );
    let mesh = mesh(&pair(AMBIENT, AMBIENT_WAYPOINT, &guard));
    let direct = get(&mesh, "outside", "server/web:8000", "/");
    assert_eq!(direct.verdict, Verdict::Allow, "it never reaches ztunnel");
    let through = get(&mesh, "client/sleep", "server/web:8000", "/");
    assert_eq!(through.verdict, Verdict::Deny, "and the waypoint never sees itself");
}

#[test]
fn istio_58316_root_l7_reaches_ztunnel() {
    let root = policy("p", "rules: [{to: [{operation: {paths: ['/*']}}]}]")
        .replace("namespace: server", "namespace: istio-system");
    assert_eq!(verdict(SIDECAR, SIDECAR, &root), Verdict::Allow);
    assert_eq!(verdict(AMBIENT, AMBIENT, &root), Verdict::Deny);
    assert_eq!(effects(AMBIENT, &root), [RuleEffect::Dropped]);
}

#[test]
fn istio_58838_selector_not_at_waypoint() {
    let deny = policy("p", DENY_PATH);
    assert_eq!(verdict(AMBIENT, AMBIENT_WAYPOINT, &deny), Verdict::Allow);
}

#[test]
fn sidecar_caller_bypasses_waypoint() {
    let deny = policy("p", &format!("{AT_WAYPOINT}, {DENY_PATH}"));
    assert_eq!(verdict(AMBIENT, AMBIENT_WAYPOINT, &deny), Verdict::Deny);
    assert_eq!(verdict(SIDECAR, AMBIENT_WAYPOINT, &deny), Verdict::Allow);
}

#[test]
fn ingress_bypasses_waypoint() {
    let gateway = "
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gw, namespace: client}
spec: {gatewayClassName: istio, listeners: [{name: http, port: 80, protocol: HTTP}]}
---";
    let deny = policy("p", &format!("{AT_WAYPOINT}, {DENY_PATH}"));
    let at = |server: &str| {
        let mesh = mesh(&pair(AMBIENT, server, &format!("{gateway}{deny}")));
        get(&mesh, "gateway:client/gw", "server/web:8000", "/").verdict
    };
    assert_eq!(at(AMBIENT_WAYPOINT), Verdict::Allow);
    let told = format!("{AMBIENT_WAYPOINT}, istio.io/ingress-use-waypoint: 'true'");
    assert_eq!(at(&told), Verdict::Deny);
}

#[test]
fn ztunnel_1901_spiffe_prefix() {
    let allow = policy(
        "p",
        "rules: [{from: [{source: {principals: ['spiffe://cluster.local/ns/client/sa/sleep']}}]}]",
    );
    for mode in [SIDECAR, AMBIENT] {
        assert_eq!(verdict(mode, mode, &allow), Verdict::Deny, "{mode}");
    }
}

#[test]
fn otaru_3129_waypoint_principal_missing() {
    let allow = policy("p", &format!("rules: [{{{FROM_CLIENT}}}]"));
    assert_eq!(verdict(AMBIENT, AMBIENT, &allow), Verdict::Allow);
    let mesh = mesh(&pair(AMBIENT, AMBIENT_WAYPOINT, &allow));
    insta::assert_snapshot!(story(&mesh, "client/sleep", "server/web:8000"), @r"
    waypoint server/waypoint sees client/sa/sleep at port 8000: allowed: no policy denies, and none allows
    ztunnel of server/web sees server/sa/waypoint at port 80: denied: ALLOW policies exist, and none matches [none]
    deny: 503
    ");
}
