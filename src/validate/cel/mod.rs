//! The CEL rules of CRDs (`x-kubernetes-validations`), as the API server evaluates them when an
//! object is created: transition rules, which read `oldSelf`, do not apply
//! (kubernetes.io, "Custom Resources", "Validation rules").
//!
//! The language and Kubernetes' functions are `kube-cel`'s; the walk is ours. Its own walk turns
//! the whole subtree into CEL values at every node, and writes `_` in a field's name twice, which
//! the API server does not do: a rule on `jwks_uri` would never see the field.

mod cost;
mod need;
mod optional;
mod value;

use kube_cel::KubeCelExt;
use kube_cel::cel::parser::Parser;
use kube_cel::cel::{Context, ExecutionError, IdedExpr, Value as Cel};
use serde_json::Value;

use super::crd::structural::Structural;
use crate::diagnostic::Diagnostic;
use crate::yaml::{Node, Pointer};
use cost::Cost;
use need::Need;
use value::Conversion;

/// The compiled rules of one custom resource.
pub(super) struct Rules {
    root: Option<Branch>,
    /// The parser gave up on this schema: none of its rules is evaluated.
    failed: bool,
    context: Context<'static>,
    conversion: Conversion,
}

/// The part of a schema that holds rules; branches without any are left out.
#[derive(Default)]
struct Branch {
    rules: Vec<Rule>,
    /// What the rules of this node see of it.
    need: Need,
    fields: Vec<(String, Branch)>,
    items: Option<Box<Branch>>,
    additional: Option<Box<Branch>>,
}

struct Rule {
    text: String,
    message: Option<String>,
    message_expression: Option<IdedExpr>,
    field_path: Option<String>,
    expression: Result<IdedExpr, String>,
    cost: Cost,
}

/// The way to a value, kept on the stack: it is needed only when a rule is broken.
enum Path<'a> {
    Root,
    Step(&'a Path<'a>, &'a str),
    Item(&'a Path<'a>, usize),
}

impl Rules {
    /// Compiles the rules of a schema; none are when they are not to be evaluated.
    pub(super) fn of(schema: &Structural, evaluate: bool) -> Self {
        let compiled = if evaluate { on_a_large_stack(|| Branch::of(schema)) } else { Some(None) };
        let failed = compiled.is_none();
        let root = compiled.flatten();
        Self {
            context: if root.is_some() { Context::default().with_all() } else { Context::empty() },
            conversion: Conversion::new(),
            root,
            failed,
        }
    }

    /// The rules that do not compile, and why.
    pub(super) fn problems(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut branches: Vec<&Branch> = self.root.iter().collect();
        while let Some(branch) = branches.pop() {
            for rule in &branch.rules {
                if let Err(error) = &rule.expression {
                    found.push((one_line(&rule.text), one_line(error)));
                }
            }
            branches.extend(branch.fields.iter().map(|(_, b)| b));
            branches.extend(branch.items.as_deref());
            branches.extend(branch.additional.as_deref());
        }
        found.sort();
        found
    }

    /// Reports every rule that the value breaks.
    pub(super) fn check(
        &self,
        schema: &Structural,
        value: &Value,
        node: &Node,
        found: &mut Vec<Diagnostic>,
    ) {
        if self.failed {
            found.push(
                Diagnostic::warning(
                    "rule-not-evaluated",
                    "the rules of the CRD could not be read, and none was evaluated",
                )
                .at(node.span, "")
                .help("the API server will evaluate them"),
            );
        }
        if let Some(root) = &self.root {
            Walk { rules: self, node, found, budget: cost::OF_OBJECT }.visit(
                root,
                schema,
                value,
                &Path::Root,
            );
        }
    }
}

/// A thread not for its time but for its stack: the parser takes 100 KiB a level where it is not
/// optimised. `None` when it panicked.
fn on_a_large_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Option<T> {
    const STACK: usize = 64 << 20;
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        thread.ok().and_then(|t| t.join().ok())
    })
}

impl Branch {
    fn of(schema: &Structural) -> Option<Self> {
        let child = |s: &Option<Box<Structural>>| s.as_deref().and_then(Branch::of).map(Box::new);
        let mut need = Need::default();
        let branch = Branch {
            rules: schema.rules.iter().filter_map(|rule| Rule::of(rule, &mut need)).collect(),
            need,
            fields: schema
                .properties
                .iter()
                .filter_map(|(name, s)| Some((name.clone(), Branch::of(s)?)))
                .collect(),
            items: child(&schema.items),
            additional: child(&schema.additional),
        };
        let empty = branch.rules.is_empty()
            && branch.fields.is_empty()
            && branch.items.is_none()
            && branch.additional.is_none();
        (!empty).then_some(branch)
    }
}

