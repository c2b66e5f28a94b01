//! Losses that are accepted: by kind, or policy by policy until a day.

use std::collections::BTreeSet;

use super::translation::TranslatedPolicy;
use crate::diagnostic::Diagnostic;
use crate::k8s::Object;
use crate::spec::Acceptance;

/// A loss that whoever writes a translation has to accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Consent {
    /// Callers of pods' own addresses are refused.
    PodAddresses,
    /// Callers without identity are refused.
    OutsideMesh,
    /// Callers that keep their sidecars are refused.
    SidecarCallers,
    /// Identities that no workload here bears may be refused.
    UnknownCallers,
    /// Callers of other pods behind the same Service are refused.
    ServiceFrontsOthers,
}

impl Consent {
    /// All of them.
    pub const ALL: [Consent; 5] = [
        Consent::PodAddresses,
        Consent::OutsideMesh,
        Consent::SidecarCallers,
        Consent::UnknownCallers,
        Consent::ServiceFrontsOthers,
    ];

    /// As `--accept` takes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Consent::PodAddresses => "pod-addresses",
            Consent::OutsideMesh => "outside-mesh",
            Consent::SidecarCallers => "sidecar-callers",
            Consent::UnknownCallers => "unknown-callers",
            Consent::ServiceFrontsOthers => "service-fronts-others",
        }
    }

    /// Is it what every move of a policy to a waypoint brings?
    pub(super) fn is_usual(self) -> bool {
        matches!(self, Consent::PodAddresses | Consent::OutsideMesh | Consent::UnknownCallers)
    }
}

/// All that is accepted.
#[derive(Clone, Debug, Default)]
pub struct Accepted {
    kinds: BTreeSet<Consent>,
    entries: Vec<(Consent, Acceptance)>,
}

impl Accepted {
    /// Accepts every loss of a kind.
    pub fn kind(&mut self, kind: Consent) {
        self.kinds.insert(kind);
    }

    /// Accepts the loss of one policy, unless it was until a day before `today` (`2026-12-31`): that is
    /// told, and counts no more.
    pub fn entry(&mut self, entry: &Acceptance, today: &str, found: &mut Vec<Diagnostic>) {
        let Acceptance { kind, owner, reason, expires, .. } = entry;
        let Some(known) = Consent::ALL.into_iter().find(|known| known.as_str() == kind.value)
        else {
            found.push(
                Diagnostic::error("bad-consent", format!("there is no loss `{}`", kind.value))
                    .at(kind.span, "")
                    .help(
                        "`waypost translate --help` lists them; a gain is never accepted by kind",
                    ),
            );
            return;
        };
        if expires.value.as_str() < today {
            found.push(
                Diagnostic::warning("expired-consent", "this loss is accepted no more")
                    .at(expires.span, format!("{owner}: {reason}"))
                    .help("ask its owner again, and move the day"),
            );
            return;
        }
        self.entries.push((known, entry.clone()));
    }

    /// The losses of a policy that nobody accepted.
    pub fn missing(&self, policy: &TranslatedPolicy, object: &Object) -> BTreeSet<Consent> {
        let namespace = object.namespace_or_default();
        let is_about =
            |entry: &Acceptance| entry.namespace == namespace && entry.policy == object.name;
        let is_accepted = |consent: &Consent| {
            self.kinds.contains(consent)
                || self.entries.iter().any(|(kind, entry)| kind == consent && is_about(entry))
        };
        policy.consents.iter().filter(|consent| !is_accepted(consent)).copied().collect()
    }
}
