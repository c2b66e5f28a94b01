//! The `git` program, asked.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use super::BranchError;

/// Runs git in a folder, hands it what it reads, and takes its answer whole.
pub(super) fn ask(folder: &Path, arguments: &[&str], input: &[u8]) -> Result<Vec<u8>, BranchError> {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(arguments);
    // the words that scripts know; nothing is asked of a person, nothing is fetched
    command.env("LC_ALL", "C").env("GIT_TERMINAL_PROMPT", "0").env("GIT_NO_LAZY_FETCH", "1");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(BranchError::Start)?;
    let stdin = child.stdin.take();
    let output = std::thread::scope(|scope| {
        // both ends at once: either pipe may be full
        scope.spawn(move || {
            if let Some(mut stdin) = stdin {
                // where git does not read to the end, its answer says why
                let _ = stdin.write_all(input);
            }
        });
        child.wait_with_output()
    });
    let output = output.map_err(BranchError::Start)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(BranchError::Failed {
        command: arguments.first().copied().unwrap_or_default().to_owned(),
        message: match said.trim() {
            "" => output.status.to_string(),
            said => said.to_owned(),
        },
    })
}

/// An answer of one or more lines of text, without the line feed at its end.
pub(super) fn words(folder: &Path, arguments: &[&str]) -> Result<String, BranchError> {
    let answer = ask(folder, arguments, &[])?;
    let unreadable = |_| BranchError::Answer(arguments.first().copied().unwrap_or_default().into());
    let text = String::from_utf8(answer).map_err(unreadable)?;
    Ok(text.trim_end_matches('\n').to_owned())
}
