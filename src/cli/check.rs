//! `waypost check`

use std::path::Path;

use clap::Args;
use similar::TextDiff;

use super::diff::secret::hidden;
use super::gitops::Folders;
use super::output::print;
use super::render::folder;
use super::session::{Session, scope};
use super::stray::Stray;
use super::terminal::Terminal;
use super::{ExitCode, Global};
use crate::diagnostic::{Diagnostic, Sources, has_errors};
use crate::report::{Shown, visible};
use crate::tree::{Differing, Drift, LOCK_NAME, Tree, check, disk};

/// Say whether the tree on disk is what a render would leave there.
///
/// Renders into memory and compares with every file and with the locks, those of `gitops/` included. Names each file that is
/// stale, edited, missing or foreign, and what has no spec or belongs to no environment, and ends with
/// 4 when there is any.
#[derive(Args, Clone, Debug)]
pub struct Check {
    /// Environments; all where none is named.
    #[arg(value_name = "ENV")]
    environments: Vec<String>,
    #[command(flatten)]
    folders: Folders,
    /// Only this cluster. May be given several times.
    #[arg(long, value_name = "NAME")]
    cluster: Vec<String>,
    /// Only this unit. May be given several times.
    #[arg(long, value_name = "UNIT")]
    unit: Vec<String>,
    /// The point of the migration, instead of the one the spec says is reached.
    #[arg(long, value_name = "STAGE[/STEP]")]
    stage: Option<String>,
    /// Show for each file what a render would change, as a unified diff on standard output.
    #[arg(long)]
    diff: bool,
}

impl Check {
    pub(super) fn run(&self, global: &Global, terminal: &Terminal) -> anyhow::Result<ExitCode> {
        let scope = scope(&self.cluster, &self.unit)?;
        let session = Session::new(global, terminal)?;
        let Some(names) = session.names(&self.environments) else {
            return Ok(ExitCode::Problems);
        };
        let mut worst = ExitCode::Clean;
        let strays = session.strays(&self.folders);
        let of_strays = strays.iter().filter(|stray| stray.concerns(&self.environments));
        let found: Vec<Diagnostic> = of_strays.map(Stray::to_diagnostic).collect();
        if !found.is_empty() {
            terminal.show(&found, &Sources::default());
            worst = ExitCode::Differs;
        }
        let mut owners = session.owners(&self.folders);
        let mut applied = session.applied(&self.folders, &names);
        for name in names {
            // without a spec there is nothing to compare its tree with
            if strays.iter().any(|stray| stray.environment.as_ref() == Some(&name))
                && !session.has_environment(&name)
            {
                continue;
            }
            let mut loaded = session.load(&name);
            let prepared = session.prepare(&mut loaded, self.stage.as_deref(), &scope)?;
            let elsewhere = loaded.resolved.as_ref().filter(|_| self.folders.told().is_some());
            let elsewhere = elsewhere.and_then(|r| self.folders.read_elsewhere(global, &name, r));
            loaded.found.extend(elsewhere);
            let rendered = session.render(&mut loaded, &prepared);
            terminal.show(&loaded.found, &loaded.sources);
            let mut twice = Vec::new();
            if let (Some(rendered), Some(resolved)) = (&rendered, &loaded.resolved) {
                twice.extend(owners.twice(&name, rendered));
                twice.extend(applied.twice(&resolved.environment, rendered));
            }
            terminal.show(&twice, &loaded.sources);
            if has_errors(&twice) {
                worst = worst.max(ExitCode::Problems);
            }
            let Some(rendered) = rendered else {
                worst = worst.max(ExitCode::Problems);
                continue;
            };
            let folder = folder(global, self.folders.out(), &name)?;
            let local = disk::read(&folder)?;
            let drift = check(&rendered.tree, &local, &rendered.provenance, &scope);
            let shown = format!("{}/{name}", self.folders.out().display());
            let mut drifts = vec![(drift, &rendered.tree, folder.path(), shown)];
            let resolved = loaded.resolved.as_ref();
            let told = resolved.map(|resolved| prepared.delivery(resolved)).unwrap_or_default();
            let nothing = Tree::default();
            for (target, folder) in self.folders.of_appliers(global, &name, resolved, &scope)? {
                let local = disk::read(&folder)?;
                let tree = rendered.delivery.get(&target).unwrap_or(&nothing);
                let drift = check(tree, &local, &told, &scope);
                let above = folder.path().parent().map(Path::to_owned).unwrap_or_default();
                drifts.push((drift, tree, above, local.folder));
            }
            terminal.detail("compared");
            drifts.retain(|(drift, ..)| !drift.is_empty());
            if drifts.is_empty() {
                terminal.say(&format!("{name}: clean"));
                continue;
            }
            let found: Vec<Diagnostic> = drifts
                .iter()
                .flat_map(|(drift, _, _, shown)| drift.iter().map(|d| d.to_diagnostic(shown)))
                .collect();
            terminal.show(&found, &loaded.sources);
            if self.diff {
                for (drift, tree, folder, shown) in &drifts {
                    show_diff(drift, tree, folder, shown)?;
                }
            }
            worst = worst.max(ExitCode::Differs);
        }
        Ok(worst)
    }
}

/// From what is on disk to what would be rendered, without secrets. A file that cannot be read as
/// text has been named already, and is shown as empty.
fn show_diff(drift: &[Drift], tree: &Tree, folder: &Path, shown: &str) -> anyhow::Result<()> {
    let mut out = String::new();
    for path in drift.iter().map(|d| d.path.as_str()) {
        let before = std::fs::read_to_string(folder.join(path)).unwrap_or_default();
        let after = tree.get(path).map_or("", |file| file.text());
        if before != after && !path.ends_with(LOCK_NAME) {
            let Differing { before, after, .. } = hidden(Differing {
                path: path.to_owned(),
                before: Some(before.into_bytes()),
                after: Some(after.as_bytes().to_vec()),
            });
            let [before, after] = [before, after]
                .map(|bytes| String::from_utf8(bytes.unwrap_or_default()).unwrap_or_default());
            let path = visible::line(path);
            let (old, new) = (format!("a/{shown}/{path}"), format!("b/{shown}/{path}"));
            let diff = TextDiff::from_lines(before.as_str(), after.as_str());
            out.push_str(&diff.unified_diff().header(&old, &new).to_string());
        }
    }
    Ok(print(&Shown::text(&out))?)
}
