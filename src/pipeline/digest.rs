//! One digest of everything that a tree is rendered from.

use std::fmt::Write;
use std::sync::LazyLock;

use crate::diagnostic::Sources;
use crate::render::built_in;
use crate::tree::Digest;
use crate::validate::catalogue::embedded;

/// The version of waypost and the digests of what is built in: a constant, which takes a megabyte to hash.
static BUILT_IN: LazyLock<String> = LazyLock::new(|| {
    let mut all = String::new();
    // writing to a String cannot fail
    let _ = writeln!(all, "waypost {}", env!("CARGO_PKG_VERSION"));
    for (name, text) in built_in() {
        let _ = writeln!(all, "{} template {name}", Digest::of(text.as_bytes()));
    }
    for schema in embedded() {
        let _ = writeln!(all, "{} schema {}", Digest::of(schema.text.as_bytes()), schema.path);
    }
    all
});

/// The digest of the files that were read, whatever their line ends, and of this version of waypost with its built-in
/// templates and schemas.
pub fn input_digest(sources: &Sources) -> Digest {
    let mut lines: Vec<String> = sources
        .iter()
        .map(|(_, source)| format!("{} {}", Digest::of_text(source.text.as_bytes()), source.path))
        .collect();
    lines.sort();
    let mut all = BUILT_IN.clone();
    for line in lines {
        all.push_str(&line);
        all.push('\n');
    }
    Digest::of(all.as_bytes())
}
