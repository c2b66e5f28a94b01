//! What TSB calls the policies it makes. The names changed between releases
//! (facts/tsb.md, "AuthorizationPolicy names by TSB version"), so nothing may rest on a name alone.

use crate::model::Version;

/// The names of one era. The bodies that Tetrate does not publish are our reading, built on
/// principals only: policies that match identity headers, which some releases make, can be forged
/// by any client where TSB's own filter is absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyProfile {
    /// Whom sidecars and ztunnel let in.
    pub allow: &'static str,
    /// Whom ztunnel lets in from gateways; `None`: they are in `allow`.
    pub allow_gateway: Option<&'static str>,
    /// Whom the waypoint lets in.
    pub allow_waypoint: &'static str,
    /// Whom sidecars and ztunnel refuse.
    pub deny: &'static str,
    /// Whom gateways refuse.
    pub gateway_deny: &'static str,
    /// Whom the waypoint refuses.
    pub waypoint_deny: &'static str,
}

/// December 2025, the guide's.
const GUIDE: PolicyProfile = PolicyProfile {
    allow: "allow",
    allow_gateway: Some("allow-gateway-ambient"),
    allow_waypoint: "allow-waypoint",
    deny: "deny-rules",
    gateway_deny: "gateway-deny-rules",
    waypoint_deny: "waypoint-deny-rules",
};

/// March 2025, TSB 1.12. The names of its denies are not documented: the guide's are taken. Its
/// `waypoint-allow-tcp` has no known body and is not made.
const MARCH_2025: PolicyProfile =
    PolicyProfile { allow_gateway: None, allow_waypoint: "allow-ambient", ..GUIDE };

impl PolicyProfile {
    /// The names that a TSB release uses. Before 1.12 there is no ambient mode, and of the guide's
    /// names only those without a waypoint are ever used.
    pub fn of(tsb: Version) -> Self {
        if (tsb.major, tsb.minor) == (1, 12) { MARCH_2025 } else { GUIDE }
    }
}
