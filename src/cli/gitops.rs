//! Where what the appliers are told is written: `gitops/<target>/<env>/`.

use std::path::{Component, Path, PathBuf};

use clap::Args;

use super::{Global, Usage};
use crate::model::Target;
use crate::resolve::Resolved;
use crate::tree::disk::EnvironmentFolder;
use crate::tree::{LOCK_NAME, Scope};

/// The folder of a tree where none is named.
const RENDERED: &str = "rendered";
const GITOPS: &str = "gitops";

/// The folders that are written.
#[derive(Args, Clone, Debug)]
pub(super) struct Folders {
    /// Folder of the tree, below the repository's folder or absolute [default: rendered].
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Folder of what Argo CD and Flux are told, in the repository [default: gitops]. It tells of a
    /// whole environment: with `--cluster` or `--unit` it is left as it is, and so it is with
    /// `--out` where `--gitops` is not given.
    #[arg(long, value_name = "DIR")]
    pub gitops: Option<String>,
}

impl Folders {
    /// The folder of the tree.
    pub(super) fn out(&self) -> &Path {
        self.out.as_deref().unwrap_or(Path::new(RENDERED))
    }

    /// The folders of an environment's appliers: those that it names, and those that it once
    /// named and that still hold what waypost wrote.
    pub(super) fn of_appliers(
        &self,
        global: &Global,
        name: &str,
        resolved: Option<&Resolved>,
        scope: &Scope,
    ) -> anyhow::Result<Vec<(Target, EnvironmentFolder)>> {
        let gitops = match (&self.gitops, &self.out) {
            (Some(folder), _) => folder.trim_end_matches('/'),
            (None, None) => GITOPS,
            (None, Some(_)) => return Ok(Vec::new()),
        };
        let first = Path::new(gitops).components().next();
        if ["environments", "templates"]
            .iter()
            .any(|f| first == Some(Component::Normal(f.as_ref())))
        {
            return Err(Usage::error(format!(
                "`--gitops {gitops}` lies in a folder that people write: use another one, such as `gitops`"
            )));
        }
        if *scope != Scope::default() {
            return Ok(Vec::new());
        }
        let delivery = resolved.and_then(|r| r.environment.delivery.as_ref());
        let mut folders = Vec::new();
        for target in Target::ALL {
            let below = format!("{gitops}/{target}/{name}");
            let folder = EnvironmentFolder::of_delivery(&global.root, &below)?;
            let is_told = delivery.is_some_and(|d| d.targets.contains(&target));
            if is_told || folder.path().join(LOCK_NAME).symlink_metadata().is_ok() {
                folders.push((target, folder));
            }
        }
        Ok(folders)
    }
}
