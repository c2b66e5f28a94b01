//! The environment's folder: one run at a time, no links, whole or not at all.

#![allow(clippy::expect_used, clippy::panic, reason = "tests may")]

use std::fs;
use std::path::{Path, PathBuf};

use waypost::tree::disk::{
    Claim, DiskError, EnvironmentFolder, Replacement, SwapMethod, read, replace,
};
use waypost::tree::{Allowances, Local, Scope, plan};

use super::tree::{
    AFTER, BEFORE, Place, codes, drift, folder, provenance, put, render, render_all, snapshot, tree,
};

#[test]
fn second_run_is_refused_while_the_first_holds_the_folder() {
    let place = Place::new();
    let claim = Claim::take(place.folder(), SwapMethod::Exchange).expect("a claim");
    let second = Claim::take(place.folder(), SwapMethod::Exchange).expect_err("busy");
    let process = std::process::id();
    assert!(matches!(second, DiskError::Busy { process: Some(p), .. } if p == process), "{second}");
    assert!(second.to_string().contains(&format!("process {process}")), "{second}");
    assert_eq!(read(&place.folder()).map_err(|e| e.code()), Err("tree-busy"));
    drop(claim);
    assert_eq!(
        read(&place.folder()).map_err(|e| e.code()),
        Ok(Local { folder: "rendered/brownfield".into(), ..Local::default() })
    );
    Claim::take(place.folder(), SwapMethod::Exchange).expect("free again");
}

#[test]
fn runs_side_by_side_write_one_after_the_other_or_not_at_all() {
    let place = Place::new();
    let trees = [tree(BEFORE), tree(AFTER)];
    std::thread::scope(|scope| {
        for i in 0..4 {
            let (folder, tree) = (place.folder(), &trees[i % 2]);
            scope.spawn(move || {
                for _ in 0..25 {
                    match render(folder.clone(), tree, &Scope::default(), SwapMethod::Exchange) {
                        Ok(change) => assert_eq!(codes(&change), Vec::<&str>::new()),
                        Err(error) => assert_eq!(error.code(), "tree-busy", "{error:?}"),
                    }
                }
            });
        }
    });
    let left: Vec<_> = trees.iter().filter(|tree| drift(&place, tree).is_empty()).collect();
    assert_eq!(left.len(), 1);
}

#[cfg(unix)]
#[test]
fn links_below_the_root_are_refused() {
    use std::os::unix::fs::symlink;
    let outside = Place::new();
    put(&outside.root().join("secret/x.yaml"), "secret");
    let secret = outside.root().join("secret");
    let cases: [(&str, PathBuf); 7] = [
        ("rendered", secret.clone()),
        ("rendered/brownfield", secret.clone()),
        ("rendered/brownfield/c1", secret.clone()),
        ("rendered/brownfield/c1/mesh/x.yaml", secret.join("x.yaml")),
        ("rendered/brownfield/note", PathBuf::from("nowhere")),
        ("rendered/brownfield/c1/loop", PathBuf::from("loop")),
        ("rendered/.brownfield.waypost-new", secret.clone()),
    ];
    for (link, target) in cases {
        let place = Place::new();
        let link = place.root().join(link);
        fs::create_dir_all(link.parent().expect("a folder")).expect("a folder");
        symlink(target, &link).expect("a link");
        let refused =
            render(place.folder(), &tree(BEFORE), &Scope::default(), SwapMethod::Exchange);
        assert_eq!(refused.map_err(|e| e.code()), Err("tree-symlink"), "{}", link.display());
        assert!(link.is_symlink(), "the link stays");
    }
    assert_eq!(snapshot(outside.root()).len(), 1, "nothing was written through a link");

    let place = Place::new();
    symlink(outside.root(), place.root().join("root")).expect("a link");
    let behind = folder(&place.root().join("root"));
    render(behind, &tree(BEFORE), &Scope::default(), SwapMethod::Exchange).expect("a render");
    assert!(outside.at("c1/waypost.lock").exists());
}

#[cfg(unix)]
#[test]
fn entry_that_is_no_file_is_refused() {
    let place = Place::new();
    render_all(&place, &tree(BEFORE));
    let _socket = std::os::unix::net::UnixListener::bind(place.at("s")).expect("a socket");
    assert_eq!(read(&place.folder()).map_err(|e| e.code()), Err("tree-entry-kind"));
}

#[test]
fn failed_write_leaves_the_old_tree_and_nothing_beside_it() {
    let place = Place::new();
    render_all(&place, &tree(BEFORE));
    let old = snapshot(&place.at(".."));
    let claim = Claim::take(place.folder(), SwapMethod::Exchange).expect("a claim");
    let local = claim.read().expect("a readable folder");
    let all = everything();
    let change = plan(&tree(AFTER), &local, &provenance("spec"), &Scope::default(), &all);
    // a file of the plan vanishes before it is carried out
    fs::remove_file(place.at("c2/mesh/client/gateway-waypoint.yaml")).expect("a file");
    let after = tree(AFTER);
    let failed = replace(&[Replacement { claim: &claim, tree: &after, change: &change }]);
    assert_eq!(failed.map_err(|e| e.code()), Err("disk-error"));
    drop(claim);
    place.put("c2/mesh/client/gateway-waypoint.yaml", "kind: Gateway\n");
    assert_eq!(snapshot(&place.at("..")), old);
}

