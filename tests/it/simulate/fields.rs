//! facts/istio-ambient.md §7.2, §6.1, §6.2, §4.9 and facts/envoy.md: what points see and match.

use std::net::IpAddr;

use waypost::simulate::{Client, HttpRequest, Mesh, Options, Reason, Request, Token, Verdict};

use super::{
    AMBIENT, AMBIENT_WAYPOINT, AT_WAYPOINT, FROM_CLIENT, SIDECAR, get, mesh, mesh_and_findings,
    pair, policy, story,
};

fn ask(mesh: &Mesh, to: &str, http: HttpRequest) -> (Verdict, String) {
    let decision = mesh.decide(&Request {
        from: mesh.find_client("client/sleep").unwrap(),
        to: mesh.find_destination(to).unwrap(),
        http,
        raw_tcp: false,
    });
    (decision.verdict, decision.walk().unwrap().observed().as_str().to_owned())
}

#[test]
fn a_tcp_port_of_a_sidecar_drops_allow_and_widens_deny() {
    let allow = policy("p", "rules: [{to: [{operation: {methods: [GET]}}]}]");
    let deny = policy("p", "action: DENY, rules: [{to: [{operation: {methods: [POST]}}]}]");
    let at = |policy: &str, port: u16| {
        let mesh = mesh(&pair(SIDECAR, SIDECAR, policy));
        get(&mesh, "client/sleep", &format!("server/web:{port}"), "/").verdict
    };
    assert_eq!(at(&allow, 8000), Verdict::Allow);
    assert_eq!(at(&allow, 9000), Verdict::Deny);
    assert_eq!(at(&deny, 8000), Verdict::Allow);
    assert_eq!(at(&deny, 9000), Verdict::Deny);
}

#[test]
fn ports_are_the_services_at_a_waypoint_and_the_pods_elsewhere() {
    let deny = |port: u16, target: &str| {
        policy(
            "p",
            &format!(
                "{target} action: DENY, rules: [{{to: [{{operation: {{ports: ['{port}']}}}}]}}]"
            ),
        )
    };
    let verdict = |server: &str, more: &str| {
        let mesh = mesh(&pair(AMBIENT, server, more));
        get(&mesh, "client/sleep", "server/web:8000", "/").verdict
    };
    let target = &format!("{AT_WAYPOINT},");
    assert_eq!(verdict(AMBIENT_WAYPOINT, &deny(8000, target)), Verdict::Deny);
    assert_eq!(verdict(AMBIENT_WAYPOINT, &deny(80, target)), Verdict::Allow);
    for server in [AMBIENT, SIDECAR] {
        assert_eq!(verdict(server, &deny(80, "")), Verdict::Deny);
        assert_eq!(verdict(server, &deny(8000, "")), Verdict::Allow);
    }
}

#[test]
fn ip_blocks_never_match_at_a_waypoint() {
    let text = |policy: String| {
        pair(AMBIENT, AMBIENT_WAYPOINT, &policy).replace(
            "kind: Deployment\nmetadata: {name: sleep",
            "kind: Deployment\nmetadata: {name: unused",
        ) + "
---
apiVersion: v1
kind: Pod
metadata: {name: sleep, namespace: client}
spec: {serviceAccountName: sleep, containers: [{name: sleep}]}
status: {podIP: 10.1.2.3}"
    };
    let deny = |field: &str, target: &str| {
        policy(
            "p",
            &format!(
                "{target} action: DENY, rules: [{{from: [{{source: {{{field}: [10.1.2.3]}}}}]}}]"
            ),
        )
    };
    let target = &format!("{AT_WAYPOINT},");
    for (policy, expected) in [
        (deny("ipBlocks", target), Verdict::Allow),
        (deny("remoteIpBlocks", target), Verdict::Deny),
        // behind the waypoint the peer is the waypoint
        (deny("ipBlocks", ""), Verdict::Allow),
    ] {
        let mesh = mesh(&text(policy));
        assert_eq!(get(&mesh, "client/sleep", "server/web:8000", "/").verdict, expected);
    }
    let mesh = mesh(&text(deny("ipBlocks", "")).replace(AMBIENT_WAYPOINT, AMBIENT));
    assert_eq!(get(&mesh, "client/sleep", "server/web:8000", "/").verdict, Verdict::Deny);
}

