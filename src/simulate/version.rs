//! Releases of Istio, and what each of them does otherwise than the one before, as far as access
//! depends on it (facts/istio-ambient.md §9.2; facts/ztunnel.md, "Version skew").

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// A minor release of Istio.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IstioVersion {
    /// Major.
    pub major: u32,
    /// Minor.
    pub minor: u32,
}

impl IstioVersion {
    /// The newest whose behaviour is known here.
    pub const NEWEST: Self = Self { major: 1, minor: 31 };

    /// The oldest release about which something is known here.
    pub const OLDEST: Self = Self { major: 1, minor: 22 };

    /// A release.
    pub const fn new(major: u32, minor: u32) -> Self {
        Self { major, minor }
    }
}

impl fmt::Display for IstioVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl FromStr for IstioVersion {
    type Err = String;

    /// `1.28`, or a patch release of it, whose number does not count.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |part: Option<&str>| part.and_then(|p| p.parse::<u32>().ok());
        let mut parts = text.trim_start_matches('v').split('.');
        match (number(parts.next()), number(parts.next())) {
            (Some(major), Some(minor)) => Ok(Self { major, minor }),
            _ => Err(format!("`{text}` is no release of Istio, such as {}", Self::NEWEST)),
        }
    }
}

/// Something that Istio does since a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Behaviour {
    /// `istio.io/use-waypoint-namespace` is read.
    UseWaypointNamespace,
    /// A policy may target a ServiceEntry.
    ServiceEntryTargets,
    /// A policy of the root namespace may target a GatewayClass.
    GatewayClassTargets,
    /// `istio.io/ingress-use-waypoint` of a namespace is read.
    NamespaceIngressUseWaypoint,
    /// TLS settings of a DestinationRule do not keep sidecars from HBONE to ambient pods.
    HboneBesideClientTls,
    /// A source may have `serviceAccounts`.
    SourceServiceAccounts,
    /// ztunnel reads `serviceAccounts` of a source.
    ZtunnelServiceAccounts,
    /// ztunnel knows policies that only log (`istio.io/dry-run`); an older one enforces them.
    ZtunnelDryRun,
    /// A source may have `trustDomains`.
    SourceTrustDomains,
}

impl Behaviour {
    /// All of them, in the order of their releases.
    pub const ALL: &'static [Self] = &[
        Self::UseWaypointNamespace,
        Self::ServiceEntryTargets,
        Self::GatewayClassTargets,
        Self::NamespaceIngressUseWaypoint,
        Self::HboneBesideClientTls,
        Self::SourceServiceAccounts,
        Self::ZtunnelServiceAccounts,
        Self::ZtunnelDryRun,
        Self::SourceTrustDomains,
    ];

    /// Does it depend on the release of ztunnel?
    pub const fn is_of_ztunnel(self) -> bool {
        matches!(self, Self::ZtunnelServiceAccounts | Self::ZtunnelDryRun)
    }

    /// What came after a release, up to another one, by the release that brought it.
    pub fn between(from: IstioVersion, to: IstioVersion) -> BTreeMap<IstioVersion, Vec<Self>> {
        let mut found: BTreeMap<IstioVersion, Vec<Self>> = BTreeMap::new();
        for behaviour in Self::ALL.iter().filter(|b| b.since() > from && b.since() <= to) {
            found.entry(behaviour.since()).or_default().push(*behaviour);
        }
        found
    }

    /// The first release that does it.
    pub const fn since(self) -> IstioVersion {
        match self {
            Self::UseWaypointNamespace => IstioVersion::new(1, 23),
            Self::ServiceEntryTargets => IstioVersion::new(1, 24),
            // the last one since 1.25.1 (istio/istio#53526, facts/outbound.md §4)
            Self::GatewayClassTargets
            | Self::NamespaceIngressUseWaypoint
            | Self::SourceServiceAccounts
            | Self::ZtunnelServiceAccounts
            | Self::HboneBesideClientTls => IstioVersion::new(1, 25),
            Self::ZtunnelDryRun => IstioVersion::new(1, 29),
            Self::SourceTrustDomains => IstioVersion::new(1, 30),
        }
    }

    /// What it is, in words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UseWaypointNamespace => "the label `istio.io/use-waypoint-namespace` is read",
            Self::ServiceEntryTargets => "policies may target a ServiceEntry",
            Self::GatewayClassTargets => "policies of the root namespace may target a GatewayClass",
            Self::NamespaceIngressUseWaypoint => {
                "the label `istio.io/ingress-use-waypoint` of a namespace is read"
            }
            Self::HboneBesideClientTls => {
                "sidecars send HBONE to ambient pods whatever a DestinationRule says about TLS \
                 (1.25.1)"
            }
            Self::SourceServiceAccounts => "sources may have `serviceAccounts`",
            Self::SourceTrustDomains => "sources may have `trustDomains`",
            Self::ZtunnelServiceAccounts => "ztunnel reads `serviceAccounts` of a source",
            Self::ZtunnelDryRun => {
                "ztunnel logs policies with `istio.io/dry-run` instead of enforcing them"
            }
        }
    }
}
