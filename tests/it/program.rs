//! Runs the program as a person would, in an environment that is the same everywhere.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// What a run said and how it ended.
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// Runs `waypost -C root arguments…`.
pub fn waypost(root: &Path, arguments: &[&str]) -> Ran {
    waypost_with(root, arguments, &[])
}

/// As [`waypost`], with a text on standard input.
pub fn waypost_reading(
    root: &Path,
    arguments: &[&str],
    input: &(impl AsRef<[u8]> + ?Sized),
) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_waypost"));
    command.env_clear().arg("-C").arg(root).args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let mut pipe = child.stdin.take().expect("a pipe");
    // a program that does not read to the end closes the pipe, which is no fault of the test
    let _ = pipe.write_all(input.as_ref());
    drop(pipe);
    ran(child.wait_with_output().expect("the program ends"))
}

/// As [`waypost`], with environment variables.
pub fn waypost_with(root: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_waypost"));
    command.env_clear().arg("-C").arg(root).args(arguments);
    for (name, value) in variables {
        command.env(name, value);
    }
    ran(command.output().expect("the program starts"))
}

fn ran(Output { status, stdout, stderr }: Output) -> Ran {
    Ran {
        code: status.code().expect("it ends by itself"),
        stdout: String::from_utf8(stdout).expect("UTF-8"),
        stderr: String::from_utf8(stderr).expect("UTF-8"),
    }
}

/// The project's own folder, with its examples.
pub fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A folder below the system's temporary one, with a copy of an example environment.
pub fn copy_of(example: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let below = Path::new("environments").join(example);
    copy(&project().join(&below), &folder.path().join(&below));
    folder
}

/// Copies a folder with all that is in it.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder to copy") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a file is copied");
        }
    }
}

/// Every file below a folder: path, text.
pub fn files(folder: &Path) -> std::collections::BTreeMap<String, String> {
    walkdir::WalkDir::new(folder)
        .into_iter()
        .map(|entry| entry.expect("an entry"))
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| {
            let path = entry.path().strip_prefix(folder).expect("below the folder");
            let path = path.to_string_lossy().replace('\\', "/");
            (path, std::fs::read_to_string(entry.path()).expect("a text"))
        })
        .collect()
}
