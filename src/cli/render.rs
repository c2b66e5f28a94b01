//! `waypost render`

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Component, Path, PathBuf};

use clap::Args;

use super::session::{Loaded, Prepared, Session, scope};
use super::terminal::Terminal;
use super::{ExitCode, Global, Usage};
use crate::diagnostic::has_errors;
use crate::pipeline::Rendered;
use crate::tree::disk::{Claim, EnvironmentFolder, SwapMethod};
use crate::tree::{Allowances, Change, Scope, plan};

/// Render environments into the tree that Argo CD or Flux applies.
///
/// Each environment is replaced as a whole: a reader sees the old tree or the new one, never a
/// mixture. What did not change is not touched, and an environment whose lock names the same input
/// and the same files is not rendered again (`waypost check` always renders). Only files that
/// waypost wrote are ever deleted, and a render that would delete more than expected is refused.
///
/// Environments do not depend on each other: one that has a fault stays as it was, the others are
/// written, and the exit code tells the worst. A stream (`--stdout`) holds all of them or nothing.
#[derive(Args, Clone, Debug)]
pub struct Render {
    /// Environments; all where none is named.
    #[arg(value_name = "ENV")]
    environments: Vec<String>,
    /// Folder of the tree, below the repository's folder or absolute.
    #[arg(long, value_name = "DIR", default_value = "rendered")]
    out: PathBuf,
    /// Write what is applied to standard output, and nothing to disk.
    #[arg(long, conflicts_with = "out")]
    stdout: bool,
    /// Only this cluster. May be given several times.
    #[arg(long, value_name = "NAME")]
    cluster: Vec<String>,
    /// Only this unit: platform, tsb, mesh, enrollment or workloads. May be given several times.
    #[arg(long, value_name = "UNIT")]
    unit: Vec<String>,
    /// The point of the migration, instead of the one the spec says is reached: `none`, a stage, or
    /// `<stage>/<step>` with step mesh, enrollment or workloads.
    #[arg(long, value_name = "STAGE[/STEP]")]
    stage: Option<String>,
    /// Threads; one for each processor where not given. The result is the same with any number.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    /// Render also where the lock shows that nothing has changed since the last render.
    #[arg(long)]
    force: bool,
    /// Let a unit that had objects become empty.
    #[arg(long)]
    allow_empty_unit: bool,
    /// Let a Namespace leave the tree. With pruning on, all it holds is deleted.
    #[arg(long)]
    allow_namespace_removal: bool,
    /// Let a cluster lose more than a fifth of its objects.
    #[arg(long)]
    allow_shrink: bool,
    /// Let objects move from one unit to another. With pruning on they are deleted and made anew.
    #[arg(long)]
    allow_moves: bool,
}

impl Render {
    pub(super) fn run(&self, global: &Global, terminal: &Terminal) -> anyhow::Result<ExitCode> {
        let mut pool = rayon::ThreadPoolBuilder::new();
        if let Some(jobs) = self.jobs {
            pool = pool.num_threads(jobs.into());
        }
        pool.build()?.install(|| self.run_all(global, terminal))
    }

    fn run_all(&self, global: &Global, terminal: &Terminal) -> anyhow::Result<ExitCode> {
        let scope = scope(&self.cluster, &self.unit)?;
        let session = Session::new(global, terminal)?;
        let Some(names) = session.names(&self.environments) else {
            return Ok(ExitCode::Problems);
        };
        let mut worst = ExitCode::Clean;
        let mut stream = String::new();
        for name in names {
            let mut loaded = session.load(&name);
            let prepared = session.prepare(&mut loaded, self.stage.as_deref(), &scope)?;
            let code = if self.stdout {
                let rendered = session.render(&mut loaded, &prepared);
                terminal.show(&loaded.found, &loaded.sources);
                match rendered {
                    None => ExitCode::Problems,
                    Some(rendered) => {
                        stream.push_str(&rendered.stream());
                        ExitCode::Clean
                    }
                }
            } else {
                self.to_disk(&name, &session, loaded, &prepared, &scope, (global, terminal))?
            };
            worst = worst.max(code);
        }
        // all or nothing: whoever applies a stream must never get half of one
        if self.stdout && worst == ExitCode::Clean {
            let mut out = std::io::stdout().lock();
            out.write_all(stream.as_bytes())?;
            out.flush()?;
        }
        Ok(worst)
    }

    fn to_disk(
        &self,
        name: &str,
        session: &Session<'_>,
        mut loaded: Loaded,
        prepared: &Prepared<'_>,
        scope: &Scope,
        (global, terminal): (&Global, &Terminal),
    ) -> anyhow::Result<ExitCode> {
        if has_errors(&loaded.found) {
            // everything that is wrong is told at once
            session.render(&mut loaded, prepared);
            terminal.show(&loaded.found, &loaded.sources);
            return Ok(ExitCode::Problems);
        }
        let claim = Claim::take(folder(global, &self.out, name)?, SwapMethod::default())?;
        let local = claim.read()?;
        terminal.detail(&format!("{name}: read the tree"));
        if !self.force && session.is_current(&mut loaded, prepared, &local) {
            terminal.show(&loaded.found, &loaded.sources);
            let objects = local.objects_in_units();
            terminal.say(&format!("{name}: {}", summary(objects, &Change::default())));
            return Ok(ExitCode::Clean);
        }
        let rendered = session.render(&mut loaded, prepared);
        let Loaded { sources, resolved, found, .. } = loaded;
        terminal.show(&found, &sources);
        // the tree is all that is needed from here on
        drop(resolved);
        let Some(Rendered { tree, provenance, objects, .. }) = rendered else {
            return Ok(ExitCode::Problems);
        };
        let change = plan(&tree, &local, &provenance, scope, &self.allowances());
        drop(local);
        if !change.is_allowed() {
            terminal.show(&change.faults, &sources);
            terminal.show(&change.refusals, &sources);
            terminal.say(&format!("{name}: nothing was written"));
            return Ok(if change.faults.is_empty() {
                ExitCode::Refused
            } else {
                ExitCode::Problems
            });
        }
        claim.write(&tree, &change)?;
        terminal.detail("written");
        terminal.say(&format!("{name}: {}", summary(objects, &change)));
        Ok(ExitCode::Clean)
    }

    fn allowances(&self) -> Allowances {
        Allowances {
            empty_unit: self.allow_empty_unit,
            namespace_removal: self.allow_namespace_removal,
            shrink: self.allow_shrink,
            moves: self.allow_moves,
        }
    }
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
