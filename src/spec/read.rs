//! One environment, read with all of its inputs and nothing else (facts/field.md 12.34).

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;

use super::input::{Input, Placed};
use super::layer::{ENVIRONMENT_FILE, add_clusters, is_ours, layers};
use super::load::{Entry, EntryKind, Files};
use super::merge::name_of;
use super::place::Places;
use super::schema::{DocumentKind, GROUP};
use super::source::{Library, Written, paths_of, symlink};
use super::{AccessTest, Environment, PatchEntry, RawPatch};
use crate::diagnostic::{Diagnostic, Sources, Span, Spanned, has_errors, nearest, sort};
use crate::k8s::{Object, objects_of};
use crate::yaml::{Node, Pointer, Value, from_node};

/// Where environments lie.
const ENVIRONMENTS: &str = "environments";

/// Reads environments of one repository. Files that several share are read once.
pub struct Reader<'f> {
    library: Library<'f>,
    check: &'f SchemaCheck<'f>,
    /// Environments that are known to be there.
    folders: &'f [String],
}

/// Holds a document against the schema of its kind.
type SchemaCheck<'f> = dyn Fn(DocumentKind, &Node) -> Vec<Diagnostic> + 'f;

impl<'f> Reader<'f> {
    /// A reader of these files. `check` holds a document against the schema of its kind.
    pub fn new(files: &'f Files, check: &'f SchemaCheck<'f>) -> Self {
        Self { library: Library::new(files), check, folders: &[] }
    }

    /// As [`Reader::new`], for environments that have been listed: to list `environments/`
    /// again for each of hundreds takes longer than to read them.
    #[must_use]
    pub fn listed(self, folders: &'f [String]) -> Self {
        Self { folders, ..self }
    }

    /// The environments: folders of `environments/` with an `environment.yaml`, in order of their
    /// names. A document without `metadata.name` is a base that others extend, and left out.
    pub fn environments(&mut self) -> (Vec<String>, Vec<Diagnostic>) {
        let mut found = Vec::new();
        let mut names = self.folders();
        names.retain(|name| !self.is_base(name));
        found.extend(self.links().iter().map(|path| symlink(path, None)));
        found.extend(self.unreadable());
        if names.is_empty() && found.is_empty() {
            found
                .push(Diagnostic::error("unknown-environment", "there is no environment here").help(
                "write `environments/<name>/environment.yaml`; `waypost init` makes a first one",
            ));
        }
        (names, found)
    }

    /// Reads an environment by its name. What cannot be read is left out, and the findings say so;
    /// without a usable `environment.yaml` there is no input.
    pub fn read(&mut self, name: &str) -> (Option<Input>, Vec<Diagnostic>) {
        let mut found = Vec::new();
        let input = self.input(name, &mut found);
        sort(&mut found);
        (input, found)
    }

    /// The files and folders that what was read so far names (`extends`, `sources`, `base`,
    /// `patches`), relative to the repository, whether or not anything lies there. The empty path
    /// is the repository's own folder.
    pub fn named(&self) -> &BTreeSet<String> {
        self.library.named()
    }

    /// The texts that have been read, for whoever prints findings.
    pub fn sources(&self) -> &Sources {
        self.library.sources()
    }

    /// As [`Reader::sources`], at the end.
    pub fn into_sources(self) -> Sources {
        self.library.into_sources()
    }

