//! The client's side: facts/outbound.md §1, §2.1.

use super::{AMBIENT, SIDECAR, get, mesh, mesh_and_findings, pair, policy, set, story, verdict};
use waypost::simulate::{IstioVersion, Options, PodState, Traffic};

pub(super) const STRICT: &str = "
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: istio-system}
spec: {mtls: {mode: STRICT}}
---";

/// DENY to the client's namespace, by identity.
pub(super) fn no_client() -> String {
    policy("no-client", "action: DENY, rules: [{from: [{source: {namespaces: [client]}}]}]")
}

pub(super) fn object(kind: &str, namespace: &str, spec: &str) -> String {
    let group = if kind == "PeerAuthentication" { "security" } else { "networking" };
    format!(
        "
apiVersion: {group}.istio.io/v1
kind: {kind}
metadata: {{name: own, namespace: {namespace}}}
spec: {spec}
---"
    )
}

pub(super) fn rule(namespace: &str, spec: &str) -> String {
    object("DestinationRule", namespace, spec)
}

pub(super) const DISABLE: &str =
    "{host: web.server.svc.cluster.local, trafficPolicy: {tls: {mode: DISABLE}}}";

/// Verdicts of the client for the service, with DENY by identity: `allow` is a call that shows none.
pub(super) fn to_service(more: &str) -> &'static str {
    verdict(&mesh(&pair(SIDECAR, SIDECAR, &format!("{}{more}", no_client()))), "server/web:8000")
}

