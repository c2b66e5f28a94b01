//! Equal requests, counted together.

use std::collections::HashMap;

use super::intern::{Interner, Symbol};
use super::line::Misfit;
use super::mix::Mixed;
use super::record::{Content, Outcome, Party, Record, Reporter, Target};
use super::time::Time;

/// What makes requests equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Key {
    from: Party<Symbol>,
    to: Target<Symbol>,
    content: Content<Symbol>,
    sni: Option<Symbol>,
    reporter: Reporter,
    outcome: Outcome<Symbol>,
}

/// How often, and when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    count: u64,
    first: Option<Time>,
    last: Option<Time>,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.count = self.count.saturating_add(other.count);
        self.first = self.first.into_iter().chain(other.first).min();
        self.last = self.last.max(other.last);
    }
}

/// Requests that are equal in all that access depends on.
#[derive(Clone, Copy, Debug)]
pub struct Class {
    /// Who tells of them.
    pub reporter: Reporter,
    /// Who asked.
    pub from: Party<Symbol>,
    /// For what.
    pub to: Target<Symbol>,
    /// What was sent.
    pub content: Content<Symbol>,
    /// The server name of the TLS hello.
    pub sni: Option<Symbol>,
    /// What became of them.
    pub outcome: Outcome<Symbol>,
    /// How many there were.
    pub count: u64,
    /// When the first was seen.
    pub first: Option<Time>,
    /// When the last was seen.
    pub last: Option<Time>,
}

/// Lines that say nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// Why.
    pub misfit: Misfit,
    /// How many.
    pub count: u64,
    /// The first: its file (by its place among those that were named), its line, and its beginning.
    pub first: (usize, u64, String),
}

/// A log, or several: all that they say.
#[derive(Debug, Default)]
pub struct Sample {
    strings: Interner,
    tallies: HashMap<Key, Tally, Mixed>,
    classes: Vec<Class>,
    /// Lines that say nothing, by reason.
    pub unread: Vec<Unread>,
    /// Lines that were looked at.
    pub lines: u64,
    /// Lines that are about something else.
    pub others: u64,
}

/// How much of an unreadable line is kept.
const SHOWN: usize = 200;

impl Sample {
    /// Counts a record.
    pub(super) fn add(&mut self, record: Record<'_>, path_depth: Option<usize>) {
        let mut symbol = |text: super::record::Text<'_>| self.strings.symbol(&text);
        let content = match record.content {
            Content::Http { method, path, whole, host } => {
                let (path, cut) = match path_depth {
                    Some(depth) => cut_path(&path, depth),
                    None => (path.as_ref(), false),
                };
                let path = symbol(path.into());
                let host = host.map(&mut symbol);
                Content::Http { method: symbol(method), path, whole: whole && !cut, host }
            }
            Content::SomeHttp => Content::SomeHttp,
            Content::Connection => Content::Connection,
        };
        let key = Key {
            from: record.from.map(&mut symbol),
            to: record.to.map(&mut symbol),
            content,
            sni: record.sni.map(&mut symbol),
            reporter: record.reporter,
            outcome: record.outcome.map(&mut symbol),
        };
        let tally = Tally { count: record.count, first: record.time, last: record.time };
        self.tallies.entry(key).or_default().add(tally);
    }

    /// Counts a line that says nothing.
    pub(super) fn add_unread(&mut self, misfit: Misfit, file: usize, line: u64, text: &str) {
        // what follows is a query, which is nobody's business
        let without_query = text.split('?').next().unwrap_or_default();
        let shown = || without_query.chars().take(SHOWN).collect::<String>();
        match self.unread.iter_mut().find(|u| u.misfit == misfit) {
            Some(known) => {
                known.count += 1;
                if (file, line) < (known.first.0, known.first.1) {
                    known.first = (file, line, shown());
                }
            }
            None => self.unread.push(Unread { misfit, count: 1, first: (file, line, shown()) }),
        }
    }

    /// How many classes there are so far.
    pub(super) fn len(&self) -> usize {
        self.tallies.len()
    }

    /// Takes over what another part of the lines said.
    pub(super) fn merge(&mut self, other: Self) {
        let new = self.strings.take_over(&other.strings);
        for (key, tally) in other.tallies {
            let key = renumbered(&key, |symbol| new.of(symbol));
            self.tallies.entry(key).or_default().add(tally);
        }
        for unread in other.unread {
            match self.unread.iter_mut().find(|u| u.misfit == unread.misfit) {
                Some(known) => {
                    known.count += unread.count;
                    if (unread.first.0, unread.first.1) < (known.first.0, known.first.1) {
                        known.first = unread.first;
                    }
                }
                None => self.unread.push(unread),
            }
        }
        self.lines += other.lines;
        self.others += other.others;
    }

    /// Puts all in an order that does not depend on which part of the lines was read first.
    pub(super) fn finish(mut self) -> Self {
        let new = self.strings.sort();
        let tallies = std::mem::take(&mut self.tallies);
        let mut classes: Vec<(Key, Tally)> = tallies
            .into_iter()
            .map(|(key, tally)| (renumbered(&key, |s| new.of(s)), tally))
            .collect();
        classes.sort_unstable_by_key(|(key, _)| *key);
        self.classes = classes
            .into_iter()
            .map(|(key, tally)| Class {
                reporter: key.reporter,
                from: key.from,
                to: key.to,
                content: key.content,
                sni: key.sni,
                outcome: key.outcome,
                count: tally.count,
                first: tally.first,
                last: tally.last,
            })
            .collect();
        self.unread.sort_by_key(|unread| unread.misfit);
        self
    }

    /// The classes, in an order of their own.
    pub fn classes(&self) -> &[Class] {
        &self.classes
    }

    /// The string behind a symbol of one of the classes.
    pub fn text(&self, symbol: Symbol) -> &str {
        self.strings.text(symbol)
    }

    /// When the first and the last request was seen, where the lines say it.
    pub fn window(&self) -> Option<(Time, Time)> {
        let first = self.classes.iter().filter_map(|class| class.first).min()?;
        let last = self.classes.iter().filter_map(|class| class.last).max()?;
        Some((first, last))
    }
}

fn renumbered(key: &Key, new: impl Fn(Symbol) -> Symbol) -> Key {
    Key {
        from: key.from.map(&new),
        to: key.to.map(&new),
        content: key.content.map(&new),
        sni: key.sni.map(&new),
        reporter: key.reporter,
        outcome: key.outcome.map(&new),
    }
}

/// The first segments of a path, and whether there were more.
fn cut_path(path: &str, depth: usize) -> (&str, bool) {
    let mut slashes = path.match_indices('/').map(|(at, _)| at);
    match slashes.nth(depth) {
        // the slash stays, to tell that something followed
        Some(at) if at + 1 < path.len() => (&path[..=at], true),
        _ => (path, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cut_at_a_depth() {
        assert_eq!(cut_path("/api/v1/orders/7", 2), ("/api/v1/", true));
        assert_eq!(cut_path("/api/v1", 2), ("/api/v1", false));
        assert_eq!(cut_path("/api/v1/", 2), ("/api/v1/", false));
        assert_eq!(cut_path("/", 0), ("/", false));
        assert_eq!(cut_path("/a", 0), ("/", true));
    }
}
