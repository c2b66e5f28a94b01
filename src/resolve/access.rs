//! Access tests: who is meant.

use std::collections::BTreeMap;

use super::name::{self, Clusters, did_you_mean};
use crate::diagnostic::{Diagnostic, Span, Spanned};
use crate::model::{Cluster, Namespace, NamespaceId, NamespaceName, ObjectName};
use crate::spec;

/// A case of an access test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessCase {
    /// Name of the test it belongs to.
    pub test: String,
    /// What it is about, for people.
    pub name: Option<String>,
    /// Who calls.
    pub from: Caller,
    /// Who is called.
    pub to: Target,
    /// What is sent.
    pub request: Request,
    /// What must come of it.
    pub expect: Expectation,
    /// Where the user wrote `from`, `to` and `expect`.
    pub origin: CaseOrigin,
}

/// Where the parts of a case were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CaseOrigin {
    /// `from`.
    pub from: Span,
    /// `to`.
    pub to: Span,
    /// `expect`.
    pub expect: Span,
}

impl CaseOrigin {
    /// That of a case as it was typed.
    pub fn of(case: &spec::AccessCase) -> Self {
        Self { from: case.from.span, to: case.to.span, expect: case.expect.span }
    }
}

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// A workload of the spec.
    Workload {
        /// Its namespace.
        namespace: NamespaceId,
        /// Its name.
        name: ObjectName,
    },
    /// A gateway's pods. Its namespace need not be one of the spec.
    Gateway {
        /// Its namespace.
        namespace: NamespaceId,
        /// Its name.
        name: ObjectName,
    },
    /// Somebody without an identity.
    Outside,
}

/// Who is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A Service.
    Service {
        /// Its namespace.
        namespace: NamespaceId,
        /// Its name.
        name: ObjectName,
        /// The port clients use.
        port: u16,
    },
    /// A pod of a workload, by its address.
    Pod {
        /// Its namespace.
        namespace: NamespaceId,
        /// The workload's name.
        name: ObjectName,
        /// The pod's port.
        port: u16,
    },
}

/// What is sent. Without a method and a path it is a plain connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// HTTP method.
    pub method: Option<String>,
    /// HTTP path.
    pub path: Option<String>,
    /// Host header.
    pub host: Option<String>,
    /// Further headers.
    pub headers: BTreeMap<String, String>,
    /// Server name in the client's own TLS.
    pub sni: Option<String>,
    /// The token in `authorization`.
    pub token: Option<spec::AccessToken>,
}

/// What must come of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// It arrives.
    Allow,
    /// It is refused.
    Deny,
}

/// Makes cases of what was typed.
pub(super) fn cases(
    tests: Vec<spec::AccessTest>,
    clusters: &Clusters,
    found: &mut Vec<Diagnostic>,
) -> Vec<AccessCase> {
    let mut names: BTreeMap<String, Span> = BTreeMap::new();
    let mut cases = Vec::new();
    for test in tests {
        let name = test.metadata.name;
        if let Some(first) = names.insert(name.value.clone(), name.span) {
            found.push(name::duplicate("access tests", &name.value, name.span, first));
        }
        for Spanned { value: typed, .. } in test.spec.cases {
            cases.extend(case(&name.value, typed, clusters, found));
        }
    }
    cases
}

fn case(
    test: &str,
    typed: spec::AccessCase,
    clusters: &Clusters,
    found: &mut Vec<Diagnostic>,
) -> Option<AccessCase> {
    let from = caller(&typed.from, clusters, found);
    let near = match &from {
        Some(Caller::Workload { namespace, .. } | Caller::Gateway { namespace, .. }) => {
            clusters.get(&namespace.cluster)
        }
        _ => None,
    };
    let to = target(&typed.to, near, clusters, found);
    let origin = CaseOrigin::of(&typed);
    let request = typed.request;
    Some(AccessCase {
        test: test.to_owned(),
        name: typed.name.map(|n| n.value),
        from: from?,
        to: to?,
        request: Request {
            method: request.method,
            path: request.path,
            host: request.host,
            headers: request.headers,
            sni: request.sni.map(|name| name.0),
            token: request.token,
        },
        expect: match typed.expect.value {
            spec::Expectation::Allow => Expectation::Allow,
            spec::Expectation::Deny => Expectation::Deny,
        },
        origin,
    })
}

fn caller(
    text: &Spanned<String>,
    clusters: &Clusters,
    found: &mut Vec<Diagnostic>,
) -> Option<Caller> {
    if text.value == "outside" {
        return Some(Caller::Outside);
    }
    if let Some(gateway) = text.strip_prefix("gateway:") {
        let (cluster, namespace, name) = parts(gateway)?;
        let cluster = match cluster {
            Some(cluster) => name::cluster(cluster, text.span, clusters, found)?,
            None => home(namespace, text.span, None, clusters, found)?,
        };
        let at = |part: &str| Spanned::new(part.to_owned(), text.span);
        let namespace = name::parse(&at(namespace), NamespaceName::parse, found)?;
        return Some(Caller::Gateway {
            namespace: NamespaceId { cluster: cluster.name.clone(), namespace },
            name: name::parse(&at(name), ObjectName::parse, found)?,
        });
    }
    let (namespace, id, name) = place(text, text, None, clusters, found)?;
    check_workload(namespace, &name, text.span, found);
    Some(Caller::Workload { namespace: id, name })
}

