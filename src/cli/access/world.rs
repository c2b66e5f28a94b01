//! The mesh behind a command's arguments: that of an environment at a point of its migration, or
//! that of a folder.

use std::collections::BTreeMap;
use std::path::Path;

use super::super::Global;
use super::super::session::Session;
use super::super::terminal::Terminal;
use super::mesh::{Made, Parts, mesh_of};
use super::{mesh_config, revision};
use crate::diagnostic::{Diagnostic, Sources, has_errors};
use crate::k8s::{Object, objects_of};
use crate::pipeline::Rendered;
use crate::resolve::{Caller, CaseOrigin, Expectation, Resolved, Target};
use crate::simulate::{HttpRequest, Mesh, Options, PodState, Verdict, WorkloadId};
use crate::spec::AccessTest;
use crate::tree::Scope;
use crate::yaml::{Budget, read};

/// A mesh, and what was asserted of it.
pub(in crate::cli) struct World {
    /// What it is called in messages: the environment and the point, or the folder.
    pub name: String,
    /// The mesh.
    pub mesh: Mesh,
    /// What it was made of, cluster by cluster.
    pub clusters: Vec<(Options, Vec<Object>)>,
    /// What pods that were not restarted since their labels changed would be after it.
    pub restarted: BTreeMap<WorkloadId, PodState>,
    /// The assertions that lie beside it.
    pub cases: Vec<Case>,
    /// The texts behind the findings.
    pub sources: Sources,
    /// Findings that do not stop the answer.
    pub found: Vec<Diagnostic>,
}

/// One assertion, by the names that were written.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Case {
    /// Name of the AccessTest.
    pub test: String,
    /// What it is about.
    pub name: String,
    /// Who asks.
    pub from: String,
    /// For what.
    pub to: String,
    /// The request; `None` for a plain connection.
    pub request: Option<HttpRequest>,
    /// What must come of it.
    pub expect: Verdict,
    /// Where it is said.
    pub origin: CaseOrigin,
}

