//! A branch of a git repository as the place of a tree: read, and written by one commit, without a
//! checkout.
//!
//! The `git` program does it, object by object: blobs, then folders, then the commit, and last the
//! reference, which git moves in one step and only if it still stands where it was read. Whoever is
//! killed before leaves objects that nothing names; whoever comes second is told so and starts anew
//! from what the first has written. A new commit always follows the newest one, so that nobody's is
//! lost; what others put there is carried over.

mod objects;
mod unlike;

use std::collections::BTreeMap;

use super::digest::Digest;
use super::git::{Git, GitError, Program};
use super::local::Local;
use super::lock::{Lock, LockError};
use super::place::cluster_of_lock;
pub use unlike::unlike_commit;

/// Why a branch cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum BranchError {
    /// git could not answer.
    #[error(transparent)]
    Git(#[from] GitError),
    /// No branch can have this name.
    #[error("`{0}` is no name of a branch")]
    Name(String),
    /// A working tree has it checked out: its files would not follow.
    #[error("branch `{branch}` is checked out in `{folder}`")]
    CheckedOut {
        /// The branch.
        branch: String,
        /// The working tree.
        folder: String,
    },
    /// A working tree had it checked out whose folder is gone.
    #[error("branch `{branch}` is checked out in `{folder}`, which is not there any more")]
    Vanished {
        /// The branch.
        branch: String,
        /// The working tree.
        folder: String,
    },
    /// Here and in a remote repository it has commits that the other side lacks.
    #[error("branch `{branch}` and `{other}` have diverged")]
    Diverged {
        /// The branch.
        branch: String,
        /// The other one.
        other: String,
    },
    /// Something that no render can replace.
    #[error("`{0}` on the branch is no file")]
    Kind(String),
    /// A path that is no text.
    #[error("the name of `{0}` on the branch is not UTF-8 text")]
    NotText(String),
}

impl BranchError {
    /// What to do, where there is something.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            BranchError::Git(error) => error.help(),
            BranchError::Name(_) => {
                Some("write it as `git branch` takes it, such as `environments/prod`")
            }
            BranchError::CheckedOut { .. } => Some("switch that working tree to another branch"),
            BranchError::Vanished { .. } => Some(
                "if the folder is deleted, `git worktree prune` forgets it; if it was moved, `git worktree repair` in it",
            ),
            BranchError::Diverged { .. } => {
                Some("bring them together first: fetch, and merge or reset the branch")
            }
            BranchError::Kind(_) | BranchError::NotText(_) => Some("take it off the branch"),
        }
    }
}

/// A branch of the repository that a folder lies in.
#[derive(Clone, Debug)]
pub struct Branch {
    program: Program,
    name: String,
    /// The branch that the first commit follows.
    start: Option<String>,
    /// Commits are signed: by this key, or where it is empty by the one of git's settings.
    key: Option<String>,
}

/// Where a branch is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tip {
    /// What the reference here names; `None` where there is none.
    here: Option<String>,
    /// The commit that the next one follows: the newest of the branch here and where it was
    /// fetched from.
    parent: Option<String>,
    /// There is no such branch, here or where anything was fetched from.
    is_new: bool,
    entries: BTreeMap<Vec<u8>, Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    mode: String,
    id: String,
}

const FILE: [&str; 2] = ["100644", "100755"];

/// Files to be written and deleted, by path from the root of the branch.
#[derive(Clone, Debug, Default)]
pub struct Edit<'a> {
    /// The texts of new and changed files.
    pub write: BTreeMap<String, &'a str>,
    /// The files that go.
    pub delete: Vec<String>,
}

/// What became of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Commit {
    /// It is the branch's newest; its id.
    Made(String),
    /// Somebody else wrote to the branch in between, or is writing: read it again. What git said.
    Overtaken(String),
}

impl Tip {
    /// True where there is no such branch, here or where anything was fetched from.
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// The newest commit: of the branch, or of the one that it is to start from.
    pub fn commit(&self) -> Option<&str> {
        self.parent.as_deref()
    }
}

impl Branch {
    /// A branch by its name, which need not exist.
    ///
    /// # Errors
    /// When no branch can have the name, or a working tree has it checked out; when the folder is in
    /// no repository.
    pub fn open(git: &Git, name: &str) -> Result<Self, BranchError> {
        let program = git.program().clone();
        let branch = Self { program, name: name.to_owned(), start: None, key: None };
        let is_name = !name.starts_with('-')
            && branch.words(&["check-ref-format", "--branch", name]).is_ok_and(|w| w == name);
        if !is_name {
            return Err(BranchError::Name(name.to_owned()));
        }
        let list = branch.words(&["worktree", "list", "--porcelain"])?;
        let mut at = "";
        for line in list.lines() {
            if let Some(path) = line.strip_prefix("worktree ") {
                at = path;
            } else if line.strip_prefix("branch ") == Some(&branch.reference()) {
                let (branch, folder) = (name.to_owned(), at.to_owned());
                return Err(match std::fs::exists(at) {
                    Ok(false) => BranchError::Vanished { branch, folder },
                    _ => BranchError::CheckedOut { branch, folder },
                });
            }
        }
        Ok(branch)
    }

