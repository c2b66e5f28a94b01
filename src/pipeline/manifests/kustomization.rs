//! Kustomizations that are among the files: which objects each applies, and in which namespace.
//!
//! Of what kustomize does this is `resources`, `components` and `namespace`; whatever else changes
//! objects is said not to be done ([`Build::undone`]). A kustomization that another one takes in is
//! built as a part of that one (kubernetes-sigs/kustomize `api/internal/target/kusttarget.go`
//! `accumulateResources`).

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{Diagnostic, Span};
use crate::k8s::Object;
use crate::validate::identity::{Identity, identity};
use crate::yaml::{Mapping, Node};

/// A kustomization that no other one takes in.
#[derive(Debug)]
pub(super) struct Build {
    /// Its folder.
    pub(super) folder: String,
    /// The files of its objects, and the namespace that they get; each file once.
    pub(super) files: BTreeMap<usize, Option<String>>,
}

/// A kustomization file, as far as it is built.
struct Kustomization<'a> {
    at: usize,
    folder: &'a str,
    is_ours: bool,
    namespace: Option<&'a str>,
    /// Files and folders that it takes in, seen from the root.
    resources: Vec<String>,
    object: &'a Object,
}

/// What is read of the kustomizations of a run.
pub(super) struct Kustomizations {
    /// The builds, in the order of their folders.
    pub(super) builds: Vec<Build>,
    /// Files that are patches: parts of objects.
    pub(super) patches: BTreeSet<String>,
    /// What kustomize would do besides.
    pub(super) found: Vec<Diagnostic>,
}

/// A file of a run.
pub(super) struct Read<'a> {
    pub(super) path: &'a str,
    pub(super) objects: &'a [Object],
    /// It is a part of a tree of ours, whose patches are ours, too.
    pub(super) is_ours: bool,
}

