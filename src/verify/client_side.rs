//! Objects of others that Argo CD would take over as a whole, though only a part of them is rendered.
//!
//! The kubectl in Argo CD gives its server-side apply all fields of whoever owns the annotation of a
//! client-side apply by an update (`k8s.io/kubectl`, `migrateToSSAIfNecessary`), whatever the option
//! `ClientSideApplyMigration` says, and applies again, which deletes what is not rendered (seen with
//! Argo CD 3.2).

use super::{Dump, One, Verdict, managers};
use crate::diagnostic::Diagnostic;
use crate::k8s::Object;
use crate::model::{Target, Unit};

const QUESTION: &str = "Argo CD takes nothing over from a client-side apply";
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

pub(super) fn check(one: &One<'_>, dump: &Dump, verdict: &mut Verdict) {
    let delivery = one.expected.environment.delivery.as_ref();
    if !delivery.is_some_and(|delivery| delivery.targets.contains(&Target::ArgoCd)) {
        return;
    }
    let is_part = |unit: &Unit| matches!(unit, Unit::Enrollment | Unit::Workloads);
    let parts: Vec<&Object> = one
        .expected
        .applied
        .iter()
        .filter(|(unit, object)| is_part(unit) && one.owns(object))
        .filter_map(|(_, object)| dump.get(&object.reference()))
        .collect();
    let found = parts.iter().filter_map(|live| client_side(live)).collect();
    verdict.answer(Some(one.name()), QUESTION, !parts.is_empty(), found);
}

fn client_side(live: &Object) -> Option<Diagnostic> {
    let mut owners = managers::of(live, &["metadata", "annotations", LAST_APPLIED]);
    owners.retain(|owner| owner.ends_with("(Update)"));
    if owners.is_empty() {
        return None;
    }
    Some(
        Diagnostic::error(
            "client-side-applied",
            format!("{} was applied client-side", live.reference()),
        )
        .at(live.name_span(), format!("by {}", owners.join(" and ")))
        .help("Argo CD would take it over and delete what is not rendered: let its owner apply it with `kubectl apply --server-side --force-conflicts`, now and from then on"),
    )
}
