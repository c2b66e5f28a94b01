//! What several verbs do alike: find the environments, read one, render it into memory.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::applied::Applied;
use super::changed::{Changes, other_version};
use super::gitops::Folders;
use super::owners::Owners;
use super::stray::{Stray, strays};
use super::terminal::Terminal;
use super::{Global, Usage};
use crate::diagnostic::{Diagnostic, FileId, Sources, has_errors, sort};
use crate::model::{Reached, Target, Unit};
use crate::pipeline::{self, Points, Rendered, Request, Tools};
use crate::render::{Override, Renderer};
use crate::resolve::{self, Resolved};
use crate::spec::{DocumentKind, Entry, EntryKind, Files, Reader};
use crate::tree::git::Git;
use crate::tree::{Digest, Local, Provenance, Scope, is_current};
use crate::validate::SpecSchemas;
use crate::validate::catalogue::embedded;
use crate::validate::manifests::{Options, Validator};
use crate::validate::rule::secrets_of_text;
use crate::yaml::Node;

/// A template is a text that a person wrote: no larger than this.
const TEMPLATE_LIMIT: usize = 64 << 10;

/// The repository of a run.
pub(super) struct Session<'a> {
    files: Files,
    schemas: SpecSchemas,
    terminal: &'a Terminal,
    /// What environments have in common: asked for once, by the first that needs it.
    environments: OnceCell<(Vec<String>, Vec<Diagnostic>, Sources)>,
    left_out: OnceCell<Vec<String>>,
    validator: OnceCell<Arc<Validator>>,
    renderer: OnceCell<Arc<Renderer>>,
}

/// An environment that has been read, with its findings.
pub(super) struct Loaded {
    /// What it means; `None` when it cannot be said.
    pub resolved: Option<Resolved>,
    /// The user's templates.
    pub templates: BTreeMap<String, Override>,
    /// The texts behind the findings.
    pub sources: Sources,
    /// The files and folders that its spec names, whether or not anything lies there.
    pub named: BTreeSet<String>,
    /// The findings so far.
    pub found: Vec<Diagnostic>,
}

impl<'a> Session<'a> {
    pub(super) fn new(global: &Global, terminal: &'a Terminal) -> anyhow::Result<Self> {
        if !global.root.is_dir() {
            anyhow::bail!("`{}` is not a folder", global.root.display());
        }
        Self::of(Files::Disk(global.root.clone()), terminal)
    }

    /// The repository whose files these are.
    pub(super) fn of(files: Files, terminal: &'a Terminal) -> anyhow::Result<Self> {
        Ok(Self {
            files,
            schemas: SpecSchemas::compile().map_err(|e| anyhow::anyhow!(e))?,
            terminal,
            environments: OnceCell::new(),
            left_out: OnceCell::new(),
            validator: OnceCell::new(),
            renderer: OnceCell::new(),
        })
    }

    /// True where there is a document of an environment.
    pub(super) fn has_environment(&self, name: &str) -> bool {
        let path = format!("environments/{name}/environment.yaml");
        self.files.entry(&path, 0) != Entry::Missing
    }

