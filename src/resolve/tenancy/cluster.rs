//! Cluster documents beside the environment's clusters.

use super::inventory::Inventory;
use crate::diagnostic::Diagnostic;
use crate::spec::tsb::{DocumentKind, TsbDocument, TsbKind};

/// "`Cluster.spec.trustDomain` must be unique per cluster and match the control plane"
/// (facts/tsb.md, "Secrets, Helm, examples, trust domain"): principals are built from it.
pub(super) fn report(
    documents: &[TsbDocument],
    inventory: &Inventory,
    found: &mut Vec<Diagnostic>,
) {
    for document in documents {
        if document.kind != DocumentKind::Known(TsbKind::Cluster) {
            continue;
        }
        let spec = document.object.body.get("spec");
        let Some(written) = spec.and_then(|spec| spec.get("trustDomain")) else { continue };
        let Some(cluster) = inventory.cluster(&document.object.name) else { continue };
        let (trust_domain, wanted) = (written.as_str(), cluster.trust_domain.as_str());
        if let Some(other) = trust_domain.filter(|other| *other != wanted) {
            found.push(
                Diagnostic::error(
                    "trust-domain-mismatch",
                    format!(
                        "cluster `{}` has trust domain `{other}` here, and `{wanted}` in the environment",
                        cluster.name
                    ),
                )
                .at(written.span, "")
                .help(format!("write `trustDomain: {other}` for the cluster in the environment, or `{wanted}` here")),
            );
        }
    }
}
