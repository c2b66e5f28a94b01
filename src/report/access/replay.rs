//! What a log's requests meet in another mesh, for people and for programs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::suggest::{SuggestedCase, SuggestedTest};
use crate::replay::{Finding, Replay, Row, Seen, Suggestions};
use crate::report::traffic::{requests, row_json, sentence};
use crate::report::visible::line;
use crate::simulate::HttpRequest;
use crate::traffic::{Misfit, Sample, Time};

/// How many groups of a finding, and rows of a group, people are shown.
const GROUPS: usize = 20;
const ROWS: usize = 5;

/// A replay, and what it was made of.
pub struct ReplayReport<'r> {
    /// What was found.
    pub replay: &'r Replay,
    /// What was read.
    pub sample: &'r Sample,
    /// The names of the files, by their numbers in the sample.
    pub files: &'r [String],
    /// Identities, names and addresses are not shown.
    pub redact: bool,
    /// Everything is shown, however long it gets.
    pub all: bool,
}

fn heading(finding: Finding) -> &'static str {
    match finding {
        Finding::Lost => "allowed in the log, and refused then",
        Finding::Gained => "refused in the log, and allowed then",
        Finding::Disagrees => {
            "the log says otherwise than the simulator about the present: the manifests or the model are \
             wrong, or the log is older than the tree"
        }
        Finding::Elsewhere => "the same answer, from another point or rule",
    }
}

