//! facts/istio-ambient.md §4.6, row by row, and what istiod would send.

use waypost::simulate::{RuleEffect, Verdict};

use super::{AMBIENT, get, mesh, pair, policy};

/// What a policy does to `client/sleep` and to somebody outside, at a sidecar's HTTP port and at
/// ztunnel, and what becomes of its rules there.
fn row(body: &str) -> (&'static str, &'static str, Vec<RuleEffect>) {
    let words = |mesh: &waypost::simulate::Mesh| {
        let at = |from: &str| get(mesh, from, "server/web:8000", "/").verdict == Verdict::Allow;
        match (at("client/sleep"), at("outside")) {
            (true, true) => "all",
            (true, false) => "sleep",
            (false, true) => "outside",
            (false, false) => "none",
        }
    };
    let sidecar = mesh(&pair(super::SIDECAR, super::SIDECAR, &policy("p", body)));
    let ztunnel = mesh(&pair(AMBIENT, AMBIENT, &policy("p", body)));
    let rules = ztunnel.classify()[0].rules.iter().map(|r| r.effect).collect();
    (words(&sidecar), words(&ztunnel), rules)
}

const P: &str = "principals: [cluster.local/ns/client/sa/sleep]";

#[test]
fn effects_of_one_policy() {
    use RuleEffect::{Dropped, Enforced, Inert, Narrowed, Widened};
    let get_only = "to: [{operation: {methods: [GET]}}]";
    for (id, body, expected) in [
        ("E1", format!("rules: [{{{get_only}}}]"), ("all", "none", vec![Dropped])),
        (
            "E2",
            format!("rules: [{{{get_only}}}, {{from: [{{source: {{{P}}}}}]}}]"),
            ("all", "sleep", vec![Dropped, Enforced]),
        ),
        ("E3", format!("action: DENY, rules: [{{{get_only}}}]"), ("none", "all", vec![Inert])),
        (
            "E4",
            format!("action: DENY, rules: [{{from: [{{source: {{{P}}}}}], {get_only}}}]"),
            ("outside", "all", vec![Inert]),
        ),
        (
            "E5",
            format!(
                "action: DENY, rules: [{{from: [{{source: {{{P}}}}}], when: [{{key: 'request.headers[x]', notValues: [z]}}]}}]"
            ),
            ("outside", "all", vec![Inert]),
        ),
        (
            "E6",
            "action: DENY, rules: [{to: [{operation: {ports: ['80'], methods: [POST]}}]}]".into(),
            ("all", "none", vec![Widened]),
        ),
        (
            "E7",
            format!(
                "action: DENY, rules: [{{from: [{{source: {{{P}, requestPrincipals: ['*']}}}}]}}]"
            ),
            ("all", "outside", vec![Widened]),
        ),
        (
            "E8",
            format!(
                "action: DENY, rules: [{{from: [{{source: {{{P}}}}}, {{source: {{notRequestPrincipals: ['*']}}}}]}}]"
            ),
            ("none", "outside", vec![Narrowed]),
        ),
        ("E9", "rules: [{}]".into(), ("all", "all", vec![Enforced])),
        ("E9", "action: DENY, rules: [{}]".into(), ("none", "none", vec![Enforced])),
        ("E10", "action: ALLOW".into(), ("none", "none", vec![])),
        (
            "trust domains only",
            "action: DENY, rules: [{from: [{source: {trustDomains: [cluster.local]}}]}]".into(),
            ("outside", "all", vec![Inert]),
        ),
    ] {
        assert_eq!(row(&body), expected, "{id}");
    }
}

#[test]
fn e11_audit_and_custom_are_absent() {
    use waypost::simulate::ztunnel::NotSent;
    let custom = "action: CUSTOM, provider: {name: x}, rules: [{}]";
    let (_, ztunnel, rules) = row(custom);
    assert_eq!((ztunnel, rules), ("all", vec![RuleEffect::NotSent(NotSent::Action)]));
    let (sidecar, ztunnel, rules) = row("action: AUDIT, rules: [{}]");
    assert_eq!((sidecar, ztunnel), ("all", "all"));
    assert_eq!(rules, [RuleEffect::NotSent(NotSent::Action)]);
}

#[test]
fn dry_run_decides_nowhere() {
    let dry = policy("p", "action: DENY, rules: [{}]").replace(
        "namespace: server}",
        "namespace: server, annotations: {istio.io/dry-run: 'true'}}",
    );
    for mode in [super::SIDECAR, AMBIENT] {
        let mesh = mesh(&pair(mode, mode, &dry));
        assert_eq!(get(&mesh, "client/sleep", "server/web:8000", "/").verdict, Verdict::Allow);
    }
}

#[test]
fn a_negative_principal_matches_plaintext() {
    let (_, ztunnel, _) = row("action: DENY, rules: [{from: [{source: {notPrincipals: ['*']}}]}]");
    assert_eq!(ztunnel, "sleep");
}
