//! `waypost validate`

use chrono::Utc;
use clap::Args;

use super::format::{self, Format};
use super::manifests::{Paths, STDIN};
use super::session::Session;
use super::terminal::Terminal;
use super::{ExitCode, Global};
use crate::diagnostic::{Diagnostic, Severity, Sources, has_errors};
use crate::pipeline;
use crate::report::{Counts, Findings};
use crate::tree::Scope;
use crate::world::{Existing, World};

/// Check environments, or manifests of any folder, without writing anything.
///
/// An argument that names an environment is checked as one: the spec, what it refers to, and what
/// it renders to, with what would stop the last stage of its migration. Every other argument is a file or folder of manifests, or `-` for standard
/// input: each object is held against the schema of its kind, or the CRD where there is one, with
/// its rules; then all are held against the lints (`waypost explain`). A kind without a schema is
/// reported as not validated, never as valid.
#[derive(Args, Clone, Debug)]
pub struct Validate {
    /// Environments, or files and folders of manifests; all environments where none is named.
    #[arg(value_name = "ENV|PATH")]
    targets: Vec<String>,
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
            (true, false) => self.paths.run(&paths, self.format, global, terminal),
            (false, false) => {
                anyhow::bail!(
                    "`{}` is no environment: check environments and paths apart",
                    paths[0]
                )
            }
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
            let prepared = session.prepare(&mut loaded, None, &scope)?;
            session.look_ahead(&mut loaded, &prepared);
            let rendered = session.render(&mut loaded, &prepared);
            if let (Some(resolved), Some(rendered)) = (&loaded.resolved, &rendered) {
                let world = World::of_tree(
                    resolved,
                    &resolved.environment.reached,
                    &Existing::new(resolved),
                    &rendered.tree,
                    &rendered.patched,
                    &format!("rendered/{name}"),
                    &mut loaded.sources,
                );
                let lints = pipeline::lint(resolved, &world, &today, &mut loaded.sources);
                loaded.found.extend(lints);
            }
            let objects = rendered.as_ref().map_or(0, |r| r.objects);
            counts += Counts {
                files: loaded.sources.iter().count(),
                objects,
                valid: objects,
                ..of_findings(&loaded.found)
            };
            if self.format == Format::Text {
                terminal.show(&loaded.found, &loaded.sources);
            }
            match rendered {
                Some(rendered) if !has_errors(&loaded.found) => {
                    terminal.say(&format!("{name}: valid, {} objects", rendered.objects));
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