impl ReplayReport<'_> {
    /// A client's or a destination's name, or the number that stands for it: the same name has the
    /// same number.
    fn name(&self, name: &str) -> String {
        if !self.redact {
            return line(name);
        }
        let names: BTreeSet<&str> =
            self.replay.rows.iter().flat_map(|row| [row.from.as_str(), row.to.as_str()]).collect();
        let number = names.iter().position(|known| *known == name).map_or(0, |at| at + 1);
        format!("#{number}")
    }

    /// A point's name, or its place among those that were asked: a folder or an environment names who
    /// it is of.
    fn point(&self, name: &str) -> String {
        if !self.redact {
            return line(name);
        }
        match self.replay.points.iter().position(|known| known == name) {
            None | Some(0) => "now".to_owned(),
            Some(at) => format!("point {at}"),
        }
    }

    /// A sentence that names policies and workloads.
    fn sentence_of(&self, text: &str) -> String {
        if self.redact { redacted(text) } else { line(text) }
    }

    fn shown(&self, finding: Finding) -> bool {
        self.all || finding != Finding::Elsewhere
    }

    /// For a terminal.
    pub fn text(&self) -> String {
        let mut out = String::new();
        let _ = writeln!(out, "{}", self.head());
        for finding in FINDINGS {
            let groups = self.replay.groups(finding);
            if groups.is_empty() || !self.shown(finding) {
                continue;
            }
            let count = requests(self.replay.count(finding));
            let callers: BTreeSet<&str> = groups.iter().map(|g| g.from).collect();
            let callers = match callers.len() {
                1 => "1 caller".to_owned(),
                n => format!("{n} callers"),
            };
            let _ = writeln!(out, "\n{count} of {callers}: {}", heading(finding));
            for group in groups.iter().take(if self.all { usize::MAX } else { GROUPS }) {
                let (from, to) = (self.name(group.from), self.name(group.to));
                let _ = writeln!(out, "  {from} to {to}: {}", requests(group.count));
                for row in group.rows.iter().take(if self.all { usize::MAX } else { ROWS }) {
                    self.row(row, &mut out);
                }
                if !self.all && group.rows.len() > ROWS {
                    let _ = writeln!(out, "    … {} more", group.rows.len() - ROWS);
                }
            }
            if !self.all && groups.len() > GROUPS {
                let _ =
                    writeln!(out, "  … {} more pairs (`--all` shows them)", groups.len() - GROUPS);
            }
        }
        let elsewhere = self.replay.count(Finding::Elsewhere);
        if elsewhere > 0 && !self.all {
            let _ = writeln!(
                out,
                "\n{}: {} (`--all` shows them)",
                requests(elsewhere),
                heading(Finding::Elsewhere)
            );
        }
        self.unknown(&mut out);
        out
    }

    fn row(&self, row: &Row, out: &mut String) {
        let seen = match (row.first, row.last) {
            (Some(first), Some(last)) if first == last => format!(", seen {first}"),
            (Some(first), Some(last)) => format!(", first seen {first}, last {last}"),
            _ => String::new(),
        };
        let by: Vec<&str> = row.reporters.keys().map(|r| r.as_str()).collect();
        let _ = writeln!(out, "    {}: {}{seen}", line(&row.request), requests(row.count));
        let _ = writeln!(out, "      log:  {} ({})", self.sentence_of(&row.logged), by.join(", "));
        let _ = writeln!(out, "      now:  {}", self.sentence_of(&row.now));
        if let Some((at, then)) = &row.then {
            let _ = writeln!(out, "      then: {} ({})", self.sentence_of(then), self.point(at));
        }
    }

    fn unknown(&self, out: &mut String) {
        if !self.replay.unknown.is_empty() {
            let count = requests(self.replay.unknown_count());
            let _ = writeln!(out, "\n{count} without an answer");
            for (why, (count, example)) in &self.replay.unknown {
                let example = if self.redact {
                    String::new()
                } else {
                    format!(", such as {}", line(example))
                };
                let _ = writeln!(out, "  {}: {}{example}", requests(*count), why.as_str());
            }
        }
        for unread in &self.sample.unread {
            let (file, number, text) = &unread.first;
            let named = self.files.get(*file).filter(|_| !self.redact);
            let file = named.map_or_else(|| format!("file {}", file + 1), Clone::clone);
            let lines = if unread.count == 1 {
                "1 line".to_owned()
            } else {
                format!("{} lines", unread.count)
            };
            let _ = writeln!(
                out,
                "\n{lines} not read: it {}; the first is {}:{number}",
                unread.misfit.as_str(),
                line(&file)
            );
            if !self.redact && unread.misfit != Misfit::Length {
                let _ = writeln!(out, "  {}", line(text));
            }
        }
    }

    fn head(&self) -> String {
        let window = match self.sample.window() {
            Some((first, last)) => format!(" from {first} to {last}"),
            None => String::new(),
        };
        let points =
            self.replay.points.iter().map(|p| self.point(p)).collect::<Vec<_>>().join(", ");
        format!(
            "{}{window} ({} distinct, {} lines), asked at {points}",
            requests(self.replay.asked),
            self.sample.classes().len(),
            self.sample.lines
        )
    }

    /// One sentence that says it all: for standard error, and for the head of a comment.
    pub fn sentence(&self) -> String {
        sentence(self.replay)
    }

    /// For a pull request.
    pub fn markdown(&self) -> String {
        let mut out = format!("**{}**\n\n{}\n", self.sentence(), escaped(&self.head()));
        for finding in FINDINGS {
            let groups = self.replay.groups(finding);
            if groups.is_empty() || !self.shown(finding) {
                continue;
            }
            let _ = writeln!(
                out,
                "\n### {}: {}\n\n| from | to | request | requests | log | now | then |\n|---|---|---|---|---|---|---|",
                requests(self.replay.count(finding)),
                heading(finding)
            );
            let limit = if self.all { usize::MAX } else { GROUPS };
            for row in groups.iter().take(limit).flat_map(|g| g.rows.iter().take(ROWS)) {
                let then = row
                    .then
                    .as_ref()
                    .map(|(at, then)| format!("{} ({})", self.sentence_of(then), self.point(at)));
                let cells = [
                    self.name(&row.from),
                    self.name(&row.to),
                    line(&row.request),
                    row.count.to_string(),
                    self.sentence_of(&row.logged),
                    self.sentence_of(&row.now),
                    then.unwrap_or_default(),
                ];
                let cells: Vec<String> = cells.iter().map(|c| escaped(c)).collect();
                let _ = writeln!(out, "| {} |", cells.join(" | "));
            }
        }
        let mut rest = String::new();
        self.unknown(&mut rest);
        if !rest.is_empty() {
            let _ = writeln!(out, "\n```text{}\n```", rest.trim_end().replace("```", "'''"));
        }
        out
    }

    /// For a program.
    pub fn json(&self) -> Value {
        let rows = |finding| -> Vec<Value> {
            self.replay.of(finding).map(|row| self.row_json(row)).collect()
        };
        let unknown: Vec<Value> = self
            .replay
            .unknown
            .iter()
            .map(|(why, (count, example))| {
                let example = (!self.redact).then_some(example);
                json!({"reason": why.as_str(), "requests": count, "example": example})
            })
            .collect();
        let unread: Vec<Value> = self
            .sample
            .unread
            .iter()
            .map(|u| {
                let file = self.files.get(u.first.0).filter(|_| !self.redact);
                json!({"reason": u.misfit.as_str(), "lines": u.count, "file": file, "line": u.first.1})
            })
            .collect();
        let window = self
            .sample
            .window()
            .map(|(first, last)| json!({"first": first.to_string(), "last": last.to_string()}));
        json!({
            "points": self.replay.points.iter().map(|p| self.point(p)).collect::<Vec<_>>(),
            "window": window,
            "lines": self.sample.lines,
            "classes": self.sample.classes().len(),
            "requests": self.replay.asked,
            "same": self.replay.same,
            "lost": rows(Finding::Lost),
            "gained": rows(Finding::Gained),
            "disagrees": rows(Finding::Disagrees),
            "elsewhere": rows(Finding::Elsewhere),
            "unknown": unknown,
            "unread": unread,
        })
    }

    fn value(&self, sentence: &str) -> String {
        if self.redact { redacted(sentence) } else { sentence.to_owned() }
    }

    fn row_json(&self, row: &Row) -> Value {
        let mut value = row_json(row);
        if self.redact {
            value["from"] = self.name(&row.from).into();
            value["to"] = self.name(&row.to).into();
            for key in ["log", "now"] {
                value[key] = self.value(value[key].as_str().unwrap_or_default()).into();
            }
            if let Some((at, then)) = &row.then {
                value["then"] = json!({"at": self.point(at), "answer": self.value(then)});
            }
        }
        value
    }
}

