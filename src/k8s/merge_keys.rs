//! Which lists of which kinds are merged by key, by kustomize and by the API server.
//!
//! This is what kustomize 5.8.2 carries as Kubernetes' OpenAPI v1.21.2: `x-kubernetes-patch-strategy:
//! merge` with `x-kubernetes-patch-merge-key` or `x-kubernetes-list-map-keys`
//! (`kyaml/openapi/kubernetesapi`). A list that is not here is replaced as a whole, and so is every
//! list of a custom resource (facts/gitops-delivery.md 1.15) — also of kinds younger than v1.21,
//! such as `autoscaling/v2`.

/// A type of the OpenAPI document that holds such lists, itself or below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Schema {
    /// Any kind whose metadata alone matters.
    Plain,
    ObjectMeta,
    Workload,
    WorkloadSpec,
    CronJob,
    CronJobSpec,
    JobTemplate,
    PodTemplateKind,
    PodTemplate,
    Pod,
    PodSpec,
    PodStatus,
    Container,
    EphemeralContainer,
    Volume,
    EphemeralVolume,
    Service,
    ServiceSpec,
    ServiceAccount,
    WebhookConfiguration,
    /// A kind whose status has conditions.
    WithConditions,
    Conditions,
    ComponentStatus,
    Node,
    NodeSpec,
    NodeStatus,
    CsiNode,
    CsiNodeSpec,
    /// A known type without such lists below.
    Leaf,
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    /// A mapping of this type.
    Object(Schema),
    /// A list merged by these keys; none means a set of scalars.
    List(&'static [&'static str], Schema),
}

impl Schema {
    /// The type behind an `apiVersion` and a `kind`.
    pub(crate) fn of(api_version: &str, kind: &str) -> Option<Self> {
        let special = match (api_version, kind) {
            ("apps/v1", "DaemonSet" | "Deployment" | "ReplicaSet" | "StatefulSet")
            | ("batch/v1", "Job")
            | ("v1", "ReplicationController") => Schema::Workload,
            ("batch/v1" | "batch/v1beta1", "CronJob") => Schema::CronJob,
            ("v1", "Pod") => Schema::Pod,
            ("v1", "PodTemplate") => Schema::PodTemplateKind,
            ("v1", "Service") => Schema::Service,
            ("v1", "ServiceAccount") => Schema::ServiceAccount,
            ("v1", "ComponentStatus") => Schema::ComponentStatus,
            ("v1", "Node") => Schema::Node,
            ("v1", "Namespace" | "PersistentVolumeClaim")
            | ("policy/v1" | "policy/v1beta1", "PodDisruptionBudget")
            | ("apiregistration.k8s.io/v1" | "apiregistration.k8s.io/v1beta1", "APIService") => {
                Schema::WithConditions
            }
            ("storage.k8s.io/v1" | "storage.k8s.io/v1beta1", "CSINode") => Schema::CsiNode,
            (
                "admissionregistration.k8s.io/v1" | "admissionregistration.k8s.io/v1beta1",
                "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration",
            ) => Schema::WebhookConfiguration,
            _ => {
                return PLAIN
                    .iter()
                    .any(|(version, kinds)| *version == api_version && kinds.contains(&kind))
                    .then_some(Schema::Plain);
            }
        };
        Some(special)
    }

