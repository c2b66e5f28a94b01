//! What a comparison of two meshes comes to. All of it is names and texts: ids mean something in
//! one mesh only.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use super::design::ByDesign;
use crate::simulate::decision::Verdict;
use crate::simulate::envoy::Logged;
use crate::simulate::mesh::PodState;
use crate::simulate::request::HttpRequest;

/// Who gains and who loses access from one mesh to another.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    /// Every client and destination for which some request is answered otherwise: gains first, then by
    /// names. A pair may gain with one request and lose with another: it is there twice then.
    pub changes: Vec<AccessChange>,
    /// Where not every class of requests was asked, or could be.
    pub bounds: Vec<Bound>,
    /// `[cluster/]namespace/name` of policies that differ and hold nowhere that is there, on either side: what
    /// they would decide is not in `changes`.
    pub idle_policies: Vec<String>,
    /// What was asked about each destination; the others, and the clients that are not among these, see the
    /// same policies on both sides.
    pub asked: BTreeMap<Arc<Target>, Asked>,
}

/// How much was asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Pairs of client and destination.
    pub pairs: usize,
    /// Clients that no policy tells apart are one.
    pub classes: usize,
    /// Requests that both meshes were asked.
    pub requests: usize,
}

impl Asked {
    /// Both together.
    pub fn and(self, other: Self) -> Self {
        Self {
            pairs: self.pairs + other.pairs,
            classes: self.classes + other.classes,
            requests: self.requests + other.requests,
        }
    }
}

impl Comparison {
    /// True when no request that was asked is answered otherwise, and none was left out: the meshes let
    /// through the same.
    pub fn is_equivalent(&self) -> bool {
        self.changes.is_empty() && self.bounds.is_empty() && self.idle_policies.is_empty()
    }

    /// How much was asked about all destinations.
    pub fn asked_in_all(&self) -> Asked {
        self.asked.values().copied().fold(Asked::default(), Asked::and)
    }

    /// Is there a change of which no manifest shows what was, or what comes of it?
    pub fn has_unknown(&self) -> bool {
        let is_unknown = |answer: &Option<Arc<Answer>>| {
            answer.as_ref().is_some_and(|answer| answer.verdict == Verdict::Unknown)
        };
        self.changes.iter().any(|c| is_unknown(&c.before) || is_unknown(&c.after))
    }

    /// Those who gain, or lose, but for what comes by design.
    pub fn of(&self, change: Change) -> impl Iterator<Item = &AccessChange> {
        self.changes.iter().filter(move |c| c.change == change && c.by_design.is_none())
    }

    /// How many pairs change by design, by what it is that every move brings.
    pub fn by_design(&self) -> BTreeMap<ByDesign, usize> {
        let mut all = BTreeMap::new();
        for own in self.changes.iter().filter_map(|c| c.by_design) {
            *all.entry(own).or_default() += 1;
        }
        all
    }
}

/// Which way access changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Change {
    /// Something gets through that did not, or an external authorizer that was asked is asked no more.
    Gain,
    /// Something does not get through that did, or an external authorizer is asked that was not.
    Loss,
    /// Neither, and yet the answer is another: an AUDIT policy or one in dry-run logs something else, or
    /// nothing is behind what was refused.
    Other,
}

/// A client and a destination for which something changes. Of many pairs the same is said: what they have in
/// common is there once.
#[derive(Clone, Debug, PartialEq)]
pub struct AccessChange {
    /// Which way.
    pub change: Change,
    /// Who asks.
    pub from: Arc<Caller>,
    /// For what.
    pub to: Arc<Target>,
    /// The smallest request that fares otherwise; `None` for a connection that is not HTTP, or of
    /// which nobody reads the requests.
    pub request: Option<Arc<HttpRequest>>,
    /// Whether all of this pair's requests change like this.
    pub every_request: bool,
    /// The ports of the pod there that nothing names change like this too: they are not listed again.
    pub other_ports: bool,
    /// What came of that request before; `None` where client or destination was not there.
    pub before: Option<Arc<Answer>>,
    /// What comes of it after; `None` where client or destination is not there any more.
    pub after: Option<Arc<Answer>>,
    /// It comes with every move to ambient mode or back, and opens nothing that anybody can use.
    pub by_design: Option<ByDesign>,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Caller {
    /// What it is.
    pub kind: CallerKind,
    /// The address it is taken to have, where manifests tell none and a policy reads it.
    pub address: Option<IpAddr>,
}

/// What a caller is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CallerKind {
    /// A workload, or whoever comes through a gateway.
    Workload {
        /// Its namespace.
        namespace: String,
        /// `[cluster/]namespace/name`
        name: String,
    },
    /// Somebody without a proxy.
    Outside,
    /// An identity of no workload that is there, which the policies tell from all others.
    Identity {
        /// `<trust domain>/ns/<namespace>/sa/<service account>`
        principal: String,
        /// How its pods are taken to take part.
        state: PodState,
        /// Whom it stands for.
        stands_for: StandsFor,
    },
}

