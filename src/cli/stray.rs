//! What lies where environments and their trees lie, and belongs to no environment: Argo CD and Flux
//! go on applying a tree whose spec is gone, and nothing would check it.

use std::collections::BTreeSet;
use std::path::{Component, Path};

use super::gitops::Folders;
use crate::diagnostic::Diagnostic;
use crate::model::Target;
use crate::spec::{Entry, EntryKind, Files};
use crate::tree::path::check_name;
use crate::tree::{LOCK_NAME, is_read_by_appliers};

/// Where specs lie, and the name of each.
const ENVIRONMENTS: &str = "environments";
const SPEC: &str = "environment.yaml";
/// Folders inside of folders, beyond which nothing is looked for.
const DEEPEST: usize = 64;

/// Something that belongs to no environment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Stray {
    /// Where, relative to the repository.
    pub path: String,
    /// The environment whose it would be, by its place.
    pub environment: Option<String>,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// A tree, or what an applier is told, of an environment without a spec.
    Tree,
    /// A file that an applier may read, in no environment's folder.
    File,
    /// A spec under another name than the one that is read.
    SpecName,
    /// A symbolic link.
    Link,
    /// A folder that cannot be listed, or what is no file; why.
    Unreadable(String),
}

impl Stray {
    /// True where a run for these environments is to tell of it; none stands for all.
    pub(super) fn concerns(&self, wanted: &[String]) -> bool {
        wanted.is_empty() || self.environment.as_ref().is_none_or(|name| wanted.contains(name))
    }

    /// True for a tree that a spec once had.
    pub(super) fn is_tree(&self) -> bool {
        self.kind == Kind::Tree
    }

    /// The finding.
    pub(super) fn to_diagnostic(&self) -> Diagnostic {
        let path = &self.path;
        match &self.kind {
            Kind::Tree if self.environment.is_none() => Diagnostic::error(
                "tree-without-spec",
                format!("`{path}` has no spec: no environment can have its name"),
            )
            .help("appliers go on applying it: delete it"),
            Kind::Tree => {
                let name = self.environment.as_deref().unwrap_or_default();
                Diagnostic::error(
                    "tree-without-spec",
                    format!("`{path}` has no spec: there is no environment `{name}`"),
                )
                .help(format!(
                    "appliers go on applying it: write `{ENVIRONMENTS}/{name}/{SPEC}`, or delete it with `waypost prune {name}`"
                ))
            }
            Kind::File => Diagnostic::error(
                "foreign-file",
                format!("file `{path}` lies in no environment's folder, and waypost did not write it"),
            )
            .help("move it out of this folder: Argo CD and Flux may read whatever lies there"),
            Kind::SpecName => Diagnostic::error("spec-not-read", format!("`{path}` is not read"))
                .help(format!("rename it: a spec is `{ENVIRONMENTS}/<name>/{SPEC}`, in lower case")),
            Kind::Link => Diagnostic::error("tree-symlink", format!("`{path}` is a symbolic link"))
                .help("put the folder itself there: links are not followed, so that nothing hides behind one"),
            Kind::Unreadable(why) => {
                Diagnostic::error("tree-unreadable", format!("`{path}` cannot be read: {why}"))
                    .help("what lies there is not checked: give the right to read it, or delete it")
            }
        }
    }
}

/// Everything that belongs to none of these environments, by path.
pub(super) fn strays(files: &Files, known: &[String], folders: &Folders) -> Vec<Stray> {
    let known: BTreeSet<&str> = known.iter().map(String::as_str).collect();
    let mut search = Search { files, known, found: Vec::new() };
    search.specs();
    if let Some(out) = below_root(folders.out()) {
        search.trees(&out);
    }
    if let Some(told) = folders.told().and_then(|told| below_root(Path::new(told))) {
        let targets = Target::ALL.map(Target::as_str);
        search.others(&told, &targets);
        for target in targets {
            search.trees(&format!("{told}/{target}"));
        }
    }
    search.found.sort();
    search.found
}

/// A folder of the repository; `None` for another, which may hold anything.
fn below_root(folder: &Path) -> Option<String> {
    let parts = folder.components().map(|part| match part {
        Component::Normal(name) => name.to_str(),
        _ => None,
    });
    let parts: Vec<&str> = parts.collect::<Option<_>>()?;
    (!parts.is_empty()).then(|| parts.join("/"))
}

