//! `waypost access matrix`

use clap::{Args, ValueEnum};

use super::super::output::print;
use super::super::terminal::Terminal;
use super::super::{ExitCode, Global};
use super::{Format, Of, world, write};
use crate::report::Shown;
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
        let rows = world.mesh.rows();
        let for_programs = matches!(self.format, Format::Csv | Format::Json);
        let grouped = match self.by {
            Some(by) => by == By::Namespace,
            None => !for_programs && rows.size() > report::LARGE,
        };
        let whole = || match grouped {
            true => AccessTable::by_namespace(AccessTable::parts(&rows)),
            false => AccessTable::new(&world.mesh, &rows.of(&rows.rows)),
        };
        // what programs read is written as it is worked out: it may be larger than memory
        let parts = || -> Box<dyn Iterator<Item = AccessTable> + '_> {
            match grouped {
                true => Box::new(std::iter::once_with(whole)),
                false => Box::new(AccessTable::parts(&rows)),
            }
        };
        match self.format {
            Format::Csv => report::csv(parts()).try_for_each(|part| write(&part))?,
            Format::Json => {
                report::json(parts()).try_for_each(|part| print(&Shown::json(&part)))?;
            }
            Format::Text => write(&report::text(&whole()))?,
            Format::Markdown => write(&report::markdown(&whole()))?,
            Format::Dot => write(&report::dot(&whole()))?,
            Format::Mermaid => write(&report::mermaid(&whole()))?,
        }
        terminal.detail("decided");
        Ok(if has_errors { ExitCode::Problems } else { ExitCode::Clean })
    }
}
