//! facts/istio-ambient.md §6.3, row by row.

use super::{AMBIENT, AMBIENT_WAYPOINT, SIDECAR, get, mesh, pair, set, set_waypoint, story};
use waypost::simulate::{PodState, Verdict, WaypointState};

const INGRESS: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: ingress}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gw, namespace: ingress}
spec:
  gatewayClassName: istio
  listeners: [{name: http, port: 80, protocol: HTTP}]
---";

const STRICT: &str = "
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: server}
spec: {mtls: {mode: STRICT}}
---";

fn from_to(client: &str, server: &str, to: &str) -> String {
    story(&mesh(&pair(client, server, "")), "client/sleep", to)
}

#[test]
fn p1_sidecar_to_sidecar() {
    insta::assert_snapshot!(from_to(SIDECAR, SIDECAR, "server/web:8000"), @r"
    sidecar of server/web sees client/sa/sleep at port 80: allowed: no policy denies, and none allows
    allow: the application's answer
    ");
}

#[test]
fn p2_ambient_to_sidecar_with_hbone_and_without() {
    let mesh = mesh(&pair(AMBIENT, SIDECAR, STRICT));
    insta::assert_snapshot!(story(&mesh, "client/sleep", "server/web:8000"), @r"
    sidecar of server/web sees client/sa/sleep at port 80: allowed: no policy denies, and none allows
    allow: the application's answer
    ");
    let old = set(&mesh, "server/web", PodState::Sidecar);
    insta::assert_snapshot!(story(&old, "client/sleep", "server/web:8000"), @r"
    sidecar of server/web sees nobody at port 80: refused: PeerAuthentication server/default is STRICT, and the client has no certificate
    deny: connection reset
    ");
}

#[test]
fn p3_ambient_to_sidecar_by_a_waypoint() {
    let server = &format!("{SIDECAR}, istio.io/use-waypoint: waypoint");
    insta::assert_snapshot!(from_to(AMBIENT, server, "server/web:8000"), @r"
    waypoint server/waypoint sees client/sa/sleep at port 8000: allowed: no policy denies, and none allows
    sidecar of server/web sees server/sa/waypoint at port 80: allowed: no policy denies, and none allows
    allow: the application's answer
    ");
}

#[test]
fn p4_ambient_to_ambient() {
    insta::assert_snapshot!(from_to(AMBIENT, AMBIENT, "server/web:8000"), @r"
    ztunnel of server/web sees client/sa/sleep at port 80: allowed: no policy denies, and none allows
    allow: the application's answer
    ");
}

#[test]
fn p5_ambient_to_ambient_by_a_waypoint() {
    insta::assert_snapshot!(from_to(AMBIENT, AMBIENT_WAYPOINT, "server/web:8000"), @r"
    waypoint server/waypoint sees client/sa/sleep at port 8000: allowed: no policy denies, and none allows
    ztunnel of server/web sees server/sa/waypoint at port 80: allowed: no policy denies, and none allows
    allow: the application's answer
    ");
}

#[test]
fn p6_sidecar_to_ambient_skips_the_waypoint() {
    let mesh = mesh(&pair(SIDECAR, AMBIENT_WAYPOINT, ""));
    insta::assert_snapshot!(story(&mesh, "client/sleep", "server/web:8000"), @r"
    ztunnel of server/web sees client/sa/sleep at port 80: allowed: no policy denies, and none allows
    allow: the application's answer
    ");
    // that a sidecar does not take HBONE itself does not matter to what it sends
    let old = set(&mesh, "client/sleep", PodState::Sidecar);
    insta::assert_snapshot!(story(&old, "client/sleep", "server/web:8000"), @r"
    ztunnel of server/web sees client/sa/sleep at port 80: allowed: no policy denies, and none allows
    allow: the application's answer
    ");
}

#[test]
fn p7_a_gateway_skips_the_waypoint_unless_told() {
    let plain = mesh(&pair(SIDECAR, AMBIENT_WAYPOINT, INGRESS));
    insta::assert_snapshot!(story(&plain, "gateway:ingress/gw", "server/web:8000"), @r"
    gateway ingress/gw-istio sees nobody at port 80: allowed: no policy denies, and none allows
    ztunnel of server/web sees ingress/sa/gw-istio at port 80: allowed: no policy denies, and none allows
    allow: the application's answer
    ");
    let told = format!("{AMBIENT_WAYPOINT}, istio.io/ingress-use-waypoint: \"true\"");
    let told = mesh(&pair(SIDECAR, &told, INGRESS));
    insta::assert_snapshot!(story(&told, "gateway:ingress/gw", "server/web:8000"), @r"
    gateway ingress/gw-istio sees nobody at port 80: allowed: no policy denies, and none allows
    waypoint server/waypoint sees ingress/sa/gw-istio at port 8000: allowed: no policy denies, and none allows
    ztunnel of server/web sees server/sa/waypoint at port 80: allowed: no policy denies, and none allows
    allow: the application's answer
    ");
    // a headless service has no address to send to the waypoint
    insta::assert_snapshot!(story(&told, "gateway:ingress/gw", "server/headless:80"), @r"
    gateway ingress/gw-istio sees nobody at port 80: allowed: no policy denies, and none allows
    ztunnel of server/web sees ingress/sa/gw-istio at port 80: allowed: no policy denies, and none allows
    allow: the application's answer
    ");
}

#[test]
fn p8_outside_to_ambient_is_plaintext_past_the_waypoint() {
    let mesh = mesh(&pair(SIDECAR, AMBIENT_WAYPOINT, STRICT));
    insta::assert_snapshot!(story(&mesh, "outside", "server/web:8000"), @r"
    ztunnel of server/web sees nobody at port 80: denied by istio-system/istio_converted_static_strict
    deny: connection reset
    ");
}

#[test]
fn p9_outside_to_sidecar_by_mode() {
    insta::assert_snapshot!(story(&mesh(&pair(SIDECAR, SIDECAR, "")), "outside", "server/web:8000"), @r"
    sidecar of server/web sees nobody at port 80: allowed: no policy denies, and none allows
    allow: the application's answer
    ");
    insta::assert_snapshot!(story(&mesh(&pair(SIDECAR, SIDECAR, STRICT)), "outside", "server/web:8000"), @r"
    sidecar of server/web sees nobody at port 80: refused: PeerAuthentication server/default is STRICT, and the client has no certificate
    deny: connection reset
    ");
}

#[test]
fn p12_a_pod_and_a_headless_service_take_the_waypoint_of_the_workload() {
    let all = mesh(&pair(AMBIENT, AMBIENT_WAYPOINT, ""));
    insta::assert_snapshot!(story(&all, "client/sleep", "pod:server/web:80"), @r"
    waypoint server/waypoint sees client/sa/sleep at port 80: allowed: no policy denies, and none allows
    ztunnel of server/web sees server/sa/waypoint at port 80: allowed: no policy denies, and none allows
    allow: the application's answer
    ");
    insta::assert_snapshot!(story(&all, "client/sleep", "server/headless:80"), @r"
    waypoint server/waypoint sees client/sa/sleep at port 80: allowed: no policy denies, and none allows
    ztunnel of server/web sees server/sa/waypoint at port 80: allowed: no policy denies, and none allows
    allow: the application's answer
    ");
    // a waypoint for services only
    let services = pair(AMBIENT, AMBIENT_WAYPOINT, "").replace("istio.io/waypoint-for: all", "");
    insta::assert_snapshot!(story(&mesh(&services), "client/sleep", "pod:server/web:80"), @r"
    ztunnel of server/web sees client/sa/sleep at port 80: allowed: no policy denies, and none allows
    allow: the application's answer
    ");
    // and one for workloads only: no cross-over
    let workloads = pair(AMBIENT, AMBIENT_WAYPOINT, "").replace("for: all", "for: workload");
    insta::assert_snapshot!(story(&mesh(&workloads), "client/sleep", "server/web:8000"), @r"
    ztunnel of server/web sees client/sa/sleep at port 80: allowed: no policy denies, and none allows
    allow: the application's answer
    ");
}

#[test]
fn nobody_enforces_for_a_pod_outside_the_mesh() {
    insta::assert_snapshot!(from_to(AMBIENT, "a: b", "server/web:8000"), @r"
    nobody sees nobody at port 80: nobody enforces anything here
    allow: the application's answer
    ");
}

#[test]
fn a_waypoint_that_is_not_programmed_is_skipped_and_one_without_pods_fails() {
    let mesh = mesh(&pair(AMBIENT, AMBIENT_WAYPOINT, ""));
    let absent = set_waypoint(&mesh, WaypointState::NotProgrammed);
    insta::assert_snapshot!(story(&absent, "client/sleep", "server/web:8000"), @r"
    ztunnel of server/web sees client/sa/sleep at port 80: allowed: no policy denies, and none allows
    allow: the application's answer
    ");
    let dead = set_waypoint(&mesh, WaypointState::NoReadyPods);
    insta::assert_snapshot!(story(&dead, "client/sleep", "server/web:8000"), @r"
    waypoint server/waypoint sees client/sa/sleep at port 15008: refused: the waypoint has no ready pods
    deny: connection reset
    ");
}

#[test]
fn a_network_policy_must_admit_hbone() {
    let closed = "
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: server}
spec:
  podSelector: {matchLabels: {app: web}}
  ingress: [{from: [{namespaceSelector: {}}], ports: [{port: 80}]}]";
    insta::assert_snapshot!(story(&mesh(&pair(SIDECAR, SIDECAR, closed)), "client/sleep", "server/web:8000"), @r"
    sidecar of server/web sees client/sa/sleep at port 80: allowed: no policy denies, and none allows
    allow: the application's answer
    ");
    insta::assert_snapshot!(story(&mesh(&pair(AMBIENT, AMBIENT, closed)), "client/sleep", "server/web:8000"), @r"
    network of server/web sees client/sa/sleep at port 15008: refused: NetworkPolicy server/web does not admit port 15008
    deny: no answer
    ");
    insta::assert_snapshot!(story(&mesh(&pair(AMBIENT, AMBIENT_WAYPOINT, closed)), "client/sleep", "server/web:8000"), @r"
    waypoint server/waypoint sees client/sa/sleep at port 8000: allowed: no policy denies, and none allows
    network of server/web sees server/sa/waypoint at port 15008: refused: NetworkPolicy server/web does not admit port 15008
    deny: 503
    ");
    let open = closed.replace("{port: 80}", "{port: 80}, {port: 15008}");
    let open = mesh(&pair(AMBIENT, AMBIENT, &open));
    assert_eq!(get(&open, "client/sleep", "server/web:8000", "/").verdict, Verdict::Allow);
}

#[test]
fn a_service_without_pods_is_unknown() {
    let text = pair(AMBIENT, AMBIENT, "").replace("selector: {app: web}", "selector: {app: other}");
    insta::assert_snapshot!(story(&mesh(&text), "client/sleep", "server/web:8000"), @r"
    not shown sees client/sa/sleep at port 8000: not known: no workload that is shown has the labels that the service selects
    unknown: what no manifest shows
    ");
}
