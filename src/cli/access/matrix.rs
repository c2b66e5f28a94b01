//! `waypost access matrix`

use clap::{Args, ValueEnum};

use super::super::terminal::Terminal;
use super::super::{ExitCode, Global};
use super::{Format, Of, pretty, world, write};
use crate::report::access::{self as report, AccessTable};

/// Show who reaches what: every workload, and somebody outside, against every service port.
///
/// The request is `GET /`, or a connection on ports that do not speak HTTP. A question mark says
/// that another request of that client may fare otherwise.
#[derive(Args, Clone, Debug)]
pub struct Matrix {
    #[command(flatten)]
    of: Of,
    /// How it is written.
    #[arg(short, long, value_enum, default_value_t)]
    format: Format,
    /// By workload and service, or by namespace; large tables for people are by namespace.
    #[arg(long, value_enum)]
    by: Option<By>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum By {
    /// A row for each workload, a column for each service port.
    Workload,
    /// A row and a column for each namespace.
    Namespace,
}

impl Matrix {
    pub(super) fn run(&self, global: &Global, terminal: &Terminal) -> anyhow::Result<ExitCode> {
        let Some(asked) =
            world::world(self.of.of.as_deref(), self.of.stage.as_deref(), global, terminal)?
        else {
            return Ok(ExitCode::Problems);
        };
        let has_errors = asked.show(terminal);
        let world = &asked.world;
        let matrix = world.mesh.matrix();
        terminal.detail("decided");
        let mut table = AccessTable::new(&world.mesh, &matrix);
        let for_programs = matches!(self.format, Format::Csv | Format::Json);
        let grouped = match self.by {
            Some(by) => by == By::Namespace,
            None => !for_programs && table.size() > report::LARGE,
        };
        if grouped {
            table = table.by_namespace();
        }
        let text = match self.format {
            Format::Text => report::text(&table),
            Format::Markdown => report::markdown(&table),
            Format::Csv => report::csv(&table),
            Format::Json => pretty(&report::json(&table))?,
            Format::Dot => report::dot(&table),
            Format::Mermaid => report::mermaid(&table),
        };
        write(&text)?;
        Ok(if has_errors { ExitCode::Problems } else { ExitCode::Clean })
    }
}
