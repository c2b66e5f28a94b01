//! Losses that are accepted, by kind or policy by policy until a day; and gains, caller by caller.

use std::collections::BTreeSet;

use super::translation::TranslatedPolicy;
use crate::diagnostic::Diagnostic;
use crate::k8s::Object;
use crate::prove::Proof;
use crate::report::access::request_text;
use crate::simulate::{CallerKind, StandsFor, TargetKind};
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
    losses: Vec<Loss>,
    gains: Vec<Gain>,
}

/// The loss of one policy.
#[derive(Clone, Debug)]
struct Loss {
    kind: Consent,
    namespace: String,
    policy: String,
}

/// That one caller comes to one destination.
#[derive(Clone, Debug)]
struct Gain {
    from: String,
    to: String,
    entry: Acceptance,
}

impl Accepted {
    /// Accepts every loss of a kind.
    pub fn kind(&mut self, kind: Consent) {
        self.kinds.insert(kind);
    }

    /// Accepts the loss of one policy, or the gain of one caller, unless it was until a day before `today`
    /// (`2026-12-31`): that is told, and counts no more.
    pub fn entry(&mut self, entry: &Acceptance, today: &str, found: &mut Vec<Diagnostic>) {
        let Acceptance { kind, namespace, policy, from, to, owner, reason, expires } = entry;
        let known = Consent::ALL.into_iter().find(|known| known.as_str() == kind.value);
        let of_loss =
            namespace.as_ref().zip(policy.as_ref()).filter(|_| from.is_none() && to.is_none());
        let of_gain =
            from.as_ref().zip(to.as_ref()).filter(|_| namespace.is_none() && policy.is_none());
        let is_gain = kind.value == GAIN;
        let wrong = match (known, is_gain, of_loss, of_gain) {
            (Some(_), _, Some(_), _) | (_, true, _, Some(_)) => None,
            (None, false, ..) => Some((
                format!("there is no loss `{}`", kind.value),
                "`waypost translate --help` lists them; a gain is never accepted by kind",
            )),
            (Some(_), ..) => Some((
                "a loss is accepted for one policy".to_owned(),
                "give `namespace` and `policy`, and nothing else beside reason, owner and day",
            )),
            (None, true, ..) => Some((
                "a gain is accepted for one caller and one destination".to_owned(),
                "give `from` and `to` as the finding names them, and nothing else beside reason, owner and day",
            )),
        };
        if let Some((said, help)) = wrong {
            found.push(Diagnostic::error("bad-consent", said).at(kind.span, "").help(help));
            return;
        }
        if expires.value.as_str() < today {
            let what = if is_gain { "gain" } else { "loss" };
            found.push(
                Diagnostic::warning("expired-consent", format!("this {what} is accepted no more"))
                    .at(expires.span, format!("{owner}: {reason}"))
                    .help("ask its owner again, and move the day"),
            );
            return;
        }
        if let (Some(kind), Some((namespace, policy))) = (known, of_loss) {
            let (namespace, policy) = (namespace.clone(), policy.clone());
            self.losses.push(Loss { kind, namespace, policy });
        } else if let Some((from, to)) = of_gain {
            let (from, to) = (from.clone(), to.clone());
            self.gains.push(Gain { from, to, entry: entry.clone() });
        }
    }

    /// The losses of a policy that nobody accepted.
    pub fn missing(&self, policy: &TranslatedPolicy, object: &Object) -> BTreeSet<Consent> {
        let namespace = object.namespace_or_default();
        let is_about = |loss: &Loss| loss.namespace == namespace && loss.policy == object.name;
        let is_accepted = |consent: &Consent| {
            self.kinds.contains(consent)
                || self.losses.iter().any(|loss| loss.kind == *consent && is_about(loss))
        };
        policy.consents.iter().filter(|consent| !is_accepted(consent)).copied().collect()
    }

    /// Takes the gains that are accepted out of a proof, and tells of each. What stands for others, for several
    /// ports, or for everybody outside is nobody by name.
    pub fn take_gains(&self, proof: &mut Proof) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        proof.gains.retain(|gain| {
            let is_named = match &gain.from.kind {
                CallerKind::Workload { .. } => true,
                CallerKind::Identity { stands_for, .. } => *stands_for == StandsFor::Itself,
                CallerKind::Outside => false,
            };
            let is_one = is_named && !gain.other_ports && gain.to.kind != TargetKind::OtherPort;
            let (from, to) = (gain.from.to_string(), gain.to.to_string());
            let accepted = self.gains.iter().find(|own| own.from == from && own.to == to);
            let Some(Gain { entry, .. }) = accepted.filter(|_| is_one) else { return true };
            let request = request_text(gain.request.as_deref());
            let said = format!("{from} gains {to} with {request}, and that is accepted");
            let why = format!("{}: {}, until {}", entry.owner, entry.reason, entry.expires.value);
            found.push(Diagnostic::note("gain-accepted", said).at(entry.kind.span, why));
            false
        });
        found
    }
}

/// The kind of entry that accepts a gain.
const GAIN: &str = "gain";
