//! What access tests assert, by the names that were written.

use std::collections::BTreeMap;

use crate::diagnostic::Diagnostic;
use crate::k8s::Object;
use crate::resolve::{Caller, CaseOrigin, Expectation, Resolved, Target};
use crate::simulate::{HttpRequest, Token, Verdict};
use crate::spec::{self, AccessTest};

/// One assertion.
#[derive(Clone, Debug)]
pub struct Case {
    /// Name of the AccessTest.
    pub test: String,
    /// What it is about.
    pub name: String,
    /// Who asks.
    pub from: String,
    /// For what.
    pub to: String,
    /// The request; `None` for a plain connection.
    pub request: Option<HttpRequest>,
    /// The server name in the client's own TLS.
    pub sni: Option<String>,
    /// What must come of it.
    pub expect: Verdict,
    /// Where it is said.
    pub origin: CaseOrigin,
}

/// Those of an environment.
pub(super) fn of_environment(resolved: &Resolved) -> Vec<Case> {
    let of = |case: &crate::resolve::AccessCase| {
        let from = match &case.from {
            Caller::Workload { namespace, name } => {
                format!("{}/{}/{name}", namespace.cluster, namespace.namespace)
            }
            Caller::Gateway { namespace, name } => {
                format!("gateway:{}/{}/{name}", namespace.cluster, namespace.namespace)
            }
            Caller::Outside => "outside".to_owned(),
        };
        let to = match &case.to {
            Target::Service { namespace, name, port } => {
                format!("{}/{}/{name}:{port}", namespace.cluster, namespace.namespace)
            }
            Target::Pod { namespace, name, port } => {
                format!("pod:{}/{}/{name}:{port}", namespace.cluster, namespace.namespace)
            }
        };
        let request = &case.request;
        Case {
            name: case.name.clone().unwrap_or_else(|| format!("{from} to {to}")),
            test: case.test.clone(),
            request: http(
                request.method.as_deref(),
                request.path.as_deref(),
                request.host.as_deref(),
                &request.headers,
                request.token.as_ref(),
            ),
            sni: request.sni.clone(),
            expect: match case.expect {
                Expectation::Allow => Verdict::Allow,
                Expectation::Deny => Verdict::Deny,
            },
            from,
            to,
            origin: case.origin,
        }
    };
    resolved.access.iter().map(of).collect()
}

/// Those of AccessTests that lie in a folder.
pub(super) fn of_objects(tests: &[Object], found: &mut Vec<Diagnostic>) -> Vec<Case> {
    let mut cases = Vec::new();
    for test in tests {
        let parsed = match test.parse::<AccessTest>() {
            Ok(parsed) => parsed,
            Err(diagnostic) => {
                found.push(*diagnostic);
                continue;
            }
        };
        cases.extend(parsed.spec.cases.into_iter().map(|case| {
            let case = case.value;
            let origin = CaseOrigin::of(&case);
            let (from, to) = (case.from.value, case.to.value);
            Case {
                test: test.name.clone(),
                name: case.name.map_or_else(|| format!("{from} to {to}"), |n| n.value),
                request: http(
                    case.request.method.as_deref(),
                    case.request.path.as_deref(),
                    case.request.host.as_deref(),
                    &case.request.headers,
                    case.request.token.as_ref(),
                ),
                sni: case.request.sni.map(|name| name.0),
                expect: match case.expect.value {
                    spec::Expectation::Allow => Verdict::Allow,
                    spec::Expectation::Deny => Verdict::Deny,
                },
                from,
                to,
                origin,
            }
        }));
    }
    cases
}

fn http(
    method: Option<&str>,
    path: Option<&str>,
    host: Option<&str>,
    headers: &BTreeMap<String, String>,
    token: Option<&spec::AccessToken>,
) -> Option<HttpRequest> {
    // a token is one of a request
    if method.is_none() && path.is_none() && token.is_none() {
        return None;
    }
    let default = HttpRequest::default();
    Some(HttpRequest {
        method: method.map_or(default.method, str::to_owned),
        path: path.map_or(default.path, str::to_owned),
        host: host.map(str::to_owned),
        headers: headers.iter().map(|(k, v)| (k.clone(), v.clone())).collect(),
        token: match token {
            None => default.token,
            Some(spec::AccessToken::Invalid) => Token::Invalid,
            Some(spec::AccessToken::Claims(claims)) => Token::Valid(claims.clone()),
        },
        sni: None,
        edge_port: None,
    })
}