#[test]
fn a_sidecar_sends_plaintext_to_a_pods_address() {
    let denied = mesh(&pair(SIDECAR, SIDECAR, &no_client()));
    insta::assert_snapshot!(story(&denied, "client/sleep", "pod:server/web:80"), @r"
    client's proxy sees nobody at port 80: sends without the client's identity: a sidecar has no listener for a pod's address, and passes it through as it is
    sidecar of server/web sees nobody at port 80: allowed: no policy denies, and none allows
    allow: the application's answer
    ");
    assert_eq!(verdict(&denied, "server/web:8000"), "deny");
    let strict = mesh(&pair(SIDECAR, SIDECAR, STRICT));
    assert_eq!(verdict(&strict, "pod:server/web:80"), "deny");
    assert_eq!(verdict(&strict, "server/web:8000"), "allow");
    // ztunnel has HBONE for it
    let moved = set(&strict, "client/sleep", PodState::Ambient);
    assert_eq!(verdict(&moved, "pod:server/web:80"), "allow");
    let to_ambient = mesh(&pair(SIDECAR, AMBIENT, STRICT));
    assert_eq!(verdict(&to_ambient, "pod:server/web:80"), "deny");
    assert_eq!(verdict(&to_ambient, "server/web:8000"), "allow");
}

#[test]
fn registry_only_drops_a_pods_address() {
    let yaml = pair(SIDECAR, SIDECAR, "");
    let options = Options {
        traffic: Traffic { registry_only: true, ..Traffic::default() },
        ..Options::default()
    };
    let (mesh, _) = mesh_and_findings(&yaml, &options);
    insta::assert_snapshot!(story(&mesh, "client/sleep", "pod:server/web:80"), @r"
    client's proxy sees client/sa/sleep at port 80: refused: the client's sidecar does not know the destination, and the outbound traffic policy is REGISTRY_ONLY
    deny: connection reset
    ");
    assert_eq!(verdict(&mesh, "server/web:8000"), "allow");
    // ztunnel does not read it
    let moved = set(&mesh, "client/sleep", PodState::Ambient);
    assert_eq!(verdict(&moved, "pod:server/web:80"), "allow");
}

const TCP_HEADLESS: &str = "
apiVersion: v1
kind: Service
metadata: {name: queue, namespace: server}
spec:
  clusterIP: None
  selector: {app: web}
  ports: [{name: tcp, port: 9092}]
---";

#[test]
fn headless_is_mutual_tls_only_if_every_endpoint_has_a_sidecar() {
    let both = mesh(&pair(SIDECAR, SIDECAR, &format!("{STRICT}{TCP_HEADLESS}")));
    assert_eq!(verdict(&both, "server/queue:9092"), "allow");
    assert_eq!(verdict(&both, "server/headless:80"), "allow");
    // a TCP port has a listener for each pod: the pod's address is the same
    assert_eq!(verdict(&both, "pod:server/web:9092"), "allow");
    assert_eq!(verdict(&both, "pod:server/web:80"), "deny");
    // the server moves before its clients
    let moved = set(&both, "server/web", PodState::Ambient);
    insta::assert_snapshot!(story(&moved, "client/sleep", "server/queue:9092"), @r"
    client's proxy sees nobody at port 9092: sends without the client's identity: a sidecar speaks plaintext to a headless service unless every endpoint has a sidecar
    ztunnel of server/web sees nobody at port 9092: denied by istio-system/istio_converted_static_strict
    deny: connection reset
    ");
    assert_eq!(verdict(&moved, "server/headless:80"), "deny");
    assert_eq!(verdict(&moved, "server/web:8000"), "allow");
    // the clients first
    let first = set(&both, "client/sleep", PodState::Ambient);
    assert_eq!(verdict(&first, "server/queue:9092"), "allow");
    assert_eq!(
        verdict(&set(&first, "server/web", PodState::Ambient), "server/queue:9092"),
        "allow"
    );
}

/// Nobody translates the port: DNS gives the pods' addresses.
#[test]
fn clients_of_a_headless_service_come_to_its_port_and_not_to_the_target() {
    let targets = TCP_HEADLESS.replace("port: 9092", "port: 9092, targetPort: 80");
    let at = |server: &str| {
        let mesh = mesh(&pair(server, server, &targets));
        story(&mesh, "client/sleep", "server/queue:9092")
    };
    assert!(at(SIDECAR).contains("sidecar of server/web sees client/sa/sleep at port 9092"));
    assert!(at(AMBIENT).contains("ztunnel of server/web sees client/sa/sleep at port 9092"));
}

const SECOND: &str = "
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web-b, namespace: server}
spec:
  template:
    metadata: {labels: {app: web, sidecar.istio.io/inject: 'false'}}
    spec: {containers: [{name: web}]}
---";

#[test]
fn one_pod_without_sidecar_takes_the_identity_from_all_of_a_headless_service() {
    let mixed = mesh(&pair(SIDECAR, SIDECAR, &format!("{}{SECOND}{TCP_HEADLESS}", no_client())));
    assert_eq!(verdict(&mixed, "server/queue:9092"), "allow");
    // with an address of its own each endpoint counts by itself
    assert_eq!(verdict(&mixed, "server/web:8000"), "mixed");
}

#[test]
fn headless_with_a_port_that_takes_plaintext_gets_tls_all_the_same() {
    let port = object(
        "PeerAuthentication",
        "server",
        "{selector: {matchLabels: {app: web}}, portLevelMtls: {'9092': {mode: DISABLE}}}",
    );
    let mesh = mesh(&pair(SIDECAR, SIDECAR, &format!("{port}{TCP_HEADLESS}")));
    insta::assert_snapshot!(story(&mesh, "client/sleep", "server/queue:9092"), @r"
    sidecar of server/web sees client/sa/sleep at port 9092: refused: the client's proxy speaks TLS that this port does not take
    deny: connection reset
    ");
}

#[test]
fn a_gateway_finds_headless_endpoints_one_by_one() {
    let gateway = "
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gw, namespace: client}
spec: {gatewayClassName: istio, listeners: [{name: http, port: 80, protocol: HTTP}]}
---";
    let mesh = mesh(&pair(SIDECAR, AMBIENT, &format!("{STRICT}{gateway}")));
    let said = get(&mesh, "gateway:client/gw", "server/headless:80", "/");
    assert_eq!(said.verdict.as_str(), "allow");
}

#[test]
fn tls_that_is_not_the_meshs_is_bytes_without_identity() {
    let simple = rule("server", "{host: web, trafficPolicy: {tls: {mode: SIMPLE}}}");
    let asked = |more: &str| {
        let all = format!("{}{simple}{more}", no_client());
        verdict(&mesh(&pair(SIDECAR, SIDECAR, &all)), "server/web:9000")
    };
    assert_eq!(asked(""), "allow");
    let get = policy("no-get", "action: DENY, rules: [{to: [{operation: {methods: [GET]}}]}]");
    // DENY without its HTTP fields is DENY of everything
    assert_eq!(asked(&get), "deny");
}

/// istio/istio:pilot/pkg/networking/core/filterchain_options.go: no chain of such a port is for TLS that has no name of Istio's in
/// its hello. Real Envoys, chained, close the connection.
#[test]
fn a_port_that_is_declared_http_takes_no_tls_but_the_meshs() {
    let simple = rule("server", "{host: web, trafficPolicy: {tls: {mode: SIMPLE}}}");
    let mesh = mesh(&pair(SIDECAR, SIDECAR, &simple));
    insta::assert_snapshot!(story(&mesh, "client/sleep", "server/web:8000"), @r"
    client's proxy sees nobody at port 8000: sends without the client's identity: DestinationRule server/own sets its TLS
    sidecar of server/web sees nobody at port 80: refused: the client's proxy speaks TLS that this port does not take
    deny: connection reset
    ");
    assert_eq!(verdict(&set(&mesh, "server/web", PodState::Plain), "server/web:8000"), "allow");
}

#[test]
fn hbone_to_ambient_stays_whatever_a_rule_says_since_1_25() {
    for mode in ["DISABLE", "ISTIO_MUTUAL", "SIMPLE"] {
        let tls =
            rule("server", &format!("{{host: web, trafficPolicy: {{tls: {{mode: {mode}}}}}}}"));
        let yaml = pair(SIDECAR, AMBIENT, &format!("{STRICT}{tls}"));
        assert_eq!(verdict(&mesh(&yaml), "server/web:8000"), "allow", "{mode}");
        let old = Options { istio: IstioVersion::new(1, 24), ..Options::default() };
        let (old, _) = mesh_and_findings(&yaml, &old);
        assert_eq!(verdict(&old, "server/web:8000"), "deny", "{mode}");
    }
    // without STRICT the application gets TLS that it does not speak
    let tls = rule("server", "{host: web, trafficPolicy: {tls: {mode: ISTIO_MUTUAL}}}");
    let old = Options { istio: IstioVersion::new(1, 24), ..Options::default() };
    let (old, _) = mesh_and_findings(&pair(SIDECAR, AMBIENT, &tls), &old);
    insta::assert_snapshot!(story(&old, "client/sleep", "server/web:8000"), @r"
    ztunnel of server/web sees nobody at port 80: allowed: no policy denies, and none allows
    nobody sees nobody at port 80: refused: the client's proxy speaks TLS that this port does not take
    deny: connection reset
    ");
}

#[test]
fn without_auto_mtls_sidecars_speak_plaintext_to_each_other() {
    let options = Options {
        traffic: Traffic { auto_mtls: false, ..Traffic::default() },
        ..Options::default()
    };
    let (sidecars, _) = mesh_and_findings(&pair(SIDECAR, SIDECAR, &no_client()), &options);
    assert_eq!(verdict(&sidecars, "server/web:8000"), "allow");
    let (ambient, _) = mesh_and_findings(&pair(SIDECAR, AMBIENT, &no_client()), &options);
    assert_eq!(verdict(&ambient, "server/web:8000"), "deny");
}

#[test]
fn a_namespace_with_mtls_disabled_gets_plaintext_whatever_its_workloads_say() {
    let namespace = object("PeerAuthentication", "server", "{mtls: {mode: DISABLE}}");
    assert_eq!(to_service(&namespace), "allow");
    let own = "
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: own-web, namespace: server}
spec: {selector: {matchLabels: {app: web}}, mtls: {mode: STRICT}}
---";
    let mesh = mesh(&pair(SIDECAR, SIDECAR, &format!("{namespace}{own}")));
    assert_eq!(verdict(&mesh, "server/web:8000"), "deny");
}

#[test]
fn what_a_sidecar_does_not_import_it_passes_on_as_it_is() {
    let sidecar = |namespace: &str, spec: &str| object("Sidecar", namespace, spec);
    for (namespace, spec, said) in [
        ("client", "{egress: [{hosts: ['./*']}]}", "allow"),
        ("client", "{egress: [{hosts: ['./*', 'server/*']}]}", "deny"),
        ("client", "{egress: [{hosts: ['*/web.server.svc.cluster.local']}]}", "deny"),
        ("client", "{egress: [{hosts: ['*/*.server.svc.cluster.local']}]}", "deny"),
        ("client", "{egress: [{hosts: ['~/*']}]}", "allow"),
        ("client", "{egress: [{port: {number: 8000}, hosts: ['*/*']}]}", "deny"),
        ("client", "{egress: [{port: {number: 9000}, hosts: ['*/*']}]}", "allow"),
        (
            "client",
            "{workloadSelector: {labels: {app: sleep}}, egress: [{hosts: ['./*']}]}",
            "allow",
        ),
        (
            "client",
            "{workloadSelector: {labels: {app: other}}, egress: [{hosts: ['./*']}]}",
            "deny",
        ),
        ("server", "{egress: [{hosts: ['./*']}]}", "deny"),
        // of the root namespace: the default of all others
        ("istio-system", "{egress: [{hosts: ['./*', 'istio-system/*']}]}", "allow"),
        (
            "istio-system",
            "{workloadSelector: {labels: {app: sleep}}, egress: [{hosts: ['./*']}]}",
            "deny",
        ),
    ] {
        assert_eq!(to_service(&sidecar(namespace, spec)), said, "{namespace} {spec}");
    }
    let both = format!(
        "{}{}",
        sidecar("istio-system", "{egress: [{hosts: ['./*']}]}"),
        sidecar("client", "{egress: [{hosts: ['*/*']}]}")
    );
    assert_eq!(to_service(&both), "deny");
    // dropped
    let only = "{outboundTrafficPolicy: {mode: REGISTRY_ONLY}, egress: [{hosts: ['./*']}]}";
    let mesh = mesh(&pair(SIDECAR, SIDECAR, &sidecar("client", only)));
    assert_eq!(verdict(&mesh, "server/web:8000"), "deny");
    assert_eq!(verdict(&set(&mesh, "client/sleep", PodState::Ambient), "server/web:8000"), "allow");
}

#[test]
fn a_route_brings_its_destinations_along() {
    let sidecar = object("Sidecar", "client", "{egress: [{hosts: ['./*']}]}");
    let route = object(
        "VirtualService",
        "client",
        "{hosts: [api.example.com], http: [{route: [{destination: {host: web.server.svc.cluster.local}}]}]}",
    );
    assert_eq!(to_service(&format!("{sidecar}{route}")), "deny");
}

#[test]
fn a_service_that_is_not_exported_is_not_known_to_sidecars() {
    let yaml = pair(SIDECAR, SIDECAR, &no_client()).replace(
        "metadata: {name: web, namespace: server}\nspec:\n  selector",
        "metadata: {name: web, namespace: server, annotations: {networking.istio.io/exportTo: '.'}}\nspec:\n  selector",
    );
    assert!(yaml.contains("exportTo"), "{yaml}");
    let sidecars = mesh(&yaml);
    assert_eq!(verdict(&sidecars, "server/web:8000"), "allow");
    // ztunnel does not read it
    assert_eq!(
        verdict(&set(&sidecars, "client/sleep", PodState::Ambient), "server/web:8000"),
        "deny"
    );
}

/// The client's pods with annotations, and the service with an address.
fn annotated(client: &str, server: &str, annotation: &str, more: &str) -> String {
    pair(client, server, &format!("{}{more}", no_client())).replace(
        "{labels: {app: sleep}}",
        &format!("{{labels: {{app: sleep}}, annotations: {{{annotation}}}}}"),
    )
}

#[test]
fn what_is_not_redirected_leaves_as_it_is() {
    for (annotation, said) in [
        ("traffic.sidecar.istio.io/excludeOutboundPorts: '8000'", "allow"),
        ("traffic.sidecar.istio.io/excludeOutboundPorts: '9000, 81'", "deny"),
        ("traffic.sidecar.istio.io/excludeOutboundIPRanges: '0.0.0.0/0'", "allow"),
        ("traffic.sidecar.istio.io/includeOutboundIPRanges: ''", "allow"),
        ("traffic.sidecar.istio.io/includeOutboundIPRanges: '*'", "deny"),
        ("sidecar.istio.io/interceptionMode: NONE", "allow"),
        ("traffic.sidecar.istio.io/excludeInterfaces: eth0", "allow"),
        // whether the service's address is in it is not shown
        ("traffic.sidecar.istio.io/excludeOutboundIPRanges: 10.96.0.0/12", "unknown"),
        ("traffic.sidecar.istio.io/includeOutboundIPRanges: 10.96.0.0/12", "unknown"),
    ] {
        let sidecars = mesh(&annotated(SIDECAR, SIDECAR, annotation, ""));
        assert_eq!(verdict(&sidecars, "server/web:8000"), said, "{annotation}");
        // ztunnel reads none of them
        let ambient = mesh(&annotated(AMBIENT, SIDECAR, annotation, ""));
        assert_eq!(verdict(&ambient, "server/web:8000"), "deny", "{annotation}");
    }
    // both ways end alike: it does not matter
    let annotation = "traffic.sidecar.istio.io/excludeOutboundIPRanges: 10.96.0.0/12";
    let open =
        mesh(&annotated(SIDECAR, SIDECAR, annotation, "").replace("action: DENY", "action: AUDIT"));
    assert_eq!(verdict(&open, "server/web:8000"), "allow");
}

#[test]
fn ranges_that_hold_the_services_address_decide() {
    let at = |ip: &str, annotation: &str| {
        let yaml = annotated(SIDECAR, SIDECAR, annotation, "").replace(
            "  selector: {app: web}\n  ports: [{name: http, port: 8000",
            &format!(
                "  clusterIP: {ip}\n  selector: {{app: web}}\n  ports: [{{name: http, port: 8000"
            ),
        );
        verdict(&mesh(&yaml), "server/web:8000")
    };
    let out = "traffic.sidecar.istio.io/excludeOutboundIPRanges: 10.96.0.0/12";
    assert_eq!(at("10.96.1.1", out), "allow");
    assert_eq!(at("10.1.1.1", out), "deny");
    let only = "traffic.sidecar.istio.io/includeOutboundIPRanges: 10.96.0.0/12";
    assert_eq!(at("10.96.1.1", only), "deny");
    assert_eq!(at("10.1.1.1", only), "allow");
    let port = "traffic.sidecar.istio.io/includeOutboundIPRanges: 10.96.0.0/12, \
                traffic.sidecar.istio.io/includeOutboundPorts: '8000'";
    assert_eq!(at("10.1.1.1", port), "deny");
}
