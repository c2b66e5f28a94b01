//! Whether what was read is what a commit holds: as a set, since a file that is not here would be lost.

use std::collections::BTreeSet;

use super::BranchError;
use crate::tree::git::{Git, GitError};

/// What specs, templates and manifests are written in.
const ENDINGS: [&str; 4] = [".yaml", ".yml", ".json", ".j2"];

/// In what the files that were read differ from the commit that is checked out, a sentence each: a file
/// that changed or is not committed, one of the commit that is not here though a folder is named that
/// holds it, a submodule that is not checked out or stands at another commit. `named` are the files and
/// folders that are read, whether or not anything lies there; the empty path is the whole folder.
///
/// # Errors
/// When git fails.
pub fn unlike_commit(
    git: &Git,
    read: &BTreeSet<&str>,
    named: &BTreeSet<String>,
) -> Result<Vec<String>, BranchError> {
    let program = git.program();
    let list = program.ask(&["ls-tree", "-r", "-z", "HEAD"], &[])?;
    let (mut files, mut submodules) = (BTreeSet::new(), Vec::new());
    for record in list.split(|byte| *byte == 0).filter(|record| !record.is_empty()) {
        let unreadable = || GitError::Answer("ls-tree".to_owned());
        // no file that is read has such a name
        let Ok(record) = std::str::from_utf8(record) else { continue };
        let (head, path) = record.split_once('\t').ok_or_else(unreadable)?;
        match head.split(' ').collect::<Vec<_>>()[..] {
            ["160000", _, commit] => submodules.push((path.to_owned(), commit.to_owned())),
            [_, _, _] => drop(files.insert(path.to_owned())),
            _ => return Err(unreadable().into()),
        }
    }
    let arguments = [
        "diff",
        "--name-only",
        "-z",
        "--relative",
        "--no-ext-diff",
        "--no-textconv",
        "--ignore-submodules=all",
        "HEAD",
    ];
    let answer = program.ask(&arguments, &[])?;
    let changed: BTreeSet<&[u8]> = answer.split(|byte| *byte == 0).collect();
    let mut unlike = Vec::new();
    let inside =
        |path: &str| submodules.iter().any(|(submodule, _)| below(submodule, path).is_some());
    for path in read.iter().filter(|path| !inside(path)) {
        if !files.contains(*path) || changed.contains(path.as_bytes()) {
            unlike.push(format!("`{path}` is not as it was committed"));
        }
    }
    for path in files.iter().filter(|path| !read.contains(path.as_str())) {
        let is_source = ENDINGS.iter().any(|end| path.ends_with(end));
        let is_wanted = is_source && named.iter().any(|named| below(named, path).is_some());
        if is_wanted && program.folder().join(path).symlink_metadata().is_err() {
            unlike.push(format!("`{path}` of the commit is not here"));
        }
    }
    for (submodule, commit) in &submodules {
        let own: BTreeSet<&str> = read.iter().filter_map(|path| below(submodule, path)).collect();
        // named above it, it is read whole
        let named: BTreeSet<String> = named
            .iter()
            .filter_map(|named| match below(named, submodule) {
                Some(_) => Some(String::new()),
                None => below(submodule, named).map(str::to_owned),
            })
            .collect();
        if own.is_empty() && named.is_empty() {
            continue;
        }
        let folder = program.folder().join(submodule);
        // without a `.git` of its own git would answer for the repository around it
        if folder.join(".git").symlink_metadata().is_err() {
            unlike.push(format!("submodule `{submodule}` is not checked out"));
            continue;
        }
        let inner = Git::open(&folder)?;
        if inner.revision("HEAD")?.commit != *commit {
            unlike.push(format!(
                "submodule `{submodule}` stands at another commit than the one that is committed"
            ));
            continue;
        }
        let of_it = unlike_commit(&inner, &own, &named)?;
        unlike.extend(of_it.into_iter().map(|text| format!("in submodule `{submodule}`: {text}")));
    }
    Ok(unlike)
}

/// The rest of a path below a folder; empty for the folder itself.
fn below<'p>(folder: &str, path: &'p str) -> Option<&'p str> {
    let folder = folder.trim_end_matches('/');
    if folder.is_empty() {
        return Some(path);
    }
    let rest = path.strip_prefix(folder)?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
}
