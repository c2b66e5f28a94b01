//! The mesh of an environment or a folder as a commit has it: read from git's objects, nothing is
//! checked out.

use std::collections::BTreeMap;

use anyhow::Context;

use super::super::Global;
use super::super::session::Session;
use super::super::terminal::Terminal;
use super::world::{self, Asked};
use crate::spec::Files;
use crate::tree::git::{Git, GitError};
use crate::world::is_manifest;

/// What specs, templates and manifests are written in.
const ENDINGS: [&str; 4] = [".yaml", ".yml", ".json", ".j2"];

/// True for a word that the repository knows as a commit.
pub(super) fn is_revision(word: &str, global: &Global) -> bool {
    Git::open(&global.root).is_ok_and(|git| git.revision(word).is_ok())
}

/// Reads a mesh; `None` when there is an error, which has been shown. Without a name the only
/// environment is meant.
pub(super) fn world(
    revision: &str,
    of: Option<&str>,
    stage: Option<&str>,
    global: &Global,
    terminal: &Terminal,
) -> anyhow::Result<Option<Asked>> {
    let texts = texts(revision, global)?;
    let is_environment =
        of.is_none_or(|of| texts.contains_key(&format!("environments/{of}/environment.yaml")));
    if is_environment {
        let session = Session::of(Files::Memory(texts), terminal)?;
        let Some(name) = world::name(&session, of)? else { return Ok(None) };
        let mut asked = world::of_environment(&session, &name, stage, terminal)?;
        if let Some(Asked { world, .. }) = &mut asked {
            world.name = format!("{} at {revision}", world.name);
        }
        return Ok(asked);
    }
    let folder = of.unwrap_or_default().trim_start_matches("./").trim_end_matches('/');
    let below = if matches!(folder, "" | ".") { String::new() } else { format!("{folder}/") };
    let manifests: Vec<(String, String)> = texts
        .into_iter()
        .filter_map(|(path, text)| Some((path.strip_prefix(&below)?.to_owned(), text)))
        .filter(|(path, _)| is_manifest(path))
        .collect();
    if manifests.is_empty() {
        anyhow::bail!("commit `{revision}` has neither an environment nor manifests at `{folder}`");
    }
    if stage.is_some() {
        anyhow::bail!("`{folder}` is a folder: a folder has no stages");
    }
    Ok(Some(world::of_texts(&manifests, format!("folder {folder} at {revision}"))))
}

/// The texts of a commit below the repository's folder. What is no text is left out: no manifest is.
fn texts(revision: &str, global: &Global) -> anyhow::Result<BTreeMap<String, String>> {
    let told = |error: GitError| match error.help() {
        Some(help) => anyhow::Error::new(error).context(help),
        None => anyhow::Error::new(error),
    };
    let git = Git::open(&global.root).map_err(told)?;
    let commit = git.revision(revision).map_err(told)?;
    let mut files = git.files(&commit, ".").map_err(told)?;
    files.retain(|path, _| ENDINGS.iter().any(|end| path.ends_with(end)));
    let blobs: Vec<_> = files.values().cloned().collect();
    let bytes = git.read(&blobs).map_err(told).context("cannot read a commit's files")?;
    let texts = files.into_keys().zip(bytes);
    Ok(texts.filter_map(|(path, bytes)| Some((path, String::from_utf8(bytes).ok()?))).collect())
}
