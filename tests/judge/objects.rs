//! The objects of a case.

use waypost::diagnostic::Sources;
use waypost::k8s::{Object, objects_of};
use waypost::yaml::{Budget, read};

/// Reads them; what cannot be read ends the case.
pub fn parse(text: &str) -> anyhow::Result<Vec<Object>> {
    let mut sources = Sources::default();
    let file = sources.add("case", text);
    let (documents, found) = read(file, text, &Budget::MANIFESTS);
    if let Some(error) = found.iter().find(|d| d.is_error()) {
        anyhow::bail!("{}", error.message);
    }
    Ok(objects_of(documents).0)
}
