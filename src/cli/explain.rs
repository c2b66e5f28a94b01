//! `waypost explain`

mod setting;
mod text;

use std::io::Write;

use clap::{Args, ValueEnum};

use self::setting::NamespaceReport;
use super::session::Session;
use super::terminal::Terminal;
use super::{ExitCode, Global};
use crate::diagnostic::{has_errors, nearest, sort};
use crate::model::{ClusterName, NamespaceName};
use crate::pipeline::parse_reached;
use crate::resolve::Resolved;
use crate::validate::rule::{self, RULES};

/// Say why something is as it is.
///
/// `namespace/<cluster>/<namespace>` prints the effective security setting of a namespace: its
/// workspace and group, the traffic mode, everyone who may call and who may not, each with the
/// document and the line it comes from, what was overridden and why. A finding's code, or Istio's
/// own where its analyzers look for the same, prints what the finding means and what to do. Without
/// anything: the list of the lints.
#[derive(Args, Clone, Debug)]
pub struct Explain {
    /// `namespace/<cluster>/<namespace>`, or the code of a finding.
    #[arg(value_name = "WHAT")]
    what: Option<String>,
    /// The environment; every one that has the namespace where none is named.
    #[arg(long, value_name = "ENV")]
    env: Option<String>,
    /// The point of the migration, instead of the one the spec says is reached.
    #[arg(long, value_name = "STAGE[/STEP]")]
    stage: Option<String>,
    /// How to write it.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

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
        let Some(what) = self.what.as_deref() else { return list() };
        let Some(path) = what.strip_prefix("namespace/") else {
            return self.code(what);
        };
        let parsed = path.split_once('/').and_then(|(cluster, namespace)| {
            Some((ClusterName::parse(cluster).ok()?, NamespaceName::parse(namespace).ok()?))
        });
        let Some(id) = parsed else {
            anyhow::bail!("`{what}` names no namespace: write `namespace/<cluster>/<namespace>`");
        };
        self.namespace(&id, global, terminal)
    }

    /// The page of a lint.
    fn code(&self, what: &str) -> anyhow::Result<ExitCode> {
        let istio = |code: &str| code.eq_ignore_ascii_case(what);
        let rule =
            rule::explain(what).or_else(|| RULES.iter().find(|r| r.istio.is_some_and(istio)));
        let Some(rule) = rule else {
            let hint = match nearest(what, RULES.iter().map(|rule| rule.code)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "write `namespace/<cluster>/<namespace>` or the code of a lint".to_owned(),
            };
            anyhow::bail!("there is nothing to explain about `{what}`: {hint}");
        };
        print(&match self.format {
            Format::Text => rule.page(),
            Format::Json => json(&serde_json::json!({
                "code": rule.code,
                "severity": format!("{:?}", rule.severity).to_lowercase(),
                "summary": rule.summary,
                "istioctlAnalyze": rule.istio,
                "page": rule.page(),
            }))?,
        })
    }

    fn namespace(
        &self,
        (cluster, namespace): &(ClusterName, NamespaceName),
        global: &Global,
        terminal: &Terminal,
    ) -> anyhow::Result<ExitCode> {
        let session = Session::new(global, terminal)?;
        let wanted: Vec<String> = self.env.iter().cloned().collect();
        let Some(names) = session.names(&wanted) else { return Ok(ExitCode::Problems) };
        let mut worst = ExitCode::Clean;
        let mut reports = Vec::new();
        let mut known = Vec::new();
        let mut no_stage = None;
        for name in names {
            let mut loaded = session.load(&name);
            sort(&mut loaded.found);
            if has_errors(&loaded.found) {
                // what is said of access must not be used
                terminal.show(&loaded.found, &loaded.sources);
                worst = worst.max(ExitCode::Problems);
            }
            let Some(resolved) = loaded.resolved.filter(|_| !has_errors(&loaded.found)) else {
                continue;
            };
            known.extend(namespaces(&resolved));
            let environment = &resolved.environment;
            let Some(found) = environment.clusters.get(cluster) else { continue };
            let Some(found) = found.namespaces.get(namespace) else { continue };
            let reached = match &self.stage {
                None => Ok(environment.reached.clone()),
                Some(text) => parse_reached(environment, text),
            };
            let reached = match reached {
                Ok(reached) => reached,
                Err(error) => {
                    no_stage = Some(error);
                    continue;
                }
            };
            reports.push(NamespaceReport::new(
                &resolved,
                &loaded.sources,
                cluster,
                found,
                &reached,
            ));
        }
        if reports.is_empty() && worst == ExitCode::Clean {
            if let Some(error) = no_stage {
                anyhow::bail!(error);
            }
            let what = format!("{cluster}/{namespace}");
            let hint = match nearest(&what, known.iter().map(String::as_str)) {
                Some(near) => format!("; did you mean `{near}`?"),
                None => String::new(),
            };
            anyhow::bail!("no environment has namespace `{what}`{hint}");
        }
        if worst == ExitCode::Clean {
            print(&match self.format {
                Format::Text => {
                    let texts: Vec<String> = reports.iter().map(text::write).collect();
                    texts.join("\n")
                }
                Format::Json => json(&reports)?,
            })?;
        }
        Ok(worst)
    }
}

/// The lints, one a line.
fn list() -> anyhow::Result<ExitCode> {
    let lines = RULES.iter().map(|rule| {
        let istio = rule.istio.map(|code| format!(" ({code})")).unwrap_or_default();
        format!("{:<28} {:<8} {}{istio}\n", rule.code, rule.severity.to_string(), rule.summary)
    });
    print(&lines.collect::<String>())
}

fn namespaces(resolved: &Resolved) -> Vec<String> {
    let clusters = resolved.environment.clusters.values();
    clusters
        .flat_map(|c| c.namespaces.keys().map(move |namespace| format!("{}/{namespace}", c.name)))
        .collect()
}

fn json(value: &impl serde::Serialize) -> anyhow::Result<String> {
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    Ok(text)
}

fn print(text: &str) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(ExitCode::Clean)
}
