//! The tree from render to render: what changes, what is carried over, what is drift.

#![allow(clippy::expect_used, clippy::panic, reason = "tests may")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use waypost::k8s::ObjectRef;
use waypost::tree::disk::{
    Claim, DiskError, EnvironmentFolder, Replacement, SwapMethod, read, replace,
};
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

    pub fn at(&self, path: &str) -> PathBuf {
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
pub fn put(path: &Path, text: &str) {
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
        replace(&[Replacement { claim: &claim, tree, change: &change }])?;
    }
    Ok(change)
}

pub fn render_all(place: &Place, tree: &Tree) -> Change {
    render(place.folder(), tree, &Scope::default(), SwapMethod::Exchange).expect("a render")
}

pub fn drift(place: &Place, tree: &Tree) -> Vec<(String, DriftKind)> {
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

pub const BEFORE: &[(&str, &str)] = &[
    ("c1/enrollment/kustomization.yaml", "resources: [client/namespace-client.yaml]\n"),
    ("c1/enrollment/client/Namespace-client.yaml", "a: 1\nb: 2\nc: 3\n"),
    ("c1/mesh/client/gateway-waypoint.yaml", "kind: Gateway\n"),
    ("c1/mesh/kustomization.yaml", "resources: [client/gateway-waypoint.yaml]\n"),
    ("c2/mesh/kustomization.yaml", "resources: []\n"),
    ("c2/mesh/client/gateway-waypoint.yaml", "kind: Gateway\n"),
];

pub const AFTER: &[(&str, &str)] = &[
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

#[test]
fn drift_names_each_file_and_render_repairs_it() {
    use DriftKind::{Edited, Foreign, LineEnds, Missing};
    let before = tree(BEFORE);
    let file = "c1/enrollment/client/Namespace-client.yaml";
    type Spoil = fn(&Place, &str);
    let cases: [(&str, DriftKind, Spoil); 6] = [
        ("c1/mesh/kustomization.yaml", Edited, |p, f| p.put(f, "resources: []\n")),
        (file, Edited, |p, f| p.put(f, "")),
        (file, Edited, |p, f| p.put(f, "a: 1\nb: 2\n")),
        (file, LineEnds(1), |p, f| p.put(f, "a: 1\r\nb: 2\r\nc: 3\r\n")),
        (file, Missing, |p, f| fs::remove_file(p.at(f)).expect("a file")),
        ("c1/mesh/.argocd-source-x.yaml", Foreign, |p, f| p.put(f, "helm: {}\n")),
    ];
    for (path, kind, spoil) in cases {
        let place = Place::new();
        render_all(&place, &before);
        spoil(&place, path);
        assert_eq!(drift(&place, &before), [(path.to_owned(), kind.clone())]);
        let change = render_all(&place, &before);
        if kind == Foreign {
            assert_eq!(codes(&change), ["foreign-file"]);
            fs::remove_file(place.at(path)).expect("a file");
        }
        assert_eq!(drift(&place, &before), []);
    }
}

#[test]
fn file_cut_at_any_newline_is_drift() {
    let place = Place::new();
    let before = tree(BEFORE);
    render_all(&place, &before);
    let written = snapshot(&place.at(""));
    for (path, bytes) in &written {
        let ends = bytes.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(i, _)| i);
        for end in [0].into_iter().chain(ends) {
            place.put(path, std::str::from_utf8(&bytes[..end]).expect("text"));
            let drift = drift(&place, &before);
            assert!(drift.iter().any(|(p, _)| p == path), "{path} cut at {end}: {drift:?}");
        }
        place.put(path, std::str::from_utf8(bytes).expect("text"));
    }
    assert_eq!(drift(&place, &before), []);
}

pub fn codes(change: &Change) -> Vec<&'static str> {
    change.faults.iter().chain(&change.refusals).map(|d| d.code).collect()
}

#[test]
fn files_of_others_are_carried_over_and_never_overwritten() {
    let place = Place::new();
    render_all(&place, &tree(BEFORE));
    let theirs =
        ["README.md", ".gitattributes", "c1/OWNERS", "c1/expected/note.txt", "docs/mesh/x"];
    for path in theirs {
        place.put(path, path);
    }
    let change = render_all(&place, &tree(AFTER));
    assert_eq!(codes(&change), Vec::<&str>::new());
    for path in theirs {
        assert!(change.carried.iter().any(|p| p == path), "{path}");
        assert_eq!(fs::read_to_string(place.at(path)).expect("their file"), path);
    }

    place.put("c1/expected/policy-b.yaml", "theirs");
    let found = snapshot(&place.at(""));
    let with = |path| {
        let mut tree = tree(AFTER);
        tree.add(path, TreeFile::new("ours".into(), None)).expect("a path");
        tree
    };
    for path in ["c1/expected/policy-b.yaml", "c1/expected/policy-B.yaml", "c1/OWNERS/x"] {
        let change = render_all(&place, &with(path));
        assert_eq!(codes(&change), ["file-in-the-way"], "{path}");
        let message = &change.faults[0].message;
        assert!(message.contains("`rendered/brownfield/c1/"), "{message}");
        assert_eq!(snapshot(&place.at("")), found, "nothing is written");
    }
}

