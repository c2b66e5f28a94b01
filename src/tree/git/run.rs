//! The `git` program, asked.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use super::GitError;

/// A question that changes nothing: no lock is taken, nothing is fetched, and the answer is in
/// the words that scripts know.
pub(super) fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(arguments);
    command.env("GIT_OPTIONAL_LOCKS", "0").env("GIT_NO_LAZY_FETCH", "1");
    command.env("LC_ALL", "C").env("GIT_LITERAL_PATHSPECS", "1");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Asks, and takes the answer whole.
pub(super) fn output(folder: &Path, arguments: &[&str]) -> Result<Vec<u8>, GitError> {
    let output = command(folder, arguments).output().map_err(GitError::Start)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(GitError::Failed {
        command: arguments.first().copied().unwrap_or_default().to_owned(),
        status: output.status,
        message: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    })
}

/// An answer, or a part of it, as text.
pub(super) fn text(bytes: &[u8]) -> Result<&str, GitError> {
    std::str::from_utf8(bytes)
        .map_err(|_| GitError::NotText(String::from_utf8_lossy(bytes).into_owned()))
}

/// Hands names to `git cat-file --batch`, and takes what they stand for.
pub(super) fn batch(mut command: Command, names: &[&str]) -> Result<Vec<Vec<u8>>, GitError> {
    const WHAT: GitError = GitError::Answer("cat-file --batch");
    // git's own complaints would fill a pipe that nobody reads
    command.stdin(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(GitError::Start)?;
    let (Some(mut asked), Some(answer)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(WHAT);
    };
    let read = std::thread::scope(|scope| {
        // both ends at once: either pipe may be full
        scope.spawn(move || {
            let text = names.join("\n") + "\n";
            // where git has gone, reading finds out
            let _ = asked.write_all(text.as_bytes());
        });
        let mut answer = BufReader::new(answer);
        let read = names.iter().map(|_| one(&mut answer)).collect::<io::Result<Option<Vec<_>>>>();
        // what is left unread must not keep git, which the writing thread waits for
        drop(answer);
        read
    });
    let _ = child.wait();
    read.ok().flatten().ok_or(WHAT)
}

/// `<id> blob <size>`, the bytes, a line feed. Anything else is no file.
fn one(answer: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut head = String::new();
    answer.read_line(&mut head)?;
    let mut words = head.trim_end().split(' ');
    let (_, Some("blob"), Some(size)) = (words.next(), words.next(), words.next()) else {
        return Ok(None);
    };
    let Ok(size) = size.parse::<u64>() else { return Ok(None) };
    let mut bytes = Vec::new();
    answer.take(size).read_to_end(&mut bytes)?;
    let mut end = [0];
    answer.read_exact(&mut end)?;
    Ok((bytes.len() as u64 == size && end == *b"\n").then_some(bytes))
}