/// How many of the pairs that no log shows are listed in a test's head.
const UNUSED: usize = 100;

/// Access tests of what logs show: one for each namespace that is called. The head of each says how
/// often a request was seen, and what is allowed and was not.
pub fn suggest_from_logs(found: &Suggestions, window: Option<(Time, Time)>) -> Vec<SuggestedTest> {
    let window = match window {
        Some((first, last)) => format!("from {first} to {last}"),
        None => "of a time that the log does not say".to_owned(),
    };
    let test = |(namespace, seen): (&String, &BTreeMap<Seen, u64>)| {
        let total = seen.values().sum();
        let mut summary = vec![format!("{} {window}", requests(total))];
        let prefix = |to: &str| {
            let mut parts = to.trim_start_matches("pod:").rsplit('/');
            parts.nth(1).is_some_and(|own| own == namespace)
        };
        let unused: Vec<_> = found.unused.iter().filter(|(_, to)| prefix(to)).collect();
        if !unused.is_empty() {
            summary.push("allowed, and not in the log: candidates to close".to_owned());
            let shown = unused.iter().take(UNUSED).map(|(from, to)| format!("  {from} to {to}"));
            summary.extend(shown);
            if unused.len() > UNUSED {
                summary.push(format!("  and {} more", unused.len() - UNUSED));
            }
        }
        SuggestedTest {
            name: format!("{namespace}-seen"),
            summary: summary.iter().map(|l| line(l)).collect(),
            cases: seen.iter().map(|(seen, count)| case(seen, *count)).collect(),
        }
    };
    found.seen.iter().map(test).collect()
}

fn case(seen: &Seen, count: u64) -> SuggestedCase {
    let what = match &seen.request {
        Some((method, path, _)) => format!("{method} {path}"),
        None => "a connection".to_owned(),
    };
    SuggestedCase {
        name: format!("{} to {}: {what} ({})", seen.from, seen.to, requests(count)),
        from: seen.from.clone(),
        to: seen.to.clone(),
        request: seen.request.clone().map(|(method, path, host)| HttpRequest {
            method,
            path,
            host,
            ..HttpRequest::default()
        }),
        allows: seen.allows,
    }
}

const FINDINGS: [Finding; 4] =
    [Finding::Lost, Finding::Gained, Finding::Disagrees, Finding::Elsewhere];

fn escaped(text: &str) -> String {
    crate::report::diff::code(text, 240)
}

/// What is left of a sentence about somebody: its first word.
fn redacted(sentence: &str) -> String {
    sentence.split([' ', ':']).next().unwrap_or_default().to_owned()
}