impl Rule {
    /// `None` for a transition rule.
    fn of(rule: &Value, need: &mut Need) -> Option<Self> {
        let text = |key: &str| rule.get(key).and_then(Value::as_str).map(str::to_owned);
        let source = text("rule").unwrap_or_default();
        let expression = compile(&source, need);
        if let Ok(expression) = &expression
            && expression.references().has_variable("oldSelf")
        {
            return None;
        }
        Some(Self {
            cost: expression.as_ref().map(Cost::of).unwrap_or_default(),
            message: text("message"),
            message_expression: text("messageExpression").and_then(|e| compile(&e, need).ok()),
            field_path: text("fieldPath"),
            text: source,
            expression,
        })
    }
}

/// How large a rule is evaluated: the parser and the interpreter recurse. The largest rule of Istio,
/// the Gateway API, Argo CD and Flux has 1,270 characters, 241 operators, 6 levels.
const LONGEST: usize = 16 << 10;
const MOST_OPERATORS: usize = 600;
const DEEPEST: usize = 16;

/// Parses an expression, with the optional syntax (`self.?field`) that the API server has on.
fn compile(source: &str, need: &mut Need) -> Result<IdedExpr, String> {
    if source.len() > LONGEST || !is_of_bearable_size(source) {
        return Err("it is too long".to_owned());
    }
    let parser = Parser::default().enable_optional_syntax(true);
    let mut expression = parser.parse(source).map_err(|e| e.to_string())?;
    match need.add(&expression) {
        Some(()) => {
            optional::mend(&mut expression);
            Ok(expression)
        }
        None => Err("it uses a part of CEL that is not supported".to_owned()),
    }
}

/// Counts operators and levels outside of the string literals. A literal that is not understood
/// here counts as more, never as fewer; a conditional is a level as long as its bracket is open.
fn is_of_bearable_size(source: &str) -> bool {
    let (mut operators, mut level, mut deepest) = (0_usize, 0_usize, 0);
    // levels before each open bracket
    let mut open = Vec::new();
    let mut quote = None;
    let mut bytes = source.bytes();
    while let Some(byte) = bytes.next() {
        match (quote, byte) {
            (Some(q), b) if b == q => quote = None,
            (Some(_), b'\\') => {
                bytes.next();
            }
            (Some(_), _) => {}
            (None, b'\'' | b'"') => quote = Some(byte),
            (None, b) => {
                operators += usize::from(b.is_ascii_punctuation() && b != b'_');
                match b {
                    b'(' | b'[' | b'{' => {
                        open.push(level);
                        level += 1;
                    }
                    b')' | b']' | b'}' => level = open.pop().unwrap_or(level),
                    b'?' => level += 1,
                    _ => {}
                }
                deepest = deepest.max(level);
            }
        }
    }
    operators <= MOST_OPERATORS && deepest <= DEEPEST
}

struct Walk<'a> {
    rules: &'a Rules,
    node: &'a Node,
    found: &'a mut Vec<Diagnostic>,
    /// What the rules of the object may still cost.
    budget: u64,
}

impl Walk<'_> {
    fn visit(&mut self, branch: &Branch, schema: &Structural, value: &Value, path: &Path<'_>) {
        if !branch.rules.is_empty() && !value.is_null() {
            let largest = cost::largest(value);
            let context = &self.rules.context;
            let part = self.rules.conversion.part(value, schema, &branch.need, context);
            let mut scope = context.new_inner_scope();
            scope.add_variable_from_value("self", part);
            for rule in &branch.rules {
                let cost = rule.cost.on(largest);
                if cost > cost::OF_RULE.min(self.budget) {
                    self.not_evaluated(rule, path, "it may cost more than Kubernetes allows");
                    continue;
                }
                self.budget -= cost;
                self.evaluate(rule, &scope, path);
            }
        }
        match value {
            Value::Object(map) => {
                for (name, branch) in &branch.fields {
                    if let (Some(value), Some(schema)) = (map.get(name), schema.field(name)) {
                        self.visit(branch, schema, value, &Path::Step(path, name));
                    }
                }
                if let (Some(branch), Some(inner)) = (&branch.additional, &schema.additional) {
                    for (name, value) in map {
                        self.visit(branch, inner, value, &Path::Step(path, name));
                    }
                }
            }
            Value::Array(items) => {
                if let (Some(branch), Some(schema)) = (&branch.items, &schema.items) {
                    for (at, item) in items.iter().enumerate() {
                        self.visit(branch, schema, item, &Path::Item(path, at));
                    }
                }
            }
            _ => {}
        }
    }

    fn evaluate(&mut self, rule: &Rule, scope: &Context<'_>, path: &Path<'_>) {
        let expression = match &rule.expression {
            Ok(expression) => expression,
            Err(error) => return self.not_evaluated(rule, path, error),
        };
        let message = match scope.resolve(expression) {
            Ok(Cel::Bool(true)) => return,
            Ok(Cel::Bool(false)) => rule.message(scope),
            Ok(_) => return self.not_evaluated(rule, path, "it is neither true nor false"),
            Err(ExecutionError::UndeclaredReference(name)) => {
                return self.not_evaluated(rule, path, &format!("`{name}` is not known here"));
            }
            // as in the API server: a rule that fails is a rule that is broken
            Err(error) => match &rule.message {
                Some(message) => format!("{message} ({})", lower(&error.to_string())),
                None => lower(&error.to_string()),
            },
        };
        let pointer = path.pointer(rule.field_path.as_deref());
        let at = self.node.nearest(&pointer).span;
        let subject = subject(&pointer);
        self.found.push(
            Diagnostic::error("rule-broken", format!("{subject} breaks a rule: {message}"))
                .at(at, one_line(&rule.text)),
        );
    }

    fn not_evaluated(&mut self, rule: &Rule, path: &Path<'_>, why: &str) {
        let at = self.node.nearest(&path.pointer(None)).span;
        self.found.push(
            Diagnostic::warning(
                "rule-not-evaluated",
                format!("a rule of the CRD could not be evaluated: {}", one_line(why)),
            )
            .at(at, one_line(&rule.text))
            .help("the API server will evaluate it"),
        );
    }
}

