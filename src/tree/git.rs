//! What a git repository says of a revision, from its objects: nothing is checked out, and nothing
//! is written, not even the index.
//!
//! The `git` program is asked, a handful of times for each run: it knows every kind of repository
//! (worktrees, packs, alternates, SHA-256), and a library that does would weigh more than all of
//! waypost. Between two revisions git compares the ids of folders and does not enter those that
//! are alike; of the working tree it asks the index, and reads what that does not vouch for. So
//! [`Git::changed`] takes time with what changed, and only changed files are read.
//!
//! Paths are relative to the folder that was opened, with forward slashes, in their order.

mod run;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

pub(in crate::tree) use self::run::Program;
use self::run::text;

/// Why git could not answer.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// The program cannot be started.
    #[error("cannot run `git`")]
    Start(#[source] io::Error),
    /// The folder is in no repository.
    #[error("`{}` is in no git repository", .0.display())]
    NoRepository(PathBuf),
    /// The folder is in a repository, and in no working tree of it.
    #[error("`{}` is in a git repository without a working tree", .0.display())]
    NoWorkTree(PathBuf),
    /// The repository does not have this revision.
    #[error("there is no revision `{0}` in this repository")]
    NoRevision(String),
    /// Two revisions have no common ancestor here.
    #[error("`{0}` and `{1}` have no common ancestor in this repository")]
    NoMergeBase(String, String),
    /// A folder that git would take for a repository, though it is a part of a tree, or none's
    /// working tree.
    #[error("`{}` is a git repository without a working tree, by its `HEAD`, `objects` and `refs`: git would run what its `config` says", .0.display())]
    Bare(PathBuf),
    /// The repository does not have the content of a file.
    #[error(
        "the repository lacks object {0}: it is a partial clone, and the content of a file was never fetched"
    )]
    Missing(String),
    /// It ended badly.
    #[error("`git {command}` failed{}", said(status, message))]
    Failed {
        /// What it was asked.
        command: String,
        /// How it ended.
        status: ExitStatus,
        /// What it said.
        message: String,
    },
    /// It said what no git says.
    #[error("`git {0}` gave an answer that cannot be read")]
    Answer(String),
    /// A path that is no text.
    #[error("the name of `{0}` is not UTF-8 text")]
    NotText(String),
}

impl GitError {
    /// What to do, where there is something.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            GitError::Start(_) => Some("install git, or compare with a folder instead"),
            GitError::NoRepository(_) => {
                Some("run it in a clone of the repository; `diff` compares with a folder too")
            }
            GitError::NoWorkTree(_) => Some("run it in a checkout: `git worktree add` makes one"),
            GitError::Bare(_) => Some(
                "delete these names from the tree if they came with a change; of a bare repository, make a checkout with `git worktree add`",
            ),
            GitError::Missing(_) => Some(PARTIAL),
            GitError::NoRevision(_) | GitError::NoMergeBase(..) => Some(
                "a clone of CI often has one commit only: fetch the history (`fetch-depth: 0` of actions/checkout, `GIT_DEPTH: 0` of GitLab)",
            ),
            GitError::Failed { message, .. } => {
                REFUSALS.iter().find(|(words, _)| message.contains(words)).map(|(_, help)| *help)
            }
            GitError::Answer(_) | GitError::NotText(_) => None,
        }
    }
}

const PARTIAL: &str = "clone without `--filter` (`filter:` of actions/checkout), or fetch what is missing: `git fetch --refetch --no-filter origin`";

/// Words of git's refusals (in its untranslated form), and what to do.
const REFUSALS: [(&str, &str); 6] = [
    (
        "dubious ownership",
        "the repository belongs to another user, as in a container of CI: if you trust it, `git config --global --add safe.directory FOLDER`, as git says",
    ),
    ("unable to read tree", PARTIAL),
    ("promisor remote", PARTIAL),
    (
        "not a git repository: ",
        "the folder is a linked working tree or a submodule, and the repository that its `.git` names is not there: mount it too, or `git worktree repair` in the main working tree",
    ),
    (
        "safe.bareRepository",
        "a part of the tree looks like a git repository: delete it, or run in another folder",
    ),
    ("unable to auto-detect email address", "set `user.name` and `user.email` of git"),
];

fn is_refusal(message: &str) -> bool {
    REFUSALS.iter().any(|(words, _)| message.contains(words))
}

fn said(status: &ExitStatus, message: &str) -> String {
    if message.is_empty() { format!(" ({status})") } else { format!(": {message}") }
}

/// A folder of a working tree.
#[derive(Clone, Debug)]
pub struct Git {
    program: Program,
}

/// A commit of the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// As it was asked for: a branch, a tag, an id.
    pub name: String,
    /// The commit's id.
    pub commit: String,
}

