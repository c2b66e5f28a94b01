//! Two meshes held against each other: every class of requests, not samples.

use std::fmt::Write as _;
use std::net::IpAddr;

use proptest::prelude::*;
use waypost::simulate::{
    AccessChange, CallerKind, Change, Client, Comparison, Destination, HttpRequest, Mesh, Options,
    Request, Seen, Token, Verdict, compare,
};

use super::{
    AMBIENT, AMBIENT_WAYPOINT, AT_WAYPOINT, SIDECAR, mesh, mesh_and_findings, pair, policy,
};

fn of(server: &str, policies: &str) -> Mesh {
    mesh(&pair(AMBIENT, server, policies))
}

fn compared(server: &str, before: &str, after: &str) -> Comparison {
    compare(&of(server, before), &of(server, after))
}

fn told(found: &Comparison) -> String {
    let mut out = String::new();
    for c in &found.changes {
        let sign = if c.change == Change::Gain { "gains" } else { "loses" };
        let extent = if c.every_request { "" } else { ", not for every request" };
        let _ = writeln!(out, "{} {sign} {}{extent}{}", c.from, c.to, request(c));
    }
    for bound in &found.bounds {
        let _ = writeln!(out, "bound: {bound}");
    }
    for policy in &found.idle_policies {
        let _ = writeln!(out, "idle: {policy}");
    }
    out
}

fn request(change: &AccessChange) -> String {
    let Some(r) = &change.request else { return String::new() };
    let mut out = format!(": {} {}", r.method, r.path);
    if let Some(host) = &r.host {
        let _ = write!(out, " host {host}");
    }
    r.headers.iter().for_each(|(name, value)| {
        let _ = write!(out, " {name}: {value}");
    });
    match &r.token {
        Token::None => {}
        Token::Invalid => out.push_str(" invalid token"),
        Token::Valid(claims) => {
            let _ = write!(out, " {claims}");
        }
    }
    out
}

const ALLOW_ALL: &str = "action: ALLOW, rules: [{}]";

#[test]
fn equal_meshes_are_equivalent_and_a_new_name_changes_nothing() {
    let body = "action: ALLOW, rules: [{to: [{operation: {paths: [/a]}}]}]";
    let found = compared(SIDECAR, &policy("p", body), &policy("p", body));
    assert!(found.is_equivalent());
    assert_eq!(found.asked_in_all().requests, 0);
    let found = compared(SIDECAR, &policy("p", body), &policy("q", body));
    assert!(found.is_equivalent(), "{}", told(&found));
    assert!(found.asked_in_all().requests > 0);
}

