//! What the formats write.

use crate::diagnostic::{Diagnostic, FileId, Place, Severity, Sources, Span};

/// Findings, the files behind them, and what was looked at.
pub struct Findings<'a> {
    /// The findings, in their order.
    pub diagnostics: &'a [Diagnostic],
    /// The texts behind them. Paths are shown as they are: make them relative to the repository.
    pub sources: &'a Sources,
    /// The objects that were looked at, in the order of their files; empty where a run is not
    /// about objects.
    pub checked: &'a [Checked],
    /// Counts of the whole run.
    pub counts: Counts,
    /// What is known of a code.
    pub about: &'a dyn Fn(&str) -> Option<About>,
}

/// An object that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Where it stands.
    pub span: Span,
    /// `group/version/Kind`.
    pub kind: String,
    /// `namespace/name`, or the name.
    pub name: String,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is valid.
    Valid,
    /// It is not.
    Invalid,
    /// There is no schema for its kind.
    NotValidated,
}

impl Outcome {
    /// As the formats write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Valid => "valid",
            Outcome::Invalid => "invalid",
            Outcome::NotValidated => "not validated",
        }
    }
}

/// Counts of a run; true whatever is shown of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Files read.
    pub files: usize,
    /// Objects in them.
    pub objects: usize,
    /// Valid objects.
    pub valid: usize,
    /// Invalid ones.
    pub invalid: usize,
    /// Objects without a schema.
    pub not_validated: usize,
    /// Errors.
    pub errors: usize,
    /// Warnings.
    pub warnings: usize,
    /// Notes.
    pub notes: usize,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        let Self { files, objects, valid, invalid, not_validated, errors, warnings, notes } = other;
        self.files += files;
        self.objects += objects;
        self.valid += valid;
        self.invalid += invalid;
        self.not_validated += not_validated;
        self.errors += errors;
        self.warnings += warnings;
        self.notes += notes;
    }
}

/// What is known of a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// One sentence.
    pub summary: String,
    /// Markdown.
    pub page: String,
}

impl Findings<'_> {
    /// The path of a file; empty for one that is not known.
    pub(super) fn path(&self, file: FileId) -> &str {
        self.sources.get(file).map(|s| s.path.as_str()).unwrap_or_default()
    }

    /// Message, labels and help as one text: for formats that have room for one.
    pub(super) fn whole_text(diagnostic: &Diagnostic) -> String {
        let mut text = diagnostic.message.clone();
        let label = diagnostic.primary.as_ref().map(|p| p.label.as_str()).unwrap_or_default();
        if !label.is_empty() {
            text.push_str(": ");
            text.push_str(label);
        }
        if let Some(help) = &diagnostic.help {
            text.push_str("\nhelp: ");
            text.push_str(help);
        }
        text
    }
}

/// The word for a severity in formats that know `error`, `warning`, `note`.
pub(super) fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

/// The primary place, if its file is known.
pub(super) fn primary<'d>(diagnostic: &'d Diagnostic, sources: &Sources) -> Option<&'d Place> {
    diagnostic.primary.as_ref().filter(|p| sources.get(p.span.file).is_some())
}
