//! YAML as waypost reads and writes it.

use waypost::diagnostic::{FileId, has_errors};
use waypost::yaml::{Budget, emit, read};

use super::must;
use crate::corpus::texts;

pub(super) fn corpus() -> Vec<String> {
    texts(&["tests/cases", "tests/rules", "environments", "tests/server"], &[".yaml", ".json"])
}

pub(super) fn run(text: &str) {
    read(FileId::default(), text, &Budget::MANIFESTS);
    let (documents, found) = read(FileId::default(), text, &Budget::SPEC);
    if has_errors(&found) {
        return;
    }
    for document in documents {
        let value = document.root.to_json();
        let Ok(written) = emit(&value) else { continue };
        let (again, _) = read(FileId::default(), &written, &Budget::SPEC);
        let same = matches!(again.as_slice(), [again] if again.root.to_json() == value);
        // what is empty is no document
        must(same || value.is_null(), "what was written reads as another value");
    }
}
