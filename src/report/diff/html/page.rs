//! What the page's template is given: the report in words.

use serde::Serialize;

use super::access::Access;
use super::change::{Change, Kind};
use super::namespaces::{self, Cluster};
use super::timeline::Timeline;
use super::traffic::Traffic;
use crate::diff::{ChangeKind, Direction, Flag, Level};
use crate::report::diff::report::{
    EnvironmentReport, EnvironmentState, Origin, Report, Verdict, counted,
};
use crate::report::visible;

/// The whole page.
#[derive(Serialize)]
pub(super) struct Page {
    base: String,
    head: String,
    verdict: Word,
    headline: String,
    numbers: Vec<Number>,
    environments: Vec<Environment>,
}

/// A word, and the class that dresses it.
#[derive(Serialize)]
pub(super) struct Word {
    word: &'static str,
    class: &'static str,
}

#[derive(Serialize)]
struct Number {
    label: &'static str,
    count: usize,
    class: &'static str,
}

#[derive(Serialize)]
struct Environment {
    id: String,
    name: String,
    state_word: Option<&'static str>,
    state_class: &'static str,
    tally: String,
    equal: bool,
    remarks: Vec<Vec<Text>>,
    dangers: Vec<Flagged>,
    notices: Vec<Flagged>,
    traffic: Option<Traffic>,
    access: Access,
    clusters: Vec<Cluster>,
    namespaces: usize,
    unchanged_namespaces: Option<String>,
    migration: Option<Timeline>,
    kinds: Vec<Kind>,
    changes: Vec<Change>,
    hidden: String,
}

#[derive(Serialize)]
struct Flagged {
    code: &'static str,
    place: String,
    message: Vec<Text>,
    origin: Option<String>,
}

/// A part of a sentence: what the user wrote stands in backticks.
#[derive(Serialize)]
pub(super) struct Text {
    text: String,
    code: bool,
}

impl Page {
    pub(super) fn of(report: &Report) -> Self {
        let verdict = report.verdict();
        let numbers = [
            ("dangers", report.dangers(), "danger"),
            ("paths gained", report.access(Direction::Gained), "gained"),
            ("paths lost", report.access(Direction::Lost), "lost"),
            ("objects differ", report.counts().objects(), "objects"),
        ];
        let numbers = match verdict {
            Verdict::Equal => Vec::new(),
            _ => numbers.map(|(label, count, class)| Number { label, count, class }).into(),
        };
        Self {
            base: shown(&report.base),
            head: shown(&report.head),
            verdict: word(verdict, report.gaps().is_empty()),
            headline: shown(&report.headline()),
            numbers,
            environments: report.environments.iter().enumerate().map(Environment::of).collect(),
        }
    }
}

fn word(verdict: Verdict, is_whole: bool) -> Word {
    let (word, class) = match verdict {
        Verdict::Changed if !is_whole => ("Not all of it was looked at", "unreadable"),
        Verdict::Equal => ("No changes", "equal"),
        Verdict::Changed => ("No danger found", "changed"),
        Verdict::Danger => ("Danger", "danger"),
        Verdict::Unreadable => ("Not all of it can be read", "unreadable"),
    };
    Word { word, class }
}

impl Environment {
    fn of((at, report): (usize, &EnvironmentReport)) -> Self {
        let id = format!("e{at}");
        let (state_word, state_class) = match report.state {
            EnvironmentState::Added => (Some("new"), "added"),
            EnvironmentState::Removed => (Some("gone"), "removed"),
            EnvironmentState::Changed | EnvironmentState::Equal => (None, ""),
        };
        let flagged = |level: Level| {
            let origins = report.origins.flags.iter().map(Option::as_ref);
            let origins = origins.chain(std::iter::repeat(None));
            let of_level = report.flags.iter().zip(origins).filter(|(f, _)| f.level() == level);
            of_level.map(|(flag, origin)| Flagged::of(flag, origin)).collect()
        };
        let changes = Change::all(report, &id);
        let (clusters, unchanged) = namespaces::clusters(&report.topology);
        Self {
            name: shown(&report.name),
            state_word,
            state_class,
            tally: report.tally(),
            equal: report.tree.is_empty(),
            remarks: report.remarks.iter().map(|remark| sentence(remark)).collect(),
            dangers: flagged(Level::Danger),
            notices: flagged(Level::Notice),
            traffic: Traffic::of(&report.traffic),
            access: Access::of(report),
            clusters,
            namespaces: report.topology.len(),
            unchanged_namespaces: (unchanged > 0)
                .then(|| format!("{} more are as they were.", counted(unchanged, "namespace"))),
            migration: report.migration.as_ref().map(Timeline::of),
            kinds: ChangeKind::ALL
                .into_iter()
                .filter_map(|kind| Kind::of(kind, &changes))
                .collect(),
            changes,
            hidden: report.hidden(),
            id,
        }
    }
}

impl Flagged {
    fn of(flag: &Flag, origin: Option<&Origin>) -> Self {
        Self {
            code: flag.code.as_str(),
            place: shown(&flag.place()),
            message: sentence(&flag.message),
            origin: origin.map(place),
        }
    }
}

pub(super) fn sentence(text: &str) -> Vec<Text> {
    let parts = text.split('`').enumerate().filter(|(_, text)| !text.is_empty());
    parts.map(|(at, text)| Text { text: shown(text), code: at % 2 == 1 }).collect()
}

/// `path:line:column`
pub(super) fn place(origin: &Origin) -> String {
    shown(&format!("{}:{}:{}", origin.path, origin.line, origin.column))
}

/// A text in one line, in which nothing deceives.
pub(super) fn shown(text: &str) -> String {
    visible::line(text)
}
