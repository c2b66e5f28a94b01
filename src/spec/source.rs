//! What a spec's paths stand for: texts, and the findings where they stand for nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::load::{Entry, EntryKind, Files};
use super::path::{PathFault, folder_of, join};
use crate::diagnostic::{
    Diagnostic, FileId, Position, Sources, Span, Spanned, has_errors, nearest,
};
use crate::yaml::{Budget, Document, Node, Pointer, check_characters, read};

/// Files that were asked for, each read once.
pub(super) struct Library<'f> {
    files: &'f Files,
    sources: Sources,
    by_path: BTreeMap<String, FileId>,
    /// Every path that a spec names, whether or not anything lies there.
    named: BTreeSet<String>,
}

/// How a file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// By people: small, and without characters that deceive.
    ByPeople,
    /// By machines: large, and its YAML 1.1 words are nobody's fault here.
    ByMachines,
}

const NO_FILE: &str = "it is a device, a pipe or a socket";

/// How deep folders are walked.
const FOLDER_DEPTH: usize = 16;

impl<'f> Library<'f> {
    pub(super) fn new(files: &'f Files) -> Self {
        Self {
            files,
            sources: Sources::default(),
            by_path: BTreeMap::new(),
            named: BTreeSet::new(),
        }
    }

    pub(super) fn files(&self) -> &'f Files {
        self.files
    }

    pub(super) fn sources(&self) -> &Sources {
        &self.sources
    }

    pub(super) fn into_sources(self) -> Sources {
        self.sources
    }

    pub(super) fn named(&self) -> &BTreeSet<String> {
        &self.named
    }

    /// Where a file starts that was read.
    pub(super) fn start_of(&self, path: &str) -> Span {
        let file = self.by_path.get(path).copied().unwrap_or_default();
        let start = Position { line: 1, column: 1, offset: 0 };
        Span { file, start, end: start }
    }

    /// The path that a text of the spec stands for, seen from the file it is written in.
    pub(super) fn resolve(
        &mut self,
        named: &Spanned<String>,
        found: &mut Vec<Diagnostic>,
    ) -> Option<String> {
        let folder = self.sources.get(named.span.file).map_or("", |s| folder_of(&s.path));
        match join(folder, &named.value) {
            Ok(path) => {
                self.named.insert(path.clone());
                Some(path)
            }
            Err(fault) => {
                found.push(path_fault(named, fault));
                None
            }
        }
    }

    /// The files of a path that names a file or a folder, in order of their names.
    pub(super) fn walk(
        &mut self,
        named: &Spanned<String>,
        found: &mut Vec<Diagnostic>,
    ) -> Vec<String> {
        let Some(path) = self.resolve(named, found) else { return Vec::new() };
        let mut paths = Vec::new();
        match self.files.entry(&path, 0) {
            Entry::Folder(names) => {
                self.walk_folder(&path, names, named.span, &mut paths, found);
                if paths.is_empty() && !has_errors(found) {
                    found.push(
                        Diagnostic::error(
                            "empty-source",
                            format!("the folder `{}` holds no YAML or JSON file", named.value),
                        )
                        .at(named.span, "named here")
                        .help("files end in `.yaml`, `.yml` or `.json`; a submodule is checked out by `git submodule update --init`"),
                    );
                }
            }
            // whether it can be read shows when it is
            _ => paths.push(path),
        }
        paths
    }

    fn walk_folder(
        &self,
        folder: &str,
        names: Vec<(String, EntryKind)>,
        named: Span,
        paths: &mut Vec<String>,
        found: &mut Vec<Diagnostic>,
    ) {
        if folder.split('/').count() > FOLDER_DEPTH {
            found.push(
                Diagnostic::error(
                    "unreadable-file",
                    format!("`{folder}` lies more than {FOLDER_DEPTH} folders deep"),
                )
                .at(named, "walked from here"),
            );
            return;
        }
        for (name, kind) in names {
            if name.starts_with('.') {
                continue;
            }
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            match kind {
                EntryKind::Symlink => found.push(symlink(&path, Some(named))),
                EntryKind::Folder => match self.files.entry(&path, 0) {
                    Entry::Folder(names) => self.walk_folder(&path, names, named, paths, found),
                    other => found.extend(entry_fault(&path, &other, Some(named))),
                },
                EntryKind::File if is_manifest(&name) => paths.push(path),
                EntryKind::Other if is_manifest(&name) => {
                    let fault = Entry::Unreadable(NO_FILE.into());
                    found.extend(entry_fault(&path, &fault, Some(named)));
                }
                EntryKind::File | EntryKind::Other => {}
            }
        }
    }

    /// Reads a file's documents. `named` is the place that asks for it.
    pub(super) fn documents(
        &mut self,
        path: &str,
        named: Option<Span>,
        written: Written,
        found: &mut Vec<Diagnostic>,
    ) -> Option<Vec<Document>> {
        let budget = match written {
            Written::ByPeople => Budget::SPEC,
            Written::ByMachines => Budget::MANIFESTS,
        };
        let file = self.file(path, named, budget.bytes, found)?;
        let text = self.sources.get(file).map(|s| s.text.clone())?;
        let (documents, read) = read(file, &text, &budget);
        match written {
            Written::ByPeople => {
                found.extend(read);
                for document in &documents {
                    check_characters(&document.root, found);
                }
            }
            Written::ByMachines => found.extend(read.into_iter().filter(Diagnostic::is_error)),
        }
        Some(documents)
    }

    /// The file that a path names, and its text, whatever it holds.
    pub(super) fn text(
        &mut self,
        named: &Spanned<String>,
        found: &mut Vec<Diagnostic>,
    ) -> Option<(FileId, Arc<str>)> {
        let path = self.resolve(named, found)?;
        let file = self.file(&path, Some(named.span), Budget::SPEC.bytes, found)?;
        Some((file, self.sources.get(file)?.text.clone()))
    }

    /// Takes a file in, once.
    fn file(
        &mut self,
        path: &str,
        named: Option<Span>,
        limit: usize,
        found: &mut Vec<Diagnostic>,
    ) -> Option<FileId> {
        if let Some(file) = self.by_path.get(path) {
            return Some(*file);
        }
        match self.files.entry(path, limit) {
            Entry::File(text) => {
                let file = self.sources.add(path, text);
                self.by_path.insert(path.to_owned(), file);
                Some(file)
            }
            Entry::Missing => {
                found.push(self.missing(path, named));
                None
            }
            Entry::NotText(text, byte) => {
                found.push(self.not_text(path, text, byte));
                None
            }
            other => {
                found.extend(entry_fault(path, &other, named));
                None
            }
        }
    }

    /// A file that is no UTF-8 text, at its first byte that is none.
    fn not_text(&mut self, path: &str, text: String, byte: usize) -> Diagnostic {
        let before = &text[..byte];
        let line = before.rfind('\n').map_or(0, |at| at + 1);
        let position = |columns: usize, offset: usize| Position {
            line: before.matches('\n').count() as u32 + 1,
            column: (before[line..].chars().count() + columns) as u32 + 1,
            offset: offset as u32,
        };
        let (start, end) =
            (position(0, byte), position(1, byte + char::REPLACEMENT_CHARACTER.len_utf8()));
        let file = self.sources.add(path, text.as_str());
        Diagnostic::error("unreadable-file", format!("`{path}` is not UTF-8 text"))
            .at(Span { file, start, end }, "this is no part of a character")
            .help("save the file as UTF-8")
    }

    /// A file that is not there, and the one beside it that may be meant.
    fn missing(&self, path: &str, named: Option<Span>) -> Diagnostic {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let beside = match self.files.entry(folder, 0) {
            Entry::Folder(names) => names,
            _ => Vec::new(),
        };
        let near = nearest(name, beside.iter().map(|(name, _)| name.as_str()));
        asked(Diagnostic::error("missing-file", format!("there is no `{path}`")), named).help(
            match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => "paths are relative to the file they are written in".to_owned(),
            },
        )
    }
}

