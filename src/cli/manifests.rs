//! Manifests named on the command line: files, folders, standard input.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use chrono::Utc;
use clap::Args;

use super::format::{self, Format};
use super::terminal::Terminal;
use super::{ExitCode, Global};
use crate::diagnostic::{Diagnostic, Position, Severity, Sources, Span, has_errors, sort};
use crate::k8s::{Object, objects_of};
use crate::pipeline::{self, LetStand, ManifestFile, Manifests};
use crate::report::{Checked, Counts, Findings, Outcome};
use crate::validate::catalogue::{SchemaSource, embedded};
use crate::validate::manifests::{Options, Validator, Verdict};
use crate::validate::rule::Settings;
use crate::yaml::{Budget, read};

/// What stands for standard input.
pub(super) const STDIN: &str = "-";
/// The lock that lies above the units of a cluster.
const LOCK: &str = "waypost.lock";

/// What manifests are held against.
#[derive(Args, Clone, Debug)]
pub(super) struct Paths {
    /// File or folder with CustomResourceDefinitions, which go before schemas. `schemas/crds` of
    /// the repository is always read.
    #[arg(long, value_name = "PATH", help_heading = "Manifests")]
    crds: Vec<PathBuf>,
    /// Folder of JSON Schemas, `<group>/<kind>_<version>.json`, which go before the built-in ones.
    /// `schemas` of the repository is always read.
    #[arg(long, value_name = "DIR", help_heading = "Manifests")]
    schemas: Vec<PathBuf>,
    /// Leave the CEL rules of the CRDs out.
    #[arg(long, help_heading = "Manifests")]
    no_rules: bool,
    /// A kind without a schema is a problem.
    #[arg(long, help_heading = "Manifests")]
    require_schemas: bool,
    /// Istio's root namespace.
    #[arg(
        long,
        value_name = "NAMESPACE",
        default_value = "istio-system",
        help_heading = "Manifests"
    )]
    root_namespace: String,
    /// A trust domain of the mesh: principals are held against them. May be given several times.
    #[arg(long, value_name = "DOMAIN", help_heading = "Manifests")]
    trust_domain: Vec<String>,
    /// File with a list `suppress`, as an Environment has it: findings of lints that are let stand,
    /// each with a reason and until a day.
    #[arg(long, value_name = "FILE", help_heading = "Manifests")]
    suppressions: Option<PathBuf>,
}

impl Paths {
    pub(super) fn run(
        &self,
        targets: &[String],
        format: Format,
        global: &Global,
        terminal: &Terminal,
    ) -> anyhow::Result<ExitCode> {
        let (validator, sources, found) = self.validator(&global.root)?;
        terminal.show(&found, &sources);
        if has_errors(&found) {
            return Ok(ExitCode::Problems);
        }
        let files = Files::of(targets, &global.root)?;
        terminal.detail(&format!("found {} files", files.listed.len()));
        let settings = Settings {
            root_namespace: self.root_namespace.clone(),
            trust_domains: self.trust_domain.clone(),
            ..Settings::default()
        };
        let suppressions = self.suppressions(&global.root)?;
        let today = Utc::now().date_naive().to_string();
        let let_stand = LetStand {
            file: suppressions.as_ref().map(|(path, text)| (path.as_str(), text.as_str())),
            today: &today,
        };
        let progress = terminal.progress("checking objects");
        let text = |at| files.text(at);
        let done = |n| progress.add(n);
        let mut out =
            pipeline::manifests(&files.listed, &text, &validator, &settings, let_stand, &done);
        drop(progress);
        for link in &files.links {
            let id = out.sources.add(link.as_str(), "");
            let start = Position { line: 1, column: 1, offset: 0 };
            let note = Diagnostic::warning("symlink", format!("`{link}` was not read"))
                .at(Span { file: id, start, end: start }, "links are not followed")
                .help("name what it points to");
            out.summary.warnings += 1;
            out.found.push(note);
        }
        sort(&mut out.found);
        terminal.detail("checked");
        self.report(&out, format, terminal)?;
        let unknown = self.require_schemas && out.summary.not_validated_count() > 0;
        Ok(if out.has_errors() || unknown { ExitCode::Problems } else { ExitCode::Clean })
    }

