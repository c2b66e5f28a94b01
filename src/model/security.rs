//! The effective security setting of a namespace: what TSB's hierarchy comes to there.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Principal;
use crate::diagnostic::Span;

/// A value and the document that set it; `None` where it is a default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributed<T> {
    /// The value.
    pub value: T,
    /// Where the user wrote it.
    pub origin: Option<Span>,
}

/// Whether plaintext is taken (facts/tsb.md, "Modes").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum TrafficMode {
    /// Nothing was said anywhere: nothing is rendered.
    #[default]
    Unset,
    /// mTLS and plaintext.
    Optional,
    /// mTLS only.
    Required,
}

/// Who may call the workloads of a namespace, in the order of evaluation of facts/tsb.md
/// "RULES evaluation": `deny_all`, then `deny`, then `allow`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// Nobody may call, whatever else is said.
    pub deny_all: bool,
    /// Refused callers. The sets are shared: the namespaces of a workspace have the same.
    pub deny: Arc<BTreeSet<Principal>>,
    /// `None`: everyone who is not denied. `Some`: these only; empty means nobody.
    pub allow: Option<Arc<BTreeSet<Principal>>>,
    /// Why nobody may call, where `allow` came out empty.
    pub closed: Option<Closed>,
}

/// Why what is allowed comes to nobody.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Closed {
    /// Allow rules exist, and none names the namespace, or what it belongs to, as `to`.
    NoRule,
    /// The rules that name it, whose `from` takes no namespace of the environment.
    NoCaller(Vec<Span>),
    /// None of the listed service accounts is known.
    NoAccount,
    /// Mode `GROUP` without a security group.
    NoGroup,
}

impl Closed {
    /// The reason as a sentence that follows "nobody may call".
    pub fn why(&self) -> &'static str {
        match self {
            Closed::NoRule => {
                "allow rules exist, and none names it as `to`; its own pods are refused too"
            }
            Closed::NoCaller(_) => {
                "the rules that name it as `to` take no namespace of the environment as `from`; its own pods are refused too"
            }
            Closed::NoAccount => "none of the listed service accounts is known",
            Closed::NoGroup => "mode `GROUP` holds, and it is in no security group",
        }
    }
}

impl Access {
    /// True when not everyone may call: an ALLOW policy is needed.
    pub fn is_restricted(&self) -> bool {
        self.deny_all || self.allow.is_some()
    }
}

/// The effective setting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecuritySetting {
    /// Whether plaintext is taken.
    pub traffic_mode: Attributed<TrafficMode>,
    /// Who may call.
    pub access: Attributed<Access>,
}

impl<T: Default> Default for Attributed<T> {
    fn default() -> Self {
        Self { value: T::default(), origin: None }
    }
}