    fn input(&mut self, name: &str, found: &mut Vec<Diagnostic>) -> Option<Input> {
        if !self.is_there(name) {
            let folders = self.folders();
            let path = format!("{ENVIRONMENTS}/{name}");
            let links = self.links();
            // all of them lie behind a link, where `environments` is one
            let link = links.iter().find(|link| **link == path || *link == ENVIRONMENTS);
            found.push(match link {
                Some(link) => symlink(link, None),
                None => self.unreadable().unwrap_or_else(|| unknown_environment(name, &folders)),
            });
            return None;
        }
        let mut document = layers(&mut self.library, &path_of(name), None, found)?;
        let errors = has_errors(found);
        add_clusters(&mut self.library, &mut document, self.check, found);
        let unfit = (self.check)(DocumentKind::Environment, &document);
        let fits = !has_errors(&unfit) && !errors;
        found.extend(unfit);
        check_name(name, &document, found);

        // sources are read even of a document that does not fit: all findings come at once
        let places = Places::new(format!("{ENVIRONMENTS}/{name}/"), clusters(&document));
        let bases = self.bases(&document, found);
        let tsb = self.objects(&document, "tsb", Written::ByPeople, &places, found);
        let inventory = self.objects(&document, "inventory", Written::ByMachines, &places, found);
        let direct = self.objects(&document, "direct", Written::ByPeople, &places, found);
        let access = self.access(&document, found);
        let traffic = self.traffic(&document, found);
        if !fits {
            return None;
        }
        let mut environment = typed::<Environment>(&document, found)?;
        let patches = self.patches(std::mem::take(&mut environment.spec.patches), found);
        let tsb = tsb.into_iter().map(|placed| placed.object).collect();
        Some(Input {
            environment,
            document,
            bases,
            tsb,
            inventory,
            direct,
            access,
            traffic,
            patches,
        })
    }

    /// Patches with the files that they name.
    fn patches(
        &mut self,
        typed: Vec<Spanned<RawPatch>>,
        found: &mut Vec<Diagnostic>,
    ) -> Vec<PatchEntry> {
        typed
            .into_iter()
            .map(|raw| {
                let file = raw.path.as_ref().and_then(|path| self.library.text(path, found));
                PatchEntry { raw, file }
            })
            .collect()
    }

    /// The folders of `environments/` that hold an `environment.yaml`.
    fn folders(&self) -> Vec<String> {
        let Entry::Folder(names) = self.library.files().entry(ENVIRONMENTS, 0) else {
            return Vec::new();
        };
        names
            .into_iter()
            .filter(|(name, kind)| *kind == EntryKind::Folder && self.has_document(name))
            .map(|(name, _)| name)
            .collect()
    }

    /// True for a folder of `environments/` with a document, called exactly so. The others are not
    /// entered: there may be hundreds.
    fn is_there(&self, name: &str) -> bool {
        if self.folders.iter().any(|listed| listed == name) {
            return true;
        }
        let Entry::Folder(names) = self.library.files().entry(ENVIRONMENTS, 0) else {
            return false;
        };
        let is_it = |(n, kind): &(String, EntryKind)| n == name && *kind == EntryKind::Folder;
        names.iter().any(is_it) && self.has_document(name)
    }

    fn has_document(&self, name: &str) -> bool {
        match self.library.files().entry(&format!("{ENVIRONMENTS}/{name}"), 0) {
            Entry::Folder(names) => names.iter().any(|(n, _)| n == ENVIRONMENT_FILE),
            _ => false,
        }
    }

    /// Why nothing can be said of what lies in `environments/`.
    fn unreadable(&self) -> Option<Diagnostic> {
        let Entry::Unreadable(why) = self.library.files().entry(ENVIRONMENTS, 0) else {
            return None;
        };
        let message = format!("`{ENVIRONMENTS}` cannot be read: {why}");
        Some(Diagnostic::error("unreadable-file", message))
    }

    /// Symbolic links where environments lie: one that is not followed must not go unseen.
    fn links(&self) -> Vec<String> {
        match self.library.files().entry(ENVIRONMENTS, 0) {
            Entry::Symlink => vec![ENVIRONMENTS.to_owned()],
            Entry::Folder(names) => names
                .into_iter()
                .filter(|(_, kind)| *kind == EntryKind::Symlink)
                .map(|(name, _)| format!("{ENVIRONMENTS}/{name}"))
                .collect(),
            _ => Vec::new(),
        }
    }

    fn is_base(&mut self, name: &str) -> bool {
        // what is wrong with the file is reported when it is read
        let mut unheard = Vec::new();
        let documents =
            self.library.documents(&path_of(name), None, Written::ByPeople, &mut unheard);
        documents.is_some_and(|documents| match documents.as_slice() {
            [one] => {
                one.root.get("kind").and_then(Node::as_str)
                    == Some(DocumentKind::Environment.as_str())
                    && one.root.get("metadata").and_then(|m| m.get("name")).is_none()
            }
            _ => false,
        })
    }

