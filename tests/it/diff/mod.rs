//! Trees compared: the room `diff`, git, the reports, the verb.

mod flags;
pub mod git;
mod html;
mod objects;
mod report;
mod strategy;
mod verb;
