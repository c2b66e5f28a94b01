//! facts/istio-ambient.md §4.1, §4.2: which policy holds where.

use waypost::simulate::{Options, Verdict};

use super::{
    AMBIENT, AMBIENT_WAYPOINT, AT_WAYPOINT, SIDECAR, get, mesh, mesh_and_findings, pair, policy,
    story,
};

const DENY: &str = "action: DENY, rules: [{}]";

fn verdict(client: &str, server: &str, more: &str) -> Verdict {
    let mesh = mesh(&pair(client, server, more));
    get(&mesh, "client/sleep", "server/web:8000", "/").verdict
}

fn in_root(body: &str) -> String {
    policy("p", body).replace("namespace: server", "namespace: istio-system")
}

#[test]
fn a1_to_a4_hold_at_sidecars_and_ztunnels() {
    let selected = "selector: {matchLabels: {app: web}}, action: DENY, rules: [{}]";
    let other = "selector: {matchLabels: {app: other}}, action: DENY, rules: [{}]";
    for server in [SIDECAR, AMBIENT] {
        assert_eq!(verdict(AMBIENT, server, &policy("p", selected)), Verdict::Deny);
        assert_eq!(verdict(AMBIENT, server, &policy("p", other)), Verdict::Allow);
        assert_eq!(verdict(AMBIENT, server, &in_root(selected)), Verdict::Deny);
        assert_eq!(verdict(AMBIENT, server, &in_root(other)), Verdict::Allow);
        assert_eq!(verdict(AMBIENT, server, &policy("p", DENY)), Verdict::Deny);
        assert_eq!(verdict(AMBIENT, server, &in_root(DENY)), Verdict::Deny);
        let elsewhere = policy("p", DENY).replace("namespace: server", "namespace: client");
        assert_eq!(verdict(AMBIENT, server, &elsewhere), Verdict::Allow);
    }
}

#[test]
fn a5_a_gateway_target_holds_at_that_waypoint_alone() {
    let targeted = policy("p", &format!("{AT_WAYPOINT}, {DENY}"));
    assert_eq!(verdict(AMBIENT, AMBIENT_WAYPOINT, &targeted), Verdict::Deny);
    assert_eq!(verdict(AMBIENT, AMBIENT, &targeted), Verdict::Allow);
    assert_eq!(verdict(SIDECAR, SIDECAR, &targeted), Verdict::Allow);
    let elsewhere = targeted.replace("namespace: server", "namespace: client");
    assert_eq!(verdict(AMBIENT, AMBIENT_WAYPOINT, &elsewhere), Verdict::Allow);
}

#[test]
fn a6_a_service_target_holds_for_traffic_addressed_to_it() {
    let target = "targetRefs: [{group: '', kind: Service, name: web}]";
    let mesh = mesh(&pair(AMBIENT, AMBIENT_WAYPOINT, &policy("p", &format!("{target}, {DENY}"))));
    assert_eq!(get(&mesh, "client/sleep", "server/web:8000", "/").verdict, Verdict::Deny);
    // istio/istio#56505: addressed to the pod, only Gateway and GatewayClass policies are asked
    assert_eq!(get(&mesh, "client/sleep", "pod:server/web:80", "/").verdict, Verdict::Allow);
}

#[test]
fn a7_a_service_entry_target_holds_since_1_24() {
    let entry = "
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: api, namespace: server}
spec: {hosts: [api.example.com], resolution: DNS, ports: [{number: 80, name: http, protocol: HTTP}]}
---";
    let target = "targetRefs: [{group: networking.istio.io, kind: ServiceEntry, name: api}]";
    let text = pair(
        AMBIENT,
        AMBIENT_WAYPOINT,
        &format!("{entry}{}", policy("p", &format!("{target}, {DENY}"))),
    );
    for (minor, expected) in [(24, Verdict::Deny), (23, Verdict::Allow)] {
        let options =
            Options { istio: waypost::simulate::IstioVersion::new(1, minor), ..Options::default() };
        let (mesh, _) = mesh_and_findings(&text, &options);
        let found = get(&mesh, "client/sleep", "server/api:80", "/").verdict;
        assert_eq!(found, expected, "1.{minor}");
    }
}

#[test]
fn a8_a_class_target_holds_at_every_waypoint_from_the_root_namespace() {
    let target = "targetRefs: [{group: gateway.networking.k8s.io, kind: GatewayClass, name: istio-waypoint}]";
    let body = format!("{target}, {DENY}");
    assert_eq!(verdict(AMBIENT, AMBIENT_WAYPOINT, &in_root(&body)), Verdict::Deny);
    assert_eq!(verdict(AMBIENT, AMBIENT_WAYPOINT, &policy("p", &body)), Verdict::Allow);
}

#[test]
fn an_empty_selector_holds_at_sidecars_and_at_no_ztunnel() {
    let empty = policy("p", "selector: {}, action: DENY, rules: [{}]");
    assert_eq!(verdict(SIDECAR, SIDECAR, &empty), Verdict::Deny);
    assert_eq!(verdict(AMBIENT, AMBIENT, &empty), Verdict::Allow);
}

#[test]
fn allowed_routes_decide_who_may_use_a_waypoint() {
    let shared = "istio.io/dataplane-mode: ambient, istio.io/use-waypoint: shared, \
                  istio.io/use-waypoint-namespace: infra";
    let gateway = |from: &str| {
        format!(
            "
apiVersion: v1
kind: Namespace
metadata: {{name: infra}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: shared, namespace: infra}}
spec:
  gatewayClassName: istio-waypoint
  listeners:
  - {{name: mesh, port: 15008, protocol: HBONE, allowedRoutes: {{namespaces: {{{from}}}}}}}"
        )
    };
    let waypoints = |from: &str| {
        let mesh = mesh(&pair(AMBIENT, shared, &gateway(from)));
        story(&mesh, "client/sleep", "server/web:8000").contains("waypoint infra/shared")
    };
    assert!(waypoints("from: All"));
    assert!(!waypoints("from: Same"));
    assert!(!waypoints(""));
    let team = "from: Selector, selector: {matchLabels: {kubernetes.io/metadata.name: server}}";
    assert!(waypoints(team));
    assert!(!waypoints(&team.replace("name: server", "name: other")));
}

#[test]
fn an_object_label_never_falls_back_to_the_namespace() {
    let text = pair(AMBIENT, AMBIENT_WAYPOINT, "");
    for value in ["none", "missing"] {
        let labelled = text.replace(
            "metadata: {name: web, namespace: server}\nspec:\n  selector",
            &format!("metadata: {{name: web, namespace: server, labels: {{istio.io/use-waypoint: {value}}}}}\nspec:\n  selector"),
        );
        assert_ne!(labelled, text);
        let found = story(&mesh(&labelled), "client/sleep", "server/web:8000");
        assert!(!found.contains("waypoint server/waypoint"), "{value}: {found}");
    }
}
