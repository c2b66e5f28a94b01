//! The schemas of our own documents, compiled.

use std::collections::BTreeMap;

use super::Schema;
use crate::diagnostic::Diagnostic;
use crate::spec::{DocumentKind, schemas};
use crate::yaml::Node;

/// The schemas of our own documents, compiled. Compile once and share.
pub struct SpecSchemas {
    by_kind: BTreeMap<DocumentKind, Schema>,
}

impl SpecSchemas {
    /// Compiles the schemas that are built in.
    ///
    /// # Errors
    /// A schema that is not one: a fault of ours.
    pub fn compile() -> Result<Self, String> {
        let by_kind = schemas()
            .into_iter()
            .map(|(kind, text)| {
                let broken = |e: String| format!("{}: {e}", kind.schema_path());
                let document = serde_json::from_str(text).map_err(|e| broken(e.to_string()))?;
                Ok((kind, Schema::compile(document).map_err(broken)?))
            })
            .collect::<Result<_, String>>()?;
        Ok(Self { by_kind })
    }

    /// Every violation of a document, at its place.
    pub fn check(&self, kind: DocumentKind, document: &Node) -> Vec<Diagnostic> {
        self.by_kind.get(&kind).map(|schema| schema.check(document)).unwrap_or_default()
    }
}
