//! Ports of a rule, from the side of the pods to the side of a Service: a sidecar sees the port of the
//! pod, a waypoint that of the Service (facts/translation.md, rows `ports` and `notPorts`).

use std::collections::BTreeMap;

use super::policy::{Condition, Operation, Rule, To};

/// The attribute that says the same as `ports`.
const DESTINATION_PORT: &str = "destination.port";

/// A rule as a waypoint must have it.
pub(super) enum Mapped {
    /// It says nothing about ports.
    Same(Rule),
    /// It names the ports of the Service.
    Rewritten(Rule),
    /// It is about ports that the Service does not lead to.
    Elsewhere,
}

/// The rule for a Service that leads from its ports to those of the pods.
pub(super) fn mapped(rule: &Rule, ports: &BTreeMap<u16, u16>) -> Mapped {
    let mut rule = rule.clone();
    let names_ports = is_about_ports(&rule);
    if !names_ports {
        return Mapped::Same(rule);
    }
    // conditions must all hold: each narrows the Service's ports
    let mut open: Vec<u16> = ports.keys().copied().collect();
    rule.when.retain(|condition| {
        if condition.key != DESTINATION_PORT {
            return true;
        }
        open.retain(|port| ports.get(port).is_some_and(|target| holds(condition, *target)));
        false
    });
    let had_condition = open.len() < ports.len();
    if open.is_empty() {
        return Mapped::Elsewhere;
    }
    if rule.to.is_empty() {
        rule.to.push(To::default());
    }
    rule.to.retain_mut(|to| operation(&mut to.operation, ports, &open, had_condition));
    if rule.to.is_empty() { Mapped::Elsewhere } else { Mapped::Rewritten(rule) }
}

/// Does the rule tell ports apart?
pub(super) fn is_about_ports(rule: &Rule) -> bool {
    let names =
        |operation: &Operation| !operation.ports.is_empty() || !operation.not_ports.is_empty();
    rule.to.iter().any(|to| names(&to.operation))
        || rule.when.iter().any(|condition| condition.key == DESTINATION_PORT)
}

/// Does the rule say the same of each port of a Service as of the pods' port that it leads to?
pub(super) fn says_the_same(rule: &Rule, ports: &BTreeMap<u16, u16>) -> bool {
    let names = |values: &[String], port: u16| values.iter().any(|v| v.parse() == Ok(port));
    let operations =
        rule.to.iter().flat_map(|To { operation }| [&operation.ports, &operation.not_ports]);
    let conditions = rule.when.iter().filter(|condition| condition.key == DESTINATION_PORT);
    let conditions = conditions.flat_map(|condition| [&condition.values, &condition.not_values]);
    let mut lists = operations.chain(conditions);
    lists.all(|list| ports.iter().all(|(port, target)| names(list, *port) == names(list, *target)))
}

/// The ports of pods that a rule names in all of its parts; `None` where some part is about any port.
pub(super) fn named_ports(rule: &Rule) -> Option<Vec<String>> {
    if rule.to.is_empty() {
        return None;
    }
    let all: Option<Vec<&Vec<String>>> = rule
        .to
        .iter()
        .map(|to| Some(&to.operation.ports).filter(|ports| !ports.is_empty()))
        .collect();
    Some(all?.into_iter().flatten().cloned().collect())
}

fn holds(condition: &Condition, target: u16) -> bool {
    let is = |values: &[String]| values.iter().any(|value| value.parse() == Ok(target));
    (condition.values.is_empty() || is(&condition.values)) && !is(&condition.not_values)
}

/// False where nothing of the operation is left.
fn operation(
    operation: &mut Operation,
    ports: &BTreeMap<u16, u16>,
    open: &[u16],
    had_condition: bool,
) -> bool {
    if operation.ports.is_empty() && operation.not_ports.is_empty() && !had_condition {
        return true;
    }
    let is = |values: &[String], target: u16| values.iter().any(|v| v.parse() == Ok(target));
    let wanted: Vec<u16> = open
        .iter()
        .filter(|port| {
            let Some(target) = ports.get(port) else { return false };
            (operation.ports.is_empty() || is(&operation.ports, *target))
                && !is(&operation.not_ports, *target)
        })
        .copied()
        .collect();
    operation.not_ports.clear();
    operation.ports = wanted.iter().map(ToString::to_string).collect();
    !wanted.is_empty()
}
