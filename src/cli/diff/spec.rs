//! The specs behind both sides' trees: the inventory that access is asked of, the lines that a
//! change comes from, and whether a tree is what its spec would give.

use std::collections::BTreeMap;
use std::path::Path;

use super::super::Global;
use super::super::session::{Loaded, Session};
use super::super::terminal::Terminal;
use super::side::{Side, Trees};
use crate::diagnostic::has_errors;
use crate::pipeline::{self, Request};
use crate::spec::Files;
use crate::tree::git::{BlobId, ChangedPath, Content, Git, Revision};
use crate::tree::{LOCK_NAME, Lock, Scope};

/// What reads the specs.
pub(super) struct Specs<'a> {
    global: &'a Global,
    terminal: &'a Terminal,
    /// Paths outside of the trees in which the base and the working tree differ; `None` where that
    /// is not known.
    changed: Option<Vec<ChangedPath>>,
    sessions: [Option<Session<'a>>; 2],
}

/// Which side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    Before,
    After,
}

impl<'a> Specs<'a> {
    pub(super) fn new(global: &'a Global, terminal: &'a Terminal, trees: &Trees) -> Self {
        let changed = match (&trees.before, &trees.after) {
            (Side::Revision(base), Side::Work) => {
                trees.git().ok().and_then(|git| changed(&git, base, trees).ok())
            }
            _ => None,
        };
        Self { global, terminal, changed, sessions: [None, None] }
    }

    /// Where findings are shown.
    pub(super) fn terminal(&self) -> &'a Terminal {
        self.terminal
    }

    /// True where it is known that no spec changed.
    pub(super) fn are_unchanged(&self) -> bool {
        self.changed.as_ref().is_some_and(Vec::is_empty)
    }

    /// Reads the spec of an environment; `None` where that side has none. What is wrong with the
    /// one after is shown.
    pub(super) fn load(
        &mut self,
        trees: &Trees,
        which: Which,
        name: &str,
    ) -> anyhow::Result<Option<Loaded>> {
        let place = usize::from(which == Which::After);
        if self.sessions[place].is_none() {
            let side = if which == Which::Before { &trees.before } else { &trees.after };
            let Some(files) = self.files(trees, side)? else { return Ok(None) };
            self.sessions[place] = Some(Session::of(files, self.terminal)?);
        }
        let Some(session) = &self.sessions[place] else { return Ok(None) };
        if !session.has_environment(name) {
            return Ok(None);
        }
        let loaded = session.load(name);
        if which == Which::After && has_errors(&loaded.found) {
            self.terminal.show(&loaded.found, &loaded.sources);
        }
        Ok(Some(loaded))
    }

    fn files(&self, trees: &Trees, side: &Side) -> anyhow::Result<Option<Files>> {
        Ok(match side {
            Side::Work | Side::Environment(_) => Some(Files::Disk(self.global.root.clone())),
            Side::Folder { checkout, .. } => checkout.clone().map(Files::Disk),
            Side::Revision(revision) => {
                let git = trees.git()?;
                let known =
                    self.changed.clone().filter(|_| side.describe() == trees.before.describe());
                let changed = match known {
                    Some(changed) => changed,
                    None => changed(&git, revision, trees)?,
                };
                Some(Files::Over(self.global.root.clone(), texts_before(&git, &changed)?))
            }
        })
    }
}

/// Paths outside of the trees in which a revision and the working tree differ.
fn changed(git: &Git, revision: &Revision, trees: &Trees) -> anyhow::Result<Vec<ChangedPath>> {
    let below = format!("{}/", trees.below_root()?);
    let mut changed = git.changed(revision, None, &[])?;
    changed.retain(|path| !path.path.starts_with(&below));
    Ok(changed)
}

/// What a revision has at these paths: a text, or nothing.
fn texts_before(
    git: &Git,
    changed: &[ChangedPath],
) -> anyhow::Result<BTreeMap<String, Option<String>>> {
    let blob = |path: &ChangedPath| match &path.before {
        Some(Content::Blob(id)) => Some(id.clone()),
        Some(Content::Work | Content::NoFile) | None => None,
    };
    let blobs: Vec<BlobId> = changed.iter().filter_map(blob).collect();
    let mut texts = git.read(&blobs)?.into_iter();
    let text = |path: &ChangedPath| {
        let text = blob(path).and_then(|_| texts.next());
        (path.path.clone(), text.and_then(|bytes| String::from_utf8(bytes).ok()))
    };
    Ok(changed.iter().map(text).collect())
}

/// Why the tree on disk is not what its spec would give, by its locks; whether somebody edited a
/// file, `check` tells.
pub(super) fn stale(loaded: &Loaded, root: &Path, out: &str, name: &str) -> Option<String> {
    let resolved = loaded.resolved.as_ref()?;
    let scope = Scope::default();
    let input = pipeline::input_digest(&loaded.sources);
    let wanted = pipeline::provenance(resolved, &Request { stage: None, scope: &scope, input });
    let is_current = wanted.clusters.iter().all(|(cluster, wanted)| {
        let path = root.join(out).join(name).join(cluster).join(LOCK_NAME);
        let lock = std::fs::read_to_string(path).ok().and_then(|text| Lock::parse(&text).ok());
        lock.is_some_and(|lock| lock.input == wanted.input && lock.stages == wanted.stages)
    });
    (!is_current).then(|| {
        format!(
            "the tree is stale: its spec has changed since it was rendered; `waypost render {name}` first"
        )
    })
}
