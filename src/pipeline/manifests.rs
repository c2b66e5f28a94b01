//! Manifests of any folder: read, checked each by itself, then all that is applied together.

mod kustomization;
mod same;
mod together;

use std::collections::BTreeMap;

use rayon::prelude::*;

use self::kustomization::is_kustomization;
use self::together::Together;
use crate::diagnostic::{Diagnostic, FileId, Position, Severity, Sources, Span, sort_by_severity};
use crate::k8s::{Object, objects_of};
use crate::simulate::{Cluster, ClusterId, Mesh};
use crate::validate::manifests::{Summary, Validator, Verdict};
use crate::validate::rule::{
    RuleInput, RuleObjects, Settings, Suppressions, apply_annotations, check_all,
};
use crate::validate::suppression_file::suppressions;
use crate::world::mesh_options;
use crate::yaml::{Budget, Document, Entry, Node, Value, read};

/// A file of manifests.
#[derive(Clone, Debug)]
pub struct ManifestFile {
    /// Its path as a person should see it.
    pub path: String,
    /// What is applied together: files of one set are seen by one run of the lints.
    pub set: String,
    /// The unit: what one Application or Kustomization applies, if that is known.
    pub unit: Option<String>,
}

/// An object and what became of it.
#[derive(Clone, Debug)]
pub struct CheckedObject {
    /// Where it stands.
    pub span: Span,
    /// `group/version/Kind`.
    pub kind: String,
    /// `namespace/name`, or the name.
    pub name: String,
    /// Whether it is valid.
    pub verdict: Verdict,
}

/// Findings of lints that are let stand.
#[derive(Clone, Copy, Debug)]
pub struct LetStand<'a> {
    /// Path and text of a file of suppressions.
    pub file: Option<(&'a str, &'a str)>,
    /// A date as `2026-12-31`.
    pub today: &'a str,
}

/// What was found in some files.
#[derive(Debug, Default)]
pub struct Manifests {
    /// The texts behind the findings.
    pub sources: Sources,
    /// The findings, in order. Whoever shows them hides what is secret.
    pub found: Vec<Diagnostic>,
    /// The objects, in the order of their files.
    pub objects: Vec<CheckedObject>,
    /// Counts.
    pub summary: Summary,
}