/// Reads a mesh; `None` when there is an error, which has been shown.
pub(super) fn world(
    of: Option<&str>,
    stage: Option<&str>,
    global: &Global,
    terminal: &Terminal,
) -> anyhow::Result<Option<World>> {
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
) -> anyhow::Result<Option<World>> {
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

/// The mesh of an environment at a point.
pub(super) fn of_environment(
    session: &Session<'_>,
    name: &str,
    stage: Option<&str>,
    terminal: &Terminal,
) -> anyhow::Result<Option<World>> {
    Ok(point(session, name, stage, terminal)?.map(|point| point.world))
}

/// An environment at a point.
pub(in crate::cli) struct Point {
    /// Its mesh.
    pub world: World,
    /// What is rendered there.
    pub rendered: Rendered,
    /// Its spec, resolved.
    pub resolved: Resolved,
}

/// An environment at a point, the one that it has reached where none is named; `None` when there is
/// an error, which has been shown.
pub(in crate::cli) fn point(
    session: &Session<'_>,
    name: &str,
    stage: Option<&str>,
    terminal: &Terminal,
) -> anyhow::Result<Option<Point>> {
    let mut loaded = session.load(name);
    let scope = Scope::default();
    let prepared = session.prepare(&mut loaded, stage, &scope)?;
    let rendered = session.render(&mut loaded, &prepared);
    let (Some(rendered), Some(resolved)) = (rendered, loaded.resolved.take()) else {
        terminal.show(&loaded.found, &loaded.sources);
        return Ok(None);
    };
    let mut found = Vec::new();
    let mut parts = Parts::default();
    for (path, file) in rendered.tree.iter().filter(|(_, file)| file.object().is_some()) {
        let cluster = path.split('/').next().unwrap_or_default();
        parts.add(cluster, parse(path, file.text(), &mut loaded.sources, &mut found));
    }
    let Made { mesh, clusters, restarted, found: diagnostics } = mesh_of(&resolved, parts);
    found.extend(diagnostics);
    let reached = || resolved.environment.reached.to_string();
    let world = World {
        name: format!("{name}, stage {}", stage.map_or_else(reached, str::to_owned)),
        mesh,
        clusters,
        restarted,
        cases: cases(&resolved),
        sources: loaded.sources,
        found,
    };
    Ok(Some(Point { world, rendered, resolved }))
}

fn parse(
    path: &str,
    text: &str,
    sources: &mut Sources,
    found: &mut Vec<Diagnostic>,
) -> Vec<Object> {
    let file = sources.add(path, text);
    let (documents, diagnostics) = read(file, text, &Budget::MANIFESTS);
    found.extend(diagnostics.into_iter().filter(Diagnostic::is_error));
    let (objects, diagnostics) = objects_of(documents);
    found.extend(diagnostics);
    objects
}

fn cases(resolved: &Resolved) -> Vec<Case> {
    resolved
        .access
        .iter()
        .map(|case| {
            let from = match &case.from {
                Caller::Workload { namespace, name } => {
                    format!("{}/{}/{name}", namespace.cluster, namespace.namespace)
                }
                Caller::Gateway { namespace, name } => {
                    format!("gateway:{}/{}/{name}", namespace.cluster, namespace.namespace)
                }
                Caller::Outside => "outside".to_owned(),
            };
            let to = match &case.to {
                Target::Service { namespace, name, port } => {
                    format!("{}/{}/{name}:{port}", namespace.cluster, namespace.namespace)
                }
                Target::Pod { namespace, name, port } => {
                    format!("pod:{}/{}/{name}:{port}", namespace.cluster, namespace.namespace)
                }
            };
            let request = &case.request;
            Case {
                name: case.name.clone().unwrap_or_else(|| format!("{from} to {to}")),
                test: case.test.clone(),
                request: http(
                    request.method.as_deref(),
                    request.path.as_deref(),
                    request.host.as_deref(),
                    &request.headers,
                ),
                expect: match case.expect {
                    Expectation::Allow => Verdict::Allow,
                    Expectation::Deny => Verdict::Deny,
                },
                from,
                to,
                origin: case.origin,
            }
        })
        .collect()
}

fn http(
    method: Option<&str>,
    path: Option<&str>,
    host: Option<&str>,
    headers: &BTreeMap<String, String>,
) -> Option<HttpRequest> {
    if method.is_none() && path.is_none() {
        return None;
    }
    let default = HttpRequest::default();
    Some(HttpRequest {
        method: method.map_or(default.method, str::to_owned),
        path: path.map_or(default.path, str::to_owned),
        host: host.map(str::to_owned),
        headers: headers.iter().map(|(k, v)| (k.clone(), v.clone())).collect(),
        token: default.token,
    })
}

/// The mesh of every manifest below a folder, as one cluster.
fn of_folder(folder: &Path, name: &str) -> anyhow::Result<World> {
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
    Ok(of_texts(texts, format!("folder {name}")))
}

/// True for a file that is looked into: YAML, and no part of its path hidden.
pub(super) fn is_manifest(path: &str) -> bool {
    [".yaml", ".yml"].iter().any(|end| path.ends_with(end))
        && !path.split('/').any(|part| part.starts_with('.'))
}

/// The mesh of some manifests, as one cluster.
pub(super) fn of_texts(texts: Vec<(String, String)>, name: String) -> World {
    let mut sources = Sources::default();
    let mut found = Vec::new();
    let mut objects = Vec::new();
    for (path, text) in &texts {
        objects.extend(parse(path, text, &mut sources, &mut found));
    }
    let tests: Vec<Object> =
        objects.extract_if(.., |o| o.gvk.is("waypost.dev", "AccessTest")).collect();
    let cases = folder_cases(&tests, &mut found);
    let options = mesh_config::options(&objects, &mut found);
    let (mesh, diagnostics) = Mesh::from_objects(&objects, &options);
    found.extend(diagnostics);
    World {
        name,
        mesh,
        clusters: vec![(options, objects)],
        restarted: BTreeMap::new(),
        cases,
        sources,
        found,
    }
}

fn is_hidden(entry: &walkdir::DirEntry) -> bool {
    entry.file_name().to_str().is_some_and(|n| n.starts_with('.'))
}

fn folder_cases(tests: &[Object], found: &mut Vec<Diagnostic>) -> Vec<Case> {
    let mut cases = Vec::new();
    for test in tests {
        match test.parse::<AccessTest>() {
            Err(diagnostic) => found.push(*diagnostic),
            Ok(parsed) => cases.extend(parsed.spec.cases.into_iter().map(|case| {
                let case = case.value;
                let origin = CaseOrigin::of(&case);
                let (from, to) = (case.from.value, case.to.value);
                Case {
                    test: test.name.clone(),
                    name: case.name.map_or_else(|| format!("{from} to {to}"), |n| n.value),
                    request: http(
                        case.request.method.as_deref(),
                        case.request.path.as_deref(),
                        case.request.host.as_deref(),
                        &case.request.headers,
                    ),
                    expect: match case.expect.value {
                        crate::spec::Expectation::Allow => Verdict::Allow,
                        crate::spec::Expectation::Deny => Verdict::Deny,
                    },
                    from,
                    to,
                    origin,
                }
            })),
        }
    }
    cases
}

impl World {
    /// Shows what was found; true when an assertion or an object could not be understood.
    pub fn show(&self, terminal: &Terminal) -> bool {
        terminal.show(&self.found, &self.sources);
        has_errors(&self.found)
    }
}

/// A name on the command line that means nothing.
pub(super) fn unknown(error: crate::simulate::NotFound) -> anyhow::Error {
    match error.nearest {
        Some(near) => anyhow::anyhow!("{}: did you mean `{near}`?", error.message),
        None => anyhow::anyhow!("{}", error.message),
    }
}
