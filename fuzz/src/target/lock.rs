//! Locks, as a merge may leave them.

use waypost::tree::Lock;

use super::must;
use crate::corpus::texts;

pub(super) fn corpus() -> Vec<String> {
    let locks = texts(&["rendered", "gitops", "tests/cases"], &["waypost.lock"]);
    let conflict =
        |text: &String| text.replacen("file ", "<<<<<<< a\nfile ", 1) + "=======\n>>>>>>> b\n";
    let conflicts: Vec<String> = locks.iter().map(conflict).collect();
    locks.into_iter().chain(conflicts).collect()
}

pub(super) fn run(text: &str) {
    if let Ok(lock) = Lock::parse(text) {
        must(lock.to_text() == text, "a lock reads as another one");
    }
}
