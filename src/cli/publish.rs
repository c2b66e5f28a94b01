//! `waypost publish`

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use clap::Args;

use super::allow::Allow;
use super::gate::Gate;
use super::output::print;
use super::session::{Prepared, Session};
use super::terminal::Terminal;
use super::{ExitCode, Global, Usage};
use crate::delivery::commit::{self, Dry};
use crate::diagnostic::{Diagnostic, Sources};
use crate::pipeline::Rendered;
use crate::report::Shown;
use crate::resolve::Resolved;
use crate::tree::branch::{self, Branch, Commit, Edit, Tip};
use crate::tree::git::Git;
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
    /// Folder on the branch of the files that `--hydrator-metadata` writes: the `activePath` of a promotion
    /// tool.
    #[arg(long, value_name = "DIR", requires = "hydrator_metadata")]
    metadata_path: Option<String>,
    /// The branch that a new one starts from. `X-next` starts from `X` where that is there: a pull request
    /// needs a common commit.
    #[arg(long, value_name = "BRANCH")]
    from: Option<String>,
    /// Make a branch that is not here, though the repository has a remote that may have it.
    #[arg(long)]
    new_branch: bool,
    /// Sign the commit, as `git commit -S` does: with the key that is named, or the one of git's settings;
    /// `gpg.format=ssh` is for SSH keys.
    #[arg(long, value_name = "KEY", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    gpg_sign: Option<String>,
    /// Publish what is not committed. The commit then names no source.
    #[arg(long)]
    allow_dirty: bool,
    #[command(flatten)]
    allow: Allow,
}

/// An environment that is ready to be published.
struct Ready<'s> {
    name: String,
    folder: String,
    prepared: Prepared<'s>,
    resolved: Resolved,
    rendered: Rendered,
    sources: Sources,
}

