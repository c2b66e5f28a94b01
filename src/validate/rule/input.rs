//! What rules look at: the objects of one cluster, the mesh that they make, and what is known
//! beside them.
//!
//! What is not there is not assumed: a rule speaks of a namespace's mode, a waypoint or a Service
//! only where the objects show it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::OnceLock;

use crate::diagnostic::{FileId, Span};
use crate::k8s::{Labels, Object};
use crate::simulate::{
    Binding, ClusterId, GatewayId, Mesh, NamespaceId, Place, Pod, PodState, Pods, PolicyId, RuleAt,
    ServiceId, WaypointState, WorkloadId,
};
use crate::yaml::Node;

/// The label that enrols a namespace or a pod.
pub(super) const DATAPLANE_MODE: &str = "istio.io/dataplane-mode";
/// The label that binds to a waypoint.
pub(super) const USE_WAYPOINT: &str = "istio.io/use-waypoint";
/// The label with the waypoint's namespace, beside [`USE_WAYPOINT`].
pub(super) const USE_WAYPOINT_NAMESPACE: &str = "istio.io/use-waypoint-namespace";
/// Where objects are that name no namespace.
pub(super) const DEFAULT: &str = "default";
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

/// The objects, how they belong together, and the mesh that they make.
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
    /// The pods of the cluster.
    pub(super) pods: Pods<'a>,
    policies: HashMap<Span, PolicyId>,
    known: HashMap<Span, WorkloadId>,
    services: HashMap<Span, ServiceId>,
    gateways: HashMap<Span, GatewayId>,
    at_waypoints: OnceLock<BTreeMap<PolicyId, Vec<(ServiceId, GatewayId)>>>,
    kinds: BTreeMap<(&'a str, &'a str), Vec<&'a Object>>,
    places: BTreeMap<(&'a str, &'a str), BTreeMap<&'a str, Vec<&'a Object>>>,
    namespaces: BTreeMap<&'a str, &'a Object>,
    workloads: BTreeMap<&'a str, Vec<Workload<'a>>>,
}

/// A pod behind a waypoint.
pub(super) struct Behind<'i, 'a> {
    /// The waypoint.
    pub(super) waypoint: GatewayId,
    /// The namespace that is bound, or whose service is.
    pub(super) namespace: NamespaceId,
    /// The service that is bound.
    pub(super) service: Option<ServiceId>,
    /// The pod.
    pub(super) pod: &'i Pod<'a>,
    /// Its ports to which traffic comes.
    pub(super) ports: Vec<u16>,
}

