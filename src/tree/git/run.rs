//! The `git` program, asked: the one place that starts it.
//!
//! What is asked about may be a stranger's pull request, so nothing of the tree decides what runs.
//! git looks for its repository from a folder upwards, and takes a folder with `HEAD`, `objects` and
//! `refs` for one, whose `config` then names programs (`core.fsmonitor`, filters): such a folder is
//! refused here, and by git itself where it knows `safe.bareRepository` (git 2.38). A repository's
//! own settings may include a file of the tree (`include.path`), so those that start a program are
//! set here, above all others. Variables that point elsewhere, as git sets them for hooks, are left out:
//! the repository is the one that the folder lies in.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use super::GitError;

/// Settings that outrank those of every file (gitdocs/git-config, "command" scope).
const SETTINGS: [&str; 11] = [
    "safe.bareRepository=explicit",
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.untrackedCache=false",
    "core.attributesFile=/dev/null",
    "diff.external=",
    "log.showSignature=false",
    "protocol.allow=never",
    "gc.auto=0",
    "maintenance.auto=false",
    "submodule.recurse=false",
];
/// The variables of git that stay: who commits, and where the settings of the user and of the
/// system are. All others tell of another repository, of another git, or write where the caller wants.
const KEPT: [&str; 10] = [
    "GIT_AUTHOR_NAME",
    "GIT_AUTHOR_EMAIL",
    "GIT_AUTHOR_DATE",
    "GIT_COMMITTER_NAME",
    "GIT_COMMITTER_EMAIL",
    "GIT_COMMITTER_DATE",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CONFIG_COUNT",
];

/// git in a folder of a working tree.
#[derive(Clone, Debug)]
pub(in crate::tree) struct Program {
    folder: PathBuf,
    /// Settings that take filters out of service, by the names under which they are set up.
    without_filters: Vec<String>,
}

impl Program {
    /// git in a folder, unless what it would take for the repository there is a part of the tree.
    pub(in crate::tree) fn open(folder: &Path) -> Result<Self, GitError> {
        if let Some(bare) = bare_repository(folder) {
            return Err(GitError::Bare(bare));
        }
        let mut program = Self { folder: folder.to_owned(), without_filters: Vec::new() };
        program.without_filters = program.filters()?;
        Ok(program)
    }

    /// The folder.
    pub(in crate::tree) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Asks, hands over what git reads, and takes the answer whole.
    pub(in crate::tree) fn ask(
        &self,
        arguments: &[&str],
        input: &[u8],
    ) -> Result<Vec<u8>, GitError> {
        let output = self.run(arguments, input)?;
        if output.status.success() { Ok(output.stdout) } else { Err(failed(arguments, &output)) }
    }

    /// An answer of one or more lines of text, without the line feed at its end.
    pub(in crate::tree) fn words(&self, arguments: &[&str]) -> Result<String, GitError> {
        let answer = self.ask(arguments, &[])?;
        let text = String::from_utf8(answer).map_err(|_| GitError::Answer(verb(arguments)))?;
        Ok(text.trim_end_matches('\n').to_owned())
    }

