//! Answers, and their reasons.

use std::net::IpAddr;

use super::envoy::{ChainKind, rule_id};
use super::identity::IdentityId;
use super::mesh::{ClusterId, GatewayId, Mesh, Unknown, WorkloadId};
use super::network_policy::Blocked;
use super::outbound::Why;
use super::path::Effects;
use super::policy::PolicyId;

/// An answer, with every way that was walked to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The answer.
    pub verdict: Verdict,
    /// One way for each workload behind the destination.
    pub walks: Vec<Walk>,
}

/// Whether a request gets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// It does.
    Allow,
    /// It does not.
    Deny,
    /// That depends on which workload behind the service gets it.
    Mixed,
    /// Nothing is behind the service, and manifests say so.
    Unreachable,
    /// No manifest shows what decides.
    Unknown,
}

impl Verdict {
    /// The word in assertions.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Allow => "allow",
            Verdict::Deny => "deny",
            Verdict::Mixed => "mixed",
            Verdict::Unreachable => "unreachable",
            Verdict::Unknown => "unknown",
        }
    }

    /// One answer from two ways to the same destination. What is not known of one way is not known
    /// of all.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        match (self, other) {
            (a, b) if a == b => a,
            (Verdict::Unknown, _) | (_, Verdict::Unknown) => Verdict::Unknown,
            _ => Verdict::Mixed,
        }
    }
}

/// A way from the client to one workload.
#[derive(Clone, Debug, PartialEq)]
pub struct Walk {
    /// The workload at its end; `None` where nothing is behind the destination, or what is there is
    /// not of the mesh.
    pub endpoint: Option<WorkloadId>,
    /// The points it met, in order; the last one refused, unless it got through.
    pub steps: Vec<Step>,
    /// Whether it got through.
    pub verdict: Verdict,
    /// What else it comes to.
    pub effects: Effects,
}

/// One enforcement point on the way, what it saw, and what it said.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Who decides.
    pub point: Point,
    /// The identity it sees.
    pub peer: Option<IdentityId>,
    /// The address it sees, where it is known.
    pub source_ip: Option<IpAddr>,
    /// The destination port it sees.
    pub port: u16,
    /// The kind of filter chain; none but Envoys have one.
    pub chain: Option<ChainKind>,
    /// What it said.
    pub reason: Reason,
    /// Another request of this client to this port may fare otherwise here.
    pub depends_on_request: bool,
    /// A rule reads an address that is not known, and was taken not to match.
    pub unknown_address: bool,
}

/// Who decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Point {
    /// The client's own sidecar or gateway.
    Client,
    /// The network, by NetworkPolicy.
    Network(WorkloadId),
    /// A gateway for what comes from outside.
    Gateway(WorkloadId),
    /// A waypoint.
    Waypoint(GatewayId),
    /// The sidecar of the destination.
    Sidecar(WorkloadId),
    /// The ztunnel of the destination.
    Ztunnel(WorkloadId),
    /// Nobody: the destination takes no part in the mesh, or it is outside.
    Nobody,
    /// Whoever it is, no manifest shows it.
    NotShown,
}

/// A rule that decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// Of an AuthorizationPolicy; its index in `spec.rules`, where it is known.
    Policy(PolicyId, Option<usize>),
    /// Made of a PeerAuthentication (its place in the mesh).
    Peer(usize),
    /// STRICT.
    Strict(ClusterId),
}

/// What a point said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// Passed: there is no ALLOW policy here, and nothing denied.
    NoAllowPolicies,
    /// Passed: an ALLOW rule matched.
    Allowed(Rule),
    /// Passed: nobody enforces anything here.
    NotEnforced,
    /// Passed: no proxy of the mesh takes UDP.
    Udp,
    /// Passed: the pod's annotations keep this port from its sidecar.
    NotRedirected,
    /// The client's proxy passes it on, and shows no identity.
    Anonymous(Why),
    /// Passed, if the external authorizer of this CUSTOM policy says yes: what it says is not known.
    IfAuthorizerAllows(PolicyId),
    /// Refused: a DENY rule matched.
    Denied(Rule),
    /// Refused: a CUSTOM rule matched whose provider does not work.
    BadCustom(Rule),
    /// Refused: ALLOW policies exist, none matched.
    NoneMatched,
    /// Refused: no client certificate, and PeerAuthentication is STRICT.
    NoClientCertificate(Option<usize>),
    /// Refused: the client certificate is of another trust domain.
    TrustDomain,
    /// Refused: bytes that are not HTTP, at a port that is declared to speak it.
    NotHttp,
    /// Refused: a token that does not verify.
    TokenRefused,
    /// Refused: a token for other audiences.
    TokenAudience,
    /// Refused: a NetworkPolicy isolates an end and does not admit this (its place in the mesh).
    NetworkPolicy(NetworkRefusal),
    /// Refused: the client's proxy knows nothing of it, and drops what it does not know.
    NotRegistered,
    /// Refused: the client's proxy speaks TLS that is not expected here.
    TlsNotTaken,
    /// Refused: the waypoint has an address and no pods.
    NoReadyPods,
    /// Refused: nothing is behind the service.
    NoEndpoints,
    /// Neither passed nor refused: no manifest shows it.
    Unknown(Unknown),
}

