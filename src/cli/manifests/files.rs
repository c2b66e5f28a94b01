//! The files that the command line names: which there are, and what of it cannot be read.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use crate::diagnostic::{Diagnostic, Position, Sources, Span};
use crate::pipeline::ManifestFile;

/// What stands for standard input.
pub(in crate::cli) const STDIN: &str = "-";
/// The lock that lies above the units of a cluster.
const LOCK: &str = "waypost.lock";
/// How manifests' files end.
pub(in crate::cli) const MANIFESTS: [&str; 3] = ["yaml", "yml", "json"];

/// The files of a run.
pub(super) struct Files {
    pub(super) listed: Vec<ManifestFile>,
    paths: Vec<PathBuf>,
    stdin: Result<String, String>,
    /// What was passed over, as a person should see it.
    passed: Vec<(String, Passed)>,
}

/// Why something that was named, or met, was not read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::cli) enum Passed {
    /// It is a link.
    Link,
    /// The system refuses it, or it is no file: why.
    Unreadable(String),
    /// Nothing in it is a manifest.
    Empty,
}

impl Files {
    /// What the targets are, less a file that is no manifest.
    pub(super) fn of(
        targets: &[String],
        except: Option<&Path>,
        root: &Path,
    ) -> anyhow::Result<Self> {
        let mut paths: BTreeSet<PathBuf> = BTreeSet::new();
        let mut passed = Vec::new();
        let mut stdin = None;
        for target in targets {
            if target == STDIN {
                let mut bytes = Vec::new();
                io::stdin().read_to_end(&mut bytes)?;
                if bytes.iter().all(u8::is_ascii_whitespace) {
                    passed.push(("stdin".to_owned(), Passed::Empty));
                }
                stdin = Some(utf8(bytes));
                continue;
            }
            let path = root.join(target);
            if !path.exists() {
                anyhow::bail!("`{target}` is neither an environment nor a file or folder");
            }
            if is_outside_by_link(&path, root) {
                passed.push((shown(&path, root), Passed::Link));
                continue;
            }
            let walked = walk(&path, &MANIFESTS);
            if walked.files.is_empty() && walked.passed.is_empty() {
                passed.push((shown(&path, root), Passed::Empty));
            }
            paths.extend(walked.files);
            passed.extend(walked.passed.into_iter().map(|(path, why)| (shown(&path, root), why)));
        }
        if let Some(except) = except.and_then(|path| path.canonicalize().ok()) {
            let name = except.file_name();
            let is_it = |path: &PathBuf| {
                path.file_name() == name && path.canonicalize().is_ok_and(|p| p == except)
            };
            paths.retain(|path| !is_it(path));
        }
        let mut listed = Vec::new();
        let mut all = Vec::new();
        let mut places: BTreeMap<PathBuf, (String, Option<String>)> = BTreeMap::new();
        for path in paths {
            let folder = path.parent().unwrap_or(root).to_owned();
            let (set, unit) =
                places.entry(folder).or_insert_with_key(|folder| place_of(folder)).clone();
            listed.push(ManifestFile { path: shown(&path, root), set, unit });
            all.push(path);
        }
        if stdin.is_some() {
            listed.push(ManifestFile { path: "stdin".into(), set: String::new(), unit: None });
        }
        let stdin = stdin.unwrap_or(Ok(String::new()));
        Ok(Self { listed, paths: all, stdin, passed })
    }

    pub(super) fn text(&self, at: usize) -> Result<String, String> {
        match self.paths.get(at) {
            Some(path) => fs::read(path).map_err(|e| e.to_string()).and_then(utf8),
            None => self.stdin.clone(),
        }
    }

    /// What there is to say of everything that was passed over.
    pub(super) fn findings(&self, sources: &mut Sources) -> Vec<Diagnostic> {
        let finding = |(path, why): &(String, Passed)| {
            let start = Position { line: 1, column: 1, offset: 0 };
            let span = Span { file: sources.add(path.as_str(), ""), start, end: start };
            match why {
                Passed::Link => Diagnostic::warning("symlink", format!("`{path}` was not read"))
                    .at(span, "links are not followed")
                    .help("name what it points to"),
                Passed::Unreadable(why) => {
                    let said = format!("`{path}` cannot be read: {why}");
                    Diagnostic::error("unreadable-file", said)
                        .at(span, "what it holds is not checked")
                }
                Passed::Empty => {
                    Diagnostic::warning("empty-source", format!("`{path}` holds no manifest"))
                        .at(span, "nothing is checked here")
                        .help("files of a folder end in `.yaml`, `.yml` or `.json`")
                }
            }
        };
        self.passed.iter().map(finding).collect()
    }
}

