//! Files that the command line names.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use anyhow::Context;

/// No input is larger: what tctl prints of a large organization has a few MiB.
const LIMIT: u64 = 64 << 20;

/// Opens a file. A device, a pipe or a socket is not opened: it may never end, or act on being
/// read. The pipe that a shell makes for `<(command)` ends with its command.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let kind = std::fs::metadata(path)?.file_type();
    if kind.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder"));
    }
    if !kind.is_file() && !is_of_the_shell(path) {
        let why = "it is a device, a pipe or a socket; standard input is `-`";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    }
    File::open(path)
}

/// What an input holds, as text; `shown` is its name in messages.
pub(super) fn text(input: impl Read, shown: &str) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    input
        .take(LIMIT + 1)
        .read_to_end(&mut bytes)
        .with_context(|| format!("cannot read `{shown}`"))?;
    if bytes.len() as u64 > LIMIT {
        anyhow::bail!("`{shown}` has more than {} MiB", LIMIT >> 20);
    }
    String::from_utf8(bytes).with_context(|| format!("`{shown}` is not UTF-8 text"))
}

/// What a file holds, as text.
pub(super) fn text_of(path: &Path, shown: &str) -> anyhow::Result<String> {
    text(open(path).with_context(|| format!("cannot read `{shown}`"))?, shown)
}

fn is_of_the_shell(path: &Path) -> bool {
    path.starts_with("/dev/fd") || path.starts_with("/proc/self/fd")
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn pipes_and_devices_are_not_opened() {
        let dir = tempfile::tempdir().unwrap();
        let (pipe, file) = (dir.path().join("pipe"), dir.path().join("file"));
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR).unwrap();
        File::create(&file).unwrap();
        std::os::unix::fs::symlink(&pipe, dir.path().join("link")).unwrap();
        assert!(open(&file).is_ok());
        for path in [pipe, dir.path().join("link"), "/dev/zero".into(), "/dev/full".into()] {
            let error = open(&path).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{}", path.display());
        }
    }
}