struct Search<'a> {
    files: &'a Files,
    known: BTreeSet<&'a str>,
    found: Vec<Stray>,
}

impl Search<'_> {
    fn add(&mut self, path: &str, environment: Option<&str>, kind: Kind) {
        let environment = environment.map(str::to_owned);
        self.found.push(Stray { path: path.to_owned(), environment, kind });
    }

    /// The names in a folder; none where there is no such folder. What cannot be listed is found.
    fn names(&mut self, path: &str, environment: Option<&str>) -> Vec<(String, EntryKind)> {
        match self.files.entry(path, 0) {
            Entry::Folder(names) => names,
            Entry::Missing => Vec::new(),
            Entry::Symlink => {
                self.add(path, environment, Kind::Link);
                Vec::new()
            }
            Entry::File(_) | Entry::TooLarge(_) | Entry::NotText(..) => {
                self.add(path, environment, Kind::Unreadable("it is no folder".to_owned()));
                Vec::new()
            }
            Entry::Unreadable(why) => {
                self.add(path, environment, Kind::Unreadable(why));
                Vec::new()
            }
        }
    }

    /// Specs that are not read, and folders of specs that cannot be.
    fn specs(&mut self) {
        for (name, _) in self.names("", None) {
            if name != ENVIRONMENTS && name.eq_ignore_ascii_case(ENVIRONMENTS) {
                self.add(&name, None, Kind::SpecName);
            }
        }
        for (folder, kind) in self.names(ENVIRONMENTS, None) {
            // a link is a finding of every reading
            if kind != EntryKind::Folder {
                continue;
            }
            let path = format!("{ENVIRONMENTS}/{folder}");
            let of = check_name(&folder).is_ok().then_some(folder.as_str());
            for (name, _) in self.names(&path, of) {
                let stem = name.rsplit_once('.').filter(|(stem, end)| {
                    stem.eq_ignore_ascii_case("environment")
                        && ["yaml", "yml", "json"]
                            .iter()
                            .any(|known| end.eq_ignore_ascii_case(known))
                });
                if stem.is_some() && name != SPEC {
                    self.add(&format!("{path}/{name}"), of, Kind::SpecName);
                }
            }
        }
    }

    /// Folders of environments that are not there, and what else lies beside those that are.
    fn trees(&mut self, folder: &str) {
        for (name, kind) in self.names(folder, None) {
            let path = format!("{folder}/{name}");
            match kind {
                EntryKind::Folder if self.known.contains(name.as_str()) => {}
                // of one that is there, by whose name: any other would be a place to hide a tree in
                EntryKind::Folder if of_a_run(&name).is_some_and(|of| self.known.contains(of)) => {}
                EntryKind::Folder => {
                    // a name that no environment can have is of none: it is told to all
                    let of = check_name(&name).is_ok().then_some(name.as_str());
                    if self.holds_something(&path, of, DEEPEST) {
                        self.add(&path, of, Kind::Tree);
                    }
                }
                _ => self.beside(&path, None, kind),
            }
        }
    }

    /// What lies in a folder beside the folders of these names.
    fn others(&mut self, folder: &str, names: &[&str]) {
        for (name, kind) in self.names(folder, None) {
            if !names.contains(&name.as_str()) {
                self.within(&format!("{folder}/{name}"), kind, DEEPEST);
            }
        }
    }

    fn within(&mut self, path: &str, kind: EntryKind, deepest: usize) {
        if kind != EntryKind::Folder {
            return self.beside(path, None, kind);
        }
        if deepest == 0 {
            return self.add(path, None, Kind::Unreadable("it lies too deep".to_owned()));
        }
        for (name, kind) in self.names(path, None) {
            self.within(&format!("{path}/{name}"), kind, deepest - 1);
        }
    }

    fn beside(&mut self, path: &str, environment: Option<&str>, kind: EntryKind) {
        match kind {
            EntryKind::Symlink => self.add(path, environment, Kind::Link),
            EntryKind::File if is_read_by_appliers(path) => self.add(path, environment, Kind::File),
            EntryKind::Other => {
                let why = "it is a device, a pipe or a socket".to_owned();
                self.add(path, environment, Kind::Unreadable(why));
            }
            EntryKind::File | EntryKind::Folder => {}
        }
    }

    /// True where a folder holds a lock, what an applier may read, or what cannot be told.
    fn holds_something(&mut self, path: &str, environment: Option<&str>, deepest: usize) -> bool {
        if deepest == 0 {
            return true;
        }
        let Entry::Folder(names) = self.files.entry(path, 0) else {
            self.names(path, environment);
            return false;
        };
        names.into_iter().any(|(name, kind)| match kind {
            EntryKind::Folder => {
                self.holds_something(&format!("{path}/{name}"), environment, deepest - 1)
            }
            EntryKind::File => name == LOCK_NAME || is_read_by_appliers(&name),
            EntryKind::Symlink | EntryKind::Other => true,
        })
    }
}

