//! `authorization.rules`: names looked up, repetitions refused
//! (facts/tsb.md, "RULES evaluation, in order").

use std::collections::BTreeMap;

use super::domain::{DomainId, Domains};
use super::hierarchy::{NodeId, Tree};
use super::organization::Organizations;
use super::resource::bad_fqn;
use crate::diagnostic::{Diagnostic, Span, Spanned, nearest};
use crate::model::{Collection, Fqn};
use crate::spec::tsb;

/// A side of a rule: "Tenant, Workspace or Security Group … or a security domain".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Target {
    Node(NodeId),
    Domain(DomainId),
}

/// One rule.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rule {
    pub from: Target,
    pub to: Target,
    pub span: Span,
}

/// The rules of one level, or of several levels together.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct RuleSet {
    pub deny_all: bool,
    pub allow: RuleList,
    pub deny: RuleList,
}

/// Rules that can be asked for by their `to`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct RuleList {
    rules: Vec<Rule>,
    by_to: BTreeMap<Target, Vec<usize>>,
}

impl RuleList {
    pub fn new(rules: Vec<Rule>) -> Self {
        let mut by_to: BTreeMap<Target, Vec<usize>> = BTreeMap::new();
        for (index, rule) in rules.iter().enumerate() {
            by_to.entry(rule.to).or_default().push(index);
        }
        Self { rules, by_to }
    }

    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter()
    }

    /// The rules whose `to` is this.
    pub fn to(&self, target: Target) -> impl Iterator<Item = &Rule> {
        self.by_to.get(&target).into_iter().flatten().map(|index| &self.rules[*index])
    }
}

/// True when everything in `inner` is in `outer`: the same resource, a descendant, or a member of
/// the domain.
pub(super) fn contains(tree: &Tree, domains: &Domains, outer: Target, inner: Target) -> bool {
    match (outer, inner) {
        (Target::Node(outer), Target::Node(inner)) => tree.contains(outer, inner),
        (Target::Domain(outer), Target::Node(inner)) => domains.of_node[inner] == Some(outer),
        (Target::Domain(outer), Target::Domain(inner)) => outer == inner,
        (Target::Node(_), Target::Domain(_)) => false,
    }
}

/// What a target is called.
pub(super) fn name<'a>(tree: &'a Tree, domains: &'a Domains, target: Target) -> &'a Fqn {
    match target {
        Target::Node(id) => &tree.nodes[id].fqn,
        Target::Domain(id) => &domains.names()[id],
    }
}

/// Reads rules against what exists.
pub(super) struct RuleReader<'a, 'o> {
    pub tree: &'a Tree,
    pub domains: &'a Domains,
    pub organizations: &'a mut Organizations<'o>,
}

impl RuleReader<'_, '_> {
    /// Reads the rules of the setting of a level. A rule that cannot be read is reported and left
    /// out.
    pub fn read(
        &mut self,
        level: NodeId,
        rules: &tsb::Rules,
        found: &mut Vec<Diagnostic>,
    ) -> RuleSet {
        RuleSet {
            deny_all: rules.deny_all,
            allow: self.list(level, &rules.allow, "allow", found),
            deny: self.list(level, &rules.deny, "deny", found),
        }
    }

    fn list(
        &mut self,
        level: NodeId,
        rules: &[tsb::Rule],
        which: &str,
        found: &mut Vec<Diagnostic>,
    ) -> RuleList {
        let mut read = Vec::with_capacity(rules.len());
        for rule in rules {
            let from = self.target(&rule.from, "from", found);
            let to = self.target(&rule.to, "to", found);
            if let (Some(from), Some(to)) = (from, to) {
                if !self.concerns(level, to) {
                    found.push(self.out_of_scope(level, &rule.to));
                }
                read.push(Rule { from, to, span: rule.span });
            }
        }
        self.report_repetitions(&read, which, found);
        RuleList::new(read)
    }

    fn target(
        &mut self,
        text: &Spanned<String>,
        side: &str,
        found: &mut Vec<Diagnostic>,
    ) -> Option<Target> {
        let fqn = match Fqn::parse(&text.value) {
            Ok(fqn) => fqn,
            Err(error) => {
                found.push(bad_fqn(&error, text.span));
                return None;
            }
        };
        let own = self.organizations.name();
        self.organizations.of_name(fqn.organization_name(), text.span, text.value.clone());
        let foreign = fqn.organization_name() != own;
        let fqn = fqn.in_organization(own);
        let target = match fqn.collection() {
            Collection::Tenants | Collection::Workspaces | Collection::SecurityGroups => {
                self.tree.get(&fqn).map(Target::Node)
            }
            Collection::SecurityDomains => self.domains.get(&fqn).map(Target::Domain),
            other => {
                found.push(
                    Diagnostic::error(
                        "bad-rule-target",
                        format!(
                            "{} `{}` cannot be the `{side}` of a rule",
                            other.noun(),
                            fqn.name()
                        ),
                    )
                    .at(text.span, "")
                    .help(
                        "a rule names a tenant, a workspace, a security group or a security domain",
                    ),
                );
                return None;
            }
        };
        if target.is_none() && !foreign && !self.tree.is_doubtful(&fqn) {
            found.push(self.unknown(&fqn, text));
        }
        target
    }

