//! `waypost explain`

mod namespace;
mod setting;
mod text;
mod value;

use std::fmt::Write;

use clap::{Args, ValueEnum};

use super::output::print;
use super::terminal::Terminal;
use super::{ExitCode, Global, Usage};
use crate::diagnostic::page::subjects;
use crate::diagnostic::{self, nearest};
use crate::report::Shown;
use crate::validate::rule::{self, RULES};

/// Explain a finding, or the setting of a namespace.
///
/// A finding's code: what it means, why it matters, how to mend it. Without a code: the list of
/// the lints, with Istio's own code where its analyzers look for the same, and of all other codes.
///
/// `namespace/<cluster>/<namespace>`: the security setting that holds there, with its workspace and
/// group, its traffic mode, everyone who may call and who may not, each with the document and the
/// line it comes from, and what was overridden and why.
///
/// `value <route>`: every value of the spec at and below a route, and the file and line of the
/// layer that wrote it.
#[derive(Args, Clone, Debug)]
pub struct Explain {
    /// The code of a finding, as it stands in brackets: error[CODE]; or
    /// `namespace/<cluster>/<namespace>`; or `value`.
    #[arg(value_name = "CODE|NAMESPACE|value")]
    what: Option<String>,
    /// Of a value of the spec, its route: `spec.clusters[east].trustDomain`, or
    /// `/spec/clusters/east/trustDomain`.
    #[arg(value_name = "ROUTE")]
    route: Option<String>,
    /// The environment; every one that has what is asked for where none is named.
    #[arg(long, value_name = "ENV")]
    env: Option<String>,
    /// Namespaces: the point of the migration, instead of the one the spec says is reached.
    #[arg(long, value_name = "STAGE[/STEP]")]
    stage: Option<String>,
    /// Namespaces and values: how to write it.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// How an explanation is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

impl Explain {
    pub(super) fn run(&self, global: &Global, terminal: &Terminal) -> anyhow::Result<ExitCode> {
        match (self.what.as_deref(), &self.route) {
            (Some("value"), Some(route)) => self.value(route, global, terminal),
            (Some("value"), None) => Err(Usage::error("write `explain value <route>`")),
            (_, Some(route)) => {
                Err(Usage::error(format!("`{route}` is too much: only `value` has a route")))
            }
            (Some(what), None) if what.starts_with("namespace/") => {
                self.namespace(what, global, terminal)
            }
            (Some(code), None) => page(code, terminal),
            (None, None) => list(),
        }
    }
}

/// Every lint in a line, then the codes of all other findings.
fn list() -> anyhow::Result<ExitCode> {
    let mut out = String::new();
    for rule in RULES {
        let istio = rule.istio.map(|code| format!(" ({code})")).unwrap_or_default();
        let _ = writeln!(
            out,
            "{:<28} {:<8} {}{istio}",
            rule.code,
            rule.severity.to_string(),
            rule.summary
        );
    }
    for subject in subjects() {
        let _ = writeln!(out, "\n{}:", subject.title);
        for (code, _) in subject.pages {
            let _ = writeln!(out, "  {code}");
        }
    }
    print(&Shown::text(&out))?;
    Ok(ExitCode::Clean)
}

/// The page of a finding.
fn page(code: &str, terminal: &Terminal) -> anyhow::Result<ExitCode> {
    // Istio's own codes are what some people come with; one may be that of several lints
    let is_istio = |r: &&rule::Rule| r.istio.is_some_and(|i| i.eq_ignore_ascii_case(code));
    let lints: Vec<String> = rule::explain(code)
        .into_iter()
        .chain(RULES.iter().filter(is_istio))
        .map(|r| r.page())
        .collect();
    let pages = if lints.is_empty() { Vec::from_iter(diagnostic::page::page(code)) } else { lints };
    if !pages.is_empty() {
        print(&Shown::exact(pages.join("\n")))?;
        return Ok(ExitCode::Clean);
    }
    let others = subjects().flat_map(|s| s.pages).map(|(code, _)| code);
    let known = nearest(code, RULES.iter().map(|r| r.code).chain(others));
    terminal.say(&match known {
        Some(word) => format!("there is no finding `{code}`; did you mean `{word}`?"),
        None => format!("there is no finding `{code}`; `waypost explain` lists them"),
    });
    Ok(ExitCode::Usage)
}
