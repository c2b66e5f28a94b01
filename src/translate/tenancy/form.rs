//! The two forms of a TSB resource: "same spec, same kind; the hierarchy moves from metadata
//! fields (tctl) to annotations (GitOps)" (facts/tsb.md, "TSB resources in both forms").

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::k8s::Labels;
use crate::model::{Collection, Fqn, Position, Standing, TsbResource};

/// How resources are written for Kubernetes.
#[derive(Clone, Debug)]
pub struct KubernetesForm<'a> {
    /// The namespace of objects whose document names none: "in Kubernetes a TSB object also needs
    /// a namespace".
    pub namespace: &'a str,
    /// Namespaces for the resources of some tenants, by the tenant's name.
    pub tenants: &'a BTreeMap<String, String>,
    /// Whether each object says by its Argo CD sync wave when it is to be applied. A wave that the
    /// user wrote stays.
    pub waves: bool,
}

pub(super) const WAVE: &str = "argocd.argoproj.io/sync-wave";
const KUBERNETES_CORE: &str = "tsb.tetrate.io/v2";
const TCTL_CORE: &str = "api.tsb.tetrate.io/v2";

/// Writes a resource in Kubernetes form. What nobody here knows stays as it was written.
pub fn to_kubernetes(resource: &TsbResource, form: &KubernetesForm<'_>) -> Value {
    if resource.standing == Standing::Unknown {
        return Value::Object(resource.body.clone());
    }
    let mut annotations = resource.annotations.clone();
    let mut name = resource.name.clone();
    match &resource.position {
        Position::None => {}
        Position::Below(parent) => {
            for (collection, value) in parent.segments() {
                let key = format!("tsb.tetrate.io/{}", annotation(collection));
                annotations.insert(key, value.to_owned());
            }
        }
        Position::About(fqn) => {
            annotations.insert("tsb.tetrate.io/fqn".to_owned(), fqn.to_string());
            if name.is_empty() {
                name = name_of(fqn);
            }
        }
    }
    if form.waves {
        annotations
            .entry(WAVE.to_owned())
            .or_insert_with(|| super::rank(&resource.gvk).to_string());
    }
    let namespace = resource.namespace.clone().unwrap_or_else(|| namespace(resource, form));
    let mut metadata = Map::new();
    metadata.insert("name".into(), name.into());
    metadata.insert("namespace".into(), namespace.into());
    add_maps(&mut metadata, &resource.labels, &annotations);
    object(&resource.gvk.api_version(), resource, metadata)
}

/// Writes a resource in tctl form. Istio objects of DIRECT groups have the annotated form for tctl
/// too, and what nobody here knows stays as it was written.
pub fn to_tctl(resource: &TsbResource) -> Value {
    if resource.standing == Standing::Unknown {
        return Value::Object(resource.body.clone());
    }
    let mut metadata = Map::new();
    let mut put = |key: &str, value: &str| metadata.insert(key.to_owned(), value.into());
    match &resource.position {
        // AccessBindings have no name of their own in this form
        Position::About(fqn) => {
            put("fqn", &fqn.to_string());
        }
        Position::None => {
            put("name", &resource.name);
        }
        Position::Below(parent) if resource.standing == Standing::Known => {
            put("name", &resource.name);
            for (collection, name) in parent.segments() {
                put(field(collection), name);
            }
        }
        Position::Below(_) => {
            put("name", &resource.name);
            if let Some(namespace) = &resource.namespace {
                put("namespace", namespace);
            }
        }
    }
    let mut annotations = resource.annotations.clone();
    // a wave speaks to Argo CD, which does not see this form
    annotations.remove(WAVE);
    add_maps(&mut metadata, &resource.labels, &annotations);
    let api_version = resource.gvk.api_version();
    let api_version = if api_version == KUBERNETES_CORE { TCTL_CORE } else { &api_version };
    object(api_version, resource, metadata)
}

/// `metadata.name` and `metadata.namespace` of a finished object.
pub(super) fn identity(value: &Value) -> (String, String) {
    let text = |key: &str| value["metadata"][key].as_str().unwrap_or_default().to_owned();
    (text("name"), text("namespace"))
}

/// True when a resource of an unknown kind was written for tctl: its parents stand in `metadata`.
pub(super) fn is_tctl(resource: &TsbResource) -> bool {
    let metadata = resource.body.get("metadata");
    let named = |key: &str| metadata.is_some_and(|m| m.get(key).is_some());
    resource.gvk.api_version() == TCTL_CORE || named("organization") || named("fqn")
}

fn namespace(resource: &TsbResource, form: &KubernetesForm<'_>) -> String {
    let tenant = match &resource.position {
        Position::None => None,
        Position::Below(fqn) | Position::About(fqn) => fqn.part(Collection::Tenants),
    };
    // the Tenant itself goes where what it holds goes
    let tenant = tenant.or_else(|| (resource.gvk.kind == "Tenant").then_some(&resource.name));
    let own = tenant.and_then(|name| form.tenants.get(name));
    own.map_or(form.namespace, String::as_str).to_owned()
}

/// An ordinary name for AccessBindings, which in tctl form have none: the parts of the name that
/// they are about, below the organization.
pub(super) fn name_of(fqn: &Fqn) -> String {
    let mut words: Vec<&str> = Vec::new();
    for (collection, name) in fqn.segments() {
        words.extend([collection.as_str(), name]);
    }
    // `organizations/o/tenants/t` is `tenants-t`
    let from = if words.len() > 2 { 2 } else { 0 };
    words[from..].join("-").to_lowercase()
}

fn object(api_version: &str, resource: &TsbResource, metadata: Map<String, Value>) -> Value {
    let mut value = Map::new();
    value.insert("apiVersion".into(), api_version.into());
    value.insert("kind".into(), resource.gvk.kind.clone().into());
    value.insert("metadata".into(), metadata.into());
    value.extend(resource.body.clone());
    Value::Object(value)
}

fn add_maps(metadata: &mut Map<String, Value>, labels: &Labels, annotations: &Labels) {
    for (key, map) in [("labels", labels), ("annotations", annotations)] {
        if !map.is_empty() {
            metadata.insert(key.into(), json!(map));
        }
    }
}

fn annotation(collection: Collection) -> &'static str {
    match collection {
        Collection::SecurityGroups => "securityGroup",
        Collection::TrafficGroups => "trafficGroup",
        Collection::GatewayGroups => "gatewayGroup",
        Collection::IstioInternalGroups => "istioInternalGroup",
        other => field(other),
    }
}

fn field(collection: Collection) -> &'static str {
    match collection {
        Collection::Organizations => "organization",
        Collection::Tenants => "tenant",
        Collection::Workspaces => "workspace",
        Collection::Applications => "application",
        _ => "group",
    }
}
