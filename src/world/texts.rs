//! The rendered files of an environment, at one point of its migration or at many.

use std::collections::HashMap;
use std::sync::Arc;

use super::objects_in;
use crate::diagnostic::Sources;
use crate::k8s::Object;
use crate::tree::{Digest, TreeFile};

/// Files that were read, among the other texts that findings point into. A file that is the same at
/// many points is read once, and is one text.
#[derive(Debug)]
pub struct Texts {
    /// Every text.
    pub sources: Sources,
    folder: String,
    objects: HashMap<(String, Digest), Vec<Arc<Object>>>,
}

impl Texts {
    /// Files of a folder, such as `rendered/brownfield`, beside these texts.
    pub fn new(folder: String, sources: Sources) -> Self {
        Self { sources, folder, objects: HashMap::new() }
    }

    /// The objects of a file, or of the text that is applied instead of it.
    pub(super) fn objects(
        &mut self,
        path: &str,
        file: &TreeFile,
        instead: Option<&str>,
    ) -> &[Arc<Object>] {
        let digest = instead.map_or(file.digest(), |text| Digest::of(text.as_bytes()));
        let Self { sources, folder, objects } = self;
        objects.entry((path.to_owned(), digest)).or_insert_with(|| {
            let text = instead.map_or_else(|| file.shared_text(), Arc::from);
            let id = sources.add(format!("{folder}/{path}"), Arc::clone(&text));
            // the tree holds what was emitted and read back: nothing of it is unreadable
            objects_in(id, &text, &mut Vec::new()).into_iter().map(Arc::new).collect()
        })
    }
}