    /// Where there is no such branch, its first commit follows this one's newest.
    #[must_use]
    pub fn starting_from(self, start: Option<String>) -> Self {
        Self { start, ..self }
    }

    /// Commits are signed, by a key or where it is empty by the one of git's settings.
    #[must_use]
    pub fn signed_by(self, key: Option<String>) -> Self {
        Self { key, ..self }
    }

    /// True where the repository was cloned, or has another one to fetch from.
    ///
    /// # Errors
    /// When git fails.
    pub fn has_remotes(&self) -> Result<bool, BranchError> {
        Ok(!self.words(&["remote"])?.is_empty())
    }

    /// Says with a note on a commit which commit it was rendered from last, as promotion tools look for it:
    /// `refs/notes/hydrator.metadata` (facts/gitops-delivery.md 2.6.5).
    ///
    /// # Errors
    /// When git fails.
    pub fn note(&self, commit: &str, text: &str) -> Result<(), BranchError> {
        let arguments = ["notes", "--ref=hydrator.metadata", "add", "--force", "--file=-", commit];
        Ok(self.ask(&arguments, text.as_bytes()).map(drop)?)
    }

    fn words(&self, arguments: &[&str]) -> Result<String, GitError> {
        self.program.words(arguments)
    }

    fn ask(&self, arguments: &[&str], input: &[u8]) -> Result<Vec<u8>, GitError> {
        self.program.ask(arguments, input)
    }

    fn reference(&self) -> String {
        format!("refs/heads/{}", self.name)
    }

    /// Where the branch is now.
    ///
    /// # Errors
    /// When the branch here and the one that was fetched have diverged; when git fails.
    pub fn tip(&self) -> Result<Tip, BranchError> {
        let (here, mut parent) = self.newest(&self.name)?;
        let is_new = parent.is_none();
        if let (true, Some(start)) = (is_new, &self.start) {
            parent = self.newest(start)?.1;
        }
        let entries = match &parent {
            Some(commit) => self.entries(commit)?,
            None => BTreeMap::new(),
        };
        Ok(Tip { here, parent, is_new, entries })
    }

    /// What a branch's reference here names, and its newest commit, here or where it was fetched from.
    fn newest(&self, branch: &str) -> Result<(Option<String>, Option<String>), BranchError> {
        let reference = format!("refs/heads/{branch}");
        let remote = format!("refs/remotes/*/{branch}");
        let format = "--format=%(objectname) %(refname)";
        let list = self.words(&["for-each-ref", format, &reference, &remote])?;
        let mut here = None;
        let mut newest: Option<(&str, &str)> = None;
        for (id, name) in list.lines().filter_map(|line| line.split_once(' ')) {
            // a pattern also names what is below it
            if name == reference {
                here = Some(id.to_owned());
            } else if !name.ends_with(&format!("/{branch}")) {
                continue;
            }
            newest = Some(match newest {
                None => (id, name),
                Some((other, _)) if self.is_ancestor(other, id)? => (id, name),
                Some((other, from)) if self.is_ancestor(id, other)? => (other, from),
                Some((_, from)) => {
                    let other = if name == reference { from } else { name };
                    let other = other.trim_start_matches("refs/remotes/").to_owned();
                    return Err(BranchError::Diverged { branch: branch.to_owned(), other });
                }
            });
        }
        let newest = newest.map(|(id, _)| id.to_owned());
        Ok((here, newest))
    }

    fn is_ancestor(&self, older: &str, newer: &str) -> Result<bool, BranchError> {
        // the number of commits that only the older has: 0 where it has none
        let range = format!("{newer}..{older}");
        Ok(self.words(&["rev-list", "--count", &range])? == "0")
    }

    fn entries(&self, commit: &str) -> Result<BTreeMap<Vec<u8>, Entry>, GitError> {
        let list = self.ask(&["ls-tree", "-r", "-z", "--full-tree", commit], &[])?;
        let unreadable = || GitError::Answer("ls-tree".to_owned());
        list.split(|b| *b == 0)
            .filter(|record| !record.is_empty())
            .map(|record| {
                let tab = record.iter().position(|b| *b == b'\t').ok_or_else(unreadable)?;
                let (head, path) = (&record[..tab], &record[tab + 1..]);
                let head = std::str::from_utf8(head).map_err(|_| unreadable())?;
                let mut words = head.split(' ');
                let (Some(mode), Some(_), Some(id)) = (words.next(), words.next(), words.next())
                else {
                    return Err(unreadable());
                };
                Ok((path.to_owned(), Entry { mode: mode.to_owned(), id: id.to_owned() }))
            })
            .collect()
    }