/// What a NetworkPolicy does not admit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NetworkRefusal {
    /// The policy's place in the mesh.
    pub policy: usize,
    /// The client, where it is a pod.
    pub from: Option<WorkloadId>,
    /// The server.
    pub to: WorkloadId,
    /// What of it.
    pub blocked: Blocked,
}

impl Reason {
    /// True when the way ends here.
    pub fn is_refusal(self) -> bool {
        match self {
            Reason::NoAllowPolicies
            | Reason::Allowed(_)
            | Reason::NotEnforced
            | Reason::Udp
            | Reason::NotRedirected
            | Reason::Anonymous(_)
            | Reason::IfAuthorizerAllows(_) => false,
            // what comes behind a proxy may still refuse for certain
            Reason::Unknown(unknown) => unknown.is_end(),
            _ => true,
        }
    }

    /// The rule that decided, if one did.
    pub fn rule(self) -> Option<Rule> {
        match self {
            Reason::Allowed(rule) | Reason::Denied(rule) | Reason::BadCustom(rule) => Some(rule),
            Reason::IfAuthorizerAllows(policy) => Some(Rule::Policy(policy, None)),
            _ => None,
        }
    }
}

/// What the client sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Observed {
    /// The application's answer.
    Answer,
    /// `403` with the body `RBAC: access denied`.
    Forbidden,
    /// `401` with the body `Jwt verification fails` or its like.
    Unauthorized,
    /// `403` with the body `Audiences in Jwt are not allowed`.
    OtherAudience,
    /// `503`.
    Unavailable,
    /// The connection is closed without an answer (curl 52 or 56).
    Reset,
    /// Nothing comes back.
    Timeout,
    /// No manifest shows what decides.
    Unknown,
}

impl Observed {
    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Observed::Answer => "the application's answer",
            Observed::Forbidden => "403 `RBAC: access denied`",
            Observed::Unauthorized => "401",
            Observed::OtherAudience => "403 `Audiences in Jwt are not allowed`",
            Observed::Unavailable => "503",
            Observed::Reset => "connection reset",
            Observed::Timeout => "no answer",
            Observed::Unknown => "what no manifest shows",
        }
    }
}

impl Walk {
    /// The step that decided: the one that refused, else the last one that named a rule, else the
    /// last.
    pub fn deciding(&self) -> Option<&Step> {
        deciding(&self.steps)
    }

    /// What the client sees (facts/istio-ambient.md §4.8, §7.5, §10.6).
    pub fn observed(&self) -> Observed {
        observed(&self.steps)
    }
}

/// The step that decided.
pub(super) fn deciding(steps: &[Step]) -> Option<&Step> {
    let last = steps.last();
    let is_unknown = |s: &&Step| matches!(s.reason, Reason::Unknown(_));
    last.filter(|s| s.reason.is_refusal())
        .or_else(|| steps.iter().find(is_unknown))
        .or_else(|| steps.iter().rev().find(|s| s.reason.rule().is_some()))
        .or(last)
}

