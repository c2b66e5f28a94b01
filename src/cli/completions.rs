//! `waypost completions`

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::output::print;
use super::{Cli, ExitCode};
use crate::report::Shown;

/// Write a completion script for a shell.
///
/// For example, in bash: `source <(waypost completions bash)`.
#[derive(Args, Clone, Debug)]
pub struct Completions {
    /// The shell.
    shell: Shell,
}

impl Completions {
    pub(super) fn run(&self) -> anyhow::Result<ExitCode> {
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "waypost", &mut text);
        print(&Shown::exact(String::from_utf8(text)?))?;
        Ok(ExitCode::Clean)
    }
}
