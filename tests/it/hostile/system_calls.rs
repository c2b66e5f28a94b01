//! What the verbs of a required check ask of the system: no file outside of the repository but the
//! program's own, no socket, no program but git. Told by strace.

#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{repository, write};

/// What a program and its libraries read to start, and Rust's to know the machine and the day.
const ITS_OWN: [&str; 9] = [
    "/proc/self/",
    "/proc/sys/vm/",
    "/sys/fs/cgroup",
    "/sys/kernel/mm/",
    "/sys/devices/system/",
    "/etc/ld.so.",
    "/etc/localtime",
    "/usr/share/zoneinfo",
    "/dev/null",
];

/// Runs a verb under strace; gives a log for every thread and process. `None`, and a word, where there is no
/// strace, or it may not trace.
fn traced(root: &Path, logs: &Path, arguments: &[&str]) -> Option<Vec<String>> {
    let path = std::env::var("PATH").expect("a PATH");
    let output = Command::new("strace")
        .env_clear()
        .env("PATH", path)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .args(["-ff", "-qq", "-y", "-s", "4096", "-e", "trace=%file,%network,%process", "-o"])
        .arg(logs.join("log"))
        .args([env!("CARGO_BIN_EXE_waypost"), "-C"])
        .arg(root)
        .args(arguments)
        .output();
    let Ok(output) = output else {
        assert!(std::env::var_os("CI").is_none(), "CI installs strace");
        println!("NOT RUN: strace is missing");
        return None;
    };
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if said.contains("ptrace") || said.contains("Operation not permitted") {
        println!("NOT RUN: {said}");
        return None;
    }
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {said}");
    let logs = std::fs::read_dir(logs).expect("the logs").map(|log| log.expect("a log").path());
    Some(logs.map(|log| std::fs::read_to_string(log).expect("a text")).collect())
}

/// What one thread did that it must not; git's own files are its own business, its sockets are not.
fn faults(log: &str, root: &Path) -> Vec<String> {
    let mut faults = Vec::new();
    let mut is_git = false;
    for line in log.lines() {
        let Some((call, rest)) = line.split_once('(') else { continue };
        let succeeded = !rest.contains(") = -1 ");
        match call {
            "execve" if succeeded => {
                let program = first_text(rest);
                is_git = Path::new(program).file_name().is_some_and(|name| name == "git");
                if !is_git && program != env!("CARGO_BIN_EXE_waypost") {
                    faults.push(line.to_owned());
                }
            }
            "socket" | "connect" | "bind" | "listen" | "sendto" => faults.push(line.to_owned()),
            "open" | "openat" | "openat2" | "creat" if succeeded && !is_git => {
                // `-y`: what was opened, without links
                let opened = rest
                    .rsplit_once(") = ")
                    .and_then(|(_, result)| Some(result.split_once('<')?.1.trim_end_matches('>')));
                let opened = opened.unwrap_or_else(|| first_text(rest));
                if !is_allowed(Path::new(opened), root) {
                    faults.push(line.to_owned());
                }
            }
            _ => {}
        }
    }
    faults
}

fn first_text(arguments: &str) -> &str {
    arguments.split('"').nth(1).unwrap_or_default()
}

fn is_allowed(path: &Path, root: &Path) -> bool {
    let text = path.to_string_lossy();
    // `/proc/self` as the system resolves it
    let of_process = text.strip_prefix("/proc/").and_then(|rest| rest.split_once('/'));
    let is_self = of_process.is_some_and(|(id, _)| id.parse::<u32>().is_ok());
    let is_library = ["/lib", "/usr/lib", "/usr/local/lib"].iter().any(|at| text.starts_with(at))
        && text.contains(".so");
    path.starts_with(root)
        || is_self
        || is_library
        || ITS_OWN.iter().any(|own| text.starts_with(own))
}

#[test]
fn a_check_opens_nothing_outside_and_starts_nothing_but_git() {
    let folder = repository();
    let root: PathBuf = folder.path().canonicalize().expect("a path");
    // something to tell, so that every verb does its work
    let spec = root.join("environments/brownfield/environment.yaml");
    let text = std::fs::read_to_string(&spec).expect("a spec");
    write(&root, "environments/brownfield/environment.yaml", &format!("{text}# changed\n"));
    for arguments in [
        &["list"][..],
        &["list", "--changed-since", "HEAD"],
        &["check", "greenfield"],
        &["diff", "--base", "HEAD"],
        &["diff", "--base", "HEAD", "--format", "markdown"],
        &["validate"],
    ] {
        let logs = tempfile::tempdir().expect("a folder");
        let Some(logs) = traced(&root, logs.path(), arguments) else { return };
        let calls: usize = logs.iter().map(|log| log.lines().count()).sum();
        assert!(calls > 20, "{arguments:?}: strace saw {calls} calls");
        let faults: Vec<String> = logs.iter().flat_map(|log| faults(log, &root)).collect();
        assert!(faults.is_empty(), "{arguments:?}:\n{}", faults.join("\n"));
    }
}

#[test]
fn what_must_not_be_is_seen_in_a_log() {
    let root = Path::new("/tmp/repository");
    let log = r#"openat(AT_FDCWD, "/etc/passwd", O_RDONLY) = 3</etc/passwd>
openat(4</tmp/repository>, "environments", O_RDONLY) = 5</tmp/repository/environments>
openat(AT_FDCWD, "/tmp/repository/link", O_RDONLY) = 3</root/.ssh/id_rsa>
openat(AT_FDCWD, "/root/.gitconfig", O_RDONLY) = -1 ENOENT (No such file or directory)
socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 3<TCP:[1]>
execve("/bin/sh", ["sh"], 0x7 /* 1 var */) = 0
execve("/usr/bin/git", ["git"], 0x7 /* 1 var */) = 0
openat(AT_FDCWD, "/root/.gitconfig", O_RDONLY) = 3</root/.gitconfig>
"#;
    let found = faults(log, root);
    let starts: Vec<&str> = found.iter().map(|line| &line[..line.len().min(30)]).collect();
    assert_eq!(found.len(), 4, "{starts:?}");
}