impl Revision {
    /// The id as people write it: its first twelve digits.
    pub fn short(&self) -> &str {
        self.commit.get(..12).unwrap_or(&self.commit)
    }
}

/// The content of a file, by its id in the repository.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobId(String);

/// One side of a path that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A file, as the repository has it.
    Blob(BlobId),
    /// A file of the working tree.
    Work,
    /// A symbolic link, or another repository: not a file.
    NoFile,
}

/// A path that one side has and the other does not, or has otherwise. A file of the working tree
/// whose time alone changed may be among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedPath {
    /// The path.
    pub path: String,
    /// What the base has there.
    pub before: Option<Content>,
    /// What the other side has there.
    pub after: Option<Content>,
}

impl Git {
    /// The repository that a folder is in.
    ///
    /// # Errors
    /// When there is none, or no git.
    pub fn open(folder: &Path) -> Result<Self, GitError> {
        let git = Self { program: Program::open(folder)? };
        match git.ask(&["rev-parse", "--is-inside-work-tree"]) {
            Ok(answer) if answer.starts_with(b"true") => Ok(git),
            Ok(_) => Err(GitError::NoWorkTree(folder.to_owned())),
            // other refusals are told in git's own words
            Err(GitError::Failed { message, .. })
                if message.contains("not a git repository (or any") =>
            {
                Err(GitError::NoRepository(folder.to_owned()))
            }
            Err(other) => Err(other),
        }
    }

    /// The program, in this folder.
    pub(in crate::tree) fn program(&self) -> &Program {
        &self.program
    }

    fn ask(&self, arguments: &[&str]) -> Result<Vec<u8>, GitError> {
        self.program.ask(arguments, &[])
    }

    /// The commit that a name stands for.
    ///
    /// # Errors
    /// When it stands for none.
    pub fn revision(&self, name: &str) -> Result<Revision, GitError> {
        let spec = format!("{name}^{{commit}}");
        // a name that begins with a dash is a name
        let asked =
            self.ask(&["rev-parse", "--verify", "--quiet", "--end-of-options", spec.as_str()]);
        match asked {
            Ok(answer) => {
                let commit = text(&answer)?.trim().to_owned();
                Ok(Revision { name: name.to_owned(), commit })
            }
            Err(GitError::Failed { message, .. }) if message.is_empty() => {
                Err(GitError::NoRevision(name.to_owned()))
            }
            // of a name that no revision can have it complains, quiet or not
            Err(GitError::Failed { message, .. }) if !is_refusal(&message) => {
                Err(GitError::NoRevision(name.to_owned()))
            }
            Err(other) => Err(other),
        }
    }

    /// The last commit that two revisions have in common: where one of them branched off.
    ///
    /// # Errors
    /// When they have none.
    pub fn merge_base(&self, one: &Revision, other: &Revision) -> Result<Revision, GitError> {
        match self.ask(&["merge-base", &one.commit, &other.commit]) {
            Ok(answer) => {
                Ok(Revision { name: one.name.clone(), commit: text(&answer)?.trim().to_owned() })
            }
            Err(GitError::Failed { message, .. }) if message.is_empty() => {
                Err(GitError::NoMergeBase(one.name.clone(), other.name.clone()))
            }
            Err(other) => Err(other),
        }
    }

    /// The paths below some folders (all where none is named) in which a revision and another one,
    /// or the working tree, differ. Files that git does not know yet count, those it is told to
    /// ignore do not.
    ///
    /// # Errors
    /// When git fails, or a path is no text.
    pub fn changed(
        &self,
        base: &Revision,
        head: Option<&Revision>,
        folders: &[&str],
    ) -> Result<Vec<ChangedPath>, GitError> {
        let mut changed = self.differing(base, head, folders)?;
        if head.is_none() {
            let mut arguments = vec!["ls-files", "-z", "--others", "--exclude-standard", "--"];
            arguments.extend(folders);
            for path in zero_ended(&self.ask(&arguments)?)? {
                // taken out of the index, but still there
                let change = changed.entry(path.clone()).or_insert(ChangedPath {
                    path,
                    before: None,
                    after: None,
                });
                change.after = Some(Content::Work);
            }
        }
        Ok(changed.into_values().collect())
    }

    /// The paths in which a revision and the working tree differ, and what lies there that git does
    /// not know, also where it is told to ignore it: files, and folders with a slash at the end; `./`
    /// where it knows nothing of the folder itself.
    ///
    /// # Errors
    /// When git fails, or a path is no text.
    pub fn touched(&self, base: &Revision) -> Result<Vec<String>, GitError> {
        let mut paths: Vec<String> = self.differing(base, None, &[])?.into_keys().collect();
        let arguments = ["ls-files", "-z", "--others", "--directory", "--no-empty-directory"];
        paths.extend(zero_ended(&self.ask(&arguments)?)?);
        Ok(paths)
    }

