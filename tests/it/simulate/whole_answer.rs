//! What a comparison of two meshes must not pass over, and what it must not invent: one test for each
//! kind of change.

use std::collections::BTreeMap;

use serde_json::json;
use waypost::simulate::{
    AccessChange, Bound, ByDesign, CallerKind, Change, Comparison, Options, TargetKind, compare,
};

use super::{AMBIENT, AMBIENT_WAYPOINT, SIDECAR, mesh, mesh_and_findings, pair, policy};

fn compared(before: &str, after: &str) -> Comparison {
    compare(&mesh(before), &mesh(after))
}

fn with_options(text: &str, before: &Options, after: &Options) -> Comparison {
    compare(&mesh_and_findings(text, before).0, &mesh_and_findings(text, after).0)
}

fn gains(found: &Comparison) -> Vec<String> {
    found.of(Change::Gain).map(|c| format!("{} {}", c.from, c.to)).collect()
}

const CUSTOM: &str =
    "action: CUSTOM, provider: {name: opa}, rules: [{to: [{operation: {paths: [/orders*]}}]}]";

/// A DENY that closes a port of bytes wholly, and of others only a method.
#[test]
fn a_port_that_nothing_names_is_asked_too() {
    let before = policy("p", "action: DENY, rules: [{}]");
    let after = policy("p", "action: DENY, rules: [{to: [{operation: {methods: [DELETE]}}]}]");
    for server in [SIDECAR, AMBIENT_WAYPOINT] {
        let found = compared(&pair(AMBIENT, server, &before), &pair(AMBIENT, server, &after));
        // by itself, or with a port that changes alike
        let is_told = |c: &AccessChange| c.to.kind == TargetKind::OtherPort || c.other_ports;
        assert!(found.of(Change::Gain).any(is_told), "{:?}", gains(&found));
    }
}

/// Ports that only a NetworkPolicy tells apart, alone or as a range.
#[test]
fn ports_that_a_network_policy_names_are_asked() {
    let allow = |ports: &str| {
        format!(
            "
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{name: admit, namespace: server}}
spec: {{podSelector: {{}}, ingress: [{{ports: [{ports}]}}]}}
---"
        )
    };
    let cases = [
        ("{port: 80}", "{port: 80}, {port: 7777}", 7777),
        ("{port: 2000, endPort: 2010}", "{port: 2000, endPort: 2009}", 2010),
        // both ends of one
        ("{port: 80}", "{port: 80}, {port: 2000, endPort: 2010}", 2000),
        ("{port: 80}", "{port: 80}, {port: 2000, endPort: 2010}", 2010),
    ];
    for (before, after, port) in cases {
        let of = |ports: &str| pair(SIDECAR, SIDECAR, &allow(ports));
        let found = compared(&of(before), &of(after));
        assert!(found.changes.iter().any(|c| c.to.port == port), "{port}: {:?}", found.changes);
    }
}

/// Where sidecars send to what they know alone, a port that one of them does not take gets through.
#[test]
fn ports_that_annotations_of_a_client_name_are_asked() {
    let client = "
apiVersion: v1
kind: Pod
metadata:
  name: scraper
  namespace: client
  annotations: {traffic.sidecar.istio.io/excludeOutboundPorts: '7000'}
spec: {containers: [{name: scraper}]}
---";
    let mut options = Options::default();
    options.traffic.registry_only = true;
    let of = |more: &str| {
        let text = pair(SIDECAR, SIDECAR, &format!("{client}{more}"));
        mesh_and_findings(&text, &options).0
    };
    let found = compare(&of(""), &of(&policy("p", "action: DENY, rules: [{}]")));
    let is_told = |c: &&AccessChange| {
        c.from.to_string() == "client/scraper" && c.to.name == "server/web" && c.to.port == 7000
    };
    assert!(found.of(Change::Loss).any(|c| is_told(&c)), "{:#?}", found.changes);
}

