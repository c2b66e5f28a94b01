//! `waypost completions`

use std::io::Write;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Cli, ExitCode};

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
        std::io::stdout().lock().write_all(&text)?;
        Ok(ExitCode::Clean)
    }
}
