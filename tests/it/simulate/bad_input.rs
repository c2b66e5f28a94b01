//! What Istio would refuse, and what points at nothing: one finding each, and the answer is that of
//! a mesh without it.

use waypost::simulate::{Options, Verdict};

use super::{AMBIENT, AMBIENT_WAYPOINT, SIDECAR, get, mesh_and_findings, pair, policy};

/// The findings, and whether `client/sleep` gets through.
fn found(server: &str, more: &str) -> (Vec<String>, Verdict) {
    let (mesh, found) = mesh_and_findings(&pair(AMBIENT, server, more), &Options::default());
    let texts = found.iter().map(|d| format!("{}: {}", d.code, d.message)).collect();
    assert!(found.iter().all(|d| d.primary.is_some()), "{found:#?}");
    (texts, get(&mesh, "client/sleep", "server/web:8000", "/").verdict)
}

#[test]
fn what_says_who_may_connect_and_is_refused_is_not_in_force() {
    // STRICT would keep somebody outside from the pod
    let strict = |more: &str| {
        format!(
            "---\napiVersion: security.istio.io/v1\nkind: PeerAuthentication\n\
             metadata: {{name: p, namespace: server}}\nspec: {{mtls: {{mode: STRICT}}{more}}}\n"
        )
    };
    for (text, why) in [
        (strict(", portLevelMtls: {'80': {mode: STRICT}}"), "`portLevelMtls` requires a selector"),
        (
            strict(", selector: {matchLabels: {}}, portLevelMtls: {'80': {mode: STRICT}}"),
            "`portLevelMtls` requires a selector",
        ),
        (
            strict(", selector: {matchLabels: {app: web}}, portLevelMtls: {'080': {mode: STRICT}}"),
            "`080` in `portLevelMtls`",
        ),
        (strict(", selector: {matchLabels: {'app*': web}}"), "a selector takes no wildcard"),
    ] {
        let (mesh, found) = mesh_and_findings(&pair(AMBIENT, AMBIENT, &text), &Options::default());
        assert!(found.iter().any(|d| d.message.contains(why)), "{text}: {found:#?}");
        let verdict = get(&mesh, "outside", "server/web:8000", "/").verdict;
        assert_eq!(verdict, Verdict::Allow, "{text}");
    }
    let (mesh, found) =
        mesh_and_findings(&pair(AMBIENT, AMBIENT, &strict("")), &Options::default());
    assert!(found.is_empty(), "{found:#?}");
    assert_eq!(get(&mesh, "outside", "server/web:8000", "/").verdict, Verdict::Deny);
}

#[test]
fn tokens_that_istio_refuses_to_ask_for_are_not_asked_for() {
    let tokens = |spec: &str| {
        format!(
            "---\napiVersion: security.istio.io/v1\nkind: RequestAuthentication\n\
             metadata: {{name: t, namespace: server}}\nspec: {{{spec}}}\n"
        )
    };
    for (spec, why) in [
        ("jwtRules: [{audiences: [a]}]", "a rule needs an `issuer` or a `jwksUri`"),
        (
            "jwtRules: [{issuer: a, jwksUri: 'https://a.example', jwks: '{}'}]",
            "only one of `jwks` and `jwksUri` may be set",
        ),
        (
            "selector: {}, targetRef: {kind: Service, name: web}, jwtRules: [{issuer: a}]",
            "only one of `selector`, `targetRef` and `targetRefs` may be set",
        ),
        ("jwtRules: [{issuer: a, jwks: 'no keys'}]", "`jwks` is not a JSON Web Key Set"),
        ("jwtRules: [{issuer: a, jwks: '{\"keys\": 1}'}]", "`jwks` is not a JSON Web Key Set"),
        (
            "jwtRules: [{issuer: a, jwksUri: 'https://a.example:b/c'}]",
            "the port in `jwksUri` is not a number",
        ),
        ("jwtRules: [{issuer: a, timeout: 0.5ms}]", "`timeout` is not a duration of at least 1ms"),
        ("jwtRules: [{issuer: a, timeout: soon}]", "`timeout` is not a duration of at least 1ms"),
        ("jwtRules: [{issuer: a, audiences: ['']}]", "an audience, a header, a parameter"),
        (
            "jwtRules: [{issuer: a, fromHeaders: [{prefix: x}]}]",
            "an audience, a header, a parameter",
        ),
        (
            "selector: {matchLabels: {app: 'w*'}}, jwtRules: [{issuer: a}]",
            "a selector takes no wildcard",
        ),
    ] {
        let (_, found) =
            mesh_and_findings(&pair(AMBIENT, SIDECAR, &tokens(spec)), &Options::default());
        assert!(found.iter().any(|d| d.message.contains(why)), "{spec}: {found:#?}");
    }
}

