//! `waypost validate`

use clap::Args;

use super::session::Session;
use super::terminal::Terminal;
use super::{ExitCode, Global};
use crate::tree::Scope;

/// Check environments without writing anything: the spec, what it refers to, and what it renders
/// to.
///
/// What would stop the last stage of a migration is told from the start.
#[derive(Args, Clone, Debug)]
pub struct Validate {
    /// Environments; all where none is named.
    #[arg(value_name = "ENV")]
    environments: Vec<String>,
}

impl Validate {
    pub(super) fn run(&self, global: &Global, terminal: &Terminal) -> anyhow::Result<ExitCode> {
        let session = Session::new(global, terminal)?;
        let Some(names) = session.names(&self.environments) else {
            return Ok(ExitCode::Problems);
        };
        let mut worst = ExitCode::Clean;
        for name in names {
            let mut loaded = session.load(&name);
            let scope = Scope::default();
            let prepared = session.prepare(&mut loaded, None, &scope)?;
            session.look_ahead(&mut loaded, &prepared);
            let rendered = session.render(&mut loaded, &prepared);
            terminal.show(&loaded.found, &loaded.sources);
            match rendered {
                Some(rendered) => {
                    terminal.say(&format!("{name}: valid, {} objects", rendered.objects));
                }
                None => worst = ExitCode::Problems,
            }
        }
        Ok(worst)
    }
}
