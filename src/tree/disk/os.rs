//! The calls that differ between systems.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

#[cfg(unix)]
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};

/// Options that refuse a symbolic link as the last part of the path.
pub(super) fn open_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    options.custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
    options
}

/// A folder that is open: a file made in it costs no walk along its path.
#[cfg(unix)]
pub(super) struct OpenFolder(std::os::fd::OwnedFd);

#[cfg(unix)]
impl OpenFolder {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        use rustix::fs::{CWD, Mode, OFlags, openat};
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(Self(openat(CWD, path, flags, Mode::empty())?))
    }

    /// Makes a file that is not there yet.
    pub(super) fn create(&self, name: &str) -> io::Result<File> {
        use rustix::fs::{Mode, OFlags, openat};
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        // what the process' mask leaves of it, as `File::create` has it
        Ok(openat(&self.0, name, flags, Mode::from_bits_retain(0o666))?.into())
    }
}

/// A folder by its path, where files are not made in an open one.
#[cfg(not(unix))]
pub(super) struct OpenFolder(std::path::PathBuf);

#[cfg(not(unix))]
impl OpenFolder {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(path.to_owned()))
    }

    /// Makes a file that is not there yet.
    pub(super) fn create(&self, name: &str) -> io::Result<File> {
        open_options().write(true).create_new(true).open(self.0.join(name))
    }
}

/// True for the answer to opening a link with [`open_options`].
pub(super) fn is_link_error(error: &io::Error) -> bool {
    #[cfg(unix)]
    return error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error());
    #[cfg(not(unix))]
    return matches!(error.kind(), io::ErrorKind::FilesystemLoop);
}

/// What tells one file or folder from another one that took its name.
#[cfg(unix)]
pub(super) fn identity(metadata: &std::fs::Metadata) -> Option<(u64, u64)> {
    Some((metadata.dev(), metadata.ino()))
}

/// What tells one file or folder from another one that took its name.
#[cfg(not(unix))]
pub(super) fn identity(_: &std::fs::Metadata) -> Option<(u64, u64)> {
    None
}

/// Puts a folder's entries on the disk.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

/// Puts everything in a folder on the disk.
///
/// On Linux that is one call for the whole file system: one sync for each of 40,000 files takes
/// minutes.
pub(super) fn sync_tree(path: &Path) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    match rustix::fs::syncfs(File::open(path)?) {
        Ok(()) => return Ok(()),
        Err(rustix::io::Errno::NOSYS | rustix::io::Errno::OPNOTSUPP) => {}
        Err(error) => return Err(error.into()),
    }
    for entry in walkdir::WalkDir::new(path).contents_first(true) {
        let entry = entry?;
        if entry.file_type().is_file() {
            File::open(entry.path())?.sync_all()?;
        } else {
            sync_folder(entry.path())?;
        }
    }
    Ok(())
}

/// Lets two folders change places in one step. False where the system or the file system cannot.
#[cfg(any(target_os = "linux", target_vendor = "apple"))]
pub(super) fn exchange(a: &Path, b: &Path) -> io::Result<bool> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    use rustix::io::Errno;
    match renameat_with(CWD, a, CWD, b, RenameFlags::EXCHANGE) {
        Ok(()) => Ok(true),
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP | Errno::NOTTY) => Ok(false),
        #[allow(unreachable_patterns, reason = "the same number as `NOTSUP` on Linux")]
        Err(Errno::OPNOTSUPP) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Lets two folders change places in one step. False where the system or the file system cannot.
#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
pub(super) fn exchange(_: &Path, _: &Path) -> io::Result<bool> {
    Ok(false)
}