    /// The resources that `base` fields name.
    fn bases(&mut self, document: &Node, found: &mut Vec<Diagnostic>) -> BTreeMap<Span, Object> {
        let mut wanted = Vec::new();
        if let Some(base) = at(document, "/spec/managementPlane/base").and_then(text) {
            wanted.push((base, "ManagementPlane"));
        }
        for cluster in at(document, "/spec/clusters").and_then(Node::as_list).unwrap_or_default() {
            if let Some(base) = at(cluster, "/controlPlane/base").and_then(text) {
                wanted.push((base, "ControlPlane"));
            }
        }
        let mut bases = BTreeMap::new();
        for (named, kind) in wanted {
            if let Some(object) = self.base(&named, kind, found) {
                bases.insert(named.span, object);
            }
        }
        bases
    }

    fn base(
        &mut self,
        named: &Spanned<String>,
        kind: &str,
        found: &mut Vec<Diagnostic>,
    ) -> Option<Object> {
        let path = self.library.resolve(named, found)?;
        let mut here = Vec::new();
        let documents =
            self.library.documents(&path, Some(named.span), Written::ByPeople, &mut here);
        let (objects, not_objects) = objects_of(documents.unwrap_or_default());
        here.extend(not_objects);
        let unread = has_errors(&here);
        found.append(&mut here);
        if unread {
            return None;
        }
        let (mut fit, others): (Vec<_>, Vec<_>) =
            objects.into_iter().partition(|o| o.gvk.is("install.tetrate.io", kind));
        if fit.len() == 1 && others.is_empty() {
            return fit.pop();
        }
        let diagnostic = Diagnostic::error(
            "not-a-base",
            format!("`{}` must hold one {kind} and nothing else", named.value),
        )
        .at(named.span, "named here");
        found.push(match others.first().or(fit.get(1)) {
            Some(odd) => diagnostic
                .also(odd.name_span(), format!("this {} is too much", odd.gvk.kind))
                .help("give what else it holds a file of its own"),
            None => diagnostic.help(format!("put the {kind} of `install.tetrate.io` there")),
        });
        None
    }

    /// The objects in the files that `sources.<key>` names.
    fn objects(
        &mut self,
        document: &Node,
        key: &str,
        written: Written,
        places: &Places,
        found: &mut Vec<Diagnostic>,
    ) -> Vec<Placed> {
        let mut all = Vec::new();
        let files = self.files_of(document, key, found);
        places.report_misspelt(&files, found);
        for (path, span) in files {
            let before = found.len();
            let documents = self.library.documents(&path, Some(span), written, found);
            let is_read = documents.is_some() && !has_errors(&found[before..]);
            let (objects, not_objects) = objects_of(documents.unwrap_or_default());
            if is_read && objects.is_empty() && not_objects.is_empty() {
                found.push(
                    Diagnostic::error("empty-source", format!("`{path}` holds no object"))
                        .at(span, "named here")
                        .help("fill the file, or do not name it: what came from it would be lost"),
                );
            }
            found.extend(not_objects);
            let cluster = places.cluster_of(&path);
            for mut object in objects {
                if object.gvk.group == GROUP {
                    found.push(misplaced(&object, key));
                    continue;
                }
                if written == Written::ByMachines {
                    without_managed_fields(&mut object.body);
                }
                all.push(Placed { object, cluster: cluster.clone() });
            }
        }
        all
    }

    fn access(&mut self, document: &Node, found: &mut Vec<Diagnostic>) -> Vec<AccessTest> {
        let mut tests = Vec::new();
        for (path, span) in self.files_of(document, "access", found) {
            let before = found.len();
            let documents = self.library.documents(&path, Some(span), Written::ByPeople, found);
            if documents.as_ref().is_some_and(Vec::is_empty) && !has_errors(&found[before..]) {
                found.push(
                    Diagnostic::error("empty-source", format!("`{path}` holds no access test"))
                        .at(span, "named here")
                        .help("fill the file, or do not name it: nothing would be asserted"),
                );
            }
            for document in documents.unwrap_or_default() {
                if !is_ours(&document.root, DocumentKind::AccessTest, found) {
                    continue;
                }
                let unfit = (self.check)(DocumentKind::AccessTest, &document.root);
                let fits = !has_errors(&unfit);
                found.extend(unfit);
                if fits {
                    tests.extend(typed(&document.root, found));
                }
            }
        }
        tests
    }

