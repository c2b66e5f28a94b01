//! The order in which the management plane takes resources.

use crate::k8s::GroupVersionKind;

/// When a kind is to be applied: lower first. With pushMode SYNC an apply is rejected when the
/// management plane rejects it, so "order across kinds matters (Tenant → Workspace → Group →
/// Setting)" (facts/tsb.md, "pushMode").
///
/// Settings come after all groups because their rules name workspaces and groups. The numbers are
/// those of the sync waves in public use: organization, tenant and team 10, roles 20, workspaces
/// 30, groups 35, permissions 50 (facts/tsb.md, "Ordering").
pub fn rank(gvk: &GroupVersionKind) -> u16 {
    match gvk.kind.as_str() {
        "Organization" => 5,
        "Cluster" | "Team" | "User" | "ServiceAccount" | "Tenant" => 10,
        "Role" => 20,
        "Workspace" => 30,
        "Group" => 35,
        "OrganizationSetting" => 36,
        "TenantSetting" => 37,
        "WorkspaceSetting" => 38,
        "SecuritySetting" | "TrafficSetting" => 39,
        "ServiceSecuritySetting" | "ServiceTrafficSetting" => 40,
        "Gateway" | "IngressGateway" | "EgressGateway" | "Tier1Gateway" | "ServiceRoute" => 41,
        "Application" => 42,
        "API" => 43,
        "AccessBindings" => 50,
        // Istio objects of DIRECT groups need their group; nobody knows what else needs
        _ => 45,
    }
}