    /// The contents of files, by their ids, in order.
    pub(in crate::tree) fn blobs(&self, ids: &[&str]) -> Result<Vec<Vec<u8>>, GitError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let arguments = ["cat-file", "--batch", "--buffer"];
        let mut child = self.command(&arguments).spawn().map_err(GitError::Start)?;
        let (asked, said, answer) = (child.stdin.take(), child.stderr.take(), child.stdout.take());
        let (read, said) = std::thread::scope(|scope| {
            // all ends at once: any pipe may be full
            scope.spawn(|| {
                let text = ids.join("\n") + "\n";
                // where git has gone, reading finds out
                let _ = asked.map(|mut asked| asked.write_all(text.as_bytes()));
            });
            let said = scope.spawn(|| {
                let mut text = Vec::new();
                let _ = said.map(|mut said| said.read_to_end(&mut text));
                String::from_utf8_lossy(&text).trim().to_owned()
            });
            let mut answer = answer.map(BufReader::new);
            let read: Result<Vec<Vec<u8>>, Blob> =
                ids.iter().map(|_| answer.as_mut().map_or(Err(Blob::Unreadable), blob)).collect();
            // what is left unread must not keep git, which the writing thread waits for
            drop(answer);
            (read, said.join().unwrap_or_default())
        });
        let status = child.wait().map_err(GitError::Start)?;
        read.map_err(|blob| match blob {
            Blob::Missing(id) => GitError::Missing(id),
            Blob::Unreadable if said.is_empty() => GitError::Answer("cat-file --batch".to_owned()),
            Blob::Unreadable => {
                GitError::Failed { command: "cat-file --batch".to_owned(), status, message: said }
            }
        })
    }

    /// Every filter that any file of settings sets up, with nothing to run: git passes over a
    /// filter without a command (convert.c, `apply_filter`), unless it is required.
    fn filters(&self) -> Result<Vec<String>, GitError> {
        let pattern = r"^filter\..*\.(clean|smudge|process|required)$";
        let arguments = ["config", "--null", "--name-only", "--get-regexp", pattern];
        let output = self.run(&arguments, &[])?;
        // 1: there is none
        if !output.status.success() && output.status.code() != Some(1) {
            return Err(failed(&arguments, &output));
        }
        let names = output.stdout.split(|byte| *byte == 0).filter(|name| !name.is_empty());
        names
            .map(|name| {
                let name = text(name)?;
                let value = if name.ends_with(".required") { "false" } else { "" };
                Ok(format!("{name}={value}"))
            })
            .collect()
    }

    fn run(&self, arguments: &[&str], input: &[u8]) -> Result<Output, GitError> {
        let mut child: Child = self.command(arguments).spawn().map_err(GitError::Start)?;
        let stdin = child.stdin.take();
        let output = std::thread::scope(|scope| {
            // both ends at once: either pipe may be full
            scope.spawn(move || {
                // where git does not read to the end, its answer says why
                let _ = stdin.map(|mut stdin| stdin.write_all(input));
            });
            child.wait_with_output()
        });
        output.map_err(GitError::Start)
    }

    #[expect(clippy::disallowed_methods, reason = "this is the place")]
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            let is_setting =
                text.starts_with("GIT_CONFIG_KEY_") || text.starts_with("GIT_CONFIG_VALUE_");
            // Windows knows a variable by any case
            if text.get(..4).is_some_and(|four| four.eq_ignore_ascii_case("GIT_"))
                && !is_setting
                && !KEPT.contains(&text.as_ref())
            {
                command.env_remove(&name);
            }
        }
        // the words that scripts know; no lock is taken for a question, nothing is asked of a person,
        // nothing is fetched, a path is a path
        command.env("LC_ALL", "C").env_remove("LANGUAGE");
        command.env("GIT_OPTIONAL_LOCKS", "0").env("GIT_TERMINAL_PROMPT", "0");
        command.env("GIT_NO_LAZY_FETCH", "1").env("GIT_ALLOW_PROTOCOL", "none");
        command.env("GIT_LITERAL_PATHSPECS", "1");
        command.arg("-C").arg(&self.folder).arg("--no-pager");
        for setting in
            SETTINGS.iter().copied().chain(self.without_filters.iter().map(String::as_str))
        {
            command.args(["-c", setting]);
        }
        command.args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

/// The first folder, from here upwards, that git would take for a repository although no `.git` says
/// so; `None` where a `.git` comes first (git's setup.c, `setup_git_directory_gently_1` and
/// `is_git_directory`).
fn bare_repository(folder: &Path) -> Option<PathBuf> {
    let folder = folder.canonicalize().ok()?;
    for above in folder.ancestors() {
        let dot_git = above.join(".git");
        if dot_git.is_file() || dot_git.join("HEAD").symlink_metadata().is_ok() {
            return None;
        }
        let is_there = |name: &str| above.join(name).symlink_metadata().is_ok();
        if is_there("HEAD") && above.join("objects").is_dir() && above.join("refs").is_dir() {
            return Some(above.to_owned());
        }
    }
    None
}

fn failed(arguments: &[&str], output: &Output) -> GitError {
    GitError::Failed {
        command: verb(arguments),
        status: output.status,
        message: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    }
}

fn verb(arguments: &[&str]) -> String {
    arguments.first().copied().unwrap_or_default().to_owned()
}

/// An answer, or a part of it, as text.
pub(super) fn text(bytes: &[u8]) -> Result<&str, GitError> {
    std::str::from_utf8(bytes)
        .map_err(|_| GitError::NotText(String::from_utf8_lossy(bytes).into_owned()))
}

/// Why a file's content was not given.
enum Blob {
    /// The repository does not have it.
    Missing(String),
    /// The answer is of no known form, or ends too early.
    Unreadable,
}

/// `<id> blob <size>`, the bytes, a line feed.
fn blob(answer: &mut impl BufRead) -> Result<Vec<u8>, Blob> {
    let unreadable = |_: io::Error| Blob::Unreadable;
    let mut head = String::new();
    answer.read_line(&mut head).map_err(unreadable)?;
    let size = match head.trim_end().split(' ').collect::<Vec<_>>()[..] {
        [id, "missing"] => return Err(Blob::Missing(id.to_owned())),
        [_, "blob", size] => size.parse::<u64>().map_err(|_| Blob::Unreadable)?,
        _ => return Err(Blob::Unreadable),
    };
    let mut bytes = Vec::new();
    answer.by_ref().take(size).read_to_end(&mut bytes).map_err(unreadable)?;
    let mut end = [0];
    answer.read_exact(&mut end).map_err(unreadable)?;
    if bytes.len() as u64 == size && end == *b"\n" { Ok(bytes) } else { Err(Blob::Unreadable) }
}
