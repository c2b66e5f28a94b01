//! A branch of a git repository as the place of a tree: read, and written by one commit, without a
//! checkout.
//!
//! The `git` program does it, object by object: blobs, then folders, then the commit, and last the
//! reference, which git moves in one step and only if it still stands where it was read. Whoever is
//! killed before leaves objects that nothing names; whoever comes second is told so and starts anew
//! from what the first has written. A new commit always follows the newest one, so that nobody's is
//! lost; what others put there is carried over.

mod objects;
mod program;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use self::program::{ask, words};
use super::digest::Digest;
use super::local::Local;
use super::lock::{Lock, LockError};
use super::scope::cluster_of_lock;

/// Why a branch cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum BranchError {
    /// The program cannot be started.
    #[error("cannot run `git`")]
    Start(#[source] std::io::Error),
    /// It ended badly.
    #[error("`git {command}` failed: {message}")]
    Failed {
        /// What it was asked.
        command: String,
        /// What it said.
        message: String,
    },
    /// It said what no git says.
    #[error("`git {0}` gave an answer that cannot be read")]
    Answer(String),
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
            BranchError::Start(_) => Some("install git"),
            BranchError::Name(_) => {
                Some("write it as `git branch` takes it, such as `environments/prod`")
            }
            BranchError::CheckedOut { .. } => Some("switch that working tree to another branch"),
            BranchError::Diverged { .. } => {
                Some("bring them together first: fetch, and merge or reset the branch")
            }
            BranchError::Kind(_) | BranchError::NotText(_) => Some("take it off the branch"),
            BranchError::Failed { .. } | BranchError::Answer(_) => None,
        }
    }
}

/// A branch of the repository that a folder lies in.
#[derive(Clone, Debug)]
pub struct Branch {
    repository: PathBuf,
    name: String,
}

/// Where a branch is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tip {
    /// What the reference here names; `None` where there is none.
    here: Option<String>,
    /// The commit that the next one follows: the newest of the branch here and where it was
    /// fetched from.
    parent: Option<String>,
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

impl Branch {
    /// A branch by its name, which need not exist.
    ///
    /// # Errors
    /// When no branch can have the name, or a working tree has it checked out; when the folder is in
    /// no repository.
    pub fn open(folder: &Path, name: &str) -> Result<Self, BranchError> {
        let branch = Self { repository: folder.to_owned(), name: name.to_owned() };
        words(folder, &["rev-parse", "--git-dir"])?;
        let is_name = !name.starts_with('-')
            && words(folder, &["check-ref-format", "--branch", name]).is_ok_and(|w| w == name);
        if !is_name {
            return Err(BranchError::Name(name.to_owned()));
        }
        let list = words(folder, &["worktree", "list", "--porcelain"])?;
        let mut at = "";
        for line in list.lines() {
            if let Some(path) = line.strip_prefix("worktree ") {
                at = path;
            } else if line.strip_prefix("branch ") == Some(&branch.reference()) {
                let (branch, folder) = (name.to_owned(), at.to_owned());
                return Err(BranchError::CheckedOut { branch, folder });
            }
        }
        Ok(branch)
    }

    fn reference(&self) -> String {
        format!("refs/heads/{}", self.name)
    }

    /// Where the branch is now.
    ///
    /// # Errors
    /// When the branch here and the one that was fetched have diverged; when git fails.
    pub fn tip(&self) -> Result<Tip, BranchError> {
        let reference = self.reference();
        let remote = format!("refs/remotes/*/{}", self.name);
        let format = "--format=%(objectname) %(refname)";
        let list = words(&self.repository, &["for-each-ref", format, &reference, &remote])?;
        let mut here = None;
        let mut newest: Option<(&str, &str)> = None;
        for (id, name) in list.lines().filter_map(|line| line.split_once(' ')) {
            // a pattern also names what is below it
            if name == reference {
                here = Some(id.to_owned());
            } else if !name.ends_with(&format!("/{}", self.name)) {
                continue;
            }
            newest = Some(match newest {
                None => (id, name),
                Some((other, _)) if self.is_ancestor(other, id)? => (id, name),
                Some((other, from)) if self.is_ancestor(id, other)? => (other, from),
                Some((_, from)) => {
                    let other = if name == reference { from } else { name };
                    let other = other.trim_start_matches("refs/remotes/").to_owned();
                    return Err(BranchError::Diverged { branch: self.name.clone(), other });
                }
            });
        }
        let parent = newest.map(|(id, _)| id.to_owned());
        let entries = match &parent {
            Some(commit) => self.entries(commit)?,
            None => BTreeMap::new(),
        };
        Ok(Tip { here, parent, entries })
    }

