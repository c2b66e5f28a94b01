//! Who is behind a Service, and what no manifest shows.

use waypost::simulate::{Mesh, Options, Verdict, compare};

use super::{AMBIENT, AMBIENT_WAYPOINT, AT_WAYPOINT, FROM_CLIENT, SIDECAR};
use super::{get, mesh, mesh_and_findings, pair, policy, story};

/// A Service without selector, and what stands behind it.
fn selectorless(endpoints: &str) -> String {
    format!(
        "
apiVersion: v1
kind: Service
metadata: {{name: primary, namespace: server}}
spec: {{ports: [{{name: http, port: 5432}}]}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: db, namespace: server}}
spec:
  template:
    metadata: {{labels: {{app: db}}}}
    spec: {{serviceAccountName: db, containers: [{{name: db, ports: [{{containerPort: 6432}}]}}]}}
---
{endpoints}"
    )
}

fn slice(endpoints: &str) -> String {
    format!(
        "
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: primary-1, namespace: server, labels: {{kubernetes.io/service-name: primary}}}}
addressType: IPv4
ports: [{{name: http, port: 6432}}]
endpoints: [{endpoints}]
---
"
    )
}

const POD: &str = "{addresses: [10.0.0.7], targetRef: {kind: Pod, name: db-0}}";

fn asked(endpoints: &str, more: &str) -> Mesh {
    mesh(&pair(AMBIENT, AMBIENT, &(selectorless(endpoints) + more)))
}

fn verdict(mesh: &Mesh, to: &str) -> Verdict {
    get(mesh, "client/sleep", to, "/").verdict
}