/// What the client sees of a way. Behind an HTTP proxy on the way, a refusal of the connection
/// comes back as `503`.
pub(super) fn observed(steps: &[Step]) -> Observed {
    let Some((last, before)) = steps.split_last() else { return Observed::Answer };
    let behind_http = before.iter().any(|s| s.chain == Some(ChainKind::Http));
    let broken = if behind_http { Observed::Unavailable } else { Observed::Reset };
    match last.reason {
        Reason::TokenRefused => Observed::Unauthorized,
        Reason::TokenAudience => Observed::OtherAudience,
        Reason::Denied(_) | Reason::BadCustom(_) | Reason::NoneMatched => {
            if last.chain == Some(ChainKind::Http) { Observed::Forbidden } else { broken }
        }
        Reason::NoClientCertificate(_)
        | Reason::TrustDomain
        | Reason::NoReadyPods
        | Reason::NotHttp
        | Reason::NotRegistered
        | Reason::TlsNotTaken => broken,
        Reason::NoEndpoints => {
            if behind_http {
                Observed::Unavailable
            } else {
                Observed::Reset
            }
        }
        Reason::NetworkPolicy(_) => {
            if behind_http {
                Observed::Unavailable
            } else {
                Observed::Timeout
            }
        }
        _ if steps.iter().any(|s| matches!(s.reason, Reason::Unknown(_))) => Observed::Unknown,
        _ => Observed::Answer,
    }
}

impl Decision {
    /// Puts the ways together.
    pub(super) fn of(walks: Vec<Walk>) -> Self {
        let verdict = merged(walks.iter().map(|w| w.verdict));
        Self { verdict, walks }
    }

    /// The way that speaks for the answer: the first that is not known, else the first that refuses,
    /// else the first.
    pub fn walk(&self) -> Option<&Walk> {
        let speaks = |w: &&Walk| w.verdict == self.verdict && self.verdict == Verdict::Unknown;
        self.walks
            .iter()
            .find(speaks)
            .or_else(|| self.walks.iter().find(|w| w.verdict != Verdict::Allow))
            .or(self.walks.first())
    }
}

/// One answer from several ways.
pub(super) fn merged(verdicts: impl Iterator<Item = Verdict>) -> Verdict {
    verdicts.reduce(Verdict::with).unwrap_or(Verdict::Unreachable)
}

impl Mesh {
    /// A rule as logs name it: `ns[httpbin]-policy[waypoint-deny-rules]-rule[0]`, and
    /// `namespace/name` for what ztunnel has from somewhere else.
    pub fn rule_name(&self, rule: Rule) -> String {
        match rule {
            Rule::Policy(id, Some(index)) => {
                let policy = self.policy(id);
                rule_id(&policy.namespace, &policy.name, index)
            }
            Rule::Policy(id, None) => {
                let policy = self.policy(id);
                format!("{}/{}", policy.namespace, policy.name)
            }
            Rule::Peer(index) => {
                let peer = &self.fixed.peer_authentications[index].1;
                format!("{}/converted_peer_authentication_{}", peer.namespace, peer.name)
            }
            Rule::Strict(cluster) => format!(
                "{}/{}",
                self.options(cluster).root_namespace,
                super::ztunnel::STATIC_STRICT
            ),
        }
    }

    /// `namespace/name` of the policy that a rule is of, as ztunnel names it.
    pub fn policy_key(&self, rule: Rule) -> String {
        match rule {
            Rule::Policy(id, _) => self.rule_name(Rule::Policy(id, None)),
            other => self.rule_name(other),
        }
    }

    /// The rule of a step as the proxy's log would have it: `[none]` where ALLOW policies exist and
    /// none matched, with the prefix and suffix that istiod gives to CUSTOM rules.
    pub fn log_id(&self, step: &Step) -> Option<String> {
        match step.reason {
            Reason::NoneMatched => Some("none".into()),
            Reason::BadCustom(rule) => {
                let Rule::Policy(id, _) = rule else { return None };
                Some(format!(
                    "istio-ext-authz-{}-{}-deny-due-to-bad-CUSTOM-action",
                    self.policy(id).provider,
                    self.rule_name(rule)
                ))
            }
            other => other.rule().map(|rule| self.rule_name(rule)),
        }
    }

    /// Who decides, in words.
    pub fn point_name(&self, point: Point) -> String {
        match point {
            Point::Client => "client's proxy".into(),
            Point::Network(id) => format!("network of {}", self.workload_name(id)),
            Point::Gateway(id) => format!("gateway {}", self.workload_name(id)),
            Point::Waypoint(id) => {
                let gateway = self.gateway(id);
                format!("waypoint {}/{}", self.namespace(gateway.namespace).name, gateway.name)
            }
            Point::Sidecar(id) => format!("sidecar of {}", self.workload_name(id)),
            Point::Ztunnel(id) => format!("ztunnel of {}", self.workload_name(id)),
            Point::Nobody => "nobody".into(),
            Point::NotShown => "not shown".into(),
        }
    }