#[test]
fn trust_domain_aliases_hold_at_envoy_and_not_at_ztunnel() {
    let allow = policy("p", &format!("rules: [{{{FROM_CLIENT}}}]"));
    for (server, expected) in [(SIDECAR, Verdict::Allow), (AMBIENT, Verdict::Deny)] {
        let options = Options {
            trust_domain: "cp-cluster-1.tsb.local".into(),
            trust_domain_aliases: vec!["old".into()],
            ..Options::default()
        };
        let (mesh, _) = mesh_and_findings(&pair(AMBIENT, server, &allow), &options);
        let found = get(&mesh, "client/sleep", "server/web:8000", "/").verdict;
        assert_eq!(found, expected, "{server}");
    }
}

#[test]
fn strict_and_policies_together() {
    let strict = "
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: server}
spec: {mtls: {mode: STRICT}}
---";
    let everyone = policy("p", "rules: [{}]");
    let mesh = mesh(&pair("a: b", AMBIENT, &format!("{strict}{everyone}")));
    insta::assert_snapshot!(story(&mesh, "client/sleep", "server/web:8000"), @r"
    ztunnel of server/web sees nobody at port 80: denied by istio-system/istio_converted_static_strict
    deny: connection reset
    ");
}

#[test]
fn a_token_that_does_not_verify_is_401_and_one_that_is_absent_passes() {
    let tokens = "
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {name: jwt, namespace: server}
spec: {jwtRules: [{issuer: me}]}
---";
    let needed = policy("p", "rules: [{from: [{source: {requestPrincipals: [me/*]}}]}]");
    let mesh = mesh(&pair(SIDECAR, SIDECAR, &format!("{tokens}{needed}")));
    let with = |token: Token| {
        ask(&mesh, "server/web:8000", HttpRequest { token, ..HttpRequest::default() })
    };
    let claims = |issuer: &str| Token::Valid(serde_json::json!({"iss": issuer, "sub": "x"}));
    assert_eq!(with(claims("me")).0, Verdict::Allow);
    assert_eq!(with(claims("you")), (Verdict::Deny, "401".into()));
    assert_eq!(with(Token::Invalid), (Verdict::Deny, "401".into()));
    assert_eq!(with(Token::None), (Verdict::Deny, "403 `RBAC: access denied`".into()));
}

#[test]
fn a_token_is_taken_out_unless_it_is_forwarded() {
    let tokens = |more: &str| {
        ["client", "server"]
            .map(|namespace| {
                format!(
                    "
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {{name: jwt, namespace: {namespace}}}
spec: {{jwtRules: [{{issuer: me{more}}}]}}
---"
                )
            })
            .concat()
    };
    let gateway = "
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gw, namespace: client}
spec: {gatewayClassName: istio, listeners: [{name: http, port: 80, protocol: HTTP}]}
---";
    let needed = policy("p", "rules: [{from: [{source: {requestPrincipals: [me/x]}}]}]");
    for (more, expected) in [("", Verdict::Deny), (", forwardOriginalToken: true", Verdict::Allow)]
    {
        let mesh = mesh(&pair(SIDECAR, SIDECAR, &format!("{}{gateway}{needed}", tokens(more))));
        let token = Token::Valid(serde_json::json!({"iss": "me", "sub": "x"}));
        let decision = mesh.decide(&Request {
            from: mesh.find_client("gateway:client/gw").unwrap(),
            to: mesh.find_destination("server/web:8000").unwrap(),
            http: HttpRequest { token, ..HttpRequest::default() },
            raw_tcp: false,
        });
        assert_eq!(decision.verdict, expected, "{more}");
    }
}

