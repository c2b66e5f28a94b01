//! The tree on disk: links, foreign files, scope, drift, concurrent runs.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use waypost::k8s::ObjectRef;
use waypost::tree::disk::{Claim, DiskError, EnvironmentFolder, SwapMethod, read};
use waypost::tree::{
    Allowances, Change, ClusterProvenance, Digest, DriftKind, Local, Provenance, Scope, Tree,
    TreeFile, check, plan,
};

/// A folder that goes with the test; in memory where the system has such a place, because the
/// tests sync a lot.
pub struct Place(tempfile::TempDir);

impl Place {
    pub fn new() -> Self {
        let memory = Path::new("/dev/shm");
        let folder =
            if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        Self(folder.expect("a temporary folder"))
    }

    pub fn root(&self) -> &Path {
        self.0.path()
    }

    pub fn folder(&self) -> EnvironmentFolder {
        folder(self.root())
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder().path().join(path)
    }

    pub fn put(&self, path: &str, text: &str) {
        put(&self.at(path), text);
    }
}

pub fn folder(root: &Path) -> EnvironmentFolder {
    EnvironmentFolder::new(root, "rendered/brownfield").expect("a plain path")
}

#[allow(clippy::disallowed_methods, reason = "tests play the user who edits files")]
fn put(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, text).expect("a file");
}

/// A tree of these paths; the object of a file is made of its name, `<kind>-<name>.yaml`.
pub fn tree(files: &[(&str, &str)]) -> Tree {
    let mut tree = Tree::default();
    for (path, text) in files {
        let stem = path.rsplit('/').next().and_then(|name| name.strip_suffix(".yaml"));
        let object = stem.and_then(|s| s.split_once('-')).map(|(kind, name)| ObjectRef {
            group: String::new(),
            kind: kind.into(),
            namespace: None,
            name: name.into(),
        });
        tree.add(*path, TreeFile::new((*text).to_owned(), object)).expect("a path of a tree");
    }
    tree
}

pub fn provenance(input: &str) -> Provenance {
    let cluster = ClusterProvenance {
        input: Digest::of(input.as_bytes()),
        stages: [("client".to_owned(), "none".to_owned())].into(),
    };
    let clusters = ["c1", "c2"].map(|name| (name.to_owned(), cluster.clone()));
    Provenance { tool: "0.1.0".into(), clusters: clusters.into() }
}

pub fn render(
    folder: EnvironmentFolder,
    tree: &Tree,
    scope: &Scope,
    method: SwapMethod,
) -> Result<Change, DiskError> {
    let claim = Claim::take(folder, method)?;
    let local = claim.read()?;
    let everything =
        Allowances { empty_unit: true, namespace_removal: true, shrink: true, moves: true };
    let change = plan(tree, &local, &provenance("spec"), scope, &everything);
    if change.is_allowed() {
        claim.write(tree, &change)?;
    }
    Ok(change)
}

fn render_all(place: &Place, tree: &Tree) -> Change {
    render(place.folder(), tree, &Scope::default(), SwapMethod::Exchange).expect("a render")
}

fn drift(place: &Place, tree: &Tree) -> Vec<(String, DriftKind)> {
    let local: Local = read(&place.folder()).expect("a readable folder");
    check(tree, &local, &provenance("spec"), &Scope::default())
        .into_iter()
        .map(|d| (d.path, d.kind))
        .collect()
}

/// Every file below a folder, with its bytes.
pub fn snapshot(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in walkdir::WalkDir::new(folder) {
        let entry = entry.expect("a readable folder");
        if !entry.file_type().is_dir() {
            let path = entry.path().strip_prefix(folder).expect("below").to_str().expect("text");
            files.insert(path.to_owned(), fs::read(entry.path()).expect("a file"));
        }
    }
    files
}

const BEFORE: &[(&str, &str)] = &[
    ("c1/enrollment/kustomization.yaml", "resources: [client/namespace-client.yaml]\n"),
    ("c1/enrollment/client/Namespace-client.yaml", "a: 1\nb: 2\nc: 3\n"),
    ("c1/mesh/client/gateway-waypoint.yaml", "kind: Gateway\n"),
    ("c1/mesh/kustomization.yaml", "resources: [client/gateway-waypoint.yaml]\n"),
    ("c2/mesh/kustomization.yaml", "resources: []\n"),
    ("c2/mesh/client/gateway-waypoint.yaml", "kind: Gateway\n"),
];

const AFTER: &[(&str, &str)] = &[
    ("c1/enrollment/kustomization.yaml", "resources: [client/namespace-client.yaml]\n"),
    ("c1/enrollment/client/Namespace-client.yaml", "a: 2\n"),
    ("c1/expected/client/policy-allow.yaml", "kind: AuthorizationPolicy\n"),
    ("c2/mesh/kustomization.yaml", "resources: [x]\n"),
    ("c2/mesh/client/gateway-waypoint.yaml", "kind: Gateway\n"),
];

#[test]
fn render_then_check_is_clean_and_render_again_touches_nothing() {
    let place = Place::new();
    let before = tree(BEFORE);
    let change = render_all(&place, &before);
    assert_eq!((change.create.len(), change.update.len()), (BEFORE.len() + 2, 0));
    assert_eq!(drift(&place, &before), []);
    let stat = |path: &str| {
        let found = fs::metadata(place.at(path)).expect("a file");
        (found.modified().expect("a time"), found.len())
    };
    let untouched = stat("");
    let again = render_all(&place, &before);
    assert!(again.is_empty());
    assert_eq!(again.unchanged.len(), BEFORE.len() + 2);
    assert_eq!(stat(""), untouched);
    assert_eq!(fs::read_dir(place.at("..")).expect("a folder").count(), 1, "nothing lies beside");

    let kept = stat("c2/mesh/client/gateway-waypoint.yaml");
    let change = render_all(&place, &tree(AFTER));
    assert_eq!(change.create, ["c1/expected/client/policy-allow.yaml"]);
    assert_eq!(
        change.delete,
        ["c1/mesh/client/gateway-waypoint.yaml", "c1/mesh/kustomization.yaml"]
    );
    assert_eq!(stat("c2/mesh/client/gateway-waypoint.yaml"), kept);
    assert!(!place.at("c1/mesh").exists());
    assert_eq!(drift(&place, &tree(AFTER)), []);
}

#[test]
fn two_renames_write_the_same_tree() {
    let (one, two) = (Place::new(), Place::new());
    for files in [BEFORE, AFTER] {
        let tree = tree(files);
        render_all(&one, &tree);
        render(two.folder(), &tree, &Scope::default(), SwapMethod::TwoRenames).expect("a render");
    }
    assert_eq!(snapshot(one.root()), snapshot(two.root()));
}