    fn check(&self) -> impl Fn(DocumentKind, &Node) -> Vec<Diagnostic> + '_ {
        |kind, node| self.schemas.check(kind, node)
    }

    /// A reader that knows which environments there are, where that has been asked.
    fn reader<'s>(
        &'s self,
        check: &'s dyn Fn(DocumentKind, &Node) -> Vec<Diagnostic>,
    ) -> Reader<'s> {
        let listed = self.environments.get().map(|(names, ..)| names.as_slice());
        Reader::new(&self.files, check).listed(listed.unwrap_or_default())
    }

    /// The environments that are asked for, all where none is. The findings are shown.
    pub(super) fn names(&self, wanted: &[String]) -> Option<Vec<String>> {
        if !wanted.is_empty() {
            return Some(wanted.to_vec());
        }
        let (names, found, sources) = self.environments();
        self.terminal.show(found, sources);
        (!has_errors(found)).then(|| names.clone())
    }

    /// The environments that there are; what is wrong with them is told elsewhere.
    pub(super) fn known(&self) -> &[String] {
        &self.environments().0
    }

    /// As [`Session::known`], with what is wrong.
    fn environments(&self) -> &(Vec<String>, Vec<Diagnostic>, Sources) {
        self.environments.get_or_init(|| {
            let check = self.check();
            let mut reader = Reader::new(&self.files, &check);
            let (names, found) = reader.environments();
            (names, found, reader.into_sources())
        })
    }

    /// What lies where environments and their trees lie, and belongs to none.
    pub(super) fn strays(&self, folders: &Folders) -> Vec<Stray> {
        strays(&self.files, self.known(), folders)
    }

    /// Who renders which names for appliers.
    pub(super) fn owners<'s>(&'s self, folders: &'s Folders) -> Owners<'s> {
        Owners::new(&self.files, folders)
    }

    /// Who applies which objects to which clusters, in a run over these environments.
    pub(super) fn applied<'s>(&'s self, folders: &'s Folders, run: &[String]) -> Applied<'s> {
        Applied::new(self, &self.files, folders, run)
    }

    /// The merged document of an environment, and its texts. The findings are shown; `None` where
    /// one is an error.
    pub(super) fn document(&self, name: &str) -> Option<(Node, Sources)> {
        let check = self.check();
        let mut reader = self.reader(&check);
        let (input, mut found) = reader.read(name);
        let sources = reader.into_sources();
        sort(&mut found);
        self.terminal.show(&found, &sources);
        let input = input.filter(|_| !has_errors(&found))?;
        Some((input.document, sources))
    }

    /// Why a job for an environment cannot be left out after these changes; `None` where it can.
    pub(super) fn touched(&self, name: &str, changes: &Changes, out: &str) -> Option<String> {
        let changed = |path: &str| match path {
            "" => "git knows nothing of this folder".to_owned(),
            path => format!("`{path}` changed"),
        };
        if let Some(path) = changes.touching_all() {
            return Some(changed(path));
        }
        let check = self.check();
        let mut reader = self.reader(&check);
        let (input, _) = reader.read(name);
        if let Some(path) = changes.touching(name, out, reader.named()) {
            return Some(changed(path));
        }
        if input.is_none() {
            return Some("it cannot be read".to_owned());
        }
        other_version(&self.files, out, name)
    }

    /// Reads one environment and says what it means.
    pub(super) fn load(&self, name: &str) -> Loaded {
        let check = self.check();
        let mut reader = self.reader(&check);
        let (input, mut found) = reader.read(name);
        let mut named = reader.named().clone();
        named.extend([format!("environments/{name}"), "templates".to_owned()]);
        found.extend(self.left_out(&named));
        let mut sources = reader.into_sources();
        let templates = self.templates(&mut sources, &mut found);
        self.terminal.detail(&format!("{name}: read {} files", sources.iter().count()));
        let resolved = input.map(|input| {
            let (resolved, diagnostics) = resolve::resolve(input);
            found.extend(diagnostics);
            resolved
        });
        self.terminal.detail(&format!("{name}: resolved"));
        let resolved = resolved.flatten();
        found.extend(secrets(&sources, resolved.as_ref()));
        Loaded { resolved, templates, sources, named, found }
    }

    /// Files that the spec names and a sparse checkout leaves out: what was rendered from them would be
    /// lost.
    fn left_out(&self, named: &BTreeSet<String>) -> Option<Diagnostic> {
        let left_out = self.left_out.get_or_init(|| left_out(&self.files));
        let is_named = |path: &&String| {
            named.iter().any(|named| {
                let rest = path.strip_prefix(named.trim_end_matches('/'));
                named.is_empty()
                    || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
        };
        let mut left_out = left_out.iter().filter(is_named);
        let (first, more) = (left_out.next()?, left_out.count());
        let others =
            if more == 0 { String::new() } else { format!(", one of {} such files,", more + 1) };
        Some(
            Diagnostic::error(
                "source-not-here",
                format!("`{first}`{others} is not in this clone: a sparse checkout leaves it out"),
            )
            .help("`git sparse-checkout add` its folder, or `git sparse-checkout disable`"),
        )
    }

    /// `templates/` of the repository, by the name below it.
    fn templates(
        &self,
        sources: &mut Sources,
        found: &mut Vec<Diagnostic>,
    ) -> BTreeMap<String, Override> {
        let mut templates = BTreeMap::new();
        let mut folders = vec!["templates".to_owned()];
        while let Some(folder) = folders.pop() {
            let names = match self.files.entry(&folder, 0) {
                Entry::Folder(names) => names,
                Entry::Missing => continue,
                _ => {
                    found.push(unreadable(&folder));
                    continue;
                }
            };
            for (name, kind) in names {
                let path = format!("{folder}/{name}");
                match kind {
                    EntryKind::Folder => folders.push(path),
                    EntryKind::File if name.ends_with(".j2") => {
                        match self.files.entry(&path, TEMPLATE_LIMIT) {
                            Entry::File(text) => {
                                let file = sources.add(path.clone(), text.as_str());
                                let name = path.trim_start_matches("templates/").to_owned();
                                templates.insert(name, Override { file, text: text.into() });
                            }
                            _ => found.push(unreadable(&path)),
                        }
                    }
                    EntryKind::Symlink | EntryKind::Other => found.push(unreadable(&path)),
                    EntryKind::File => {}
                }
            }
        }
        templates
    }

    /// The templates. Those of the user point at the texts of the environment, so that only the
    /// built-in ones are one for all environments.
    fn renderer(&self, loaded: &mut Loaded) -> Arc<Renderer> {
        let templates = std::mem::take(&mut loaded.templates);
        if templates.is_empty() {
            return Arc::clone(self.renderer.get_or_init(|| Arc::new(Renderer::new(templates).0)));
        }
        let (renderer, found) = Renderer::new(templates);
        loaded.found.extend(found);
        Arc::new(renderer)
    }

    /// What rendering a loaded environment takes.
    pub(super) fn prepare<'s>(
        &self,
        loaded: &mut Loaded,
        stage: Option<&str>,
        scope: &'s Scope,
    ) -> anyhow::Result<Prepared<'s>> {
        let renderer = self.renderer(loaded);
        let validator = self.validator.get_or_init(|| {
            // what is built in has no findings: a test compiles all of it
            Arc::new(Validator::new(&embedded(), &[], Options::default()).0)
        });
        let mut reached = None;
        if let Some(resolved) = &loaded.resolved {
            let environment = &resolved.environment;
            if let Some(text) = stage {
                let point = pipeline::parse_reached(environment, text);
                reached = Some(point.map_err(Usage::error)?);
            }
            for cluster in scope.clusters.iter().flatten() {
                if !environment.clusters.keys().any(|c| c.as_str() == cluster) {
                    let known: Vec<&str> =
                        environment.clusters.keys().map(|name| name.as_str()).collect();
                    return Err(Usage::error(format!(
                        "`{}` has no cluster `{cluster}`: it has {}",
                        environment.name,
                        known.join(", ")
                    )));
                }
            }
        }
        Ok(Prepared {
            tools: Tools { renderer, validator: Arc::clone(validator) },
            reached,
            scope,
            input: pipeline::input_digest(&loaded.sources),
        })
    }

    /// Renders a loaded environment into memory. Every finding is in `loaded.found` afterwards, in
    /// order; with an error among them there is no tree.
    pub(super) fn render(&self, loaded: &mut Loaded, prepared: &Prepared<'_>) -> Option<Rendered> {
        let mut rendered = None;
        if let Some(resolved) = &loaded.resolved {
            let name = &resolved.environment.name;
            let progress = self.terminal.progress(&format!("rendering {name}"));
            let count = |count| progress.add(count);
            let (tree, found) =
                pipeline::render(resolved, &prepared.tools, &prepared.request(), &count);
            loaded.found.extend(found);
            rendered = tree;
        }
        sort(&mut loaded.found);
        self.terminal.detail("rendered");
        rendered.filter(|_| !has_errors(&loaded.found))
    }

    /// True when the tree on disk is what a render would leave there, by its locks. The findings
    /// are in `loaded.found` then, as after a render.
    pub(super) fn is_current<'l>(
        &self,
        loaded: &mut Loaded,
        prepared: &Prepared<'_>,
        local: &Local,
        told: impl IntoIterator<Item = (Target, &'l Local)>,
    ) -> bool {
        let Some(resolved) = loaded.resolved.as_ref().filter(|r| r.patches.is_empty()) else {
            return false;
        };
        let request = prepared.request();
        if has_errors(&loaded.found)
            || *prepared.scope != Scope::default()
            || !is_current(local, &pipeline::provenance(resolved, &request))
        {
            return false;
        }
        let delivery = resolved.environment.delivery.as_ref();
        let provenance = prepared.delivery(resolved);
        let are_current = told.into_iter().all(|(target, local)| {
            if delivery.is_some_and(|d| d.targets.contains(&target)) {
                is_current(local, &provenance)
            } else {
                local.locks.is_empty()
            }
        });
        if !are_current {
            return false;
        }
        let found = pipeline::findings(resolved, &prepared.tools, &request);
        if has_errors(&found) {
            return false;
        }
        loaded.found.extend(found);
        sort(&mut loaded.found);
        true
    }
}

