//! Who wrote a value of the finished resource: the base, or the spec.

use serde_json::Value;

use super::json_patch::join;
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
        if self.is_of_base(full, pointer) { self.base(pointer) } else { self.spec(pointer) }
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

    /// True where the spec named a base that could not be read; that has been reported.
    pub(super) fn base_is_lost(&self) -> bool {
        self.base.is_none() && self.spec.get("/base").is_some()
    }

    /// The lines behind every value and key of the finished resource.
    pub(super) fn places(&self, full: &Value) -> Places {
        let mut places = Places::default();
        self.walk(full, full, "", &mut places);
        places
    }

    fn walk(&self, full: &Value, value: &Value, at: &str, places: &mut Places) {
        places.insert(at, self.of(full, at));
        let key = match self.base {
            Some(base) if self.is_of_base(full, at) => base.places.key(at),
            _ => self.spec.key(at),
        };
        places.insert_key(at, key.unwrap_or_else(|| self.of(full, at)));
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    self.walk(full, value, &join(at, key), places);
                }
            }
            Value::Array(list) => {
                for (i, value) in list.iter().enumerate() {
                    self.walk(full, value, &join(at, &i.to_string()), places);
                }
            }
            _ => {}
        }
    }

    /// A mapping or list of the base stays its own, whatever was put into it.
    fn is_of_base(&self, full: &Value, pointer: &str) -> bool {
        let Some(base) = self.base else { return false };
        match (base.body.pointer(pointer), full.pointer(pointer)) {
            (Some(Value::Object(_)), Some(Value::Object(_))) => true,
            (Some(Value::Array(_)), Some(Value::Array(_))) => true,
            (before, after) => before == after,
        }
    }
}