    /// The paths of access logs. Only where they lie is looked at: what is not there concerns who
    /// wants to replay it.
    fn traffic(&mut self, document: &Node, found: &mut Vec<Diagnostic>) -> Vec<Spanned<String>> {
        let mut paths = Vec::new();
        for named in paths_of(document, "traffic") {
            let Some(path) = self.library.resolve(&named, found) else { continue };
            if self.library.files().entry(&path, 0) == Entry::Symlink {
                found.push(symlink(&path, Some(named.span)));
                continue;
            }
            paths.push(Spanned::new(path, named.span));
        }
        paths
    }

    /// The files that `sources.<key>` names, each once.
    fn files_of(
        &mut self,
        document: &Node,
        key: &str,
        found: &mut Vec<Diagnostic>,
    ) -> Vec<(String, Span)> {
        let mut seen = BTreeSet::new();
        let mut files = Vec::new();
        for named in paths_of(document, key) {
            for path in self.library.walk(&named, found) {
                if seen.insert(path.clone()) {
                    files.push((path, named.span));
                }
            }
        }
        files
    }
}

/// A document of ours where Kubernetes' and TSB's belong.
fn misplaced(object: &Object, key: &str) -> Diagnostic {
    let kind = &object.gvk.kind;
    let at = object.body.get("kind").map_or(object.span(), |kind| kind.span);
    let diagnostic = Diagnostic::error(
        "misplaced-document",
        format!("`kind: {kind}` does not belong into `sources.{key}`"),
    )
    .at(at, "");
    match kind.as_str() {
        "AccessTest" => diagnostic.help("name its file under `sources.access`"),
        "Cluster" => diagnostic.help("name its file under `sources.clusters`"),
        _ => diagnostic.help("name the files that belong there, instead of the whole folder"),
    }
}

/// Who set which field when is most of a dump's text, and nobody reads it here.
fn without_managed_fields(body: &mut Node) {
    if let Value::Mapping(root) = &mut body.value
        && let Some(metadata) = root.entries.iter_mut().find(|e| e.key == "metadata")
        && let Value::Mapping(metadata) = &mut metadata.value.value
    {
        metadata.entries.retain(|e| e.key != "managedFields");
    }
}

fn path_of(name: &str) -> String {
    format!("{ENVIRONMENTS}/{name}/{ENVIRONMENT_FILE}")
}

fn unknown_environment(name: &str, known: &[String]) -> Diagnostic {
    let diagnostic =
        Diagnostic::error("unknown-environment", format!("there is no environment `{name}`"));
    match nearest(name, known.iter().map(String::as_str)) {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None => diagnostic.help("an environment is a file `environments/<name>/environment.yaml`"),
    }
}

/// The folder is where the tree of an environment goes, so it must bear its name.
fn check_name(folder: &str, document: &Node, found: &mut Vec<Diagnostic>) {
    let Some(name) = at(document, "/metadata/name").and_then(text) else { return };
    if name.value != folder {
        found.push(
            Diagnostic::error(
                "environment-name",
                format!("the environment `{}` lies in a folder `{folder}`", name.value),
            )
            .at(name.span, "")
            .help(format!("call it `{folder}`, or rename the folder")),
        );
    }
}

fn clusters(document: &Node) -> BTreeSet<String> {
    let list = at(document, "/spec/clusters").and_then(Node::as_list).unwrap_or_default();
    list.iter().filter_map(name_of).map(str::to_owned).collect()
}

fn at<'n>(node: &'n Node, pointer: &str) -> Option<&'n Node> {
    node.at(&Pointer::parse(pointer)?)
}

fn text(node: &Node) -> Option<Spanned<String>> {
    Some(Spanned::new(node.as_str()?.to_owned(), node.span))
}

/// Reads a document that its schema takes. That it cannot be read then is a fault of ours.
fn typed<T: DeserializeOwned>(node: &Node, found: &mut Vec<Diagnostic>) -> Option<T> {
    match from_node(node) {
        Ok(value) => Some(value),
        Err(e) => {
            found.push(
                Diagnostic::error(
                    "internal",
                    format!(
                        "the schema takes what cannot be read ({}); this is a bug in waypost",
                        e.message
                    ),
                )
                .at(e.span.unwrap_or(node.span), ""),
            );
            None
        }
    }
}