/// What rendering takes beside the environment.
pub(super) struct Prepared<'s> {
    tools: Tools,
    reached: Option<Reached>,
    scope: &'s Scope,
    input: Digest,
}

impl Prepared<'_> {
    /// The point of the migration that was asked for.
    pub(super) fn reached(&self) -> Option<&Reached> {
        self.reached.as_ref()
    }

    /// The part that was asked for.
    pub(super) fn scope(&self) -> &Scope {
        self.scope
    }

    /// What renders the environment point by point.
    pub(super) fn points<'p>(&'p self, resolved: &'p Resolved, sources: Sources) -> Points<'p> {
        Points::new(resolved, &self.tools, self.input, sources)
    }

    /// What the appliers' trees are made from.
    pub(super) fn delivery(&self, resolved: &Resolved) -> Provenance {
        pipeline::delivery_provenance(resolved, &self.request())
    }

    fn request(&self) -> Request<'_> {
        Request { stage: self.reached.as_ref(), scope: self.scope, input: self.input }
    }
}

/// The files of a repository that a sparse checkout leaves out.
fn left_out(files: &Files) -> Vec<String> {
    let Files::Disk(root) = files else { return Vec::new() };
    // git is asked only where there is a repository; where it cannot answer, nothing is known
    let Ok(root) = root.canonicalize() else { return Vec::new() };
    if !root.ancestors().any(|folder| folder.join(".git").symlink_metadata().is_ok()) {
        return Vec::new();
    }
    Git::open(&root).and_then(|git| git.left_out()).unwrap_or_default()
}

