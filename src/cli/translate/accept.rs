//! Losses that were accepted: by kind on the command line, or policy by policy in a file.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::bail;
use serde::Deserialize;

use crate::cli::named;
use crate::diagnostic::{Diagnostic, Sources, Spanned};
use crate::k8s::Object;
use crate::pipeline::{Consent, Translation};
use crate::yaml::{Budget, from_node, read};

/// `--accept`: a kind of loss, or a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Accept {
    /// Every loss of a kind.
    Kind(Consent),
    /// What the file says.
    File(String),
}

impl std::str::FromStr for Accept {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(kind) = Consent::ALL.into_iter().find(|kind| kind.as_str() == text) {
            return Ok(Accept::Kind(kind));
        }
        if text.contains(['.', '/']) {
            return Ok(Accept::File(text.to_owned()));
        }
        let kinds: Vec<&str> = Consent::ALL.iter().map(|kind| kind.as_str()).collect();
        Err(format!("there is no loss `{text}`: give one of {}, or a file", kinds.join(", ")))
    }
}

/// An entry of a file: a loss of one policy, who accepted it and why, and until when.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Entry {
    kind: Spanned<String>,
    namespace: String,
    policy: String,
    reason: String,
    owner: String,
    /// The last day on which it counts, as `2026-12-31`.
    expires: Spanned<String>,
}

/// All that is accepted.
#[derive(Debug, Default)]
pub(super) struct Accepted {
    kinds: BTreeSet<Consent>,
    entries: Vec<(Consent, Entry)>,
}

impl Accepted {
    /// Reads what the command line names. An entry that has expired counts no more, and is told.
    pub fn read(
        accept: &[Accept],
        root: &Path,
        today: &str,
        sources: &mut Sources,
        found: &mut Vec<Diagnostic>,
    ) -> anyhow::Result<Self> {
        let mut accepted = Self::default();
        for one in accept {
            match one {
                Accept::Kind(kind) => {
                    accepted.kinds.insert(*kind);
                }
                Accept::File(name) => accepted.file(name, root, today, sources, found)?,
            }
        }
        Ok(accepted)
    }

    fn file(
        &mut self,
        name: &str,
        root: &Path,
        today: &str,
        sources: &mut Sources,
        found: &mut Vec<Diagnostic>,
    ) -> anyhow::Result<()> {
        let text = named::text_of(&root.join(name), name)?;
        let id = sources.add(name, text.as_str());
        let (documents, unread) = read(id, &text, &Budget::MANIFESTS);
        found.extend(unread);
        let [document] = documents.as_slice() else {
            bail!("`{name}` must hold one list of what is accepted");
        };
        let entries: Vec<Entry> = match from_node(&document.root) {
            Ok(entries) => entries,
            Err(error) => {
                let said = format!("`{name}` is no list of what is accepted: {}", error.message);
                let at = error.span.unwrap_or(document.root.span);
                found.push(Diagnostic::error("bad-consent", said).at(at, "").help(
                    "write `kind`, `namespace`, `policy`, `reason`, `owner` and `expires` for each",
                ));
                return Ok(());
            }
        };
        for entry in entries {
            let Some(kind) = Consent::ALL.into_iter().find(|k| k.as_str() == entry.kind.value)
            else {
                let said = format!("there is no loss `{}`", entry.kind.value);
                found.push(Diagnostic::error("bad-consent", said).at(entry.kind.span, "").help(
                    "`waypost translate --help` lists them; a gain is never accepted by kind",
                ));
                continue;
            };
            if entry.expires.value.as_str() < today {
                found.push(
                    Diagnostic::warning("expired-consent", "this loss is accepted no more")
                        .at(entry.expires.span, format!("{}: {}", entry.owner, entry.reason))
                        .help("ask its owner again, and move the day"),
                );
                continue;
            }
            self.entries.push((kind, entry));
        }
        Ok(())
    }

    /// The losses of a translation that nobody accepted.
    pub fn missing(&self, translated: &Translation, objects: &[Object]) -> BTreeSet<Consent> {
        let mut missing = BTreeSet::new();
        for policy in &translated.policies {
            let object = &objects[policy.proposed.object];
            let namespace = object.namespace_or_default();
            let is_about =
                |entry: &Entry| entry.namespace == namespace && entry.policy == object.name;
            missing.extend(policy.consents.iter().filter(|consent| {
                !self.kinds.contains(consent)
                    && !self.entries.iter().any(|(kind, e)| kind == *consent && is_about(e))
            }));
        }
        missing
    }
}
