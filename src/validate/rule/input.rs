//! What rules look at: the objects of one cluster, the mesh that they make, and what is known
//! beside them.
//!
//! What is not there is not assumed: a rule speaks of a namespace's mode, a waypoint or a Service
//! only where the objects show it.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::FileId;
use crate::k8s::{LabelSelector, Labels, Object};
use crate::simulate::{ClusterId, Mesh};
use crate::yaml::Node;

/// The label that enrols a namespace or a pod.
pub(super) const DATAPLANE_MODE: &str = "istio.io/dataplane-mode";
/// The label that binds to a waypoint.
pub(super) const USE_WAYPOINT: &str = "istio.io/use-waypoint";
/// The label with the waypoint's namespace, beside [`USE_WAYPOINT`].
pub(super) const USE_WAYPOINT_NAMESPACE: &str = "istio.io/use-waypoint-namespace";
/// The group of the Gateway API.
pub(super) const GATEWAY_API: &str = "gateway.networking.k8s.io";
/// The class of waypoints.
pub(super) const WAYPOINT_CLASS: &str = "istio-waypoint";

/// What is known beside the objects.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Istio's root namespace.
    pub root_namespace: String,
    /// The trust domains of the mesh; empty where they are not known.
    pub trust_domains: Vec<String>,
    /// The path of each file, where files are checked.
    pub paths: BTreeMap<FileId, String>,
    /// The unit of each file: what one Argo CD Application or Flux Kustomization applies. Files
    /// that are not listed are of no known unit.
    pub units: BTreeMap<FileId, String>,
    /// Namespace and name of the Services of the mesh's other clusters.
    pub services_elsewhere: BTreeSet<(String, String)>,
}

/// An ambient namespace and the waypoint that it is bound to as a whole.
pub(super) struct Fronted<'a> {
    /// The namespace.
    pub(super) namespace: &'a Object,
    /// The waypoint's namespace.
    pub(super) home: &'a str,
    /// The waypoint.
    pub(super) waypoint: &'a Object,
    /// The service account that the waypoint runs as: its name, or what an annotation says.
    pub(super) account: &'a str,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            root_namespace: "istio-system".to_owned(),
            trust_domains: Vec::new(),
            paths: BTreeMap::new(),
            units: BTreeMap::new(),
            services_elsewhere: BTreeSet::new(),
        }
    }
}

/// The objects of a cluster, as they are there and as they are written.
#[derive(Clone, Debug)]
pub struct RuleObjects<'a> {
    /// What is in the cluster: every object once, its parts laid over each other.
    pub present: Vec<&'a Object>,
    /// What the units apply, as it is written: of a part of an object the part. Rules about how
    /// objects are delivered ask it; what exists already is not delivered.
    pub applied: Vec<&'a Object>,
    /// Everything as it is written, whoever applies it: rules about texts ask it.
    pub written: Vec<&'a Object>,
}

impl<'a> RuleObjects<'a> {
    /// Objects that are applied together and are all that is known of the cluster.
    pub fn applied_together(objects: &'a [Object]) -> Self {
        let all: Vec<&Object> = objects.iter().collect();
        Self { present: all.clone(), applied: all.clone(), written: all }
    }
}

/// The objects, and how they hang together.
pub struct RuleInput<'a> {
    /// What is in the cluster: every object once.
    pub objects: Vec<&'a Object>,
    /// What the units apply, as it is written.
    pub applied: Vec<&'a Object>,
    /// Everything as it is written.
    pub written: Vec<&'a Object>,
    /// The mesh of all clusters: who is captured, who decides, what a policy comes to.
    pub mesh: &'a Mesh,
    /// The cluster of the objects in it.
    pub cluster: ClusterId,
    /// What is known beside them.
    pub settings: &'a Settings,
    kinds: BTreeMap<(&'a str, &'a str), Vec<&'a Object>>,
    places: BTreeMap<(&'a str, &'a str), BTreeMap<&'a str, Vec<&'a Object>>>,
    namespaces: BTreeMap<&'a str, &'a Object>,
    workloads: BTreeMap<&'a str, Vec<Workload<'a>>>,
}

