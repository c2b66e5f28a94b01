//! istiod's own expectations of the filters that Envoy gets: for every case, requests made of the
//! values that its policies name must be decided by the simulator as by those filters, rule ids
//! included.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail this way"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::{Value, json};
use waypost::k8s::Object;
use waypost::simulate::{Features, Mesh, Options, Reason, Seen, Token};

use crate::envoy_filter::{Facts, Said, parts, run};
use crate::files::{document, inputs, objects_of_file, rows};
use crate::requests::{Mined, Random};
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
#[derive(Clone)]
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
    let mut cases = Vec::new();
    for row in found {
        // an authorizer's filters say what it is asked about, not what is allowed
        if row.providers == "-" {
            let row = row.clone();
            let name = format!("{}/apart", row.name);
            cases.push(Case::new(name, move || decides_apart(&row)));
        }
        cases.push(Case::new(row.name.clone(), move || decides(&row)));
    }
    Ok(cases)
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
        let expected = run(&filters, &facts(&seen));
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

/// Each value that the policies name, alone, holds of the requests that a matcher of the filters holds
/// of, and each of the filters' is one of the policies'. A rule as a whole may hide most of what it
/// says: where `*` is excluded it never matches.
fn decides_apart(row: &Row) {
    let policies = objects_of_file(&row.input);
    let mined = Mined::of(&policies);
    let mut random = Random(11);
    let requests: Vec<Seen> = (0..REQUESTS).map(|_| mined.request(&mut random)).collect();
    // where trust domains have aliases a value has several matchers
    let each_value = row.trust_domains == "-";
    let mut expected = BTreeMap::new();
    for filter in row.expected.iter().map(|f| document(f).unwrap()) {
        for part in parts(&filter, each_value) {
            let holds = requests.iter().map(|seen| part.holds(&facts(seen))).collect();
            expected.insert(holds, part.to_string());
        }
    }
    let mut found: BTreeMap<Vec<bool>, String> = BTreeMap::new();
    for policy in &policies {
        let mut alone = policy.body.to_json();
        alone["metadata"]["annotations"] = json!({});
        alone["spec"]["action"] = json!("ALLOW");
        for rule in apart(&alone["spec"]["rules"], each_value) {
            alone["spec"]["rules"] = json!([rule]);
            let mesh = mesh(objects(&alone.to_string()), &mined, row);
            let workload = mesh.workloads().next().unwrap().0;
            let allowed =
                |seen| matches!(mesh.ask_sidecar(workload, seen).reason, Reason::Allowed(_));
            found.insert(requests.iter().map(allowed).collect(), rule.to_string());
        }
    }
    let only = |these: &BTreeMap<Vec<bool>, String>, others: &BTreeMap<Vec<bool>, String>| {
        let not = these.iter().filter(|(holds, _)| !others.contains_key(*holds));
        not.map(|(_, part)| part.clone()).collect::<Vec<_>>()
    };
    let (lost, made_up) = (only(&expected, &found), only(&found, &expected));
    assert!(lost.is_empty() && made_up.is_empty(), "{lost:#?} against {made_up:#?}");
}

/// Rules that ask for one field each, or for one value.
fn apart(rules: &Value, each_value: bool) -> Vec<Value> {
    let list = |v: &Value| v.as_array().cloned().unwrap_or_default();
    let alone = |values: &Value| match each_value {
        true => list(values).into_iter().map(|value| json!([value])).collect(),
        false => vec![values.clone()],
    };
    let mut all = Vec::new();
    for rule in list(rules) {
        for (place, kind) in [("from", "source"), ("to", "operation")] {
            for one in list(&rule[place]) {
                for (field, values) in one[kind].as_object().into_iter().flatten() {
                    let rule = |v: Value| json!({place: [{kind: {field: v}}]});
                    all.extend(alone(values).into_iter().map(rule));
                }
            }
        }
        for one in list(&rule["when"]) {
            // one matcher speaks of all values of a claim
            let claim = one["key"].as_str().is_some_and(|key| {
                key.starts_with("request.auth.") && key != "request.auth.principal"
            });
            for field in ["values", "notValues"] {
                if let Some(values) = one.get(field) {
                    let rule = |v: Value| json!({"when": [{"key": one["key"], field: v}]});
                    if claim {
                        all.push(rule(values.clone()));
                    } else {
                        all.extend(alone(values).into_iter().map(rule));
                    }
                }
            }
        }
    }
    all
}

/// What Envoy knows of a request.
fn facts(seen: &Seen) -> Facts<'_> {
    Facts {
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
        claims: match &seen.http.token {
            Token::Valid(claims) => Some(claims),
            _ => None,
        },
    }
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
        extension_providers: Some(providers.into_iter().map(|name| (name, Value::Null)).collect()),
        // the filters are asked here, not the TLS before them
        features: Features { skip_validate_trust_domain: true, ..Features::default() },
        ..Options::default()
    };
    let (mesh, found) = Mesh::from_objects(&policies, &options);
    assert!(found.is_empty(), "{found:?}");
    mesh
}
