#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a build script talks to cargo by printing and writes to its own folder"
)]

//! Embeds `templates/` and `schemas/`: one table each of relative path and text.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    for (folder, ending) in [("templates", "j2"), ("schemas", "json")] {
        println!("cargo::rerun-if-changed={folder}");
        let mut files = Vec::new();
        collect(&root.join(folder), ending, &mut files)?;
        files.sort();
        let mut table = String::from("&[\n");
        for file in files {
            let name = file.strip_prefix(root.join(folder)).unwrap_or(&file);
            let name = name.to_string_lossy().replace('\\', "/");
            // writing to a String cannot fail
            let _ = writeln!(table, "    ({name:?}, include_str!({:?})),", file.display());
        }
        table.push_str("]\n");
        fs::write(out.join(format!("{folder}.rs")), table)?;
    }
    Ok(())
}

fn collect(folder: &Path, ending: &str, files: &mut Vec<PathBuf>) -> io::Result<()> {
    println!("cargo::rerun-if-changed={}", folder.display());
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, ending, files)?;
        } else if path.extension().is_some_and(|e| e == ending) {
            files.push(path);
        }
    }
    Ok(())
}
