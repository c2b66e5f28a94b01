//! What `render` and `publish` refuse to write: a namespace that moves into an error.

use chrono::Utc;

use super::session::Prepared;
use super::terminal::Terminal;
use crate::diagnostic::Sources;
use crate::pipeline::{self, Rendered};
use crate::resolve::Resolved;
use crate::tree::{Local, Scope};

/// Refuses to render what moves a namespace into something that the lints call an error.
pub(super) struct Gate<'a> {
    /// The environment.
    pub name: &'a str,
    /// What rendered it.
    pub prepared: &'a Prepared<'a>,
    /// What is not done with it then: `written`.
    pub done: &'static str,
}

impl Gate<'_> {
    /// False where errors of the lints concern a namespace that moves; they have been shown.
    pub fn lets_through(
        &self,
        resolved: &Resolved,
        rendered: &Rendered,
        local: &Local,
        sources: Sources,
        terminal: &Terminal,
    ) -> bool {
        let moved = pipeline::moved(&rendered.provenance, local);
        if moved.is_empty() {
            return true;
        }
        let reached = self.prepared.reached().unwrap_or(&resolved.environment.reached);
        let today = Utc::now().date_naive().to_string();
        let mut points = self.prepared.points(resolved, sources);
        let faults = if *self.prepared.scope() == Scope::default() {
            pipeline::concerning(&mut points, rendered, reached, &moved, &today)
        } else {
            // a part is judged with the rest of the point: an error there is told by a whole render
            match points.at(reached, &|_| {}).0 {
                Some(at) => {
                    pipeline::concerning(&mut points, &at.rendered, reached, &moved, &today)
                }
                None => return true,
            }
        };
        if faults.is_empty() {
            return true;
        }
        terminal.show(&faults, &points.texts.sources);
        terminal.say(&format!(
            "{}: nothing was {}: these errors concern namespaces that move to `{reached}`",
            self.name, self.done
        ));
        false
    }
}
