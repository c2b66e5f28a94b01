//! What the user applies beside waypost: `sources.direct` is part of the cluster, and is there as it is
//! written.
//!
//! Custom resources alone are compared: the API server keeps them as they are written, but for defaults
//! that it adds. Kubernetes' own kinds it rewrites (`0.1` of a processor becomes `100m`; facts/gitops-delivery.md
//! 2.4.4), which would be an alarm about nothing: of those it is asked whether they are there.

use super::objects::{first_difference, is_being_deleted_note};
use super::{Dump, Expected, Verdict, managers};
use crate::diagnostic::Diagnostic;
use crate::k8s::Object;

const QUESTION: &str = "what is applied beside waypost is as written";

pub(super) fn check(expected: &Expected<'_>, dump: &Dump, verdict: &mut Verdict) {
    if expected.direct.is_empty() {
        return;
    }
    // a dump of some kinds only says nothing of the others
    let is_known = |object: &&Object| dump.has_kind(&object.gvk.group, &object.gvk.kind);
    let known: Vec<&Object> = expected.direct.iter().map(|o| &**o).filter(is_known).collect();
    let is_told = known.len() == expected.direct.len();
    let found = known.into_iter().filter_map(|object| compare(object, dump)).collect();
    verdict.answer(None, QUESTION, is_told, found);
}

fn compare(object: &Object, dump: &Dump) -> Option<Diagnostic> {
    let reference = object.reference();
    let from = "of `sources.direct`";
    let apply = "apply it again, or take it out of `sources.direct` if it is not meant any more";
    let Some(live) = dump.get(&reference) else {
        let message = format!("{reference} {from} is not in the cluster");
        return Some(Diagnostic::error("missing-object", message).help(apply));
    };
    if let Some(finding) = is_being_deleted_note(live, from) {
        return Some(finding);
    }
    // those of Kubernetes have no dot, or end like its own
    let group = &object.gvk.group;
    if !group.contains('.') || (group.ends_with(".k8s.io") && group != "gateway.networking.k8s.io")
    {
        return None;
    }
    let difference = first_difference(object, live)?;
    let path: Vec<&str> = difference.path.iter().map(String::as_str).collect();
    let owners = managers::of(live, &path);
    let message = format!(
        "{reference}: `{}` is {}, and written {}{}",
        path.join("."),
        difference.found,
        difference.wanted,
        difference.more
    );
    Some(
        Diagnostic::error("stale-object", message)
            .at(difference.at, format!("set {}", managers::told(&owners)))
            .help(apply),
    )
}
