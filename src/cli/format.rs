//! `--format`: findings for people on standard error, for programs on standard output.

use std::io;

use clap::ValueEnum;

use super::output;
use super::terminal::Terminal;
use crate::diagnostic::{capped, page};
use crate::report::{self, About, Findings, Shown};
use crate::validate::rule;

/// How findings are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs; versioned.
    Json,
    /// JUnit XML: a case for each object.
    Junit,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Annotations of GitHub Actions.
    Github,
    /// GitLab's code quality report.
    Gitlab,
}

/// Writes findings.
pub(super) fn write(
    format: Format,
    findings: &Findings<'_>,
    terminal: &Terminal,
) -> io::Result<()> {
    if let Format::Text = format {
        terminal.show(findings.diagnostics, findings.sources);
        return Ok(());
    }
    let (diagnostics, sources) = rule::shown(findings.diagnostics, findings.sources);
    let diagnostics = capped(diagnostics.into_owned());
    let Findings { checked, counts, about, .. } = *findings;
    let findings =
        &Findings { diagnostics: &diagnostics, sources: &sources, checked, counts, about };
    let text = match format {
        Format::Text | Format::Json => report::json(findings),
        Format::Junit => report::junit(findings),
        Format::Sarif => report::sarif(findings),
        Format::Github => report::github(findings),
        Format::Gitlab => report::gitlab(findings),
    };
    output::print(&match format {
        Format::Json | Format::Sarif | Format::Gitlab => Shown::json(&text),
        Format::Github => Shown::commands(&text),
        Format::Text | Format::Junit => Shown::text(&text),
    })
}

/// What is known of a code.
pub(super) fn about(code: &str) -> Option<About> {
    match rule::explain(code) {
        Some(rule) => Some(About { summary: rule.summary.to_owned(), page: rule.page() }),
        None => Some(About { summary: page::summary(code)?, page: page::page(code)? }),
    }
}
