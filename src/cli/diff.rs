//! `waypost diff`

mod access;
mod environment;
mod order;
mod origin;
pub(super) mod secret;
mod side;
mod spec;
mod stages;
mod traffic;

use std::path::PathBuf;

use clap::builder::RangedU64ValueParser;
use clap::{Args, ValueEnum};

use self::side::{Differ, Pair, Side, Trees};
use super::format::about;
use super::gitops::GITOPS;
use super::output::print;
use super::session::Session;
use super::terminal::Terminal;
use super::{ExitCode, Global, Usage};
use crate::diagnostic::nearest;
use crate::diff::{Direction, Ignored, Level, Options};
use crate::report::diff::{MarkdownOptions, Report, TextOptions, Verdict};
use crate::report::{self, Counts, Findings, Shown};
use crate::tree::Differing;

/// Show what changes in the rendered trees: dangers, access, objects, fields.
///
/// Compares the tree that is rendered and committed at a revision (or lies in a folder) with the
/// tree as it lies in the working tree now: what a pull request would apply, and what it would tell
/// Argo CD and Flux. Nothing is rendered
/// and nothing is checked out; where the tree is not what its spec would give, that is said: render
/// first. Objects are matched by what they are, wherever they lie, and list items by what tells
/// them apart. Dangers and who gains or loses access (by the simulator of `waypost access`) come
/// first. What is hidden is counted.
#[derive(Args, Clone, Debug)]
#[command(group = clap::ArgGroup::new("with").required(true).args(["base", "against", "every_stage"]))]
pub struct Diff {
    /// Environments; all where none is named.
    #[arg(value_name = "ENV")]
    environments: Vec<String>,
    /// As ENV. May be given several times.
    #[arg(long = "env", value_name = "ENV")]
    more_environments: Vec<String>,
    /// What to compare with: a branch, a tag or a commit; or a folder, which holds another checkout
    /// of the repository, or trees by environment. `./main` is a folder where `main` is a branch.
    #[arg(long, value_name = "REV|DIR")]
    base: Option<String>,
    /// Compare with the commit in which HEAD left the base, as the page of a pull request does.
    #[arg(long, requires = "base", conflicts_with = "against")]
    merge_base: bool,
    /// Compare this instead of the working tree: a revision or a folder.
    #[arg(long, value_name = "REV|DIR", requires = "base")]
    head: Option<String>,
    /// Compare one environment with this one, both as they lie in the working tree.
    #[arg(long, value_name = "ENV", conflicts_with = "base")]
    against: Option<String>,
    /// Instead of two trees, compare each point of the migration with the one before: what becomes
    /// true with every step of every stage, what comes and goes, who gains and loses access, and
    /// whether the access tests hold. Rendered into memory; the spec is that of the working tree.
    #[arg(long)]
    every_stage: bool,
    /// Folder of the trees, below the repository's folder.
    #[arg(long, value_name = "DIR", default_value = "rendered", conflicts_with = "every_stage")]
    out: PathBuf,
    /// Folder of what appliers are told, below the repository's folder.
    #[arg(long, value_name = "DIR", default_value = GITOPS, conflicts_with = "every_stage")]
    gitops: String,
    /// How it is written. The formats for code review hold dangers and access, not every object.
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t)]
    format: Format,
    /// Text: the lines that changed instead of the fields.
    #[arg(short, long)]
    patch: bool,
    /// Text: also what nobody needs to read, such as locks.
    #[arg(long)]
    all: bool,
    /// Leave this field out, and all below it: `metadata.annotations`,
    /// `metadata.labels["example.com/build"]`, `spec.*.replicas`. May be given several times. What
    /// is left out is counted.
    #[arg(long, value_name = "FIELD")]
    ignore: Vec<String>,
    /// Do not simulate who gains and who loses access.
    #[arg(long)]
    no_access: bool,
    /// Markdown: the most bytes of a page; no less than 4,000.
    #[arg(long, value_name = "BYTES", default_value_t = MarkdownOptions::DEFAULT)]
    max_bytes: usize,
    /// Markdown: which page. The first has what must not be missed; past the last one, nothing is
    /// written.
    #[arg(long, value_name = "N", default_value_t = 1,
        value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    page: usize,
    /// Markdown: a name for this comment, where a pull request has several of waypost. It stands in
    /// the first line, which is how the comment is found again.
    #[arg(long, value_name = "NAME")]
    marker: Option<String>,
    /// End with 4 when the trees differ.
    #[arg(long)]
    exit_code: bool,
    /// End with 5 when there is such a thing. May be given several times.
    #[arg(long, value_enum, value_name = "WHAT")]
    fail_on: Vec<FailOn>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For a terminal.
    #[default]
    Text,
    /// For the comment of a pull request.
    Markdown,
    /// One page for a browser, complete in itself.
    Html,
    /// For programs; versioned.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Annotations of GitHub Actions.
    Github,
    /// GitLab's code quality report.
    Gitlab,
    /// JUnit XML: dangers and changes of access are cases that failed.
    Junit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FailOn {
    /// Something dangerous: a Namespace deleted, a DENY policy gone, …
    Danger,
    /// Somebody may do what was refused before.
    Gain,
    /// Somebody may not do what was allowed before.
    Loss,
    /// Something could not be compared, or no manifest shows what decides.
    Unknown,
    /// A request of `sources.traffic` is refused that was allowed, or allowed that was refused.
    Traffic,
}

