//! The diff as findings, for every format that shows findings in the lines of a pull request: each
//! caller whose requests fare otherwise, each danger, each change of access, each file that cannot be
//! read, at the line of the spec that it comes from.
//!
//! Objects are no findings: there may be thousands, and none of them is wrong.

use super::report::{Access, EnvironmentReport, Origin, Report, Traffic};
use crate::diagnostic::{Diagnostic, FileId, Position, Sources, Span};
use crate::diff::{AccessChange, Direction, Level};
use crate::replay::Finding;
use crate::report::traffic::{Caller, callers, sentence};

/// The findings, in the order of the environments, and the files that they point into, by path
/// alone.
pub fn findings(report: &Report) -> (Vec<Diagnostic>, Sources) {
    let mut places = Places::default();
    let mut found = Vec::new();
    for environment in &report.environments {
        of_environment(environment, &mut places, &mut found);
    }
    (found, places.sources)
}

fn of_environment(
    environment: &EnvironmentReport,
    places: &mut Places,
    found: &mut Vec<Diagnostic>,
) {
    let EnvironmentReport { name, tree, flags, origins, .. } = environment;
    let home = origins.environment.as_ref();
    for (path, why) in tree.unreadable() {
        let message = format!("`{name}/{path}` cannot be read: {}", why.message);
        found.push(places.at(Diagnostic::error("tree-unreadable", message), home));
    }
    // callers first: formats that show ten findings show them
    found.extend(traffic(environment).into_iter().map(|one| places.at(one, home)));
    if let (Access::NotSimulated(why), false) = (&environment.access, tree.is_empty()) {
        let message = format!("`{name}`: access was not simulated: {why}");
        let diagnostic = Diagnostic::warning("access-not-simulated", message)
            .help("who gains or loses access is not known: look at every change of a policy, or repair what is named");
        found.push(places.at(diagnostic, home));
    }
    for (at, flag) in flags.iter().enumerate() {
        let message = format!("{}: {}", environment_and(name, &flag.place()), flag.message);
        let diagnostic = match flag.level() {
            Level::Danger => Diagnostic::warning(flag.code.as_str(), message),
            Level::Notice => Diagnostic::note(flag.code.as_str(), message),
        };
        let origin = origins.flags.get(at).and_then(Option::as_ref);
        found.push(places.at(diagnostic.help(flag.code.describe()), origin.or(home)));
    }
    for (at, change) in environment.access_changes().iter().enumerate() {
        let AccessChange { direction, from, to, .. } = change;
        let code = match direction {
            Direction::Gained => "access-gained",
            Direction::Lost => "access-lost",
        };
        let (verb, request) = (direction.verb(), change.said_request());
        let message = format!("`{name}`: `{from}` {verb} access to `{to}` {request}");
        let message = message.trim_end();
        let diagnostic = Diagnostic::warning(code, message).help(format!(
            "before: {}; after: {}",
            change.said_before(),
            change.said_after()
        ));
        let origin = origins.access.get(at).and_then(Option::as_ref);
        found.push(places.at(diagnostic, origin.or(home)));
    }
}

/// Whose requests fare otherwise, and how many of the sample that is.
fn traffic(environment: &EnvironmentReport) -> Vec<Diagnostic> {
    let name = &environment.name;
    let replay = match &environment.traffic {
        Traffic::NotNamed => return Vec::new(),
        Traffic::NotRead(why) => {
            let message = format!("`{name}`: real traffic was not asked: {why}");
            let diagnostic = Diagnostic::warning("traffic-not-asked", message)
                .help("who is refused is not known: repair what `sources.traffic` names");
            return vec![diagnostic];
        }
        Traffic::Replayed(weighed) => &weighed.replay,
    };
    let of_caller = |caller: Caller<'_>| {
        let code = match caller.finding {
            Finding::Gained => "traffic-gained",
            _ => "traffic-lost",
        };
        let Caller { from, verb, to, requests, sent, now, then, .. } = caller;
        let message = format!("`{name}`: `{from}` {verb} `{to}`: {requests} ({sent})");
        Diagnostic::warning(code, message).help(format!("before: {now}; after: {then}"))
    };
    let mut found: Vec<Diagnostic> = callers(replay).map(of_caller).collect();
    let message = format!("`{name}`: {}", sentence(replay));
    found.push(
        Diagnostic::note("traffic-asked", message)
            .help("`waypost access replay` shows every request, and what has no answer"),
    );
    found
}

fn environment_and(name: &str, place: &str) -> String {
    if place.is_empty() { format!("`{name}`") } else { format!("`{name}`, `{place}`") }
}

/// Files by path, each once.
#[derive(Default)]
struct Places {
    sources: Sources,
    known: std::collections::BTreeMap<String, FileId>,
}

impl Places {
    fn at(&mut self, diagnostic: Diagnostic, origin: Option<&Origin>) -> Diagnostic {
        let Some(Origin { path, line, column, end_line, end_column }) = origin else {
            return diagnostic;
        };
        let file = match self.known.get(path) {
            Some(file) => *file,
            None => {
                let file = self.sources.add(path.clone(), "");
                self.known.insert(path.clone(), file);
                file
            }
        };
        let start = Position { line: *line, column: *column, offset: 0 };
        let end = Position { line: *end_line, column: *end_column, offset: 0 };
        diagnostic.at(Span { file, start, end }, "")
    }
}
