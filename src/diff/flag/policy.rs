//! Authorization policies that deny less, allow more, or are bound elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::atom::{Atom, atoms, uncovered};
use super::twin::Staying;
use super::{Code, Context, Flag, names};
use crate::diff::object::ObjectChange;
use crate::diff::tree::TreeDiff;
use crate::diff::version::ObjectVersion;

pub(super) fn flags(diff: &TreeDiff, context: &Context<'_>, flags: &mut Vec<Flag>) {
    let mut staying = Staying::new(diff, context);
    let mut groups: BTreeMap<(Code, String, Option<String>), Vec<Said<'_>>> = BTreeMap::new();
    for change in &diff.objects {
        let is_policy = |v: &ObjectVersion| v.is("security.istio.io", "AuthorizationPolicy");
        if !change.version().is_some_and(is_policy) {
            continue;
        }
        for said in of_policy(change) {
            let is_gone = said.is_whole && matches!(said.code, Code::AllowGone | Code::DenyGone);
            if is_gone && staying.cover(said.policy, action(said.policy)) {
                continue;
            }
            let place = (said.policy.cluster().to_owned(), said.policy.reference.namespace.clone());
            groups.entry((said.code, place.0, place.1)).or_default().push(said);
        }
    }
    flags.extend(groups.into_iter().map(|((code, cluster, namespace), said)| {
        let message = message(code, &said);
        let objects = said.iter().map(|s| s.policy.reference.clone()).collect();
        Flag { code, cluster, namespace, objects, message }
    }));
}

/// One sentence for what the policies of a namespace have in common.
fn message(code: Code, said: &[Said<'_>]) -> String {
    let policies = names(said.iter().map(|s| s.policy.reference.name.as_str()));
    let is_one = said.len() == 1;
    let noun = if is_one { "policy" } else { "policies" };
    let verb = |one: &'static str, many: &'static str| if is_one { one } else { many };
    let (are, is_whole) = (verb("is", "are"), said.iter().all(|s| s.is_whole));
    let mut text = match (code, is_whole) {
        (Code::DenyGone, true) => format!("DENY {noun} {policies} {are} gone"),
        (Code::DenyGone, false) => {
            format!("DENY {noun} {policies} {} less than before", verb("denies", "deny"))
        }
        (Code::DenyAdded, true) => format!("DENY {noun} {policies} {are} new"),
        (Code::DenyAdded, false) => {
            format!("DENY {noun} {policies} {} more than before", verb("denies", "deny"))
        }
        (Code::PolicyRebound, _) => format!("{noun} {policies} {are} bound to something else"),
        (Code::AllowGone, _) => format!(
            "ALLOW {noun} {policies} {are} gone: without another one there, everything is allowed \
             that nothing denies"
        ),
        _ => format!("ALLOW {noun} {policies} {} more than before", verb("allows", "allow")),
    };
    let values: BTreeSet<&str> =
        said.iter().flat_map(|s| s.values.iter().map(String::as_str)).collect();
    if !values.is_empty() {
        text.push_str(": ");
        text.push_str(&names(values));
    }
    text
}

/// One thing about one policy.
struct Said<'a> {
    code: Code,
    policy: &'a ObjectVersion,
    /// The whole policy came or went.
    is_whole: bool,
    /// Who or what it is about.
    values: Vec<String>,
}

fn of_policy(change: &ObjectChange) -> Vec<Said<'_>> {
    let mut said = Vec::new();
    if let Some((before, after)) = change.same() {
        let (was, is) = (action(before), action(after));
        if was == is {
            of_rules(was, before, after, &mut said);
            if binding(before) != binding(after) {
                said.push(Said {
                    code: Code::PolicyRebound,
                    policy: after,
                    is_whole: false,
                    values: Vec::new(),
                });
            }
        } else {
            said.extend(lost(before));
            said.extend(gained(after));
        }
    } else {
        let (before, after) = change.sides();
        said.extend(before.and_then(lost));
        said.extend(after.and_then(gained));
    }
    said
}

/// Absent is ALLOW (istio.io/v1 AuthorizationPolicy, `action`).
fn action(policy: &ObjectVersion) -> &str {
    policy.text_at("/spec/action").unwrap_or("ALLOW")
}

fn binding(policy: &ObjectVersion) -> [Option<&Value>; 3] {
    ["/spec/selector", "/spec/targetRef", "/spec/targetRefs"].map(|pointer| policy.at(pointer))
}

fn lost(policy: &ObjectVersion) -> Option<Said<'_>> {
    let code = match action(policy) {
        "DENY" => Code::DenyGone,
        "ALLOW" => Code::AllowGone,
        _ => return None,
    };
    // a DENY policy without rules never denied
    let atoms = atoms(policy.at("/spec/rules")).unwrap_or_default();
    let is_idle = code == Code::DenyGone && atoms.is_empty();
    let values = if code == Code::DenyGone { values(atoms.iter(), &[]) } else { Vec::new() };
    (!is_idle).then_some(Said { code, policy, is_whole: true, values })
}

/// A new ALLOW policy only narrows where there was none, and widens where there was another: the
/// simulator tells. A new DENY policy cuts.
fn gained(policy: &ObjectVersion) -> Option<Said<'_>> {
    let atoms = atoms(policy.at("/spec/rules")).unwrap_or_default();
    let denies = action(policy) == "DENY" && !atoms.is_empty();
    denies.then(|| Said {
        code: Code::DenyAdded,
        policy,
        is_whole: true,
        values: values(atoms.iter(), &[]),
    })
}

fn of_rules<'a>(
    action: &str,
    before: &'a ObjectVersion,
    after: &'a ObjectVersion,
    said: &mut Vec<Said<'a>>,
) {
    let (was, is) = (atoms(before.at("/spec/rules")), atoms(after.at("/spec/rules")));
    let mut say = |code, atoms: Vec<&Atom>, others: &[Atom]| {
        if !atoms.is_empty() {
            let values = values(atoms.into_iter(), others);
            said.push(Said { code, policy: after, is_whole: false, values });
        }
    };
    let (less, more) = match action {
        "DENY" => (Some(Code::DenyGone), Some(Code::DenyAdded)),
        "ALLOW" => (None, Some(Code::AllowWidened)),
        _ => (None, None),
    };
    let (Some(was), Some(is)) = (was, is) else {
        // rules that cannot be read may say anything
        if before.at("/spec/rules") != after.at("/spec/rules") {
            let code = less.or(more);
            let policy = after;
            said.extend(code.map(|code| Said {
                code,
                policy,
                is_whole: false,
                values: Vec::new(),
            }));
        }
        return;
    };
    if let Some(code) = less {
        say(code, uncovered(&was, &is), &is);
    }
    if let Some(code) = more {
        say(code, uncovered(&is, &was), &was);
    }
}

/// What atoms name that the others do not.
fn values<'a>(atoms: impl Iterator<Item = &'a Atom>, others: &[Atom]) -> Vec<String> {
    let known: BTreeSet<&str> = others.iter().flat_map(Atom::values).collect();
    let values: BTreeSet<&str> = atoms.flat_map(Atom::values).collect();
    values.difference(&known).map(|value| (*value).to_owned()).collect()
}
