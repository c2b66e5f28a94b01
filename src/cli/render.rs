//! `waypost render`

use std::ffi::OsStr;
use std::path::{Component, Path};

use clap::Args;

use super::allow::Allow;
use super::applied::Applied;
use super::gate::Gate;
use super::gitops::Folders;
use super::limits;
use super::output::print;
use super::owners::Owners;
use super::session::{Loaded, Prepared, Session, scope};
use super::terminal::Terminal;
use super::{ExitCode, Global, Usage};
use crate::diagnostic::{Diagnostic, Sources, has_errors};
use crate::model::Target;
use crate::pipeline::Rendered;
use crate::report::Shown;
use crate::tree::disk::{Claim, EnvironmentFolder, Replacement, SwapMethod, replace};
use crate::tree::{Change, Local, Tree, plan};

/// Render environments into the tree that Argo CD or Flux applies.
///
/// Where the spec names Argo CD or Flux in `delivery`, what they are told is written too, into
/// `gitops/`. Each environment is replaced as a whole: a reader sees the old tree or the new one, never a
/// mixture. What did not change is not touched, and an environment whose lock names the same input
/// and the same files is not rendered again (`waypost check` always renders). Only files that
/// waypost wrote are ever deleted, and a render that would delete more than expected is refused.
///
/// Environments do not depend on each other: one that has a fault stays as it was, the others are
/// written, and the exit code tells the worst. A tree that has no spec stays, and ends it with 4: `waypost
/// prune` deletes it. A stream (`--stdout`) holds all of them or nothing.
#[derive(Args, Clone, Debug)]
pub struct Render {
    /// Environments; all where none is named.
    #[arg(value_name = "ENV")]
    environments: Vec<String>,
    #[command(flatten)]
    folders: Folders,
    /// Write what is applied to standard output, and nothing to disk.
    #[arg(long, conflicts_with_all = ["out", "gitops"])]
    stdout: bool,
    /// Only this cluster. May be given several times.
    #[arg(long, value_name = "NAME")]
    cluster: Vec<String>,
    /// Only this unit: platform, tsb, mesh, enrollment or workloads. May be given several times.
    #[arg(long, value_name = "UNIT")]
    unit: Vec<String>,
    /// The point of the migration, instead of the one the spec says is reached: `none`, a stage, or
    /// `<stage>/<step>` with step mesh, enrollment, workloads or cleanup.
    #[arg(long, value_name = "STAGE[/STEP]")]
    stage: Option<String>,
    /// Threads; one for each processor where not given. The result is the same with any number.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    /// Render also where the lock shows that nothing has changed since the last render.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    allow: Allow,
}

impl Render {
    pub(super) fn run(&self, global: &Global, terminal: &Terminal) -> anyhow::Result<ExitCode> {
        match self.jobs {
            Some(jobs) => limits::pool(jobs.into())?.install(|| self.run_all(global, terminal)),
            None => self.run_all(global, terminal),
        }
    }

