//! Who is captured by ztunnel, who by a sidecar, and who by neither.

pub(super) mod inbound_bypass;
pub(super) mod label_as_annotation;
pub(super) mod label_on_workload;
pub(super) mod mesh_label;
pub(super) mod network_policy;
pub(super) mod network_policy_egress;
pub(super) mod network_policy_ports;
pub(super) mod network_policy_waypoint;
pub(super) mod reinjection;
pub(super) mod sidecar_annotation;