/// Whom an identity stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StandsFor {
    /// Itself: a policy names it.
    Itself,
    /// All that the same values of policies match.
    ItsLike,
    /// Everybody whom no policy matches.
    AllOthers,
}

impl Caller {
    /// The same one at an address.
    pub(super) fn at(&self, address: IpAddr) -> Arc<Self> {
        Arc::new(Self { kind: self.kind.clone(), address: Some(address) })
    }

    /// The namespace, `outside` for whoever has none: what tables are grouped by.
    pub fn namespace(&self) -> &str {
        match &self.kind {
            CallerKind::Workload { namespace, .. } => namespace,
            CallerKind::Outside => "outside",
            CallerKind::Identity { principal, .. } => {
                principal.split('/').nth(2).unwrap_or_default()
            }
        }
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            CallerKind::Workload { name, .. } => f.write_str(name)?,
            CallerKind::Outside => f.write_str("outside")?,
            CallerKind::Identity { principal, stands_for, .. } => {
                f.write_str(match stands_for {
                    StandsFor::Itself => "identity ",
                    StandsFor::ItsLike => "an identity such as ",
                    StandsFor::AllOthers => "any other identity, such as ",
                })?;
                f.write_str(principal)?;
            }
        }
        match self.address {
            Some(address) => write!(f, " at {address}"),
            None => Ok(()),
        }
    }
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    /// Its namespace.
    pub namespace: String,
    /// `[cluster/]namespace/name` of the service, or of the workload whose pods are addressed
    /// themselves.
    pub name: String,
    /// The port.
    pub port: u16,
    /// What is addressed.
    pub kind: TargetKind,
}

/// What is addressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TargetKind {
    /// A service, by its own port.
    Service,
    /// A pod, by its address.
    Pod,
    /// A pod, on a port that nothing names: it stands for all such.
    OtherPort,
}

impl fmt::Display for Target {
    /// As `waypost access explain` takes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pod = if self.kind == TargetKind::Service { "" } else { "pod:" };
        write!(f, "{pod}{}:{}", self.name, self.port)
    }
}

/// What came of a request in one mesh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The answer.
    pub verdict: Verdict,
    /// It gets through if an external authorizer says so.
    pub is_conditional: bool,
    /// What is logged of it by policies that do not decide.
    pub logged: Logged,
    /// Who decided, in words.
    pub point: String,
    /// Why, in words.
    pub reason: String,
    /// The rule that decided, as logs name it.
    pub rule: Option<String>,
    /// What the client sees, in words.
    pub observed: &'static str,
}

/// Why not everything was asked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bound {
    /// The policies tell more requests apart than are asked, or read one field in too many ways; the
    /// pair of client and destination.
    Requests(Caller, Target),
    /// The policies of a destination tell more identities apart than are asked.
    Identities(Target),
    /// A rule reads an address of the destination that manifests do not tell: it is taken not to
    /// match, in both meshes.
    DestinationAddress(Target),
    /// Neither mesh shows what decides about a destination, for some client at least; why, in words.
    NotShown(Target, String),
    /// The two meshes do not make the same of a path: not every path that a client may send was asked.
    Paths(Target),
}

impl Bound {
    /// The destination that it is about.
    pub fn target(&self) -> &Target {
        match self {
            Bound::Requests(_, to)
            | Bound::Identities(to)
            | Bound::DestinationAddress(to)
            | Bound::NotShown(to, _)
            | Bound::Paths(to) => to,
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Bound::Requests(from, to) => {
                write!(f, "not every class of requests from {from} to {to} was asked")
            }
            Bound::Identities(to) => {
                write!(f, "not every class of identities was asked about {to}")
            }
            Bound::DestinationAddress(to) => write!(
                f,
                "a rule reads the address of {to}, which no manifest tells: it is taken not to match"
            ),
            Bound::NotShown(to, why) => write!(f, "what becomes of calls to {to} is {why}"),
            Bound::Paths(to) => {
                write!(f, "the two meshes do not normalize the paths of requests to {to} alike")
            }
        }
    }
}
