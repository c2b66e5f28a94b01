//! The server name of TLS, the Host, and what else an answer takes for granted.

use waypost::k8s::is_server_name;
use waypost::simulate::{HttpRequest, Mesh, Request, Verdict};

use super::{AMBIENT, AMBIENT_WAYPOINT, AT_WAYPOINT, SIDECAR, get, mesh, pair, policy};

/// A host outside, behind the waypoint, on a port of this protocol.
fn egress(protocol: &str, value: &str) -> String {
    let rule =
        format!("{AT_WAYPOINT}, rules: [{{when: [{{key: connection.sni, values: ['{value}']}}]}}]");
    pair(AMBIENT, AMBIENT_WAYPOINT, &policy("by-name", &rule))
        + &format!(
            "
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {{name: partner, namespace: server}}
spec:
  hosts: [api.partner.example, files.partner.example, '*.cdn.example']
  location: MESH_EXTERNAL
  resolution: DNS
  ports: [{{number: 443, name: p, protocol: {protocol}}}]
---"
        )
}

fn asked(mesh: &Mesh, sni: Option<&str>) -> (Verdict, bool, Vec<String>) {
    let request = Request {
        from: mesh.find_client("client/sleep").unwrap(),
        to: mesh.find_destination("server/partner:443").unwrap(),
        http: HttpRequest { sni: sni.map(str::to_owned), ..HttpRequest::default() },
        raw_tcp: true,
    };
    let decision = mesh.decide(&request);
    let depends = decision.walks.iter().flat_map(|w| &w.steps).any(|s| s.depends_on_request);
    (decision.verdict, depends, mesh.assumptions(&request, &decision))
}

#[test]
fn a_port_of_tls_names_the_host_that_it_is_of() {
    for protocol in ["TLS", "HTTPS"] {
        let found = mesh(&egress(protocol, "api.partner.example"));
        let (verdict, depends, taken) = asked(&found, None);
        assert_eq!((verdict, depends), (Verdict::Allow, true), "{protocol}");
        let said = "the client's TLS is taken to name the server `api.partner.example`";
        assert!(taken.iter().any(|t| t == said), "{taken:?}");
        // another name is another answer, and case does not matter
        assert_eq!(asked(&found, Some("evil.example")).0, Verdict::Deny);
        assert_eq!(asked(&found, Some("API.partner.example")).0, Verdict::Allow);
    }
    let other = mesh(&egress("TLS", "files.partner.example"));
    assert_eq!(asked(&other, None).0, Verdict::Deny);
    assert_eq!(asked(&other, Some("files.partner.example")).0, Verdict::Allow);
    // where the port is not said to be TLS, waypoints do not look for a name
    let plain = mesh(&egress("TCP", "api.partner.example"));
    assert_eq!(asked(&plain, Some("api.partner.example")).0, Verdict::Deny);
}

#[test]
fn a_sidecar_sees_the_name_that_mtls_gives() {
    let when = |value: &str| {
        let rule = format!("rules: [{{when: [{{key: connection.sni, values: ['{value}']}}]}}]");
        mesh(&pair(SIDECAR, SIDECAR, &policy("p", &rule)))
    };
    let of = |value: &str| get(&when(value), "client/sleep", "server/web:8000", "/").verdict;
    assert_eq!(of("outbound_.8000_._.web.server.svc.cluster.local"), Verdict::Allow);
    assert_eq!(of("web.server.svc.cluster.local"), Verdict::Deny);
}

#[test]
fn what_is_no_server_name() {
    for name in ["api.example", "a", "x-1.y_z.example"] {
        assert!(is_server_name(name), "{name}");
    }
    for name in
        ["", "api.example:443", "api..example", "10.0.0.1", "-a.example", "a b", "*.example"]
    {
        assert!(!is_server_name(name), "{name}");
    }
}

#[test]
fn hosts_are_targets() {
    let found = mesh(&egress("TLS", "api.partner.example"));
    let same = |name: &str, as_name: &str| {
        assert_eq!(found.find_destination(name), found.find_destination(as_name), "{name}");
    };
    for host in ["api.partner.example:443", "files.partner.example:443", "a.cdn.example:443"] {
        same(host, "server/partner:443");
    }
    for host in ["web.server:8000", "web.server.svc:8000", "web.server.svc.cluster.local:8000"] {
        same(host, "server/web:8000");
    }
    let near = |name: &str| found.find_destination(name).unwrap_err().nearest;
    assert_eq!(near("api.partner.exampel:443").as_deref(), Some("api.partner.example"));
    assert_eq!(near("web:8000").as_deref(), Some("server/web"));
}

#[test]
fn the_rule_that_came_nearest_and_what_it_lacks() {
    let rules = "rules: [{from: [{source: {principals: [cluster.local/ns/client/sa/sleep]}}], \
                 to: [{operation: {hosts: [web.server], methods: [GET]}}]}, \
                 {to: [{operation: {paths: [/x], methods: [PUT]}}]}]";
    let found =
        mesh(&pair(AMBIENT, AMBIENT_WAYPOINT, &policy("p", &format!("{AT_WAYPOINT}, {rules}"))));
    let request = Request::to_service(
        found.find_client("client/sleep").unwrap(),
        found.find_service("server/web").unwrap(),
        8000,
    );
    let decision = found.decide(&request);
    assert_eq!(decision.verdict, Verdict::Deny);
    let nearest = found.nearest(&request, decision.walk().unwrap());
    let expected = "nearest is ns[server]-policy[p]-rule[0]: `hosts` does not match";
    assert_eq!(nearest.as_deref(), Some(expected));
    let taken = found.assumptions(&request, &decision);
    let host = "the request is taken to have the Host `web.server.svc.cluster.local:8000`";
    assert!(taken.iter().any(|t| t == host), "{taken:?}");
    let pods = "istiod makes the pods of Gateway server/waypoint";
    assert!(taken.iter().any(|t| t == pods), "{taken:?}");
    // with the Host it would be another answer
    let http = HttpRequest { host: Some("web.server".into()), ..HttpRequest::default() };
    assert_eq!(found.decide(&Request { http, ..request }).verdict, Verdict::Allow);
}

#[test]
fn that_a_sidecar_speaks_hbone_is_said_where_nothing_says_so() {
    let taken = |text: &str| {
        let found = mesh(text);
        let request = Request::to_service(
            found.find_client("client/sleep").unwrap(),
            found.find_service("server/web").unwrap(),
            8000,
        );
        let decision = found.decide(&request);
        let taken = found.assumptions(&request, &decision);
        taken.iter().any(|t| t.contains("is taken to speak HBONE"))
    };
    let text = pair(SIDECAR, AMBIENT, "");
    assert!(taken(&text));
    assert!(!taken(
        &text.replace("{app: sleep}", "{app: sleep, networking.istio.io/tunnel: http}")
    ));
    assert!(!taken(&pair(SIDECAR, SIDECAR, "")));
}
