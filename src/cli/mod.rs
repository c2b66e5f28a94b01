//! The program: one file per verb.
//!
//! Standard output carries data only; everything for people goes to standard error. Each verb is
//! its arguments (whose doc comments are its help) and one function that returns an [`ExitCode`].

mod access;
mod allow;
mod applied;
mod changed;
mod check;
mod completions;
mod convert;
mod diff;
mod exit;
mod explain;
mod format;
mod function;
mod gate;
mod gitops;
mod init;
mod limits;
mod list;
mod logs;
mod manifests;
mod named;
mod output;
mod owners;
mod prune;
mod publish;
mod render;
mod schema;
mod session;
mod stray;
mod terminal;
mod translate;
mod validate;
mod verify;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::report::Shown;
pub use exit::ExitCode;
use terminal::{Colour, Terminal};

/// Render, check and prove the git tree that moves a Tetrate Service Bridge mesh to Istio ambient
/// mode.
///
/// One spec per environment (environments/<ENV>/environment.yaml) becomes the tree that Argo CD or
/// Flux applies (rendered/<ENV>/). It needs no cluster and no network.
#[derive(Clone, Debug, Parser)]
#[command(name = "waypost", version, after_help = ExitCode::HELP, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Args, Clone, Debug)]
struct Global {
    /// The repository's folder: where `environments/` lies.
    #[arg(short = 'C', long, global = true, default_value = ".", value_name = "DIR")]
    root: PathBuf,
    /// When to colour what is said.
    #[arg(
        long = "color",
        alias = "colour",
        value_name = "WHEN",
        global = true,
        value_enum,
        default_value_t
    )]
    colour: Colour,
    /// Say how long what took, and how much memory.
    #[arg(short, long, global = true)]
    verbose: bool,
    /// End with an error what is not done after so many seconds.
    #[arg(
        long,
        value_name = "SECONDS",
        global = true,
        default_value_t = 3600,
        value_parser = clap::value_parser!(u32).range(1..=604_800)
    )]
    timeout: u32,
}

#[derive(Clone, Debug, Subcommand)]
enum Verb {
    Init(init::Init),
    Render(render::Render),
    Check(check::Check),
    Diff(Box<diff::Diff>),
    List(list::List),
    Prune(prune::Prune),
    Publish(publish::Publish),
    Validate(validate::Validate),
    Verify(verify::Verify),
    Explain(explain::Explain),
    Convert(convert::Convert),
    Translate(translate::Translate),
    Access(access::Access),
    Schema(schema::Schema),
    #[command(name = "fn")]
    Function(function::Function),
    Completions(completions::Completions),
}

/// Runs the program with the arguments of the process.
pub fn main() -> ExitCode {
    let Cli { global, verb } = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    limits::within(Duration::from_secs(global.timeout.into()), || run(&global, &verb))
}

fn run(global: &Global, verb: &Verb) -> ExitCode {
    let terminal = Terminal::new(global.colour, global.verbose);
    let result = match verb {
        Verb::Init(init) => init.run(global, &terminal),
        Verb::Render(render) => render.run(global, &terminal),
        Verb::Check(check) => check.run(global, &terminal),
        Verb::Diff(diff) => diff.run(global, &terminal),
        Verb::List(list) => list.run(global, &terminal),
        Verb::Prune(prune) => prune.run(global, &terminal),
        Verb::Publish(publish) => publish.run(global, &terminal),
        Verb::Validate(validate) => validate.run(global, &terminal),
        Verb::Verify(verify) => verify.run(global, &terminal),
        Verb::Explain(explain) => explain.run(global, &terminal),
        Verb::Convert(convert) => convert.run(global, &terminal),
        Verb::Translate(translate) => translate.run(global, &terminal),
        Verb::Access(access) => access.run(global, &terminal),
        Verb::Schema(schema) => schema.run(),
        Verb::Function(function) => function.run(global, &terminal),
        Verb::Completions(completions) => completions.run(),
    };
    terminal.peak_memory();
    result.unwrap_or_else(|error| {
        // whoever reads our output has gone: nothing to say, and not a success
        let gone = error
            .chain()
            .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
            .any(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe);
        if !gone {
            terminal.fail(&error);
        }
        if error.is::<Usage>() { ExitCode::Usage } else { ExitCode::Failed }
    })
}

/// Help that was asked for, or what is wrong with the arguments: a job may have taken them from anywhere.
fn usage(error: &clap::Error) -> ExitCode {
    let text = Shown::text(&error.render().to_string());
    if error.use_stderr() {
        output::say(&text);
        return ExitCode::Usage;
    }
    match output::print(&text) {
        Ok(()) => ExitCode::Clean,
        Err(_) => ExitCode::Failed,
    }
}

/// What was asked for does not exist.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Usage(String);

impl Usage {
    fn error(message: impl Into<String>) -> anyhow::Error {
        anyhow::Error::new(Self(message.into()))
    }
}