impl Rule {
    fn message(&self, scope: &Context<'_>) -> String {
        let made = self.message_expression.as_ref().and_then(|e| match scope.resolve(e) {
            Ok(Cel::String(text)) if !text.trim().is_empty() => Some(one_line(&text)),
            _ => None,
        });
        made.or_else(|| self.message.as_deref().map(one_line))
            .unwrap_or_else(|| format!("`{}` is not true", one_line(&self.text)))
    }
}

impl Path<'_> {
    fn pointer(&self, below: Option<&str>) -> Pointer {
        let mut pointer = self.here();
        // `.spec.field` or `.map['key']`
        for part in below.unwrap_or_default().split(['.', '[', ']']) {
            let part = part.trim_matches(['\'', '"']);
            if !part.is_empty() {
                pointer = pointer.join(part);
            }
        }
        pointer
    }

    fn here(&self) -> Pointer {
        match self {
            Path::Root => Pointer::root(),
            Path::Step(parent, name) => parent.here().join(*name),
            Path::Item(parent, at) => parent.here().join(at.to_string()),
        }
    }
}

fn subject(pointer: &Pointer) -> String {
    let names: Vec<&str> = pointer.tokens().collect();
    match names.iter().rposition(|t| t.parse::<usize>().is_err()) {
        None => "the object".to_owned(),
        Some(at) if at + 1 == names.len() => format!("`{}`", names[at]),
        Some(at) => format!("an entry of `{}`", names[at]),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn lower(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A rule costs at most what Kubernetes lets it, however many items an object has.
    #[test]
    fn loops_in_loops_end() {
        let mut need = Need::default();
        let cost = |source: &str, need: &mut Need| Cost::of(&compile(source, need).unwrap());
        let once = cost("self.all(a, a.size() > 0)", &mut need);
        let thrice = cost("self.all(a, self.all(b, self.exists(c, a + b == c)))", &mut need);
        assert!(once.on(10_000) < cost::OF_RULE);
        assert!(thrice.on(10) < cost::OF_RULE && thrice.on(1_000) > cost::OF_RULE);
        // the rules of the Gateway API at their limits: 64 listeners, 16 rules with 64 matches
        let twice = cost(
            "self.all(l1, self.exists_one(l2, l1.port == l2.port && l1.protocol == l2.protocol && (has(l1.hostname) && has(l2.hostname) ? l1.hostname == l2.hostname : !has(l1.hostname) && !has(l2.hostname))))",
            &mut need,
        );
        assert!(twice.on(64) < cost::OF_RULE, "{}", twice.on(64));
    }

    /// Rules are input: whatever they hold, they are evaluated or refused.
    #[test]
    fn no_rule_overflows_the_stack() {
        for source in [
            format!("self{}", ".a".repeat(8_000)),
            format!("self{}", ".a".repeat(600)),
            format!("self{}", ".a".repeat(31)),
            "(".repeat(16_000),
            format!("{}1{}", "(".repeat(300), ")".repeat(300)),
            format!("{}1{}", "(".repeat(16), ")".repeat(16)),
            format!("{}self.a", "!".repeat(599)),
            format!("{}-1", "-".repeat(599)),
            format!("{}true", "self ? true : ".repeat(16)),
            format!("self{}", " || self".repeat(300)),
            format!("{}self{}", "[".repeat(16), "]".repeat(16)),
            format!("self{}", " + self".repeat(299)),
            format!("self{}", " + self".repeat(30)),
            format!("{}1{}", "{1: ".repeat(16), "}".repeat(16)),
            format!("self{}", "[0]".repeat(290)),
            format!("{}self{}", "[1].all(x, ".repeat(16), ")".repeat(16)),
        ] {
            let mut need = Need::default();
            let compiled = on_a_large_stack(|| compile(&source, &mut need));
            if let Ok(expression) = compiled.unwrap() {
                let mut scope = Context::default();
                scope.add_variable_from_value("self", Cel::Null);
                let _ = scope.resolve(&expression);
            }
        }
    }
}
