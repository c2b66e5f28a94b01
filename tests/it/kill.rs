//! `kill -9` at random moments of a render over an existing tree: what is left is the old tree or
//! the new one, and the next run repairs the rest.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::program::{copy_of, files, waypost};

/// Renders that must have been killed before they ended, where `WAYPOST_TEST_KILLS` says nothing.
const KILLS: u32 = 80;
/// Renders at most for each of them: some end before their time is up.
const ROUNDS: u32 = 25;

/// How many kills are wanted.
pub fn kills(default: u32) -> u32 {
    std::env::var("WAYPOST_TEST_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// A small generator with a seed: the same delays in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

fn arguments(stage: &str) -> [&str; 5] {
    ["render", "brownfield", "--stage", stage, "--allow-shrink"]
}

fn rendered(root: &Path, stage: &str) -> BTreeMap<String, String> {
    let ran = waypost(root, &arguments(stage));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    tree(root)
}

fn tree(root: &Path) -> BTreeMap<String, String> {
    files(&root.join("rendered/brownfield"))
}

/// What each applier is told.
fn told(root: &Path) -> [BTreeMap<String, String>; 2] {
    ["argocd", "flux"].map(|target| files(&root.join("gitops").join(target).join("brownfield")))
}

#[test]
fn killed_renders_leave_one_tree_or_the_other() {
    let folder = copy_of("brownfield");
    let root = folder.path();
    let (first, first_told) = (rendered(root, "client"), told(root));
    let (second, second_told) = (rendered(root, "bookinfo"), told(root));
    assert_ne!(first, second);
    let start = Instant::now();
    rendered(root, "client");
    // Most of a render is work before the first byte is written. The delays go where the writing is,
    // however fast the machine is and whatever else runs on it: later after a kill that left the old
    // tree, sooner after a render that ended.
    let mut limit = u64::try_from(start.elapsed().as_micros()).expect("short");

    let seed = 20_261_124;
    let mut random = Random(seed);
    let (mut killed, mut old, mut new, mut between) = (0, 0, 0, 0);
    let wanted = kills(KILLS);
    for round in 0..wanted * ROUNDS {
        if killed >= wanted {
            break;
        }
        let (stage, before, after) = if round % 2 == 0 {
            ("client", &second, &first)
        } else {
            ("bookinfo", &first, &second)
        };
        // from the other tree, whatever the last round came to
        if &tree(root) == after {
            let other = if stage == "client" { "bookinfo" } else { "client" };
            assert_eq!(&rendered(root, other), before);
        }
        let mut child = Command::new(env!("CARGO_BIN_EXE_waypost"))
            .env_clear()
            .arg("-C")
            .arg(root)
            .args(arguments(stage))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        std::thread::sleep(Duration::from_micros(limit / 2 + random.below(limit)));
        let _ = child.kill();
        killed += u32::from(child.wait().expect("it ends").code().is_none());

        let left = tree(root);
        if &left == before {
            old += 1;
            limit += limit / 16;
        } else if &left == after {
            new += 1;
            limit -= limit / 16;
        } else {
            panic!("round {round}, seed {seed}: a mixture was left");
        }
        // each is replaced by a rename of its own, one after the other
        let told = told(root);
        for (at, folder) in told.iter().enumerate() {
            assert!(
                *folder == first_told[at] || *folder == second_told[at],
                "round {round}, seed {seed}: a mixture was left"
            );
        }
        let of_the_tree = if left == first { &first_told } else { &second_told };
        between += u32::from(&told != of_the_tree);
        if round % 10 == 0 {
            assert_eq!(&rendered(root, stage), after, "the next run finishes the work");
            let after_told = if stage == "client" { &first_told } else { &second_told };
            assert_eq!(&self::told(root), after_told);
            let beside: Vec<_> = std::fs::read_dir(root.join("rendered"))
                .expect("the folder")
                .map(|e| e.expect("an entry").file_name())
                .collect();
            assert_eq!(beside, ["brownfield"], "and removes what the killed one left");
        }
    }
    println!(
        "{killed} renders were killed: {old} left the old tree, {new} the new one, {between} what appliers are told of the other"
    );
    assert!(killed >= wanted && old > 0 && new > 0, "{killed} killed, {old} old, {new} new");
}
