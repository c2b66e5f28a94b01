//! How fast two trees are compared, beside `git diff --no-index --stat` over the same folders:
//!
//! ```text
//! cargo bench --bench diff
//! ```
//!
//! 40,000 objects in as many files on either side, below the temporary folder (make it a tmpfs with
//! `TMPDIR`), 1 % of them changed: read, compared, matched by identity, field by field, with flags.
//! Then the same change in a git repository, of that size and of a tenth of it: the time is that of
//! what changed.

#![allow(
    missing_docs,
    clippy::print_stdout,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a bench prints, and writes its own input"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use waypost::diff::{Context, Options, TreeDiff, compare, flags};
use waypost::tree::git::{BlobId, Content, Git};
use waypost::tree::{Differing, disk};
use waypost::yaml::emit;

const OBJECTS: usize = 40_000;
const CHANGED: usize = OBJECTS / 100;
const ROUNDS: usize = 5;

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (old, new) = (folder.path().join("old"), folder.path().join("new"));
    write_tree(&old, OBJECTS, 0);
    write_tree(&new, OBJECTS, CHANGED);
    println!(
        "{OBJECTS} objects on either side, {CHANGED} changed, below {}",
        folder.path().display()
    );
    let own = best(|| {
        let (differing, files) = disk::compare(&old, &new, str::to_owned).expect("two folders");
        assert_eq!((differing.len(), files), (CHANGED, OBJECTS));
        look(&differing)
    });
    let theirs = best(|| {
        let mut git = Command::new("git");
        git.args(["diff", "--no-index", "--stat"]).arg(&old).arg(&new);
        // it says by its code that they differ
        git.stdout(Stdio::null()).status().expect("git runs");
        CHANGED
    });
    line("waypost: folders", own);
    line("git diff --no-index --stat", theirs);
    println!("ratio {:.2}", own.as_secs_f64() / theirs.as_secs_f64());

    for objects in [OBJECTS, OBJECTS / 10] {
        let repository = folder.path().join(format!("repository-{objects}"));
        write_tree(&repository.join("rendered/prod"), objects, 0);
        git(&repository, &["init", "--quiet"]);
        git(&repository, &["add", "--all"]);
        git(&repository, &["commit", "--quiet", "--message", "before"]);
        write_tree(&repository.join("rendered/prod"), objects, CHANGED);
        let work = best(|| look(&since(&repository, "HEAD", None)));
        line(&format!("waypost: a revision and the working tree, {objects} objects"), work);
        git(&repository, &["add", "--all"]);
        git(&repository, &["commit", "--quiet", "--message", "after"]);
        let revisions = best(|| look(&since(&repository, "HEAD~1", Some("HEAD"))));
        line(&format!("waypost: two revisions, {objects} objects"), revisions);
    }
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    if let Some(peak) = status.lines().find(|line| line.starts_with("VmHWM")) {
        println!("{peak}");
    }
}

/// What the verb makes of the files that differ, access apart.
fn look(differing: &[Differing]) -> usize {
    let diff: TreeDiff = compare(differing, &Options::default());
    let none = |_: &str, _: &str| Vec::new();
    flags(&diff, &Context { files_after: &none });
    assert_eq!(diff.counts.changed, CHANGED);
    diff.objects.len()
}

fn since(root: &Path, base: &str, head: Option<&str>) -> Vec<Differing> {
    let git = Git::open(root).expect("a repository");
    let base = git.revision(base).expect("a revision");
    let head = head.map(|head| git.revision(head).expect("a revision"));
    let changed = git.changed(&base, head.as_ref(), &["rendered/prod"]).expect("paths");
    let blobs: Vec<BlobId> = changed
        .iter()
        .flat_map(|path| [&path.before, &path.after])
        .filter_map(|side| match side {
            Some(Content::Blob(id)) => Some(id.clone()),
            _ => None,
        })
        .collect();
    let mut texts = git.read(&blobs).expect("files").into_iter();
    let bytes =
        |side: &Option<Content>, path: &str, texts: &mut dyn Iterator<Item = Vec<u8>>| match side {
            Some(Content::Blob(_)) => texts.next(),
            Some(Content::Work) => disk::read_file(root, path).expect("a file"),
            _ => None,
        };
    changed
        .iter()
        .map(|path| Differing {
            path: path.path.trim_start_matches("rendered/prod/").to_owned(),
            before: bytes(&path.before, &path.path, &mut texts),
            after: bytes(&path.after, &path.path, &mut texts),
        })
        .collect()
}

/// Policies of 1,000 namespaces; the first `changed` of every hundred have another caller.
fn write_tree(root: &Path, objects: usize, changed: usize) {
    for number in 0..objects {
        let namespace = format!("ns{}", number % 1_000);
        let is_changed = number % (objects / CHANGED) == 0 && changed > 0;
        let caller = if is_changed { "new" } else { "old" };
        let principals: Vec<String> =
            (0..20).map(|n| format!("cluster.local/ns/{caller}{n}/*")).collect();
        let body = json!({
            "apiVersion": "security.istio.io/v1",
            "kind": "AuthorizationPolicy",
            "metadata": {"name": format!("p{number}"), "namespace": namespace},
            "spec": {"action": "ALLOW", "rules": [{"from": [{"source": {"principals": principals}}]}]},
        });
        let folder = root.join("east/mesh").join(&namespace);
        fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join(format!("authorizationpolicy-p{number}.yaml"));
        fs::write(path, emit(&body).expect("a text")).expect("a file");
    }
}

fn git(root: &Path, arguments: &[&str]) {
    fs::create_dir_all(root).expect("a folder");
    let status = Command::new("git")
        .arg("-C")
        .arg(root)
        .args(["-c", "user.name=b", "-c", "user.email=b@example.com", "-c", "gc.auto=0"])
        .args(arguments)
        .status();
    assert!(status.is_ok_and(|status| status.success()), "git {arguments:?}");
}

fn best(mut run: impl FnMut() -> usize) -> Duration {
    (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            assert!(run() > 0);
            start.elapsed()
        })
        .min()
        .expect("a round")
}

fn line(what: &str, time: Duration) {
    println!("{what:<60} {:>7.3} s", time.as_secs_f64());
}
