//! Decision cases of ztunnel's own matcher.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail this way"
)]

use serde_json::{Value, json};
use waypost::simulate::ztunnel::{
    Action, Authorization, Clause, Connection, Group, Match, Scope, ServiceAccount,
};
use waypost::simulate::{Glob, IpBlock, Peer};

use crate::files::document;
use crate::{Case, data, slug};

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_else(|| panic!("no {key} in {value}"))
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

/// A test that one policy matches one connection, or does not.
fn case(name: String, rules: &Value, conn: &Value, expected: &Value) -> Case {
    let (rules, conn, expected) = (rules.clone(), conn.clone(), expected.clone());
    Case::new(name, move || {
        let found = policy(&rules).matching_group(&connection(&conn)).is_some();
        assert_eq!(Some(found), expected.as_bool(), "{rules} {conn}");
    })
}

fn structure(file: &Value, cases: &mut Vec<Case>) {
    for one in list(file, "structure") {
        // a name with commas reads as keys without values behind the name
        let said = one.as_object().into_iter().flatten().filter(|(_, value)| value.is_null());
        let name = said.fold(text(one, "name").to_owned(), |name, (key, _)| name + ", " + key);
        let name = format!("structure/{}", slug(&name));
        let conn = &file["connections"][text(one, "conn")];
        cases.push(case(name, &one["rules"], conn, &one["matches"]));
    }
}

fn rules(file: &Value, of: &str, cases: &mut Vec<Case>) {
    for expect in list(&file[of], "expect") {
        let conn = json!({
            "identity": format!("spiffe://td/ns/{}/sa/x", text(expect, "identity_ns")),
            "src": "127.0.0.1:1234",
            "dst": format!("127.0.0.2:{}", expect.get("dst_port").unwrap_or(&json!(8080))),
        });
        let name = format!("{of}/{}", slug(&expect.to_string()));
        cases.push(case(name, &file[of]["rules"], &conn, &expect["matches"]));
    }
}

fn single_fields(file: &Value, cases: &mut Vec<Case>) {
    for one in list(file, "single_field") {
        let rules = json!([[[one["match"]]]]);
        let names = ["plaintext", "tls", "tls_alt"];
        for (at, conn) in names.iter().enumerate() {
            let name = format!("single_field/{}/{conn}", slug(&one["match"].to_string()));
            cases.push(case(name, &rules, &file["connections"][conn], &one["expect"][at]));
        }
    }
}

fn strings(file: &Value, cases: &mut Vec<Case>) {
    for one in list(file, "string_match") {
        let (rule, text) = (one[0].as_str().unwrap_or_default(), one[1].as_str());
        let of = text.filter(|t| !t.is_empty()).unwrap_or("nothing");
        let (name, one) = (format!("string_match/{}/{}", slug(rule), slug(of)), one.clone());
        cases.push(Case::new(name, move || {
            let (rule, text) = (one[0].as_str().unwrap(), one[1].as_str().unwrap());
            let glob = match rule.split_once(' ') {
                Some(("exact", v)) => Glob::Exact(v.into()),
                Some(("prefix", v)) => Glob::Prefix(v.into()),
                Some(("suffix", v)) => Glob::Suffix(v.into()),
                _ => Glob::Presence,
            };
            assert_eq!(Some(glob.holds(text)), one[2].as_bool(), "{one}");
        }));
    }
}

/// Every expectation of the file.
pub fn cases() -> Result<Vec<Case>, String> {
    let file = document(&data("oracle/ztunnel-rbac/cases.yaml"))?;
    let mut cases = Vec::new();
    structure(&file, &mut cases);
    rules(&file, "nesting", &mut cases);
    rules(&file, "multi_rule", &mut cases);
    single_fields(&file, &mut cases);
    strings(&file, &mut cases);
    Ok(cases)
}