impl Publish {
    pub(super) fn run(&self, global: &Global, terminal: &Terminal) -> anyhow::Result<ExitCode> {
        let root = global.root.as_path();
        let session = Session::new(global, terminal)?;
        let git = Git::open(root)?;
        let start = self.from.clone();
        let start = start.or_else(|| self.branch.strip_suffix("-next").map(str::to_owned));
        let branch =
            Branch::open(&git, &self.branch)?.starting_from(start).signed_by(self.gpg_sign.clone());
        let Some(names) = session.names(&self.environments) else {
            return Ok(ExitCode::Problems);
        };
        let scope = Scope::default();
        let (mut ready, mut repo_url, mut complete) = (Vec::new(), None, true);
        let mut named = BTreeSet::new();
        for name in names {
            let mut loaded = session.load(&name);
            named.append(&mut loaded.named);
            let prepared = session.prepare(&mut loaded, None, &scope)?;
            let rendered = session.render(&mut loaded, &prepared);
            terminal.show(&loaded.found, &loaded.sources);
            let (Some(rendered), Some(resolved)) = (rendered, loaded.resolved.take()) else {
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
            let sources = loaded.sources;
            ready.push(Ready { name, folder, prepared, resolved, rendered, sources });
        }
        if !complete {
            terminal.say("nothing was published");
            return Ok(ExitCode::Problems);
        }
        let source = match branch::source(&git)? {
            Some(source) if !self.allow_dirty => {
                let files =
                    ready.iter().flat_map(|r| r.sources.iter().map(|(_, s)| s.path.as_str()));
                let unlike = branch::unlike_commit(&git, &files.collect(), &named)?;
                if let Some(first) = unlike.first() {
                    return Ok(refuse(terminal, not_committed(first, unlike.len())));
                }
                Some(source)
            }
            None if !self.allow_dirty => {
                return Ok(refuse(
                    terminal,
                    not_committed("`environments` was never committed", 1),
                ));
            }
            _ => None,
        };
        let origin = branch::origin(&git).filter(|url| !url.contains('@') || !url.contains("://"));
        let repo_url = repo_url.or(origin);
        let dry = source.as_ref().map(|source| Dry {
            repo_url: repo_url.as_deref(),
            id: &source.id,
            author: &source.author,
            date: &source.date,
            subject: &source.subject,
            body: &source.body,
        });
        let metadata_path = match &self.metadata_path {
            Some(path) => self::path(path)?,
            None => String::new(),
        };
        if branch.tip()?.is_new() {
            if branch.has_remotes()? && !self.new_branch {
                return Ok(refuse(terminal, not_here(&self.branch)));
            }
            terminal
                .say(&format!("{}: a new branch: there is nothing to compare with", self.branch));
        }
        let mut told = String::new();
        for attempt in 1..=TRIES {
            let tip = branch.tip()?;
            let (changes, code) = self.plan(&branch, &tip, &ready, terminal)?;
            if code != ExitCode::Clean {
                terminal.say("nothing was published");
                return Ok(code);
            }
            // a lock alone says that the input has another digest, and no manifest changed
            if changes.iter().all(Change::is_locks_alone) {
                terminal.say(&format!("{}: nothing changed", self.branch));
                if let (true, Some(dry), Some(commit)) = (self.hydrator_metadata, dry, tip.commit())
                {
                    self.note(&branch, commit, dry)?;
                }
                return Ok(ExitCode::Clean);
            }
            let hydrator = match dry {
                Some(dry) if self.hydrator_metadata => {
                    let files = commit::hydrator_files(dry, &self.command());
                    let at = |name: &str| match metadata_path.as_str() {
                        "" => name.to_owned(),
                        folder => format!("{folder}/{name}"),
                    };
                    files.into_iter().map(|(name, text)| (name, at(name), text)).collect()
                }
                _ => Vec::new(),
            };
            if let Some(name) = self.taken(&branch, &tip, &hydrator)? {
                return Ok(refuse(terminal, not_ours(&self.branch, name)));
            }
            let mut edit = edit(&ready, &changes);
            edit.write.extend(hydrator.iter().map(|(_, path, text)| (path.clone(), text.as_str())));
            let message = message(&ready, &changes, dry);
            match branch.commit(&tip, &edit, &message)? {
                Commit::Made(id) => {
                    if let (true, Some(dry)) = (self.hydrator_metadata, dry) {
                        self.note(&branch, &id, dry)?;
                    }
                    terminal.say(&format!(
                        "{}: {}",
                        self.branch,
                        message.lines().next().unwrap_or_default()
                    ));
                    print(&Shown::text(&format!("{id}\n")))?;
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
        ready: &[Ready<'_>],
        terminal: &Terminal,
    ) -> anyhow::Result<(Vec<Change>, ExitCode)> {
        let (mut changes, mut code) = (Vec::new(), ExitCode::Clean);
        for Ready { name, folder, prepared, resolved, rendered, sources } in ready {
            let local = branch.read(tip, folder)?;
            let gate = Gate { name, prepared, done: "published" };
            let may_move = gate.lets_through(resolved, rendered, &local, sources.clone(), terminal);
            code = code.max(may_move);
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
        hydrator: &'h [(&'static str, String, String)],
    ) -> anyhow::Result<Option<&'h str>> {
        for (name, path, _) in hydrator {
            let is_ours = match branch.text(tip, path)? {
                Some(text) => commit::is_hydrators(name, &text),
                None => !Branch::has(tip, path),
            };
            if !is_ours {
                return Ok(Some(path));
            }
        }
        Ok(None)
    }

    /// Says on the branch's newest commit which commit was looked at last, whether or not it changed
    /// anything. Several jobs may say so at once.
    fn note(&self, branch: &Branch, commit: &str, dry: Dry<'_>) -> anyhow::Result<()> {
        let text = commit::note(dry);
        let mut attempt = 1;
        loop {
            match branch.note(commit, &text) {
                Err(error) if attempt < TRIES && error.to_string().contains("lock ref") => {
                    std::thread::sleep(Duration::from_millis(10 * u64::from(attempt)));
                    attempt += 1;
                }
                done => return Ok(done?),
            }
        }
    }

    /// The command that does the same again.
    fn command(&self) -> Vec<&str> {
        let mut words = vec!["waypost", "publish", "--branch", &self.branch];
        if let Some(path) = &self.path {
            words.extend(["--path", path]);
        }
        words.push("--hydrator-metadata");
        if let Some(path) = &self.metadata_path {
            words.extend(["--metadata-path", path]);
        }
        words.extend(self.environments.iter().map(String::as_str));
        words
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

fn edit<'a>(ready: &'a [Ready<'_>], changes: &'a [Change]) -> Edit<'a> {
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

fn message(ready: &[Ready<'_>], changes: &[Change], dry: Option<Dry<'_>>) -> String {
    let changed = || ready.iter().zip(changes).filter(|(_, change)| !change.is_empty());
    let names: Vec<&str> = changed().map(|(ready, _)| ready.name.as_str()).collect();
    let line = |(ready, change): (&Ready<'_>, &Change)| {
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
    let more = if count == 1 { String::new() } else { format!(", and {} more", count - 1) };
    Diagnostic::error("not-committed", format!("{first}{more}")).help(
        "commit it, or check out what the commit holds (`git submodule update --init`), so that the branch says what it comes from; `--allow-dirty` publishes without saying it",
    )
}

fn not_here(branch: &str) -> Diagnostic {
    let message = format!(
        "there is no branch `{branch}` here, and it may be where this repository was cloned from"
    );
    Diagnostic::error("branch-not-here", message).help(format!(
        "fetch it, so that nothing is lost or refused later: `git fetch origin {branch}:refs/remotes/origin/{branch}`; `--new-branch` makes it where there is none"
    ))
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