#[test]
fn pods_stand_behind_a_service_by_the_slices_that_name_them() {
    let found = asked(&slice(POD), "");
    insta::assert_snapshot!(story(&found, "client/sleep", "server/primary:5432"), @r"
    ztunnel of server/db sees client/sa/sleep at port 6432: allowed: no policy denies, and none allows
    allow: the application's answer
    ");
    // and its rules hold, at the port that the slice names
    let deny = "selector: {matchLabels: {app: db}}, action: DENY, rules: [{to: [{operation: {ports: ['6432']}}]}]";
    let found = asked(&slice(POD), &policy("closed", deny));
    assert_eq!(verdict(&found, "server/primary:5432"), Verdict::Deny);
    // Endpoints say the same, in the old way
    let old = "
apiVersion: v1
kind: Endpoints
metadata: {name: primary, namespace: server}
subsets:
- addresses: [{ip: 10.0.0.7, targetRef: {kind: Pod, name: db-0}}]
  ports: [{name: http, port: 6432}]
---
";
    let found = asked(old, &policy("closed", deny));
    assert_eq!(verdict(&found, "server/primary:5432"), Verdict::Deny);
}

#[test]
fn names_of_pods_tell_what_made_them() {
    for (kind, pod, is_it) in [
        ("StatefulSet", "db-12", true),
        ("StatefulSet", "db-a", false),
        ("Deployment", "db-6d4cf56db6-x2x7z", true),
        ("Deployment", "db-x2x7z", false),
        ("DaemonSet", "db-x2x7z", true),
        ("ReplicaSet", "db-x2x7z", true),
        ("Deployment", "dbx-6d4cf56db6-x2x7z", false),
    ] {
        let there = slice(&POD.replace("db-0", pod));
        let text = pair(AMBIENT, AMBIENT, &selectorless(&there));
        let found = mesh(&text.replace("kind: StatefulSet", &format!("kind: {kind}")));
        let expected = if is_it { Verdict::Allow } else { Verdict::Unknown };
        assert_eq!(verdict(&found, "server/primary:5432"), expected, "{kind} {pod}");
    }
}

#[test]
fn a_bare_address_is_a_machine_or_the_pod_that_has_it() {
    let bare = slice("{addresses: [192.0.2.9]}");
    insta::assert_snapshot!(story(&asked(&bare, ""), "client/sleep", "server/primary:5432"), @r"
    nobody sees nobody at port 6432: nobody enforces anything here
    allow: the application's answer
    ");
    let pod = "
apiVersion: v1
kind: Pod
metadata: {name: lone, namespace: server, labels: {app: lone}}
spec: {containers: [{name: app}]}
status: {podIP: 192.0.2.1, podIPs: [{ip: 192.0.2.1}, {ip: '2001:db8::9'}]}
---
";
    let closed =
        policy("closed", "selector: {matchLabels: {app: lone}}, action: DENY, rules: [{}]");
    for address in ["192.0.2.1", "'2001:db8::9'"] {
        let bare = slice(&format!("{{addresses: [{address}]}}"));
        let found = asked(&bare, &format!("{pod}{closed}"));
        assert_eq!(verdict(&found, "server/primary:5432"), Verdict::Deny, "{address}");
    }
}

#[test]
fn what_no_manifest_shows_is_unknown_and_what_is_shown_to_be_empty_is_unreachable() {
    insta::assert_snapshot!(story(&asked("", ""), "client/sleep", "server/primary:5432"), @r"
    not shown sees client/sa/sleep at port 5432: not known: the service selects nothing, and no EndpointSlice of it shows who is behind it
    unknown: what no manifest shows
    ");
    let gone = POD.replace("db-0", "other-0");
    insta::assert_snapshot!(story(&asked(&slice(&gone), ""), "client/sleep", "server/primary:5432"), @r"
    not shown sees client/sa/sleep at port 5432: not known: an EndpointSlice names pods, and no workload that is shown makes them
    unknown: what no manifest shows
    ");
    // one that is shown does not speak for one that is not
    let both = asked(&slice(&format!("{POD}, {gone}")), "");
    assert_eq!(verdict(&both, "server/primary:5432"), Verdict::Unknown);
    assert_eq!(verdict(&asked(&slice(""), ""), "server/primary:5432"), Verdict::Unreachable);
    let unready = POD.replace("targetRef", "conditions: {ready: false}, targetRef");
    let found = asked(&slice(&unready), "");
    assert_eq!(verdict(&found, "server/primary:5432"), Verdict::Unreachable);
}

#[test]
fn what_a_point_before_it_refuses_is_refused_for_certain() {
    let closed = policy("closed", &format!("{AT_WAYPOINT}, action: DENY, rules: [{{}}]"));
    let found = mesh(&pair(AMBIENT, AMBIENT_WAYPOINT, &(selectorless("") + &closed)));
    assert_eq!(verdict(&found, "server/primary:5432"), Verdict::Deny);
}

#[test]
fn the_matrix_and_a_comparison_know_what_is_not_known() {
    let unknown = asked("", "");
    let matrix = unknown.matrix();
    let is_it = |verdict| matrix.iter().filter(|(_, _, c)| c.verdict == verdict).count();
    assert!(is_it(Verdict::Unknown) > 0 && is_it(Verdict::Unreachable) == 0);
    let shown = asked(&slice(POD), "");
    for (before, after) in [(&unknown, &shown), (&shown, &unknown)] {
        let found = compare(before, after);
        assert!(found.has_unknown() && !found.is_equivalent());
        let to = |to: &str| found.changes.iter().any(|c| c.to.to_string() == to);
        assert!(to("server/primary:5432"), "{:#?}", found.changes);
    }
    // where neither side knows, it is no difference, and said
    let moved = mesh(&pair(SIDECAR, AMBIENT, &selectorless("")));
    let found = compare(&unknown, &moved);
    let said =
        found.bounds.iter().any(|b| b.to_string().contains("server/primary:5432 is not known"));
    assert!(said, "{:#?}", found.bounds);
}

#[test]
fn endpoints_of_no_service_are_one_finding() {
    for text in [
        slice(POD),
        slice(POD).replace("labels: {kubernetes.io/service-name: primary}", ""),
        "
apiVersion: v1
kind: Endpoints
metadata: {name: primary, namespace: server}
"
        .to_owned(),
    ] {
        let (_, found) = mesh_and_findings(&text, &Options::default());
        let codes: Vec<_> = found.iter().map(|d| d.code).collect();
        assert_eq!(codes, ["endpoints-without-service"], "{text}");
    }
}

/// A Gateway of a class that is not Istio's.
fn foreign(class: &str) -> String {
    pair(AMBIENT, AMBIENT_WAYPOINT, "").replace("gatewayClassName: istio-waypoint", class)
}

#[test]
fn a_gateway_of_any_class_stands_before_its_services_with_its_identity() {
    for class in ["kgateway-waypoint", "istio-agentgateway-waypoint"] {
        let text = foreign(&format!("gatewayClassName: {class}"));
        let from = "selector: {matchLabels: {app: web}}, rules: [{from: [{source: {namespaces: [client]}}]}]";
        // ztunnel sees the waypoint, not the client: an ALLOW for the client refuses for certain
        let allow = mesh(&(text.clone() + &policy("p", from)));
        assert_eq!(verdict(&allow, "server/web:8000"), Verdict::Deny, "{class}");
        // and a DENY of the client does not hit: what the waypoint says is not known
        let deny = mesh(&(text.clone() + &policy("p", &format!("action: DENY, {from}"))));
        assert_eq!(verdict(&deny, "server/web:8000"), Verdict::Unknown, "{class}");
    }
    let text = foreign("gatewayClassName: kgateway-waypoint");
    insta::assert_snapshot!(story(&mesh(&text), "client/sleep", "server/web:8000"), @r"
    waypoint server/waypoint sees client/sa/sleep at port 15008: not known: Gateway server/waypoint is of class `kgateway-waypoint`, and what its proxies decide is not Istio's
    ztunnel of server/web sees server/sa/waypoint at port 80: allowed: no policy denies, and none allows
    unknown: what no manifest shows
    ");
    // sidecars go past it
    let beside = mesh(&text.replacen(AMBIENT, SIDECAR, 1));
    assert_eq!(verdict(&beside, "server/web:8000"), Verdict::Allow);
    let denied = policy("p", &format!("action: DENY, rules: [{{{FROM_CLIENT}}}]"));
    let beside = mesh(&(text.replacen(AMBIENT, SIDECAR, 1) + &denied));
    assert_eq!(verdict(&beside, "server/web:8000"), Verdict::Deny);
}