/// What makes pods, or a pod.
pub(super) struct Workload<'a> {
    /// The object.
    pub(super) object: &'a Object,
    /// Labels of its pods.
    pub(super) labels: Labels,
    /// Annotations of its pods.
    pub(super) annotations: Labels,
    /// `metadata` of its pods as it is written.
    pub(super) metadata: Option<&'a Node>,
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
            let namespace = object.namespace.as_deref().unwrap_or(DEFAULT);
            kinds.entry((group, kind)).or_default().push(object);
            let of_kind = places.entry((group, kind)).or_default();
            of_kind.entry(namespace).or_default().push(object);
            if let Some(workload) = Workload::of(object) {
                workloads.entry(namespace).or_default().push(workload);
            }
        }
        let of_kind = kinds.get(&("", "Namespace")).map(Vec::as_slice).unwrap_or_default();
        let namespaces = of_kind.iter().map(|o| (o.name.as_str(), *o)).collect();
        let here = mesh.policies().filter(|(id, _)| mesh.policy_cluster(*id) == cluster);
        let known = mesh.workloads().filter(|(id, _)| mesh.cluster_of(*id) == cluster);
        Self {
            objects,
            applied,
            written,
            mesh,
            cluster,
            settings,
            pods: Pods::of(mesh, cluster),
            policies: here.map(|(id, policy)| (policy.span, id)).collect(),
            known: known.map(|(id, workload)| (workload.span, id)).collect(),
            services: mesh.services().map(|(id, service)| (service.span, id)).collect(),
            gateways: mesh.gateways().map(|(id, gateway)| (gateway.span, id)).collect(),
            at_waypoints: OnceLock::new(),
            kinds,
            places,
            namespaces,
            workloads,
        }
    }

    /// An AuthorizationPolicy as the mesh has it; `None` where Istio refuses it, so that it is not in
    /// force.
    pub(super) fn policy(&self, object: &Object) -> Option<PolicyId> {
        self.policies.get(&object.name_span()).copied()
    }

    /// What becomes of the rules of a policy that some ztunnel asks; `None` where none does.
    pub(super) fn at_ztunnel(&self, object: &Object) -> Option<Vec<RuleAt>> {
        let id = self.policy(object).filter(|id| self.pods.at_ztunnel(*id))?;
        Some(self.mesh.effects_at(id, Place::Ztunnel))
    }

    /// How the pods of a workload take part, where the mesh knows it.
    pub(super) fn state(&self, workload: &Workload<'_>) -> Option<PodState> {
        self.workload_id(workload).map(|id| self.mesh.state(id))
    }

    /// A workload as the mesh has it.
    pub(super) fn workload_id(&self, workload: &Workload<'_>) -> Option<WorkloadId> {
        self.known.get(&workload.object.name_span()).copied()
    }

    /// A Service or ServiceEntry as the mesh has it.
    pub(super) fn service_id(&self, object: &Object) -> Option<ServiceId> {
        self.services.get(&object.name_span()).copied()
    }

    /// A Gateway of the Gateway API as the mesh has it.
    pub(super) fn gateway_id(&self, object: &Object) -> Option<GatewayId> {
        self.gateways.get(&object.name_span()).copied()
    }

    /// A WorkloadEntry as the mesh has it.
    pub(super) fn entry_id(&self, object: &Object) -> Option<WorkloadId> {
        self.known.get(&object.name_span()).copied()
    }

    /// The services about which waypoints ask a policy, each with its waypoint.
    pub(super) fn at_waypoints(&self, policy: PolicyId) -> &[(ServiceId, GatewayId)] {
        let all = self.at_waypoints.get_or_init(|| {
            let mut all: BTreeMap<_, Vec<_>> = BTreeMap::new();
            for (waypoint, services) in self.pods.services_by_waypoint() {
                for service in services {
                    for policy in self.mesh.enforced_at_waypoint(service).0 {
                        all.entry(*policy).or_default().push((service, waypoint));
                    }
                }
            }
            all
        });
        all.get(&policy).map(Vec::as_slice).unwrap_or_default()
    }

    /// `namespace/name` of a gateway, and the account that it runs as.
    pub(super) fn waypoint_names(&self, id: GatewayId) -> (&'a str, &'a str, &'a str) {
        let gateway = self.mesh.gateway(id);
        let account = self.mesh.workload(gateway.workload).service_account.as_str();
        (self.mesh.namespace(gateway.namespace).name.as_str(), gateway.name.as_str(), account)
    }

    /// The pods behind each waypoint, with the ports at which traffic comes to them: those of the
    /// services that are bound to it, and of a bound namespace that shows no services all.
    pub(super) fn behind_waypoints(&self) -> Vec<Behind<'_, 'a>> {
        let mut all = Vec::new();
        for (waypoint, services) in self.pods.services_by_waypoint() {
            for id in services {
                let service = self.mesh.service(id);
                for pod in self.pods.of_service(id).into_iter().filter(|p| p.is_ambient()) {
                    let ports = service.ports.iter().map(|p| match pod.workload {
                        Some(workload) => p.target_at(self.mesh.workload(workload)),
                        None => p.target_number().unwrap_or(p.number),
                    });
                    let ports = ports.collect();
                    let namespace = service.namespace;
                    all.push(Behind { waypoint, namespace, service: Some(id), pod, ports });
                }
            }
        }
        let shown: BTreeSet<NamespaceId> = self.mesh.services().map(|(_, s)| s.namespace).collect();
        for (namespace, own) in self.mesh.namespaces() {
            if own.cluster != self.cluster || shown.contains(&namespace) {
                continue;
            }
            let Binding::Bound(waypoint) = self.mesh.namespace_binding(namespace) else { continue };
            for pod in self.pods.in_namespace(namespace).iter().filter(|p| p.is_ambient()) {
                let ports = self.pods.named_ports(pod);
                all.push(Behind { waypoint, namespace, service: None, pod, ports });
            }
        }
        all.retain(|b| self.mesh.waypoint_state(b.waypoint) != WaypointState::NotProgrammed);
        all
    }

    /// True when the trust domain of the cluster is known.
    pub(super) fn knows_trust_domain(&self) -> bool {
        !self.settings.trust_domains.is_empty()
    }

    /// All objects of a kind, in any version.
    pub(super) fn of(
        &self,
        group: &'static str,
        kind: &'static str,
    ) -> impl Iterator<Item = &'a Object> + '_ {
        self.kinds.get(&(group, kind)).into_iter().flatten().copied()
    }

    /// Those in one namespace; no name is that of objects without one.
    pub(super) fn of_namespace<'s>(
        &'s self,
        group: &'static str,
        kind: &'static str,
        namespace: &str,
    ) -> impl Iterator<Item = &'a Object> + use<'s, 'a> {
        let namespace = if namespace.is_empty() { DEFAULT } else { namespace };
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
        let metadata = template.get("metadata");
        let map = |key: &str| strings(metadata.and_then(|m| m.get(key)));
        Some(Self { object, labels: map("labels"), annotations: map("annotations"), metadata })
    }

    /// The place of a label or an annotation of its pods.
    pub(super) fn span(&self, map: &str, key: &str) -> Span {
        let node = self.metadata.and_then(|m| m.get_path(&[map, key]));
        node.map_or(self.object.name_span(), |n| n.span)
    }
}

/// The strings of a mapping.
pub(super) fn strings(node: Option<&Node>) -> Labels {
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

/// The place of a label of an object.
pub(super) fn label_span(object: &Object, key: &str) -> Span {
    at(&object.body, &["metadata", "labels", key]).map_or(object.name_span(), |n| n.span)
}

/// The place of an annotation of an object.
pub(super) fn annotation_span(object: &Object, key: &str) -> Span {
    at(&object.body, &["metadata", "annotations", key]).map_or(object.name_span(), |n| n.span)
}
