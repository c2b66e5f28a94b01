//! Files that the command line names.

use std::fs::File;
use std::io;
use std::path::Path;

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
