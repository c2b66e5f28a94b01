//! Losses that were accepted: by kind on the command line, or policy by policy in a file.

use std::path::Path;

use anyhow::bail;

use crate::cli::named;
use crate::diagnostic::{Diagnostic, Sources};
use crate::pipeline::{Accepted, Consent};
use crate::spec::Acceptance;
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

/// Reads what the command line names. An entry that has expired counts no more, and is told.
pub(super) fn accepted(
    accept: &[Accept],
    root: &Path,
    today: &str,
    sources: &mut Sources,
    found: &mut Vec<Diagnostic>,
) -> anyhow::Result<Accepted> {
    let mut accepted = Accepted::default();
    for one in accept {
        match one {
            Accept::Kind(kind) => accepted.kind(*kind),
            Accept::File(name) => {
                for entry in entries(name, root, sources, found)? {
                    accepted.entry(&entry, today, found);
                }
            }
        }
    }
    Ok(accepted)
}

fn entries(
    name: &str,
    root: &Path,
    sources: &mut Sources,
    found: &mut Vec<Diagnostic>,
) -> anyhow::Result<Vec<Acceptance>> {
    let text = named::text_of(&root.join(name), name)?;
    let id = sources.add(name, text.as_str());
    let (documents, unread) = read(id, &text, &Budget::MANIFESTS);
    found.extend(unread);
    let [document] = documents.as_slice() else {
        bail!("`{name}` must hold one list of what is accepted");
    };
    match from_node(&document.root) {
        Ok(entries) => Ok(entries),
        Err(error) => {
            let said = format!("`{name}` is no list of what is accepted: {}", error.message);
            let at = error.span.unwrap_or(document.root.span);
            found.push(Diagnostic::error("bad-consent", said).at(at, "").help(
                "write `kind`, `namespace`, `policy`, `reason`, `owner` and `expires` for each",
            ));
            Ok(Vec::new())
        }
    }
}