    fn run_all(&self, global: &Global, terminal: &Terminal) -> anyhow::Result<ExitCode> {
        let scope = scope(&self.cluster, &self.unit)?;
        let session = Session::new(global, terminal)?;
        let Some(names) = session.names(&self.environments) else {
            return Ok(ExitCode::Problems);
        };
        let mut worst = ExitCode::Clean;
        let mut stream = String::new();
        // an environment that is current is not rendered: all locks are asked
        let (names_of, objects) =
            (session.owners(&self.folders), session.applied(&self.folders, &[]));
        let mut owners = AllOwners { names: names_of, objects };
        for name in names {
            let mut loaded = session.load(&name);
            let prepared = session.prepare(&mut loaded, self.stage.as_deref(), &scope)?;
            let code = if self.stdout {
                let rendered = session.render(&mut loaded, &prepared);
                terminal.show(&loaded.found, &loaded.sources);
                let Loaded { sources, resolved, .. } = loaded;
                let nothing = Local::default();
                let may_move = match (&rendered, &resolved) {
                    (Some(rendered), Some(resolved)) => {
                        let gate = Gate { name: &name, prepared: &prepared, done: "written" };
                        gate.lets_through(resolved, rendered, &nothing, sources, terminal)
                    }
                    _ => ExitCode::Problems,
                };
                match rendered.filter(|_| may_move == ExitCode::Clean) {
                    None => may_move,
                    Some(rendered) => {
                        stream.push_str(&rendered.stream());
                        ExitCode::Clean
                    }
                }
            } else {
                self.to_disk(&name, &session, &mut owners, loaded, &prepared, (global, terminal))?
            };
            worst = worst.max(code);
        }
        if !self.stdout {
            let strays = session.strays(&self.folders).into_iter();
            let strays = strays.filter(|stray| stray.concerns(&self.environments));
            let found: Vec<Diagnostic> = strays.map(|stray| stray.to_diagnostic()).collect();
            if !found.is_empty() {
                terminal.show(&found, &Sources::default());
                worst = worst.max(ExitCode::Differs);
            }
        }
        // all or nothing: whoever applies a stream must never get half of one
        if self.stdout && worst == ExitCode::Clean {
            print(&Shown::exact(stream))?;
        }
        Ok(worst)
    }

    fn to_disk(
        &self,
        name: &str,
        session: &Session<'_>,
        owners: &mut AllOwners<'_>,
        mut loaded: Loaded,
        prepared: &Prepared<'_>,
        (global, terminal): (&Global, &Terminal),
    ) -> anyhow::Result<ExitCode> {
        let scope = prepared.scope();
        let elsewhere = loaded.resolved.as_ref().filter(|_| self.folders.told().is_some());
        let elsewhere = elsewhere.and_then(|r| self.folders.read_elsewhere(global, name, r));
        loaded.found.extend(elsewhere);
        if has_errors(&loaded.found) {
            // everything that is wrong is told at once
            session.render(&mut loaded, prepared);
            terminal.show(&loaded.found, &loaded.sources);
            return Ok(ExitCode::Problems);
        }
        let claim = Claim::take(folder(global, self.folders.out(), name)?, SwapMethod::default())?;
        let local = claim.read()?;
        let mut told = Vec::new();
        let resolved = loaded.resolved.as_ref();
        for (target, folder) in self.folders.of_appliers(global, name, resolved, scope)? {
            let claim = Claim::take(folder, SwapMethod::default())?;
            let local = claim.read()?;
            told.push(Told { target, claim, local });
        }
        terminal.detail(&format!("{name}: read the tree"));
        let told_on_disk = told.iter().map(|told| (told.target, &told.local));
        if !self.force && session.is_current(&mut loaded, prepared, &local, told_on_disk) {
            terminal.show(&loaded.found, &loaded.sources);
            let objects = local.objects_in_units();
            terminal.say(&format!("{name}: {}", summary(objects, &Change::default())));
            return Ok(ExitCode::Clean);
        }
        let rendered = session.render(&mut loaded, prepared);
        let Loaded { sources, resolved, found, .. } = loaded;
        terminal.show(&found, &sources);
        if let (Some(rendered), Some(resolved)) = (&rendered, &resolved) {
            let gate = Gate { name, prepared, done: "written" };
            let code = gate.lets_through(resolved, rendered, &local, sources.clone(), terminal);
            if code != ExitCode::Clean {
                return Ok(code);
            }
        }
        let mut twice = Vec::new();
        if let (Some(rendered), Some(resolved)) = (&rendered, &resolved) {
            twice.extend(owners.names.twice(name, rendered));
            twice.extend(owners.objects.twice(&resolved.environment, rendered));
        }
        terminal.show(&twice, &sources);
        if has_errors(&twice) {
            terminal.say(&format!("{name}: nothing was written"));
            return Ok(ExitCode::Problems);
        }
        let told_provenance = resolved.as_ref().map(|resolved| prepared.delivery(resolved));
        // the trees are all that is needed from here on
        drop(resolved);
        let Some(Rendered { tree, delivery, provenance, objects, .. }) = rendered else {
            return Ok(ExitCode::Problems);
        };
        let allowances = self.allow.allowances();
        let change = plan(&tree, &local, &provenance, scope, &allowances);
        drop(local);
        let told_provenance = told_provenance.unwrap_or_default();
        let mut changes = vec![(None, claim, &tree, change)];
        let nothing = Tree::default();
        for Told { target, claim, local } in told {
            let tree = delivery.get(&target).unwrap_or(&nothing);
            let change = plan(tree, &local, &told_provenance, scope, &allowances);
            changes.push((Some(target), claim, tree, change));
        }
        if changes.iter().any(|(.., change)| !change.is_allowed()) {
            let all = |list: fn(&Change) -> &Vec<Diagnostic>| -> Vec<Diagnostic> {
                changes.iter().flat_map(|(.., change)| list(change)).cloned().collect()
            };
            let (faults, refusals) = (all(|c| &c.faults), all(|c| &c.refusals));
            terminal.show(&faults, &sources);
            terminal.show(&refusals, &sources);
            terminal.say(&format!("{name}: nothing was written"));
            return Ok(if faults.is_empty() { ExitCode::Refused } else { ExitCode::Problems });
        }
        // the units before what is told of them: an applier that is told of a folder which is not
        // there yet fails
        let replacements: Vec<Replacement<'_>> = changes
            .iter()
            .map(|(_, claim, tree, change)| Replacement { claim, tree, change })
            .collect();
        replace(&replacements)?;
        for (target, _, tree, change) in &changes {
            match target {
                None => terminal.say(&format!("{name}: {}", summary(objects, change))),
                Some(_) if change.is_empty() => {}
                Some(target) => {
                    let objects = tree.iter().filter(|(_, file)| file.object().is_some()).count();
                    terminal.say(&format!("{name}: {target}: {}", summary(objects, change)));
                }
            }
        }
        owners.names.written(name);
        terminal.detail("written");
        Ok(ExitCode::Clean)
    }
}

