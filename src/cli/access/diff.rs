//! `waypost access diff`

use std::collections::BTreeMap;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::super::terminal::Terminal;
use super::super::{ExitCode, Global};
use super::world::World;
use super::{world, write};
use crate::report::access as report;
use crate::simulate::{Cell, Client, Mesh, Verdict};

/// Show who gains and who loses access from one mesh to another.
#[derive(Args, Clone, Debug)]
pub struct Diff {
    /// The mesh before: an environment, `ENV@STAGE[/STEP]`, or a folder of manifests.
    #[arg(value_name = "BEFORE")]
    before: String,
    /// The mesh after, in the same form.
    #[arg(value_name = "AFTER")]
    after: String,
    /// End with 5 when there is such a change. May be given several times.
    #[arg(long, value_enum, value_name = "CHANGE")]
    fail_on: Vec<Change>,
    /// How it is written.
    #[arg(short, long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum Change {
    /// Somebody may do what was refused before.
    Gain,
    /// Somebody may not do what was allowed before.
    Loss,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For a terminal.
    #[default]
    Text,
    /// For a pull request.
    Markdown,
    /// For a program.
    Json,
}

/// One pair that fares otherwise.
struct Difference {
    change: Change,
    from: String,
    to: String,
    before: String,
    after: String,
}

impl Diff {
    pub(super) fn run(&self, global: &Global, terminal: &Terminal) -> anyhow::Result<ExitCode> {
        let read = |of: &str| -> anyhow::Result<Option<World>> {
            let (of, stage) = match of.split_once('@') {
                Some((of, stage)) => (of, Some(stage)),
                None => (of, None),
            };
            world::world(Some(of), stage, global, terminal)
        };
        let (Some(before), Some(after)) = (read(&self.before)?, read(&self.after)?) else {
            return Ok(ExitCode::Problems);
        };
        let has_errors = before.show(terminal) | after.show(terminal);
        let differences = compare(&before.mesh, &after.mesh);
        write(&match self.format {
            Format::Text => text(&differences),
            Format::Markdown => markdown(&differences),
            Format::Json => format!("{}\n", serde_json::to_string_pretty(&json(&differences))?),
        })?;
        let count = |c: Change| differences.iter().filter(|d| d.change == c).count();
        let (gained, lost) = (count(Change::Gain), count(Change::Loss));
        terminal
            .say(&format!("from {} to {}: {gained} gained, {lost} lost", before.name, after.name));
        if differences.iter().any(|d| self.fail_on.contains(&d.change)) {
            return Ok(ExitCode::Refused);
        }
        Ok(if has_errors { ExitCode::Problems } else { ExitCode::Clean })
    }
}

/// Pairs by name. A pair that only one side has was, or will be, neither allowed nor refused: it
/// counts as refused there.
fn compare(before: &Mesh, after: &Mesh) -> Vec<Difference> {
    let (old, new) = (pairs(before), pairs(after));
    let mut names: Vec<&(String, String)> = old.keys().chain(new.keys()).collect();
    names.sort();
    names.dedup();
    let mut differences = Vec::new();
    for name in names {
        let (was, is) = (old.get(name), new.get(name));
        let open = |cell: Option<&(Verdict, String)>| match cell.map(|c| c.0) {
            Some(Verdict::Allow) => 2,
            Some(Verdict::Mixed) => 1,
            _ => 0,
        };
        let change = match open(is).cmp(&open(was)) {
            std::cmp::Ordering::Greater => Change::Gain,
            std::cmp::Ordering::Less => Change::Loss,
            std::cmp::Ordering::Equal => continue,
        };
        let say = |cell: Option<&(Verdict, String)>| {
            cell.map_or_else(|| "not there".to_owned(), |(_, text)| text.clone())
        };
        differences.push(Difference {
            change,
            from: name.0.clone(),
            to: name.1.clone(),
            before: say(was),
            after: say(is),
        });
    }
    differences.sort_by(|a, b| (a.change, &a.from, &a.to).cmp(&(b.change, &b.from, &b.to)));
    differences
}

fn pairs(mesh: &Mesh) -> BTreeMap<(String, String), (Verdict, String)> {
    let matrix = mesh.matrix();
    matrix
        .iter()
        .map(|(client, (service, port), cell)| {
            let from = match client {
                Client::Outside(_) => "outside".to_owned(),
                Client::Workload(id) => mesh.workload_name(id),
            };
            let to = format!("{}:{port}", mesh.service_name(service));
            ((from, to), (cell.verdict, said(mesh, cell)))
        })
        .collect()
}

fn said(mesh: &Mesh, cell: &Cell) -> String {
    let rule = cell.reason.rule().map(|rule| format!(" by {}", mesh.rule_name(rule)));
    format!(
        "{} at {}{}",
        cell.verdict.as_str(),
        mesh.point_name(cell.point),
        rule.unwrap_or_default()
    )
}

fn sign(change: Change) -> &'static str {
    match change {
        Change::Gain => "gains",
        Change::Loss => "loses",
    }
}

fn text(differences: &[Difference]) -> String {
    let rows: Vec<Vec<String>> = differences
        .iter()
        .map(|d| {
            vec![
                d.from.clone(),
                sign(d.change).into(),
                d.to.clone(),
                format!("before: {}; after: {}", d.before, d.after),
            ]
        })
        .collect();
    report::columns(&rows)
}

fn markdown(differences: &[Difference]) -> String {
    if differences.is_empty() {
        return "Nobody gains or loses access.\n".into();
    }
    let mut out = String::from("| who | | what | before | after |\n|---|---|---|---|---|\n");
    for d in differences {
        out.push_str(&format!(
            "| `{}` | {} | `{}` | {} | {} |\n",
            d.from,
            sign(d.change),
            d.to,
            d.before,
            d.after
        ));
    }
    out
}

fn json(differences: &[Difference]) -> Value {
    let list: Vec<Value> = differences
        .iter()
        .map(|d| {
            json!({
                "change": if d.change == Change::Gain { "gain" } else { "loss" },
                "from": d.from, "to": d.to, "before": d.before, "after": d.after,
            })
        })
        .collect();
    json!({"version": 1, "differences": list})
}
