//! Gateways as they are: what they listen for, and whose pods carry them.

use waypost::simulate::{HttpRequest, Mesh, Place, Request, Verdict};

use super::{SIDECAR, mesh, pair, policy, story};

/// An Istio Gateway on pods of its own, with these servers.
fn classic(servers: &str, more: &str) -> Mesh {
    mesh(&pair(
        SIDECAR,
        SIDECAR,
        &format!(
            "
apiVersion: apps/v1
kind: Deployment
metadata: {{name: edge, namespace: server}}
spec: {{template: {{metadata: {{labels: {{istio: edge}}}}, spec: {{containers: [{{name: istio-proxy}}]}}}}}}
---
apiVersion: v1
kind: Service
metadata: {{name: edge, namespace: server}}
spec: {{selector: {{istio: edge}}, ports: [{{name: https, port: 443, targetPort: 8443}}, {{name: http, port: 80, targetPort: 8080}}]}}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {{name: edge, namespace: server}}
spec: {{selector: {{istio: edge}}, servers: [{servers}]}}
---
{more}"
        ),
    ))
}

fn through(mesh: &Mesh, to: &str, host: Option<&str>) -> (Verdict, u16) {
    let decision = mesh.decide(&Request {
        from: mesh.find_client("gateway:server/edge").unwrap(),
        to: mesh.find_destination(to).unwrap(),
        http: HttpRequest { host: host.map(str::to_owned), ..HttpRequest::default() },
        raw_tcp: false,
    });
    (decision.verdict, decision.walks[0].steps[0].port)
}

/// A DENY that a chain of bytes cannot read the host of: it denies everything there.
fn deny_by_host() -> String {
    let rule = "rules: [{from: [{source: {notRemoteIpBlocks: [198.51.100.0/24]}}], to: [{operation: {hosts: [wiki.example]}}]}]";
    policy("p", &format!("selector: {{matchLabels: {{istio: edge}}}}, action: DENY, {rule}"))
}

const PASS: &str = "{hosts: [idp.example], port: {number: 443, name: tls, protocol: TLS}, tls: {mode: PASSTHROUGH}}";
const HTTP: &str = "{hosts: ['*'], port: {number: 80, name: http, protocol: HTTP}}";

#[test]
fn tls_that_is_passed_through_is_bytes_whatever_is_inside() {
    for mode in ["{mode: PASSTHROUGH}", "{mode: SIMPLE, credentialName: x}"] {
        let found = classic(&PASS.replace("{mode: PASSTHROUGH}", mode), &deny_by_host());
        assert_eq!(through(&found, "server/web:8000", None), (Verdict::Deny, 8443), "{mode}");
    }
    let https = PASS.replace("protocol: TLS", "protocol: HTTPS");
    let passed = classic(&https, &deny_by_host());
    assert_eq!(through(&passed, "server/web:8000", None).0, Verdict::Deny);
    let ended = classic(&https.replace("PASSTHROUGH", "SIMPLE"), &deny_by_host());
    assert_eq!(through(&ended, "server/web:8000", None), (Verdict::Allow, 8443));
}

#[test]
fn of_several_listeners_the_host_chooses_then_what_is_spoken() {
    let found = classic(&format!("{PASS}, {HTTP}"), &deny_by_host());
    assert_eq!(through(&found, "server/web:8000", None), (Verdict::Allow, 8080));
    // raw bytes, and ports that are none of HTTP, come in where bytes do
    assert_eq!(through(&found, "server/web:9000", None), (Verdict::Deny, 8443));
    let named =
        classic(&format!("{PASS}, {}", HTTP.replace("'*'", "web.example")), &deny_by_host());
    assert_eq!(through(&named, "server/web:8000", Some("idp.example")).0, Verdict::Deny);
    assert_eq!(through(&named, "server/web:8000", Some("web.example")).0, Verdict::Allow);
}

#[test]
fn policies_know_the_tcp_ports_of_gateways() {
    let found = classic(&format!("{PASS}, {HTTP}"), &deny_by_host());
    let reach = &found.classify()[0].reach;
    assert!(reach.contains_key(&Place::Gateway) && reach.contains_key(&Place::GatewayTcp));
    let found = classic(HTTP, &deny_by_host());
    assert!(!found.classify()[0].reach.contains_key(&Place::GatewayTcp));
}

/// A Gateway of Gateway API with an address of its own, and perhaps the pods of a chart.
fn addressed(address: &str, labels: &str, target: &str) -> String {
    let policy = policy("p", &format!("{target}, action: DENY, rules: [{{}}]"));
    pair(
        SIDECAR,
        SIDECAR,
        &format!(
            "
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: public, namespace: server}}
spec:
  gatewayClassName: istio
  addresses: [{address}]
  listeners: [{{name: http, port: 80, protocol: HTTP}}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: chart, namespace: server}}
spec: {{template: {{metadata: {{labels: {{{labels}}}}}, spec: {{serviceAccountName: chart, containers: [{{name: istio-proxy, args: [proxy, router]}}]}}}}}}
---
apiVersion: v1
kind: Service
metadata: {{name: chart, namespace: server}}
spec: {{selector: {{istio: chart}}, ports: [{{name: http, port: 80}}]}}
---
{policy}"
        ),
    )
}

const TARGET: &str =
    "targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: public}]";

#[test]
fn pods_of_an_unmanaged_gateway_are_those_of_others() {
    for address in [
        "{type: Hostname, value: chart.server.svc.cluster.local}",
        "{type: Hostname, value: chart}",
    ] {
        let text = addressed(address, "istio: chart", TARGET);
        // a target is nothing to pods that do not bear the Gateway's name
        insta::allow_duplicates! {
            insta::assert_snapshot!(story(&mesh(&text), "gateway:server/public", "server/web:8000"), @r"
            gateway server/chart sees nobody at port 80: allowed: no policy denies, and none allows
            sidecar of server/web sees server/sa/chart at port 80: allowed: no policy denies, and none allows
            allow: the application's answer
            ");
        }
        let labels = "istio: chart, gateway.networking.k8s.io/gateway-name: public";
        let found = mesh(&addressed(address, labels, TARGET));
        assert!(
            story(&found, "gateway:server/public", "server/web:8000")
                .ends_with("deny: 403 `RBAC: access denied`")
        );
        // and a selector holds
        let by_label = "selector: {matchLabels: {istio: chart}}";
        let found = mesh(&addressed(address, "istio: chart", by_label));
        assert!(
            story(&found, "gateway:server/public", "server/web:8000")
                .ends_with("deny: 403 `RBAC: access denied`")
        );
    }
}

#[test]
fn pods_that_no_manifest_shows_are_unknown_and_those_of_istiod_are_known() {
    let elsewhere = addressed("{type: Hostname, value: lb.example.com}", "istio: chart", TARGET);
    insta::assert_snapshot!(story(&mesh(&elsewhere), "gateway:server/public", "server/web:8000"), @r"
    not shown sees nobody at port 80: not known: Gateway server/public has an address of its own, so its pods are made by others, and none is shown
    unknown: what no manifest shows
    ");
    let managed = addressed("{value: 192.0.2.1}", "istio: chart", TARGET);
    insta::assert_snapshot!(story(&mesh(&managed), "gateway:server/public", "server/web:8000"), @r"
    gateway server/public-istio sees nobody at port 80: denied by ns[server]-policy[p]-rule[0]
    deny: 403 `RBAC: access denied`
    ");
}