#[test]
fn the_smallest_request_is_shown() {
    let before = policy("p", "action: ALLOW, rules: [{to: [{operation: {paths: [/api/*]}}]}]");
    let after = policy(
        "p",
        "action: ALLOW, rules: [{to: [{operation: {paths: [/api/*], notPaths: ['*/admin'], methods: [GET, PUT]}}]}]",
    );
    insta::assert_snapshot!(told(&compared(SIDECAR, &before, &after)), @r"
        client/sleep loses server/headless:80, not for every request: GET /api/admin
        client/sleep loses server/web:8000, not for every request: GET /api/admin
        server/web loses server/headless:80, not for every request: GET /api/admin
        server/web loses server/web:8000, not for every request: GET /api/admin
        outside loses server/headless:80, not for every request: GET /api/admin
        outside loses server/web:8000, not for every request: GET /api/admin
        ");
}

#[test]
fn identities_that_no_workload_has_count() {
    let rule = |p: &str| {
        policy(
            "p",
            &format!("action: ALLOW, rules: [{{from: [{{source: {{principals: [{p}]}}}}]}}]"),
        )
    };
    let found = compared(AMBIENT, &rule("cluster.local/ns/a/sa/b"), &rule("cluster.local/ns/a/*"));
    insta::assert_snapshot!(told(&found), @r"
    an identity such as cluster.local/ns/a/sa/x gains server/headless:80
    an identity such as cluster.local/ns/a/sa/x gains server/web:8000
    an identity such as cluster.local/ns/a/sa/x gains server/web:9000
    ");
    let found =
        compared(AMBIENT, &rule("cluster.local/ns/a/sa/b"), &rule("cluster.local/ns/a/sa/c"));
    insta::assert_snapshot!(told(&found), @r"
    identity cluster.local/ns/a/sa/c gains server/headless:80
    identity cluster.local/ns/a/sa/c gains server/web:8000
    identity cluster.local/ns/a/sa/c gains server/web:9000
    identity cluster.local/ns/a/sa/b loses server/headless:80
    identity cluster.local/ns/a/sa/b loses server/web:8000
    identity cluster.local/ns/a/sa/b loses server/web:9000
    ");
}

#[test]
fn a_pod_that_opens_past_its_waypoint_is_a_gain() {
    let waypoint = policy(
        "at-waypoint",
        &format!("{AT_WAYPOINT}, action: ALLOW, rules: [{{to: [{{operation: {{paths: [/a]}}}}]}}]"),
    );
    let only = policy(
        "pods",
        "action: ALLOW, rules: [{from: [{source: {principals: [cluster.local/ns/server/sa/waypoint]}}]}]",
    );
    let of = |pods: &str| {
        let yaml = pair(AMBIENT, AMBIENT_WAYPOINT, &format!("{waypoint}{pods}"));
        mesh(&yaml.replace("waypoint-for: all", "waypoint-for: service"))
    };
    let found = compare(&of(&only), &of(&policy("pods", ALLOW_ALL)));
    insta::assert_snapshot!(told(&found), @r"
    client/sleep gains server/headless:80
    client/sleep gains pod:server/web:90
    server/web gains server/headless:80
    server/web gains pod:server/web:90
    outside gains server/headless:80
    outside gains server/web:8000
    outside gains server/web:9000
    ");
}

#[test]
fn tokens_and_their_claims() {
    let jwt = "
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {name: jwt, namespace: server}
spec: {jwtRules: [{issuer: me}]}
---";
    let rule = |group: &str| {
        policy(
            "p",
            &format!(
                "action: ALLOW, rules: [{{when: [{{key: 'request.auth.claims[groups]', values: [{group}]}}, {{key: 'request.headers[x-role]', notValues: [guest]}}]}}]"
            ),
        )
    };
    let found =
        compared(SIDECAR, &format!("{jwt}{}", rule("admin")), &format!("{jwt}{}", rule("'adm*'")));
    insta::assert_snapshot!(told(&found), @r#"
client/sleep gains server/headless:80, not for every request: GET / {"groups":"adm","iss":"me"}
client/sleep gains server/web:8000, not for every request: GET / {"groups":"adm","iss":"me"}
server/web gains server/headless:80, not for every request: GET / {"groups":"adm","iss":"me"}
server/web gains server/web:8000, not for every request: GET / {"groups":"adm","iss":"me"}
outside gains server/headless:80, not for every request: GET / {"groups":"adm","iss":"me"}
outside gains server/web:8000, not for every request: GET / {"groups":"adm","iss":"me"}
"#);
    // without the RequestAuthentication a token is not looked at
    let found = compared(SIDECAR, &format!("{jwt}{}", rule("admin")), &rule("admin"));
    insta::assert_snapshot!(told(&found), @r#"
    client/sleep loses server/headless:80, not for every request: GET / {"groups":"admin","iss":"me"}
    client/sleep loses server/web:8000, not for every request: GET / {"groups":"admin","iss":"me"}
    server/web loses server/headless:80, not for every request: GET / {"groups":"admin","iss":"me"}
    server/web loses server/web:8000, not for every request: GET / {"groups":"admin","iss":"me"}
    outside loses server/headless:80, not for every request: GET / {"groups":"admin","iss":"me"}
    outside loses server/web:8000, not for every request: GET / {"groups":"admin","iss":"me"}
    "#);
}

#[test]
fn addresses_of_clients_that_nothing_tells() {
    let rule = |block: &str| {
        policy(
            "p",
            &format!("action: DENY, rules: [{{from: [{{source: {{ipBlocks: [{block}]}}}}]}}]"),
        )
    };
    let found = compared(SIDECAR, &rule("10.0.0.0/8"), &rule("10.0.0.0/16"));
    insta::assert_snapshot!(told(&found), @r"
    client/sleep at 10.1.0.1 gains server/headless:80: GET /
    client/sleep at 10.1.0.1 gains server/web:8000: GET /
    client/sleep at 10.1.0.1 gains server/web:9000
    server/web at 10.1.0.1 gains server/headless:80: GET /
    server/web at 10.1.0.1 gains server/web:8000: GET /
    server/web at 10.1.0.1 gains server/web:9000
    outside at 10.1.0.1 gains server/headless:80: GET /
    outside at 10.1.0.1 gains server/web:8000: GET /
    outside at 10.1.0.1 gains server/web:9000
    ");
}

#[test]
fn to_ask_an_external_authorizer_no_longer_is_a_gain() {
    let custom = policy(
        "p",
        "action: CUSTOM, provider: {name: opa}, rules: [{to: [{operation: {paths: [/a]}}]}]",
    );
    let mut found = compared(SIDECAR, &custom, "");
    // on other ports all connections are asked about: the path is not seen
    found.changes.retain(|c| c.to.port != 9000);
    assert!(found.changes.iter().all(|c| c.change == Change::Gain && !c.every_request));
    assert!(found.changes.iter().all(|c| c.request.as_ref().unwrap().path == "/a"));
    assert!(found.changes[0].before.as_ref().unwrap().is_conditional);
}

#[test]
fn policies_that_hold_nowhere_are_said_to() {
    let nowhere =
        policy("nowhere", "selector: {matchLabels: {app: gone}}, action: DENY, rules: [{}]");
    let found = compared(SIDECAR, "", &nowhere);
    assert_eq!(told(&found), "idle: server/nowhere\n");
    assert!(!found.is_equivalent());
}

#[test]
fn a_workload_that_comes_or_goes_is_a_change() {
    let more = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: more, namespace: client}
spec:
  template:
    metadata: {labels: {app: more}}
    spec: {serviceAccountName: more, containers: [{name: more}]}
---";
    let found = compared(SIDECAR, "", more);
    insta::assert_snapshot!(told(&found), @r"
    client/more gains pod:client/more:1024
    client/more gains pod:client/sleep:1024
    client/more gains server/headless:80: GET /
    client/more gains server/web:8000: GET /
    client/more gains server/web:9000
    client/sleep gains pod:client/more:1024
    server/web gains pod:client/more:1024
    outside gains pod:client/more:1024
    ");
}

#[test]
fn more_classes_than_are_asked_are_a_bound() {
    // every combination of twelve headers that stand for themselves, and one rule that wants all
    let headers: Vec<String> = (0..13)
        .map(|n| format!("{{when: [{{key: 'request.headers[x-{n}]', values: [a]}}]}}"))
        .collect();
    let rules = headers.join(", ");
    let found = compared(
        SIDECAR,
        &policy("p", &format!("action: DENY, rules: [{rules}]")),
        &policy("q", &format!("action: DENY, rules: [{rules}]")),
    );
    assert!(!found.bounds.is_empty());
    assert!(!found.is_equivalent());
}

// ---- properties ------------------------------------------------------------------------------

const PATHS: &[&str] = &["/a", "/a/*", "*/b", "/a/b", "/{*}/b", "/a/{**}", "/ab*", "*", "/x/{*}/y"];
const SAMPLED_PATHS: &[&str] =
    &["/", "/a", "/a/", "/a/b", "/a/c", "/c/b", "/ab", "/abc", "/x/q/y", "/x//y", "/a/../b", "/b"];
const METHODS: &[&str] = &["GET", "POST", "P*", "*"];
const HOSTS: &[&str] = &["web.server.svc.cluster.local:8000", "a.com", "*.com", "A.com"];
const ROLES: &[&str] = &["admin", "guest", "ad*", "*n", "*"];
const PRINCIPALS: &[&str] = &[
    "cluster.local/ns/client/sa/sleep",
    "cluster.local/ns/client/*",
    "*/sa/sleep",
    "cluster.local/ns/other/sa/x",
    "*",
    "cluster.local/ns/server/sa/waypoint",
];
const SAMPLED_PRINCIPALS: &[&str] = &[
    "cluster.local/ns/client/sa/sleep",
    "cluster.local/ns/client/sa/b",
    "cluster.local/ns/z/sa/sleep",
    "cluster.local/ns/other/sa/x",
    "cluster.local/ns/other/sa/y",
    "cluster.local/ns/cl/sa/y",
];
const NAMESPACES: &[&str] = &["client", "c*", "other", "*r"];
const BLOCKS: &[&str] = &["10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "0.0.0.0/0"];
const SAMPLED_IPS: &[&str] = &["10.9.9.9", "10.1.9.9", "10.1.2.3", "8.8.8.8"];
const PORTS: &[&str] = &["80", "8000", "90", "81"];
const SUBJECTS: &[&str] = &["me/alice", "me/*", "*", "me/bob"];
const GROUPS: &[&str] = &["dev", "ops", "d*"];

fn some(values: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    prop::collection::vec(prop::sample::select(values), 1..3)
}

/// `name: [values]` or `notName: [values]`, in a third of the cases.
fn field(name: &'static str, values: &'static [&'static str]) -> impl Strategy<Value = String> {
    (0..6_u8, some(values)).prop_map(move |(kind, values)| {
        let list = values.iter().map(|v| format!("'{v}'")).collect::<Vec<_>>().join(", ");
        let mut capital = name.to_owned();
        capital[..1].make_ascii_uppercase();
        match kind {
            0 => format!("{name}: [{list}]"),
            1 => format!("not{capital}: [{list}]"),
            _ => String::new(),
        }
    })
}

fn condition(key: &'static str, values: &'static [&'static str]) -> impl Strategy<Value = String> {
    (0..6_u8, some(values)).prop_map(move |(kind, values)| {
        let list = values.iter().map(|v| format!("'{v}'")).collect::<Vec<_>>().join(", ");
        match kind {
            0 => format!("{{key: '{key}', values: [{list}]}}"),
            1 => format!("{{key: '{key}', notValues: [{list}]}}"),
            _ => String::new(),
        }
    })
}

fn joined(parts: &[&String]) -> String {
    parts.iter().filter(|p| !p.is_empty()).map(|p| p.as_str()).collect::<Vec<_>>().join(", ")
}

fn rule() -> impl Strategy<Value = String> {
    let source = (
        field("principals", PRINCIPALS),
        field("namespaces", NAMESPACES),
        field("ipBlocks", BLOCKS),
        field("remoteIpBlocks", BLOCKS),
        field("requestPrincipals", SUBJECTS),
    );
    let operation = (
        field("paths", PATHS),
        field("methods", METHODS),
        field("hosts", HOSTS),
        field("ports", PORTS),
    );
    let conditions = (
        condition("request.headers[x-role]", ROLES),
        condition("request.auth.claims[groups]", GROUPS),
    );
    (source, operation, conditions).prop_map(|((a, b, c, d, e), (f, g, h, i), (j, k))| {
        let source = joined(&[&a, &b, &c, &d, &e]);
        let operation = joined(&[&f, &g, &h, &i]);
        let when = joined(&[&j, &k]);
        let part = |name: &str, inner: &str, list: &str| match list {
            "" => String::new(),
            list if inner.is_empty() => format!("{name}: [{list}]"),
            list => format!("{name}: [{{{inner}: {{{list}}}}}]"),
        };
        let parts = [
            part("from", "source", &source),
            part("to", "operation", &operation),
            part("when", "", &when),
        ];
        format!("{{{}}}", joined(&parts.iter().collect::<Vec<_>>()))
    })
}

fn policies() -> impl Strategy<Value = String> {
    let one = (
        prop::sample::select(vec!["ALLOW", "DENY"]),
        prop::sample::select(vec!["", AT_WAYPOINT, "selector: {matchLabels: {app: web}}"]),
        prop::collection::vec(rule(), 1..3),
    );
    (prop::collection::vec(one, 0..3), any::<bool>()).prop_map(|(all, jwt)| {
        let mut out = String::new();
        for (index, (action, place, rules)) in all.iter().enumerate() {
            let action = format!("action: {action}");
            let rules = format!("rules: [{}]", rules.join(", "));
            let body = joined(&[&(*place).to_owned(), &action, &rules]);
            out.push_str(&policy(&format!("p{index}"), &body));
        }
        if jwt {
            out.push_str(
                "
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {name: jwt, namespace: server}
spec: {jwtRules: [{issuer: me}]}
---",
            );
        }
        out
    })
}

fn server() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![SIDECAR, AMBIENT, AMBIENT_WAYPOINT])
}

#[derive(Clone, Debug)]
struct Sample {
    from: usize,
    to: usize,
    http: HttpRequest,
    raw_tcp: bool,
    ip: &'static str,
    principal: &'static str,
}

fn sample() -> impl Strategy<Value = Sample> {
    let token = prop_oneof![
        3 => Just(Token::None),
        1 => Just(Token::Invalid),
        3 => (prop::sample::select(vec!["me", "you"]), prop::sample::select(vec!["alice", "bob", "eve"]),
              prop::collection::vec(prop::sample::select(vec!["dev", "ops", "d"]), 0..3))
            .prop_map(|(iss, sub, groups)| Token::Valid(serde_json::json!({"iss": iss, "sub": sub, "groups": groups}))),
    ];
    let headers = prop::collection::vec(
        prop_oneof![
            prop::sample::select(vec!["admin", "guest", "an", "", "x"]).prop_map(|v| ("x-role", v)),
            prop::sample::select(SAMPLED_IPS).prop_map(|v| ("x-forwarded-for", v)),
        ],
        0..3,
    );
    (
        (0..3_usize, 0..6_usize, any::<bool>()),
        prop::sample::select(SAMPLED_PATHS),
        prop::sample::select(vec!["GET", "POST", "PUT", "DELETE"]),
        prop::option::of(prop::sample::select(vec!["a.com", "b.com", "A.COM", "x"])),
        headers,
        token,
        prop::sample::select(SAMPLED_IPS),
        prop::sample::select(SAMPLED_PRINCIPALS),
    )
        .prop_map(
            |((from, to, raw_tcp), path, method, host, headers, token, ip, principal)| {
                let headers =
                    headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
                let host = host.map(str::to_owned);
                let http = HttpRequest {
                    method: method.into(),
                    path: path.into(),
                    host,
                    headers,
                    token,
                    sni: None,
                    edge_port: None,
                };
                Sample { from, to, http, raw_tcp, ip, principal }
            },
        )
}

const DESTINATIONS: [&str; 6] = [
    "server/web:8000",
    "server/web:9000",
    "server/headless:80",
    "pod:server/web:80",
    "pod:server/web:90",
    "pod:server/web:4711",
];

impl Sample {
    fn asked(&self, mesh: &Mesh) -> Request {
        let from = match self.from {
            0 => mesh.find_client("client/sleep").unwrap(),
            1 => Client::Outside(None),
            _ => Client::Outside(Some(self.ip.parse::<IpAddr>().unwrap())),
        };
        let to = match DESTINATIONS[self.to] {
            pod if pod.starts_with("pod:") => {
                let port = pod.rsplit(':').next().unwrap().parse().unwrap();
                Destination::Pod {
                    workload: mesh.find_workload("server/web", false).unwrap(),
                    port,
                }
            }
            service => mesh.find_destination(service).unwrap(),
        };
        Request { from, to, http: self.http.clone(), raw_tcp: self.raw_tcp }
    }
}

fn change_of(before: bool, after: bool) -> Option<Change> {
    match (before, after) {
        (false, true) => Some(Change::Gain),
        (true, false) => Some(Change::Loss),
        _ => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// What a sample notices, the classes notice: the same way, for the same client.
    #[test]
    fn no_sample_finds_what_the_classes_miss(
        server in server(),
        before in policies(),
        after in policies(),
        samples in prop::collection::vec(sample(), 150),
    ) {
        let (old, new) = (of(server, &before), of(server, &after));
        let found = compare(&old, &new);
        prop_assert!(found.bounds.iter().all(|b| b.to_string().contains("address")), "{:?}", found.bounds);
        for sample in &samples {
            let allows = |mesh: &Mesh| mesh.decide(&sample.asked(mesh)).verdict == Verdict::Allow;
            let Some(change) = change_of(allows(&old), allows(&new)) else { continue };
            let noticed = found.of(change).any(|c| match &c.from.kind {
                CallerKind::Workload { .. } => sample.from == 0,
                CallerKind::Outside => sample.from > 0,
                CallerKind::Identity { .. } => false,
            });
            prop_assert!(noticed, "{change:?} {sample:?}\n{}", told(&found));
        }
        // and an identity that no workload has, at the pod's own point: behind this waypoint, which takes
        // what goes to pods too, nobody but the waypoint comes to it
        if server == AMBIENT_WAYPOINT {
            return Ok(());
        }
        for sample in &samples {
            let uri = format!("spiffe://{}", sample.principal);
            let seen = Seen {
                peer: Some(uri),
                source_ip: None,
                remote_ip: None,
                destination_ip: None,
                destination_port: 80,
                sni: String::new(),
                is_tls: false,
                speaks_http: true,
                http: HttpRequest {
                    host: Some(sample.http.host.clone().unwrap_or_else(|| "web.server.svc.cluster.local:8000".into())),
                    ..sample.http.clone()
                },
            };
            let allows = |mesh: &Mesh| {
                let web = mesh.find_workload("server/web", false).unwrap();
                let step = if server == SIDECAR { mesh.ask_sidecar(web, &seen) } else { mesh.ask_ztunnel(web, &seen) };
                !step.reason.is_refusal()
            };
            if let Some(change) = change_of(allows(&old), allows(&new)) {
                prop_assert!(found.of(change).next().is_some(), "{change:?} {seen:?}");
            }
        }
    }

    /// What is shown is true: the request fares as it is said to, in both meshes.
    #[test]
    fn every_change_that_is_shown_is_one(
        server in server(),
        before in policies(),
        after in policies(),
    ) {
        let (old, new) = (of(server, &before), of(server, &after));
        for c in &compare(&old, &new).changes {
            let Ok(from) = old.find_client(&c.from.to_string()) else { continue };
            let to = old.find_destination(&c.to.to_string()).unwrap();
            let allows = |mesh: &Mesh| {
                let http = c.request.as_deref().cloned().unwrap_or_default();
                let raw_tcp = c.request.is_none();
                mesh.decide(&Request { from, to, http, raw_tcp }).verdict == Verdict::Allow
            };
            prop_assert!(change_of(allows(&old), allows(&new)) == Some(c.change), "{c:?}");
        }
    }

    /// The same meshes: nobody gains or loses, whichever side is asked first.
    #[test]
    fn a_comparison_turned_round_is_its_opposite(
        server in server(),
        before in policies(),
        after in policies(),
    ) {
        let (old, new) = (of(server, &before), of(server, &after));
        let (there, back) = (compare(&old, &new), compare(&new, &old));
        let pairs = |found: &Comparison, change: Change| -> Vec<String> {
            found.of(change).map(|c| format!("{} {}", c.from, c.to)).collect()
        };
        prop_assert_eq!(pairs(&there, Change::Gain), pairs(&back, Change::Loss));
        prop_assert_eq!(pairs(&there, Change::Loss), pairs(&back, Change::Gain));
        prop_assert!(compare(&old, &old).is_equivalent());
    }
}

/// One value of a policy changed into another that means something else: always noticed.
#[test]
fn a_policy_that_differs_by_one_value_is_noticed() {
    let fields: &[(&str, &str, &str)] = &[
        ("to: [{operation: {paths: [VALUE]}}]", "/a/*", "/a/b*"),
        ("to: [{operation: {paths: [VALUE]}}]", "'/a/{*}'", "'/a/{**}'"),
        ("to: [{operation: {paths: [/a*], notPaths: [VALUE]}}]", "/a/b", "/a/c"),
        ("to: [{operation: {paths: [VALUE]}}]", "'*/b'", "/b"),
        ("to: [{operation: {methods: [VALUE]}}]", "GET", "G*"),
        ("to: [{operation: {hosts: [VALUE]}}]", "a.com", "'*a.com'"),
        ("to: [{operation: {ports: [VALUE]}}]", "'80'", "'81'"),
        (
            "from: [{source: {principals: [VALUE]}}]",
            "cluster.local/ns/a/sa/b",
            "cluster.local/ns/a/sa/*",
        ),
        ("from: [{source: {notNamespaces: [VALUE]}}]", "a", "a*"),
        ("from: [{source: {namespaces: [VALUE]}}]", "client", "nobody"),
        ("from: [{source: {ipBlocks: [VALUE]}}]", "10.0.0.0/8", "10.0.0.0/9"),
        ("from: [{source: {remoteIpBlocks: [VALUE]}}]", "10.0.0.0/8", "11.0.0.0/8"),
        ("from: [{source: {requestPrincipals: [VALUE]}}]", "me/alice", "me/bob"),
        ("when: [{key: 'request.headers[x-a]', values: [VALUE]}]", "a", "'a*'"),
        ("when: [{key: 'request.headers[x-a]', notValues: [VALUE]}]", "a", "'*'"),
        ("when: [{key: 'request.auth.claims[a][b]', values: [VALUE]}]", "c", "d"),
        ("when: [{key: 'request.auth.audiences', values: [VALUE]}]", "c", "d"),
        ("when: [{key: 'source.namespace', values: [VALUE]}]", "c", "d"),
    ];
    let jwt = "
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {name: jwt, namespace: server}
spec: {jwtRules: [{issuer: me}]}
---";
    for (form, before, after) in fields {
        for action in ["ALLOW", "DENY"] {
            let of = |value: &str| {
                let body =
                    format!("action: {action}, rules: [{{{}}}]", form.replace("VALUE", value));
                let more = format!("{jwt}{}", policy("p", &body));
                let (mesh, _) =
                    mesh_and_findings(&pair(AMBIENT, SIDECAR, &more), &Options::default());
                mesh
            };
            let found = compare(&of(before), &of(after));
            assert!(!found.changes.is_empty(), "{action} {form} {before} {after}");
        }
    }
}
/// Clients that fare alike while their addresses are not known may not at one of them.
#[test]
fn clients_at_an_address_are_told_apart_anew() {
    let source = "notPrincipals: ['cluster.local/ns/client/sa/sleep'], ipBlocks: ['10.0.0.0/8']";
    let before =
        policy("p0", &format!("action: DENY, rules: [{{from: [{{source: {{{source}}}}}]}}]"));
    let found = compared(AMBIENT, &before, "");
    assert!(found.of(Change::Gain).any(|c| c.from.kind == CallerKind::Outside), "{}", told(&found));
}
