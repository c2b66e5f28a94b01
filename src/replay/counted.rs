//! Requests that several proxies tell of, counted once.

use std::collections::{BTreeMap, HashMap};

use super::answer::{Answer, Why};
use crate::simulate::{Client, Destination};
use crate::traffic::{Class, Content, Reporter, Symbol};

/// Who asked whom for what: method and path, where the line has them.
type Request = (Client, Destination, Option<(Symbol, Symbol)>);

/// How often each proxy on the way of a request saw it.
#[derive(Debug, Default)]
pub(super) struct Counted {
    requests: HashMap<Request, BTreeMap<Reporter, u64>>,
    /// Requests of which it is not known who asked for what.
    others: u64,
}

impl Counted {
    /// Counts a class.
    pub fn add(&mut self, class: &Class, answer: &Result<Answer, Why>) {
        let Ok(Answer { from, to, .. }) = answer else {
            self.others = self.others.saturating_add(class.count);
            return;
        };
        let what = match class.content {
            Content::Http { method, path, .. } => Some((method, path)),
            Content::SomeHttp | Content::Connection => None,
        };
        let seen = self.requests.entry((*from, *to, what)).or_default();
        add(seen, class.reporter, class.count);
    }

    /// How many requests there were.
    pub fn count(&self) -> u64 {
        let known = self.requests.values().map(most);
        known.fold(self.others, u64::saturating_add)
    }
}

/// Adds what a proxy saw.
pub(super) fn add(seen: &mut BTreeMap<Reporter, u64>, reporter: Reporter, count: u64) {
    let all = seen.entry(reporter).or_default();
    *all = all.saturating_add(count);
}

/// What the proxy that saw most of them saw: a request leaves a line at every proxy on its way, and
/// a proxy that logs nothing leaves none.
pub(super) fn most(seen: &BTreeMap<Reporter, u64>) -> u64 {
    seen.values().copied().max().unwrap_or_default()
}