/// The environment beside whose folder a run writes this while it works.
fn of_a_run(name: &str) -> Option<&str> {
    const PURPOSES: [&str; 4] = ["new", "old", "journal", "run"];
    let (of, purpose) = name.strip_prefix('.')?.rsplit_once(".waypost-")?;
    PURPOSES.contains(&purpose).then_some(of)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(paths: &[&str], known: &[&str]) -> Vec<(String, &'static str, Option<String>)> {
        let texts = paths.iter().map(|path| ((*path).to_owned(), String::new())).collect();
        let known: Vec<String> = known.iter().map(|name| (*name).to_owned()).collect();
        let folders = Folders { out: None, gitops: None };
        strays(&Files::Memory(texts), &known, &folders)
            .into_iter()
            .map(|stray| (stray.path.clone(), stray.to_diagnostic().code, stray.environment))
            .collect()
    }

    #[test]
    fn what_belongs_to_no_environment_is_found_wherever_an_applier_may_read_it() {
        let of = |name: &str| Some(name.to_owned());
        let all = found(
            &[
                "environments/prod/environment.yaml",
                "environments/test/environment.yml",
                "environments/dev/Environment.yaml",
                "environments/shared/notes.yaml",
                "rendered/prod/c/waypost.lock",
                "rendered/old/c/waypost.lock",
                "rendered/bare/c/mesh/policy.yaml",
                "rendered/docs/README.md",
                "rendered/loose.yaml",
                "rendered/README.md",
                "rendered/.prod.waypost-new/c/mesh/policy.yaml",
                "rendered/.gone.waypost-new/c/mesh/policy.yaml",
                "gitops/argocd/prod/waypost.lock",
                "gitops/argocd/old/application.yaml",
                "gitops/flux/prod/c/kustomization.yaml",
                "gitops/flux/old/waypost.lock",
                "gitops/apps/root.yaml",
                "gitops/README.md",
            ],
            &["prod"],
        );
        let wanted = [
            ("environments/dev/Environment.yaml", "spec-not-read", of("dev")),
            ("environments/test/environment.yml", "spec-not-read", of("test")),
            ("gitops/apps/root.yaml", "foreign-file", None),
            ("gitops/argocd/old", "tree-without-spec", of("old")),
            ("gitops/flux/old", "tree-without-spec", of("old")),
            ("rendered/.gone.waypost-new", "tree-without-spec", None),
            ("rendered/bare", "tree-without-spec", of("bare")),
            ("rendered/loose.yaml", "foreign-file", None),
            ("rendered/old", "tree-without-spec", of("old")),
        ];
        let wanted: Vec<_> =
            wanted.into_iter().map(|(path, code, of)| (path.to_owned(), code, of)).collect();
        assert_eq!(all, wanted);
        assert_eq!(found(&["environments/a/environment.yaml"], &["a"]), []);
        assert_eq!(found(&["Environments/a/environment.yaml"], &[])[0].1, "spec-not-read");
    }

    #[test]
    fn a_run_is_told_of_what_is_its_own_and_of_what_is_no_ones() {
        let stray = |environment: Option<&str>| Stray {
            path: "x".to_owned(),
            environment: environment.map(str::to_owned),
            kind: Kind::File,
        };
        let wanted = ["prod".to_owned()];
        assert!(stray(Some("prod")).concerns(&wanted) && stray(None).concerns(&wanted));
        assert!(!stray(Some("old")).concerns(&wanted) && stray(Some("old")).concerns(&[]));
    }
}
