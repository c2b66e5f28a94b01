//! The kinds of TSB, and what each hangs below (facts/tsb.md, "TSB resources in both forms").

use crate::k8s::GroupVersionKind;

/// The group of the core kinds in Kubernetes form.
pub(super) const KUBERNETES_CORE: &str = "tsb.tetrate.io";
/// The group of the core kinds in tctl form.
pub(super) const TCTL_CORE: &str = "api.tsb.tetrate.io";
/// The version of all kinds.
pub(super) const VERSION: &str = "v2";

/// A kind of TSB resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TsbKind {
    /// `Organization`
    Organization,
    /// `OrganizationSetting`
    OrganizationSetting,
    /// `Cluster`
    Cluster,
    /// `Team`
    Team,
    /// `User`
    User,
    /// `ServiceAccount`
    ServiceAccount,
    /// `Tenant`
    Tenant,
    /// `TenantSetting`
    TenantSetting,
    /// `Workspace`
    Workspace,
    /// `WorkspaceSetting`
    WorkspaceSetting,
    /// `Group`, of one of four API groups.
    Group(GroupKind),
    /// `SecuritySetting`
    SecuritySetting,
    /// `ServiceSecuritySetting`
    ServiceSecuritySetting,
    /// `TrafficSetting`
    TrafficSetting,
    /// `ServiceTrafficSetting`
    ServiceTrafficSetting,
    /// `ServiceRoute`
    ServiceRoute,
    /// `Gateway` of a gateway group.
    Gateway,
    /// `IngressGateway` of a gateway group.
    IngressGateway,
    /// `EgressGateway` of a gateway group.
    EgressGateway,
    /// `Tier1Gateway` of a gateway group.
    Tier1Gateway,
    /// `Application`
    Application,
    /// `API`
    Api,
    /// `Role`
    Role,
    /// `AccessBindings`
    AccessBindings,
}

/// The four kinds of group in a workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GroupKind {
    /// Security settings.
    Security,
    /// Traffic settings.
    Traffic,
    /// Gateways.
    Gateway,
    /// Other Istio objects, always in DIRECT mode.
    IstioInternal,
}

/// What a kind hangs below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Nothing.
    Root,
    /// An organization.
    Organization,
    /// A tenant.
    Tenant,
    /// A workspace.
    Workspace,
    /// A group.
    Group(GroupKind),
    /// An application of a tenant.
    Application,
    /// Nothing; it names what it is about by its fully qualified name.
    Named,
}

impl GroupKind {
    /// What a person calls it, before "group".
    pub fn noun(self) -> &'static str {
        match self {
            GroupKind::Security => "security",
            GroupKind::Traffic => "traffic",
            GroupKind::Gateway => "gateway",
            GroupKind::IstioInternal => "istio-internal",
        }
    }

    /// All of them.
    pub const ALL: [GroupKind; 4] =
        [GroupKind::Security, GroupKind::Traffic, GroupKind::Gateway, GroupKind::IstioInternal];

    /// The annotation that names the group, without its prefix.
    pub fn annotation(self) -> &'static str {
        match self {
            GroupKind::Security => "securityGroup",
            GroupKind::Traffic => "trafficGroup",
            GroupKind::Gateway => "gatewayGroup",
            GroupKind::IstioInternal => "istioInternalGroup",
        }
    }
}

/// Every kind with its API group (Kubernetes form) and its name.
const KINDS: [(&str, &str, TsbKind); 27] = {
    use GroupKind as G;
    use TsbKind as K;
    const SECURITY: &str = "security.tsb.tetrate.io";
    const TRAFFIC: &str = "traffic.tsb.tetrate.io";
    const GATEWAY: &str = "gateway.tsb.tetrate.io";
    [
        (KUBERNETES_CORE, "Organization", K::Organization),
        (KUBERNETES_CORE, "OrganizationSetting", K::OrganizationSetting),
        (KUBERNETES_CORE, "Cluster", K::Cluster),
        (KUBERNETES_CORE, "Team", K::Team),
        (KUBERNETES_CORE, "User", K::User),
        (KUBERNETES_CORE, "ServiceAccount", K::ServiceAccount),
        (KUBERNETES_CORE, "Tenant", K::Tenant),
        (KUBERNETES_CORE, "TenantSetting", K::TenantSetting),
        (KUBERNETES_CORE, "Workspace", K::Workspace),
        (KUBERNETES_CORE, "WorkspaceSetting", K::WorkspaceSetting),
        (SECURITY, "Group", K::Group(G::Security)),
        (SECURITY, "SecuritySetting", K::SecuritySetting),
        (SECURITY, "ServiceSecuritySetting", K::ServiceSecuritySetting),
        (TRAFFIC, "Group", K::Group(G::Traffic)),
        (TRAFFIC, "TrafficSetting", K::TrafficSetting),
        (TRAFFIC, "ServiceTrafficSetting", K::ServiceTrafficSetting),
        (TRAFFIC, "ServiceRoute", K::ServiceRoute),
        (GATEWAY, "Group", K::Group(G::Gateway)),
        (GATEWAY, "Gateway", K::Gateway),
        (GATEWAY, "IngressGateway", K::IngressGateway),
        (GATEWAY, "EgressGateway", K::EgressGateway),
        (GATEWAY, "Tier1Gateway", K::Tier1Gateway),
        ("istiointernal.tsb.tetrate.io", "Group", K::Group(G::IstioInternal)),
        ("application.tsb.tetrate.io", "Application", K::Application),
        ("application.tsb.tetrate.io", "API", K::Api),
        ("rbac.tsb.tetrate.io", "Role", K::Role),
        ("rbac.tsb.tetrate.io", "AccessBindings", K::AccessBindings),
    ]
};

