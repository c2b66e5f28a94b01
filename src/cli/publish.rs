//! `waypost publish`

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use clap::Args;

use super::allow::Allow;
use super::session::Session;
use super::terminal::Terminal;
use super::{ExitCode, Global, Usage};
use crate::delivery::commit::{self, Dry};
use crate::diagnostic::{Diagnostic, Sources};
use crate::pipeline::Rendered;
use crate::tree::branch::{self, Branch, Commit, Edit, Tip};
use crate::tree::{Change, Scope, plan};

/// How often a branch that others write to is read again.
const TRIES: u32 = 20;

/// Render environments onto a branch: one commit, without a checkout.
///
/// For branches that Argo CD or Flux follow instead of a folder of the main one. The environments
/// are rendered from the working tree, which must be committed, and their files are put on the
/// branch; everything else there stays. There is one commit, after the newest one, whatever the
/// number of files, and none where nothing has changed. Its id is written to standard output. What
/// `render` refuses is refused here too, and so are files that others have edited on the branch.
/// Nothing is pushed: `git push origin BRANCH` does it, and never needs force.
#[derive(Args, Clone, Debug)]
pub struct Publish {
    /// Environments; all where none is named.
    #[arg(value_name = "ENV")]
    environments: Vec<String>,
    /// The branch; it is made where there is none.
    #[arg(long, value_name = "NAME")]
    branch: String,
    /// Folder of the tree on the branch: what `delivery.path` says, else `rendered`.
    #[arg(long, value_name = "DIR")]
    path: Option<String>,
    /// Also write `hydrator.metadata` and `README.md`, as Argo CD's source hydrator does: tools for
    /// promotion read them.
    #[arg(long)]
    hydrator_metadata: bool,
    /// Publish what is not committed. The commit then names no source.
    #[arg(long)]
    allow_dirty: bool,
    #[command(flatten)]
    allow: Allow,
}

/// An environment that is ready to be published.
struct Ready {
    name: String,
    folder: String,
    rendered: Rendered,
    sources: Sources,
}

impl Publish {
    pub(super) fn run(&self, global: &Global, terminal: &Terminal) -> anyhow::Result<ExitCode> {
        let root = global.root.as_path();
        let session = Session::new(global, terminal)?;
        let branch = Branch::open(root, &self.branch)?;
        let Some(names) = session.names(&self.environments) else {
            return Ok(ExitCode::Problems);
        };
        let scope = Scope::default();
        let (mut ready, mut repo_url, mut complete) = (Vec::new(), None, true);
        for name in names {
            let mut loaded = session.load(&name);
            let prepared = session.prepare(&mut loaded, None, &scope)?;
            let rendered = session.render(&mut loaded, &prepared);
            terminal.show(&loaded.found, &loaded.sources);
            let (Some(rendered), Some(resolved)) = (rendered, &loaded.resolved) else {
                complete = false;
                continue;
            };
            let delivery = resolved.environment.delivery.as_ref();
            repo_url = repo_url.or_else(|| delivery.map(|d| d.repo_url.clone()));
            let path = match (&self.path, delivery) {
                (Some(path), _) => self::path(path)?,
                (None, Some(delivery)) => delivery.path.clone(),
                (None, None) => "rendered".to_owned(),
            };
            let folder = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
            ready.push(Ready { name, folder, rendered, sources: loaded.sources });
        }
        if !complete {
            terminal.say("nothing was published");
            return Ok(ExitCode::Problems);
        }
        let source = match branch::source(root)? {
            Some(source) if !self.allow_dirty => {
                let files =
                    ready.iter().flat_map(|r| r.sources.iter().map(|(_, s)| s.path.as_str()));
                let dirty = branch::uncommitted(root, files)?;
                if let Some(first) = dirty.first() {
                    return Ok(refuse(terminal, not_committed(first, dirty.len())));
                }
                Some(source)
            }
            None if !self.allow_dirty => {
                return Ok(refuse(terminal, not_committed("environments", 1)));
            }
            _ => None,
        };
        let origin = branch::origin(root).filter(|url| !url.contains('@') || !url.contains("://"));
        let repo_url = repo_url.or(origin);
        let dry = source.as_ref().map(|source| Dry {
            repo_url: repo_url.as_deref(),
            id: &source.id,
            author: &source.author,
            date: &source.date,
            subject: &source.subject,
            body: &source.body,
        });
        let mut told = String::new();
        for attempt in 1..=TRIES {
            let tip = branch.tip()?;
            let (changes, code) = self.plan(&branch, &tip, &ready, terminal)?;
            if code != ExitCode::Clean {
                terminal.say("nothing was published");
                return Ok(code);
            }
            if changes.iter().all(Change::is_empty) {
                terminal.say(&format!("{}: nothing changed", self.branch));
                return Ok(ExitCode::Clean);
            }
            let hydrator = match dry {
                Some(dry) if self.hydrator_metadata => {
                    commit::hydrator_files(dry, &self.command()).into()
                }
                _ => Vec::new(),
            };
            if let Some(name) = self.taken(&branch, &tip, &hydrator)? {
                return Ok(refuse(terminal, not_ours(&self.branch, name)));
            }
            let mut edit = edit(&ready, &changes);
            edit.write
                .extend(hydrator.iter().map(|(name, text)| ((*name).to_owned(), text.as_str())));
            let message = message(&ready, &changes, dry);
            match branch.commit(&tip, &edit, &message)? {
                Commit::Made(id) => {
                    terminal.say(&format!(
                        "{}: {}",
                        self.branch,
                        message.lines().next().unwrap_or_default()
                    ));
                    let mut out = std::io::stdout().lock();
                    writeln!(out, "{id}")?;
                    out.flush()?;
                    return Ok(ExitCode::Clean);
                }
                Commit::Overtaken(said) => {
                    told = said;
                    std::thread::sleep(Duration::from_millis(10 * u64::from(attempt)));
                }
            }
        }
        anyhow::bail!("branch `{}` cannot be written while others write to it: {told}", self.branch)
    }

