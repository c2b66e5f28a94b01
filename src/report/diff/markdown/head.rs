//! The first screen: what must not be missed.

use crate::diff::{AccessChange, Direction, Level};
use crate::replay::{Finding, Group};
use crate::report::diff::report::{
    Access, EnvironmentReport, EnvironmentState, Origin, Report, Traffic, tally,
};
use crate::report::escape::{self as words, code, plain};
use crate::report::traffic::{requests, sent, sentence, verb};

/// Bytes of a line.
const LINE: usize = 400;
/// Lines of a list.
const LIST: usize = 20;

/// Writes it into a page that has so many bytes for it.
pub(super) fn write(report: &Report, room: usize, page: &mut String) {
    let mut out = Out { page, room };
    out.line(format!("## waypost diff: {}\n", plain(&report.headline())));
    out.line(format!("{} → {}\n", code(&report.base, 100), code(&report.head, 100)));
    if let Some(nobody) = nobody(report) {
        out.line(format!("{nobody}\n"));
    }
    out.list("**Real traffic**\n\n", traffic(report), "callers");
    out.list("", remarks(report), "notes");
    out.list("**Danger**\n\n", flags(report, Level::Danger), "dangers");
    for (direction, title) in
        [(Direction::Gained, "**Access gained**\n\n"), (Direction::Lost, "**Access lost**\n\n")]
    {
        let of_direction = access(report).filter(|(_, change)| change.direction == direction);
        out.list(title, grouped(of_direction), "lines");
    }
    out.list("", limits(report), "limits");
    out.list("**By design**\n\n", by_design(report), "lines");
    let whole = report.environments.iter().filter_map(whole);
    let notices = whole.chain(flags(report, Level::Notice));
    out.list("**What it does**\n\n", notices, "notices");
    let differing = report.environments.iter().filter(|environment| !environment.tree.is_empty());
    out.list("**Counts**\n\n", differing.map(counts), "environments");
}

/// That nobody gains or loses access, where all of it was asked.
fn nobody(report: &Report) -> Option<&'static str> {
    let all = || report.environments.iter().map(|environment| &environment.access);
    let asked = all().any(|access| matches!(access, Access::Simulated(_)));
    let is_partial = |access: &Access| match access {
        Access::Simulated(diff) => diff.has_unknown(),
        Access::Same => false,
        Access::NotSimulated(_) | Access::NotAsked => true,
    };
    // beside a gap it would comfort without ground
    let is_whole = report.gaps().is_empty() && !all().any(is_partial);
    let nobody = asked && is_whole && access(report).next().is_none() && report.traffic() == 0;
    nobody.then_some("Nobody gains or loses access.")
}

/// Callers whose requests fare otherwise, those with most requests first; then how much was asked.
fn traffic(report: &Report) -> impl Iterator<Item = String> {
    let all = || report.environments.iter();
    let callers = [Finding::Lost, Finding::Gained].into_iter().flat_map(move |finding| {
        all().flat_map(move |environment| {
            let weighed = environment.traffic.replayed();
            let groups = weighed.map(|weighed| weighed.replay.groups(finding)).unwrap_or_default();
            groups.into_iter().filter_map(move |group| caller(environment, finding, &group))
        })
    });
    let asked = all().flat_map(|environment| {
        let name = code(&environment.name, 60);
        match &environment.traffic {
            Traffic::NotNamed => Vec::new(),
            // gaps say it once more, and nothing says that nothing changes
            Traffic::NotRead(why) => {
                vec![format!(
                    "- {name}: real traffic was not asked: {}",
                    words::sentence(why, LINE)
                )]
            }
            Traffic::Replayed(weighed) => {
                let order = weighed.order.iter();
                let order =
                    order.map(|text| format!("- {name}, order: {}", words::sentence(text, LINE)));
                let all = format!("- {name}: {}", plain(&sentence(&weighed.replay)));
                std::iter::once(all).chain(order).collect()
            }
        }
    });
    callers.chain(asked)
}

fn caller(environment: &EnvironmentReport, finding: Finding, group: &Group<'_>) -> Option<String> {
    let then = group.rows.first().and_then(|row| row.then.as_ref()).map(|(_, then)| then.as_str());
    Some(format!(
        "- {} {} {}: {} ({}); {}, is {}",
        code(group.from, 100),
        verb(finding)?,
        code(group.to, 100),
        requests(group.count),
        code(&sent(&group.rows), 160),
        code(&environment.name, 60),
        code(then.unwrap_or_default(), 160)
    ))
}

/// What a reader must know to read this right.
fn remarks(report: &Report) -> impl Iterator<Item = String> {
    report.environments.iter().flat_map(|environment| {
        let note = |text: &str| {
            format!("> **Note** {}: {}\n", code(&environment.name, 60), words::sentence(text, LINE))
        };
        let mut remarks: Vec<String> = environment.remarks.iter().map(|text| note(text)).collect();
        match &environment.access {
            Access::NotSimulated(why) => {
                remarks.push(note(&format!("access was not simulated: {why}")));
            }
            Access::NotAsked => {
                remarks.push(note("access was not simulated: `--no-access`"));
            }
            Access::Simulated(_) | Access::Same => {}
        }
        remarks
    })
}

