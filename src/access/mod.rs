//! Access tests: what they come to in a world, in every state on the way to it, and whether they
//! would notice if a rule were lost.

mod answer;
mod back;
mod meanwhile;
mod mutant;
mod mutate;
mod transient;

pub use answer::answers;
pub use back::answers_back;
pub use meanwhile::meanwhile;
pub use mutate::{Mutated, mutate};
