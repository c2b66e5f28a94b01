//! The diff for a terminal: verdict, dangers, access, counts, then object by object.

use std::fmt::Write;

use serde_json::Value;

use super::report::{Access, EnvironmentReport, EnvironmentState, Report, Traffic};
use crate::diff::{AccessChange, FieldChange, Level, LineKind, ObjectChange, hunks};
use crate::replay::Finding;
use crate::report::traffic::{requests, sent, sentence, verb};
use crate::report::visible;

/// How the text is written.
#[derive(Clone, Copy, Debug, Default)]
pub struct TextOptions {
    /// With colours.
    pub colour: bool,
    /// Lines of the files instead of fields.
    pub patch: bool,
    /// Also what nobody needs to read.
    pub all: bool,
}

/// Bytes of a value that are shown.
const VALUE: usize = 160;

/// Writes the report.
pub fn text(report: &Report, options: TextOptions) -> String {
    let mut out = Out { text: String::new(), colour: options.colour };
    out.line(Style::Bold, &report.headline());
    out.line(Style::Plain, &format!("{} → {}", report.base, report.head));
    for environment in &report.environments {
        if !environment.tree.is_empty() || !environment.remarks.is_empty() {
            one(environment, options, &mut out);
        }
    }
    out.text
}

fn one(environment: &EnvironmentReport, options: TextOptions, out: &mut Out) {
    let state = match environment.state {
        EnvironmentState::Added => " is new",
        EnvironmentState::Removed => " is gone",
        EnvironmentState::Changed | EnvironmentState::Equal => "",
    };
    out.text.push('\n');
    out.line(Style::Bold, &format!("{}{state}: {}", environment.name, environment.tally()));
    for remark in &environment.remarks {
        out.line(Style::Bold, &format!("  note: {remark}"));
    }
    traffic(environment, out);
    for (level, word, style) in
        [(Level::Danger, "danger", Style::Red), (Level::Notice, "notice", Style::Plain)]
    {
        for flag in environment.flags(level) {
            out.line(
                style,
                &format!("  {word} {} [{}]: {}", flag.code.as_str(), flag.place(), flag.message),
            );
        }
    }
    access(environment, out);
    hidden(environment, options, out);
    for (object, origin) in environment.shown() {
        out.text.push('\n');
        let origin = origin.map(|o| format!("  ({}:{}:{})", o.path, o.line, o.column));
        out.line(Style::Bold, &format!("{}{}", title(object), origin.unwrap_or_default()));
        body(object, options, out);
    }
    for file in environment.tree.files.iter().filter(|f| options.all || f.noise.is_none()) {
        out.text.push('\n');
        out.line(Style::Bold, &format!("file {}", file.path));
        let side = |side: &Option<String>| side.clone().unwrap_or_default();
        lines(&side(&file.before), &side(&file.after), out);
    }
    if options.all {
        for object in environment.tree.objects.iter().filter(|object| object.noise().is_some()) {
            out.text.push('\n');
            out.line(Style::Bold, &title(object));
            patch(object, out);
        }
    }
}

/// Callers first: they are who is called when it goes wrong.
fn traffic(environment: &EnvironmentReport, out: &mut Out) {
    let weighed = match &environment.traffic {
        Traffic::NotNamed => return,
        Traffic::NotRead(why) => {
            return out.line(Style::Red, &format!("  traffic was not asked: {why}"));
        }
        Traffic::Replayed(weighed) => weighed,
    };
    let style = if weighed.replay.changed() > 0 { Style::Red } else { Style::Plain };
    out.line(style, &format!("  traffic: {}", sentence(&weighed.replay)));
    for finding in [Finding::Lost, Finding::Gained] {
        let Some(verb) = verb(finding) else { continue };
        for group in weighed.replay.groups(finding) {
            let (from, to, count) = (group.from, group.to, requests(group.count));
            let what = sent(&group.rows);
            out.line(Style::Red, &format!("  traffic: {from} {verb} {to}: {count}, {what}"));
            if let Some((_, then)) = group.rows.first().and_then(|row| row.then.as_ref()) {
                out.line(Style::Plain, &format!("    after:  {then}"));
            }
        }
    }
    for sentence in &weighed.order {
        out.line(Style::Plain, &format!("  traffic, order: {sentence}"));
    }
}