/// Keys and tokens in what people wrote: they would be rendered. What exists in the clusters is
/// rendered in no part that could hold one, and `validate` looks at it.
fn secrets(sources: &Sources, resolved: Option<&Resolved>) -> Vec<Diagnostic> {
    let existing: BTreeSet<FileId> = resolved
        .iter()
        .flat_map(|resolved| resolved.inventory.values().flatten())
        .map(|object| object.span().file)
        .collect();
    let written = sources.iter().filter(|(id, _)| !existing.contains(id));
    written.flat_map(|(id, source)| secrets_of_text(id, &source.text)).collect()
}

fn unreadable(path: &str) -> Diagnostic {
    Diagnostic::error("unreadable-file", format!("the template `{path}` cannot be read"))
        .help("put the file itself there: links are not followed, and the limit is 64 KiB")
}

/// The scope of `--cluster` and `--unit`.
pub(super) fn scope(clusters: &[String], units: &[String]) -> anyhow::Result<Scope> {
    let units: Vec<Unit> = units
        .iter()
        .map(|text| {
            Unit::parse(text).ok_or_else(|| {
                let known: Vec<&str> = Unit::ALL.iter().map(|u| u.as_str()).collect();
                Usage::error(format!("`{text}` is no unit: use {}", known.join(", ")))
            })
        })
        .collect::<anyhow::Result<_>>()?;
    Ok(Scope {
        clusters: (!clusters.is_empty()).then(|| clusters.iter().cloned().collect()),
        units: (!units.is_empty()).then(|| units.into_iter().collect()),
    })
}
