//! Kills a render at random moments: what is left is the old tree or the new one, and the next
//! run repairs the rest.

#![allow(clippy::expect_used, clippy::panic, reason = "tests may")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use waypost::tree::disk::{Claim, SwapMethod};
use waypost::tree::{Scope, Tree, check};

use super::tree::{Place, folder, provenance, render, snapshot, tree};

const KILLS: usize = 120;
const ROOT: &str = "WAYPOST_TEST_KILL_ROOT";
const METHOD: &str = "WAYPOST_TEST_KILL_METHOD";

type Files = BTreeMap<String, Vec<u8>>;

#[test]
fn killed_exchange_leaves_one_whole_tree() {
    kill_many(SwapMethod::Exchange, 0x5eed_0001);
}

#[test]
fn killed_renames_leave_one_whole_tree() {
    kill_many(SwapMethod::TwoRenames, 0x5eed_0002);
}

/// The process that is killed: writes one tree, then the other, for as long as it lives.
#[test]
#[ignore = "runs as the child of the tests above"]
fn writer() {
    let root = std::env::var(ROOT).expect("the folder to write below");
    let method = match std::env::var(METHOD).expect("the way to write").as_str() {
        "Exchange" => SwapMethod::Exchange,
        _ => SwapMethod::TwoRenames,
    };
    let trees = [version(0), version(1)];
    let end = Instant::now() + Duration::from_secs(60);
    for tree in trees.iter().cycle().take_while(|_| Instant::now() < end) {
        render(folder(Path::new(&root)), tree, &Scope::default(), method).expect("a render");
    }
}

fn kill_many(method: SwapMethod, seed: u64) {
    let trees = [version(0), version(1)];
    let place = Place::new();
    let env = place.folder().path();
    let expected: [Files; 2] = [0, 1].map(|i| {
        render(place.folder(), &trees[i], &Scope::default(), method).expect("a render");
        place.put("README.md", "theirs\n");
        snapshot(&env)
    });
    assert_ne!(expected[0], expected[1]);

    let mut random = seed;
    let mut torn = 0;
    let mut kill = 0;
    // of the kills, some must have met a write
    while kill < KILLS || torn < KILLS / 10 {
        kill += 1;
        assert!(kill < 20 * KILLS, "no kill met a write; seed {seed:#x}");
        let said = format!("seed {seed:#x}, kill {kill}");
        kill_once(place.root(), method, Duration::from_micros(next(&mut random) % 15_000));

        let beside = names_beside(&env);
        torn += usize::from(beside.iter().any(|name| name.ends_with("-new")));
        if method == SwapMethod::Exchange {
            assert!(which(&expected, &snapshot(&env)).is_some(), "before the repair, {said}");
        }
        drop(Claim::take(place.folder(), method).expect("a repair"));
        assert_eq!(names_beside(&env), ["brownfield"], "{said}");
        let found = which(&expected, &snapshot(&env));
        let Some(found) = found else { panic!("a mixture after the repair, {said}") };

        let claim = Claim::take(place.folder(), method).expect("a claim");
        let local = claim.read().expect("a readable folder");
        drop(claim);
        let drift = check(&trees[found], &local, &provenance("spec"), &Scope::default());
        assert_eq!(drift, [], "{said}");
        render(place.folder(), &trees[1 - found], &Scope::default(), method).expect("the next run");
        assert_eq!(which(&expected, &snapshot(&env)), Some(1 - found), "{said}");
    }
}

/// Two trees that share a third of their files, differ in a third, and have a third each alone.
fn version(i: usize) -> Tree {
    let mut files: Vec<(String, String)> = Vec::new();
    for n in 0..60 {
        let folder = format!("c1/mesh/ns-{n}");
        files.push((format!("{folder}/gateway-same.yaml"), format!("n: {n}\n")));
        files.push((format!("{folder}/gateway-other.yaml"), format!("n: {n}\nversion: {i}\n")));
        files.push((format!("{folder}/gateway-only-{i}.yaml"), format!("n: {n}\n")));
    }
    files.push(("c1/mesh/kustomization.yaml".into(), format!("resources: [] # {i}\n")));
    tree(&files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect::<Vec<_>>())
}

fn kill_once(root: &Path, method: SwapMethod, delay: Duration) {
    let mut child: Child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "tree_kill::writer", "--ignored", "--nocapture"])
        .env(ROOT, root)
        .env(METHOD, format!("{method:?}"))
        .stdout(Stdio::null())
        .spawn()
        .expect("a child");
    let started = root.join("rendered/.brownfield.waypost-run");
    while !started.exists() && matches!(child.try_wait(), Ok(None)) {
        std::thread::sleep(Duration::from_micros(200));
    }
    std::thread::sleep(delay);
    assert!(matches!(child.try_wait(), Ok(None)), "the child ended by itself");
    child.kill().expect("the child is killed");
    child.wait().expect("the child is gone");
}

fn names_beside(env: &Path) -> Vec<String> {
    let parent = env.parent().expect("a folder");
    let name = |entry: std::io::Result<fs::DirEntry>| {
        entry.expect("an entry").file_name().into_string().expect("text")
    };
    let mut names: Vec<String> = fs::read_dir(parent).expect("a folder").map(name).collect();
    names.sort();
    names
}

fn which(expected: &[Files; 2], found: &Files) -> Option<usize> {
    expected.iter().position(|files| files == found)
}

/// xorshift64
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}