/// Checks files of manifests: every object against its kind, every set against the lints, less what
/// is let stand of these. `text` gives a file's text, or says why it cannot.
pub fn manifests(
    files: &[ManifestFile],
    text: &(dyn Fn(usize) -> Result<String, String> + Sync),
    validator: &Validator,
    settings: &Settings,
    let_stand: LetStand<'_>,
    done: &(dyn Fn(usize) + Sync),
) -> Manifests {
    let mut all: Vec<Contents> = (0..files.len())
        .into_par_iter()
        .map(|at| Contents::read(at, &files[at].path, text(at)))
        .collect();
    let read: Vec<kustomization::Read<'_>> = files
        .iter()
        .zip(&all)
        .map(|(file, contents)| kustomization::Read {
            path: &file.path,
            objects: &contents.objects,
            is_ours: !file.set.is_empty(),
        })
        .collect();
    let kustomizations = kustomization::read(&read);
    let together = Together::new(files, &kustomizations.builds);
    all.par_iter_mut().zip(files).for_each(|(contents, file)| {
        if kustomizations.patches.contains(&file.path) {
            // part of another object: kustomize says what becomes of it
            contents.objects.clear();
            contents.not_objects.clear();
        }
        contents.check(validator);
        done(contents.objects.len());
    });

    let mut out = Manifests {
        summary: Summary { files: files.len(), ..Summary::default() },
        ..Manifests::default()
    };
    let mut sets: BTreeMap<&str, (Settings, Vec<Object>)> = BTreeMap::new();
    for (at, (contents, file)) in all.into_iter().zip(files).enumerate() {
        let id = out.sources.add(file.path.as_str(), contents.text);
        debug_assert_eq!(id, file_id(at));
        out.found.extend(contents.found);
        out.found.extend(contents.not_objects);
        for (object, verdict) in contents.objects.iter().zip(contents.verdicts) {
            out.summary.count(object, verdict);
            out.objects.push(CheckedObject::of(object, verdict));
        }
        let (of_set, objects) =
            sets.entry(&file.set).or_insert_with(|| (settings.clone(), Vec::new()));
        if let Some(unit) = together.unit(id) {
            of_set.units.insert(id, unit.to_owned());
        }
        of_set.paths.insert(id, file.path.clone());
        objects.extend(contents.objects);
    }
    out.found.extend(kustomizations.found);
    let mut entries = Vec::new();
    if let Some((path, text)) = let_stand.file {
        let id = out.sources.add(path, text);
        let (read, found) = suppressions(id, text);
        entries = read;
        out.found.extend(found);
    }
    let mut suppressions = Suppressions::new(&entries, let_stand.today);
    for (set, (settings, objects)) in sets {
        together.duplicates(&objects, &mut out.found);
        let objects = together.applied(objects);
        let mut lints = Vec::new();
        let (mesh, id) = mesh_of(&objects, &settings);
        let all: Vec<&Object> = objects.iter().collect();
        let input = RuleObjects::applied_together(&objects);
        check_all(&RuleInput::new(input, (&mesh, id), &settings), &mut lints);
        // all of a cluster of our tree is applied together
        if set.is_empty() {
            together.keep(&mut lints);
        }
        // a set of our tree is the folder of a cluster
        let cluster = set.rsplit(['/', '\\']).next().unwrap_or_default();
        suppressions.apply(cluster, &all, &mut lints);
        apply_annotations(&all, &mut lints);
        out.found.append(&mut lints);
    }
    suppressions.review(&mut out.found);
    sort_by_severity(&mut out.found);
    out.summary.count_findings(&out.found);
    out.found = same::fold(std::mem::take(&mut out.found), &out.sources);
    out
}

/// A file, read.
struct Contents {
    text: String,
    objects: Vec<Object>,
    verdicts: Vec<Verdict>,
    found: Vec<Diagnostic>,
    /// Documents that are no objects: a list of patch operations is one.
    not_objects: Vec<Diagnostic>,
}

impl Contents {
    fn read(at: usize, path: &str, text: Result<String, String>) -> Self {
        let id = file_id(at);
        let text = match text {
            Ok(text) => text,
            Err(why) => {
                let start = Position { line: 1, column: 1, offset: 0 };
                let found =
                    Diagnostic::error("unreadable-file", format!("`{path}` cannot be read: {why}"))
                        .at(Span { file: id, start, end: start }, "");
                return Self {
                    text: String::new(),
                    objects: Vec::new(),
                    verdicts: Vec::new(),
                    found: vec![found],
                    not_objects: Vec::new(),
                };
            }
        };
        let (mut documents, found) = read(id, &text, &Budget::MANIFESTS);
        if is_kustomization(path) {
            documents.iter_mut().for_each(complete_kustomization);
        }
        let (objects, not_objects) = objects_of(documents);
        Self { text, objects, verdicts: Vec::new(), found, not_objects }
    }

    fn check(&mut self, validator: &Validator) {
        self.verdicts =
            self.objects.iter().map(|object| validator.check(object, &mut self.found)).collect();
    }
}

impl CheckedObject {
    fn of(object: &Object, verdict: Verdict) -> Self {
        let name = match &object.namespace {
            Some(namespace) => format!("{namespace}/{}", object.name),
            None => object.name.clone(),
        };
        Self { span: object.span(), kind: object.gvk.to_string(), name, verdict }
    }
}

impl Manifests {
    /// True when some finding is an error.
    pub fn has_errors(&self) -> bool {
        self.found.iter().any(|d| d.severity == Severity::Error)
    }
}

