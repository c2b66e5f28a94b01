//! Who gains and who loses, for people and for programs. Clients that fare alike at one destination
//! are one entry for people.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::report::escape::{calm_cell, cell};
use crate::report::visible::Lines;
use crate::simulate::{
    AccessChange, Answer, Brought, Caller, Change, Comparison, HttpRequest, Logged, Target,
    TargetKind, Token, brought,
};

/// So many clients are named in one entry.
const NAMED: usize = 4;

/// A comparison, and where releases of Istio differ, what each thing that they do otherwise changes.
#[derive(Clone, Copy, Debug)]
pub struct Compared<'c> {
    /// What changes in all.
    pub comparison: &'c Comparison,
    /// What changes step by step.
    pub steps: &'c [(Brought, Comparison)],
}

impl<'c> Compared<'c> {
    /// A comparison of meshes under one release.
    pub fn whole(comparison: &'c Comparison) -> Self {
        Self { comparison, steps: &[] }
    }
}

/// Clients that fare alike.
struct Entry<'c> {
    of: &'c AccessChange,
    callers: Vec<&'c Caller>,
    brought: Vec<Brought>,
}

fn entries(of: Compared<'_>) -> Vec<Entry<'_>> {
    let Compared { comparison, steps } = of;
    let mut entries: Vec<Entry<'_>> = Vec::new();
    // changes of one way and one destination are few: each is compared with those
    let mut index: HashMap<(Change, &Target), Vec<usize>> = HashMap::new();
    for change in comparison.changes.iter().filter(|change| change.by_design.is_none()) {
        let brought = brought(change, steps);
        let places = index.entry((change.change, &*change.to)).or_default();
        let alike = |place: &&usize| {
            let entry = &entries[**place];
            are_alike(entry.of, change) && entry.brought == brought
        };
        match places.iter().find(alike) {
            Some(place) => entries[*place].callers.push(&change.from),
            None => {
                places.push(entries.len());
                entries.push(Entry { of: change, callers: vec![&*change.from], brought });
            }
        }
    }
    entries.sort_by(|a, b| {
        (a.of.change, &a.of.to, &a.callers).cmp(&(b.of.change, &b.of.to, &b.callers))
    });
    entries
}

/// The same but for the client.
fn are_alike(one: &AccessChange, other: &AccessChange) -> bool {
    let AccessChange {
        change,
        from: _,
        to,
        request,
        every_request,
        other_ports,
        before,
        after,
        by_design,
    } = one;
    *change == other.change
        && *to == other.to
        && *request == other.request
        && *every_request == other.every_request
        && *other_ports == other.other_ports
        && *before == other.before
        && *after == other.after
        && *by_design == other.by_design
}

/// `gains`, or `loses`; for what is neither, that the answer is another.
pub fn verb(change: Change) -> &'static str {
    match change {
        Change::Gain => "gains",
        Change::Loss => "loses",
        Change::Other => "is answered otherwise by",
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

fn target(change: &AccessChange) -> String {
    let to = &change.to;
    match to.kind {
        TargetKind::OtherPort => format!("{to} (any port that nothing names)"),
        _ if change.other_ports => format!("{to}, and any port that nothing names"),
        _ => to.to_string(),
    }
}

/// What came of it, in words.
pub fn answer_text(answer: Option<&Answer>) -> String {
    let Some(answer) = answer else { return "not there".to_owned() };
    let Answer { verdict, point, reason, logged, .. } = answer;
    let mut text = verdict.as_str().to_owned();
    if point != "nobody" && !point.is_empty() {
        let _ = write!(text, " at {point}");
    }
    let _ = write!(text, ": {reason}");
    let Logged { audited, dry_run_denies, dry_run_allows } = logged;
    for (is_so, what) in [
        (*audited, "audited"),
        (*dry_run_denies, "denied by a policy in dry-run"),
        (*dry_run_allows == Some(true), "allowed by a policy in dry-run"),
        (*dry_run_allows == Some(false), "not allowed by any policy in dry-run"),
    ] {
        if is_so {
            let _ = write!(text, "; {what}");
        }
    }
    text
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
fn extent(change: &AccessChange, code: impl Fn(&str) -> String) -> String {
    match (&change.request, change.every_request) {
        (None, true) => "every connection".to_owned(),
        (None, false) => "some connections".to_owned(),
        (Some(_), every) => {
            let many = if every { "every request" } else { "some requests" };
            format!("{many}, such as {}", code(&request_text(change.request.as_deref())))
        }
    }
}

/// The release that brought a change, and what of it: `Istio 1.25: sources may have …`.
fn brought_text(brought: &Brought) -> String {
    let Brought { behaviour, is_gone } = brought;
    let gone = if *is_gone { "no longer with a release before " } else { "" };
    format!("{gone}Istio {}: {}", behaviour.since(), behaviour.as_str())
}

/// For a terminal.
pub fn comparison_text(of: Compared<'_>) -> String {
    let comparison = of.comparison;
    let mut out = Lines::default();
    for entry in entries(of) {
        let of = entry.of;
        let verb = match (of.change, entry.callers.len()) {
            (Change::Gain, 1) => "gains",
            (Change::Gain, _) => "gain",
            (Change::Loss, 1) => "loses",
            (Change::Loss, _) => "lose",
            (Change::Other, 1) => "is answered otherwise by",
            (Change::Other, _) => "are answered otherwise by",
        };
        out.line(format_args!("{} {verb} {}", callers(&entry), target(of)));
        out.line(format_args!("  {}", extent(of, |text| text.to_owned())));
        out.line(format_args!("  before  {}", answer_text(of.before.as_deref())));
        out.line(format_args!("  after   {}", answer_text(of.after.as_deref())));
        for brought in &entry.brought {
            out.line(format_args!("  by      {}", brought_text(brought)));
        }
    }
    for line in by_design(comparison) {
        out.line(format_args!("by design: {line}"));
    }
    for line in not_compared(comparison) {
        out.line(format_args!("not compared: {line}"));
    }
    out.into_text()
}

/// What every move brings, a line each: `4 pairs of client and destination: …`.
pub fn by_design(comparison: &Comparison) -> Vec<String> {
    let all = comparison.by_design();
    all.into_iter().map(|(what, pairs)| format!("{}: {what}", counted_pairs(pairs))).collect()
}

/// `1 pair of client and destination`
fn counted_pairs(pairs: usize) -> String {
    format!("{pairs} pair{} of client and destination", if pairs == 1 { "" } else { "s" })
}

/// For a pull request.
pub fn comparison_markdown(of: Compared<'_>) -> String {
    let comparison = of.comparison;
    let by_release = !of.steps.is_empty();
    let mut out = String::new();
    if comparison.changes.iter().all(|change| change.by_design.is_some()) {
        out.push_str("Nobody gains or loses access.\n");
    } else {
        let (by, line) = if by_release { (" by |", "---|") } else { ("", "") };
        let _ = writeln!(out, "| who | | what | with | before | after |{by}");
        let _ = writeln!(out, "|---|---|---|---|---|---|{line}");
    }
    for entry in entries(of) {
        let of = entry.of;
        let _ = write!(
            out,
            "| {} | {} | {} | {} | {} | {} |",
            calm_cell(&callers(&entry)),
            verb(of.change),
            cell(&target(of)),
            extent(of, cell),
            calm_cell(&answer_text(of.before.as_deref())),
            calm_cell(&answer_text(of.after.as_deref())),
        );
        if by_release {
            let brought: Vec<String> = entry.brought.iter().map(brought_text).collect();
            let _ = write!(out, " {} |", calm_cell(&brought.join("; ")));
        }
        out.push('\n');
    }
    let by_design = by_design(comparison);
    if !by_design.is_empty() {
        out.push_str("\nBy design:\n\n");
    }
    for line in by_design {
        let _ = writeln!(out, "- {}", calm_cell(&line));
    }
    let rest = not_compared(comparison);
    if !rest.is_empty() {
        out.push_str("\nNot compared:\n\n");
    }
    for line in rest {
        let _ = writeln!(out, "- {}", calm_cell(&line));
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
pub fn comparison_json(of: Compared<'_>) -> Value {
    let Compared { comparison, steps } = of;
    let answer = |answer: &Option<Arc<Answer>>| {
        answer.as_ref().map(|a| {
            json!({
                "verdict": a.verdict.as_str(), "ifAuthorizerAllows": a.is_conditional,
                "audited": a.logged.audited, "dryRunDenies": a.logged.dry_run_denies,
                "dryRunAllows": a.logged.dry_run_allows,
                "point": a.point, "reason": a.reason, "rule": a.rule, "clientSees": a.observed,
            })
        })
    };
    let differences = |by_design: bool| -> Vec<Value> {
        let changes = comparison.changes.iter().filter(|c| c.by_design.is_some() == by_design);
        let value = |c: &AccessChange| {
            json!({
                "change": match c.change {
                    Change::Gain => "gain",
                    Change::Loss => "loss",
                    Change::Other => "other",
                },
                "from": c.from.to_string(),
                "to": c.to.to_string(),
                "before": answer_text(c.before.as_deref()),
                "after": answer_text(c.after.as_deref()),
                "answerBefore": answer(&c.before),
                "answerAfter": answer(&c.after),
                "everyRequest": c.every_request,
                "otherPorts": c.other_ports,
                "byDesign": c.by_design.map(|what| what.to_string()),
                "broughtBy": brought(c, steps).iter().map(brought_json).collect::<Vec<Value>>(),
                "request": c.request.as_deref().map(request_json),
            })
        };
        changes.map(value).collect()
    };
    let asked = comparison.asked_in_all();
    json!({
        "version": 2,
        "differences": differences(false),
        "differencesByDesign": differences(true),
        "byDesign": by_design(comparison),
        "notCompared": not_compared(comparison),
        "pairs": asked.pairs,
        "requests": asked.requests,
    })
}

fn brought_json(brought: &Brought) -> Value {
    let Brought { behaviour, is_gone } = brought;
    json!({
        "release": behaviour.since().to_string(), "what": behaviour.as_str(), "gone": is_gone,
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
