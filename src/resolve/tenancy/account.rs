//! `serviceAccounts` of mode CUSTOM (facts/tsb.md, "Modes").

use std::fmt;

use crate::diagnostic::{Diagnostic, Span, Spanned};
use crate::k8s::{is_dns_label, is_dns_subdomain};

/// One entry, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Account {
    pub who: Who,
    pub span: Span,
}

/// `./*`, `ns/*` or `ns/sa`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Who {
    /// Everyone in the workload's own namespace.
    Own,
    /// Everyone in a namespace.
    Namespace(String),
    /// One account of a namespace.
    Account(String, String),
}

impl Who {
    fn parse(text: &str) -> Option<Self> {
        let (namespace, account) = text.split_once('/')?;
        match (namespace, account) {
            (".", "*") => Some(Who::Own),
            (namespace, "*") if is_dns_label(namespace) => {
                Some(Who::Namespace(namespace.to_owned()))
            }
            (namespace, account) if is_dns_label(namespace) && is_dns_subdomain(account) => {
                Some(Who::Account(namespace.to_owned(), account.to_owned()))
            }
            _ => None,
        }
    }

    /// "Only child service accounts equal to or narrower than a parent's survive (`ns/*` →
    /// `ns/sa`)" (facts/tsb.md, "Hierarchy and propagation"): true when this is not wider than
    /// `parent`.
    pub fn within(&self, parent: &Who) -> bool {
        match (self, parent) {
            (Who::Account(namespace, _), Who::Namespace(outer)) => namespace == outer,
            _ => self == parent,
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Who::Own => f.write_str("./*"),
            Who::Namespace(namespace) => write!(f, "{namespace}/*"),
            Who::Account(namespace, account) => write!(f, "{namespace}/{account}"),
        }
    }
}

/// Reads the entries. What is none is reported and left out.
pub(super) fn read(entries: &[Spanned<String>], found: &mut Vec<Diagnostic>) -> Vec<Account> {
    let mut accounts = Vec::new();
    for entry in entries {
        match Who::parse(&entry.value) {
            Some(who) => accounts.push(Account { who, span: entry.span }),
            None => found.push(
                Diagnostic::error(
                    "bad-service-account",
                    format!("`{}` is not an entry of `serviceAccounts`", entry.value),
                )
                .at(entry.span, "")
                .help("write `namespace/account`, `namespace/*`, or `./*` for the workload's own namespace"),
            ),
        }
    }
    accounts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grammar() {
        for text in ["./*", "ns/*", "ns/sa", "ns/sa.x"] {
            assert_eq!(Who::parse(text).map(|w| w.to_string()).as_deref(), Some(text));
        }
        for text in ["", "*", "*/*", "ns", "ns/", "./sa", "ns/s*", "n.s/*", "*/sa"] {
            assert_eq!(Who::parse(text), None, "{text}");
        }
    }
}
