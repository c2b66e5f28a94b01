//! What `render` and `publish` refuse to write: a namespace that moves into an error.

use chrono::Utc;

use super::ExitCode;
use super::session::Prepared;
use super::terminal::Terminal;
use crate::diagnostic::{Sources, has_errors, sort};
use crate::pipeline::{self, Judged, Rendered};
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
    /// `Clean` where it may be written. What stands against it has been shown: errors of the lints that
    /// concern a namespace that moves, and hand-written policies that open something, or whose losses
    /// nobody has accepted.
    pub fn lets_through(
        &self,
        resolved: &Resolved,
        rendered: &Rendered,
        local: &Local,
        sources: Sources,
        terminal: &Terminal,
    ) -> ExitCode {
        let moved = pipeline::moved(&rendered.provenance, local);
        if moved.is_empty() && resolved.adopted.is_empty() {
            return ExitCode::Clean;
        }
        let reached = self.prepared.reached().unwrap_or(&resolved.environment.reached);
        let today = Utc::now().date_naive().to_string();
        let mut points = self.prepared.points(resolved, sources);
        let whole;
        // a part is judged with the rest of the point: an error there is told by a whole render
        let at = if *self.prepared.scope() == Scope::default() {
            rendered
        } else {
            match points.at(reached, &|_| {}).0 {
                Some(at) => {
                    whole = at;
                    &whole.rendered
                }
                None => return ExitCode::Clean,
            }
        };
        let faults = if moved.is_empty() {
            Vec::new()
        } else {
            pipeline::concerning(&mut points, at, reached, &moved, &today)
        };
        if !faults.is_empty() {
            terminal.show(&faults, &points.texts.sources);
            terminal.say(&format!(
                "{}: nothing was {}: these errors concern namespaces that move to `{reached}`",
                self.name, self.done
            ));
            return ExitCode::Problems;
        }
        let Judged { mut found, missing } = points.judge(at, reached, &today);
        found.extend(pipeline::skipped(resolved, &rendered.provenance, local));
        let code = match (has_errors(&found), missing.is_empty()) {
            (true, _) => ExitCode::Problems,
            (false, false) => ExitCode::Refused,
            (false, true) => ExitCode::Clean,
        };
        found.extend(missing);
        sort(&mut found);
        terminal.show(&found, &points.texts.sources);
        if code != ExitCode::Clean {
            terminal.say(&format!(
                "{}: nothing was {}: this concerns hand-written policies that move to `{reached}`",
                self.name, self.done
            ));
        }
        code
    }
}