    fn unknown(&self, fqn: &Fqn, text: &Spanned<String>) -> Diagnostic {
        let noun = fqn.collection().noun();
        let near = if fqn.collection() == Collection::SecurityDomains {
            let names = self.domains.names();
            nearest(fqn.name(), names.iter().map(Fqn::name))
                .and_then(|near| names.iter().find(|n| n.name() == near))
        } else {
            self.tree.nearest(fqn)
        };
        let place = match fqn.parent() {
            Some(parent) if parent.collection() != Collection::Organizations => {
                format!(" in {} `{}`", parent.collection().noun(), parent.name())
            }
            _ => String::new(),
        };
        let diagnostic = Diagnostic::error(
            "unknown-fqn",
            format!("{noun} `{}` is not defined{place}", fqn.name()),
        )
        .at(text.span, "");
        match near {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
            None => {
                diagnostic.help(format!("add a document that makes `{fqn}`, or correct the name"))
            }
        }
    }

    /// True when some workload may lie both below the level and in the target.
    fn concerns(&self, level: NodeId, to: Target) -> bool {
        let related = |id: NodeId| self.tree.contains(level, id) || self.tree.contains(id, level);
        match to {
            Target::Node(id) => related(id),
            Target::Domain(domain) => (0..self.tree.nodes.len())
                .any(|id| self.domains.of_node[id] == Some(domain) && related(id)),
        }
    }

    /// "What happens to a rule whose `to` lies outside the setting's scope: not documented; lint
    /// warning" (facts/tsb.md, "RULES evaluation, in order").
    fn out_of_scope(&self, level: NodeId, to: &Spanned<String>) -> Diagnostic {
        let level = &self.tree.nodes[level].fqn;
        Diagnostic::warning(
            "rule-out-of-scope",
            format!(
                "`{}` lies outside of {} `{}`, whose setting this is, so the rule does nothing",
                to.value,
                level.collection().noun(),
                level.name()
            ),
        )
        .at(to.span, "")
        .help("move the rule into a setting that governs its `to`")
    }

    /// "Duplicates, and a rule fully contained in another rule of the same list, are rejected"
    /// (facts/tsb.md, "RULES evaluation, in order").
    fn report_repetitions(&self, rules: &[Rule], which: &str, found: &mut Vec<Diagnostic>) {
        let mut first: BTreeMap<(Target, Target), usize> = BTreeMap::new();
        for (index, rule) in rules.iter().enumerate() {
            let entry = first.entry((rule.from, rule.to)).or_insert(index);
            if *entry != index {
                found.push(
                    Diagnostic::error(
                        "duplicate-rule",
                        format!("this rule of `{which}` is written twice"),
                    )
                    .at(rule.span, "again")
                    .also(rules[*entry].span, "the first")
                    .help("remove one: TSB rejects duplicates"),
                );
            }
        }
        for (index, rule) in rules.iter().enumerate() {
            if first.get(&(rule.from, rule.to)) != Some(&index) {
                continue;
            }
            let wider = self
                .wider(rule.from)
                .into_iter()
                .flat_map(|from| self.wider(rule.to).into_iter().map(move |to| (from, to)));
            let outer = wider
                .filter(|pair| *pair != (rule.from, rule.to))
                .find_map(|pair| first.get(&pair));
            if let Some(outer) = outer {
                let side = |target| name(self.tree, self.domains, target);
                found.push(
                    Diagnostic::error(
                        "contained-rule",
                        format!(
                            "the rule from `{}` to `{}` is contained in another rule of `{which}`",
                            side(rule.from).name(),
                            side(rule.to).name()
                        ),
                    )
                    .at(rule.span, "says nothing new")
                    .also(rules[*outer].span, "contains it")
                    .help("remove one of the two: TSB rejects a rule that another one contains"),
                );
            }
        }
    }

    /// The target itself and the resources above it.
    fn wider(&self, target: Target) -> Vec<Target> {
        match target {
            Target::Node(id) => self.tree.lineage(id).map(Target::Node).collect(),
            Target::Domain(_) => vec![target],
        }
    }
}