    /// What a field of this type holds; `None` for a field without such lists below.
    pub(crate) fn field(self, name: &str) -> Option<Field> {
        use Field::{List, Object};
        use Schema as S;
        let by_name: &[&str] = &["name"];
        let by_type: &[&str] = &["type"];
        Some(match (self, name) {
            (S::ObjectMeta, "finalizers") => List(&[], S::Leaf),
            (S::ObjectMeta, "ownerReferences") => List(&["uid"], S::Leaf),
            (S::Workload, "spec") => Object(S::WorkloadSpec),
            (S::WorkloadSpec, "template") | (S::PodTemplateKind, "template") => {
                Object(S::PodTemplate)
            }
            (S::CronJob, "spec") => Object(S::CronJobSpec),
            (S::CronJobSpec, "jobTemplate") => Object(S::JobTemplate),
            (S::JobTemplate, "spec") => Object(S::WorkloadSpec),
            (S::PodTemplate | S::Pod, "spec") => Object(S::PodSpec),
            (S::Pod, "status") => Object(S::PodStatus),
            (S::PodSpec, "containers" | "initContainers") => List(by_name, S::Container),
            (S::PodSpec, "ephemeralContainers") => List(by_name, S::EphemeralContainer),
            (S::PodSpec, "volumes") => List(by_name, S::Volume),
            (S::PodSpec, "imagePullSecrets") => List(by_name, S::Leaf),
            (S::PodSpec, "hostAliases") => List(&["ip"], S::Leaf),
            (S::PodSpec, "topologySpreadConstraints") => {
                List(&["topologyKey", "whenUnsatisfiable"], S::Leaf)
            }
            (S::PodStatus, "podIPs") => List(&["ip"], S::Leaf),
            (S::Container | S::EphemeralContainer, "env") => List(by_name, S::Leaf),
            (S::Container | S::EphemeralContainer, "volumeMounts") => List(&["mountPath"], S::Leaf),
            (S::Container | S::EphemeralContainer, "volumeDevices") => {
                List(&["devicePath"], S::Leaf)
            }
            (S::Container, "ports") => List(&["containerPort", "protocol"], S::Leaf),
            (S::Volume, "ephemeral") => Object(S::EphemeralVolume),
            (S::EphemeralVolume, "volumeClaimTemplate") => Object(S::Plain),
            (S::Service, "spec") => Object(S::ServiceSpec),
            (S::ServiceSpec, "ports") => List(&["port", "protocol"], S::Leaf),
            (S::ServiceAccount, "secrets") => List(by_name, S::Leaf),
            (S::WebhookConfiguration, "webhooks") => List(by_name, S::Leaf),
            (S::Node, "spec") => Object(S::NodeSpec),
            (S::Node, "status") => Object(S::NodeStatus),
            (S::NodeSpec, "podCIDRs") => List(&[], S::Leaf),
            (S::NodeStatus, "addresses") => List(by_type, S::Leaf),
            (S::CsiNode, "spec") => Object(S::CsiNodeSpec),
            (S::CsiNodeSpec, "drivers") => List(by_name, S::Leaf),
            (S::Workload | S::Service | S::WithConditions, "status") => Object(S::Conditions),
            (S::Conditions | S::PodStatus | S::NodeStatus | S::ComponentStatus, "conditions") => {
                List(by_type, S::Leaf)
            }
            (parent, "metadata") if parent.has_metadata() => Object(S::ObjectMeta),
            _ => return None,
        })
    }

    fn has_metadata(self) -> bool {
        use Schema as S;
        match self {
            S::Plain
            | S::Workload
            | S::CronJob
            | S::JobTemplate
            | S::PodTemplateKind
            | S::PodTemplate
            | S::Pod
            | S::Service
            | S::ServiceAccount
            | S::WebhookConfiguration
            | S::WithConditions
            | S::ComponentStatus
            | S::Node
            | S::CsiNode => true,
            S::ObjectMeta
            | S::WorkloadSpec
            | S::CronJobSpec
            | S::PodSpec
            | S::PodStatus
            | S::Container
            | S::EphemeralContainer
            | S::Volume
            | S::EphemeralVolume
            | S::ServiceSpec
            | S::Conditions
            | S::NodeSpec
            | S::NodeStatus
            | S::CsiNodeSpec
            | S::Leaf => false,
        }
    }
}

