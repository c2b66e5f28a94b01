//! What comes from outside, at the gateway and behind it.

use waypost::simulate::{HttpRequest, Request, Verdict};

use super::{AMBIENT_WAYPOINT, SIDECAR, mesh, pair, policy};

const GATEWAY: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gw, namespace: server}
spec: {gatewayClassName: istio, listeners: [{name: http, port: 80, protocol: HTTP}]}
---";

/// The verdict about a request that says it was forwarded for 1.2.3.4, and whether an unknown
/// address could make it another.
fn forwarded(server: &str, more: &str) -> (Verdict, bool) {
    let mesh = mesh(&pair(SIDECAR, server, &format!("{GATEWAY}{more}")));
    let headers = vec![("X-Forwarded-For".into(), "1.2.3.4".into())];
    let decision = mesh.decide(&Request {
        from: mesh.find_client("gateway:server/gw").unwrap(),
        to: mesh.find_destination("server/web:8000").unwrap(),
        http: HttpRequest { headers, ..HttpRequest::default() },
        raw_tcp: false,
    });
    let unknown = decision.walk().unwrap().steps.iter().any(|s| s.unknown_address);
    (decision.verdict, unknown)
}

const FROM: &str = "rules: [{from: [{source: {remoteIpBlocks: [1.2.3.4]}}]}]";

#[test]
fn a_gateway_takes_its_peer_for_the_client() {
    let at = "targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: gw}]";
    let allow = policy("p", &format!("{at}, {FROM}"));
    assert_eq!(forwarded(SIDECAR, &allow), (Verdict::Deny, true));
}

#[test]
fn behind_a_gateway_the_client_is_the_gateways_peer() {
    let allow = policy("p", &format!("selector: {{matchLabels: {{app: web}}}}, {FROM}"));
    assert_eq!(forwarded(SIDECAR, &allow), (Verdict::Deny, true));
    let at = "targetRefs: [{group: '', kind: Service, name: web}]";
    let allow = policy("p", &format!("{at}, {FROM}"));
    let server = format!("{AMBIENT_WAYPOINT}, istio.io/ingress-use-waypoint: 'true'");
    assert_eq!(forwarded(&server, &allow), (Verdict::Deny, true));
}

#[test]
fn a_class_of_gateways_is_no_target() {
    let at = "targetRefs: [{group: gateway.networking.k8s.io, kind: GatewayClass, name: istio}]";
    let deny = policy("p", &format!("{at}, action: DENY, rules: [{{}}]"))
        .replace("namespace: server", "namespace: istio-system");
    assert_eq!(forwarded(SIDECAR, &deny).0, Verdict::Allow);
}
