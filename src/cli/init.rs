//! `waypost init`

use std::fs;
use std::io::Write;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;

use super::terminal::Terminal;
use super::{ExitCode, Global, Usage};
use crate::model::EnvironmentName;

/// Write a small working environment to start from.
///
/// Makes `environments/<name>/` with an Environment, a TSB configuration and the manifest of one
/// namespace. Nothing that exists is overwritten.
#[derive(Args, Clone, Debug)]
pub struct Init {
    /// The repository's folder, below the one of `-C`.
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Name of the environment.
    #[arg(long, default_value = "example")]
    name: String,
}

/// Path below the environment's folder, text. `@NAME@` stands for the environment's name.
const FILES: [(&str, &str); 3] = [
    ("environment.yaml", include_str!("init/environment.yaml")),
    ("tsb.yaml", include_str!("init/tsb.yaml")),
    ("inventory/shop.yaml", include_str!("init/shop.yaml")),
];

impl Init {
    pub(super) fn run(&self, global: &Global, terminal: &Terminal) -> anyhow::Result<ExitCode> {
        let name = EnvironmentName::parse(&self.name).map_err(|e| Usage::error(e.to_string()))?;
        let root = global.root.join(&self.folder);
        let root: PathBuf = root.components().filter(|c| *c != Component::CurDir).collect();
        let folder = root.join("environments").join(name.as_str());
        for (path, _) in FILES {
            if folder.join(path).symlink_metadata().is_ok() {
                bail!("`{}` exists already; nothing was written", folder.join(path).display());
            }
        }
        for (path, text) in FILES {
            write_new(&folder.join(path), &text.replace("@NAME@", name.as_str()))?;
        }
        let here = match root.as_os_str().is_empty() {
            true => String::new(),
            false => format!(" -C {}", root.display()),
        };
        terminal.say(&format!("wrote {}", folder.display()));
        terminal.say(&format!("next: waypost{here} render {name}"));
        Ok(ExitCode::Clean)
    }
}

/// Writes a file that must not exist yet.
fn write_new(path: &Path, text: &str) -> anyhow::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)
            .with_context(|| format!("cannot make `{}`", parent.display()))?;
    }
    let mut file =
        fs::File::create_new(path).with_context(|| format!("cannot write `{}`", path.display()))?;
    file.write_all(text.as_bytes()).with_context(|| format!("cannot write `{}`", path.display()))
}