/// The other kinds that the document knows: only their metadata has merged lists.
const PLAIN: &[(&str, &[&str])] = &[
    ("apiextensions.k8s.io/v1", &["CustomResourceDefinition"]),
    ("apiextensions.k8s.io/v1beta1", &["CustomResourceDefinition"]),
    ("apps/v1", &["ControllerRevision"]),
    ("authentication.k8s.io/v1", &["TokenRequest", "TokenReview"]),
    ("authentication.k8s.io/v1beta1", &["TokenReview"]),
    (
        "authorization.k8s.io/v1",
        &[
            "LocalSubjectAccessReview",
            "SelfSubjectAccessReview",
            "SelfSubjectRulesReview",
            "SubjectAccessReview",
        ],
    ),
    (
        "authorization.k8s.io/v1beta1",
        &[
            "LocalSubjectAccessReview",
            "SelfSubjectAccessReview",
            "SelfSubjectRulesReview",
            "SubjectAccessReview",
        ],
    ),
    ("autoscaling/v1", &["HorizontalPodAutoscaler", "Scale"]),
    ("autoscaling/v2beta1", &["HorizontalPodAutoscaler"]),
    ("autoscaling/v2beta2", &["HorizontalPodAutoscaler"]),
    ("certificates.k8s.io/v1", &["CertificateSigningRequest"]),
    ("certificates.k8s.io/v1beta1", &["CertificateSigningRequest"]),
    ("coordination.k8s.io/v1", &["Lease"]),
    ("coordination.k8s.io/v1beta1", &["Lease"]),
    ("discovery.k8s.io/v1", &["EndpointSlice"]),
    ("discovery.k8s.io/v1beta1", &["EndpointSlice"]),
    ("events.k8s.io/v1", &["Event"]),
    ("events.k8s.io/v1beta1", &["Event"]),
    ("extensions/v1beta1", &["Ingress"]),
    ("flowcontrol.apiserver.k8s.io/v1beta1", &["FlowSchema", "PriorityLevelConfiguration"]),
    ("networking.k8s.io/v1", &["Ingress", "IngressClass", "NetworkPolicy"]),
    ("networking.k8s.io/v1beta1", &["Ingress", "IngressClass"]),
    ("node.k8s.io/v1", &["RuntimeClass"]),
    ("node.k8s.io/v1beta1", &["RuntimeClass"]),
    ("policy/v1beta1", &["Eviction", "PodSecurityPolicy"]),
    ("rbac.authorization.k8s.io/v1", &["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"]),
    (
        "rbac.authorization.k8s.io/v1beta1",
        &["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"],
    ),
    ("scheduling.k8s.io/v1", &["PriorityClass"]),
    ("scheduling.k8s.io/v1beta1", &["PriorityClass"]),
    ("storage.k8s.io/v1", &["CSIDriver", "StorageClass", "VolumeAttachment"]),
    (
        "storage.k8s.io/v1beta1",
        &["CSIDriver", "CSIStorageCapacity", "StorageClass", "VolumeAttachment"],
    ),
    (
        "v1",
        &[
            "Binding",
            "ConfigMap",
            "Endpoints",
            "Event",
            "LimitRange",
            "PersistentVolume",
            "ResourceQuota",
            "Secret",
        ],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(api_version: &str, kind: &str, path: &[&str]) -> Option<Field> {
        let mut schema = Schema::of(api_version, kind)?;
        let (last, way) = path.split_last()?;
        for step in way {
            schema = match schema.field(step)? {
                Field::Object(next) | Field::List(_, next) => next,
            };
        }
        schema.field(last)
    }

    #[test]
    fn keys_as_in_the_openapi_document() {
        let keys = |api_version, kind, path: &[&str]| match walk(api_version, kind, path) {
            Some(Field::List(keys, _)) => keys.to_vec(),
            other => panic!("{path:?}: {other:?}"),
        };
        let pod = ["spec", "template", "spec", "containers"];
        assert_eq!(keys("apps/v1", "Deployment", &pod), ["name"]);
        assert_eq!(
            keys("apps/v1", "StatefulSet", &[&pod[..], &["ports"]].concat()),
            ["containerPort", "protocol"]
        );
        let cron = ["spec", "jobTemplate", "spec", "template", "spec", "volumes"];
        assert_eq!(keys("batch/v1", "CronJob", &cron), ["name"]);
        assert_eq!(keys("v1", "Service", &["spec", "ports"]), ["port", "protocol"]);
        assert_eq!(keys("v1", "ConfigMap", &["metadata", "ownerReferences"]), ["uid"]);
        assert!(keys("v1", "Namespace", &["metadata", "finalizers"]).is_empty());
        assert_eq!(
            walk("apps/v1", "Deployment", &["spec", "template", "spec", "tolerations"]),
            None
        );
    }

    #[test]
    fn custom_resources_and_younger_kinds_have_none() {
        assert_eq!(Schema::of("install.tetrate.io/v1alpha1", "ControlPlane"), None);
        assert_eq!(Schema::of("autoscaling/v2", "HorizontalPodAutoscaler"), None);
        assert_eq!(Schema::of("gateway.networking.k8s.io/v1", "Gateway"), None);
        assert_eq!(Schema::of("networking.k8s.io/v1", "NetworkPolicy"), Some(Schema::Plain));
    }
}
