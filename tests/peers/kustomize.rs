//! The program.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const VERSION: &str = "v5.8.2";

/// Runs `kustomize build`; the error is what it said.
pub fn build(folder: &Path) -> Result<String, String> {
    run(folder, &[])
}

/// As [`build`], with functions that are programs.
pub fn build_with_functions(folder: &Path) -> Result<String, String> {
    run(folder, &["--enable-alpha-plugins", "--enable-exec"])
}

fn run(folder: &Path, flags: &[&str]) -> Result<String, String> {
    let output = Command::new(program())
        .arg("build")
        .args(flags)
        .arg(folder)
        .output()
        .unwrap_or_else(|e| panic!("{}: {e}", program().display()));
    if output.status.success() {
        Ok(String::from_utf8(output.stdout).unwrap())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let program = find().expect(
            "kustomize is absent: set WAYPOST_KUSTOMIZE to it, or put it on the PATH \
             (go install sigs.k8s.io/kustomize/kustomize/v5@v5.8.2)",
        );
        let output = Command::new(&program).arg("version").output().unwrap();
        let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        assert!(
            version == VERSION,
            "{} is {version}, the reference is {VERSION}",
            program.display()
        );
        program
    })
}

fn find() -> Option<PathBuf> {
    if let Some(program) = env::var_os("WAYPOST_KUSTOMIZE") {
        return Some(program.into());
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let home = env::var_os("HOME").unwrap_or_default();
    let built = Path::new(&home).join(".cache/waypost-peers");
    env::split_paths(&path).chain([built]).map(|p| p.join("kustomize")).find(|p| p.is_file())
}
