//! Why a namespace has the setting it has.

use super::access::Scope;
use super::caller::{Caller, callers};
use super::declared::Policy;
use super::propagation::{self, Effective, Fate};
use super::rule::{self, RuleList};
use super::{Governed, Tenancy};
use crate::diagnostic::Span;
use crate::model::{ClusterName, Fqn, NamespaceId, NamespaceName, SecuritySetting, TrafficMode};

/// The effective setting of a namespace, and for each part what every level says to it.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The namespace.
    pub namespace: NamespaceId,
    /// The workspace that owns it; without one no setting of TSB governs it.
    pub workspace: Option<Membership>,
    /// Its security group.
    pub group: Option<Membership>,
    /// Its security domain.
    pub domain: Option<Fqn>,
    /// What it comes to.
    pub setting: SecuritySetting,
    /// What the levels say about `trafficMode`, from the organization down.
    pub traffic_mode: Vec<Step>,
    /// What the levels say about `authorization`, from the organization down.
    pub authorization: Vec<Step>,
    /// The rules that name this namespace as `to`: denials first.
    pub rules: Vec<RuleHere>,
    /// Everyone whom the effective setting names, the refused first.
    pub callers: Vec<Caller>,
}

/// What the namespace belongs to, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The workspace or group.
    pub fqn: Fqn,
    /// The entry of its selector that takes the namespace.
    pub entry: Span,
}

/// What one level says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The level.
    pub level: Fqn,
    /// The word it says, such as `REQUIRED` or `RULES`.
    pub says: String,
    /// Where it says it.
    pub span: Option<Span>,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of what a level says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It holds.
    Holds,
    /// It holds together with what the levels above say.
    Merged,
    /// A lower level replaced it.
    Replaced,
    /// A lower level is stricter.
    Outdone,
    /// A level above is stricter, and STRICTER is in force.
    Weaker,
}

impl Outcome {
    /// The reason in a few words.
    pub fn why(self) -> &'static str {
        match self {
            Outcome::Holds => "holds",
            Outcome::Merged => "holds together with the levels above (STRICTER)",
            Outcome::Replaced => "replaced by a lower level",
            Outcome::Outdone => "a lower level is stricter",
            Outcome::Weaker => "no effect: a level above is stricter (STRICTER)",
        }
    }
}

/// A rule that names the namespace as `to`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleHere {
    /// True for `deny`.
    pub denies: bool,
    /// Who calls.
    pub from: Fqn,
    /// What it names as `to`.
    pub to: Fqn,
    /// Where it stands.
    pub span: Span,
}

impl Tenancy {
    /// Why a namespace has the setting it has.
    pub fn explain(&self, cluster: &ClusterName, namespace: &NamespaceName) -> Explanation {
        let governed = self.governed(cluster, namespace);
        let mut explanation = Explanation {
            namespace: NamespaceId { cluster: cluster.clone(), namespace: namespace.clone() },
            workspace: None,
            group: None,
            domain: None,
            setting: self.security(cluster, namespace),
            traffic_mode: Vec::new(),
            authorization: Vec::new(),
            rules: Vec::new(),
            callers: Vec::new(),
        };
        if let Some(governed) = governed {
            let Governed { scope, workspace_entry, group_entry, .. } = governed;
            let of =
                |id: usize, entry: Span| Membership { fqn: self.tree.nodes[id].fqn.clone(), entry };
            explanation.workspace = Some(of(scope.workspace, *workspace_entry));
            explanation.group = scope.group.map(|id| of(id, *group_entry));
            explanation.domain =
                self.domains.of_node[scope.level()].map(|id| self.domains.names()[id].clone());
            self.explain_levels(governed, &mut explanation);
        }
        explanation
    }

    /// Lays the levels over each other once more, this time with the reasons.
    fn explain_levels(&self, governed: &Governed, explanation: &mut Explanation) {
        let scope = governed.scope;
        let mut levels: Vec<usize> = self.tree.lineage(scope.level()).collect();
        levels.reverse();
        let mut effective = Effective::nothing();
        for id in levels {
            let Some(own) = &self.declared[id] else { continue };
            let (next, fates) =
                propagation::lay_over(&effective, own, &self.tree, &self.domains, &mut Vec::new());
            effective = next;
            let stricter = effective.strategy == crate::spec::tsb::Strategy::Stricter;
            let level = &self.tree.nodes[id].fqn;
            if let Some(mode) = &own.traffic_mode {
                let says = match mode.value {
                    TrafficMode::Unset => "UNSET",
                    TrafficMode::Optional => "OPTIONAL",
                    TrafficMode::Required => "REQUIRED",
                };
                let step = (level, says, mode.origin);
                add(&mut explanation.traffic_mode, step, fates.traffic_mode, stricter);
            }
            if let Some(policy) = &own.policy {
                let says = match &policy.value {
                    Policy::Rules(rules) if rules.deny_all => "RULES with denyAll",
                    other => other.mode().as_str(),
                };
                let step = (level, says, policy.origin);
                add(&mut explanation.authorization, step, fates.policy, stricter);
            }
        }
        let Some(policy) = effective.policy else { return };
        explanation.callers = callers(self, &explanation.namespace, governed, &policy);
        if let Policy::Rules(rules) = policy.value {
            explanation.rules = self.rules_here(scope, &rules.deny, true);
            explanation.rules.extend(self.rules_here(scope, &rules.allow, false));
        }
    }

    fn rules_here(&self, scope: Scope, rules: &RuleList, denies: bool) -> Vec<RuleHere> {
        let name = |target| rule::name(&self.tree, &self.domains, target).clone();
        let targets = scope.targets(&self.tree, &self.domains);
        let mut here: Vec<RuleHere> = targets
            .into_iter()
            .flat_map(|to| rules.to(to))
            .map(|rule| RuleHere {
                denies,
                from: name(rule.from),
                to: name(rule.to),
                span: rule.span,
            })
            .collect();
        here.sort_by_key(|rule| rule.span);
        here
    }
}

fn add(steps: &mut Vec<Step>, said: (&Fqn, &str, Option<Span>), fate: Fate, stricter: bool) {
    let (level, says, span) = said;
    let outcome = match fate {
        Fate::Silent => return,
        Fate::Holds => {
            for step in steps.iter_mut().filter(|s| s.outcome.still_holds()) {
                step.outcome = if stricter { Outcome::Outdone } else { Outcome::Replaced };
            }
            Outcome::Holds
        }
        Fate::Merged => Outcome::Merged,
        Fate::Weaker => Outcome::Weaker,
    };
    steps.push(Step { level: level.clone(), says: says.to_owned(), span, outcome });
}

impl Outcome {
    fn still_holds(self) -> bool {
        matches!(self, Outcome::Holds | Outcome::Merged)
    }
}
