//! What manifests do not say: the mesh's configuration and the control plane's version.

use std::collections::{BTreeMap, BTreeSet};

use super::version::{Behaviour, IstioVersion};

/// Settings of one cluster's mesh. The defaults are Istio's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Name of the cluster; empty where there is only one and it has none.
    pub cluster: String,
    /// Trust domain of the workloads' certificates.
    pub trust_domain: String,
    /// Other trust domains that count as the mesh's own, at Envoy only (facts/istio-ambient.md §4.9).
    pub trust_domain_aliases: Vec<String>,
    /// The namespace whose policies hold everywhere.
    pub root_namespace: String,
    /// What Envoy does to a path before it decides.
    pub path_normalization: PathNormalization,
    /// The external authorizers the mesh knows, by name, each with its whole definition. `None`: not
    /// told, so every one is taken to exist.
    pub extension_providers: Option<BTreeMap<String, serde_json::Value>>,
    /// `defaultConfig.gatewayTopology.numTrustedProxies`: so many proxies in front of gateways write
    /// X-Forwarded-For, which then tells the client.
    pub trusted_proxies: usize,
    /// Version of Istio; it decides which features there are (facts/istio-ambient.md §9.2).
    pub istio: IstioVersion,
    /// The release of ztunnel, where it is another: an older one drops what it does not know.
    pub ztunnel: Option<IstioVersion>,
    /// What these releases bring, and is taken not to be there.
    pub lacks: BTreeSet<Behaviour>,
    /// The injector's revisions. `None`: not told, so every one that a label names is taken to exist.
    pub revisions: Option<BTreeSet<String>>,
    /// `sidecarInjectorWebhook.enableNamespacesByDefault`.
    pub inject_by_default: bool,
    /// New sidecars take HBONE (`ISTIO_META_ENABLE_HBONE`, part of the ambient profile).
    pub sidecar_hbone: bool,
    /// Istio's validation webhook is asked: what it refuses is not in force.
    pub webhook: bool,
    /// istiod's flags that change semantics (facts/istio-ambient.md §9.3).
    pub features: Features,
    /// What decides about traffic that leaves sidecars.
    pub traffic: Traffic,
    /// A label of pod templates that every restart into another mode writes anew, `sidecar` or `ambient`:
    /// pods of the other mode than the template's have its other value.
    pub mode_label: Option<String>,
}

/// Settings of the mesh about traffic that leaves sidecars and gateways. The defaults are Istio's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traffic {
    /// `enableAutoMtls`.
    pub auto_mtls: bool,
    /// `outboundTrafficPolicy.mode` is `REGISTRY_ONLY`.
    pub registry_only: bool,
    /// `defaultServiceExportTo`; empty is `*`.
    pub export_services: Vec<String>,
    /// `defaultDestinationRuleExportTo`; empty is `*`.
    pub export_destination_rules: Vec<String>,
    /// `defaultVirtualServiceExportTo`; empty is `*`.
    pub export_virtual_services: Vec<String>,
}

impl Default for Traffic {
    fn default() -> Self {
        Self {
            auto_mtls: true,
            registry_only: false,
            export_services: Vec::new(),
            export_destination_rules: Vec::new(),
            export_virtual_services: Vec::new(),
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cluster: String::new(),
            trust_domain: "cluster.local".into(),
            trust_domain_aliases: Vec::new(),
            root_namespace: "istio-system".into(),
            path_normalization: PathNormalization::default(),
            extension_providers: None,
            trusted_proxies: 0,
            istio: IstioVersion::NEWEST,
            ztunnel: None,
            lacks: BTreeSet::new(),
            revisions: None,
            inject_by_default: false,
            sidecar_hbone: true,
            webhook: true,
            features: Features::default(),
            traffic: Traffic::default(),
            mode_label: None,
        }
    }
}

impl Options {
    /// Does this release do something?
    pub fn does(&self, behaviour: Behaviour) -> bool {
        let release = match self.ztunnel {
            Some(ztunnel) if behaviour.is_of_ztunnel() => ztunnel.min(self.istio),
            _ => self.istio,
        };
        release >= behaviour.since() && !self.lacks.contains(&behaviour)
    }
}

/// istiod's flags. The defaults are those of the ambient profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Features {
    /// `ENABLE_INGRESS_WAYPOINT_ROUTING`.
    pub ingress_waypoint_routing: bool,
    /// `ENABLE_SELECTOR_BASED_K8S_GATEWAY_POLICY`.
    pub selector_policies_on_gateways: bool,
    /// `AMBIENT_ENABLE_DRY_RUN_AUTHORIZATION_POLICY`.
    pub ztunnel_dry_run: bool,
    /// `PILOT_ENABLE_MULTIPLE_CUSTOM_AUTHZ_PROVIDERS`.
    pub multiple_custom_providers: bool,
    /// `PILOT_SKIP_VALIDATE_TRUST_DOMAIN`: certificates of any trust domain are taken.
    pub skip_validate_trust_domain: bool,
}

impl Default for Features {
    fn default() -> Self {
        Self {
            ingress_waypoint_routing: true,
            selector_policies_on_gateways: true,
            ztunnel_dry_run: false,
            multiple_custom_providers: false,
            skip_validate_trust_domain: false,
        }
    }
}

/// `pathNormalization.normalization` of the mesh configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PathNormalization {
    /// As sent.
    None,
    /// Dot segments resolved, backslashes made slashes, unreserved characters decoded.
    #[default]
    Base,
    /// And slashes merged.
    MergeSlashes,
    /// And `%2f` taken as a slash before.
    DecodeAndMergeSlashes,
}

impl PathNormalization {
    /// Reads the word of the mesh configuration.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "NONE" => Some(Self::None),
            "DEFAULT" | "BASE" => Some(Self::Base),
            "MERGE_SLASHES" => Some(Self::MergeSlashes),
            "DECODE_AND_MERGE_SLASHES" => Some(Self::DecodeAndMergeSlashes),
            _ => None,
        }
    }
}
