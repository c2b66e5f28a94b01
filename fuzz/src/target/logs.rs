//! Access logs of others, from a file as they come.

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

use waypost::replay::{Directory, Pods, Point, replay};
use waypost::simulate::{Mesh, Options};
use waypost::traffic::{EnvoyFormat, Formats, Limits, read_lines};

use super::objects;
use crate::corpus::{project, texts};

/// Lines of an input.
const LINES: usize = 40;

pub(super) fn corpus() -> Vec<String> {
    let texts = texts(&["tests/replay/logs"], &[".log", ".json", ".prom"]);
    let lines = texts.iter().flat_map(|text| text.lines()).map(|line| format!("{line}\n"));
    let mut all: Vec<String> = lines.collect();
    all.extend(texts);
    all
}

pub(super) fn run(text: &str) {
    static MESH: OnceLock<(Vec<waypost::k8s::Object>, Mesh, PathBuf)> = OnceLock::new();
    let (objects, mesh, path) = MESH.get_or_init(|| {
        let mesh = project().join("tests/replay/now/mesh.yaml");
        let objects = objects(&fs::read_to_string(mesh).unwrap_or_default());
        let (mesh, _) = Mesh::from_objects(&objects, &Options::default());
        let name = format!("waypost-fuzz-{}.log", std::process::id());
        let memory = PathBuf::from("/dev/shm");
        let folder = if memory.is_dir() { memory } else { std::env::temp_dir() };
        (objects, mesh, folder.join(name))
    });
    // a format is text of others too
    let first = text.lines().next().unwrap_or_default();
    let _ = EnvoyFormat::parse(first);
    let lines: String = text.split_inclusive('\n').take(LINES).collect();
    if fs::write(path, lines).is_err() {
        return;
    }
    let limits = Limits { threads: 1, ..Limits::default() };
    let (sample, ..) = read_lines(std::slice::from_ref(path), &Formats::default(), &limits);
    if sample.classes().is_empty() {
        return;
    }
    let mut pods = Pods::default();
    pods.add("", objects);
    let point =
        || Point { name: "now".to_owned(), directory: Directory::new(mesh, &pods, &sample) };
    replay(&sample, &point(), &[point()]);
}
