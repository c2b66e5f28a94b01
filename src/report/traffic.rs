//! Words about replayed traffic that several writers use.

use serde_json::{Value, json};

use crate::replay::{Finding, Replay, Row};

/// `1 request`, `3,120 requests`.
pub fn requests(count: u64) -> String {
    format!("{} request{}", grouped(count), if count == 1 { "" } else { "s" })
}

/// `3,120`
pub(super) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// One sentence that says it all: `0 of 41,228 requests of the sample change`.
pub(super) fn sentence(replay: &Replay) -> String {
    let total = requests(replay.asked);
    let unknown = match replay.unknown_count() {
        0 => String::new(),
        n => format!(", {} without an answer", requests(n)),
    };
    let disagrees = match replay.count(Finding::Disagrees) {
        0 => String::new(),
        n => format!(", {} on which log and simulator disagree", requests(n)),
    };
    // nothing new is not nothing
    let earlier = match replay.earlier {
        0 => String::new(),
        n => format!(", {} changed by an earlier step", grouped(n)),
    };
    let changed = grouped(replay.changed());
    format!("{changed} of {total} of the sample change{earlier}{unknown}{disagrees}")
}

/// A row for a program.
pub(super) fn row_json(row: &Row) -> Value {
    let reporters: Vec<&str> = row.reporters.keys().map(|r| r.as_str()).collect();
    json!({
        "finding": word(row.finding),
        "from": row.from,
        "to": row.to,
        "request": row.request,
        "log": row.logged,
        "reporters": reporters,
        "now": row.now,
        "then": row.then.as_ref().map(|(at, then)| json!({"at": at, "answer": then})),
        "requests": row.count,
        "first": row.first.map(|t| t.to_string()),
        "last": row.last.map(|t| t.to_string()),
    })
}

fn word(finding: Finding) -> &'static str {
    match finding {
        Finding::Lost => "lost",
        Finding::Gained => "gained",
        Finding::Disagrees => "disagrees",
        Finding::Elsewhere => "elsewhere",
    }
}

/// What becomes of a caller: `loses`, or `gains`.
pub(super) fn verb(finding: Finding) -> Option<&'static str> {
    match finding {
        Finding::Lost => Some("loses"),
        Finding::Gained => Some("gains"),
        Finding::Disagrees | Finding::Elsewhere => None,
    }
}

/// A caller whose requests fare otherwise, in words.
pub(super) struct Caller<'r> {
    pub finding: Finding,
    pub from: &'r str,
    /// `loses`, or `gains`.
    pub verb: &'static str,
    pub to: &'r str,
    /// How many: `3,120 requests`.
    pub requests: String,
    /// What was sent.
    pub sent: String,
    /// What the present says of the first.
    pub now: &'r str,
    /// What decides then.
    pub then: &'r str,
}

/// Those who lose first, then those with most requests.
pub(super) fn callers(replay: &Replay) -> impl Iterator<Item = Caller<'_>> {
    [Finding::Lost, Finding::Gained].into_iter().flat_map(move |finding| {
        replay.groups(finding).into_iter().filter_map(move |group| {
            let first = group.rows.first()?;
            let (_, then) = first.then.as_ref()?;
            Some(Caller {
                finding,
                from: group.from,
                verb: verb(finding)?,
                to: group.to,
                requests: requests(group.count),
                sent: sent(&group.rows),
                now: &first.now,
                then,
            })
        })
    })
}

/// What was sent, and how often it was not that: `GET /get`, `GET /get and 3 others`.
pub(super) fn sent(rows: &[&Row]) -> String {
    let first = rows.first().map_or("", |row| row.request.as_str());
    match rows.len() {
        0 | 1 => first.to_owned(),
        2 => format!("{first} and another"),
        n => format!("{first} and {} others", n - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(requests(1), "1 request");
        assert_eq!(requests(999), "999 requests");
        assert_eq!(requests(41_228), "41,228 requests");
        assert_eq!(requests(1_000_000), "1,000,000 requests");
    }
}
