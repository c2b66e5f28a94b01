//! What is given the inputs.

mod cel;
mod convert;
mod diff;
mod function;
mod lock;
mod logs;
mod patches;
mod reader;
mod simulator;
mod spec;
mod templates;
mod validate;
mod verify;

use waypost::diagnostic::FileId;
use waypost::k8s::{Object, objects_of};
use waypost::yaml::{Budget, read};

/// Something that takes texts of others.
pub struct Target {
    /// Its name on the command line.
    pub name: &'static str,
    /// How many of a hundred inputs it is given.
    pub share: u32,
    /// What its inputs are made from.
    pub corpus: fn() -> Vec<String>,
    /// Takes one.
    pub run: fn(&str),
}

/// All of them. Shares are by what a case costs.
pub const ALL: [Target; 13] = [
    Target { name: "reader", share: 27, corpus: reader::corpus, run: reader::run },
    Target { name: "patches", share: 18, corpus: patches::corpus, run: patches::run },
    Target { name: "logs", share: 13, corpus: logs::corpus, run: logs::run },
    Target { name: "convert", share: 10, corpus: convert::corpus, run: convert::run },
    Target { name: "function", share: 8, corpus: function::corpus, run: function::run },
    Target { name: "diff", share: 6, corpus: diff::corpus, run: diff::run },
    Target { name: "lock", share: 5, corpus: lock::corpus, run: lock::run },
    Target { name: "verify", share: 4, corpus: verify::corpus, run: verify::run },
    Target { name: "templates", share: 3, corpus: templates::corpus, run: templates::run },
    Target { name: "validate", share: 2, corpus: validate::corpus, run: validate::run },
    Target { name: "cel", share: 2, corpus: cel::corpus, run: cel::run },
    Target { name: "simulator", share: 1, corpus: simulator::corpus, run: simulator::run },
    Target { name: "spec", share: 1, corpus: spec::corpus, run: spec::run },
];

/// The objects of a text.
fn objects(text: &str) -> Vec<Object> {
    let (documents, _) = read(FileId::default(), text, &Budget::MANIFESTS);
    objects_of(documents).0
}

/// Says what cannot be: the input is kept then.
#[track_caller]
fn must(holds: bool, what: &str) {
    assert!(holds, "{what}");
}
