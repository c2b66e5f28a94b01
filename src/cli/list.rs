//! `waypost list`

use std::collections::{BTreeMap, BTreeSet};

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::changed::Changes;
use super::gitops::{Folders, GITOPS};
use super::output::print;
use super::session::Session;
use super::terminal::Terminal;
use super::{ExitCode, Global};
use crate::model::{Environment, Reached, Unit};
use crate::pipeline::Rendered;
use crate::report::{Shown, visible};
use crate::tree::{FilePlace, Scope};

/// List environments with their clusters, units and stages.
///
/// A cluster's units are those that a render writes for it now, so every environment is rendered
/// into memory. All or nothing: with an error in one environment nothing is listed, so that a job
/// made from the list never leaves one out.
///
/// With `--changed-since` an environment is listed if anything that it is made of, or its tree,
/// differs between that revision and what lies on disk. Whatever cannot be ruled out counts: a
/// change in `templates` or `schemas`, or a tree that another version of waypost rendered. A tree
/// whose spec is gone is listed, without clusters, for `check` to tell.
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
    /// Only the I-th of N parts of the list, each of every N-th environment: GitHub takes at most 256 jobs
    /// of a matrix.
    #[arg(long, value_name = "I/N", value_parser = Shard::parse)]
    shard: Option<Shard>,
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

/// Jobs that a matrix of GitHub Actions may have (docs.github.com, "Usage limits").
const MOST_JOBS: usize = 256;

/// A part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shard {
    /// From 1.
    number: usize,
    /// How many there are.
    of: usize,
}

impl Default for Shard {
    fn default() -> Self {
        Self { number: 1, of: 1 }
    }
}

impl Shard {
    fn parse(text: &str) -> Result<Self, String> {
        let parts = text
            .split_once('/')
            .and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
        match parts {
            Some((number, of)) if (1..=of).contains(&number) => Ok(Self { number, of }),
            _ => Err("write the number of the part and how many there are: `2/3`".to_owned()),
        }
    }

    /// Every N-th name: a part stays the same whoever asks for it.
    fn of(self, names: &BTreeSet<String>) -> Vec<&String> {
        let is_here = |at: &usize| at % self.of == self.number - 1;
        names.iter().enumerate().filter(|(at, _)| is_here(at)).map(|(_, name)| name).collect()
    }
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
        let mut without_spec: BTreeSet<String> = BTreeSet::new();
        if let Some(revision) = &self.changed_since {
            let changes = Changes::since(&global.root, revision)?;
            let all = names.clone();
            names.retain(|name| {
                let why = session.touched(name, &changes, &self.out);
                if let Some(why) = &why {
                    terminal.detail(&format!("{name}: {why}"));
                }
                why.is_some()
            });
            let folders =
                Folders { out: Some(self.out.clone().into()), gitops: Some(GITOPS.to_owned()) };
            let strays = session.strays(&folders);
            for stray in strays.iter().filter(|stray| stray.concerns(&self.environments)) {
                let Some(name) = &stray.environment else {
                    // it may belong to any
                    if changes.at(&stray.path).is_some() {
                        terminal.detail(&format!("all: `{}` changed", stray.path));
                        names.extend(all.iter().cloned());
                    }
                    continue;
                };
                let touching = changes.touching(name, &self.out, &BTreeSet::new());
                if touching.is_some() && !names.contains(name) {
                    terminal.detail(&format!("{name}: it has no spec"));
                    without_spec.insert(name.clone());
                }
            }
            if names.is_empty() && without_spec.is_empty() {
                terminal
                    .say(&format!("no environment is touched by what changed since `{revision}`"));
            }
        }
        let scope = Scope::default();
        let all: BTreeSet<String> = names.union(&without_spec).cloned().collect();
        let listed_names = self.shard.unwrap_or_default().of(&all);
        if self.format == ListFormat::Json && listed_names.len() > MOST_JOBS {
            terminal.say(&format!(
                "{} environments are more than the {MOST_JOBS} jobs of a matrix of GitHub: list them in parts with `--shard I/N`",
                listed_names.len()
            ));
        }
        let (mut include, mut complete) = (Vec::new(), true);
        for name in listed_names {
            if !names.contains(name) {
                include.push(Listed::without_spec(name));
                continue;
            }
            let mut loaded = session.load(name);
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
            ListFormat::Text => Shown::text(&include.iter().map(text).collect::<String>()),
            ListFormat::Json => Shown::json(&(serde_json::to_string(&Matrix { include })? + "\n")),
        };
        print(&text)?;
        Ok(ExitCode::Clean)
    }
}

impl Listed {
    /// An environment of which only a tree is left: `check` says so.
    fn without_spec(name: &str) -> Self {
        Self {
            environment: name.to_owned(),
            clusters: Vec::new(),
            stages: Vec::new(),
            reached: Reached::None.to_string(),
        }
    }
}

fn listed(environment: &Environment, rendered: &Rendered) -> Listed {
    let mut written: BTreeMap<&str, BTreeSet<Unit>> = BTreeMap::new();
    for (path, _) in rendered.applied() {
        let place = FilePlace::of(path);
        written.entry(place.cluster).or_default().extend(place.unit());
    }
    let units = |cluster: &str| {
        let written = written.get(cluster);
        let is_written = |unit: &&Unit| written.is_some_and(|units| units.contains(unit));
        Unit::ALL.iter().filter(is_written).map(|unit| unit.as_str()).collect()
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
    let mut text = format!("{}\n", visible::line(&listed.environment));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_all_of_it_and_each_is_asked_for_by_its_number() {
        let names: BTreeSet<String> = (0..700).map(|at| format!("e{at:03}")).collect();
        let part = |text: &str| Shard::parse(text).expect(text).of(&names);
        let all: BTreeSet<&String> = (1..=3).flat_map(|at| part(&format!("{at}/3"))).collect();
        assert_eq!(all.len(), 700);
        assert!((1..=3).all(|at| part(&format!("{at}/3")).len() <= MOST_JOBS));
        assert_eq!(part("1/1").len(), 700);
        for bad in ["0/3", "4/3", "3", "a/b", "1/0", "-1/3", "1/3/1", ""] {
            assert!(Shard::parse(bad).is_err(), "{bad}");
        }
    }
}
