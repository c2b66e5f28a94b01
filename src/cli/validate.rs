//! `waypost validate`

use std::collections::BTreeSet;

use chrono::Utc;
use clap::Args;

use super::format::{self, Format};
use super::manifests::{Paths, STDIN};
use super::session::Session;
use super::terminal::Terminal;
use super::{ExitCode, Global, Usage};
use crate::diagnostic::{Diagnostic, Severity, Sources, has_errors, sort_by_severity};
use crate::model::{Environment, Reached};
use crate::pipeline;
use crate::plan;
use crate::report::{Counts, Findings};
use crate::tree::Scope;

/// Check environments, or manifests of any folder, without writing anything.
///
/// An argument that names an environment is checked as one: the spec, what it refers to, and what
/// it renders to, at the point of its migration that is reached and at every one that is still to
/// come; a finding says where it begins. Every other argument is a file or folder of manifests, or `-` for standard
/// input: each object is held against the schema of its kind, or the CRD where there is one, with
/// its rules; then all are held against the lints (`waypost explain`). A kind without a schema is
/// reported as not validated, never as valid.
#[derive(Args, Clone, Debug)]
pub struct Validate {
    /// Environments, or files and folders of manifests; all environments where none is named.
    #[arg(value_name = "ENV|PATH")]
    targets: Vec<String>,
    /// Of an environment, ask this point of the migration only: `none`, a stage, or `<stage>/<step>`
    /// with step mesh, enrollment, workloads or cleanup.
    #[arg(long, value_name = "STAGE[/STEP]")]
    stage: Option<String>,
    /// Of an environment, ask every point of the migration, also those before the one that is reached.
    #[arg(long, conflicts_with = "stage")]
    every_stage: bool,
    /// How findings are written: text to standard error, everything else to standard output.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: Format,
    #[command(flatten)]
    paths: Paths,
}

impl Validate {
    pub(super) fn run(&self, global: &Global, terminal: &Terminal) -> anyhow::Result<ExitCode> {
        let is_environment = |target: &String| {
            let is_name = target != STDIN && !target.contains(['/', '\\', '.']);
            is_name && global.root.join("environments").join(target).is_dir()
        };
        let (environments, paths): (Vec<String>, Vec<String>) =
            self.targets.iter().cloned().partition(is_environment);
        match (environments.is_empty(), paths.is_empty()) {
            (_, true) => {
                self.paths.refuse_suppressions()?;
                self.environments(&environments, global, terminal)
            }
            (true, false) if self.stage.is_some() || self.every_stage => {
                Err(Usage::error(format!("`{}` is no environment: it has no stages", paths[0])))
            }
            (true, false) => self.paths.run(&paths, self.format, global, terminal),
            (false, false) => {
                anyhow::bail!(
                    "`{}` is no environment: check environments and paths apart",
                    paths[0]
                )
            }
        }
    }

    /// The points to ask, the one that counts are about first.
    fn points(&self, environment: &Environment, only: Option<&Reached>) -> Vec<Reached> {
        match only {
            Some(point) => vec![point.clone()],
            None if self.every_stage => plan::points(environment),
            None => plan::points_to_come(environment),
        }
    }

    fn environments(
        &self,
        wanted: &[String],
        global: &Global,
        terminal: &Terminal,
    ) -> anyhow::Result<ExitCode> {
        let session = Session::new(global, terminal)?;
        let Some(names) = session.names(wanted) else {
            return Ok(ExitCode::Problems);
        };
        let mut worst = ExitCode::Clean;
        let today = Utc::now().date_naive().to_string();
        // a format for programs is one document, however many environments it is about
        let (mut sources, mut found, mut counts) =
            (Sources::default(), Vec::new(), Counts::default());
        for name in names {
            let mut loaded = session.load(&name);
            let scope = Scope::default();
            let prepared = session.prepare(&mut loaded, self.stage.as_deref(), &scope)?;
            let mut objects = None;
            if let Some(resolved) = &loaded.resolved {
                let asked = self.points(&resolved.environment, prepared.reached());
                let progress = terminal.progress(&format!("rendering {name}"));
                let mut points = prepared.points(resolved, std::mem::take(&mut loaded.sources));
                let count = |count| progress.add(count);
                let (first, found) = pipeline::examine(&mut points, &asked, &today, &count);
                loaded.sources = points.texts.sources;
                loaded.found.extend(found);
                objects = first;
            }
            sort_by_severity(&mut loaded.found);
            let applied = objects.unwrap_or_default();
            counts += Counts {
                files: paths(&loaded.sources),
                objects: applied,
                valid: applied,
                ..of_findings(&loaded.found)
            };
            if self.format == Format::Text {
                terminal.show(&loaded.found, &loaded.sources);
            }
            match objects {
                Some(objects) if !has_errors(&loaded.found) => {
                    terminal.say(&format!("{name}: valid, {objects} objects"));
                }
                _ => worst = ExitCode::Problems,
            }
            let by = sources.append(loaded.sources);
            found.extend(loaded.found.into_iter().map(|diagnostic| diagnostic.shifted(by)));
        }
        if self.format != Format::Text {
            let (diagnostics, sources, about) = (&found, &sources, &format::about);
            let findings = Findings { diagnostics, sources, checked: &[], counts, about };
            format::write(self.format, &findings, terminal)?;
        }
        Ok(worst)
    }
}

/// How many files there are: a rendered one may have several texts.
fn paths(sources: &Sources) -> usize {
    sources.iter().map(|(_, source)| source.path.as_str()).collect::<BTreeSet<_>>().len()
}

/// Counts of findings alone.
fn of_findings(found: &[Diagnostic]) -> Counts {
    let of = |severity| found.iter().filter(|d| d.severity == severity).count();
    Counts {
        errors: of(Severity::Error),
        warnings: of(Severity::Warning),
        notes: of(Severity::Note),
        ..Counts::default()
    }
}
