//! `waypost list`

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::changed::Changes;
use super::session::Session;
use super::terminal::Terminal;
use super::{ExitCode, Global};
use crate::model::{Environment, Unit};
use crate::pipeline::Rendered;
use crate::tree::Scope;

/// List environments with their clusters, units and stages.
///
/// A cluster's units are those that a render writes for it now, so every environment is rendered
/// into memory. All or nothing: with an error in one environment nothing is listed, so that a job
/// made from the list never leaves one out.
///
/// With `--changed-since` an environment is listed if anything that it is made of, or its tree,
/// differs between that revision and what lies on disk. Whatever cannot be ruled out counts: a
/// change in `templates` or `schemas`, or a tree that another version of waypost rendered.
#[derive(Args, Clone, Debug)]
pub struct List {
    /// Environments; all where none is named.
    #[arg(value_name = "ENV")]
    environments: Vec<String>,
    /// How the list is written.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    format: ListFormat,
    /// Only environments that a change since this revision touches. For what a branch changes
    /// alone, give `$(git merge-base origin/main HEAD)`.
    #[arg(long, value_name = "REV")]
    changed_since: Option<String>,
    /// Folder of the trees, below the repository's folder: a change there counts, and its locks
    /// say which version rendered.
    #[arg(long, value_name = "DIR", default_value = "rendered")]
    out: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum ListFormat {
    /// For people.
    #[default]
    Text,
    /// One line, as the matrix of a GitHub Actions job takes it: `include` has an element for each
    /// environment.
    Json,
}

/// A matrix: a second key beside `include` would be a dimension of it.
#[derive(Serialize)]
struct Matrix {
    include: Vec<Listed>,
}

#[derive(Serialize)]
struct Listed {
    environment: String,
    clusters: Vec<ListedCluster>,
    stages: Vec<String>,
    reached: String,
}

#[derive(Serialize)]
struct ListedCluster {
    name: String,
    units: Vec<&'static str>,
}

impl List {
    pub(super) fn run(&self, global: &Global, terminal: &Terminal) -> anyhow::Result<ExitCode> {
        let session = Session::new(global, terminal)?;
        let Some(names) = session.names(&self.environments) else {
            return Ok(ExitCode::Problems);
        };
        let mut names: BTreeSet<String> = names.into_iter().collect();
        if let Some(revision) = &self.changed_since {
            let changes = Changes::since(&global.root, revision)?;
            names.retain(|name| {
                let why = session.touched(name, &changes, &self.out);
                if let Some(why) = &why {
                    terminal.detail(&format!("{name}: {why}"));
                }
                why.is_some()
            });
            if names.is_empty() {
                terminal
                    .say(&format!("no environment is touched by what changed since `{revision}`"));
            }
        }
        let scope = Scope::default();
        let (mut include, mut complete) = (Vec::new(), true);
        for name in names {
            let mut loaded = session.load(&name);
            let prepared = session.prepare(&mut loaded, None, &scope)?;
            let rendered = session.render(&mut loaded, &prepared);
            terminal.show(&loaded.found, &loaded.sources);
            match (&loaded.resolved, rendered) {
                (Some(resolved), Some(rendered)) => {
                    include.push(listed(&resolved.environment, &rendered));
                }
                _ => complete = false,
            }
        }
        if !complete {
            return Ok(ExitCode::Problems);
        }
        let text = match self.format {
            ListFormat::Text => include.iter().map(text).collect(),
            ListFormat::Json => serde_json::to_string(&Matrix { include })? + "\n",
        };
        let mut out = std::io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()?;
        Ok(ExitCode::Clean)
    }
}

fn listed(environment: &Environment, rendered: &Rendered) -> Listed {
    let mut written: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (path, _) in rendered.applied() {
        let mut parts = path.split('/');
        if let (Some(cluster), Some(unit)) = (parts.next(), parts.next()) {
            written.entry(cluster).or_default().insert(unit);
        }
    }
    let units = |cluster: &str| {
        let written = written.get(cluster);
        let is_written = |unit: &&str| written.is_some_and(|units| units.contains(unit));
        Unit::ALL.iter().map(|unit| unit.as_str()).filter(is_written).collect()
    };
    let cluster = |name: &str| ListedCluster { name: name.to_owned(), units: units(name) };
    Listed {
        environment: environment.name.to_string(),
        clusters: environment.clusters.keys().map(|name| cluster(name.as_str())).collect(),
        stages: environment.stages.iter().map(|stage| stage.name.to_string()).collect(),
        reached: environment.reached.to_string(),
    }
}

fn text(listed: &Listed) -> String {
    let mut text = format!("{}\n", listed.environment);
    for cluster in &listed.clusters {
        text.push_str(&format!("  cluster {}: {}\n", cluster.name, words(&cluster.units)));
    }
    if !listed.stages.is_empty() {
        let stages: Vec<&str> = listed.stages.iter().map(String::as_str).collect();
        text.push_str(&format!("  stages: {} (reached: {})\n", words(&stages), listed.reached));
    }
    text
}

fn words(words: &[&str]) -> String {
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}