    /// Files of the index that a sparse checkout leaves out, by path; none where the clone is not
    /// sparse.
    ///
    /// # Errors
    /// When git fails, or a path is no text.
    pub fn left_out(&self) -> Result<Vec<String>, GitError> {
        let sparse = self.program.words(&["rev-parse", "--git-path", "info/sparse-checkout"])?;
        if !self.program.folder().join(sparse).is_file() {
            return Ok(Vec::new());
        }
        let answer = self.ask(&["ls-files", "-z", "-t"])?;
        let paths = zero_ended(&answer)?;
        Ok(paths.iter().filter_map(|line| line.strip_prefix("S ")).map(str::to_owned).collect())
    }

    /// What git knows of and finds otherwise, by path.
    fn differing(
        &self,
        base: &Revision,
        head: Option<&Revision>,
        folders: &[&str],
    ) -> Result<BTreeMap<String, ChangedPath>, GitError> {
        let mut arguments = vec![
            "diff",
            "--raw",
            "-z",
            "--no-abbrev",
            "--no-renames",
            "--no-ext-diff",
            "--no-textconv",
        ];
        arguments.extend(["--relative", "--ignore-submodules=none", &base.commit]);
        arguments.extend(head.map(|head| head.commit.as_str()));
        arguments.push("--");
        arguments.extend(folders);
        let mut changed = BTreeMap::new();
        for change in raw_changes(&self.ask(&arguments)?, head.is_none())? {
            // of a conflict git tells twice: the later line has the working tree's side
            changed.insert(change.path.clone(), change);
        }
        Ok(changed)
    }

    /// The files of a revision below a folder.
    ///
    /// # Errors
    /// When git fails, or a path is no text.
    pub fn files(
        &self,
        revision: &Revision,
        folder: &str,
    ) -> Result<BTreeMap<String, BlobId>, GitError> {
        let arguments = ["ls-tree", "-r", "-z", &revision.commit, "--", folder];
        let answer = self.ask(&arguments)?;
        let mut files = BTreeMap::new();
        for line in zero_ended(&answer)? {
            let (head, path) =
                line.split_once('\t').ok_or(GitError::Answer("ls-tree".to_owned()))?;
            let mut head = head.split(' ');
            if let (Some(mode), Some("blob"), Some(id)) = (head.next(), head.next(), head.next())
                && is_file(mode)
            {
                files.insert(path.to_owned(), BlobId(id.to_owned()));
            }
        }
        Ok(files)
    }

    /// The names in a folder of a revision; none where it has no such folder.
    ///
    /// # Errors
    /// When git fails, or a name is no text.
    pub fn folders(&self, revision: &Revision, folder: &str) -> Result<Vec<String>, GitError> {
        let below = format!("{}/", folder.trim_end_matches('/'));
        let arguments = ["ls-tree", "-d", "-z", "--name-only", &revision.commit, "--", &below];
        let paths = zero_ended(&self.ask(&arguments)?)?;
        Ok(paths.iter().filter_map(|path| path.rsplit('/').next()).map(str::to_owned).collect())
    }

    /// The bytes of some files, in their order.
    ///
    /// # Errors
    /// When git fails, or lacks one of them.
    pub fn read(&self, blobs: &[BlobId]) -> Result<Vec<Vec<u8>>, GitError> {
        let names: Vec<&str> = blobs.iter().map(|blob| blob.0.as_str()).collect();
        self.program.blobs(&names)
    }
}

/// The entries of `git diff --raw -z`: `:mode mode id id status`, and the path.
fn raw_changes(answer: &[u8], is_work: bool) -> Result<Vec<ChangedPath>, GitError> {
    let what = || GitError::Answer("diff --raw".to_owned());
    let fields = zero_ended(answer)?;
    let entry = |pair: &[String]| {
        let [head, path] = pair else { return Err(what()) };
        let head = head.strip_prefix(':').ok_or_else(what)?;
        let [before, after, old, new, _status] = head.split(' ').collect::<Vec<_>>()[..] else {
            return Err(what());
        };
        Ok(ChangedPath {
            path: path.clone(),
            before: content(before, old, false),
            after: content(after, new, is_work),
        })
    };
    fields.chunks(2).map(entry).collect()
}

fn content(mode: &str, id: &str, is_work: bool) -> Option<Content> {
    match mode {
        "000000" => None,
        mode if !is_file(mode) => Some(Content::NoFile),
        _ if is_work => Some(Content::Work),
        _ => Some(Content::Blob(BlobId(id.to_owned()))),
    }
}

fn is_file(mode: &str) -> bool {
    mode.starts_with("100")
}

/// The texts of an answer with `-z`.
fn zero_ended(answer: &[u8]) -> Result<Vec<String>, GitError> {
    let parts = answer.split(|byte| *byte == 0).filter(|part| !part.is_empty());
    parts.map(|part| text(part).map(str::to_owned)).collect()
}