/// What makes pods, or a pod.
pub(super) struct Workload<'a> {
    /// The object.
    pub(super) object: &'a Object,
    /// Labels of its pods.
    pub(super) labels: Labels,
    /// Annotations of its pods.
    pub(super) annotations: Labels,
    /// Its pods share the node's network: neither proxy captures them.
    host_network: bool,
}

impl<'a> RuleInput<'a> {
    /// Looks the objects over once.
    pub fn new(
        objects: RuleObjects<'a>,
        (mesh, cluster): (&'a Mesh, ClusterId),
        settings: &'a Settings,
    ) -> Self {
        let RuleObjects { present: objects, applied, written } = objects;
        let mut kinds: BTreeMap<_, Vec<&Object>> = BTreeMap::new();
        let mut places: BTreeMap<_, BTreeMap<_, Vec<&Object>>> = BTreeMap::new();
        let mut workloads: BTreeMap<&str, Vec<Workload<'_>>> = BTreeMap::new();
        for object in objects.iter().copied() {
            let (group, kind) = (object.gvk.group.as_str(), object.gvk.kind.as_str());
            let namespace = object.namespace.as_deref().unwrap_or_default();
            kinds.entry((group, kind)).or_default().push(object);
            let of_kind = places.entry((group, kind)).or_default();
            of_kind.entry(namespace).or_default().push(object);
            if let Some(workload) = Workload::of(object) {
                workloads.entry(namespace).or_default().push(workload);
            }
        }
        let of_kind = kinds.get(&("", "Namespace")).map(Vec::as_slice).unwrap_or_default();
        let namespaces = of_kind.iter().map(|o| (o.name.as_str(), *o)).collect();
        Self {
            objects,
            applied,
            written,
            mesh,
            cluster,
            settings,
            kinds,
            places,
            namespaces,
            workloads,
        }
    }

    /// All objects of a kind, in any version.
    pub(super) fn of(
        &self,
        group: &'static str,
        kind: &'static str,
    ) -> impl Iterator<Item = &'a Object> + '_ {
        self.kinds.get(&(group, kind)).into_iter().flatten().copied()
    }

    /// Those in one namespace.
    pub(super) fn of_namespace<'s>(
        &'s self,
        group: &'static str,
        kind: &'static str,
        namespace: &str,
    ) -> impl Iterator<Item = &'a Object> + use<'s, 'a> {
        let of_kind = self.places.get(&(group, kind));
        of_kind.and_then(|places| places.get(namespace)).into_iter().flatten().copied()
    }

    /// The Namespace object of a name.
    pub(super) fn namespace(&self, name: &str) -> Option<&'a Object> {
        self.namespaces.get(name).copied()
    }

    /// All Namespace objects, by name.
    pub(super) fn namespaces(&self) -> impl Iterator<Item = &'a Object> + '_ {
        self.namespaces.values().copied()
    }

    /// The ambient namespaces that are bound to a waypoint which is among the objects.
    pub(super) fn fronted(&self) -> impl Iterator<Item = Fronted<'a>> + '_ {
        self.namespaces().filter(|n| self.is_ambient(&n.name)).filter_map(|namespace| {
            let name = namespace.labels.get(USE_WAYPOINT)?;
            let home = namespace.labels.get(USE_WAYPOINT_NAMESPACE).unwrap_or(&namespace.name);
            let waypoint = self.gateway(home, name)?;
            let account =
                waypoint.annotations.get("gateway.istio.io/service-account").unwrap_or(name);
            Some(Fronted { namespace, home, waypoint, account })
        })
    }

    /// The workloads of a namespace.
    pub(super) fn workloads(&self, namespace: &str) -> &[Workload<'a>] {
        self.workloads.get(namespace).map(Vec::as_slice).unwrap_or_default()
    }

    /// The workloads that the units apply, or a part of.
    pub(super) fn applied_workloads(&self) -> impl Iterator<Item = Workload<'a>> + '_ {
        self.applied.iter().filter_map(|object| Workload::of(object))
    }

    /// All workloads.
    pub(super) fn all_workloads(&self) -> impl Iterator<Item = &Workload<'a>> {
        self.workloads.values().flatten()
    }

    /// The Gateway of a name in a namespace.
    pub(super) fn gateway(&self, namespace: &str, name: &str) -> Option<&'a Object> {
        self.of_namespace(GATEWAY_API, "Gateway", namespace).find(|g| g.name == name)
    }

    /// The Services of a namespace.
    pub(super) fn services<'s>(
        &'s self,
        namespace: &str,
    ) -> impl Iterator<Item = &'a Object> + use<'s, 'a> {
        self.of_namespace("", "Service", namespace)
    }

    /// True when the namespace's own label enrols it.
    pub(super) fn is_ambient(&self, namespace: &str) -> bool {
        self.namespace(namespace)
            .is_some_and(|n| n.labels.get(DATAPLANE_MODE).is_some_and(|m| m == "ambient"))
    }

    /// Whether ztunnel captures a workload's pods (facts/istio-ambient.md §1.2).
    pub(super) fn is_captured(&self, workload: &Workload<'_>) -> bool {
        let namespace = workload.object.namespace.as_deref().unwrap_or_default();
        if workload.host_network || workload.annotations.contains_key("sidecar.istio.io/status") {
            return false;
        }
        match workload.labels.get(DATAPLANE_MODE).map(String::as_str) {
            Some("ambient") => true,
            Some("none") => false,
            _ => self.is_ambient(namespace),
        }
    }
}

