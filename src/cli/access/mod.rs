//! `waypost access …`: who can reach what, as the mesh would decide it.

mod diff;
mod explain;
mod matrix;
mod policies;
mod release;
mod replay;
mod revision;
mod suggest;
mod test;
pub(super) mod world;
mod ztunnel;

use clap::{Args, Subcommand, ValueEnum};

use super::terminal::Terminal;
use super::{ExitCode, Global};

/// Ask who can reach what.
///
/// The answers come from a simulation of sidecar, ztunnel, waypoint and gateway over the manifests
/// themselves: those that an environment renders at a stage, together with its inventory, or those
/// of any folder. Needs no cluster.
#[derive(Args, Clone, Debug)]
pub struct Access {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Clone, Debug, Subcommand)]
enum Verb {
    Test(test::Test),
    Matrix(matrix::Matrix),
    Explain(Box<explain::Explain>),
    Diff(diff::Diff),
    Suggest(suggest::Suggest),
    Policies(policies::Policies),
    Replay(Box<replay::Replay>),
    Ztunnel(ztunnel::Ztunnel),
}

/// A mesh to ask.
#[derive(Args, Clone, Debug)]
struct Of {
    /// An environment, or a folder of manifests; the only environment where nothing is named.
    #[arg(value_name = "ENV|DIR")]
    of: Option<String>,
    /// The point of the migration, instead of the one the spec says is reached: `none`, a stage, or
    /// `<stage>/<step>` with step mesh, enrollment, workloads or cleanup.
    #[arg(long, value_name = "STAGE[/STEP]")]
    stage: Option<String>,
}

/// How a result is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For a terminal.
    #[default]
    Text,
    /// For a pull request.
    Markdown,
    /// For a spreadsheet.
    Csv,
    /// For a program.
    Json,
    /// For Graphviz: who may reach whom, as a graph.
    Dot,
    /// For a page that draws Mermaid: the same graph.
    Mermaid,
}

impl Access {
    pub(super) fn run(&self, global: &Global, terminal: &Terminal) -> anyhow::Result<ExitCode> {
        match &self.verb {
            Verb::Test(verb) => verb.run(global, terminal),
            Verb::Matrix(verb) => verb.run(global, terminal),
            Verb::Explain(verb) => verb.run(global, terminal),
            Verb::Diff(verb) => verb.run(global, terminal),
            Verb::Suggest(verb) => verb.run(global, terminal),
            Verb::Policies(verb) => verb.run(global, terminal),
            Verb::Replay(verb) => verb.run(global, terminal),
            Verb::Ztunnel(verb) => verb.run(global, terminal),
        }
    }
}

/// Writes a result to standard output.
/// How a result without a table or a graph is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum ReportFormat {
    /// For a terminal.
    #[default]
    Text,
    /// For a pull request.
    Markdown,
    /// For a program.
    Json,
}

fn write(text: &str) -> anyhow::Result<()> {
    Ok(super::output::print(&crate::report::Shown::text(text))?)
}

/// A JSON document with a final newline, as it may be written.
fn pretty(value: &impl serde::Serialize) -> anyhow::Result<String> {
    let text = serde_json::to_string_pretty(value)?;
    Ok(format!("{}\n", crate::report::Shown::json(&text).as_str()))
}
