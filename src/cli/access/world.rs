//! The world behind a command's arguments: that of an environment at a point of its migration, that
//! of a folder, or that of a commit of git.

use std::path::Path;

use super::super::Global;
use super::super::session::Session;
use super::super::terminal::Terminal;
use super::revision;
use crate::diagnostic::{Sources, has_errors};
use crate::tree::Scope;
use crate::world::{World, is_manifest};

/// A world, and the texts behind its findings.
pub(in crate::cli) struct Asked {
    pub world: World,
    pub sources: Sources,
}

impl Asked {
    /// Shows what was found; true when an assertion or an object could not be understood.
    pub fn show(&self, terminal: &Terminal) -> bool {
        terminal.show(&self.world.found, &self.sources);
        has_errors(&self.world.found)
    }
}

/// Reads a world; `None` when there is an error, which has been shown.
pub(super) fn world(
    of: Option<&str>,
    stage: Option<&str>,
    global: &Global,
    terminal: &Terminal,
) -> anyhow::Result<Option<Asked>> {
    if let Some(folder) = of.and_then(|of| folder(of, global)) {
        if stage.is_some() {
            anyhow::bail!("`{}` is a folder: a folder has no stages", folder.display());
        }
        return Ok(Some(of_folder(&folder, of.unwrap_or_default())?));
    }
    let session = Session::new(global, terminal)?;
    let Some(name) = name(&session, of)? else { return Ok(None) };
    of_environment(&session, &name, stage, terminal)
}

/// The same by one word: `[REVISION:]ENV[@STAGE[/STEP]]` or `[REVISION:]FOLDER`, or a commit of the
/// only environment.
pub(super) fn world_by_word(
    word: &str,
    global: &Global,
    terminal: &Terminal,
) -> anyhow::Result<Option<Asked>> {
    if folder(word, global).is_some() {
        return world(Some(word), None, global, terminal);
    }
    let (revision, of) = match word.split_once(':') {
        Some((revision, of)) => (Some(revision), of),
        None => (None, word),
    };
    let (of, stage) = match of.split_once('@') {
        Some((of, stage)) => (of, Some(stage)),
        None => (of, None),
    };
    let of = Some(of).filter(|of| !of.is_empty());
    match revision {
        Some(revision) => revision::world(revision, of, stage, global, terminal),
        None if !is_environment(of.unwrap_or_default(), global)
            && revision::is_revision(word, global) =>
        {
            revision::world(word, None, None, global, terminal)
        }
        None => world(of, stage, global, terminal),
    }
}

/// The environment of this name, or the only one; `None` when there is an error, which has been
/// shown.
pub(super) fn name(session: &Session<'_>, of: Option<&str>) -> anyhow::Result<Option<String>> {
    if let Some(name) = of {
        return Ok(Some(name.to_owned()));
    }
    let Some(names) = session.names(&[]) else { return Ok(None) };
    match names.as_slice() {
        [only] => Ok(Some(only.clone())),
        [] => anyhow::bail!("there is no environment: name a folder of manifests"),
        several => {
            anyhow::bail!("there are several environments: name one of {}", several.join(", "))
        }
    }
}

fn is_environment(name: &str, global: &Global) -> bool {
    global.root.join("environments").join(name).join("environment.yaml").is_file()
}

/// A folder that is meant: something with a slash or a point in it, or no environment's name.
fn folder(of: &str, global: &Global) -> Option<std::path::PathBuf> {
    let path = global.root.join(of);
    (!is_environment(of, global) && path.is_dir()).then_some(path)
}

/// The world of an environment at a point, the one that it has reached where none is named; `None`
/// when there is an error, which has been shown.
pub(super) fn of_environment(
    session: &Session<'_>,
    name: &str,
    stage: Option<&str>,
    terminal: &Terminal,
) -> anyhow::Result<Option<Asked>> {
    let mut loaded = session.load(name);
    let scope = Scope::default();
    let prepared = session.prepare(&mut loaded, stage, &scope)?;
    let rendered = session.render(&mut loaded, &prepared);
    let (Some(rendered), Some(resolved)) = (rendered, loaded.resolved.take()) else {
        terminal.show(&loaded.found, &loaded.sources);
        return Ok(None);
    };
    let reached = prepared.reached().unwrap_or(&resolved.environment.reached);
    let mut points = prepared.points(&resolved, loaded.sources);
    let world = points.world(reached, &rendered);
    Ok(Some(Asked { world, sources: points.texts.sources }))
}

/// The world of dumps: a file, or every manifest below a folder.
pub(super) fn of_dumps(word: &Path, global: &Global) -> anyhow::Result<Asked> {
    let path = global.root.join(word);
    let name = word.display().to_string();
    if path.is_dir() {
        return of_folder(&path, &name);
    }
    let bytes = std::fs::read(&path)
        .map_err(|e| anyhow::Error::new(e).context(format!("cannot read `{name}`")))?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Ok(of_texts(&[(name.clone(), text)], format!("file {name}")))
}

/// The world of every manifest below a folder, as one cluster.
fn of_folder(folder: &Path, name: &str) -> anyhow::Result<Asked> {
    let mut texts = Vec::new();
    let walk = walkdir::WalkDir::new(folder).sort_by_file_name();
    for entry in walk.into_iter().filter_entry(|e| e.depth() == 0 || !is_hidden(e)) {
        let entry = entry?;
        let path = entry.path();
        let shown = path.strip_prefix(folder).unwrap_or(path).to_string_lossy().replace('\\', "/");
        if !entry.file_type().is_file() || !is_manifest(&shown) {
            continue;
        }
        let bytes = std::fs::read(path)
            .map_err(|e| anyhow::Error::new(e).context(format!("cannot read `{shown}`")))?;
        texts.push((shown, String::from_utf8_lossy(&bytes).into_owned()));
    }
    Ok(of_texts(&texts, format!("folder {name}")))
}

/// The world of some manifests, as one cluster.
pub(super) fn of_texts(texts: &[(String, String)], name: String) -> Asked {
    let mut sources = Sources::default();
    let world = World::of_manifests(name, texts, &mut sources);
    Asked { world, sources }
}

fn is_hidden(entry: &walkdir::DirEntry) -> bool {
    entry.file_name().to_str().is_some_and(|n| n.starts_with('.'))
}

/// A name on the command line that means nothing.
pub(super) fn unknown(error: crate::simulate::NotFound) -> anyhow::Error {
    match error.nearest {
        Some(near) => anyhow::anyhow!("{}: did you mean `{near}`?", error.message),
        None => anyhow::anyhow!("{}", error.message),
    }
}
