//! Where files come from: a folder on disk, or a value that was filled elsewhere (a git revision,
//! a test).
//!
//! Paths are relative to the root, with forward slashes and without `..`: `path.rs` makes them so.
//! On disk no symbolic link below the root is followed, and each step is opened relative to the
//! one before, so that a link swapped in during the run is refused too
//! (facts/gitops-delivery.md 8.3 T1, T2).

use std::collections::BTreeMap;
use std::path::PathBuf;

/// The files of a repository.
#[derive(Clone, Debug)]
pub enum Files {
    /// Below a folder of the disk.
    Disk(PathBuf),
    /// Texts by path.
    Memory(BTreeMap<String, String>),
    /// A folder of the disk, but for some paths: a text, or nothing there. What another revision
    /// has where it differs.
    Over(PathBuf, BTreeMap<String, Option<String>>),
}

/// What lies at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A file and its text.
    File(String),
    /// A folder and the names in it, sorted.
    Folder(Vec<(String, EntryKind)>),
    /// Nothing.
    Missing,
    /// A symbolic link, here or on the way.
    Symlink,
    /// A file of more bytes than were asked for.
    TooLarge(u64),
    /// A file that is no UTF-8 text: its text with a mark for what is none, and the byte where
    /// that begins.
    NotText(String, usize),
    /// It is there and cannot be read; why.
    Unreadable(String),
}

/// What a name in a folder stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryKind {
    /// A file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Symlink,
    /// A device, a pipe or a socket.
    Other,
}

impl Files {
    /// What lies at a path; a file of more than `limit` bytes is not read.
    pub fn entry(&self, path: &str, limit: usize) -> Entry {
        match self {
            Files::Disk(root) => match disk::entry(root, path, limit) {
                Ok(entry) => entry,
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => Entry::Missing,
                // a file where a folder is wanted
                Err(e) if e.kind() == std::io::ErrorKind::NotADirectory => Entry::Missing,
                Err(e) if disk::is_symlink(&e) => Entry::Symlink,
                Err(e) => Entry::Unreadable(reason(&e)),
            },
            Files::Memory(texts) => memory(texts, path, limit),
            Files::Over(root, texts) => over(&Files::Disk(root.clone()), texts, path, limit),
        }
    }
}

fn over(
    below: &Files,
    texts: &BTreeMap<String, Option<String>>,
    path: &str,
    limit: usize,
) -> Entry {
    match texts.get(path) {
        Some(Some(text)) if text.len() > limit => return Entry::TooLarge(text.len() as u64),
        Some(Some(text)) => return Entry::File(text.clone()),
        Some(None) | None => {}
    }
    let prefix = if path.is_empty() { String::new() } else { format!("{path}/") };
    let inside = || texts.range(prefix.clone()..).take_while(|(text, _)| text.starts_with(&prefix));
    let mut names = match below.entry(path, limit) {
        Entry::Folder(names) => BTreeMap::from_iter(names),
        // a path that is a file on one side, and a folder on the other
        _ if texts.contains_key(path) || inside().next().is_some() => BTreeMap::new(),
        other => return other,
    };
    for (text, here) in inside() {
        let rest = &text[prefix.len()..];
        match (rest.split_once('/'), here) {
            (Some((folder, _)), Some(_)) => names.insert(folder.to_owned(), EntryKind::Folder),
            (None, Some(_)) => names.insert(rest.to_owned(), EntryKind::File),
            (None, None) => names.remove(rest),
            (Some(_), None) => None,
        };
    }
    if names.is_empty() { Entry::Missing } else { Entry::Folder(names.into_iter().collect()) }
}

fn memory(texts: &BTreeMap<String, String>, path: &str, limit: usize) -> Entry {
    if let Some(text) = texts.get(path) {
        return if text.len() > limit {
            Entry::TooLarge(text.len() as u64)
        } else {
            Entry::File(text.clone())
        };
    }
    let prefix = if path.is_empty() { String::new() } else { format!("{path}/") };
    let mut names = BTreeMap::new();
    for (below, _) in texts.range(prefix.clone()..) {
        let Some(rest) = below.strip_prefix(&prefix) else { break };
        match rest.split_once('/') {
            Some((folder, _)) => names.insert(folder.to_owned(), EntryKind::Folder),
            None => names.insert(rest.to_owned(), EntryKind::File),
        };
    }
    if names.is_empty() { Entry::Missing } else { Entry::Folder(names.into_iter().collect()) }
}

