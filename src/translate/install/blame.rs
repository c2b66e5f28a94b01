//! Who wrote a value of the finished resource: the base, or the spec.

use serde_json::Value;

use crate::diagnostic::{Places, Span};
use crate::model::InstallBase;

/// Finds the line to point at. The pointers of the base and of the spec's free `spec` mapping are
/// the same: both start at the resource.
pub(super) struct Blame<'a> {
    pub(super) base: Option<&'a InstallBase>,
    pub(super) spec: &'a Places,
    pub(super) origin: Span,
}

impl Blame<'_> {
    /// The line behind a value of the finished resource: the base's, unless the spec changed it.
    pub(super) fn of(&self, full: &Value, pointer: &str) -> Span {
        match self.base {
            Some(base) if base.body.pointer(pointer) == full.pointer(pointer) => {
                base.places.nearest(pointer).unwrap_or(base.origin)
            }
            _ => self.spec(pointer),
        }
    }

    /// The spec's line for a pointer of its own.
    pub(super) fn spec(&self, pointer: &str) -> Span {
        self.spec.nearest(pointer).unwrap_or(self.origin)
    }

    /// The base's line for a pointer.
    pub(super) fn base(&self, pointer: &str) -> Span {
        self.base
            .and_then(|base| base.places.nearest(pointer).or(Some(base.origin)))
            .unwrap_or(self.origin)
    }
}
