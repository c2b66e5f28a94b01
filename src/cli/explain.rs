//! `waypost explain`

use std::io::{self, Write};

use clap::Args;

use super::ExitCode;
use super::terminal::Terminal;
use crate::diagnostic::nearest;
use crate::validate::rule::{self, RULES};

/// Explain a finding: what it means, why it matters, how to mend it.
///
/// Without a code: the list of the lints, with Istio's own code where its analyzers look for the
/// same.
#[derive(Args, Clone, Debug)]
pub struct Explain {
    /// The code of a finding, as it stands in brackets: error[CODE].
    code: Option<String>,
}

impl Explain {
    pub(super) fn run(&self, terminal: &Terminal) -> anyhow::Result<ExitCode> {
        let mut out = io::stdout().lock();
        let Some(code) = &self.code else {
            for rule in RULES {
                let istio = rule.istio.map(|code| format!(" ({code})")).unwrap_or_default();
                writeln!(
                    out,
                    "{:<28} {:<8} {}{istio}",
                    rule.code,
                    rule.severity.to_string(),
                    rule.summary
                )?;
            }
            return Ok(ExitCode::Clean);
        };
        // Istio's own codes are what some people come with
        let found = rule::explain(code).or_else(|| {
            RULES.iter().find(|r| r.istio.is_some_and(|i| i.eq_ignore_ascii_case(code)))
        });
        match found {
            Some(rule) => {
                out.write_all(rule.page().as_bytes())?;
                Ok(ExitCode::Clean)
            }
            None => {
                let known = nearest(code, RULES.iter().map(|r| r.code));
                terminal.say(&match known {
                    Some(word) => format!("there is no page for `{code}`; did you mean `{word}`?"),
                    None => format!(
                        "there is no page for `{code}`: its message and help say all there is; `waypost explain` lists the pages"
                    ),
                });
                Ok(ExitCode::Usage)
            }
        }
    }
}