/// An environment that comes or goes as a whole.
fn whole(environment: &EnvironmentReport) -> Option<String> {
    let word = match environment.state {
        EnvironmentState::Added => "is new",
        EnvironmentState::Removed => "is gone",
        EnvironmentState::Changed | EnvironmentState::Equal => return None,
    };
    Some(format!("- environment {} {word}: {}", code(&environment.name, 60), environment.tally()))
}

fn flags(report: &Report, level: Level) -> impl Iterator<Item = String> {
    report.environments.iter().flat_map(move |environment| {
        let all = environment.flags.iter().enumerate();
        all.filter(move |(_, flag)| flag.level() == level).map(move |(at, flag)| {
            let place = format!("{}/{}", environment.name, flag.place());
            let message = words::sentence(&flag.message, LINE);
            format!("- {}: {message}{}", code(&place, 100), from(environment.origins.flags.get(at)))
        })
    })
}

fn from(origin: Option<&Option<Origin>>) -> String {
    match origin {
        Some(Some(Origin { path, line, .. })) => {
            format!(" ({})", code(&format!("{path}:{line}"), 100))
        }
        _ => String::new(),
    }
}

/// What every move brings.
fn by_design(report: &Report) -> impl Iterator<Item = String> {
    report.environments.iter().flat_map(|environment| {
        let all = match &environment.access {
            Access::Simulated(diff) => diff.by_design.as_slice(),
            Access::Same | Access::NotSimulated(_) | Access::NotAsked => &[],
        };
        let name = code(&environment.name, 60);
        all.iter().map(move |what| format!("- {name}: {}", limited(what)))
    })
}

/// Where not everything was asked.
fn limits(report: &Report) -> impl Iterator<Item = String> {
    report.environments.iter().flat_map(|environment| {
        let limits = match &environment.access {
            Access::Simulated(diff) => diff.limits.as_slice(),
            Access::Same | Access::NotSimulated(_) | Access::NotAsked => &[],
        };
        let name = code(&environment.name, 60);
        limits.iter().map(move |limit| format!("- {name}: {}", limited(limit)))
    })
}

/// A sentence with the user's names in it, in backticks or not.
fn limited(limit: &str) -> String {
    if limit.contains('`') { words::sentence(limit, LINE) } else { code(limit, LINE) }
}

type Changed<'a> = (&'a EnvironmentReport, &'a AccessChange);

fn access(report: &Report) -> impl Iterator<Item = Changed<'_>> {
    report.environments.iter().flat_map(|environment| {
        environment.access_changes().iter().map(move |change| (environment, change))
    })
}

/// A line for each client and namespace of destinations.
fn grouped<'a>(changes: impl Iterator<Item = Changed<'a>>) -> impl Iterator<Item = String> {
    let mut groups: Vec<Vec<Changed<'_>>> = Vec::new();
    for (environment, change) in changes {
        let is_alike = |(other, known): &Changed<'_>| {
            other.name == environment.name
                && (&known.from, &known.namespace) == (&change.from, &change.namespace)
        };
        match groups.last_mut().filter(|group| group.first().is_some_and(is_alike)) {
            Some(group) => group.push((environment, change)),
            None => groups.push(vec![(environment, change)]),
        }
    }
    groups.into_iter().filter_map(|group| access_line(&group))
}

fn access_line(group: &[Changed<'_>]) -> Option<String> {
    const SHOWN: usize = 4;
    let (environment, first) = group.first()?;
    let mut to: Vec<String> =
        group.iter().take(SHOWN).map(|(_, change)| code(&change.to, 100)).collect();
    if group.len() > SHOWN {
        to.push(format!("{} more", group.len() - SHOWN));
    }
    Some(format!(
        "- {}: {} → {}{}; {}was {}, is {}",
        code(&environment.name, 60),
        code(&first.from, 100),
        to.join(", "),
        with_space(words::sentence(&first.said_request(), 160)),
        if group.len() > 1 { "the first " } else { "" },
        code(&first.said_before(), 160),
        code(&first.said_after(), 160)
    ))
}

fn with_space(text: String) -> String {
    if text.is_empty() { text } else { format!(" {text}") }
}

fn counts(environment: &EnvironmentReport) -> String {
    let hidden = environment.hidden();
    let hidden = if hidden.is_empty() { hidden } else { format!("; not shown: {hidden}") };
    let tally = tally(&environment.tree.counts);
    format!("- {}: {tally}{}", code(&environment.name, 60), plain(&hidden))
}

/// A page, and how many bytes of it may be used.
struct Out<'a> {
    page: &'a mut String,
    room: usize,
}

impl Out<'_> {
    /// Bytes that are kept for saying what is left out.
    const KEPT: usize = 60;

    /// A line that there is room for: the page has just begun.
    fn line(&mut self, line: String) {
        self.page.push_str(&line);
        self.page.push('\n');
    }

    /// A list under a title; nothing where it is empty. What has no room is counted.
    fn list(&mut self, title: &str, lines: impl Iterator<Item = String>, noun: &str) {
        let (mut shown, mut more) = (0, 0);
        for line in lines {
            let needed = self.page.len() + title.len() + line.len() + Self::KEPT;
            if shown == LIST || more > 0 || needed > self.room {
                more += 1;
                continue;
            }
            if shown == 0 {
                self.page.push_str(title);
            }
            self.line(line);
            shown += 1;
        }
        if more > 0 {
            self.line(format!("- and {more} {noun} more"));
        }
        if shown + more > 0 {
            self.page.push('\n');
        }
    }
}
