//! Texts that are names: parsed, looked up, told apart.

use std::collections::BTreeMap;
use std::fmt;

use crate::diagnostic::{Diagnostic, Span, Spanned, nearest};
use crate::model::{Cluster, ClusterName, Namespace, NamespaceId, NamespaceName};

/// Clusters by name.
pub(super) type Clusters = BTreeMap<ClusterName, Cluster>;

/// Reads a text as a name. The schema has said the same before; this is what makes it true.
pub(super) fn parse<T, E: fmt::Display>(
    text: &Spanned<String>,
    parse: impl Fn(&str) -> Result<T, E>,
    found: &mut Vec<Diagnostic>,
) -> Option<T> {
    match parse(text) {
        Ok(name) => Some(name),
        Err(e) => {
            found.push(Diagnostic::error("invalid-name", e.to_string()).at(text.span, ""));
            None
        }
    }
}

/// Finds a cluster, or says which there are.
pub(super) fn cluster<'c>(
    name: &str,
    span: Span,
    clusters: &'c Clusters,
    found: &mut Vec<Diagnostic>,
) -> Option<&'c Cluster> {
    let cluster = clusters.get(name);
    if cluster.is_none() {
        let diagnostic =
            Diagnostic::error("unknown-cluster", format!("there is no cluster `{name}`"))
                .at(span, "");
        let help = hint(name, clusters.keys().map(ClusterName::as_str), found)
            .unwrap_or_else(|| "add it to `clusters`".to_owned());
        found.push(diagnostic.help(help));
    }
    cluster
}

/// Finds a namespace of a cluster, or says which is near.
pub(super) fn namespace<'c>(
    name: &str,
    span: Span,
    cluster: &'c Cluster,
    found: &mut Vec<Diagnostic>,
) -> Option<&'c Namespace> {
    let namespace = cluster.namespaces.get(name);
    if namespace.is_none() {
        let help = hint(name, cluster.namespaces.keys().map(NamespaceName::as_str), found)
            .unwrap_or_else(|| format!("add it to the cluster's `namespaces`, as `name: {name}`"));
        found.push(
            Diagnostic::error(
                "unknown-namespace",
                format!("cluster `{}` has no namespace `{name}`", cluster.name),
            )
            .at(span, "")
            .help(help),
        );
    }
    namespace
}

/// Finds the namespace behind `cluster/namespace`.
pub(super) fn namespace_id(
    text: &Spanned<String>,
    clusters: &Clusters,
    found: &mut Vec<Diagnostic>,
) -> Option<NamespaceId> {
    let (cluster_name, namespace_name) = text.split_once('/')?;
    let cluster = cluster(cluster_name, text.span, clusters, found)?;
    let namespace = namespace(namespace_name, text.span, cluster, found)?;
    Some(NamespaceId { cluster: cluster.name.clone(), namespace: namespace.name.clone() })
}

/// The advice that names the nearest known word.
pub(super) fn did_you_mean<'a>(
    word: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    nearest(word, known).map(|near| format!("did you mean `{near}`?"))
}

/// After so many findings nobody reads advice, and each costs a look at every name.
const HINTED: usize = 200;

/// [`did_you_mean`], as long as there are not too many findings.
pub(super) fn hint<'a>(
    word: &str,
    known: impl IntoIterator<Item = &'a str>,
    found: &[Diagnostic],
) -> Option<String> {
    if found.len() < HINTED { did_you_mean(word, known) } else { None }
}

/// What the finding for a name that is given twice looks like.
pub(super) fn duplicate(what: &str, name: &str, again: Span, first: Span) -> Diagnostic {
    Diagnostic::error("duplicate-name", format!("two {what} are called `{name}`"))
        .at(again, "again here")
        .also(first, "first here")
        .help("rename one of them, or merge them")
}
