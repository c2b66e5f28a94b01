//! The settings of a cluster's mesh: what the spec says, and ConfigMap `istio` of namespace
//! `istio-system`, from which istiod takes its own. Of both the spec counts.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::Existing;
use crate::diagnostic::{Diagnostic, Span};
use crate::k8s::Object;
use crate::model::{ClusterName, RESTART_TOKEN};
use crate::simulate::{IstioVersion, Options, PathNormalization, Traffic};

/// What of `MeshConfig` decides about access.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct MeshConfig {
    trust_domain: Option<String>,
    trust_domain_aliases: Vec<String>,
    root_namespace: Option<String>,
    path_normalization: Normalization,
    extension_providers: Vec<Value>,
    enable_auto_mtls: Option<bool>,
    outbound_traffic_policy: OutboundTrafficPolicy,
    default_service_export_to: Vec<String>,
    default_destination_rule_export_to: Vec<String>,
    default_virtual_service_export_to: Vec<String>,
    default_config: ProxyConfig,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct OutboundTrafficPolicy {
    mode: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ProxyConfig {
    gateway_topology: Topology,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Topology {
    num_trusted_proxies: usize,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Normalization {
    normalization: Option<String>,
}

/// Istio's defaults with what the objects say. A configuration that cannot be read is reported, and counts
/// as absent.
pub fn of_objects<'a>(
    objects: impl IntoIterator<Item = &'a Object>,
    found: &mut Vec<Diagnostic>,
) -> Options {
    let mut options = Options::default();
    configure(&mut options, objects, None, found);
    options
}

/// The same for a cluster of an environment. What the spec says counts: the ConfigMap is TSB's
/// output of it.
pub(super) fn of_environment<'a>(
    existing: &Existing,
    cluster: &ClusterName,
    objects: impl IntoIterator<Item = &'a Object>,
    found: &mut Vec<Diagnostic>,
) -> Options {
    let mut options = Options::default();
    let settings = existing.clusters.get(cluster).map(|(settings, _)| settings);
    let given = settings.map(|settings| (&settings.mesh_config, settings.origin));
    configure(&mut options, objects, given.filter(|(fields, _)| !fields.is_empty()), found);
    options.cluster = cluster.as_str().to_owned();
    options.mode_label = Some(RESTART_TOKEN.to_owned());
    if let Some(version) = existing.istio {
        options.istio = IstioVersion::new(version.major, version.minor);
    }
    if let Some(settings) = settings {
        options.trust_domain.clone_from(&settings.trust_domain);
    }
    options
}

/// The MeshConfig of ConfigMap `istio`, and where it stands.
fn configured<'a>(
    objects: impl IntoIterator<Item = &'a Object>,
    root_namespace: &str,
) -> Option<(&'a str, Span)> {
    let is_mesh = |o: &&Object| {
        o.gvk.is("", "ConfigMap")
            && o.name == "istio"
            && o.namespace.as_deref() == Some(root_namespace)
    };
    let node = objects.into_iter().find(is_mesh)?.body.get("data")?.get("mesh")?;
    Some((node.as_str()?, node.span))
}

/// The formats of access logs that the mesh's configuration has, as `accessLogFormat` writes them: that, and
/// those of the providers that a Telemetry names (`envoyFileAccessLog`, text or labels). Each once.
pub fn access_log_formats<'a>(objects: impl IntoIterator<Item = &'a Object>) -> BTreeSet<String> {
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "camelCase", default)]
    struct Logging {
        access_log_format: Option<String>,
        extension_providers: Vec<Value>,
    }
    let Some((text, _)) = configured(objects, &Options::default().root_namespace) else {
        return BTreeSet::new();
    };
    let logging = serde_yaml::from_str::<Logging>(text).unwrap_or_default();
    let of_providers = logging.extension_providers.iter().filter_map(|provider| {
        let format = provider.get("envoyFileAccessLog")?.get("logFormat")?;
        match format.get("labels") {
            Some(labels) => Some(labels.to_string()),
            None => Some(format.get("text")?.as_str()?.to_owned()),
        }
    });
    let all = logging.access_log_format.into_iter().chain(of_providers);
    all.filter(|format| !format.trim().is_empty()).collect()
}

/// A MeshConfig, with fields that go before its own.
fn read(text: &str, given: &Map<String, Value>) -> Result<MeshConfig, serde_yaml::Error> {
    let mut all = serde_yaml::from_str::<Option<Value>>(text)?.unwrap_or_default();
    lay(&mut all, &Value::Object(given.clone()));
    parsed(&all.to_string())
}

fn parsed(text: &str) -> Result<MeshConfig, serde_yaml::Error> {
    Ok(serde_yaml::from_str::<Option<MeshConfig>>(text)?.unwrap_or_default())
}

/// Lays one value over another: mappings field by field, anything else whole.
fn lay(below: &mut Value, over: &Value) {
    match (below, over) {
        (Value::Object(below), Value::Object(over)) => {
            for (key, value) in over {
                lay(below.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (below, over) => *below = over.clone(),
    }
}

fn configure<'a>(
    options: &mut Options,
    objects: impl IntoIterator<Item = &'a Object>,
    given: Option<(&Map<String, Value>, Span)>,
    found: &mut Vec<Diagnostic>,
) {
    let written = configured(objects, &options.root_namespace);
    let Some((text, span)) = written.or(given.map(|(_, span)| ("", span))) else { return };
    let read = match given {
        Some((given, own)) => read(text, given).map_err(|error| (error, own)),
        None => parsed(text).map_err(|error| (error, span)),
    };
    let config = match read {
        Ok(config) => config,
        Err((error, span)) => {
            found.push(
                Diagnostic::error("bad-mesh-config", format!("this is no MeshConfig: {error}"))
                    .at(span, "istiod would go on with the last good one")
                    .help("write YAML with the fields of Istio's MeshConfig"),
            );
            return;
        }
    };
    if let Some(domain) = config.trust_domain.filter(|d| !d.is_empty()) {
        options.trust_domain = domain;
    }
    options.trust_domain_aliases = config.trust_domain_aliases;
    options.traffic = Traffic {
        auto_mtls: config.enable_auto_mtls.unwrap_or(true),
        registry_only: config.outbound_traffic_policy.mode.as_deref() == Some("REGISTRY_ONLY"),
        export_services: config.default_service_export_to,
        export_destination_rules: config.default_destination_rule_export_to,
        export_virtual_services: config.default_virtual_service_export_to,
    };
    options.trusted_proxies = config.default_config.gateway_topology.num_trusted_proxies;
    if let Some(namespace) = config.root_namespace.filter(|n| !n.is_empty()) {
        options.root_namespace = namespace;
    }
    if let Some(word) = config.path_normalization.normalization {
        match PathNormalization::parse(&word) {
            Some(normalization) => options.path_normalization = normalization,
            None => found.push(
                Diagnostic::error(
                    "bad-mesh-config",
                    format!("`{word}` is not a path normalization"),
                )
                .at(span, "in `pathNormalization`")
                .help("write NONE, BASE, MERGE_SLASHES or DECODE_AND_MERGE_SLASHES"),
            ),
        }
    }
    let providers = config.extension_providers.into_iter().filter_map(|provider| {
        let name = provider.get("name")?.as_str()?.to_owned();
        Some((name, provider))
    });
    options.extension_providers = Some(providers.collect::<BTreeMap<_, _>>());
}
