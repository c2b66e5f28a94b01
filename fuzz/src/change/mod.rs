//! An input made from others: as a tree where it is one, and as bytes.

mod bytes;
mod tree;
mod words;

use crate::random::Random;
use crate::{SEPARATOR, parts};

/// Inputs are no larger, so that a case takes as long as it says something.
const LARGEST: usize = 64 << 10;

/// The input of a case.
pub fn input(corpus: &[String], random: &mut Random) -> String {
    let Some(base) = random.pick(corpus) else { return String::new() };
    let mut all: Vec<String> = parts(base).map(str::to_owned).collect();
    let rounds = 1 + random.below(3);
    for _ in 0..rounds {
        let at = random.below(all.len());
        let Some(other) = random.pick(corpus) else { break };
        let other = parts(other).nth(at).unwrap_or(other);
        let Some(part) = all.get_mut(at) else { break };
        let changed = match random.below(4) {
            0 => None,
            _ => tree::changed(part, other, random),
        };
        *part = changed.unwrap_or_else(|| bytes::changed(part, other, random));
    }
    let mut text = all.join(SEPARATOR);
    if text.len() > LARGEST {
        let end = (0..=LARGEST).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
    }
    text
}
