//! `waypost access policies`

use clap::Args;

use super::super::terminal::Terminal;
use super::super::{ExitCode, Global};
use super::{Of, ReportFormat, pretty, world, write};
use crate::report::access as report;

/// Say what becomes of every rule of every AuthorizationPolicy.
///
/// For each kind of place that a policy reaches (sidecars, ztunnel, waypoints, gateways; HTTP and TCP
/// ports) each rule is enforced as written, dropped, inert, widened, narrowed, left out or not sent.
/// `(!)` marks what lets through more than it says.
#[derive(Args, Clone, Debug)]
pub struct Policies {
    #[command(flatten)]
    of: Of,
    /// How it is written.
    #[arg(short, long, value_enum, default_value_t)]
    format: ReportFormat,
}

impl Policies {
    pub(super) fn run(&self, global: &Global, terminal: &Terminal) -> anyhow::Result<ExitCode> {
        let Some(asked) =
            world::world(self.of.of.as_deref(), self.of.stage.as_deref(), global, terminal)?
        else {
            return Ok(ExitCode::Problems);
        };
        let has_errors = asked.show(terminal);
        let world = &asked.world;
        let fates = report::policy_fates(&world.mesh, |span| asked.sources.place(span));
        write(&match self.format {
            ReportFormat::Text => report::policies_text(&fates),
            ReportFormat::Markdown => report::policies_markdown(&fates),
            ReportFormat::Json => pretty(&report::policies_json(&fates))?,
        })?;
        terminal.say(&report::policies_summary(&fates));
        Ok(if has_errors { ExitCode::Problems } else { ExitCode::Clean })
    }
}