fn target(
    text: &Spanned<String>,
    near: Option<&Cluster>,
    clusters: &Clusters,
    found: &mut Vec<Diagnostic>,
) -> Option<Target> {
    let (pod, rest) = match text.strip_prefix("pod:") {
        Some(rest) => (true, rest),
        None => (false, text.as_str()),
    };
    let (rest, port_text) = rest.rsplit_once(':')?;
    let port = port_text.parse::<u16>().ok().filter(|p| *p > 0);
    if port.is_none() {
        found.push(
            Diagnostic::error("unknown-port", format!("`{port_text}` is not a port"))
                .at(text.span, "")
                .help("ports go from 1 to 65535"),
        );
    }
    let (namespace, id, name) = place(rest, text, near, clusters, found)?;
    let port = port?;
    if pod {
        check_workload(namespace, &name, text.span, found);
        return Some(Target::Pod { namespace: id, name, port });
    }
    check_service(namespace, &name, port, text.span, found);
    Some(Target::Service { namespace: id, name, port })
}

/// `[cluster/]namespace/name`, looked up.
fn place<'c>(
    text: &str,
    whole: &Spanned<String>,
    near: Option<&'c Cluster>,
    clusters: &'c Clusters,
    found: &mut Vec<Diagnostic>,
) -> Option<(&'c Namespace, NamespaceId, ObjectName)> {
    let (cluster, namespace, name) = parts(text)?;
    let cluster = match cluster {
        Some(cluster) => name::cluster(cluster, whole.span, clusters, found)?,
        None => home(namespace, whole.span, near, clusters, found)?,
    };
    let namespace = name::namespace(namespace, whole.span, cluster, found)?;
    let name = name::parse(&Spanned::new(name.to_owned(), whole.span), ObjectName::parse, found)?;
    let id = NamespaceId { cluster: cluster.name.clone(), namespace: namespace.name.clone() };
    Some((namespace, id, name))
}

fn parts(text: &str) -> Option<(Option<&str>, &str, &str)> {
    let parts: Vec<&str> = text.split('/').collect();
    match parts.as_slice() {
        [namespace, name] => Some((None, namespace, name)),
        [cluster, namespace, name] => Some((Some(cluster), namespace, name)),
        _ => None,
    }
}

/// The cluster that is meant where none is named: the caller's own if it has the namespace, else
/// the only one that has it, else the only one.
fn home<'c>(
    namespace: &str,
    span: Span,
    near: Option<&'c Cluster>,
    clusters: &'c Clusters,
    found: &mut Vec<Diagnostic>,
) -> Option<&'c Cluster> {
    if let Some(near) = near.filter(|c| c.namespaces.contains_key(namespace)) {
        return Some(near);
    }
    let having: Vec<&Cluster> =
        clusters.values().filter(|c| c.namespaces.contains_key(namespace)).collect();
    let mut all = clusters.values();
    match (having.as_slice(), all.next(), all.next()) {
        ([one], ..) => Some(one),
        ([], Some(only), None) => Some(only),
        ([], ..) => {
            let known = clusters.values().flat_map(|c| c.namespaces.keys().map(|n| n.as_str()));
            let help = name::hint(namespace, known, found)
                .unwrap_or_else(|| "add it to a cluster's `namespaces`".to_owned());
            found.push(
                Diagnostic::error(
                    "unknown-namespace",
                    format!("no cluster has a namespace `{namespace}`"),
                )
                .at(span, "")
                .help(help),
            );
            None
        }
        (several, ..) => {
            let names: Vec<String> =
                several.iter().take(4).map(|c| format!("`{}/{namespace}`", c.name)).collect();
            found.push(
                Diagnostic::error(
                    "ambiguous-cluster",
                    format!("{} clusters have a namespace `{namespace}`", several.len()),
                )
                .at(span, "")
                .help(format!("name the cluster too: {}", names.join(", "))),
            );
            None
        }
    }
}

/// A namespace of which nothing is known is not blamed for what it lacks.
fn check_workload(
    namespace: &Namespace,
    name: &ObjectName,
    span: Span,
    found: &mut Vec<Diagnostic>,
) {
    let known = || namespace.workloads.values().map(|w| w.name.as_str());
    if namespace.workloads.is_empty()
        || known().any(|w| w == name.as_str())
        || namespace.others.contains(name.as_str())
    {
        return;
    }
    found.push(
        Diagnostic::error(
            "unknown-workload",
            format!("namespace `{}` has no workload `{name}`", namespace.name),
        )
        .at(span, "")
        .help(
            did_you_mean(name.as_str(), known())
                .unwrap_or_else(|| "add its manifest to the inventory".to_owned()),
        ),
    );
}

fn check_service(
    namespace: &Namespace,
    name: &ObjectName,
    port: u16,
    span: Span,
    found: &mut Vec<Diagnostic>,
) {
    if namespace.services.is_empty() || namespace.others.contains(name.as_str()) {
        return;
    }
    let Some(service) = namespace.services.get(name) else {
        let known = namespace.services.keys().map(ObjectName::as_str);
        found.push(
            Diagnostic::error(
                "unknown-service",
                format!("namespace `{}` has no Service `{name}`", namespace.name),
            )
            .at(span, "")
            .help(
                did_you_mean(name.as_str(), known)
                    .unwrap_or_else(|| "add its manifest to the inventory".to_owned()),
            ),
        );
        return;
    };
    if !service.ports.iter().any(|p| p.port == port) {
        let ports: Vec<String> = service.ports.iter().map(|p| format!("`{}`", p.port)).collect();
        found.push(
            Diagnostic::error("unknown-port", format!("Service `{name}` has no port `{port}`"))
                .at(span, "")
                .also(service.origin, "this Service")
                .help(match ports.as_slice() {
                    [] => "it has no ports at all".to_owned(),
                    ports => format!("it has {}", ports.join(", ")),
                }),
        );
    }
}