impl<'a> Workload<'a> {
    fn of(object: &'a Object) -> Option<Self> {
        let spec = object.body.get("spec");
        let template = match (object.gvk.group.as_str(), object.gvk.kind.as_str()) {
            ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet")
            | ("batch", "Job") => spec?.get("template")?,
            ("batch", "CronJob") => spec?.get("jobTemplate")?.get("spec")?.get("template")?,
            ("", "Pod") => &object.body,
            _ => return None,
        };
        let map = |key: &str| texts(template.get("metadata").and_then(|m| m.get(key)));
        let host_network = template
            .get("spec")
            .and_then(|s| s.get("hostNetwork"))
            .is_some_and(|n| n.value == crate::yaml::Value::Bool(true));
        Some(Self { object, labels: map("labels"), annotations: map("annotations"), host_network })
    }
}

/// The texts of a mapping.
pub(super) fn texts(node: Option<&Node>) -> Labels {
    let entries = node.and_then(Node::as_mapping).map(|m| m.entries.as_slice()).unwrap_or_default();
    entries.iter().filter_map(|e| Some((e.key.clone(), e.value.as_str()?.to_owned()))).collect()
}

/// The value at a chain of keys.
pub(super) fn at<'n>(node: &'n Node, path: &[&str]) -> Option<&'n Node> {
    node.get_path(path)
}

/// The text at a chain of keys.
pub(super) fn text<'n>(node: &'n Node, path: &[&str]) -> Option<&'n str> {
    at(node, path).and_then(Node::as_str)
}

/// The entries of the list at a chain of keys.
pub(super) fn items<'n>(node: &'n Node, path: &[&str]) -> &'n [Node] {
    at(node, path).and_then(Node::as_list).unwrap_or_default()
}

/// A selector that Kubernetes means: with `matchLabels` and `matchExpressions`.
pub(super) fn selector(node: &Node) -> Option<LabelSelector> {
    crate::yaml::from_node(node).ok()
}

/// The place of a label of an object.
pub(super) fn label_span(object: &Object, key: &str) -> crate::diagnostic::Span {
    at(&object.body, &["metadata", "labels", key]).map_or(object.name_span(), |n| n.span)
}
