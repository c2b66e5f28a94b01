//! `waypost prune`

use clap::Args;

use super::allow::Allow;
use super::gitops::Folders;
use super::render::folder;
use super::session::Session;
use super::terminal::Terminal;
use super::{ExitCode, Global, Usage};
use crate::diagnostic::Sources;
use crate::model::Target;
use crate::tree::disk::{Claim, EnvironmentFolder, Replacement, SwapMethod, replace};
use crate::tree::path::check_name;
use crate::tree::{Change, Provenance, Scope, Tree, plan};

/// Delete the trees of environments that have no spec any more.
///
/// Names each tree in `rendered/` and `gitops/` whose environment is gone, and deletes the files that
/// its lock lists, and no others. Appliers that prune delete from the cluster what goes with it, so
/// that it is refused, as a render would, until the flags below allow it. What appliers are told goes
/// first.
#[derive(Args, Clone, Debug)]
pub struct Prune {
    /// Environments that are gone; all of them where none is named.
    #[arg(value_name = "ENV")]
    environments: Vec<String>,
    #[command(flatten)]
    folders: Folders,
    #[command(flatten)]
    allow: Allow,
}

impl Prune {
    pub(super) fn run(&self, global: &Global, terminal: &Terminal) -> anyhow::Result<ExitCode> {
        let session = Session::new(global, terminal)?;
        let known = session.known();
        if let Some(name) = self.environments.iter().find(|name| known.contains(name)) {
            return Err(Usage::error(format!(
                "environment `{name}` has a spec: delete `environments/{name}` first if it is to go"
            )));
        }
        let strays = session.strays(&self.folders);
        let mut names: Vec<&str> = strays
            .iter()
            .filter(|stray| stray.is_tree() && stray.concerns(&self.environments))
            .filter_map(|stray| stray.environment.as_deref())
            .collect();
        names.sort_unstable();
        names.dedup();
        if names.is_empty() {
            terminal.say("no tree is without its spec");
            return Ok(ExitCode::Clean);
        }
        let mut worst = ExitCode::Clean;
        for name in names {
            worst = worst.max(self.prune(name, global, terminal)?);
        }
        Ok(worst)
    }

    /// Deletes what one environment has left.
    fn prune(&self, name: &str, global: &Global, terminal: &Terminal) -> anyhow::Result<ExitCode> {
        if let Err(rule) = check_name(name) {
            terminal.say(&format!("`{name}` {rule}: waypost did not write it, delete it by hand"));
            return Ok(ExitCode::Refused);
        }
        let mut folders = Vec::new();
        if let Some(told) = self.folders.told() {
            for target in Target::ALL {
                let below = format!("{told}/{target}/{name}");
                folders.push(EnvironmentFolder::of_delivery(&global.root, &below)?);
            }
        }
        folders.push(folder(global, self.folders.out(), name)?);
        let (tree, scope) = (Tree::default(), Scope::default());
        let provenance =
            Provenance { tool: env!("CARGO_PKG_VERSION").to_owned(), ..Provenance::default() };
        let mut changes: Vec<(Claim, String, Change)> = Vec::new();
        for folder in folders {
            if folder.path().symlink_metadata().is_err() {
                continue;
            }
            let claim = Claim::take(folder, SwapMethod::default())?;
            let local = claim.read()?;
            let change = plan(&tree, &local, &provenance, &scope, &self.allow.allowances());
            changes.push((claim, local.folder, change));
        }
        let sources = Sources::default();
        let (mut faults, mut refusals) = (Vec::new(), Vec::new());
        for (_, _, change) in &changes {
            faults.extend(change.faults.iter().cloned());
            refusals.extend(change.refusals.iter().cloned());
        }
        let count: usize = changes.iter().map(|(_, _, change)| change.delete.len()).sum();
        if !faults.is_empty() || !refusals.is_empty() {
            terminal.show(&faults, &sources);
            terminal.show(&refusals, &sources);
            terminal.say(&format!("{name}: nothing was deleted of {count} files"));
            return Ok(if faults.is_empty() { ExitCode::Refused } else { ExitCode::Problems });
        }
        let replacements: Vec<Replacement<'_>> = changes
            .iter()
            .map(|(claim, _, change)| Replacement { claim, tree: &tree, change })
            .collect();
        replace(&replacements)?;
        for (_, shown, change) in &changes {
            terminal.say(&format!("{name}: {shown}: {} deleted", change.delete.len()));
        }
        Ok(ExitCode::Clean)
    }
}
