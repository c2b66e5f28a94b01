//! Requests made of the values that policies name.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test may fail this way")]

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use waypost::k8s::Object;
use waypost::simulate::{HttpRequest, Seen, Token};

/// The values that policies name, by what they speak about.
#[derive(Default)]
pub struct Mined {
    values: BTreeMap<String, Vec<String>>,
    pub issuers: Vec<String>,
}

impl Mined {
    pub fn of(policies: &[Object]) -> Self {
        let mut mined = Self::default();
        for policy in policies {
            mined.walk("", &policy.body.to_json()["spec"]);
        }
        mined.issuers = mined
            .all("requestPrincipals")
            .iter()
            .map(|v| v.rsplit_once('/').map_or(v.as_str(), |(issuer, _)| issuer))
            .map(|v| v.replace('*', "x"))
            .chain(["x".to_owned(), "iss".to_owned()])
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        mined
    }

    fn walk(&mut self, key: &str, value: &Value) {
        match value {
            Value::Object(map) => {
                let when = map.get("key").and_then(Value::as_str);
                for (name, value) in map {
                    let name = name.strip_prefix("not").unwrap_or(name);
                    let mut name = name[..1].to_lowercase() + &name[1..];
                    if let (Some(when), "values") = (when, name.as_str()) {
                        when.clone_into(&mut name);
                    }
                    self.walk(&name, value);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.walk(key, item)),
            Value::String(text) => {
                let key = match key {
                    "source.principal" => "principals",
                    "source.namespace" => "namespaces",
                    "request.auth.principal" => "requestPrincipals",
                    "source.ip" => "ipBlocks",
                    "remote.ip" => "remoteIpBlocks",
                    "destination.port" => "ports",
                    other => other,
                };
                self.values.entry(key.to_owned()).or_default().push(text.clone());
            }
            _ => {}
        }
    }

    fn all(&self, key: &str) -> &[String] {
        self.values.get(key).map_or(&[], Vec::as_slice)
    }

    /// A value that a policy names, made concrete; now and then something else.
    fn value(&self, key: &str, random: &mut Random, other: &[&str]) -> String {
        let named = self.all(key);
        if named.is_empty() || random.below(4) == 0 {
            return other[random.below(other.len())].to_owned();
        }
        let value = &named[random.below(named.len())];
        let filled = value
            .replace("{**}", ["x", "x/y"][random.below(2)])
            .replace("{*}", "seg")
            .replace('*', ["", "x", "-y"][random.below(3)]);
        if random.below(10) == 0 { format!("{filled}z") } else { filled }
    }

    fn ip(&self, key: &str, random: &mut Random) -> std::net::IpAddr {
        let value = self.value(key, random, &["8.8.8.8", "10.10.10.10", "9.2.3.4"]);
        let address = value.trim_end_matches('z').split('/').next().unwrap().to_owned();
        address.parse().unwrap_or_else(|_| panic!("{address}"))
    }

    /// A request, mostly of what the policies name.
    pub fn request(&self, random: &mut Random) -> Seen {
        let namespaces = ["foo", "other", "istio-system", "my-ns"];
        let peer = match random.below(8) {
            0 => None,
            1..=4 => Some(self.value("principals", random, &["td/ns/a/sa/b"])),
            _ => {
                let account =
                    self.value("serviceAccounts", random, &["foo/default", "my-ns/my-sa"]);
                let (ns, name) = account
                    .split_once('/')
                    .map(|(n, s)| (n.to_owned(), s.to_owned()))
                    .unwrap_or(("foo".into(), account));
                let ns = if random.below(2) == 0 {
                    self.value("namespaces", random, &namespaces)
                } else {
                    ns
                };
                let domains =
                    ["cluster.local", "td1", "foobar", "some-td", "old-td", "new-td", "x"];
                let domain = self.value("trustDomains", random, &domains);
                Some(format!("{domain}/ns/{ns}/sa/{name}"))
            }
        };
        let issuer = self.issuers[random.below(self.issuers.len())].clone();
        let mut claims = json!({"iss": issuer});
        let subject = self.value("requestPrincipals", random, &["x/sub", "y"]);
        claims["sub"] = json!(subject.rsplit_once('/').map_or(subject.as_str(), |(_, s)| s));
        for (claim, key) in [
            ("aud", "request.auth.audiences"),
            ("azp", "request.auth.presenter"),
            ("nested1", "request.auth.claims[nested1][nested2]"),
        ] {
            let text = self.value(key, random, &["other"]);
            claims[claim] = match (claim, random.below(3)) {
                ("nested1", 0) => json!({"nested2": [text]}),
                ("nested1", _) => json!({"nested2": text}),
                (_, 0) => json!([text, "more"]),
                _ => json!(text),
            };
        }
        let token = if random.below(4) == 0 { Token::None } else { Token::Valid(claims) };
        let mut path = self.value("paths", random, &["/", "/other", "/a/b"]);
        if !path.starts_with('/') {
            path.insert(0, '/');
        }
        let header = self.value("request.headers[X-header]", random, &["other", ""]);
        let headers =
            if random.below(3) == 0 { vec![] } else { vec![("x-header".to_owned(), header)] };
        let port = self.value("ports", random, &["80", "8080", "91"]);
        Seen {
            peer: peer.map(|p| format!("spiffe://{p}")),
            source_ip: Some(self.ip("ipBlocks", random)),
            remote_ip: Some(self.ip("remoteIpBlocks", random)),
            destination_ip: Some(self.ip("destination.ip", random)),
            destination_port: port.trim_end_matches('z').parse().unwrap(),
            sni: self.value("connection.sni", random, &["", "x.y"]).to_lowercase(),
            is_tls: true,
            speaks_http: true,
            http: HttpRequest {
                method: self.value("methods", random, &["GET", "POST"]),
                path,
                host: Some(self.value("hosts", random, &["a.b", "X.com"])),
                headers,
                token,
                sni: None,
                edge_port: None,
            },
        }
    }
}

/// Numbers that look random and are the same on every run.
pub struct Random(pub u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % limit as u64).unwrap()
    }
}
