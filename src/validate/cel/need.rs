//! What of `self` a rule can see: an interpreter copies what it is handed, and most rules look at
//! two or three fields of a large value.
//!
//! The answer may be too much, never too little: whatever is not a plain chain of fields from
//! `self`, or from an item of a list that `self` holds, counts as the whole value.

use std::collections::BTreeMap;

use kube_cel::cel::IdedExpr;
use kube_cel::cel::common::ast::{EntryExpr, Expr};

/// The part of a value that is needed. The default is its presence alone.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Need {
    /// All of it.
    pub(super) whole: bool,
    /// Of these fields, by their escaped names.
    pub(super) fields: BTreeMap<String, Need>,
    /// Of each item of a list; of a map, its keys.
    pub(super) each: Option<Box<Need>>,
}

/// Where a variable of a comprehension comes from: the items of what is at this chain.
struct Binding<'e> {
    name: &'e str,
    items_of: Option<Vec<Step<'e>>>,
}

#[derive(Clone)]
enum Step<'e> {
    Field(&'e str),
    Each,
}

/// Deeper than any rule of the CRDs we know (24); the interpreter recurses as we do, with large
/// frames.
const DEEPEST: usize = 32;

impl Need {
    /// Adds what an expression needs. `None` when it holds what the interpreter cannot evaluate.
    pub(super) fn add(&mut self, expression: &IdedExpr) -> Option<()> {
        self.visit(expression, &mut Vec::new(), 0)
    }

    fn visit<'e>(
        &mut self,
        expression: &'e IdedExpr,
        scope: &mut Vec<Binding<'e>>,
        depth: usize,
    ) -> Option<()> {
        if depth > DEEPEST {
            return None;
        }
        if let Some(chain) = chain_of(expression, scope) {
            let presence = matches!(&expression.expr, Expr::Select(select) if select.test);
            let need = self.at(&chain);
            need.whole |= !presence;
            return Some(());
        }
        match &expression.expr {
            // the interpreter panics on both
            Expr::Unspecified | Expr::Struct(_) => return None,
            Expr::Ident(_) | Expr::Literal(_) => {}
            Expr::Select(select) => self.visit(&select.operand, scope, depth + 1)?,
            Expr::Call(call) => {
                for part in call.target.as_deref().into_iter().chain(&call.args) {
                    self.visit(part, scope, depth + 1)?;
                }
            }
            Expr::List(list) => {
                for element in &list.elements {
                    self.visit(element, scope, depth + 1)?;
                }
            }
            Expr::Map(map) => {
                for entry in &map.entries {
                    let EntryExpr::MapEntry(entry) = &entry.expr else { return None };
                    self.visit(&entry.key, scope, depth + 1)?;
                    self.visit(&entry.value, scope, depth + 1)?;
                }
            }
            Expr::Comprehension(comprehension) => {
                let mut items_of = chain_of(&comprehension.iter_range, scope);
                match &mut items_of {
                    Some(chain) if comprehension.iter_var2.is_none() => {
                        chain.push(Step::Each);
                        self.at(chain);
                    }
                    _ => {
                        items_of = None;
                        self.visit(&comprehension.iter_range, scope, depth + 1)?;
                    }
                }
                self.visit(&comprehension.accu_init, scope, depth + 1)?;
                let outer = scope.len();
                scope.push(Binding { name: &comprehension.iter_var, items_of });
                let others = comprehension.iter_var2.iter().chain([&comprehension.accu_var]);
                scope.extend(others.map(|name| Binding { name, items_of: None }));
                for part in
                    [&comprehension.loop_cond, &comprehension.loop_step, &comprehension.result]
                {
                    self.visit(part, scope, depth + 1)?;
                }
                scope.truncate(outer);
            }
        }
        Some(())
    }

    fn at(&mut self, chain: &[Step<'_>]) -> &mut Need {
        chain.iter().fold(self, |need, step| match step {
            Step::Field(name) => need.fields.entry((*name).to_owned()).or_default(),
            Step::Each => need.each.get_or_insert_default(),
        })
    }
}

/// The way from the root value, when an expression is nothing but that.
fn chain_of<'e>(expression: &'e IdedExpr, scope: &[Binding<'e>]) -> Option<Vec<Step<'e>>> {
    let mut fields = Vec::new();
    let mut at = expression;
    let mut chain = loop {
        match &at.expr {
            // `has(a.b).c` is no chain; one as long as that is no person's
            Expr::Select(select) if fields.is_empty() || !select.test => {
                fields.push(Step::Field(&select.field));
                at = &select.operand;
                if fields.len() > DEEPEST {
                    return None;
                }
            }
            Expr::Ident(name) => match scope.iter().rev().find(|b| b.name == name) {
                Some(binding) => break binding.items_of.clone()?,
                None if name == "self" => break Vec::new(),
                None => return None,
            },
            _ => return None,
        }
    };
    chain.extend(fields.into_iter().rev());
    Some(chain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube_cel::cel::parser::Parser;

    /// `a` for the whole of a field, `a?` for its presence, `a[b]` for fields of its items.
    fn shown(need: &Need) -> String {
        let mut parts = Vec::new();
        for (name, inner) in &need.fields {
            let rest = shown(inner);
            parts.push(match (inner.whole, rest.is_empty()) {
                (true, _) => name.clone(),
                (false, true) => format!("{name}?"),
                (false, false) => format!("{name}({rest})"),
            });
        }
        if let Some(each) = &need.each {
            parts.push(format!("[{}]", shown(each)));
        }
        if need.whole {
            parts.insert(0, "*".to_owned());
        }
        parts.join(" ")
    }

    fn of(rule: &str) -> Option<String> {
        let parser = Parser::default().enable_optional_syntax(true);
        let mut need = Need::default();
        need.add(&parser.parse(rule).unwrap())?;
        Some(shown(&need))
    }

    #[test]
    fn what_rules_look_at() {
        for (rule, expected) in [
            ("has(self.a) ? 1 == 1 : has(self.b.c)", "a? b(c?)"),
            ("self.a.b == 'x'", "a(b)"),
            ("self.size() > 0", "*"),
            ("self.all(k, k.size() > 0)", "[*]"),
            ("self.all(l, l.protocol == 'TCP' ? !has(l.tls) : true)", "[protocol tls?]"),
            ("self.a.all(x, self.a.exists_one(y, x.n == y.n))", "a([n])"),
            ("self.all(x, has(x.a)) && self.filter(x, x.b).size() == 1", "[* a? b]"),
            ("self.items.map(x, x.n).size() == 2", "items([n])"),
            ("[1, 2].all(self, self > 0)", ""),
            ("self[0].a == 1", "*"),
            ("self.?a.orValue(1) == 1", "*"),
            ("true", ""),
        ] {
            assert_eq!(of(rule).as_deref(), Some(expected), "{rule}");
        }
    }

    #[test]
    fn what_the_interpreter_would_panic_on_is_refused() {
        assert_eq!(of("Foo{a: 1} == self"), None);
        assert_eq!(of("[Foo{}].size() == 1"), None);
    }
}