#[test]
fn a_policy_that_istio_refuses_is_not_in_force() {
    let deny = |rule: &str| policy("p", &format!("action: DENY, rules: [{rule}]"));
    for (text, why) in [
        (
            policy("p", "action: DENI, rules: [{}]"),
            "action `DENI` of AuthorizationPolicy server/p is not known",
        ),
        (policy("p", "action: DENY"), "action `DENY` without rules does nothing, and is not taken"),
        (policy("p", "action: CUSTOM, rules: [{}]"), "action `CUSTOM` needs `provider.name`"),
        (
            policy("p", "action: DENY, provider: {name: x}, rules: [{}]"),
            "`provider` goes with `CUSTOM`, not with `DENY`",
        ),
        (
            policy(
                "p",
                "action: DENY, selector: {}, targetRef: {kind: Service, name: web}, rules: [{}]",
            ),
            "only one of `selector`, `targetRef` and `targetRefs` may be set",
        ),
        (
            policy(
                "p",
                "action: DENY, targetRef: {kind: Service, name: web, namespace: x}, rules: [{}]",
            ),
            "a target must not name a namespace",
        ),
        (
            policy("p", "action: DENY, targetRef: {kind: Pod, name: web}, rules: [{}]"),
            "a target of kind `Pod` in group `` is not supported",
        ),
        (deny("{from: [{source: {}}]}"), "an empty `source` is not taken"),
        (deny("{to: [{operation: {ports: [http]}}]}"), "`http` is not a port"),
        (
            deny("{from: [{source: {ipBlocks: [1.2.3.4/33]}}]}"),
            "`1.2.3.4/33` is neither an address nor a block of addresses",
        ),
        (
            deny("{from: [{source: {serviceAccounts: [a], namespaces: [b]}}]}"),
            "`serviceAccounts` does not go together with `namespaces`",
        ),
        (
            deny("{to: [{operation: {paths: ['/a/{**}/{*}']}}]}"),
            "path `/a/{**}/{*}` is not supported: `{**}` must be the last operator",
        ),
        (deny("{when: [{key: request.foo, values: [a]}]}"), "condition `request.foo` is not known"),
        (deny("{when: [{key: source.ip}]}"), "condition `source.ip` needs `values` or `notValues`"),
    ] {
        let (texts, verdict) = found(AMBIENT, &text);
        assert_eq!(texts.len(), 1, "{texts:?}");
        assert!(texts[0].starts_with("policy-not-accepted: "), "{texts:?}");
        assert!(texts[0].ends_with(why), "{texts:?} instead of {why}");
        assert_eq!(verdict, Verdict::Allow, "{why}");
    }
}

#[test]
fn a_field_of_the_wrong_type_is_a_finding() {
    let ports = policy("p", "action: DENY, rules: [{to: [{operation: {ports: [80]}}]}]");
    let (texts, verdict) = found(SIDECAR, &ports);
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert!(texts[0].starts_with("malformed-object: "), "{texts:?}");
    assert_eq!(verdict, Verdict::Allow);
}

#[test]
fn a_target_that_is_not_there_holds_nowhere() {
    let target = "targetRef: {group: gateway.networking.k8s.io, kind: Gateway, name: waypiont}";
    let (texts, verdict) =
        found(AMBIENT_WAYPOINT, &policy("p", &format!("{target}, action: DENY, rules: [{{}}]")));
    assert_eq!(
        texts,
        [
            "dangling-target: AuthorizationPolicy server/p targets Gateway `waypiont`, which is not there"
        ]
    );
    assert_eq!(verdict, Verdict::Allow);
}

#[test]
fn a_path_template_without_a_slash_takes_the_proxy_down() {
    let (texts, _) = found(SIDECAR, &policy("p", "rules: [{to: [{operation: {paths: ['{*}']}}]}]"));
    assert_eq!(
        texts,
        [
            "path-template-without-slash: path template `{*}` of AuthorizationPolicy server/p does not \
          start with a slash"
        ]
    );
}

#[test]
fn names_of_tests_that_mean_nothing_are_told() {
    let (mesh, _) = mesh_and_findings(&pair(AMBIENT, AMBIENT, ""), &Options::default());
    let client = |name: &str| mesh.find_client(name).unwrap_err().to_string();
    let destination = |name: &str| mesh.find_destination(name).unwrap_err().to_string();
    assert_eq!(client("sleep"), "`sleep` names no namespace");
    assert_eq!(client("client/slep"), "workload `client/slep` is not there");
    assert_eq!(client("gateway:client/sleep"), "gateway `client/sleep` is not there");
    assert_eq!(client("outside:x"), "`x` is not an address");
    assert_eq!(destination("server/web"), "`server/web` names no port");
    assert_eq!(
        destination("server/web:81"),
        "service `server/web` has no port 81, only 8000, 9000"
    );
    assert_eq!(destination("server/web:htp"), "`htp` is no port of `server/web`");
    assert_eq!(destination("pod:server/wep:80"), "workload `server/wep` is not there");
}