/// Who else renders a name or applies an object.
struct AllOwners<'a> {
    names: Owners<'a>,
    objects: Applied<'a>,
}

/// The folder of an applier, as it is.
struct Told {
    target: Target,
    claim: Claim,
    local: Local,
}

fn summary(objects: usize, change: &Change) -> String {
    let objects = format!("{objects} object{}", if objects == 1 { "" } else { "s" });
    if change.is_empty() {
        return format!("{objects}, nothing changed");
    }
    let mut parts = Vec::new();
    for (count, what) in [
        (change.create.len(), "written"),
        (change.update.len(), "changed"),
        (change.delete.len(), "deleted"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    }
    format!("{objects}; files: {}, {} unchanged", parts.join(", "), change.unchanged.len())
}

/// The environment's folder below the tree's.
pub(super) fn folder(global: &Global, out: &Path, name: &str) -> anyhow::Result<EnvironmentFolder> {
    let first = out.components().find(|c| !matches!(c, Component::CurDir));
    if let Some(Component::Normal(first)) = first
        && [OsStr::new("environments"), OsStr::new("templates")].contains(&first)
    {
        return Err(Usage::error(format!(
            "`--out {}` lies in a folder that people write: use another one, such as `rendered`",
            out.display()
        )));
    }
    let relative = out.to_str().filter(|o| {
        out.is_relative()
            && out.components().all(|c| matches!(c, Component::Normal(_)))
            && !o.is_empty()
    });
    // below the repository every folder is checked for links; what a person names from outside is
    // taken as it is
    Ok(match relative {
        Some(below) => EnvironmentFolder::new(
            &global.root,
            &format!("{}/{name}", below.trim_end_matches('/')),
        )?,
        None => EnvironmentFolder::new(&global.root.join(out), name)?,
    })
}
