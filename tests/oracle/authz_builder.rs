//! istiod's own expectations of the filters that Envoy gets: for every case, requests made of the
//! values that its policies name must be decided by the simulator as by those filters, rule ids
//! included.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail this way"
)]

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::{Value, json};
use waypost::k8s::Object;
use waypost::simulate::{Features, HttpRequest, Mesh, Options, Reason, Seen, Token};

use crate::envoy_filter::{Facts, Said, run};
use crate::files::{document, inputs, objects_of_file, rows};
use crate::support::objects;
use crate::{Case, data};

const REQUESTS: usize = 1500;

/// Cases whose filters say one thing of every request: rules that hold for all or for none (`*` is
/// among what they exclude, or the principal they ask for is in no namespace they ask for), and
/// policies that only log. Of every other case the requests must tell something apart.
const ONE_VERDICT: &[&str] = &[
    "http/allow-empty-rule",
    "http/allow-host-before-111",
    "http/allow-nil-rule",
    "http/allow-path",
    "http/audit-full-rule",
    "http/deny-empty-rule",
    "http/dry-run-allow",
    "http/dry-run-allow-and-deny",
    "http/single-policy",
];

/// A row of the table.
struct Row {
    name: String,
    input: PathBuf,
    /// the filters, in their order
    expected: Vec<PathBuf>,
    providers: String,
    trust_domains: String,
}

/// The rows of the table, once more with the extended form of their filters where there is one,
/// and the inputs beside the table that it does not name.
pub fn cases() -> Result<Vec<Case>, String> {
    let root = data("oracle/authz-builder");
    let table = rows::<6>(&root.join("CASES.tsv"))?;
    let mut found = Vec::new();
    for [proto, name, input, expected, providers, trust_domains] in &table {
        let folder = root.join(proto);
        let mut add = |name: String, expected: Vec<PathBuf>| {
            found.push(Row {
                name,
                input: folder.join(input),
                expected,
                providers: providers.clone(),
                trust_domains: trust_domains.clone(),
            });
        };
        let name = format!("{proto}/{name}");
        add(name.clone(), expected.split(' ').map(|file| folder.join(file)).collect());
        let extended: Vec<PathBuf> =
            expected.split(' ').map(|file| folder.join(format!("extended-{file}"))).collect();
        if extended.iter().any(|file| file.exists()) {
            add(format!("{name}/extended"), extended);
        }
    }
    let protos: BTreeSet<&String> = table.iter().map(|[proto, ..]| proto).collect();
    for proto in protos {
        let folder = root.join(proto);
        for name in inputs(&folder)? {
            let input = folder.join(format!("{name}-in.yaml"));
            if found.iter().all(|row| row.input != input) {
                found.push(Row {
                    name: format!("{proto}/{name}"),
                    input,
                    expected: vec![folder.join(format!("{name}-out.yaml"))],
                    providers: "-".to_owned(),
                    trust_domains: "-".to_owned(),
                });
            }
        }
    }
    let case = |row: Row| Case::new(row.name.clone(), move || decides(&row));
    Ok(found.into_iter().map(case).collect())
}

/// The simulator decides the requests as the filters do.
fn decides(row: &Row) {
    let filters: Vec<Value> = row.expected.iter().map(|f| document(f).unwrap()).collect();
    let policies = objects_of_file(&row.input);
    let mined = Mined::of(&policies);
    let mesh = mesh(policies, &mined, row);
    let workload = mesh.workloads().next().unwrap().0;
    let mut random = Random(7);
    let mut verdicts = BTreeSet::new();
    for _ in 0..REQUESTS {
        let seen = mined.request(&mut random);
        let claims = match &seen.http.token {
            Token::Valid(claims) => Some(claims),
            _ => None,
        };
        let expected = run(
            &filters,
            &Facts {
                peer: seen.peer.as_deref(),
                source_ip: seen.source_ip.unwrap(),
                remote_ip: seen.remote_ip.unwrap(),
                destination_ip: seen.destination_ip.unwrap(),
                destination_port: seen.destination_port,
                sni: &seen.sni,
                method: &seen.http.method,
                path: &seen.http.path,
                host: seen.http.host.as_deref().unwrap(),
                headers: &seen.http.headers,
                claims,
            },
        );
        let step = mesh.ask_sidecar(workload, &seen);
        let found = match step.reason {
            Reason::NoAllowPolicies => Said::Allow { by: None, asks: false },
            Reason::Allowed(_) => Said::Allow { by: mesh.log_id(&step), asks: false },
            Reason::IfAuthorizerAllows(_) => Said::Allow { by: None, asks: true },
            _ => Said::Deny(mesh.log_id(&step).unwrap()),
        };
        assert_eq!(found, expected, "{seen:#?}");
        verdicts.insert(format!("{found:?}"));
    }
    let one = ONE_VERDICT.contains(&row.name.trim_end_matches("/extended"));
    assert_eq!(verdicts.len() == 1, one, "the requests tell apart {verdicts:?}");
}

/// Pod, token issuers and mesh settings around the policies of a case.
fn mesh(mut policies: Vec<Object>, mined: &Mined, row: &Row) -> Mesh {
    let issuers: Vec<Value> = mined.issuers.iter().map(|i| json!({"issuer": i})).collect();
    let around = json!({"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "v1", "kind": "Pod",
         "metadata": {"name": "httpbin", "namespace": "foo", "labels": {"app": "httpbin", "version": "v1"}},
         "spec": {"containers": [{"name": "istio-proxy"}]}},
        {"apiVersion": "security.istio.io/v1", "kind": "RequestAuthentication",
         "metadata": {"name": "tokens", "namespace": "foo"}, "spec": {"jwtRules": issuers}},
    ]});
    policies.extend(objects(&around.to_string()));
    let (trust_domain, aliases) = match row.trust_domains.as_str() {
        "-" => ("cluster.local".to_owned(), vec![]),
        bundle => {
            let mut quoted = bundle.split('"').skip(1).step_by(2).map(str::to_owned);
            (quoted.next().unwrap(), quoted.collect())
        }
    };
    let providers = match row.providers.as_str() {
        "-" | "meshConfigInvalid" => vec![],
        _ => vec!["default".to_owned(), "another".to_owned()],
    };
    let options = Options {
        trust_domain,
        trust_domain_aliases: aliases,
        extension_providers: Some(providers.into_iter().collect()),
        // the filters are asked here, not the TLS before them
        features: Features { skip_validate_trust_domain: true, ..Features::default() },
        ..Options::default()
    };
    let (mesh, found) = Mesh::from_objects(&policies, &options);
    assert!(found.is_empty(), "{found:?}");
    mesh
}

/// The values that policies name, by what they speak about.
#[derive(Default)]
struct Mined {
    values: std::collections::BTreeMap<String, Vec<String>>,
    issuers: Vec<String>,
}

impl Mined {
    fn of(policies: &[Object]) -> Self {
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

    fn request(&self, random: &mut Random) -> Seen {
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
            },
        }
    }
}

/// Numbers that look random and are the same on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % limit as u64).unwrap()
    }
}