/// `0.0.0.0/0` does not admit clients with addresses of IPv6.
#[test]
fn addresses_of_a_family_that_no_block_is_of_are_asked() {
    let closed = "
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: ipv4, namespace: server}
spec: {podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/0}}]}]}
---";
    let found = compared(&pair(SIDECAR, "a: b", closed), &pair(SIDECAR, "a: b", ""));
    let mut outside = found.of(Change::Gain).filter(|c| c.from.kind == CallerKind::Outside);
    assert!(outside.any(|c| c.from.address.is_some_and(|ip| ip.is_ipv6())), "{:?}", gains(&found));
}

/// Some requests are asked about that were not, and nobody gains or loses by it.
#[test]
fn an_endpoint_more_whose_requests_are_asked_about_is_told() {
    let more = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web2, namespace: server}
spec:
  template:
    metadata: {labels: {app: web, tier: two}}
    spec: {containers: [{name: web}]}
---";
    let custom = policy("p", &format!("selector: {{matchLabels: {{tier: two}}}}, {CUSTOM}"));
    let of = |more: &str| pair(AMBIENT, SIDECAR, &format!("{custom}{more}"));
    let found = compared(&of(""), &of(more));
    assert!(found.changes.iter().any(|c| c.to.name == "server/web" && c.to.port == 8000));
}

/// An HTTPRoute from a port of a Service to Service `v2`, whose pods bear that name.
fn route_to_v2(service: &str, port: u16) -> String {
    format!(
        "
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: web, namespace: server}}
spec:
  parentRefs: [{{group: '', kind: Service, name: {service}, port: {port}}}]
  rules: [{{backendRefs: [{{name: v2, port: 80}}]}}]
---
apiVersion: v1
kind: Service
metadata: {{name: v2, namespace: server}}
spec: {{selector: {{app: v2}}, ports: [{{name: http, port: 80}}]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: v2, namespace: server}}
spec:
  template:
    metadata: {{labels: {{app: v2}}}}
    spec: {{serviceAccountName: v2, containers: [{{name: v2}}]}}
---"
    )
}

/// A route is of HTTP: bytes go to the service that is addressed, and fare as that does.
#[test]
fn bytes_that_no_route_takes_are_asked_where_they_go() {
    let service = "
apiVersion: v1
kind: Service
metadata: {name: any, namespace: server}
spec: {selector: {app: web}, ports: [{port: 7000, targetPort: 80}]}
---";
    let route = route_to_v2("any", 7000);
    let rule = "
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web, namespace: server}
spec: {host: any, trafficPolicy: {tls: {mode: ISTIO_MUTUAL}}}
---";
    let of = |more: &str| pair(SIDECAR, "a: b", &format!("{service}{route}{more}"));
    let found = compared(&of(""), &of(rule));
    let is_told = |c: &&AccessChange| c.to.name == "server/any";
    assert!(found.of(Change::Loss).any(|c| is_told(&c)), "{:#?}", found.changes);
}

/// A pod with two families of addresses has two ways to a service: what the one says does not stand for
/// the other.
#[test]
fn both_ways_of_a_client_with_two_families_count() {
    let client = "
apiVersion: v1
kind: Pod
metadata: {name: dual, namespace: client}
spec: {containers: [{name: dual}]}
status: {podIP: 10.1.0.5, podIPs: [{ip: 10.1.0.5}, {ip: '2001:db8::5'}]}
---";
    let allow = policy("allow", "rules: [{from: [{source: {ipBlocks: [10.1.0.0/16]}}]}]");
    let of = |more: &str| pair(SIDECAR, SIDECAR, &format!("{client}{allow}{more}"));
    let found = compared(&of(&policy("p", CUSTOM)), &of(""));
    let is_it = |c: &AccessChange| {
        c.from.to_string() == "client/dual" && c.from.address.is_none() && c.to.port == 8000
    };
    assert!(found.of(Change::Gain).any(is_it), "{:?}", gains(&found));
}

/// What a machine without a proxy could reach is lost to it, though it was none of the mesh's callers.
#[test]
fn a_machine_that_gets_a_proxy_was_there_before() {
    let machine = |account: &str| {
        format!(
            "
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: {{name: machine, namespace: client}}
spec: {{address: 192.0.2.7, {account}labels: {{app: machine}}}}
---"
        )
    };
    let mut options = Options::default();
    options.traffic.registry_only = true;
    let of =
        |account: &str| mesh_and_findings(&pair(SIDECAR, "a: b", &machine(account)), &options).0;
    let found = compare(&of(""), &of("serviceAccount: machine, "));
    let lost: Vec<String> = found.of(Change::Loss).map(|c| c.from.to_string()).collect();
    assert!(lost.iter().any(|from| from == "client/machine"), "{:#?}", found.changes);
}

