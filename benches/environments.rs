//! What many small environments cost: 300 of `waypost init`, each with a cluster of its own, that Argo CD
//! and Flux are told of.
//!
//! ```text
//! cargo bench --bench environments                  # 300
//! cargo bench --bench environments -- write FOLDER  # only writes and renders them, to try things on
//! ```
//!
//! Seconds are of the processor, where `/proc` says them: what else runs on the machine counts little.

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

const COUNT: usize = 300;
/// Ticks of a second in `/proc/self/stat`: `USER_HZ`, which is 100 on every Linux (proc(5)).
const TICKS: f64 = 100.0;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    if let [verb, folder] = arguments.as_slice()
        && verb == "write"
    {
        return write(Path::new(folder));
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    write(folder.path());
    for arguments in [&["list"][..], &["check"], &["render"], &["list", "--format", "json"]] {
        let before = processor();
        waypost(folder.path(), arguments);
        let took = before.zip(processor()).map(|(before, after)| after - before);
        let took = took.map_or("not known here".to_owned(), |took| format!("{took:.2} s"));
        println!("{COUNT} environments: {:<20} {took:>14}", arguments.join(" "));
    }
}

fn write(root: &Path) {
    waypost(root, &["init", "made"]);
    let made = root.join("made/environments/example");
    let spec = fs::read_to_string(made.join("environment.yaml")).expect("a spec");
    for number in 0..COUNT {
        let to = root.join(format!("environments/env-{number:03}"));
        fs::create_dir_all(to.join("inventory")).expect("a folder");
        for file in ["tsb.yaml", "inventory/shop.yaml"] {
            fs::copy(made.join(file), to.join(file)).expect("copied");
        }
        let spec = spec
            .replace("name: example", &format!("name: env-{number:03}"))
            .replace("cluster-1", &format!("cluster-{number:03}"));
        let told = "  delivery: {targets: [argocd, flux], repoURL: \"https://git.example.com/mesh.git\"}\n";
        fs::write(to.join("environment.yaml"), spec + told).expect("written");
    }
    fs::remove_dir_all(root.join("made")).expect("the bench's own folder");
    waypost(root, &["render"]);
}

fn waypost(root: &Path, arguments: &[&str]) {
    fs::create_dir_all(root).expect("a folder");
    let mut command = Command::new(env!("CARGO_BIN_EXE_waypost"));
    command.current_dir(root).args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
    assert!(command.status().expect("it starts").success(), "waypost {arguments:?}");
}

/// Seconds of the processor that ended children took: `cutime` and `cstime` of proc(5).
fn processor() -> Option<f64> {
    let text = fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
    Some((ticks(13)? + ticks(14)?) / TICKS)
}
