//! `waypost check`

use std::path::PathBuf;

use clap::Args;

use super::render::folder;
use super::session::{Session, scope};
use super::terminal::Terminal;
use super::{ExitCode, Global};
use crate::diagnostic::Diagnostic;
use crate::tree::{check, disk};

/// Say whether the tree on disk is what a render would leave there.
///
/// Renders into memory and compares with every file and with the lock. Names each file that is
/// stale, edited, missing or foreign, and ends with 4 when there is any.
#[derive(Args, Clone, Debug)]
pub struct Check {
    /// Environments; all where none is named.
    #[arg(value_name = "ENV")]
    environments: Vec<String>,
    /// Folder of the tree, below the repository's folder or absolute.
    #[arg(long, value_name = "DIR", default_value = "rendered")]
    out: PathBuf,
    /// Only this cluster. May be given several times.
    #[arg(long, value_name = "NAME")]
    cluster: Vec<String>,
    /// Only this unit. May be given several times.
    #[arg(long, value_name = "UNIT")]
    unit: Vec<String>,
    /// The point of the migration, instead of the one the spec says is reached.
    #[arg(long, value_name = "STAGE[/STEP]")]
    stage: Option<String>,
}

impl Check {
    pub(super) fn run(&self, global: &Global, terminal: &Terminal) -> anyhow::Result<ExitCode> {
        let scope = scope(&self.cluster, &self.unit)?;
        let session = Session::new(global, terminal)?;
        let Some(names) = session.names(&self.environments) else {
            return Ok(ExitCode::Problems);
        };
        let mut worst = ExitCode::Clean;
        for name in names {
            let mut loaded = session.load(&name);
            let prepared = session.prepare(&mut loaded, self.stage.as_deref(), &scope)?;
            let rendered = session.render(&mut loaded, &prepared);
            terminal.show(&loaded.found, &loaded.sources);
            let Some(rendered) = rendered else {
                worst = worst.max(ExitCode::Problems);
                continue;
            };
            let local = disk::read(&folder(global, &self.out, &name)?)?;
            let drift = check(&rendered.tree, &local, &rendered.provenance, &scope);
            terminal.detail("compared");
            if drift.is_empty() {
                terminal.say(&format!("{name}: clean"));
                continue;
            }
            let shown = format!("{}/{name}", self.out.display());
            let found: Vec<Diagnostic> = drift.iter().map(|d| d.to_diagnostic(&shown)).collect();
            terminal.show(&found, &loaded.sources);
            worst = worst.max(ExitCode::Differs);
        }
        Ok(worst)
    }
}