/// True for the API groups of TSB resources, known or not.
pub fn is_tsb_group(group: &str) -> bool {
    group == KUBERNETES_CORE || group.ends_with(".tsb.tetrate.io")
}

impl TsbKind {
    /// The kind behind an `apiVersion` and a `kind`, of either form.
    pub fn of(gvk: &GroupVersionKind) -> Option<Self> {
        let group = if gvk.group == TCTL_CORE { KUBERNETES_CORE } else { &gvk.group };
        KINDS
            .iter()
            .find(|(g, kind, _)| gvk.version == VERSION && *g == group && *kind == gvk.kind)
            .map(|(_, _, known)| *known)
    }

    /// Group, version and kind in Kubernetes form.
    pub fn gvk(self) -> GroupVersionKind {
        let (group, kind) = KINDS
            .iter()
            .find(|(_, _, known)| *known == self)
            .map_or((KUBERNETES_CORE, ""), |(group, kind, _)| (*group, *kind));
        GroupVersionKind { group: group.into(), version: VERSION.into(), kind: kind.into() }
    }

    /// What it hangs below.
    pub fn level(self) -> Level {
        use TsbKind as K;
        match self {
            K::Organization | K::Role => Level::Root,
            K::OrganizationSetting
            | K::Cluster
            | K::Team
            | K::User
            | K::ServiceAccount
            | K::Tenant => Level::Organization,
            K::TenantSetting | K::Workspace | K::Application => Level::Tenant,
            K::WorkspaceSetting | K::Group(_) => Level::Workspace,
            K::SecuritySetting | K::ServiceSecuritySetting => Level::Group(GroupKind::Security),
            K::TrafficSetting | K::ServiceTrafficSetting | K::ServiceRoute => {
                Level::Group(GroupKind::Traffic)
            }
            K::Gateway | K::IngressGateway | K::EgressGateway | K::Tier1Gateway => {
                Level::Group(GroupKind::Gateway)
            }
            K::Api => Level::Application,
            K::AccessBindings => Level::Named,
        }
    }

    /// What a misspelt or misplaced kind may have meant: its `apiVersion` and `kind`.
    pub(super) fn nearest(gvk: &GroupVersionKind) -> Option<(String, &'static str)> {
        let kind = crate::diagnostic::nearest(&gvk.kind, KINDS.iter().map(|(_, kind, _)| *kind))?;
        let mut groups = KINDS.iter().filter(|(_, k, _)| *k == kind).map(|(group, ..)| *group);
        let own = if gvk.group == TCTL_CORE { KUBERNETES_CORE } else { &gvk.group };
        let group = if groups.clone().any(|g| g == own) { &gvk.group } else { groups.next()? };
        Some((format!("{group}/{VERSION}"), kind))
    }
}

impl Level {
    /// The parents it names, from the organization down: the field in tctl form, and the
    /// annotation, without prefix, in Kubernetes form.
    pub fn parents(self) -> Vec<(&'static str, &'static str)> {
        const ORGANIZATION: (&str, &str) = ("organization", "organization");
        const TENANT: (&str, &str) = ("tenant", "tenant");
        const WORKSPACE: (&str, &str) = ("workspace", "workspace");
        match self {
            Level::Root => vec![],
            Level::Organization => vec![ORGANIZATION],
            Level::Tenant => vec![ORGANIZATION, TENANT],
            Level::Workspace => vec![ORGANIZATION, TENANT, WORKSPACE],
            Level::Group(group) => {
                vec![ORGANIZATION, TENANT, WORKSPACE, ("group", group.annotation())]
            }
            Level::Application => vec![ORGANIZATION, TENANT, ("application", "application")],
            Level::Named => vec![("fqn", "fqn")],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_round_trip_and_are_listed_once() {
        for (i, (group, kind, known)) in KINDS.iter().enumerate() {
            let gvk = known.gvk();
            assert_eq!((gvk.group.as_str(), gvk.kind.as_str()), (*group, *kind));
            assert_eq!(TsbKind::of(&gvk), Some(*known));
            assert!(KINDS[..i].iter().all(|(_, _, other)| other != known));
        }
    }

    #[test]
    fn both_core_groups_are_the_same_kind() {
        let of = |api: &str| TsbKind::of(&GroupVersionKind::from_api_version(api, "Workspace"));
        assert_eq!(of("api.tsb.tetrate.io/v2"), Some(TsbKind::Workspace));
        assert_eq!(of("tsb.tetrate.io/v2"), Some(TsbKind::Workspace));
        assert_eq!(of("tsb.tetrate.io/v1"), None);
        assert_eq!(of("security.tsb.tetrate.io/v2"), None);
    }
}