/// Whoever is asked instead could say yes to what the other refused.
#[test]
fn another_external_authorizer_is_a_gain_and_a_loss() {
    let other = CUSTOM.replace("opa", "other");
    let of = |body: &str| pair(AMBIENT, SIDECAR, &policy("p", body));
    let found = compared(&of(CUSTOM), &of(&other));
    for change in [Change::Gain, Change::Loss] {
        assert!(found.of(change).any(|c| c.to.name == "server/web"), "{change:?}");
    }
}

/// The name stays, and what the mesh configuration says of it does not.
#[test]
fn another_definition_of_an_authorizer_counts() {
    let options = |port: u16| Options {
        extension_providers: Some(BTreeMap::from([(
            "opa".to_owned(),
            json!({"name": "opa", "envoyExtAuthzHttp": {"service": "opa.opa", "port": port}}),
        )])),
        ..Options::default()
    };
    let text = pair(AMBIENT, SIDECAR, &policy("p", CUSTOM));
    let found = with_options(&text, &options(8080), &options(9191));
    assert!(found.of(Change::Gain).next().is_some() && found.of(Change::Loss).next().is_some());
    assert!(with_options(&text, &options(8080), &options(8080)).is_equivalent());
}

/// Two authorizers are asked of which one remains.
#[test]
fn one_of_two_authorizers_is_asked_no_more() {
    let mut options = Options::default();
    options.features.multiple_custom_providers = true;
    let second = policy("q", &CUSTOM.replace("opa", "other"));
    let of = |more: &str| {
        let text = pair(AMBIENT, SIDECAR, &format!("{}{more}", policy("p", CUSTOM)));
        mesh_and_findings(&text, &options).0
    };
    let found = compare(&of(&second), &of(""));
    assert!(found.of(Change::Gain).next().is_some());
    assert_eq!(found.of(Change::Loss).count(), 0);
}

/// What an AUDIT policy logs is part of the answer, and neither gained nor lost.
#[test]
fn what_is_audited_is_compared() {
    let audit = policy("p", "action: AUDIT, rules: [{to: [{operation: {methods: [POST]}}]}]");
    let found = compared(&pair(AMBIENT, SIDECAR, &audit), &pair(AMBIENT, SIDECAR, ""));
    let other: Vec<_> = found.of(Change::Other).collect();
    // of a connection of bytes the method is not seen: all of them are logged
    let requests: Vec<_> = other.iter().filter_map(|c| c.request.as_ref()).collect();
    assert!(!requests.is_empty() && requests.iter().all(|request| request.method == "POST"));
    assert_eq!(found.of(Change::Gain).count() + found.of(Change::Loss).count(), 0);
}

/// So is what a policy in dry-run would say, whether it denies or allows.
#[test]
fn what_a_dry_run_says_is_compared() {
    let dry_run = |action: &str, path: &str| {
        policy(
            "p",
            &format!("action: {action}, rules: [{{to: [{{operation: {{paths: [{path}]}}}}]}}]"),
        )
        .replace("metadata: {", "metadata: {annotations: {istio.io/dry-run: 'true'}, ")
    };
    for action in ["DENY", "ALLOW"] {
        let of = |path: &str| pair(AMBIENT, SIDECAR, &dry_run(action, path));
        let found = compared(&of("/a"), &of("/b"));
        assert!(found.of(Change::Other).next().is_some(), "{action}");
        assert_eq!(found.of(Change::Gain).count(), 0, "{action}");
    }
}

