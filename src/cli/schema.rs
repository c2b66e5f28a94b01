//! `waypost schema`

use clap::Args;

use super::output::print;
use super::{ExitCode, Usage};
use crate::diagnostic::nearest;
use crate::report::Shown;
use crate::validate::catalogue::embedded;

/// Print a JSON Schema, for editors and other tools.
///
/// Without a name, lists what there is. A name is a path of that list (`waypost.dev/environment_v1alpha1.json`)
/// or just a kind (`environment`, `controlplane`). The layout is that of kubeconform's
/// `-schema-location`.
#[derive(Args, Clone, Debug)]
pub struct Schema {
    /// Kind or path.
    name: Option<String>,
}

impl Schema {
    pub(super) fn run(&self) -> anyhow::Result<ExitCode> {
        let Some(name) = &self.name else {
            let paths: String = embedded().iter().map(|s| format!("{}\n", s.path)).collect();
            print(&Shown::text(&paths))?;
            return Ok(ExitCode::Clean);
        };
        let wanted = name.to_lowercase();
        let kind = |path: &str| {
            let file = path.rsplit('/').next().unwrap_or_default();
            file.split('_').next().unwrap_or_default().to_owned()
        };
        let found = embedded()
            .into_iter()
            .find(|source| source.path == wanted || kind(&source.path) == wanted);
        if let Some(source) = found {
            print(&Shown::exact(source.text))?;
            return Ok(ExitCode::Clean);
        }
        let kinds: Vec<String> = embedded().iter().map(|source| kind(&source.path)).collect();
        Err(match nearest(&wanted, kinds.iter().map(String::as_str)) {
            Some(near) => {
                Usage::error(format!("there is no schema `{name}`; did you mean `{near}`?"))
            }
            None => Usage::error(format!(
                "there is no schema `{name}`; `waypost schema` lists what there is"
            )),
        })
    }
}