/// True for a path below the repository that a link leads out of it. A link within it is what it
/// points to, and whoever names another folder means that.
fn is_outside_by_link(path: &Path, root: &Path) -> bool {
    let Ok(below) = path.strip_prefix(root) else { return false };
    if below.components().any(|part| part == Component::ParentDir) {
        return false;
    }
    match (path.canonicalize(), root.canonicalize()) {
        (Ok(path), Ok(root)) => !path.starts_with(root),
        _ => false,
    }
}

fn utf8(bytes: Vec<u8>) -> Result<String, String> {
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8".into())
}

/// What is applied together with the files of a folder, and as what: in a tree of ours the cluster
/// and the unit, elsewhere everything, and the nearest folder that kustomize builds.
fn place_of(folder: &Path) -> (String, Option<String>) {
    let mut unit = None;
    for folder in folder.ancestors() {
        if unit.is_none() && folder.join("kustomization.yaml").is_file() {
            unit = Some(folder.to_string_lossy().into_owned());
        }
        if folder.join(LOCK).is_file() {
            return (folder.to_string_lossy().into_owned(), unit);
        }
    }
    (String::new(), unit)
}

/// What lies below a path.
#[derive(Debug, Default)]
pub(in crate::cli) struct Walked {
    pub(in crate::cli) files: Vec<PathBuf>,
    pub(in crate::cli) passed: Vec<(PathBuf, Passed)>,
}

/// Files below a path with one of these endings, and what was passed over; a path that is a file is
/// taken whatever its name. Folders that begin with a point are left out.
pub(in crate::cli) fn walk(path: &Path, endings: &[&str]) -> Walked {
    if path.is_file() {
        return Walked { files: vec![path.to_owned()], passed: Vec::new() };
    }
    let mut walked = Walked::default();
    let entries = walkdir::WalkDir::new(path).sort_by_file_name().into_iter().filter_entry(|e| {
        e.depth() == 0
            || !e.file_type().is_dir()
            || !e.file_name().to_string_lossy().starts_with('.')
    });
    let no_file = || Passed::Unreadable("it is neither a file nor a folder".into());
    for entry in entries {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let place = error.path().unwrap_or(path).to_owned();
                let why = error.io_error().map_or_else(|| error.to_string(), ToString::to_string);
                walked.passed.push((place, Passed::Unreadable(why)));
                continue;
            }
        };
        let is_wanted = entry.depth() == 0
            || entry
                .path()
                .extension()
                .is_some_and(|e| endings.iter().any(|wanted| e.eq_ignore_ascii_case(wanted)))
            || (endings == MANIFESTS && entry.file_name() == "Kustomization");
        if entry.file_type().is_symlink() {
            walked.passed.push((entry.into_path(), Passed::Link));
        } else if entry.file_type().is_file() && is_wanted {
            walked.files.push(entry.into_path());
        } else if !entry.file_type().is_dir() && !entry.file_type().is_file() && is_wanted {
            walked.passed.push((entry.into_path(), no_file()));
        }
    }
    walked
}

/// A path as a person should see it: seen from the repository, with forward slashes, however it was
/// named; what lies outside of the repository as it was named.
pub(in crate::cli) fn shown(path: &Path, root: &Path) -> String {
    let whole = |path: &Path| path.canonicalize().ok();
    let below = |path: &Path| {
        let (folder, root) = (whole(path.parent()?)?, whole(root)?);
        Some(folder.strip_prefix(root).ok()?.join(path.file_name()?))
    };
    let path = match path.strip_prefix(root) {
        Ok(path) if !path.components().any(|part| part == Component::ParentDir) => path.to_owned(),
        _ => below(path).unwrap_or_else(|| path.strip_prefix(root).unwrap_or(path).to_owned()),
    };
    let text = path.to_string_lossy().replace('\\', "/");
    text.strip_prefix("./").unwrap_or(&text).to_owned()
}
