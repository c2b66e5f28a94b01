//! Upstream's own expectations, each case a test of its own, found by reading the data folder:
//!
//! ```text
//! cargo test --features data-tests --test oracle                     # all
//! cargo test --features data-tests --test oracle -- --list           # their names
//! cargo test --features data-tests --test oracle -- authz-builder    # a part
//! ```
//!
//! `WAYPOST_DATA` names the folder; the default is `../shared/data`. Where it is absent, cannot be
//! read, or holds fewer cases than it did, the run fails and says so, whatever it was asked for.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

mod ambient_ztunnel;
mod authz_builder;
mod envoy_filter;
mod files;
mod requests;
#[path = "../support/data.rs"]
mod support;
mod ztunnel_rbac;

use std::collections::BTreeSet;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use support::data;

/// One case: its name, and what panics where it does not hold.
struct Case {
    name: String,
    run: Box<dyn FnOnce() + Send>,
}

impl Case {
    fn new(name: String, run: impl FnOnce() + Send + 'static) -> Self {
        Self { name, run: Box::new(run) }
    }
}

/// The cases of one source.
struct Group {
    name: &'static str,
    /// as many as there were when they were last counted
    at_least: usize,
    cases: fn() -> Result<Vec<Case>, String>,
}

const GROUPS: &[Group] = &[
    Group { name: "envoy-filter", at_least: 1, cases: envoy_filter::cases },
    Group { name: "authz-builder", at_least: 80, cases: authz_builder::cases },
    Group { name: "ambient-ztunnel", at_least: 15, cases: ambient_ztunnel::cases },
    Group { name: "ztunnel-rbac", at_least: 62, cases: ztunnel_rbac::cases },
];

impl Group {
    /// The tests of the group, or why it cannot be asked.
    fn trials(&self) -> Result<Vec<Trial>, String> {
        let cases = (self.cases)()?;
        let mut names = BTreeSet::new();
        if let Some(twice) = cases.iter().find(|case| !names.insert(&case.name)) {
            return Err(format!("two cases have the name {}", twice.name));
        }
        if cases.len() < self.at_least {
            return Err(format!("{} cases, there were {}", cases.len(), self.at_least));
        }
        let trial = |case: Case| {
            Trial::test(format!("{}/{}", self.name, case.name), move || {
                (case.run)();
                Ok(())
            })
        };
        Ok(cases.into_iter().map(trial).collect())
    }
}

/// Every case; or, where the input is not whole, nothing but tests that fail and say so.
fn trials() -> Result<Vec<Trial>, Vec<Trial>> {
    let fails = |name: String, why: String| Trial::test(name, move || Err(why.into()));
    support::root().map_err(|why| vec![fails("the-data-folder-is-there".to_owned(), why)])?;
    let (mut whole, mut broken) = (Vec::new(), Vec::new());
    for group in GROUPS {
        match group.trials() {
            Ok(trials) => whole.extend(trials),
            Err(why) => broken.push(fails(format!("{}/the-cases-are-there", group.name), why)),
        }
    }
    if broken.is_empty() { Ok(whole) } else { Err(broken) }
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    let trials = trials().unwrap_or_else(|broken| {
        // no filter may make a run pass that had nothing to look at
        arguments.filter = None;
        arguments.skip.clear();
        arguments.ignored = false;
        arguments.bench = false;
        broken
    });
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Text as a part of a test's name: what is not of a word, a path or a number becomes one `-`.
fn slug(text: &str) -> String {
    let kept = |c: char| c.is_alphanumeric() || "._/".contains(c);
    let words: Vec<&str> =
        text.split(|c| !kept(c)).filter(|w| w.chars().any(char::is_alphanumeric)).collect();
    words.join("-")
}