/// The mesh of the objects of a set.
fn mesh_of(objects: &[Object], settings: &Settings) -> (Mesh, ClusterId) {
    // what is wrong with the configuration is wrong with the ConfigMap, which is checked by itself
    let mut options = mesh_options(objects, &mut Vec::new());
    options.root_namespace.clone_from(&settings.root_namespace);
    if let [domain, aliases @ ..] = settings.trust_domains.as_slice() {
        options.trust_domain.clone_from(domain);
        options.trust_domain_aliases = aliases.to_vec();
    }
    let objects = objects.iter().collect();
    let (mesh, _) = Mesh::from_clusters(&[Cluster { options, objects }]);
    (mesh, ClusterId::FIRST)
}

fn file_id(at: usize) -> FileId {
    FileId(u32::try_from(at).unwrap_or(u32::MAX))
}

/// kustomize takes a kustomization file without kind and version.
fn complete_kustomization(document: &mut Document) {
    let span = document.root.span;
    let Value::Mapping(mapping) = &mut document.root.value else { return };
    let component = mapping.get("kind").and_then(Node::as_str) == Some("Component");
    let version = if component { "v1alpha1" } else { "v1beta1" };
    let defaults = [
        ("apiVersion", format!("kustomize.config.k8s.io/{version}")),
        ("kind", "Kustomization".to_owned()),
    ];
    for (key, value) in defaults {
        if mapping.get(key).is_none() {
            mapping.entries.push(Entry {
                key: key.to_owned(),
                key_span: span,
                value: Node { span, value: Value::Text(value) },
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::catalogue::embedded;
    use crate::validate::manifests::Options;

    fn run(files: &[(&str, &str)]) -> Manifests {
        let (validator, _) = Validator::new(&embedded(), &[], Options::default());
        let listed: Vec<ManifestFile> = files
            .iter()
            .map(|(path, _)| ManifestFile {
                path: (*path).to_owned(),
                set: String::new(),
                unit: None,
            })
            .collect();
        let text = |at: usize| match files[at].1 {
            "?" => Err("permission denied".to_owned()),
            text => Ok(text.to_owned()),
        };
        let nothing = LetStand { file: None, today: "2026-01-01" };
        manifests(&listed, &text, &validator, &Settings::default(), nothing, &|_| {})
    }

    #[test]
    fn every_object_is_counted_and_unknown_kinds_are_said() {
        let out = run(&[
            (
                "a/b.yaml",
                "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n---\napiVersion: x.y/v1\nkind: Thing\nmetadata: {name: b}\n",
            ),
            ("a/c.yaml", "?"),
            ("a/d.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: A}\n"),
        ]);
        let s = &out.summary;
        assert_eq!((s.files, s.objects, s.valid, s.invalid), (3, 3, 1, 1));
        assert_eq!(s.not_validated_count(), 1);
        assert_eq!((s.errors, s.warnings), (2, 0));
        let codes: Vec<&str> = out.found.iter().map(|d| d.code).collect();
        assert_eq!(codes, ["unreadable-file", "bad-name"]);
    }

    #[test]
    fn patches_of_a_kustomization_are_no_objects() {
        let patch = "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\nspec: {unknown: true}\n";
        let out = run(&[
            ("u/kustomization.yaml", "resources: [ns.yaml]\npatches:\n- path: ../p/./patch.yaml\n"),
            ("p/patch.yaml", patch),
        ]);
        assert_eq!(out.found.iter().map(|d| d.code).collect::<Vec<_>>(), ["not-built"]);
        assert_eq!(out.summary.objects, 1);
        assert_eq!(run(&[("p/patch.yaml", patch)]).summary.invalid, 1);

        let operations = "- {op: add, path: /a, value: 1}\n";
        let named =
            "resources: [ns.yaml]\npatches:\n- {path: patch.yaml, target: {kind: Namespace}}\n";
        let out = run(&[("u/kustomization.yaml", named), ("u/patch.yaml", operations)]);
        assert_eq!(out.found.iter().map(|d| d.code).collect::<Vec<_>>(), ["not-built"]);
        let codes: Vec<&str> =
            run(&[("u/patch.yaml", operations)]).found.iter().map(|d| d.code).collect();
        assert_eq!(codes, ["not-an-object"]);
    }
}
