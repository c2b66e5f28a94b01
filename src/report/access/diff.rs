//! Who gains and who loses, for people and for programs. Clients that fare alike at one destination
//! are one entry for people.

use std::collections::HashMap;
use std::fmt::Write;

use serde_json::{Value, json};

use crate::simulate::{
    AccessChange, Answer, Caller, Change, Comparison, HttpRequest, Target, TargetKind, Token,
};

/// So many clients are named in one entry.
const NAMED: usize = 4;

/// Clients that fare alike.
struct Entry<'c> {
    of: &'c AccessChange,
    callers: Vec<&'c Caller>,
}

fn entries(comparison: &Comparison) -> Vec<Entry<'_>> {
    let mut entries: Vec<Entry<'_>> = Vec::new();
    let mut index: HashMap<String, usize> = HashMap::new();
    for change in &comparison.changes {
        let AccessChange { change: way, from, to, request, every_request, before, after } = change;
        let alike = format!("{:?}", (way, to, request, every_request, before, after));
        let place = *index.entry(alike).or_insert(entries.len());
        match entries.get_mut(place) {
            Some(entry) => entry.callers.push(from),
            None => entries.push(Entry { of: change, callers: vec![from] }),
        }
    }
    entries.sort_by(|a, b| {
        (a.of.change, &a.of.to, &a.callers).cmp(&(b.of.change, &b.of.to, &b.callers))
    });
    entries
}

/// `gains`, or `loses`.
pub fn verb(change: Change) -> &'static str {
    match change {
        Change::Gain => "gains",
        Change::Loss => "loses",
    }
}

/// A request in one line, as curl's user would say it.
pub fn request_text(request: Option<&HttpRequest>) -> String {
    let Some(request) = request else { return "a connection".to_owned() };
    let mut text = format!("{} {}", request.method, request.path);
    if let Some(host) = &request.host {
        let _ = write!(text, ", host {host}");
    }
    for (name, value) in &request.headers {
        let _ = write!(text, ", {name}: {value}");
    }
    match &request.token {
        Token::None => {}
        Token::Invalid => text.push_str(", a token that does not verify"),
        Token::Valid(claims) => {
            let _ = write!(text, ", a token with {claims}");
        }
    }
    text
}

fn target(to: &Target) -> String {
    match to.kind {
        TargetKind::OtherPort => format!("{to} (any port that nothing names)"),
        _ => to.to_string(),
    }
}

/// What came of it, in words.
pub fn answer_text(answer: Option<&Answer>) -> String {
    let Some(answer) = answer else { return "not there".to_owned() };
    if answer.point == "nobody" || answer.point.is_empty() {
        return format!("{}: {}", answer.verdict.as_str(), answer.reason);
    }
    format!("{} at {}: {}", answer.verdict.as_str(), answer.point, answer.reason)
}

fn callers(entry: &Entry<'_>) -> String {
    let named: Vec<String> = entry.callers.iter().take(NAMED).map(ToString::to_string).collect();
    let mut text = named.join(", ");
    if entry.callers.len() > NAMED {
        let _ = write!(text, " and {} more", entry.callers.len() - NAMED);
    }
    text
}

/// How many requests, and the smallest: `some requests, such as GET /admin`.
fn extent(change: &AccessChange, code: &str) -> String {
    match (&change.request, change.every_request) {
        (None, true) => "every connection".to_owned(),
        (None, false) => "some connections".to_owned(),
        (Some(_), every) => {
            let many = if every { "every request" } else { "some requests" };
            format!("{many}, such as {code}{}{code}", request_text(change.request.as_ref()))
        }
    }
}

/// For a terminal.
pub fn comparison_text(comparison: &Comparison) -> String {
    let mut out = String::new();
    for entry in entries(comparison) {
        let of = entry.of;
        let verb = match (of.change, entry.callers.len()) {
            (Change::Gain, 1) => "gains",
            (Change::Gain, _) => "gain",
            (Change::Loss, 1) => "loses",
            (Change::Loss, _) => "lose",
        };
        let _ = writeln!(out, "{} {verb} {}", callers(&entry), target(&of.to));
        let _ = writeln!(out, "  {}", extent(of, ""));
        let _ = writeln!(out, "  before  {}", answer_text(of.before.as_ref()));
        let _ = writeln!(out, "  after   {}", answer_text(of.after.as_ref()));
    }
    for line in not_compared(comparison) {
        let _ = writeln!(out, "not compared: {line}");
    }
    out
}

/// For a pull request.
pub fn comparison_markdown(comparison: &Comparison) -> String {
    let mut out = String::new();
    if comparison.changes.is_empty() {
        out.push_str("Nobody gains or loses access.\n");
    } else {
        out.push_str("| who | | what | with | before | after |\n|---|---|---|---|---|---|\n");
    }
    // a bar would end the cell, also inside of code
    let cell = |text: &str| text.replace('|', "\\|");
    for entry in entries(comparison) {
        let of = entry.of;
        let _ = writeln!(
            out,
            "| {} | {} | `{}` | {} | {} | {} |",
            cell(&callers(&entry)),
            verb(of.change),
            cell(&target(&of.to)),
            cell(&extent(of, "`")),
            cell(&answer_text(of.before.as_ref())),
            cell(&answer_text(of.after.as_ref())),
        );
    }
    let rest = not_compared(comparison);
    if !rest.is_empty() {
        out.push_str("\nNot compared:\n\n");
    }
    for line in rest {
        let _ = writeln!(out, "- {line}");
    }
    out
}

/// What a comparison does not say anything about, a line each.
pub fn not_compared(comparison: &Comparison) -> Vec<String> {
    let idle = comparison.idle_policies.iter().map(|policy| {
        format!(
            "policy {policy} differs, and holds for no workload, service or gateway that is there"
        )
    });
    comparison.bounds.iter().map(ToString::to_string).chain(idle).collect()
}

/// For a program. Frozen: `version` goes up when a field changes its meaning.
pub fn comparison_json(comparison: &Comparison) -> Value {
    let answer = |answer: &Option<Answer>| {
        answer.as_ref().map(|a| {
            json!({
                "verdict": a.verdict.as_str(), "ifAuthorizerAllows": a.is_conditional,
                "point": a.point, "reason": a.reason, "rule": a.rule, "clientSees": a.observed,
            })
        })
    };
    let differences: Vec<Value> = comparison
        .changes
        .iter()
        .map(|c| {
            json!({
                "change": match c.change { Change::Gain => "gain", Change::Loss => "loss" },
                "from": c.from.to_string(),
                "to": c.to.to_string(),
                "before": answer_text(c.before.as_ref()),
                "after": answer_text(c.after.as_ref()),
                "answerBefore": answer(&c.before),
                "answerAfter": answer(&c.after),
                "everyRequest": c.every_request,
                "request": c.request.as_ref().map(request_json),
            })
        })
        .collect();
    json!({
        "version": 1,
        "differences": differences,
        "notCompared": not_compared(comparison),
        "pairs": comparison.pairs,
        "requests": comparison.requests,
    })
}

fn request_json(request: &HttpRequest) -> Value {
    let headers: Vec<Value> =
        request.headers.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
    let token = match &request.token {
        Token::None => Value::Null,
        Token::Invalid => json!("invalid"),
        Token::Valid(claims) => claims.clone(),
    };
    json!({
        "method": request.method, "path": request.path, "host": request.host, "headers": headers,
        "token": token,
    })
}
