//! Hostile input for every reader of waypost, in process.
//!
//! A target takes a text and must come back: with findings, never with a panic, an abort or a hang. The
//! inputs are made from the fixtures of `tests/`, changed as trees (a value for another one's, a key
//! twice, a subtree from elsewhere) and as bytes. `main.rs` runs them on stable Rust;
//! `fuzz_targets/` hands the same targets to cargo-fuzz.
//!
//! Where a target takes several texts, they stand in one, between lines of [`SEPARATOR`].

pub mod change;
pub mod corpus;
pub mod random;
pub mod target;

/// What stands between the parts of an input.
pub const SEPARATOR: &str = "\n#####\n";

/// Runs one target on one input.
pub fn run(target: &str, text: &str) {
    if let Some(target) = target::ALL.iter().find(|known| known.name == target) {
        (target.run)(text);
    }
}

/// The parts of an input.
pub fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(SEPARATOR)
}
