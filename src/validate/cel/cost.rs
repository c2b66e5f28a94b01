//! What a rule may cost, before it is evaluated.
//!
//! Kubernetes counts while it evaluates (k8s.io/apiserver `pkg/apis/cel/config.go`: `PerCallLimit`,
//! `RuntimeCELCostBudget`) and refuses the object beyond. The interpreter here does not count, so
//! the most that a rule can cost is worked out first: its steps, those within a loop as often as
//! the largest list or map of the value has entries.

use kube_cel::cel::IdedExpr;
use kube_cel::cel::common::ast::{EntryExpr, Expr};
use serde_json::Value;

/// Of one rule at one place.
pub(super) const OF_RULE: u64 = 1_000_000;
/// Of all rules of an object.
pub(super) const OF_OBJECT: u64 = 10_000_000;

/// The steps of a rule by how many loops are around them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cost {
    steps: Vec<u64>,
    /// The most entries of a list or map that the rule itself writes.
    written: u64,
}

impl Cost {
    pub(super) fn of(expression: &IdedExpr) -> Self {
        let mut cost = Self::default();
        cost.visit(expression, 0);
        cost
    }

    /// The most it can cost on a value whose largest list or map has so many entries.
    pub(super) fn on(&self, largest: u64) -> u64 {
        let times = largest.max(self.written).max(1);
        let (mut all, mut around) = (0_u64, 1_u64);
        for steps in &self.steps {
            all = all.saturating_add(steps.saturating_mul(around));
            around = around.saturating_mul(times);
        }
        all
    }

    /// An expression that was compiled: it is nested no deeper than `need` takes it.
    fn visit(&mut self, expression: &IdedExpr, loops: usize) {
        if self.steps.len() <= loops {
            self.steps.resize(loops + 1, 0);
        }
        self.steps[loops] += 1;
        match &expression.expr {
            Expr::Unspecified | Expr::Struct(_) | Expr::Ident(_) | Expr::Literal(_) => {}
            Expr::Select(select) => self.visit(&select.operand, loops),
            Expr::Call(call) => {
                let parts = call.target.as_deref().into_iter().chain(&call.args);
                parts.for_each(|part| self.visit(part, loops));
            }
            Expr::List(list) => {
                self.written = self.written.max(list.elements.len() as u64);
                list.elements.iter().for_each(|element| self.visit(element, loops));
            }
            Expr::Map(map) => {
                self.written = self.written.max(map.entries.len() as u64);
                for entry in &map.entries {
                    if let EntryExpr::MapEntry(entry) = &entry.expr {
                        self.visit(&entry.key, loops);
                        self.visit(&entry.value, loops);
                    }
                }
            }
            Expr::Comprehension(comprehension) => {
                self.visit(&comprehension.iter_range, loops);
                self.visit(&comprehension.accu_init, loops);
                self.visit(&comprehension.loop_cond, loops + 1);
                self.visit(&comprehension.loop_step, loops + 1);
                self.visit(&comprehension.result, loops);
            }
        }
    }
}

/// The entries of the largest list or map in a value.
pub(super) fn largest(value: &Value) -> u64 {
    match value {
        Value::Array(items) => items.iter().map(largest).max().unwrap_or(0).max(items.len() as u64),
        Value::Object(map) => map.values().map(largest).max().unwrap_or(0).max(map.len() as u64),
        _ => 0,
    }
}