impl Diff {
    pub(super) fn run(&self, global: &Global, terminal: &Terminal) -> anyhow::Result<ExitCode> {
        let ignored = Ignored::parse(&self.ignore)
            .map_err(|way| Usage::error(format!("`{way}` is no field: write `metadata.labels`")))?;
        let options = Options { ignored };
        if self.every_stage {
            return self.plan(&options, global, terminal);
        }
        let trees = self.trees(global)?;
        let names = self.names(&trees)?;
        let differing = trees.differing(&names)?;
        let hidden = |files: Vec<Differing>| files.into_iter().map(secret::hidden).collect();
        let hidden = |Differ { tree, told }| Differ { tree: hidden(tree), told: hidden(told) };
        let differing: Vec<Differ> = differing.into_iter().map(hidden).collect();
        terminal.detail("compared the files");
        let mut report = Report {
            base: trees.before.describe(),
            head: trees.after.describe(),
            noun: "environment",
            environments: Vec::new(),
        };
        let (mut specs, mut broken) = (spec::Specs::new(global, terminal, &trees), false);
        for (pair, files) in names.iter().zip(differing) {
            let looked = environment::Looked { pair, files, options: &options };
            let (environment, is_broken) = looked.report(&trees, &mut specs, !self.no_access)?;
            broken |= is_broken;
            report.environments.push(environment);
        }
        terminal.detail("compared the objects");
        self.write(&report, terminal)?;
        Ok(self.code(&report, broken))
    }

    /// The migration of every environment that has one.
    fn plan(
        &self,
        options: &Options,
        global: &Global,
        terminal: &Terminal,
    ) -> anyhow::Result<ExitCode> {
        let session = Session::new(global, terminal)?;
        let wanted: Vec<String> =
            self.environments.iter().chain(&self.more_environments).cloned().collect();
        let Some(names) = session.names(&wanted) else { return Ok(ExitCode::Problems) };
        let mut report = Report {
            base: "each point of the migration".to_owned(),
            head: "the next".to_owned(),
            noun: "step",
            environments: Vec::new(),
        };
        let mut fails = false;
        for name in &names {
            let steps =
                stages::steps((&session, &global.root), name, options, !self.no_access, terminal)?;
            let Some((steps, failed)) = steps else { return Ok(ExitCode::Problems) };
            fails |= failed;
            if steps.is_empty() {
                terminal.say(&format!("{name}: there are no stages"));
            }
            report.environments.extend(steps);
        }
        if report.environments.is_empty() {
            return Err(Usage::error(format!("there are no stages in {}", names.join(", "))));
        }
        self.write(&report, terminal)?;
        Ok(self.code(&report, fails))
    }