fn access(environment: &EnvironmentReport, out: &mut Out) {
    let diff = match &environment.access {
        Access::Simulated(diff) => diff,
        Access::Same => return,
        Access::NotAsked => {
            return out.line(Style::Plain, "  access was not simulated: `--no-access`");
        }
        Access::NotSimulated(why) => {
            return out.line(Style::Plain, &format!("  access was not simulated: {why}"));
        }
    };
    // of what comes or goes whole, everything does
    if environment.state != EnvironmentState::Changed {
        return;
    }
    if diff.changes.is_empty() && !diff.has_unknown() && environment.gaps().next().is_none() {
        out.line(Style::Plain, "  nobody gains or loses access");
    }
    for limit in &diff.limits {
        out.line(Style::Plain, &format!("  access: {limit}"));
    }
    for sentence in &diff.by_design {
        out.line(Style::Plain, &format!("  access, by design: {sentence}"));
    }
    for change in &diff.changes {
        let AccessChange { direction, from, to, .. } = change;
        let (verb, request) = (direction.verb(), change.said_request());
        out.line(Style::Red, &format!("  access: {from} {verb} {to} {request}"));
        out.line(Style::Plain, &format!("    before: {}", change.said_before()));
        out.line(Style::Plain, &format!("    after:  {}", change.said_after()));
    }
}

fn hidden(environment: &EnvironmentReport, options: TextOptions, out: &mut Out) {
    let hidden = environment.hidden();
    if !hidden.is_empty() && !options.all {
        out.line(Style::Plain, &format!("  not shown: {hidden} (`--all` shows them)"));
    }
}

/// `~ Namespace httpbin  cp-cluster-1/enrollment/_cluster/namespace-httpbin.yaml`
fn title(object: &ObjectChange) -> String {
    let reference = object.reference().map(ToString::to_string).unwrap_or_default();
    let path = |version: &Option<crate::diff::ObjectVersion>| {
        version.as_ref().map(|version| version.path.clone())
    };
    let place = match (path(&object.before), path(&object.after)) {
        (Some(old), Some(new)) if old != new => format!("{old} → {new}"),
        (old, new) => new.or(old).unwrap_or_default(),
    };
    format!("{} {reference}  {place}", object.kind().sign())
}

fn body(object: &ObjectChange, options: TextOptions, out: &mut Out) {
    if options.patch || object.before.is_none() || object.after.is_none() {
        return patch(object, out);
    }
    for FieldChange { path, before, after, is_order } in &object.fields {
        let value = |value: &Option<Value>| value.as_ref().map(said);
        match (value(before), value(after)) {
            (Some(old), Some(new)) if *is_order => {
                out.line(Style::Plain, &format!("  ~ {path}: the order was {old}, and is {new}"));
            }
            (Some(old), Some(new)) => {
                out.line(Style::Plain, &format!("  ~ {path}: {old} → {new}"));
            }
            (Some(old), None) => out.line(Style::Red, &format!("  - {path}: {old}")),
            (None, new) => {
                out.line(Style::Green, &format!("  + {path}: {}", new.unwrap_or_default()));
            }
        }
    }
    if object.ignored_fields > 0 {
        let fields = super::report::counted(object.ignored_fields, "more field");
        out.line(Style::Plain, &format!("    {fields} ignored"));
    }
}

fn said(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    visible::cut(&text, VALUE)
}

fn patch(object: &ObjectChange, out: &mut Out) {
    let text = |version: &Option<crate::diff::ObjectVersion>| {
        version.as_ref().map(|version| version.text.clone()).unwrap_or_default()
    };
    lines(&text(&object.before), &text(&object.after), out);
}

fn lines(before: &str, after: &str, out: &mut Out) {
    for hunk in hunks(before, after) {
        out.line(Style::Plain, &format!("  @@ {} {} @@", hunk.before, hunk.after));
        for line in hunk.lines {
            let style = match line.kind {
                LineKind::Context => Style::Plain,
                LineKind::Removed => Style::Red,
                LineKind::Added => Style::Green,
            };
            out.line(style, &format!("  {}{}", line.kind.sign(), line.text));
        }
    }
}

#[derive(Clone, Copy)]
enum Style {
    Plain,
    Bold,
    Red,
    Green,
}

struct Out {
    text: String,
    colour: bool,
}

impl Out {
    fn line(&mut self, style: Style, line: &str) {
        let code = match style {
            Style::Plain => None,
            Style::Bold => Some(1),
            Style::Red => Some(31),
            Style::Green => Some(32),
        };
        let line = visible::line(line);
        // writing to a String cannot fail
        let _ = match code.filter(|_| self.colour) {
            Some(code) => writeln!(self.text, "\u{1b}[{code}m{}\u{1b}[0m", line.trim_end()),
            None => writeln!(self.text, "{}", line.trim_end()),
        };
    }
}