    fn is_ancestor(&self, older: &str, newer: &str) -> Result<bool, BranchError> {
        // the number of commits that only the older has: 0 where it has none
        let range = format!("{newer}..{older}");
        Ok(words(&self.repository, &["rev-list", "--count", &range])? == "0")
    }

    fn entries(&self, commit: &str) -> Result<BTreeMap<Vec<u8>, Entry>, BranchError> {
        let list = ask(&self.repository, &["ls-tree", "-r", "-z", "--full-tree", commit], &[])?;
        let unreadable = || BranchError::Answer("ls-tree".to_owned());
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
        let read = objects::read(&self.repository, &ids)?;
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
        let read = objects::read(&self.repository, &[&entry.id])?;
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
        let ids = objects::write(&self.repository, &texts)?;
        for (path, id) in edit.write.keys().zip(ids) {
            entries.insert(path.clone().into_bytes(), Entry { mode: FILE[0].to_owned(), id });
        }
        let folder = objects::write_folders(&self.repository, &entries)?;
        let mut arguments = vec!["commit-tree", &folder, "-F", "-"];
        if let Some(parent) = &tip.parent {
            arguments.extend(["-p", parent]);
        }
        let commit = ask(&self.repository, &arguments, message.as_bytes())?;
        let commit = String::from_utf8_lossy(&commit).trim().to_owned();
        // of zeros: there must be none
        let zeros = "0".repeat(commit.len());
        let before = tip.here.as_deref().unwrap_or(&zeros);
        let reference = self.reference();
        let arguments = ["update-ref", "-m", "waypost publish", &reference, &commit, before];
        match ask(&self.repository, &arguments, &[]) {
            Ok(_) => Ok(Commit::Made(commit)),
            // another value than the expected one, or somebody is about to write one
            Err(BranchError::Failed { message, .. }) if message.contains("cannot lock ref") => {
                Ok(Commit::Overtaken(message))
            }
            Err(error) => Err(error),
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

/// The commit that is checked out in a folder's working tree; `None` where there is none yet.
///
/// # Errors
/// When git fails.
pub fn source(folder: &Path) -> Result<Option<Source>, BranchError> {
    if words(folder, &["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]).is_err() {
        return Ok(None);
    }
    let format = "--format=%H%x00%an <%ae>%x00%aI%x00%s%x00%b";
    let text = words(folder, &["log", "-1", "--no-show-signature", format, "HEAD"])?;
    let parts: Vec<&str> = text.splitn(5, '\0').collect();
    let [id, author, date, subject, body] = parts.as_slice() else {
        return Err(BranchError::Answer("log".to_owned()));
    };
    Ok(Some(Source {
        id: (*id).to_owned(),
        author: (*author).to_owned(),
        date: (*date).to_owned(),
        subject: (*subject).to_owned(),
        body: body.trim().to_owned(),
    }))
}

/// Which of these files, by path from a folder, are not as the commit that is checked out has them.
///
/// # Errors
/// When git fails.
pub fn uncommitted<'a>(
    folder: &Path,
    files: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<&'a str>, BranchError> {
    let list = |arguments: &[&str]| -> Result<BTreeSet<Vec<u8>>, BranchError> {
        let answer = ask(folder, arguments, &[])?;
        Ok(answer.split(|b| *b == 0).map(<[u8]>::to_owned).collect())
    };
    let known = list(&["ls-tree", "-r", "-z", "--name-only", "HEAD"])?;
    let changed = list(&["diff", "--name-only", "-z", "--relative", "--no-ext-diff", "HEAD"])?;
    let is_as_committed =
        |path: &&str| known.contains(path.as_bytes()) && !changed.contains(path.as_bytes());
    Ok(files.into_iter().filter(|path| !is_as_committed(path)).collect())
}

/// Where the repository was cloned from; `None` where nobody says.
pub fn origin(folder: &Path) -> Option<String> {
    words(folder, &["remote", "get-url", "origin"]).ok().filter(|url| !url.is_empty())
}
