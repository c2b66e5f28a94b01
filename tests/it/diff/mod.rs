//! Trees compared: the room `diff`, git, the reports, the verb.

mod flags;
mod git;
mod html;
mod objects;
mod report;
mod strategy;
mod verb;