    /// Path and text of the file of suppressions.
    fn suppressions(&self, root: &Path) -> anyhow::Result<Option<(String, String)>> {
        let Some(path) = &self.suppressions else { return Ok(None) };
        let path = root.join(path);
        let shown = shown(&path, root);
        let text = fs::read_to_string(&path)
            .map_err(|e| anyhow::Error::new(e).context(format!("cannot read `{shown}`")))?;
        Ok(Some((shown, text)))
    }

    fn report(&self, out: &Manifests, format: Format, terminal: &Terminal) -> io::Result<()> {
        let s = &out.summary;
        let checked: Vec<Checked> = out
            .objects
            .iter()
            .map(|object| Checked {
                span: object.span,
                kind: object.kind.clone(),
                name: object.name.clone(),
                outcome: match object.verdict {
                    Verdict::Valid => Outcome::Valid,
                    Verdict::Invalid => Outcome::Invalid,
                    Verdict::NotValidated => Outcome::NotValidated,
                },
            })
            .collect();
        let counts = Counts {
            files: s.files,
            objects: s.objects,
            valid: s.valid,
            invalid: s.invalid,
            not_validated: s.not_validated_count(),
            errors: s.errors,
            warnings: s.warnings,
            notes: out.found.iter().filter(|d| d.severity == Severity::Note).count(),
        };
        let findings = Findings {
            diagnostics: &out.found,
            sources: &out.sources,
            checked: &checked,
            counts,
            about: &format::about,
        };
        format::write(format, &findings, terminal)?;
        terminal.say(&format!(
            "{}, {}: {} valid, {} invalid, {} not validated",
            counted(s.files, "file"),
            counted(s.objects, "object"),
            s.valid,
            s.invalid,
            counts.not_validated
        ));
        for (gvk, count) in &s.not_validated {
            terminal.say(&format!("  no schema for {gvk}: {}", counted(*count, "object")));
        }
        Ok(())
    }

    /// The validator, and what is wrong with what it was made of.
    fn validator(&self, root: &Path) -> anyhow::Result<(Validator, Sources, Vec<Diagnostic>)> {
        let (mut sources, mut found) = (Sources::default(), Vec::new());
        let mut crds: Vec<Object> = Vec::new();
        let own = root.join("schemas/crds");
        let folders = Some(&own).filter(|f| f.is_dir()).into_iter().chain(&self.crds);
        for folder in folders {
            for path in walk(&root.join(folder), &["yaml", "yml", "json"])?.0 {
                let shown = shown(&path, root);
                let text = fs::read_to_string(&path)
                    .map_err(|e| anyhow::Error::new(e).context(format!("cannot read `{shown}`")))?;
                let id = sources.add(shown, text.as_str());
                let (documents, more) = read(id, &text, &Budget::MANIFESTS);
                found.extend(more.into_iter().filter(Diagnostic::is_error));
                // whatever else lies there is none of ours
                crds.extend(objects_of(documents).0);
            }
        }
        let mut schemas = embedded();
        let own = root.join("schemas");
        let folders = Some(&own).filter(|f| f.is_dir()).into_iter().chain(&self.schemas);
        for folder in folders {
            let folder = root.join(folder);
            for path in walk(&folder, &["json"])?.0 {
                let name = shown(&path, &folder);
                if name.starts_with("crds/") || !name.contains('/') {
                    continue;
                }
                let text = fs::read_to_string(&path)
                    .map_err(|e| anyhow::Error::new(e).context(format!("cannot read `{name}`")))?;
                schemas.push(SchemaSource { path: name.into(), text: text.into() });
            }
        }
        let (validator, more) = Validator::new(&schemas, &crds, Options { rules: !self.no_rules });
        found.extend(more);
        sort(&mut found);
        Ok((validator, sources, found))
    }
}

