//! Two folders, file by file, as bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

use rayon::prelude::*;

use super::folder::is_folder;
use super::read::entries;
use super::{DiskError, os};
use crate::tree::differing::Differing;

/// The files in which two folders differ, by path, and how many paths were looked at. A folder
/// that is missing has no files. `rename` says where a path of the first folder would stand in the
/// second.
///
/// # Errors
/// When anything in them is a link or no file, or the system refuses.
pub fn compare(
    before: &Path,
    after: &Path,
    rename: impl Fn(&str) -> String,
) -> Result<(Vec<Differing>, usize), DiskError> {
    let mut pairs: BTreeMap<String, [Option<String>; 2]> = BTreeMap::new();
    for path in files(before)? {
        let renamed = rename(&path);
        pairs.entry(renamed).or_default()[0] = Some(path);
    }
    for path in files(after)? {
        let same = path.clone();
        pairs.entry(same).or_default()[1] = Some(path);
    }
    let count = pairs.len();
    let pairs: Vec<_> = pairs.into_iter().collect();
    let one = |buffers: &mut [Vec<u8>; 2], (path, sides): (String, [Option<String>; 2])| {
        let [old, new] = &sides;
        let [before_bytes, after_bytes] = buffers;
        let is_old = read_into(before, old.as_deref(), before_bytes)?;
        let is_new = read_into(after, new.as_deref(), after_bytes)?;
        if is_old && is_new && before_bytes == after_bytes {
            return Ok(None);
        }
        let before = is_old.then(|| before_bytes.clone());
        let after = is_new.then(|| after_bytes.clone());
        Ok(Some(Differing { path, before, after }))
    };
    // collected before the first error is looked for, so that it is always the same one
    let read: Vec<Result<_, DiskError>> =
        pairs.into_par_iter().map_init(Default::default, one).collect();
    let differing = read.into_iter().filter_map(Result::transpose).collect::<Result<_, _>>()?;
    Ok((differing, count))
}

/// The bytes of a file; `None` where it is missing.
///
/// # Errors
/// When it is a link or no file, or the system refuses.
pub fn read_file(folder: &Path, path: &str) -> Result<Option<Vec<u8>>, DiskError> {
    let mut bytes = Vec::new();
    match read_into(folder, Some(path), &mut bytes) {
        Ok(found) => Ok(found.then_some(bytes)),
        Err(DiskError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            Ok(None)
        }
        Err(other) => Err(other),
    }
}

/// What a folder holds.
#[derive(Clone, Debug, Default)]
pub struct Listed {
    /// The paths of all its files.
    pub paths: BTreeSet<String>,
    /// The bytes of those that were wanted, by path.
    pub read: BTreeMap<String, Vec<u8>>,
}

/// The paths of a folder's files, and the bytes of those that are wanted.
///
/// # Errors
/// As [`compare`].
pub fn read_some(folder: &Path, wanted: impl Fn(&str) -> bool) -> Result<Listed, DiskError> {
    let paths = files(folder)?;
    let all: Vec<&String> = paths.iter().filter(|path| wanted(path)).collect();
    let read: Vec<Result<_, DiskError>> = all
        .into_par_iter()
        .map(|path| {
            let mut bytes = Vec::new();
            read_into(folder, Some(path), &mut bytes)?;
            Ok((path.clone(), bytes))
        })
        .collect();
    let read = read.into_iter().collect::<Result<_, _>>()?;
    Ok(Listed { paths: paths.into_iter().collect(), read })
}

fn files(folder: &Path) -> Result<Vec<String>, DiskError> {
    Ok(if is_folder(folder)? { entries(folder)?.files } else { Vec::new() })
}

/// True where there is a path.
fn read_into(folder: &Path, path: Option<&str>, bytes: &mut Vec<u8>) -> Result<bool, DiskError> {
    bytes.clear();
    let Some(path) = path else { return Ok(false) };
    let full = folder.join(path);
    let refused = |e| DiskError::io("read", &full)(e);
    let mut file = os::open_options().read(true).open(&full).map_err(refused)?;
    file.read_to_end(bytes).map_err(refused)?;
    Ok(true)
}
