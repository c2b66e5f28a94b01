//! What namespaces come to in each of their states: rendered once, however many points of a migration
//! are asked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::assemble::Written;
use crate::diagnostic::Diagnostic;
use crate::model::NamespaceId;
use crate::plan::NamespaceState;

/// The files of a namespace and what was found on the way.
pub(super) type Made = (Vec<Written>, Vec<Diagnostic>);

/// Results by namespace and state: nothing else of a point has a part in them
/// ([`crate::translate::namespace_manifests`]).
#[derive(Debug, Default)]
pub struct Memo {
    made: Mutex<HashMap<(NamespaceId, NamespaceState), Arc<Made>>>,
}

impl Memo {
    /// The result of a namespace in a state, made where it is not known yet.
    pub(super) fn get(
        &self,
        id: NamespaceId,
        state: NamespaceState,
        make: impl FnOnce() -> Made,
    ) -> Arc<Made> {
        let key = (id, state);
        let known = || self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = known().get(&key) {
            return Arc::clone(made);
        }
        let made = Arc::new(make());
        known().insert(key, Arc::clone(&made));
        made
    }
}