    fn trees(&self, global: &Global) -> anyhow::Result<Trees> {
        let out = self.out.to_string_lossy().replace('\\', "/");
        let told = self.gitops.trim_end_matches('/');
        let mut trees = Trees::new(&global.root, out.trim_end_matches('/'), told);
        if let Some(base) = &self.base {
            trees.before = trees.side(base)?;
        }
        if let Some(head) = &self.head {
            trees.after = trees.side(head)?;
        }
        if self.merge_base {
            trees.before = trees.merge_base()?;
        }
        if let Some(against) = &self.against {
            trees.before = Side::Environment(against.clone());
        }
        Ok(trees)
    }

    /// The environments that are asked for; where none is, all that either side has.
    fn names(&self, trees: &Trees) -> anyhow::Result<Vec<Pair>> {
        let wanted: Vec<&String> =
            self.environments.iter().chain(&self.more_environments).collect();
        if let Some(against) = &self.against {
            let [only] = wanted[..] else {
                return Err(Usage::error("name one environment to compare with `--against`"));
            };
            return Ok(vec![trees.pair(against, only)?]);
        }
        let known = trees.environments()?;
        if known.is_empty() {
            anyhow::bail!("neither side has a tree in `{}`", self.out.display());
        }
        let is_known = |name: &&String| known.iter().any(|pair| pair.after == **name);
        if let Some(missing) = wanted.iter().copied().find(|name| !is_known(name)) {
            let near = nearest(missing, known.iter().map(|pair| pair.after.as_str()));
            let near = near.map(|word| format!("; did you mean `{word}`?")).unwrap_or_default();
            return Err(Usage::error(format!(
                "neither side has a tree of `{missing}` in `{}`{near}",
                self.out.display()
            )));
        }
        let is_wanted = |pair: &Pair| wanted.is_empty() || wanted.contains(&&pair.after);
        Ok(known.into_iter().filter(is_wanted).collect())
    }

    fn write(&self, report: &Report, terminal: &Terminal) -> anyhow::Result<()> {
        use crate::report::diff;
        let text = match self.format {
            Format::Text => {
                let colour = terminal.colours_output();
                diff::text(report, TextOptions { colour, patch: self.patch, all: self.all })
            }
            Format::Markdown => {
                let (budget, marker) = (self.max_bytes, self.marker.clone());
                let options = MarkdownOptions { budget, page: self.page, marker };
                diff::markdown(report, &options).unwrap_or_default()
            }
            Format::Html => diff::html(report)?,
            Format::Json => diff::json(report),
            Format::Junit => diff::junit(report),
            Format::Sarif => self.findings(report, report::sarif),
            Format::Github => self.findings(report, report::github),
            Format::Gitlab => self.findings(report, report::gitlab),
        };
        if self.format != Format::Text {
            terminal.say(&report.headline());
        }
        Ok(print(&match self.format {
            Format::Text => Shown::coloured(&text),
            Format::Markdown | Format::Junit => Shown::text(&text),
            Format::Html => Shown::exact(text),
            Format::Json | Format::Sarif | Format::Gitlab => Shown::json(&text),
            Format::Github => Shown::commands(&text),
        })?)
    }

    fn findings(&self, report: &Report, write: fn(&Findings<'_>) -> String) -> String {
        let (diagnostics, sources) = report::diff::findings(report);
        let (checked, counts) = (&[], Counts::default());
        write(&Findings {
            diagnostics: &diagnostics,
            sources: &sources,
            checked,
            counts,
            about: &about,
        })
    }

    fn code(&self, report: &Report, broken: bool) -> ExitCode {
        let happens = |what: &FailOn| match what {
            FailOn::Danger => {
                report.environments.iter().any(|e| e.flags(Level::Danger).next().is_some())
            }
            FailOn::Gain => report.access(Direction::Gained) > 0,
            FailOn::Loss => report.access(Direction::Lost) > 0,
            FailOn::Unknown => report.has_unknown_access(),
            FailOn::Traffic => report.traffic() > 0,
        };
        // what was not looked at may hold what is to be refused
        let is_blind = !self.fail_on.is_empty() && !report.gaps().is_empty();
        if broken || report.verdict() == Verdict::Unreadable {
            ExitCode::Problems
        } else if self.fail_on.iter().any(happens) {
            ExitCode::Refused
        } else if is_blind {
            ExitCode::Problems
        } else if self.exit_code && report.verdict() != Verdict::Equal {
            ExitCode::Differs
        } else {
            ExitCode::Clean
        }
    }
}
