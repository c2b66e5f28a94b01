//! What becomes of every rule, wherever its policy holds: enforced as written, dropped, inert, wider,
//! narrower, or not there at all (facts/istio-ambient.md §4.3 to §4.6, §7.2).
//!
//! istiod says so for each policy, which hides an inert rule behind an effective one; here it is said
//! for each rule.

use std::collections::{BTreeMap, BTreeSet};

use super::envoy::{ChainKind, Loss, Policies as _};
use super::mesh::{Binding, GatewayId, Mesh, PodState, Protocol, Reads, Role, WorkloadId};
use super::policy::{Action, PolicyId};
use super::ztunnel::{Conversion, Effect, NotSent};

/// What a policy comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classification {
    /// The policy.
    pub policy: PolicyId,
    /// Every rule at every kind of place the policy reaches; no row where it reaches none.
    pub rules: Vec<RuleAt>,
    /// How many workloads, waypoints' services or gateways it reaches, by kind of place.
    pub reach: BTreeMap<Place, usize>,
}

/// A kind of place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// HTTP ports of sidecars.
    Sidecar,
    /// Other ports of sidecars.
    SidecarTcp,
    /// ztunnel, for ambient workloads.
    Ztunnel,
    /// HTTP ports of services behind a waypoint.
    Waypoint,
    /// Other ports of services behind a waypoint.
    WaypointTcp,
    /// Gateways that read requests.
    Gateway,
    /// Listeners of gateways that read bytes.
    GatewayTcp,
}

impl Place {
    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Place::Sidecar => "sidecar",
            Place::SidecarTcp => "sidecar, TCP ports",
            Place::Ztunnel => "ztunnel",
            Place::Waypoint => "waypoint",
            Place::WaypointTcp => "waypoint, TCP ports",
            Place::Gateway => "gateway",
            Place::GatewayTcp => "gateway, TCP ports",
        }
    }
}

/// One rule at one kind of place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleAt {
    /// Index in `spec.rules`.
    pub rule: usize,
    /// Where.
    pub place: Place,
    /// What becomes of it there.
    pub effect: RuleEffect,
}

/// What becomes of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RuleEffect {
    /// As written.
    Enforced,
    /// It logs, as its author asked.
    LogsOnly,
    /// An ALLOW rule left out: it admits nobody.
    Dropped,
    /// It is there and never matches: a DENY that does nothing.
    Inert,
    /// Parts are missing: it matches more than it says.
    Widened,
    /// Alternatives are missing: it matches less than it says.
    Narrowed,
    /// Both.
    WidenedAndNarrowed,
    /// It names an unknown attribute and is left out.
    LeftOut,
    /// The whole policy is not sent there.
    NotSent(NotSent),
    /// `selector: {}`: sent, and listed by no workload.
    NotListed,
}

impl RuleEffect {
    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            RuleEffect::Enforced => "enforced",
            RuleEffect::LogsOnly => "logs only",
            RuleEffect::Dropped => "dropped",
            RuleEffect::Inert => "inert",
            RuleEffect::Widened => "widened",
            RuleEffect::Narrowed => "narrowed",
            RuleEffect::WidenedAndNarrowed => "widened and narrowed",
            RuleEffect::LeftOut => "left out",
            RuleEffect::NotSent(_) => "not sent",
            RuleEffect::NotListed => "not listed",
        }
    }

    /// True when more gets through than the rule says, or might.
    pub fn opens(self, action: Action) -> bool {
        match self {
            RuleEffect::Enforced | RuleEffect::LogsOnly => false,
            RuleEffect::Dropped => false,
            RuleEffect::Widened => action == Action::Allow,
            RuleEffect::Inert
            | RuleEffect::Narrowed
            | RuleEffect::LeftOut
            | RuleEffect::NotSent(_)
            | RuleEffect::NotListed => action != Action::Allow,
            RuleEffect::WidenedAndNarrowed => true,
        }
    }
}

