//! Where what the appliers are told is written: `gitops/<target>/<env>/`.

use std::path::{Component, Path, PathBuf};

use clap::Args;

use super::{Global, Usage};
use crate::diagnostic::Diagnostic;
use crate::model::Target;
use crate::resolve::Resolved;
use crate::tree::Scope;
use crate::tree::disk::EnvironmentFolder;

/// The folder of a tree where none is named.
const RENDERED: &str = "rendered";
/// The folder of what appliers are told where none is named.
pub(super) const GITOPS: &str = "gitops";

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

    /// The folder of what appliers are told; `None` where it is left alone.
    pub(super) fn told(&self) -> Option<&str> {
        match (&self.gitops, &self.out) {
            (Some(folder), _) => Some(folder.trim_end_matches('/')),
            (None, None) => Some(GITOPS),
            (None, Some(_)) => None,
        }
    }

    /// Where appliers are told to read, and waypost does not render: an error where something lies
    /// there, since nothing checks it; a warning where nothing does, as with a branch that is published.
    pub(super) fn read_elsewhere(
        &self,
        global: &Global,
        name: &str,
        resolved: &Resolved,
    ) -> Option<Diagnostic> {
        let delivery = resolved.environment.delivery.as_ref()?;
        // who names another folder knows where the tree goes
        if self.out.is_some() {
            return None;
        }
        let out = match self.out() {
            out if out.is_absolute() => out.to_owned(),
            out => global.root.join(out),
        };
        let root = global.root.canonicalize().ok()?;
        // the path is told from the top of the repository, which may lie above
        let is_top = |folder: &&Path| folder.join(".git").symlink_metadata().is_ok();
        let top = root.ancestors().find(is_top).unwrap_or(&root);
        let places: Vec<PathBuf> = root
            .ancestors()
            .take_while(|folder| folder.starts_with(top))
            .map(|folder| folder.join(&delivery.path))
            .collect();
        let rendered = real(&out);
        if places.iter().any(|place| real(place) == rendered) {
            return None;
        }
        let shown = if delivery.path.is_empty() { "." } else { &delivery.path };
        let is_there = places.iter().any(|place| place.join(name).symlink_metadata().is_ok());
        let (message, help) = match is_there {
            true => (
                format!("appliers read `{shown}/{name}`, which waypost does not render and does not check"),
                format!("write `path: {}`, or delete that folder", self.out().display()),
            ),
            false => (
                format!("appliers read `{shown}/{name}`, and waypost renders `{}/{name}`", self.out().display()),
                "that is right where `waypost publish` writes the branch that they follow; else make `path` the folder that is rendered".to_owned(),
            ),
        };
        let found = match is_there {
            true => Diagnostic::error("delivery-path", message),
            false => Diagnostic::warning("delivery-path", message),
        };
        Some(found.at(delivery.origin, "").help(help))
    }

    /// The folders of an environment's appliers: those that it names, and others that are there.
    pub(super) fn of_appliers(
        &self,
        global: &Global,
        name: &str,
        resolved: Option<&Resolved>,
        scope: &Scope,
    ) -> anyhow::Result<Vec<(Target, EnvironmentFolder)>> {
        let Some(gitops) = self.told() else { return Ok(Vec::new()) };
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
            if is_told || folder.path().symlink_metadata().is_ok() {
                folders.push((target, folder));
            }
        }
        Ok(folders)
    }
}

/// A folder without links and `.` on the way, where it is there.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| {
        let parent = path.parent().and_then(|parent| parent.canonicalize().ok());
        match (parent, path.file_name()) {
            (Some(parent), Some(name)) => parent.join(name),
            _ => path.components().collect(),
        }
    })
}
