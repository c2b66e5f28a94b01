//! TSB's hierarchy laid over the clusters: which workspace and which setting each namespace has.

use std::collections::BTreeMap;

use super::name::Clusters;
use super::tenancy::{self, Settings, Tenancy};
use crate::diagnostic::{Diagnostic, FileId, Span, Spanned};
use crate::k8s::Object;
use crate::model::{Attributed, Closed, Fqn, Owner};
use crate::spec::tsb::read_documents;

/// Resolves the TSB resources and fills the namespaces with what they come to.
pub(super) fn govern(
    objects: Vec<Object>,
    organization: &Spanned<String>,
    policies: Owner,
    clusters: &mut Clusters,
    found: &mut Vec<Diagnostic>,
) -> Tenancy {
    let (documents, others, unread) = read_documents(objects);
    found.extend(unread);
    report_others(&others, found);
    let settings = Settings {
        organization: Attributed { value: organization.as_str(), origin: Some(organization.span) },
        clusters: clusters
            .values()
            .map(|cluster| tenancy::Cluster {
                name: &cluster.name,
                trust_domain: &cluster.trust_domain,
                namespaces: cluster.namespaces.keys().collect(),
            })
            .collect(),
        policies,
    };
    let (tenancy, unresolved) = tenancy::resolve(&documents, &settings);
    found.extend(unresolved);
    for cluster in clusters.values_mut() {
        for namespace in cluster.namespaces.values_mut() {
            namespace.security = tenancy.security(&cluster.name, &namespace.name);
            namespace.workspace =
                tenancy.workspace(&cluster.name, &namespace.name).map(Fqn::to_string);
        }
    }
    report_closed(clusters, found);
    tenancy
}

/// How many further places a finding shows.
const SHOWN: usize = 4;

/// Namespaces that nobody may call, though nothing says `denyAll`: the rules of one setting and one
/// reason are one finding. One allow rule closes everything that no rule opens (facts/tsb.md, "RULES
/// evaluation, in order").
fn report_closed(clusters: &Clusters, found: &mut Vec<Diagnostic>) {
    type Key<'a> = (Option<Span>, &'a Closed);
    let mut closed: BTreeMap<Key<'_>, Vec<(String, Span)>> = BTreeMap::new();
    for cluster in clusters.values() {
        for namespace in cluster.namespaces.values().filter(|n| n.is_in_mesh()) {
            let Attributed { value, origin } = &namespace.security.access;
            // a mode without a group has a finding of its own
            if let Some(why) = value.closed.as_ref().filter(|why| **why != Closed::NoGroup)
                && !value.deny_all
            {
                let name = format!("{}/{}", cluster.name, namespace.name);
                closed.entry((*origin, why)).or_default().push((name, namespace.origin));
            }
        }
    }
    for ((origin, why), namespaces) in closed {
        let Some(((name, at), rest)) = namespaces.split_first() else { continue };
        let subject = match rest.len() {
            0 => format!("namespace `{name}`"),
            1 => format!("namespace `{name}` and one more"),
            n => format!("namespace `{name}` and {n} more"),
        };
        let mut diagnostic = Diagnostic::warning(
            "nobody-may-call",
            format!("nobody may call {subject}: {}", why.why()),
        )
        .at(*at, "closed");
        if let Some(origin) = origin {
            diagnostic = diagnostic.also(origin, "by this");
        }
        if let Closed::NoCaller(rules) = why {
            for rule in rules.iter().take(SHOWN) {
                diagnostic = diagnostic.also(*rule, "its `from` takes no namespace");
            }
        }
        for (_, place) in rest.iter().take(SHOWN) {
            diagnostic = diagnostic.also(*place, "closed too");
        }
        found.push(diagnostic.help(match why {
            Closed::NoCaller(_) => "declare the namespaces of the callers in `clusters`, or correct the selector of what the rule names as `from`; if it is meant, write `denyAll: true`",
            Closed::NoAccount => "correct the entries of `serviceAccounts`, or declare their namespaces in `clusters`",
            Closed::NoRule | Closed::NoGroup => "add a rule whose `to` is its workspace: one from the workspace to itself lets its own pods in; if it is meant, write `denyAll: true` for it",
        }));
    }
}

/// What stands among TSB resources and is none: one finding a file.
fn report_others(others: &[Object], found: &mut Vec<Diagnostic>) {
    let mut by_file: BTreeMap<FileId, Vec<&Object>> = BTreeMap::new();
    for object in others {
        by_file.entry(object.span().file).or_default().push(object);
    }
    for objects in by_file.values() {
        let [first, rest @ ..] = objects.as_slice() else { continue };
        let more = match rest.len() {
            0 => "it has no place here".to_owned(),
            n => format!("it and {n} more of this file have no place here"),
        };
        found.push(
            Diagnostic::error(
                "not-tsb",
                format!("{} is not a TSB resource", first.reference()),
            )
            .at(first.name_span(), more)
            .help("name its file under `sources.inventory`, or under `sources.direct` if it is Istio's"),
        );
    }
}
