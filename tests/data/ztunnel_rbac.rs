//! Decision cases of ztunnel's own matcher.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail this way"
)]

use serde_json::Value;
use waypost::simulate::ztunnel::{
    Action, Authorization, Clause, Connection, Group, Match, Scope, ServiceAccount,
};
use waypost::simulate::{Glob, IpBlock, Peer};

use crate::data;

fn cases() -> Value {
    let text = std::fs::read_to_string(data("oracle/ztunnel-rbac/cases.yaml")).unwrap();
    serde_yaml::from_str(&text).unwrap()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn glob(value: &Value) -> Glob {
    let (kind, text) = value.as_object().unwrap().iter().next().unwrap();
    let text = || text.as_str().unwrap().to_owned();
    match kind.as_str() {
        "exact" => Glob::Exact(text()),
        "prefix" => Glob::Prefix(text()),
        "suffix" => Glob::Suffix(text()),
        "presence" => Glob::Presence,
        other => panic!("{other}"),
    }
}

fn one_match(value: &Value) -> Match {
    const KNOWN: &[&str] = &[
        "namespaces",
        "notNamespaces",
        "principals",
        "notPrincipals",
        "serviceAccounts",
        "notServiceAccounts",
        "sourceIps",
        "notSourceIps",
        "destinationIps",
        "notDestinationIps",
        "destinationPorts",
        "notDestinationPorts",
    ];
    for key in value.as_object().unwrap().keys() {
        assert!(KNOWN.contains(&key.as_str()), "{key}");
    }
    let globs = |key: &str| list(value, key).iter().map(glob).collect();
    let ips = |key: &str| {
        list(value, key).iter().map(|v| IpBlock::parse(v.as_str().unwrap()).unwrap()).collect()
    };
    let ports = |key: &str| {
        list(value, key).iter().map(|v| u32::try_from(v.as_u64().unwrap()).unwrap()).collect()
    };
    let accounts = |key: &str| {
        let text = |v: &Value, k: &str| v.get(k).and_then(Value::as_str).unwrap().to_owned();
        list(value, key)
            .iter()
            .map(|v| ServiceAccount {
                namespace: text(v, "namespace"),
                name: text(v, "serviceAccount"),
            })
            .collect()
    };
    Match {
        namespaces: globs("namespaces"),
        not_namespaces: globs("notNamespaces"),
        principals: globs("principals"),
        not_principals: globs("notPrincipals"),
        service_accounts: accounts("serviceAccounts"),
        not_service_accounts: accounts("notServiceAccounts"),
        source_ips: ips("sourceIps"),
        not_source_ips: ips("notSourceIps"),
        destination_ips: ips("destinationIps"),
        not_destination_ips: ips("notDestinationIps"),
        destination_ports: ports("destinationPorts"),
        not_destination_ports: ports("notDestinationPorts"),
    }
}

fn policy(rules: &Value) -> Authorization {
    let groups = rules.as_array().unwrap().iter().map(|clauses| {
        let clauses = clauses.as_array().unwrap().iter().map(|matches| Clause {
            matches: matches.as_array().unwrap().iter().map(one_match).collect(),
        });
        Group::of(None, clauses.collect())
    });
    Authorization {
        name: "policy".into(),
        namespace: "namespace".into(),
        scope: Scope::Global,
        action: Action::Allow,
        dry_run: false,
        groups: groups.collect(),
    }
}

fn connection(value: &Value) -> Connection<'_> {
    let address = |key: &str| -> std::net::SocketAddr {
        value.get(key).and_then(Value::as_str).unwrap().parse().unwrap()
    };
    Connection {
        peer: value.get("identity").and_then(Value::as_str).map(Peer::from_uri),
        source_ip: Some(address("src").ip()),
        destination_ip: Some(address("dst").ip()),
        destination_port: address("dst").port(),
    }
}

fn matches(policy: &Authorization, connection: &Connection<'_>) -> bool {
    policy.matching_group(connection).is_some()
}

#[test]
fn structure() {
    let cases = cases();
    let all = list(&cases, "structure");
    for case in all {
        let conn = &cases["connections"][case["conn"].as_str().unwrap()];
        let found = matches(&policy(&case["rules"]), &connection(conn));
        assert_eq!(Some(found), case["matches"].as_bool(), "{}", case["name"]);
    }
    assert_eq!(all.len(), 4);
}

#[test]
fn nesting_and_several_rules() {
    let cases = cases();
    let mut count = 0;
    for name in ["nesting", "multi_rule"] {
        let policy = policy(&cases[name]["rules"]);
        for expect in list(&cases[name], "expect") {
            let uri = format!("spiffe://td/ns/{}/sa/x", expect["identity_ns"].as_str().unwrap());
            let port = expect.get("dst_port").and_then(Value::as_u64).unwrap_or(8080);
            let connection = Connection {
                peer: Some(Peer::from_uri(&uri)),
                source_ip: "127.0.0.1".parse().ok(),
                destination_ip: "127.0.0.2".parse().ok(),
                destination_port: u16::try_from(port).unwrap(),
            };
            let found = matches(&policy, &connection);
            assert_eq!(Some(found), expect["matches"].as_bool(), "{name} {expect}");
            count += 1;
        }
    }
    assert_eq!(count, 8);
}

#[test]
fn single_fields() {
    let cases = cases();
    let all = list(&cases, "single_field");
    for case in all {
        let policy = policy(&serde_json::json!([[[case["match"]]]]));
        let names = ["plaintext", "tls", "tls_alt"];
        for (name, expected) in names.iter().zip(list(case, "expect")) {
            let found = matches(&policy, &connection(&cases["connections"][name]));
            assert_eq!(Some(found), expected.as_bool(), "{} {name}", case["match"]);
        }
    }
    assert_eq!(all.len(), 13);
}

#[test]
fn strings() {
    let cases = cases();
    let all = list(&cases, "string_match");
    for case in all {
        let (rule, text) = (case[0].as_str().unwrap(), case[1].as_str().unwrap());
        let glob = match rule.split_once(' ') {
            Some(("exact", v)) => Glob::Exact(v.into()),
            Some(("prefix", v)) => Glob::Prefix(v.into()),
            Some(("suffix", v)) => Glob::Suffix(v.into()),
            _ => Glob::Presence,
        };
        assert_eq!(Some(glob.holds(text)), case[2].as_bool(), "{case}");
    }
    assert_eq!(all.len(), 11);
}