/// Folders that belong together: where the last cannot be replaced, the first is put back.
#[cfg(unix)]
#[test]
fn what_belongs_together_is_replaced_together_or_not_at_all() {
    for method in [SwapMethod::Exchange, SwapMethod::TwoRenames] {
        let place = Place::new();
        render_all(&place, &tree(BEFORE));
        let second = EnvironmentFolder::new(place.root(), "rendered/second").expect("a name");
        render(second.clone(), &tree(BEFORE), &Scope::default(), method).expect("a render");
        let third = EnvironmentFolder::new(place.root(), "rendered/third").expect("a name");
        let old = snapshot(&place.at(".."));
        let (all, scope, after) = (everything(), Scope::default(), tree(AFTER));
        let claims: Vec<Claim> = [place.folder(), third, second]
            .map(|folder| Claim::take(folder, method).expect("a claim"))
            .into();
        let changes: Vec<_> = claims
            .iter()
            .map(|claim| {
                plan(&after, &claim.read().expect("a tree"), &provenance("spec"), &scope, &all)
            })
            .collect();
        // after it was read, the last is put behind a link: it is the one that cannot be replaced,
        // when the first two have been
        let (stands, away) = (place.root().join("rendered/second"), place.root().join("away"));
        fs::rename(&stands, &away).expect("away");
        std::os::unix::fs::symlink(&away, &stands).expect("a link");
        let replacements: Vec<_> = claims
            .iter()
            .zip(&changes)
            .map(|(claim, change)| Replacement { claim, tree: &after, change })
            .collect();
        let failed = replace(&replacements);
        assert_eq!(failed.map_err(|e| e.code()), Err("tree-symlink"), "{method:?}");
        fs::remove_file(&stands).expect("the link goes");
        fs::rename(&away, &stands).expect("and back");
        drop(claims);
        // what the run could not remove behind a link goes with the next
        drop(
            Claim::take(
                EnvironmentFolder::new(place.root(), "rendered/second").expect("a name"),
                method,
            )
            .expect("a repair"),
        );
        assert_eq!(snapshot(&place.at("..")), old, "{method:?}");
    }
}

fn everything() -> Allowances {
    Allowances { empty_unit: true, namespace_removal: true, shrink: true, moves: true }
}

#[test]
fn file_that_comes_while_a_run_writes_is_kept() {
    let place = Place::new();
    render_all(&place, &tree(BEFORE));
    let claim = Claim::take(place.folder(), SwapMethod::Exchange).expect("a claim");
    let local = claim.read().expect("a readable folder");
    let all = everything();
    let change = plan(&tree(AFTER), &local, &provenance("spec"), &Scope::default(), &all);
    place.put("c1/notes/new.md", "theirs");
    let after = tree(AFTER);
    replace(&[Replacement { claim: &claim, tree: &after, change: &change }]).expect("a write");
    drop(claim);
    assert_eq!(fs::read_to_string(place.at("c1/notes/new.md")).expect("their file"), "theirs");
    assert_eq!(drift(&place, &tree(AFTER)), []);
}

/// Every state that two renames can stop in, and what a repair makes of it.
#[test]
fn half_done_renames_are_finished() {
    let journal = |p: &Place| put(&p.root().join("rendered/.brownfield.waypost-journal"), "");
    let beside =
        |p: &Place, name: &str| p.root().join(format!("rendered/.brownfield.waypost-{name}"));
    for (journalled, stands, new, old, expected) in [
        (false, true, true, false, "current"),
        (false, true, false, true, "current"),
        (false, false, true, false, ""),
        (false, false, true, true, "old"),
        (true, true, true, false, "current"),
        (true, false, true, true, "new"),
        (true, true, false, true, "current"),
        (true, false, false, true, "old"),
        (true, false, true, false, "new"),
    ] {
        let place = Place::new();
        for (name, there) in [("current", stands), ("new", new), ("old", old)] {
            if there {
                let folder = if name == "current" { place.at("") } else { beside(&place, name) };
                put(&folder.join("which"), name);
            }
        }
        if journalled {
            journal(&place);
            assert_eq!(read(&place.folder()).map_err(|e| e.code()), Err("tree-interrupted"));
        }
        fs::create_dir_all(place.root().join("rendered")).expect("a folder");
        drop(Claim::take(place.folder(), SwapMethod::Exchange).expect("a repair"));
        let found = fs::read_to_string(place.at("which")).unwrap_or_default();
        assert_eq!(found, expected, "journal {journalled}, {stands} {new} {old}");
        let left = usize::from(!expected.is_empty());
        assert_eq!(fs::read_dir(place.root().join("rendered")).expect("a folder").count(), left);
    }
}

#[test]
fn folder_names_that_leave_the_root_are_refused() {
    for bad in ["", "..", "/etc", "rendered/../x", "rendered//x", "a\\b", "rendered/.git", "x\0"] {
        let refused = EnvironmentFolder::new(Path::new("."), bad);
        assert_eq!(refused.map_err(|e| e.code()), Err("tree-folder-name"), "{bad:?}");
    }
}