/// A file of a folder that is read. What kustomize is told to do with the others is no manifest.
fn is_manifest(name: &str) -> bool {
    [".yaml", ".yml", ".json"].iter().any(|end| name.ends_with(end))
        && !matches!(name, "kustomization.yaml" | "kustomization.yml")
}

/// A link, which is not followed.
pub(super) fn symlink(path: &str, named: Option<Span>) -> Diagnostic {
    asked(
        Diagnostic::error("symlink", format!("`{path}` is a symbolic link, or lies behind one")),
        named,
    )
    .help("put the file itself there: a spec reads only what lies in its repository, so links are not followed")
}

/// Why an entry cannot be read as a file.
fn entry_fault(path: &str, entry: &Entry, named: Option<Span>) -> Option<Diagnostic> {
    let unreadable = |why: &str| Diagnostic::error("unreadable-file", format!("`{path}` {why}"));
    let diagnostic = match entry {
        Entry::File(_) | Entry::NotText(..) => return None,
        Entry::Symlink => return Some(symlink(path, named)),
        // a folder that went away while it was walked
        Entry::Missing => unreadable("is gone"),
        Entry::Folder(_) => unreadable("is a folder, not a file").help("name a file"),
        Entry::TooLarge(bytes) => Diagnostic::error(
            "too-large",
            format!("`{path}` has {bytes} bytes, more than are read"),
        )
        .help("split it into several files"),
        Entry::Unreadable(why) => unreadable(&format!("cannot be read: {why}"))
            .help("put a file there that waypost may read, or do not name it"),
    };
    Some(asked(diagnostic, named))
}

fn asked(diagnostic: Diagnostic, named: Option<Span>) -> Diagnostic {
    match named {
        Some(span) => diagnostic.at(span, "asked for here"),
        None => diagnostic,
    }
}

fn path_fault(named: &Spanned<String>, fault: PathFault) -> Diagnostic {
    let path = &named.value;
    let (message, help) = match fault {
        PathFault::Absolute => (
            format!("`{path}` is not relative"),
            "write it relative to this file: what an environment reads lies in its repository",
        ),
        PathFault::Outside => (
            format!("`{path}` leads out of the repository"),
            "what an environment reads lies in its repository: move the file into it",
        ),
        PathFault::Character(c) => (
            format!("a path holds the character {}", c.escape_default()),
            "use forward slashes and printable characters",
        ),
        PathFault::Empty => ("a path is empty".to_owned(), "name a file or a folder, or remove it"),
    };
    Diagnostic::error("path-outside", message).at(named.span, "").help(help)
}

/// The paths under `spec.sources.<key>`.
pub(super) fn paths_of(document: &Node, key: &str) -> Vec<Spanned<String>> {
    let pointer = Pointer::root().join("spec").join("sources").join(key);
    let list = document.at(&pointer).and_then(Node::as_list).unwrap_or_default();
    list.iter()
        .filter_map(|node| Some(Spanned::new(node.as_str()?.to_owned(), node.span)))
        .collect()
}
