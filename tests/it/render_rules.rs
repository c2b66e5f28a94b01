//! `tests/render/<code>/`: what `waypost render` finds once an environment is rendered. `err-*.yaml`
//! draws the finding and reads as `err-*.out` says; `ok-*.yaml` does not draw it.
//!
//! A fixture is the file `environments/rules/environment.yaml`. A line `# ==> path` begins another
//! file, `path` seen from the environment's folder. `WAYPOST_BLESS=1` writes the `.out` files.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::{Path, PathBuf};

use crate::program::{project, waypost};

#[test]
fn every_fixture_renders_as_it_should() {
    let mut faults = Vec::new();
    let mut seen = 0;
    for code in below(&project().join("tests/render")) {
        for fixture in below(&code).iter().filter(|f| f.extension().is_some_and(|e| e == "yaml")) {
            seen += 1;
            let name = code.file_name().unwrap().to_string_lossy().into_owned();
            if let Err(fault) = run(&name, fixture) {
                faults.push(format!("{}: {fault}", fixture.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
    assert!(seen > 3, "the fixtures are gone");
}

fn run(code: &str, fixture: &Path) -> Result<(), String> {
    let root = tempfile::tempdir().unwrap();
    write(&root.path().join("environments/rules"), &fs::read_to_string(fixture).unwrap());
    let said = waypost(root.path(), &["render", "rules"]).stderr;
    let draws = said.contains(&format!("[{code}]"));
    if fixture.file_name().unwrap().to_string_lossy().starts_with("ok-") {
        return if draws { Err(format!("must not draw it\n{said}")) } else { Ok(()) };
    }
    if !draws {
        return Err(format!("does not draw it\n{said}"));
    }
    let golden = fixture.with_extension("out");
    if std::env::var_os("WAYPOST_BLESS").is_some() {
        put(&golden, &said);
    }
    let expected = fs::read_to_string(&golden).unwrap_or_default();
    if said == expected { Ok(()) } else { Err(format!("reads\n{said}\nbut not\n{expected}")) }
}

fn write(folder: &Path, written: &str) {
    let mut files: Vec<(PathBuf, String)> = vec![(folder.join("environment.yaml"), String::new())];
    for line in written.split_inclusive('\n') {
        match line.strip_prefix("# ==> ") {
            Some(next) => files.push((folder.join(next.trim()), String::new())),
            None => files.last_mut().unwrap().1.push_str(line),
        }
    }
    for (path, text) in files {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        put(&path, &text);
    }
}

#[expect(clippy::disallowed_methods, reason = "a fixture or a golden file, not a tree")]
fn put(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
}

fn below(folder: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    all.sort();
    all
}

/// Pods that nothing restarts keep their sidecars until the spec says that they were restarted.
#[test]
fn a_rollout_has_its_sidecar_until_it_is_said_to_be_restarted() {
    let fixture =
        fs::read_to_string(project().join("tests/render/not-restarted/err-moved.yaml")).unwrap();
    for (restarted, point) in
        [("", "sidecar of shop/web"), (", restarted: [Rollout/web]", "ztunnel of shop/web")]
    {
        let root = tempfile::tempdir().unwrap();
        let written = fixture.replace("name: shop}", &format!("name: shop{restarted}}}"));
        write(&root.path().join("environments/rules"), &written);
        let question = ["access", "explain", "--in", "rules", "shop/client", "shop/web:80"];
        let ran = waypost(root.path(), &question);
        assert!(ran.stdout.contains(point), "{point}\n{}\n{}", ran.stdout, ran.stderr);
    }
}
