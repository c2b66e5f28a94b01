//! Routes inside the mesh, and Services that are names.

use waypost::simulate::{Mesh, Options, Verdict};

use super::{
    AMBIENT, AMBIENT_WAYPOINT, SIDECAR, get, mesh, mesh_and_findings, pair, policy, story,
};

/// A second Service in front of other pods.
const OTHER: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: v2, namespace: server}
spec: {template: {metadata: {labels: {app: v2}}, spec: {containers: [{name: v2}]}}}
---
apiVersion: v1
kind: Service
metadata: {name: v2, namespace: server}
spec: {selector: {app: v2}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: front, namespace: server}
spec: {ports: [{name: http, port: 80}]}
---
";

fn route(parent: &str, rules: &str) -> String {
    format!(
        "{OTHER}
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: r, namespace: server}}
spec: {{parentRefs: [{{group: '', kind: Service, name: {parent}}}], rules: [{rules}]}}
---
"
    )
}

fn virtual_service(spec: &str) -> String {
    format!(
        "{OTHER}
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: r, namespace: server}}
spec: {{hosts: [web], {spec}}}
---
"
    )
}

fn verdict(mesh: &Mesh, to: &str) -> Verdict {
    get(mesh, "client/sleep", to, "/").verdict
}

const TO_V2: &str = "{backendRefs: [{name: v2, port: 80}]}";
const TO_WEB: &str = "{backendRefs: [{name: web, port: 8000}]}";

#[test]
fn a_frontend_with_one_backend_is_followed() {
    for (client, server) in [(SIDECAR, SIDECAR), (AMBIENT, AMBIENT_WAYPOINT)] {
        let text = pair(client, server, &route("front", TO_V2));
        let told = story(&mesh(&text), "client/sleep", "server/front:80");
        assert!(
            told.contains("of server/v2 sees") && told.contains("at port 8080: allowed"),
            "{told}"
        );
        // the rules of the pods behind it hold
        let closed = policy("p", "selector: {matchLabels: {app: v2}}, action: DENY, rules: [{}]");
        let found = mesh(&(text + &closed));
        assert_eq!(verdict(&found, "server/front:80"), Verdict::Deny);
    }
    // ztunnel follows no route
    let found = mesh(&pair(AMBIENT, AMBIENT, &route("front", TO_V2)));
    assert_eq!(verdict(&found, "server/front:80"), Verdict::Unknown);
}

#[test]
fn a_route_to_the_service_itself_changes_nothing() {
    for rules in [
        TO_WEB.to_owned(),
        format!("{{matches: [{{path: {{type: PathPrefix, value: /}}}}], {}", &TO_WEB[1..]),
    ] {
        let found = mesh(&pair(SIDECAR, SIDECAR, &route("web", &rules)));
        assert_eq!(verdict(&found, "server/web:8000"), Verdict::Allow, "{rules}");
    }
    let subsets = "http: [{route: [{destination: {host: web, subset: v1}, weight: 90}, {destination: {host: web.server.svc.cluster.local, subset: v2}, weight: 10}]}]";
    let found = mesh(&pair(SIDECAR, SIDECAR, &virtual_service(subsets)));
    assert_eq!(verdict(&found, "server/web:8000"), Verdict::Allow);
}

#[test]
fn where_a_route_decides_it_is_not_known_and_the_route_is_named() {
    let by_path = "{matches: [{path: {value: /v2}}], backendRefs: [{name: v2, port: 80}]}, {backendRefs: [{name: web, port: 8000}]}";
    insta::assert_snapshot!(story(&mesh(&pair(SIDECAR, SIDECAR, &route("web", by_path))), "client/sleep", "server/web:8000"), @r"
    not shown sees client/sa/sleep at port 8000: not known: HTTPRoute server/r decides where a request goes, and routes are not followed
    unknown: what no manifest shows
    ");
    for rules in [
        "{filters: [{type: URLRewrite}], backendRefs: [{name: web, port: 8000}]}",
        "{matches: [{headers: [{name: x, value: v}]}], backendRefs: [{name: web, port: 8000}]}",
        "{backendRefs: [{name: web, port: 8000, weight: 1}, {name: v2, port: 80, weight: 1}]}",
        "{backendRefs: [{name: gone, port: 80}]}",
    ] {
        let found = mesh(&pair(SIDECAR, SIDECAR, &route("web", rules)));
        assert_eq!(verdict(&found, "server/web:8000"), Verdict::Unknown, "{rules}");
        // other ports, and clients that follow no route, are as before
        assert_eq!(verdict(&found, "server/web:9000"), Verdict::Allow, "{rules}");
        let found = mesh(&pair(AMBIENT, AMBIENT, &route("web", rules)));
        assert_eq!(verdict(&found, "server/web:8000"), Verdict::Allow, "{rules}");
    }
    for spec in [
        "http: [{route: [{destination: {host: v2}}]}, {match: [{}], route: [{destination: {host: web}}]}]",
        "http: [{rewrite: {uri: /x}, route: [{destination: {host: web}}]}]",
        "http: [{redirect: {uri: /x}}]",
        "http: [{route: [{destination: {host: elsewhere.example}}]}]",
    ] {
        let found = mesh(&pair(SIDECAR, SIDECAR, &virtual_service(spec)));
        assert_eq!(verdict(&found, "server/web:8000"), Verdict::Unknown, "{spec}");
        // one that is for gateways alone is none of the mesh
        let found =
            mesh(&pair(SIDECAR, SIDECAR, &virtual_service(&format!("gateways: [edge], {spec}"))));
        assert_eq!(verdict(&found, "server/web:8000"), Verdict::Allow, "{spec}");
    }
}

fn external(name: &str, host: &str) -> String {
    format!(
        "
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: client}}
spec: {{type: ExternalName, externalName: {host}}}
---
"
    )
}

#[test]
fn a_name_of_the_mesh_is_the_service_that_it_stands_for() {
    let names = external("web", "again.client.svc.cluster.local")
        + &external("again", "web.server.svc.cluster.local.");
    let deny = policy("p", "selector: {matchLabels: {app: web}}, action: DENY, rules: [{}]");
    let found = mesh(&pair(AMBIENT, AMBIENT, &format!("{names}{deny}")));
    assert_eq!(found.find_service("client/web"), found.find_service("server/web"));
    assert_eq!(verdict(&found, "client/web:8000"), Verdict::Deny);
}

#[test]
fn a_name_outside_leaves_the_mesh_and_one_that_is_not_shown_is_unknown() {
    let found = mesh(&pair(AMBIENT, AMBIENT, &external("out", "api.example.com")));
    assert_eq!(verdict(&found, "client/out:443"), Verdict::Allow);
    let found = mesh(&pair(AMBIENT, AMBIENT, &external("in", "gone.server.svc.cluster.local")));
    assert_eq!(verdict(&found, "client/in:443"), Verdict::Unknown);
}

#[test]
fn names_that_stand_for_each_other_are_one_finding() {
    let names =
        external("a", "b.client.svc.cluster.local") + &external("b", "c.client.svc.cluster.local");
    for end in ["a.client.svc.cluster.local", "c.client.svc.cluster.local"] {
        let text = pair(AMBIENT, AMBIENT, &(names.clone() + &external("c", end)));
        let (found, said) = mesh_and_findings(&text, &Options::default());
        let codes: Vec<_> = said.iter().map(|d| d.code).collect();
        assert_eq!(codes, ["external-name-cycle"], "{said:#?}");
        assert_eq!(verdict(&found, "client/a:80"), Verdict::Unknown);
    }
}