#[test]
fn anyone_can_write_x_forwarded_for() {
    let allow = policy("p", "rules: [{from: [{source: {remoteIpBlocks: [10.1.2.3]}}]}]");
    let mesh = mesh(&pair(SIDECAR, SIDECAR, &allow));
    let with = |value: &str| {
        let headers = vec![("X-Forwarded-For".to_owned(), value.to_owned())];
        ask(&mesh, "server/web:8000", HttpRequest { headers, ..HttpRequest::default() }).0
    };
    assert_eq!(with("10.9.9.9, 10.1.2.3"), Verdict::Allow);
    assert_eq!(with("10.1.2.3, 10.9.9.9"), Verdict::Deny);
    assert_eq!(with("10.1.2.3:80"), Verdict::Deny);
}

#[test]
fn an_authorizer_by_http_is_not_asked_about_connections() {
    let custom = policy("p", "action: CUSTOM, provider: {name: opa}, rules: [{}]");
    let asks = |definition: serde_json::Value, to: &str| {
        let providers = [("opa".to_owned(), definition)].into();
        let options = Options { extension_providers: Some(providers), ..Options::default() };
        let (mesh, _) = mesh_and_findings(&pair(SIDECAR, SIDECAR, &custom), &options);
        let decision = get(&mesh, "client/sleep", to, "/");
        assert_eq!(decision.verdict, Verdict::Allow);
        let step = *decision.walk().unwrap().deciding().unwrap();
        matches!(step.reason, Reason::IfAuthorizerAllows(_))
    };
    let http = || serde_json::json!({"name": "opa", "envoyExtAuthzHttp": {"port": 80}});
    let grpc = || serde_json::json!({"name": "opa", "envoyExtAuthzGrpc": {"port": 80}});
    assert!(asks(http(), "server/web:8000") && asks(grpc(), "server/web:8000"));
    assert!(!asks(http(), "server/web:9000") && asks(grpc(), "server/web:9000"));
}

#[test]
fn an_authorizer_that_is_not_known_denies_what_it_is_asked_about() {
    let custom = policy(
        "p",
        "action: CUSTOM, provider: {name: opa}, rules: [{to: [{operation: {paths: [/admin]}}]}]",
    );
    let text = pair(SIDECAR, SIDECAR, &custom);
    let step = |known: Option<&[&str]>, path: &str| {
        let options = Options {
            extension_providers: known
                .map(|k| k.iter().map(|n| ((*n).to_owned(), serde_json::Value::Null)).collect()),
            ..Options::default()
        };
        let (mesh, _) = mesh_and_findings(&text, &options);
        let decision = get(&mesh, "client/sleep", "server/web:8000", path);
        let step = *decision.walk().unwrap().deciding().unwrap();
        (step.reason.is_refusal(), mesh.log_id(&step).unwrap_or_default())
    };
    let bad = "istio-ext-authz-opa-ns[server]-policy[p]-rule[0]-deny-due-to-bad-CUSTOM-action";
    assert_eq!(step(Some(&[]), "/admin"), (true, bad.into()));
    assert_eq!(step(Some(&[]), "/"), (false, String::new()));
    assert_eq!(step(Some(&["opa"]), "/admin"), (false, "server/p".into()));
    assert_eq!(step(None, "/admin"), (false, "server/p".into()));
}

#[test]
fn an_unknown_address_is_said_and_never_guessed() {
    let deny = policy("p", "action: DENY, rules: [{from: [{source: {ipBlocks: [10.0.0.0/8]}}]}]");
    let mesh = mesh(&pair(AMBIENT, AMBIENT, &deny));
    let decision = get(&mesh, "client/sleep", "server/web:8000", "/");
    assert_eq!(decision.verdict, Verdict::Allow);
    assert!(decision.walk().unwrap().steps.iter().any(|s| s.unknown_address));
    // told, it is used
    let ip: IpAddr = "10.1.1.1".parse().unwrap();
    let known = mesh.decide(&Request {
        from: Client::Outside(Some(ip)),
        ..Request::to_service(Client::Outside(None), mesh.find_service("server/web").unwrap(), 8000)
    });
    assert!(matches!(known.walk().unwrap().deciding().unwrap().reason, Reason::Denied(_)));
}