    /// What a step said, in words.
    pub fn reason_text(&self, step: &Step) -> String {
        let name = |rule| self.rule_name(rule);
        match step.reason {
            Reason::NoAllowPolicies => "allowed: no policy denies, and none allows".into(),
            Reason::Allowed(rule) => format!("allowed by {}", name(rule)),
            Reason::NotEnforced => "nobody enforces anything here".into(),
            Reason::Udp => {
                "UDP goes past every proxy of the mesh, so no policy of Istio's holds it back"
                    .into()
            }
            Reason::NotRedirected => {
                "passed: this port is not redirected to the pod's sidecar".into()
            }
            Reason::Anonymous(why) => {
                format!("sends without the client's identity: {}", self.why_text(why))
            }
            Reason::IfAuthorizerAllows(id) => {
                let policy = self.policy(id);
                format!(
                    "allowed if the authorizer `{}` of {}/{} says so",
                    policy.provider, policy.namespace, policy.name
                )
            }
            Reason::Denied(rule) => format!("denied by {}", name(rule)),
            Reason::BadCustom(rule) => {
                format!("denied by {}: its provider does not work", name(rule))
            }
            Reason::NoneMatched => "denied: ALLOW policies exist, and none matches [none]".into(),
            Reason::NoClientCertificate(from) => match from {
                Some(index) => {
                    let peer = &self.fixed.peer_authentications[index].1;
                    format!(
                        "refused: PeerAuthentication {}/{} is STRICT, and the client has no \
                         certificate",
                        peer.namespace, peer.name
                    )
                }
                None => "refused: the client has no certificate".into(),
            },
            Reason::TrustDomain => "refused: the client is of another trust domain".into(),
            Reason::NotHttp => {
                "refused: the port is declared to speak HTTP, and these bytes are not HTTP".into()
            }
            Reason::TokenRefused => "refused: the token does not verify".into(),
            Reason::TokenAudience => "refused: the token is for other audiences".into(),
            Reason::NetworkPolicy(refusal) => {
                let policy = &self.fixed.network_policies[refusal.policy];
                let from = || match refusal.from {
                    Some(id) => self.workload_name(id),
                    None => "a client outside the mesh".to_owned(),
                };
                let to = || self.workload_name(refusal.to);
                let what = match refusal.blocked {
                    Blocked::Client => format!("does not admit {}, at any port", from()),
                    Blocked::ClientPort => format!("does not admit port {}", step.port),
                    Blocked::Server => format!("lets nothing out to {}, at any port", to()),
                    Blocked::ServerPort => format!("lets nothing out to port {}", step.port),
                };
                format!(
                    "refused: NetworkPolicy {}/{} {what}",
                    self.namespace(policy.namespace).name,
                    policy.name,
                )
            }
            Reason::NotRegistered => {
                "refused: the client's sidecar does not know the destination, and the outbound \
                 traffic policy is REGISTRY_ONLY"
                    .into()
            }
            Reason::TlsNotTaken => {
                "refused: the client's proxy speaks TLS that this port does not take".into()
            }
            Reason::NoReadyPods => "refused: the waypoint has no ready pods".into(),
            Reason::NoEndpoints => "nothing is behind the service".into(),
            Reason::Unknown(unknown) => format!("not known: {}", self.unknown_text(unknown)),
        }
    }

    fn why_text(&self, why: Why) -> String {
        let tables = &self.fixed.outbound;
        match why {
            Why::NotRedirected => "annotations of its pods keep this from its sidecar".into(),
            Why::PodAddress => "a sidecar has no listener for a pod's address, and passes it \
                                through as it is"
                .into(),
            Why::NotImported(index) => {
                let scope = &tables.scopes[index as usize];
                format!("Sidecar {}/{} does not import the service", scope.space, scope.name)
            }
            Why::NotExported => "the service is not exported to its namespace".into(),
            Why::Rule(index) => {
                let rule = &tables.rules[index as usize];
                format!("DestinationRule {}/{} sets its TLS", rule.space, rule.name)
            }
            Why::MixedEndpoints => "a sidecar speaks plaintext to a headless service unless every \
                                    endpoint has a sidecar"
                .into(),
            Why::Disabled => {
                "PeerAuthentication is DISABLE for the service's namespace or the mesh".into()
            }
            Why::AutoMtlsOff => "`enableAutoMtls` is off".into(),
            Why::External => "the service is not part of the mesh".into(),
            Why::PortDisabled => "PeerAuthentication is DISABLE for the port".into(),
        }
    }
}