/// A sidecar answers bytes itself where HTTP is declared: nothing is lost behind a waypoint.
#[test]
fn bytes_never_got_through_a_port_of_http() {
    let allow = "action: ALLOW, rules: [{to: [{operation: {methods: [GET]}}]}]";
    let after = format!(
        "{}{}",
        policy("p", &format!("{}, {allow}", super::AT_WAYPOINT)),
        policy(
            "pods",
            "action: ALLOW, rules: [{from: [{source: {principals: [cluster.local/ns/server/sa/waypoint]}}]}]"
        )
    );
    let found = compared(
        &pair(AMBIENT, SIDECAR, &policy("p", allow)),
        &pair(AMBIENT, AMBIENT_WAYPOINT, &after),
    );
    let bytes = |c: &&AccessChange| c.request.is_none() && c.to.port == 8000;
    assert_eq!(found.of(Change::Loss).filter(bytes).count(), 0, "{:?}", found.changes);
}

/// Without a waypoint they do get through afterwards: ztunnel reads no requests. Every such move brings it.
#[test]
fn bytes_come_through_by_design() {
    let found = compared(&pair(AMBIENT, SIDECAR, ""), &pair(AMBIENT, AMBIENT, ""));
    assert_eq!(gains(&found), Vec::<String>::new());
    assert!(found.by_design().contains_key(&ByDesign::NotHttp), "{:?}", found.by_design());
}

const GATEWAY: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gw, namespace: ingress}
spec: {gatewayClassName: istio}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: office, namespace: ingress}
spec: {rules: [{from: [{source: {remoteIpBlocks: [203.0.113.0/24]}}]}]}
---";

/// Every option of the mesh is compared: a field that is added is, too.
#[test]
fn options_of_the_mesh_are_compared() {
    let text = pair(AMBIENT, SIDECAR, GATEWAY);
    let proxies = Options { trusted_proxies: 1, ..Options::default() };
    let found = with_options(&text, &Options::default(), &proxies);
    let gained = found.of(Change::Gain).find(|c| c.to.name == "server/web").expect("a gain");
    let request = gained.request.as_ref().expect("a request");
    assert_eq!(request.headers[0].0, "x-forwarded-for");

    let rule = "action: ALLOW, rules: [{from: [{source: {principals: [old.local/ns/a/sa/b]}}]}]";
    let text = pair(AMBIENT, SIDECAR, &policy("p", rule));
    let aliases = Options { trust_domain_aliases: vec!["old.local".into()], ..Options::default() };
    let found = with_options(&text, &Options::default(), &aliases);
    assert!(found.of(Change::Gain).next().is_some());

    let rule = "action: DENY, rules: [{to: [{operation: {paths: [/a/b]}}]}]";
    let text = pair(AMBIENT, SIDECAR, &policy("p", rule));
    let paths = Options {
        path_normalization: waypost::simulate::PathNormalization::MergeSlashes,
        ..Options::default()
    };
    let found = with_options(&text, &Options::default(), &paths);
    assert!(found.bounds.iter().any(|b| matches!(b, Bound::Paths(_))), "{:?}", found.bounds);
}

fn virtual_service(http: &str) -> String {
    format!(
        "
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: web, namespace: server}}
spec: {{hosts: [web], http: [{http}]}}
---"
    )
}

/// The client's sidecar rewrites before the server's asks; a waypoint asks before it rewrites.
#[test]
fn a_route_that_changes_requests_is_not_compared_across_a_move() {
    let plain = "{route: [{destination: {host: web}}]}";
    let rewrite = "{rewrite: {uri: /v1}, route: [{destination: {host: web}}]}";
    let told = |found: &Comparison| {
        let is_told = |b: &Bound| matches!(b, Bound::NotShown(to, _) if to.name == "server/web");
        found.bounds.iter().any(is_told) || found.has_unknown()
    };
    for http in [rewrite, plain] {
        let of = |server: &str| pair(SIDECAR, server, &virtual_service(http));
        let found = compared(&of(SIDECAR), &of(AMBIENT_WAYPOINT));
        assert_eq!(told(&found), http != plain, "{http}");
        // the same on both sides is the same
        assert!(compared(&of(SIDECAR), &of(SIDECAR)).is_equivalent(), "{http}");
    }
    // a route that comes, and nothing else
    let after = pair(SIDECAR, SIDECAR, &virtual_service(rewrite));
    assert!(told(&compared(&pair(SIDECAR, SIDECAR, ""), &after)));
}

