//! TSB's hierarchy laid over the clusters: which workspace and which setting each namespace has.

use std::collections::BTreeMap;

use super::name::Clusters;
use super::tenancy::{self, Settings, Tenancy};
use crate::diagnostic::{Diagnostic, FileId, Spanned};
use crate::k8s::Object;
use crate::model::{Attributed, Fqn, Owner};
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
    tenancy
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