    /// What lies in an environment's folder on the branch, as it would be read from disk.
    ///
    /// # Errors
    /// When something in it is no file, or its name no text; when git fails.
    pub fn read(&self, tip: &Tip, folder: &str) -> Result<Local, BranchError> {
        let prefix = format!("{folder}/");
        let mut local = Local { folder: folder.to_owned(), ..Local::default() };
        let mut paths = Vec::new();
        let mut ids = Vec::new();
        let below = tip
            .entries
            .range(prefix.clone().into_bytes()..)
            .take_while(|(path, _)| path.starts_with(prefix.as_bytes()));
        for (path, entry) in below {
            let path = std::str::from_utf8(path)
                .map_err(|_| BranchError::NotText(String::from_utf8_lossy(path).into_owned()))?;
            if !FILE.contains(&entry.mode.as_str()) {
                return Err(BranchError::Kind(path.to_owned()));
            }
            paths.push(path[prefix.len()..].to_owned());
            ids.push(entry.id.as_str());
        }
        let read = self.program.blobs(&ids)?;
        for (path, bytes) in paths.into_iter().zip(read) {
            if let Some(cluster) = cluster_of_lock(&path) {
                let lock = match std::str::from_utf8(&bytes) {
                    Ok(text) => Lock::parse(text),
                    Err(_) => Err(LockError::NotText),
                };
                local.locks.insert(cluster.to_owned(), lock);
            }
            local.files.insert(path, Digest::of(&bytes));
        }
        Ok(local)
    }

    /// The text of one file of the branch; `None` where there is none, or it is no text.
    ///
    /// # Errors
    /// When git fails.
    pub fn text(&self, tip: &Tip, path: &str) -> Result<Option<String>, BranchError> {
        let Some(entry) = tip.entries.get(path.as_bytes()) else { return Ok(None) };
        let read = self.program.blobs(&[&entry.id])?;
        Ok(read.into_iter().next().and_then(|bytes| String::from_utf8(bytes).ok()))
    }

    /// True where something lies at a path, or below it.
    pub fn has(tip: &Tip, path: &str) -> bool {
        let below = format!("{path}/");
        tip.entries.contains_key(path.as_bytes())
            || tip
                .entries
                .range(below.clone().into_bytes()..)
                .next()
                .is_some_and(|(path, _)| path.starts_with(below.as_bytes()))
    }

    /// Makes one commit of an edit, after the newest one.
    ///
    /// # Errors
    /// When git fails. The branch is then as it was.
    pub fn commit(&self, tip: &Tip, edit: &Edit<'_>, message: &str) -> Result<Commit, BranchError> {
        let mut entries = tip.entries.clone();
        for path in &edit.delete {
            entries.remove(path.as_bytes());
        }
        let texts: Vec<&str> = edit.write.values().copied().collect();
        let ids = objects::write(&self.program, &texts)?;
        for (path, id) in edit.write.keys().zip(ids) {
            entries.insert(path.clone().into_bytes(), Entry { mode: FILE[0].to_owned(), id });
        }
        let folder = objects::write_folders(&self.program, &entries)?;
        let sign = self.key.as_ref().map(|key| format!("-S{key}"));
        let mut arguments = vec!["commit-tree", &folder, "-F", "-"];
        arguments.extend(sign.as_deref());
        if let Some(parent) = &tip.parent {
            arguments.extend(["-p", parent]);
        }
        let commit = self.ask(&arguments, message.as_bytes())?;
        let commit = String::from_utf8_lossy(&commit).trim().to_owned();
        // of zeros: there must be none
        let zeros = "0".repeat(commit.len());
        let before = tip.here.as_deref().unwrap_or(&zeros);
        let reference = self.reference();
        let arguments = ["update-ref", "-m", "waypost publish", &reference, &commit, before];
        match self.ask(&arguments, &[]) {
            Ok(_) => Ok(Commit::Made(commit)),
            // another value than the expected one, or somebody is about to write one
            Err(GitError::Failed { message, .. }) if message.contains("cannot lock ref") => {
                Ok(Commit::Overtaken(message))
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// What is to be said of the commit that a tree was rendered from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its id.
    pub id: String,
    /// `Name <address>`.
    pub author: String,
    /// When it was written, in RFC 3339.
    pub date: String,
    /// The first line of its message.
    pub subject: String,
    /// The rest of it.
    pub body: String,
}

/// The commit that is checked out in the working tree; `None` where there is none yet.
///
/// # Errors
/// When git fails.
pub fn source(git: &Git) -> Result<Option<Source>, BranchError> {
    let program = git.program();
    if program.words(&["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]).is_err() {
        return Ok(None);
    }
    let format = "--format=%H%x00%an <%ae>%x00%aI%x00%s%x00%b";
    let text = program.words(&["log", "-1", "--no-show-signature", format, "HEAD"])?;
    let parts: Vec<&str> = text.splitn(5, '\0').collect();
    let [id, author, date, subject, body] = parts.as_slice() else {
        return Err(GitError::Answer("log".to_owned()).into());
    };
    Ok(Some(Source {
        id: (*id).to_owned(),
        author: (*author).to_owned(),
        date: (*date).to_owned(),
        subject: (*subject).to_owned(),
        body: body.trim().to_owned(),
    }))
}

/// Where the repository was cloned from; `None` where nobody says.
pub fn origin(git: &Git) -> Option<String> {
    git.program().words(&["remote", "get-url", "origin"]).ok().filter(|url| !url.is_empty())
}
