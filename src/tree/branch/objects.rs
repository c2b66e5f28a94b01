//! Blobs and folders, many at a time: one process for all of a kind.

use std::collections::BTreeMap;

use super::Entry;
use crate::tree::git::{GitError, Program};

/// Writes blobs; their ids, in order.
pub(super) fn write(program: &Program, texts: &[&str]) -> Result<Vec<String>, GitError> {
    if texts.is_empty() {
        return Ok(Vec::new());
    }
    let mut input = Vec::new();
    for (number, text) in texts.iter().enumerate() {
        let head = format!("blob\nmark :{}\ndata {}\n", number + 1, text.len());
        input.extend_from_slice(head.as_bytes());
        input.extend_from_slice(text.as_bytes());
        input.push(b'\n');
    }
    for number in 1..=texts.len() {
        input.extend_from_slice(format!("get-mark :{number}\n").as_bytes());
    }
    input.extend_from_slice(b"done\n");
    // without `done` a stream that was cut counts as whole
    let answer = program.ask(&["fast-import", "--quiet", "--done"], &input)?;
    lines(&answer, texts.len(), "fast-import")
}

/// Writes the folders of these files, the deepest first; the id of the outermost.
pub(super) fn write_folders(
    program: &Program,
    files: &BTreeMap<Vec<u8>, Entry>,
) -> Result<String, GitError> {
    // by depth, then by path: the records of what is in each folder
    let mut folders: BTreeMap<usize, BTreeMap<Vec<u8>, Vec<u8>>> = BTreeMap::new();
    folders.entry(0).or_default().insert(Vec::new(), Vec::new());
    let record = |mode: &str, kind: &str, id: &str, name: &[u8]| {
        let mut record = format!("{mode} {kind} {id}\t").into_bytes();
        record.extend_from_slice(name);
        record.push(0);
        record
    };
    for (path, Entry { mode, id }) in files {
        let (folder, name) = split(path);
        let kind = if mode == "160000" { "commit" } else { "blob" };
        let depth = depth(folder);
        let records = folders.entry(depth).or_default().entry(folder.to_owned()).or_default();
        records.extend(record(mode, kind, id, name));
        // folders that hold folders only
        let mut outer = folder;
        while !outer.is_empty() {
            outer = split(outer).0;
            folders.entry(self::depth(outer)).or_default().entry(outer.to_owned()).or_default();
        }
    }
    let mut outermost = None;
    while let Some((depth, level)) = folders.pop_last() {
        let mut input = Vec::new();
        for records in level.values() {
            input.extend_from_slice(records);
            input.push(0);
        }
        let answer = program.ask(&["mktree", "-z", "--batch"], &input)?;
        let ids = lines(&answer, level.len(), "mktree")?;
        for (folder, id) in level.into_keys().zip(ids) {
            if depth == 0 {
                outermost = Some(id);
                continue;
            }
            let (outer, name) = split(&folder);
            let records = folders.entry(depth - 1).or_default().entry(outer.to_owned());
            records.or_default().extend(record("040000", "tree", &id, name));
        }
    }
    outermost.ok_or_else(|| GitError::Answer("mktree".to_owned()))
}

/// Folder and name; the outermost folder is empty.
fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|b| *b == b'/') {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (&[], path),
    }
}

fn depth(folder: &[u8]) -> usize {
    if folder.is_empty() { 0 } else { folder.iter().filter(|b| **b == b'/').count() + 1 }
}

fn lines(answer: &[u8], wanted: usize, command: &str) -> Result<Vec<String>, GitError> {
    let unreadable = || GitError::Answer(command.to_owned());
    let text = std::str::from_utf8(answer).map_err(|_| unreadable())?;
    let ids: Vec<String> = text.lines().map(str::to_owned).collect();
    let is_id = |id: &String| id.len() >= 40 && id.bytes().all(|b| b.is_ascii_hexdigit());
    if ids.len() == wanted && ids.iter().all(is_id) { Ok(ids) } else { Err(unreadable()) }
}
