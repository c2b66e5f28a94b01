//! Manifests named on the command line: files, folders, standard input.

pub(super) mod files;

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use chrono::Utc;
use clap::Args;

use self::files::{Files, Passed, shown, walk};
use super::format::{self, Format};
use super::named;
use super::terminal::Terminal;
use super::{ExitCode, Global, Usage};
use crate::diagnostic::{
    Diagnostic, Position, Severity, Sources, Span, has_errors, sort, sort_by_severity,
};
use crate::k8s::{Object, objects_of};
use crate::pipeline::{self, LetStand, Manifests};
use crate::report::{Checked, Counts, Findings, Outcome};
use crate::validate::catalogue::{SchemaSource, embedded};
use crate::validate::manifests::{Options, Validator, Verdict};
use crate::validate::rule::Settings;
use crate::yaml::{Budget, read};

pub(super) use self::files::STDIN;

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
        let own = self.suppressions.as_ref().map(|path| global.root.join(path));
        let files = Files::of(targets, own.as_deref(), &global.root)?;
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
        let passed = files.findings(&mut out.sources);
        out.summary.count_findings(&passed);
        out.found.extend(passed);
        sort_by_severity(&mut out.found);
        terminal.detail("checked");
        self.report(&out, format, terminal)?;
        let unknown = self.require_schemas && out.summary.not_validated_count() > 0;
        Ok(if out.has_errors() || unknown { ExitCode::Problems } else { ExitCode::Clean })
    }

    /// An Environment says itself what is let stand.
    pub(super) fn refuse_suppressions(&self) -> anyhow::Result<()> {
        match &self.suppressions {
            None => Ok(()),
            Some(_) => Err(Usage::error(
                "`--suppressions` is for manifests: write `suppress` into the Environment",
            )),
        }
    }

    /// Path and text of the file of suppressions.
    fn suppressions(&self, root: &Path) -> anyhow::Result<Option<(String, String)>> {
        let Some(path) = &self.suppressions else { return Ok(None) };
        let path = root.join(path);
        let shown = shown(&path, root);
        let mut text = String::new();
        named::open(&path)
            .and_then(|mut file| file.read_to_string(&mut text))
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
        found.extend(linked(root, &mut sources));
        let own = root.join("schemas/crds");
        let is_own = |folder: &&PathBuf| folder.is_dir() && linked_part(folder, root).is_none();
        let folders = Some(&own).filter(is_own).into_iter().chain(&self.crds);
        for folder in folders {
            for path in readable(&root.join(folder), &["yaml", "yml", "json"], root)? {
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
        let folders = Some(&own).filter(is_own).into_iter().chain(&self.schemas);
        for folder in folders {
            let folder = root.join(folder);
            for path in readable(&folder, &["json"], root)? {
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

/// What is wrong with the folders of the repository that are always read: one that is a link would
/// bring in what no revision of it holds.
fn linked(root: &Path, sources: &mut Sources) -> Option<Diagnostic> {
    let path = shown(linked_part(&root.join("schemas/crds"), root)?.as_path(), root);
    let start = Position { line: 1, column: 1, offset: 0 };
    let span = Span { file: sources.add(path.as_str(), ""), start, end: start };
    Some(
        Diagnostic::error("symlink", format!("`{path}` is a link, and was not read"))
            .at(span, "links are not followed")
            .help("put the folder itself there, or name it with `--schemas` or `--crds`"),
    )
}

/// The first part of a path below the root that is a link.
fn linked_part(path: &Path, root: &Path) -> Option<PathBuf> {
    let below = path.strip_prefix(root).ok()?;
    let parts = below.iter().scan(root.to_owned(), |at, part| {
        at.push(part);
        Some(at.clone())
    });
    parts.into_iter().find(|part| part.is_symlink())
}

/// The files below a path of schemas, where nothing may be missing.
fn readable(path: &Path, endings: &[&str], root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let walked = walk(path, endings);
    for (place, why) in walked.passed {
        if let Passed::Unreadable(why) = why {
            anyhow::bail!("cannot read `{}`: {why}", shown(&place, root));
        }
    }
    Ok(walked.files)
}

fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
