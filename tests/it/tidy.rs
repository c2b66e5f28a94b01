//! Rules about the code itself.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Who may import whom: the architecture, as data. A room is a folder or file of `src/`.
///
/// Arrows run one way. `translate` decides and `render` does not; `simulate` imports neither model,
/// manifest, translate nor render, which makes it evidence; nobody imports `cli`, and only `cli`
/// imports `pipeline`.
const ROOMS: &[(&str, &[&str])] = &[
    ("diagnostic", &[]),
    ("yaml", &["diagnostic"]),
    ("k8s", &["yaml", "diagnostic"]),
    ("spec", &["k8s", "yaml", "diagnostic"]),
    // words only: names, labels, places
    ("model", &["k8s", "diagnostic"]),
    ("resolve", &["spec", "model", "k8s", "yaml", "diagnostic"]),
    ("plan", &["model"]),
    ("manifest", &["k8s", "model"]),
    ("translate", &["model", "plan", "manifest", "k8s", "yaml", "diagnostic"]),
    ("render", &["manifest", "k8s", "yaml", "diagnostic"]),
    // `model` for the names of the units
    ("tree", &["model", "k8s", "yaml", "diagnostic"]),
    ("simulate", &["k8s", "yaml", "diagnostic"]),
    ("traffic", &["diagnostic"]),
    // it knows nothing of how a translation came about
    ("prove", &["simulate"]),
    ("replay", &["traffic", "simulate", "k8s", "yaml"]),
    ("validate", &["spec", "k8s", "yaml", "simulate", "diagnostic"]),
    ("diff", &["tree", "simulate", "k8s", "yaml", "diagnostic"]),
    // `spec` for the access tests of a folder
    ("world", &["spec", "resolve", "model", "tree", "simulate", "k8s", "yaml", "diagnostic"]),
    ("report", &["diff", "simulate", "traffic", "replay", "k8s", "diagnostic"]),
    // `report` for the words of a result
    ("access", &["world", "report", "simulate", "k8s", "yaml", "diagnostic"]),
    ("delivery", &["model", "plan", "manifest", "k8s", "yaml", "diagnostic"]),
    ("verify", &["model", "plan", "k8s", "yaml", "diagnostic"]),
    (
        "pipeline",
        &[
            "spec",
            "model",
            "resolve",
            "plan",
            "manifest",
            "translate",
            "render",
            "tree",
            "simulate",
            "prove",
            "world",
            "validate",
            "delivery",
            // the words of a request
            "report",
            "k8s",
            "yaml",
            "diagnostic",
        ],
    ),
    (
        "cli",
        &[
            "pipeline",
            "spec",
            "model",
            "resolve",
            "plan",
            "manifest",
            "translate",
            "render",
            "tree",
            "validate",
            "simulate",
            "prove",
            "world",
            "traffic",
            "replay",
            "diff",
            "report",
            "access",
            "delivery",
            "verify",
            "k8s",
            "yaml",
            "diagnostic",
        ],
    ),
];

/// The only places that meet the disk, the environment or the clock.
const OUTSIDE: &[&str] = &[
    "src/cli/",
    "src/spec/load",
    "src/tree/branch",
    "src/tree/disk",
    "src/tree/git",
    "src/traffic/stream",
];

fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    let mut folders = vec![root.join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("src can be read") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = fs::read_to_string(&path).expect("a source file is UTF-8");
                files.push((path.strip_prefix(root).expect("below the root").to_owned(), text));
            }
        }
    }
    files.sort();
    files
}

/// The part of a file before its tests.
fn code(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap_or_default()
}

fn room(path: &Path) -> String {
    let name = path.iter().nth(1).expect("below src").to_string_lossy().into_owned();
    name.trim_end_matches(".rs").to_owned()
}

#[test]
fn imports_follow_the_table() {
    let known: BTreeSet<&str> = ROOMS.iter().map(|(room, _)| *room).collect();
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let here = room(&path);
        if here == "lib" || here == "main" {
            continue;
        }
        let Some((_, may)) = ROOMS.iter().find(|(room, _)| *room == here) else {
            wrong.push(format!("{}: the room `{here}` is not in the table", path.display()));
            continue;
        };
        for (number, line) in code(&text).lines().enumerate() {
            if line.trim_start().starts_with("//") {
                continue;
            }
            for (at, _) in line.match_indices("crate::") {
                let rest = &line[at + "crate::".len()..];
                // `use crate::{a::b, c::d}` names several rooms
                let names: Vec<&str> = match rest.strip_prefix('{') {
                    Some(list) => list.split(',').collect(),
                    None => vec![rest],
                };
                for name in names {
                    let other: String = name
                        .trim()
                        .chars()
                        .take_while(|c| c.is_alphanumeric() || *c == '_')
                        .collect();
                    if known.contains(other.as_str())
                        && other != here
                        && !may.contains(&other.as_str())
                    {
                        wrong.push(format!(
                            "{}:{}: `{here}` may not import `{other}`",
                            path.display(),
                            number + 1
                        ));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_has_no_circle() {
    // each room may import only rooms that do not, directly or not, import it
    let reach = |from: &str| {
        let mut seen = BTreeSet::new();
        let mut todo = vec![from.to_owned()];
        while let Some(next) = todo.pop() {
            for other in ROOMS.iter().filter(|(r, _)| *r == next).flat_map(|(_, may)| may.iter()) {
                if seen.insert((*other).to_owned()) {
                    todo.push((*other).to_owned());
                }
            }
        }
        seen
    };
    for (room, _) in ROOMS {
        assert!(!reach(room).contains(*room), "`{room}` imports itself in the end");
    }
}

#[test]
fn the_outside_is_met_at_the_ends_only() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let name = path.to_string_lossy().replace('\\', "/");
        if OUTSIDE.iter().any(|o| name.starts_with(o)) {
            continue;
        }
        for word in [
            "std::fs",
            "std::env",
            "SystemTime",
            "Instant",
            "std::process",
            "TcpStream",
            "UdpSocket",
        ] {
            for (number, line) in code(&text).lines().enumerate() {
                if line.contains(word)
                    && !line.trim_start().starts_with("//")
                    && name != "src/main.rs"
                {
                    wrong.push(format!("{name}:{}: `{word}`", number + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_is_left_for_later() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        for (number, line) in text.lines().enumerate() {
            for word in ["TODO", "FIXME", "XXX", "todo!(", "unimplemented!(", "dbg!("] {
                if line.contains(word) {
                    wrong.push(format!("{}:{}: `{word}`", path.display(), number + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_template_says_its_values_in_block_style() {
    // in a flow collection a plain text with a comma would fall apart
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let mut folders = vec![root];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("templates can be read") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            seen += 1;
            let text = fs::read_to_string(&path).expect("a template is UTF-8");
            for (number, line) in text.lines().enumerate() {
                let before = line.split("{{").next().unwrap_or_default();
                let flow = line.contains("{{")
                    && before.replace("{%", "").replace("%}", "").contains(['[', '{']);
                assert!(!flow, "{}:{}: a value in a flow collection", path.display(), number + 1);
            }
        }
    }
    assert!(seen > 5, "the templates were not found");
}
