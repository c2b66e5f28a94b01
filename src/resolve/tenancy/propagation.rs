//! One level's setting laid over what comes from above
//! (facts/tsb.md, "Hierarchy and propagation").
//!
//! - "REPLACE (default): the lower definition replaces the higher"; what is missing or UNSET is
//!   inherited.
//! - "STRICTER set anywhere above wins over REPLACE below; the strategy can only change from
//!   REPLACE to STRICTER on the way down." A level that says STRICTER itself is merged so too: this
//!   never gives more access than the other reading.

use std::sync::Arc;

use super::account::Account;
use super::declared::{Declared, Policy};
use super::domain::Domains;
use super::hierarchy::Tree;
use super::rule::{Rule, RuleList, RuleSet, contains, name};
use crate::diagnostic::{Diagnostic, Span};
use crate::model::{Attributed, TrafficMode};
use crate::spec::tsb::Strategy;

/// What holds at a level, with all above it.
#[derive(Clone, Debug)]
pub(super) struct Effective {
    pub traffic_mode: Attributed<TrafficMode>,
    pub policy: Option<Attributed<Policy>>,
    pub strategy: Strategy,
}

impl Effective {
    /// What holds where nothing is said.
    pub fn nothing() -> Self {
        Self { traffic_mode: Attributed::default(), policy: None, strategy: Strategy::Replace }
    }
}

/// What became of what a level says about one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It says nothing.
    Silent,
    /// It holds from here on.
    Holds,
    /// It holds together with what comes from above.
    Merged,
    /// What comes from above is stricter, and holds.
    Weaker,
}

/// What became of a level's setting.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fates {
    pub traffic_mode: Fate,
    pub policy: Fate,
}

/// Lays a level's setting over what comes from above. Reported: parts that have no effect because
/// what is above is stricter.
pub(super) fn lay_over(
    above: &Effective,
    own: &Declared,
    tree: &Tree,
    domains: &Domains,
    found: &mut Vec<Diagnostic>,
) -> (Effective, Fates) {
    let strategy = above.strategy.max(own.strategy);
    let stricter = strategy == Strategy::Stricter;

    // "trafficMode UNSET → OPTIONAL → REQUIRED"
    let (traffic_mode, traffic_fate) = match &own.traffic_mode {
        None => (above.traffic_mode.clone(), Fate::Silent),
        Some(own) if stricter && above.traffic_mode.value > own.value => {
            found.push(weaker("trafficMode", own.origin, above.traffic_mode.origin));
            (above.traffic_mode.clone(), Fate::Weaker)
        }
        Some(own) => (own.clone(), Fate::Holds),
    };

    let (policy, policy_fate) = match (&above.policy, &own.policy) {
        (above, None) => (above.clone(), Fate::Silent),
        (Some(above), Some(own)) if stricter => {
            let (policy, fate) = stricter_policy(above, own, tree, domains, found);
            (Some(policy), fate)
        }
        (_, Some(own)) => (Some(own.clone()), Fate::Holds),
    };
    let fates = Fates { traffic_mode: traffic_fate, policy: policy_fate };
    (Effective { traffic_mode, policy, strategy }, fates)
}

/// "Strictness order, least strict first: UNSET → DISABLED → CLUSTER → WORKSPACE → NAMESPACE →
/// GROUP → RULES → CUSTOM"; two RULES and two CUSTOM are merged.
fn stricter_policy(
    above: &Attributed<Policy>,
    own: &Attributed<Policy>,
    tree: &Tree,
    domains: &Domains,
    found: &mut Vec<Diagnostic>,
) -> (Attributed<Policy>, Fate) {
    let merged = match (&above.value, &own.value) {
        (Policy::Rules(above), Policy::Rules(own)) => {
            Policy::Rules(Arc::new(merge_rules(above, own, tree, domains, found)))
        }
        (Policy::Custom(above), Policy::Custom(own)) => {
            Policy::Custom(Arc::new(merge_accounts(above, own, found)))
        }
        (higher, lower) if higher.mode() > lower.mode() => {
            found.push(weaker("mode", own.origin, above.origin));
            return (above.clone(), Fate::Weaker);
        }
        _ => return (own.clone(), Fate::Holds),
    };
    (Attributed { value: merged, origin: own.origin }, Fate::Merged)
}

/// "Denies accumulate from all ancestors; allows may only narrow, to the same resource or a
/// descendant, on each side."
///
/// Where no allow rule of the child is left, the parent's hold, as is documented for two CUSTOM
/// lists. Where the parent has none, everything was allowed, and the child's narrow that.
fn merge_rules(
    above: &RuleSet,
    own: &RuleSet,
    tree: &Tree,
    domains: &Domains,
    found: &mut Vec<Diagnostic>,
) -> RuleSet {
    let allow = if above.allow.is_empty() {
        own.allow.clone()
    } else {
        let narrows = |rule: &Rule| {
            above.allow.iter().any(|outer| {
                contains(tree, domains, outer.from, rule.from)
                    && contains(tree, domains, outer.to, rule.to)
            })
        };
        let (kept, dropped): (Vec<&Rule>, Vec<&Rule>) = own.allow.iter().partition(|r| narrows(r));
        for rule in dropped {
            let side = |target| name(tree, domains, target).name();
            let what = format!("the allow rule from `{}` to `{}`", side(rule.from), side(rule.to));
            found.push(wider(&what, rule.span));
        }
        if kept.is_empty() {
            above.allow.clone()
        } else {
            RuleList::new(kept.into_iter().cloned().collect())
        }
    };
    let mut deny: Vec<Rule> = above.deny.iter().cloned().collect();
    for rule in own.deny.iter() {
        if !deny.iter().any(|other| (other.from, other.to) == (rule.from, rule.to)) {
            deny.push(rule.clone());
        }
    }
    RuleSet { deny_all: above.deny_all || own.deny_all, allow, deny: RuleList::new(deny) }
}

/// "Only child service accounts equal to or narrower than a parent's survive (`ns/*` → `ns/sa`);
/// if none does, the parent's list is kept."
fn merge_accounts(above: &[Account], own: &[Account], found: &mut Vec<Diagnostic>) -> Vec<Account> {
    let (kept, dropped): (Vec<&Account>, Vec<&Account>) =
        own.iter().partition(|account| above.iter().any(|outer| account.who.within(&outer.who)));
    for account in dropped {
        found.push(wider(&format!("`{}`", account.who), account.span));
    }
    if kept.is_empty() { above.to_vec() } else { kept.into_iter().cloned().collect() }
}

fn weaker(field: &str, at: Option<Span>, above: Option<Span>) -> Diagnostic {
    let mut diagnostic = Diagnostic::warning(
        "weaker-than-above",
        format!("this `{field}` has no effect: what a level above says is stricter"),
    )
    .help("with `propagationStrategy: STRICTER` a lower level can only be stricter");
    if let Some(span) = at {
        diagnostic = diagnostic.at(span, "");
    }
    if let Some(span) = above {
        diagnostic = diagnostic.also(span, "this holds");
    }
    diagnostic
}

fn wider(what: &str, at: Span) -> Diagnostic {
    Diagnostic::warning(
        "wider-than-above",
        format!("{what} has no effect: a level above allows less"),
    )
    .at(at, "")
    .help("with `propagationStrategy: STRICTER` a lower level can only narrow what is allowed")
}
