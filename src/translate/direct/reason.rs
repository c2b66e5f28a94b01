//! Why a policy is translated as it is.

use std::fmt;

/// A reason, each with a page: `waypost explain CODE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "docs/findings/translation.md says what each means")]
pub enum Reason {
    L4Only,
    HttpAttributes,
    MixedRules,
    DenyInert,
    SeveralServices,
    PortsRewritten,
    PortWithoutService,
    NamespaceWide,
    GatewayAttached,
    EmptySelector,
    TrustDomainForm,
    ForeignTrustDomain,
    TrustDomainsRewritten,
    WhenKeyRewritten,
    InnerWildcard,
    TargetRefsLimit,
    RequestAuthentication,
    PeerAuthentication,
    PeerAuthenticationDisable,
    ActionCustom,
    ActionAudit,
    DryRun,
    TsbDirect,
    IpBlocks,
    IpBlocksAtWaypoint,
    DestinationIp,
    Sni,
    FilterMetadata,
    SidecarHeader,
    PathTemplateCrash,
    NoService,
    HeadlessService,
    ServiceFrontsOthers,
    PodAddressPastServicePolicy,
    SidecarCaller,
    UnknownCaller,
    RewrittenBeforePolicy,
    RouteTouches,
    OpaqueCode,
    EnvoyFilter,
    SidecarEgressLost,
    AccessGained,
    AccessLost,
    NotCompared,
}

impl Reason {
    /// Its code.
    pub fn code(self) -> &'static str {
        match self {
            Reason::L4Only => "l4-only",
            Reason::HttpAttributes => "http-attributes",
            Reason::MixedRules => "mixed-rules",
            Reason::DenyInert => "deny-inert",
            Reason::SeveralServices => "several-services",
            Reason::PortsRewritten => "ports-rewritten",
            Reason::PortWithoutService => "port-without-service",
            Reason::NamespaceWide => "namespace-wide",
            Reason::GatewayAttached => "gateway-attached",
            Reason::EmptySelector => "empty-selector",
            Reason::TrustDomainForm => "trust-domain-form",
            Reason::ForeignTrustDomain => "foreign-trust-domain",
            Reason::TrustDomainsRewritten => "trust-domains-rewritten",
            Reason::WhenKeyRewritten => "when-key-rewritten",
            Reason::InnerWildcard => "inner-wildcard",
            Reason::TargetRefsLimit => "targetrefs-limit",
            Reason::RequestAuthentication => "request-authentication",
            Reason::PeerAuthentication => "peer-authentication",
            Reason::PeerAuthenticationDisable => "peer-authentication-disable",
            Reason::ActionCustom => "action-custom",
            Reason::ActionAudit => "action-audit",
            Reason::DryRun => "dry-run",
            Reason::TsbDirect => "tsb-direct",
            Reason::IpBlocks => "ip-blocks",
            Reason::IpBlocksAtWaypoint => "ip-blocks-at-waypoint",
            Reason::DestinationIp => "destination-ip",
            Reason::Sni => "sni",
            Reason::FilterMetadata => "filter-metadata",
            Reason::SidecarHeader => "sidecar-header",
            Reason::PathTemplateCrash => "path-template-crash",
            Reason::NoService => "no-service",
            Reason::HeadlessService => "headless-service",
            Reason::ServiceFrontsOthers => "service-fronts-others",
            Reason::PodAddressPastServicePolicy => "pod-address-past-service-policy",
            Reason::SidecarCaller => "sidecar-caller",
            Reason::UnknownCaller => "unknown-caller",
            Reason::RewrittenBeforePolicy => "rewritten-before-policy",
            Reason::RouteTouches => "route-touches",
            Reason::OpaqueCode => "opaque-code",
            Reason::EnvoyFilter => "envoy-filter",
            Reason::SidecarEgressLost => "sidecar-egress-lost",
            Reason::AccessGained => "proof-gain",
            Reason::AccessLost => "proof-loss",
            Reason::NotCompared => "proof-open",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