/// The system's words without its number.
fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut chars = text.chars();
    chars.next().map(|c| c.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

fn text_of(bytes: Vec<u8>) -> Entry {
    match String::from_utf8(bytes) {
        Ok(text) => Entry::File(text),
        Err(e) => {
            let good = e.utf8_error().valid_up_to();
            Entry::NotText(String::from_utf8_lossy(e.as_bytes()).into_owned(), good)
        }
    }
}

#[cfg(unix)]
mod disk {
    use std::fs::File;
    use std::io::{self, Read};
    use std::path::Path;

    use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, openat, statat};

    use super::{Entry, EntryKind, text_of};

    pub(super) fn entry(root: &Path, path: &str, limit: usize) -> io::Result<Entry> {
        // the root may be a link: the user named it
        let folder = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let mut at = openat(CWD, root, folder, Mode::empty())?;
        let mut steps = path.split('/').filter(|s| !s.is_empty()).peekable();
        while let Some(step) = steps.next() {
            let kind =
                FileType::from_raw_mode(statat(&at, step, AtFlags::SYMLINK_NOFOLLOW)?.st_mode);
            match (kind, steps.peek()) {
                (FileType::Symlink, _) => return Ok(Entry::Symlink),
                (FileType::Directory, _) => {
                    at = openat(&at, step, folder | OFlags::NOFOLLOW, Mode::empty())?;
                }
                (FileType::RegularFile, None) => {
                    // a pipe that took the file's place must not block
                    let flags =
                        OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
                    return read(openat(&at, step, flags, Mode::empty())?.into(), limit);
                }
                (FileType::RegularFile, Some(_)) => return Ok(Entry::Missing),
                _ => return Ok(Entry::Unreadable("it is a device, a pipe or a socket".into())),
            }
        }
        list(&at)
    }

    fn read(file: File, limit: usize) -> io::Result<Entry> {
        let meta = file.metadata()?;
        if !meta.is_file() {
            return Ok(Entry::Unreadable("it is a device, a pipe or a socket".into()));
        }
        if meta.len() > limit as u64 {
            return Ok(Entry::TooLarge(meta.len()));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(meta.len()).unwrap_or(0) + 1);
        file.take(limit as u64 + 1).read_to_end(&mut bytes)?;
        Ok(if bytes.len() > limit { Entry::TooLarge(bytes.len() as u64) } else { text_of(bytes) })
    }

    fn list(at: &impl std::os::fd::AsFd) -> io::Result<Entry> {
        let mut names = Vec::new();
        for item in Dir::read_from(at)? {
            let item = item?;
            let Ok(name) = item.file_name().to_str() else {
                return Ok(Entry::Unreadable("a file name in it is not UTF-8".into()));
            };
            if matches!(name, "." | "..") {
                continue;
            }
            let mut kind = item.file_type();
            if kind == FileType::Unknown {
                kind = FileType::from_raw_mode(
                    statat(at, item.file_name(), AtFlags::SYMLINK_NOFOLLOW)?.st_mode,
                );
            }
            let kind = match kind {
                FileType::RegularFile => EntryKind::File,
                FileType::Directory => EntryKind::Folder,
                FileType::Symlink => EntryKind::Symlink,
                _ => EntryKind::Other,
            };
            names.push((name.to_owned(), kind));
        }
        names.sort();
        Ok(Entry::Folder(names))
    }

    /// A link that took the place of what had been looked at.
    pub(super) fn is_symlink(error: &io::Error) -> bool {
        error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
    }
}

#[cfg(not(unix))]
mod disk {
    use std::fs;
    use std::io;
    use std::path::Path;

    use super::{Entry, EntryKind, text_of};

    pub(super) fn entry(root: &Path, path: &str, limit: usize) -> io::Result<Entry> {
        let mut at = root.to_path_buf();
        for step in path.split('/').filter(|s| !s.is_empty()) {
            at.push(step);
            if fs::symlink_metadata(&at)?.file_type().is_symlink() {
                return Ok(Entry::Symlink);
            }
        }
        let meta = fs::metadata(&at)?;
        if meta.is_file() {
            return Ok(if meta.len() > limit as u64 {
                Entry::TooLarge(meta.len())
            } else {
                text_of(fs::read(&at)?)
            });
        }
        let mut names = Vec::new();
        for item in fs::read_dir(&at)? {
            let item = item?;
            let Ok(name) = item.file_name().into_string() else {
                return Ok(Entry::Unreadable("a file name in it is not UTF-8".into()));
            };
            let kind = item.file_type()?;
            let kind = match (kind.is_symlink(), kind.is_dir(), kind.is_file()) {
                (true, ..) => EntryKind::Symlink,
                (_, true, _) => EntryKind::Folder,
                (_, _, true) => EntryKind::File,
                _ => EntryKind::Other,
            };
            names.push((name, kind));
        }
        names.sort();
        Ok(Entry::Folder(names))
    }

    pub(super) fn is_symlink(_error: &io::Error) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_has_folders() {
        let files = Files::Memory(
            [("a/b.yaml", "x"), ("a/c/d.yaml", "y"), ("a.yaml", "z")]
                .map(|(p, t)| (p.to_owned(), t.to_owned()))
                .into(),
        );
        assert_eq!(files.entry("a/b.yaml", 9), Entry::File("x".into()));
        assert_eq!(
            files.entry("a", 9),
            Entry::Folder(vec![
                ("b.yaml".into(), EntryKind::File),
                ("c".into(), EntryKind::Folder)
            ])
        );
        assert_eq!(files.entry("a/c/e", 9), Entry::Missing);
        assert_eq!(files.entry("a/b.yaml", 0), Entry::TooLarge(1));
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed_and_pipes_do_not_block() {
        let dir = tempfile::tempdir().unwrap();
        let at = |p: &str| dir.path().join(p);
        std::fs::create_dir(at("real")).unwrap();
        std::fs::File::create(at("real/x.yaml")).unwrap();
        std::os::unix::fs::symlink("real", at("link")).unwrap();
        std::os::unix::fs::symlink("/etc/hostname", at("out.yaml")).unwrap();
        std::os::unix::fs::symlink("nowhere", at("dangling.yaml")).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, at("pipe.yaml"), rustix::fs::Mode::RUSR).unwrap();
        let files = Files::Disk(dir.path().to_owned());
        assert_eq!(files.entry("real/x.yaml", 9), Entry::File(String::new()));
        for link in ["link", "link/x.yaml", "out.yaml", "dangling.yaml"] {
            assert_eq!(files.entry(link, 9), Entry::Symlink, "{link}");
        }
        assert!(matches!(files.entry("pipe.yaml", 9), Entry::Unreadable(_)));
        assert_eq!(files.entry("real/x.yaml/y", 9), Entry::Missing);
        let Entry::Folder(names) = files.entry("", 9) else { panic!() };
        assert!(names.contains(&("link".into(), EntryKind::Symlink)));
    }
}