#[test]
fn lost_lock_is_made_anew_where_the_bytes_are_the_same() {
    let place = Place::new();
    let before = tree(BEFORE);
    render_all(&place, &before);
    let written = snapshot(&place.at(""));
    fs::remove_file(place.at("c1/waypost.lock")).expect("the lock");
    assert_eq!(drift(&place, &before), [("c1/waypost.lock".into(), DriftKind::LockMissing)]);
    assert_eq!(codes(&render_all(&place, &tree(AFTER))), ["lock-missing"]);
    assert_eq!(render_all(&place, &before).create, ["c1/waypost.lock"]);
    assert_eq!(snapshot(&place.at("")), written);

    place.put("c1/waypost.lock", "<<<<<<< HEAD\n");
    assert_eq!(codes(&render_all(&place, &before)), ["lock-invalid"]);
    let drift = drift(&place, &before);
    assert!(
        matches!(&drift[0].1, DriftKind::LockInvalid(e) if e.contains("merge conflict")),
        "{drift:?}"
    );
}

#[test]
fn render_goes_on_from_both_sides_of_a_merge_conflict() {
    let place = Place::new();
    render_all(&place, &tree(BEFORE));
    let ours = fs::read_to_string(place.at("c1/waypost.lock")).expect("the lock");
    render_all(&place, &tree(AFTER));
    let theirs = fs::read_to_string(place.at("c1/waypost.lock")).expect("the lock");
    let conflict = format!("<<<<<<< HEAD\n{ours}=======\n{theirs}>>>>>>> main\n");
    place.put("c1/waypost.lock", &conflict);
    place.put("c1/mesh/client/gateway-waypoint.yaml", "<<<<<<< HEAD\n");
    let after = tree(AFTER);
    let drift_of = |path: &str| {
        drift(&place, &after).into_iter().find(|(p, _)| p == path).map(|(_, kind)| kind)
    };
    assert_eq!(drift_of("c1/mesh/client/gateway-waypoint.yaml"), Some(DriftKind::Edited));
    assert!(matches!(drift_of("c1/waypost.lock"), Some(DriftKind::LockInvalid(_))));
    let change = render_all(&place, &after);
    assert_eq!(codes(&change), Vec::<&str>::new());
    assert_eq!(change.delete, ["c1/mesh/client/gateway-waypoint.yaml"]);
    assert_eq!(drift(&place, &after), []);
    assert_eq!(fs::read_to_string(place.at("c1/waypost.lock")).expect("the lock"), theirs);
}

#[test]
fn what_is_out_of_scope_stays_with_its_lines_in_the_lock() {
    let place = Place::new();
    render_all(&place, &tree(BEFORE));
    let old = snapshot(&place.at(""));
    let c2 = Scope { clusters: Some(["c2".to_owned()].into()), units: None };
    let after = tree(AFTER);
    render(place.folder(), &after, &c2, SwapMethod::Exchange).expect("a render");
    let new = snapshot(&place.at(""));
    let changed: Vec<_> =
        new.iter().filter(|(p, b)| old.get(*p) != Some(b)).map(|(p, _)| p.as_str()).collect();
    assert_eq!(changed, ["c2/mesh/kustomization.yaml", "c2/waypost.lock"]);

    let enrollment = Scope {
        clusters: Some(["c1".to_owned()].into()),
        units: Some([waypost::model::Unit::Enrollment].into()),
    };
    render(place.folder(), &after, &enrollment, SwapMethod::Exchange).expect("a render");
    let found: Vec<_> = drift(&place, &after);
    let stale = |path: &str, kind| (path.to_owned(), kind);
    assert_eq!(
        found,
        [
            stale("c1/expected/client/policy-allow.yaml", DriftKind::NotRendered),
            stale("c1/mesh/client/gateway-waypoint.yaml", DriftKind::NoLongerRendered),
            stale("c1/mesh/kustomization.yaml", DriftKind::NoLongerRendered),
        ]
    );
    render_all(&place, &after);
    assert_eq!(drift(&place, &after), []);
}
