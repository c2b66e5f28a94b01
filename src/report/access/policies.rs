//! What becomes of every rule of every policy, wherever it holds.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::columns;
use crate::report::escape::cell;
use crate::simulate::{Action, Classification, Mesh, Place, RuleEffect};

/// A policy, and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyFate {
    /// Its cluster; empty where there is only one without a name.
    pub cluster: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// `ALLOW`, `DENY`, `AUDIT` or `CUSTOM`.
    pub action: &'static str,
    /// Where it is written: `file:line:column`.
    pub at: String,
    /// What becomes of its rules, by rule.
    pub rules: Vec<RuleFate>,
}

/// What becomes of a rule in some places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFate {
    /// Index in `spec.rules`; `None` of a policy as a whole, where it has no rules or reaches nothing.
    pub rule: Option<usize>,
    /// In words.
    pub effect: &'static str,
    /// Where, by kind of place: workloads, services behind a waypoint, or gateways.
    pub places: BTreeMap<Place, usize>,
    /// More gets through than the rule says, or might.
    pub opens: bool,
}

/// What becomes of every policy, in the order of the mesh. `at` tells where a policy is written.
pub fn policy_fates(
    mesh: &Mesh,
    at: impl Fn(crate::diagnostic::Span) -> String,
) -> Vec<PolicyFate> {
    let fate = |classified: Classification| {
        let policy = mesh.policy(classified.policy);
        let cluster = mesh.options(mesh.policy_cluster(classified.policy)).cluster.clone();
        PolicyFate {
            cluster,
            namespace: policy.namespace.clone(),
            name: policy.name.clone(),
            action: policy.action.as_str(),
            at: at(policy.span),
            rules: rules(policy.action, classified),
        }
    };
    mesh.classify().into_iter().map(fate).collect()
}

fn rules(action: Action, classified: Classification) -> Vec<RuleFate> {
    let whole = |effect, places| vec![RuleFate { rule: None, effect, places, opens: false }];
    if classified.reach.is_empty() {
        return whole("reaches nothing", BTreeMap::new());
    }
    if classified.rules.is_empty() {
        let effect = match action {
            Action::Allow => "no rules: allows nothing",
            _ => "no rules: does nothing",
        };
        return whole(effect, classified.reach);
    }
    let mut by_effect: BTreeMap<(usize, RuleEffect), BTreeMap<Place, usize>> = BTreeMap::new();
    for at in classified.rules {
        let count = classified.reach.get(&at.place).copied().unwrap_or_default();
        by_effect.entry((at.rule, at.effect)).or_default().insert(at.place, count);
    }
    let fates = by_effect.into_iter().map(|((rule, effect), places)| RuleFate {
        rule: Some(rule),
        effect: effect.as_str(),
        places,
        opens: effect.opens(action),
    });
    fates.collect()
}

impl RuleFate {
    fn rule(&self) -> String {
        self.rule.map_or_else(|| "-".to_owned(), |rule| format!("rule[{rule}]"))
    }

    fn effect(&self) -> String {
        let sign = if self.opens { " (!)" } else { "" };
        format!("{}{sign}", self.effect)
    }

    fn places(&self) -> String {
        let places: Vec<String> = self
            .places
            .iter()
            .map(|(place, count)| format!("{} {count}", place.as_str()))
            .collect();
        places.join("; ")
    }
}

const HEAD: [&str; 6] = ["POLICY", "ACTION", "RULE", "EFFECT", "WHERE", "WRITTEN AT"];

fn rows(fates: &[PolicyFate]) -> Vec<Vec<String>> {
    let several = fates.windows(2).any(|pair| pair[0].cluster != pair[1].cluster);
    let mut rows = Vec::new();
    for fate in fates {
        let mut name = format!("{}/{}", fate.namespace, fate.name);
        if several {
            name = format!("{}/{name}", fate.cluster);
        }
        for rule in &fate.rules {
            rows.push(vec![
                name.clone(),
                fate.action.to_owned(),
                rule.rule(),
                rule.effect(),
                rule.places(),
                fate.at.clone(),
            ]);
        }
    }
    rows
}

/// For a terminal: a line for each rule and what becomes of it.
pub fn policies_text(fates: &[PolicyFate]) -> String {
    let head = HEAD.iter().map(|h| (*h).to_owned()).collect();
    let rows: Vec<Vec<String>> = [head].into_iter().chain(rows(fates)).collect();
    columns(&rows)
}

/// For a pull request.
pub fn policies_markdown(fates: &[PolicyFate]) -> String {
    let mut out = String::from("| policy | action | rule | effect | where | written at |\n");
    out.push_str("|---|---|---|---|---|---|\n");
    for row in rows(fates) {
        let cells: Vec<String> = row.iter().map(|text| cell(text)).collect();
        let _ = writeln!(out, "| {} |", cells.join(" | "));
    }
    out
}

/// For a program.
pub fn policies_json(fates: &[PolicyFate]) -> Value {
    let rule = |rule: &RuleFate| {
        let places: BTreeMap<&str, usize> =
            rule.places.iter().map(|(place, count)| (place.as_str(), *count)).collect();
        json!({"rule": rule.rule, "effect": rule.effect, "opens": rule.opens, "places": places})
    };
    let policies = fates.iter().map(|fate| {
        json!({
            "cluster": fate.cluster,
            "namespace": fate.namespace,
            "name": fate.name,
            "action": fate.action,
            "writtenAt": fate.at,
            "rules": fate.rules.iter().map(rule).collect::<Vec<_>>(),
        })
    });
    json!({"policies": policies.collect::<Vec<_>>()})
}

/// How many rules fare how, in words.
pub fn policies_summary(fates: &[PolicyFate]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for rule in fates.iter().flat_map(|fate| &fate.rules) {
        *counts.entry(rule.effect).or_default() += 1;
    }
    let counts: Vec<String> =
        counts.iter().map(|(effect, count)| format!("{effect} {count}")).collect();
    let opens = fates.iter().filter(|fate| fate.rules.iter().any(|rule| rule.opens)).count();
    let policies = match fates.len() {
        1 => "1 policy".to_owned(),
        all => format!("{all} policies"),
    };
    let mut out = policies;
    if !counts.is_empty() {
        let _ = write!(out, ": {}", counts.join(", "));
    }
    match opens {
        0 => {}
        1 => out.push_str("; (!) 1 lets through more than it says"),
        _ => {
            let _ = write!(out, "; (!) {opens} let through more than they say");
        }
    }
    out
}