/// Reads the kustomizations among some files.
pub(super) fn read(files: &[Read<'_>]) -> Kustomizations {
    let by_path: BTreeMap<&str, usize> =
        files.iter().enumerate().map(|(at, file)| (file.path, at)).collect();
    let mut all: BTreeMap<&str, Kustomization<'_>> = BTreeMap::new();
    let mut patches = BTreeSet::new();
    for (at, Read { path, objects, is_ours }) in files.iter().enumerate() {
        if !is_kustomization(path) {
            continue;
        }
        let folder = folder_of(path);
        for object in objects.iter().filter(|o| o.gvk.group == "kustomize.config.k8s.io") {
            let text = |key: &str| object.body.get(key).and_then(Node::as_str);
            let paths = ["resources", "bases", "components"].into_iter();
            let resources = paths.flat_map(|key| texts(&object.body, key));
            all.insert(
                folder,
                Kustomization {
                    at,
                    folder,
                    is_ours: *is_ours,
                    namespace: text("namespace").filter(|n| !n.is_empty()),
                    resources: resources.map(|path| joined(folder, path)).collect(),
                    object,
                },
            );
            patches.extend(patch_files(&object.body).map(|path| joined(folder, path)));
        }
    }
    let taken_in: BTreeSet<&str> =
        all.values().flat_map(|k| &k.resources).map(String::as_str).collect();
    let roots = all.values().filter(|k| !taken_in.contains(k.folder));
    let builds: Vec<Build> = roots.map(|root| build(root, &all, &by_path)).collect();
    let found = undone(&all);
    Kustomizations { builds, patches, found }
}

fn build(
    root: &Kustomization<'_>,
    all: &BTreeMap<&str, Kustomization<'_>>,
    by_path: &BTreeMap<&str, usize>,
) -> Build {
    let mut build = Build { folder: root.folder.to_owned(), files: BTreeMap::new() };
    let mut seen = BTreeSet::new();
    // of two namespaces the outer one stands: it is set last
    let mut open: Vec<(&Kustomization<'_>, Option<&str>)> = vec![(root, None)];
    while let Some((kustomization, outer)) = open.pop() {
        if !seen.insert(kustomization.folder) {
            continue;
        }
        let namespace = outer.or(kustomization.namespace);
        build.files.insert(kustomization.at, None);
        for path in &kustomization.resources {
            if let Some(below) = all.get(path.as_str()) {
                open.push((below, namespace));
            } else if let Some(at) = by_path.get(path.as_str()) {
                build.files.insert(*at, namespace.map(str::to_owned));
            }
        }
    }
    build
}

/// The object as the build applies it. kustomize gives its namespace to every object that is not of
/// a kind that it knows to have none, and its name to every Namespace
/// (`api/filters/namespace/namespace.go`); what would rename a Namespace is a finding of its own.
pub(super) fn in_namespace(object: &Object, namespace: &str) -> Object {
    let mut object = object.clone();
    if !is_cluster_scoped(&object) {
        object.set_namespace(namespace);
    }
    object
}

/// Which object it is then.
pub(super) fn identity_in(object: &Object, namespace: Option<&str>) -> Option<Identity> {
    let mut identity = identity(object)?;
    if namespace.is_some() && !is_cluster_scoped(object) {
        identity.reference.namespace = namespace.map(str::to_owned);
    }
    Some(identity)
}

/// Kinds without a namespace: those that kustomize knows (kyaml `openapi/openapi.go`
/// `precomputedIsNamespaceScoped`), and those of the Gateway API and of TSB's installation.
fn is_cluster_scoped(object: &Object) -> bool {
    let gvk = &object.gvk;
    match gvk.group.as_str() {
        "" => matches!(gvk.kind.as_str(), "Namespace" | "Node" | "PersistentVolume"),
        "rbac.authorization.k8s.io" => gvk.kind.starts_with("Cluster"),
        "gateway.networking.k8s.io" => gvk.kind == "GatewayClass",
        "storage.k8s.io"
        | "node.k8s.io"
        | "scheduling.k8s.io"
        | "apiregistration.k8s.io"
        | "apiextensions.k8s.io"
        | "admissionregistration.k8s.io"
        | "certificates.k8s.io"
        | "flowcontrol.apiserver.k8s.io"
        | "kustomize.config.k8s.io" => true,
        "networking.k8s.io" => gvk.kind == "IngressClass",
        "policy" => gvk.kind == "PodSecurityPolicy",
        _ => false,
    }
}

/// What changes objects and is not done here: one finding for all kustomizations of a run.
fn undone(all: &BTreeMap<&str, Kustomization<'_>>) -> Vec<Diagnostic> {
    const CHANGES: [&str; 17] = [
        "namePrefix",
        "nameSuffix",
        "patches",
        "patchesStrategicMerge",
        "patchesJson6902",
        "commonLabels",
        "labels",
        "commonAnnotations",
        "replacements",
        "vars",
        "configMapGenerator",
        "secretGenerator",
        "generators",
        "transformers",
        "helmCharts",
        "helmChartInflationGenerator",
        "replicas",
    ];
    let mut fields: BTreeSet<&str> = BTreeSet::new();
    let (mut first, mut count): (Option<Span>, usize) = (None, 0);
    for kustomization in all.values().filter(|k| !k.is_ours) {
        let root = kustomization.object.body.as_mapping();
        let entry = |key: &&str| root.and_then(|m: &Mapping| m.entry(key));
        let mut here = CHANGES.iter().filter_map(entry).filter(|e| !e.value.is_null()).peekable();
        if let Some(entry) = here.peek() {
            first = first.or(Some(entry.key_span));
            count += 1;
        }
        fields.extend(here.map(|entry| entry.key.as_str()));
    }
    let Some(span) = first else { return Vec::new() };
    let fields: Vec<String> = fields.into_iter().map(|field| format!("`{field}`")).collect();
    let whose = match count {
        1 => "this kustomization".to_owned(),
        n => format!("{n} kustomizations"),
    };
    vec![
        Diagnostic::note(
            "not-built",
            format!(
                "objects are checked without what {} of {whose} would change",
                fields.join(", ")
            ),
        )
        .at(span, "the files are checked as they are, with `namespace` applied")
        .help("to check what is applied: `kustomize build FOLDER | waypost validate -`"),
    ]
}

/// The files that a kustomization names as patches.
fn patch_files(body: &Node) -> impl Iterator<Item = &str> {
    let list = |key: &str| body.get(key).and_then(Node::as_list).unwrap_or_default();
    let patches = list("patches").iter().filter_map(|p| p.get("path"));
    let json = list("patchesJson6902").iter().filter_map(|p| p.get("path"));
    let merges = list("patchesStrategicMerge").iter();
    patches.chain(json).chain(merges).filter_map(Node::as_str)
}

fn texts<'a>(body: &'a Node, key: &str) -> impl Iterator<Item = &'a str> {
    let items = body.get(key).and_then(Node::as_list).unwrap_or_default();
    items.iter().filter_map(Node::as_str)
}

/// True for the names under which kustomize finds its file
/// (`konfig.RecognizedKustomizationFileNames`).
pub(super) fn is_kustomization(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    matches!(name, "kustomization.yaml" | "kustomization.yml" | "Kustomization")
}

/// The folder of a file.
pub(super) fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// `a/b` and `../c/./d` is `a/c/d`.
pub(super) fn joined(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|p| !p.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let root = if folder.starts_with('/') { "/" } else { "" };
    format!("{root}{}", parts.join("/"))
}