/// The files of a run.
struct Files {
    listed: Vec<ManifestFile>,
    paths: Vec<PathBuf>,
    stdin: String,
    links: Vec<String>,
}

impl Files {
    fn of(targets: &[String], root: &Path) -> anyhow::Result<Self> {
        let mut paths: BTreeSet<PathBuf> = BTreeSet::new();
        let mut links = Vec::new();
        let mut stdin = None;
        for target in targets {
            if target == STDIN {
                let mut text = String::new();
                io::stdin().read_to_string(&mut text)?;
                stdin = Some(text);
                continue;
            }
            let path = root.join(target);
            if !path.exists() {
                anyhow::bail!("`{target}` is neither an environment nor a file or folder");
            }
            let (files, skipped) = walk(&path, &["yaml", "yml", "json"])?;
            paths.extend(files);
            links.extend(skipped.iter().map(|p| shown(p, root)));
        }
        let mut listed = Vec::new();
        let mut all = Vec::new();
        let mut places: BTreeMap<PathBuf, (String, Option<String>)> = BTreeMap::new();
        for path in paths {
            let folder = path.parent().unwrap_or(root).to_owned();
            let (set, unit) =
                places.entry(folder).or_insert_with_key(|folder| place_of(folder)).clone();
            listed.push(ManifestFile { path: shown(&path, root), set, unit });
            all.push(path);
        }
        if stdin.is_some() {
            listed.push(ManifestFile { path: "stdin".into(), set: String::new(), unit: None });
        }
        Ok(Self { listed, paths: all, stdin: stdin.unwrap_or_default(), links })
    }

    fn text(&self, at: usize) -> Result<String, String> {
        match self.paths.get(at) {
            Some(path) => fs::read(path)
                .map_err(|e| e.to_string())
                .and_then(|bytes| String::from_utf8(bytes).map_err(|_| "it is not UTF-8".into())),
            None => Ok(self.stdin.clone()),
        }
    }
}

/// What is applied together with the files of a folder, and as what: in a tree of ours the cluster
/// and the unit, elsewhere everything, and the nearest folder that kustomize builds.
fn place_of(folder: &Path) -> (String, Option<String>) {
    let mut unit = None;
    for folder in folder.ancestors() {
        if unit.is_none() && folder.join("kustomization.yaml").is_file() {
            unit = Some(folder.to_string_lossy().into_owned());
        }
        if folder.join(LOCK).is_file() {
            return (folder.to_string_lossy().into_owned(), unit);
        }
    }
    (String::new(), unit)
}

/// Files below a path with one of these endings, and links that were not followed; a path that is
/// a file is taken whatever its name. Folders that begin with a point are left out.
fn walk(path: &Path, endings: &[&str]) -> anyhow::Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    if path.is_file() {
        return Ok((vec![path.to_owned()], Vec::new()));
    }
    let (mut files, mut links) = (Vec::new(), Vec::new());
    let entries = walkdir::WalkDir::new(path).sort_by_file_name().into_iter().filter_entry(|e| {
        e.depth() == 0
            || !e.file_type().is_dir()
            || !e.file_name().to_string_lossy().starts_with('.')
    });
    for entry in entries {
        let entry = entry?;
        let is_wanted = entry
            .path()
            .extension()
            .is_some_and(|e| endings.iter().any(|wanted| e.eq_ignore_ascii_case(wanted)));
        if entry.file_type().is_symlink() {
            links.push(entry.into_path());
        } else if entry.file_type().is_file() && is_wanted {
            files.push(entry.into_path());
        }
    }
    Ok((files, links))
}

/// A path as a person should see it: seen from the repository, with forward slashes.
fn shown(path: &Path, root: &Path) -> String {
    let path = path.strip_prefix(root).unwrap_or(path);
    let text = path.to_string_lossy().replace('\\', "/");
    text.strip_prefix("./").unwrap_or(&text).to_owned()
}

fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
