//! Policies: what becomes of them at ztunnel, at the waypoint, and in between.

pub(super) mod action_lost;
pub(super) mod bypass_policy_misplaced;
pub(super) mod deny_widened;
pub(super) mod empty_selector;
pub(super) mod ignored_kind;
pub(super) mod ingress_bypasses_waypoint;
pub(super) mod l7_allow_dropped;
pub(super) mod l7_deny_noop;
pub(super) mod peer_authentication_ignored;
pub(super) mod policy_not_attached;
pub(super) mod port_space;
mod reading;
pub(super) mod selector_matches_nothing;
pub(super) mod selector_on_waypoint;
pub(super) mod spiffe_prefix;
pub(super) mod trust_domain_form;
pub(super) mod trust_domains_ignored;
pub(super) mod use_waypoint_early;
pub(super) mod waypoint_bypassable;
pub(super) mod waypoint_not_admitted;
