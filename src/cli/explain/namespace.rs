//! Why a namespace has the setting it has, in every environment that has it.

use super::setting::NamespaceReport;
use super::{Explain, Format, text};
use crate::cli::output;
use crate::cli::session::Session;
use crate::cli::terminal::Terminal;
use crate::cli::{ExitCode, Global, Usage};
use crate::diagnostic::{has_errors, nearest, sort};
use crate::model::{ClusterName, NamespaceName};
use crate::pipeline::parse_reached;
use crate::report::Shown;
use crate::resolve::Resolved;

impl Explain {
    /// Explains the setting of a namespace.
    pub(super) fn namespace(
        &self,
        what: &str,
        global: &Global,
        terminal: &Terminal,
    ) -> anyhow::Result<ExitCode> {
        let names = what.strip_prefix("namespace/").and_then(|path| path.split_once('/'));
        let names = names.and_then(|(cluster, namespace)| {
            Some((ClusterName::parse(cluster).ok()?, NamespaceName::parse(namespace).ok()?))
        });
        let Some((cluster, namespace)) = &names else {
            let help = "write `namespace/<cluster>/<namespace>`";
            return Err(Usage::error(format!("`{what}` names no namespace: {help}")));
        };
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
                return Err(Usage::error(error));
            }
            let what = format!("{cluster}/{namespace}");
            let hint = match nearest(&what, known.iter().map(String::as_str)) {
                Some(near) => format!("; did you mean `{near}`?"),
                None => String::new(),
            };
            return Err(Usage::error(format!("no environment has namespace `{what}`{hint}")));
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

fn namespaces(resolved: &Resolved) -> Vec<String> {
    let clusters = resolved.environment.clusters.values();
    clusters
        .flat_map(|c| c.namespaces.keys().map(move |namespace| format!("{}/{namespace}", c.name)))
        .collect()
}

pub(super) fn json(value: &impl serde::Serialize) -> anyhow::Result<String> {
    let text = serde_json::to_string_pretty(value)?;
    Ok(format!("{}\n", Shown::json(&text).as_str()))
}

fn print(text: &str) -> anyhow::Result<ExitCode> {
    output::print(&Shown::text(text))?;
    Ok(ExitCode::Clean)
}
