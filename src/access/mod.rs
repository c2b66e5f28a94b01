//! Access tests: what they come to in a world, in every state on the way to it, and whether they
//! would notice if a rule were lost.

mod answer;
mod mutant;
mod mutate;
mod transient;

pub use answer::answers;
pub use mutate::{Mutated, mutate};
