//! One digest of everything that a tree is rendered from.

use std::fmt::Write;

use crate::diagnostic::Sources;
use crate::tree::Digest;

/// The digest of the files that were read and of this version of waypost, built-in templates
/// included: a version stands for them.
pub fn input_digest(sources: &Sources) -> Digest {
    let mut lines: Vec<String> = sources
        .iter()
        .map(|(_, source)| format!("{} {}", Digest::of(source.text.as_bytes()), source.path))
        .collect();
    lines.sort();
    let mut all = String::new();
    // writing to a String cannot fail
    let _ = writeln!(all, "waypost {}", env!("CARGO_PKG_VERSION"));
    for line in lines {
        let _ = writeln!(all, "{line}");
    }
    Digest::of(all.as_bytes())
}