/// What a route leads to decides, where that is not the destination that is addressed.
#[test]
fn a_route_to_another_service_is_compared_by_what_it_leads_to() {
    let route = route_to_v2("web", 8000);
    let closed = policy(
        "p",
        "selector: {matchLabels: {app: v2}}, action: DENY, rules: [{to: [{operation: {methods: [POST]}}]}]",
    );
    let of = |more: &str| pair(SIDECAR, SIDECAR, &format!("{route}{more}"));
    let found = compared(&of(""), &of(&closed));
    let is_lost = |c: &&AccessChange| {
        c.change == Change::Loss && c.to.name == "server/web" && c.to.port == 8000
    };
    let is_told = |b: &Bound| matches!(b, Bound::NotShown(to, _) if to.name == "server/web");
    let lost = found.changes.iter().any(|c| is_lost(&c));
    assert!(lost || found.bounds.iter().any(is_told), "{found:?}");
}

/// The way of a waypoint to its pods is no access of anybody, until somebody runs under its account.
#[test]
fn the_account_of_a_waypoint_is_by_design_until_a_workload_has_it() {
    let before = policy("p", "action: DENY, rules: [{to: [{operation: {methods: [POST]}}]}]");
    let after = policy(
        "p",
        "action: ALLOW, rules: [{from: [{source: {principals: [cluster.local/ns/server/sa/waypoint]}}]}]",
    );
    let found =
        compared(&pair(AMBIENT, SIDECAR, &before), &pair(AMBIENT, AMBIENT_WAYPOINT, &after));
    let by_account = |c: &&AccessChange| matches!(&c.from.kind, CallerKind::Identity { principal, .. } if principal.ends_with("/sa/waypoint"));
    assert_eq!(found.of(Change::Gain).filter(by_account).count(), 0);
    assert!(found.by_design().contains_key(&ByDesign::WaypointAccount), "{:?}", found.by_design());

    let thief = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: thief, namespace: server}
spec:
  template:
    metadata: {labels: {app: thief}}
    spec: {serviceAccountName: waypoint, containers: [{name: thief}]}
---";
    let found = compared(
        &pair(AMBIENT, SIDECAR, &format!("{before}{thief}")),
        &pair(AMBIENT, AMBIENT_WAYPOINT, &format!("{after}{thief}")),
    );
    assert!(found.of(Change::Gain).any(|c| c.from.to_string() == "server/thief"), "{found:?}");
    assert!(!found.by_design().contains_key(&ByDesign::WaypointAccount));
}

/// Gateways that join clusters are admitted to what is ambient. With a workload beside them they are not
/// alone in their namespace.
#[test]
fn gateways_between_clusters_are_by_design_while_they_are_alone() {
    let rule = |from: &str| {
        policy(
            "p",
            &format!("action: ALLOW, rules: [{{from: [{{source: {{principals: [{from}]}}}}]}}]"),
        )
    };
    let before = rule("cluster.local/ns/client/*");
    let after = rule("cluster.local/ns/client/*, cluster.local/ns/xcp-multicluster/*");
    let workload = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: own, namespace: xcp-multicluster}
spec:
  template:
    metadata: {labels: {app: own}}
    spec: {serviceAccountName: own, containers: [{name: own}]}
---";
    for (more, by_design) in [("", true), (workload, false)] {
        let found = compared(
            &pair(AMBIENT, SIDECAR, &format!("{before}{more}")),
            &pair(AMBIENT, AMBIENT, &format!("{after}{more}")),
        );
        assert_eq!(found.by_design().contains_key(&ByDesign::Gateways), by_design);
        assert_eq!(gains(&found).iter().any(|c| c.contains("xcp-multicluster")), !by_design);
    }
    // another team's namespace is no such gateway's, though nothing is known to run there
    let after = rule("cluster.local/ns/client/*, cluster.local/ns/other-team/*");
    let found = compared(&pair(AMBIENT, SIDECAR, &before), &pair(AMBIENT, AMBIENT, &after));
    assert!(gains(&found).iter().any(|c| c.contains("other-team")), "{found:?}");
}