impl Mesh {
    /// Classifies every rule of every policy, in the order of the mesh.
    pub fn classify(&self) -> Vec<Classification> {
        let mut reach: Vec<BTreeMap<Place, usize>> = vec![BTreeMap::new(); self.policies().count()];
        let mut add = |policies: &[PolicyId], place: Place| {
            for id in policies {
                *reach[id.0 as usize].entry(place).or_default() += 1;
            }
        };
        let points = &self.fixed.points;
        for (id, workload) in self.workloads() {
            let policies = &points.envoy[points.workloads[id.0 as usize].envoy].policies;
            match (workload.role, self.state(id)) {
                (Role::Application, PodState::Ambient) => add(policies, Place::Ztunnel),
                (Role::Application, PodState::Sidecar | PodState::SidecarHbone) => {
                    let (http, tcp) = self.speaks(id);
                    if http {
                        add(policies, Place::Sidecar);
                    }
                    if tcp {
                        add(policies, Place::SidecarTcp);
                    }
                }
                (Role::Gateway | Role::EastWest, _) => {
                    let own = self.gateways().find(|(_, g)| g.workload == id);
                    let point = own.map(|(gateway, _)| points.gateways[gateway.0 as usize]);
                    let policies = point.map_or(policies, |p| &points.envoy[p].policies);
                    let reads = |what| workload.listeners.iter().any(|l| l.reads == what);
                    // of what it listens for nothing may be shown
                    if workload.listeners.is_empty() || reads(Reads::Requests) {
                        add(policies, Place::Gateway);
                    }
                    if reads(Reads::Bytes) {
                        add(policies, Place::GatewayTcp);
                    }
                }
                _ => {}
            }
        }
        for (id, service) in self.services() {
            // what is addressed by pod does not meet the chain of its service
            if let (Binding::Bound(_), Some(point), false) =
                (self.service_binding(id), points.services[id.0 as usize], service.headless)
            {
                let policies = &points.envoy[point].policies;
                let speaks = |protocol| service.ports.iter().any(|p| p.protocol == protocol);
                if speaks(Protocol::Http) || speaks(Protocol::Unset) {
                    add(policies, Place::Waypoint);
                }
                if speaks(Protocol::Tcp) {
                    add(policies, Place::WaypointTcp);
                }
            }
        }
        // what is addressed by pod meets the chain of the waypoint that the pod is bound to
        let bound: BTreeSet<GatewayId> = self
            .workloads()
            .filter_map(|(id, _)| match self.workload_binding(id) {
                Binding::Bound(waypoint) => Some(*waypoint),
                _ => None,
            })
            .collect();
        for id in bound {
            add(&points.envoy[points.gateways[id.0 as usize]].policies, Place::Waypoint);
        }
        reach
            .into_iter()
            .enumerate()
            .map(|(i, reach)| {
                let policy = PolicyId(i as u32);
                let rules =
                    reach.keys().flat_map(|place| self.effects_at(policy, *place)).collect();
                Classification { policy, rules, reach }
            })
            .collect()
    }

    /// Does a workload have HTTP ports, and others? One without any service may have both.
    fn speaks(&self, workload: WorkloadId) -> (bool, bool) {
        let mut seen = self
            .services_of(workload)
            .iter()
            .flat_map(|id| self.service(*id).ports.iter().map(|p| p.protocol))
            .peekable();
        if seen.peek().is_none() {
            return (true, false);
        }
        seen.fold((false, false), |(http, tcp), protocol| {
            (
                http || matches!(protocol, Protocol::Http | Protocol::Unset),
                tcp || protocol == Protocol::Tcp,
            )
        })
    }

    /// What becomes of every rule of a policy at a kind of place, whether or not anything of that kind
    /// is known.
    pub fn effects_at(&self, id: PolicyId, place: Place) -> Vec<RuleAt> {
        let policy = self.policy(id);
        let effect = |rule: usize| -> RuleEffect {
            if place != Place::Ztunnel && (policy.dry_run || policy.action == Action::Audit) {
                return RuleEffect::LogsOnly;
            }
            match place {
                Place::Ztunnel => self.effect_at_ztunnel(id, rule),
                Place::Sidecar | Place::Waypoint | Place::Gateway => {
                    self.effect_at_envoy(id, rule, ChainKind::Http)
                }
                Place::SidecarTcp | Place::WaypointTcp | Place::GatewayTcp => {
                    self.effect_at_envoy(id, rule, ChainKind::Tcp)
                }
            }
        };
        (0..policy.spec.rules.len())
            .map(|rule| RuleAt { rule, place, effect: effect(rule) })
            .collect()
    }

    fn effect_at_envoy(&self, id: PolicyId, rule: usize, kind: ChainKind) -> RuleEffect {
        let both = self.fixed.compiled(id);
        let compiled = if kind == ChainKind::Http { &both.http } else { &both.tcp };
        match compiled.losses.iter().find(|(index, _)| *index == rule) {
            None => RuleEffect::Enforced,
            Some((_, Loss::Dropped)) => RuleEffect::Dropped,
            Some((_, Loss::Widened)) => RuleEffect::Widened,
            Some((_, Loss::Unknown)) => RuleEffect::LeftOut,
        }
    }

    fn effect_at_ztunnel(&self, id: PolicyId, rule: usize) -> RuleEffect {
        let selector = &self.policy(id).spec.selector;
        match self.conversion(id) {
            Conversion::NotSent(NotSent::DryRun) => RuleEffect::LogsOnly,
            Conversion::NotSent(why) => RuleEffect::NotSent(*why),
            Conversion::Sent { .. }
                if selector.as_ref().is_some_and(|s| s.match_labels.is_none()) =>
            {
                RuleEffect::NotListed
            }
            Conversion::Sent { effects, .. } => match effects.get(rule) {
                None | Some(Effect::Enforced) => RuleEffect::Enforced,
                Some(Effect::Dropped) => RuleEffect::Dropped,
                Some(Effect::Inert) => RuleEffect::Inert,
                Some(Effect::Changed { wider: true, narrower: true }) => {
                    RuleEffect::WidenedAndNarrowed
                }
                Some(Effect::Changed { wider: true, .. }) => RuleEffect::Widened,
                Some(Effect::Changed { .. }) => RuleEffect::Narrowed,
            },
        }
    }
}