    /// What would change on the branch; what speaks against it is shown.
    fn plan(
        &self,
        branch: &Branch,
        tip: &Tip,
        ready: &[Ready],
        terminal: &Terminal,
    ) -> anyhow::Result<(Vec<Change>, ExitCode)> {
        let (mut changes, mut code) = (Vec::new(), ExitCode::Clean);
        for Ready { folder, rendered, sources, .. } in ready {
            let local = branch.read(tip, folder)?;
            let Rendered { tree, provenance, .. } = rendered;
            let scope = Scope::default();
            let mut change = plan(tree, &local, provenance, &scope, &self.allow.allowances());
            let edited: Vec<&str> = local.edited(&change);
            if let Some(first) = edited.first() {
                let refusal =
                    edited_by_others(&self.branch, &format!("{folder}/{first}"), edited.len());
                change.refusals.push(refusal);
            }
            terminal.show(&change.faults, sources);
            terminal.show(&change.refusals, sources);
            if !change.faults.is_empty() {
                code = ExitCode::Problems;
            } else if !change.refusals.is_empty() && code == ExitCode::Clean {
                code = ExitCode::Refused;
            }
            changes.push(change);
        }
        Ok((changes, code))
    }

    /// A name of the hydrator's files at which somebody else's file lies.
    fn taken<'h>(
        &self,
        branch: &Branch,
        tip: &Tip,
        hydrator: &'h [(&'static str, String)],
    ) -> anyhow::Result<Option<&'h str>> {
        for (name, _) in hydrator {
            let is_ours = match branch.text(tip, name)? {
                Some(text) => commit::is_hydrators(name, &text),
                None => !Branch::has(tip, name),
            };
            if !is_ours {
                return Ok(Some(name));
            }
        }
        Ok(None)
    }

    /// The command that does the same again.
    fn command(&self) -> String {
        let mut words = vec!["waypost", "publish", "--branch", &self.branch];
        if let Some(path) = &self.path {
            words.extend(["--path", path]);
        }
        words.push("--hydrator-metadata");
        words.extend(self.environments.iter().map(String::as_str));
        words.join(" ")
    }
}

/// A folder of the branch, without slashes at its ends.
fn path(text: &str) -> anyhow::Result<String> {
    let trimmed = text.trim_start_matches("./").trim_end_matches('/');
    if matches!(trimmed, "" | ".") {
        return Ok(String::new());
    }
    for part in trimmed.split('/') {
        if let Err(rule) = crate::tree::path::check_name(part) {
            return Err(Usage::error(format!("`--path {text}` {rule}")));
        }
    }
    Ok(trimmed.to_owned())
}

fn edit<'a>(ready: &'a [Ready], changes: &'a [Change]) -> Edit<'a> {
    let mut edit = Edit { write: BTreeMap::new(), delete: Vec::new() };
    for (Ready { folder, rendered, .. }, change) in ready.iter().zip(changes) {
        for path in change.create.iter().chain(&change.update) {
            if let Some(text) = change.text(&rendered.tree, path) {
                edit.write.insert(format!("{folder}/{path}"), text);
            }
        }
        edit.delete.extend(change.delete.iter().map(|path| format!("{folder}/{path}")));
    }
    edit
}

fn message(ready: &[Ready], changes: &[Change], dry: Option<Dry<'_>>) -> String {
    let changed = || ready.iter().zip(changes).filter(|(_, change)| !change.is_empty());
    let names: Vec<&str> = changed().map(|(ready, _)| ready.name.as_str()).collect();
    let line = |(ready, change): (&Ready, &Change)| {
        let Change { create, update, delete, .. } = change;
        let (written, changed, deleted) = (create.len(), update.len(), delete.len());
        format!("{}: {written} written, {changed} changed, {deleted} deleted", ready.name)
    };
    let lines: Vec<String> = changed().map(line).collect();
    commit::message(&names, &lines, dry)
}

fn refuse(terminal: &Terminal, refusal: Diagnostic) -> ExitCode {
    terminal.show(&[refusal], &Sources::default());
    terminal.say("nothing was published");
    ExitCode::Refused
}

fn others(count: usize) -> String {
    match count {
        1 => String::new(),
        n => format!(", one of {n} such files,"),
    }
}

fn not_committed(first: &str, count: usize) -> Diagnostic {
    let message = format!("`{first}`{} is not as it was committed", others(count));
    Diagnostic::error("not-committed", message).help(
        "commit it first, so that the branch says what it comes from; `--allow-dirty` publishes without saying it",
    )
}

fn edited_by_others(branch: &str, first: &str, count: usize) -> Diagnostic {
    let message =
        format!("`{first}`{} was edited on branch `{branch}` by somebody else", others(count));
    Diagnostic::error("edited-on-branch", message)
        .help("bring the edit into the spec, then take it off the branch (`git revert` its commit)")
}

fn not_ours(branch: &str, name: &str) -> Diagnostic {
    let message = format!("`{name}` on branch `{branch}` was written by somebody else");
    Diagnostic::error("not-ours", message)
        .help("move it elsewhere, or publish without `--hydrator-metadata`")
}
