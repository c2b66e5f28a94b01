//! How kustomize tells objects apart (`kyaml/resid/resid.go`, `gvk.go`).

use std::fmt;

use serde_json::Value;

/// Group, version, kind, namespace and name. The namespace is the *effective* one: `default` where
/// none is given, [`NOT_NAMESPACED`] for kinds known to stand outside of namespaces. A custom
/// resource without a namespace counts as one in `default`, for kustomize cannot know better.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Identity {
    pub(super) kind: String,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) group: String,
    pub(super) version: String,
}

/// The namespace of what is in none.
pub(super) const NOT_NAMESPACED: &str = "_non_namespaceable_";

impl Identity {
    /// Of an object; `None` when kind or name are missing or no texts.
    pub(super) fn of(object: &Value) -> Option<Self> {
        let api_version = object.get("apiVersion").map_or(Some(""), Value::as_str)?;
        let kind = object.get("kind")?.as_str().filter(|k| !k.is_empty())?;
        let metadata = object.get("metadata")?;
        let name = metadata.get("name")?.as_str().filter(|n| !n.is_empty())?;
        let namespace = match metadata.get("namespace") {
            None | Some(Value::Null) => "",
            Some(namespace) => namespace.as_str()?,
        };
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        Some(Self {
            kind: kind.to_owned(),
            namespace: match namespace {
                _ if is_cluster_scoped(api_version, kind) => NOT_NAMESPACED.to_owned(),
                "" => "default".to_owned(),
                given => given.to_owned(),
            },
            name: name.to_owned(),
            group: group.to_owned(),
            version: version.to_owned(),
        })
    }

    /// `group/version`, or `version` for the core group.
    pub(super) fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.kind)?;
        if self.namespace != NOT_NAMESPACED && self.namespace != "default" {
            write!(f, "{}/", self.namespace)?;
        }
        f.write_str(&self.name)
    }
}

fn is_cluster_scoped(api_version: &str, kind: &str) -> bool {
    CLUSTER_SCOPED.iter().any(|(version, kinds)| *version == api_version && kinds.contains(&kind))
}

/// `precomputedIsNamespaceScoped` of `kyaml/openapi/openapi.go` (v0.21.2): the false ones.
const CLUSTER_SCOPED: &[(&str, &[&str])] = &[
    (
        "admissionregistration.k8s.io/v1",
        &[
            "MutatingWebhookConfiguration",
            "ValidatingAdmissionPolicy",
            "ValidatingAdmissionPolicyBinding",
            "ValidatingWebhookConfiguration",
        ],
    ),
    (
        "admissionregistration.k8s.io/v1beta1",
        &["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"],
    ),
    ("apiextensions.k8s.io/v1", &["CustomResourceDefinition"]),
    ("apiextensions.k8s.io/v1beta1", &["CustomResourceDefinition"]),
    ("apiregistration.k8s.io/v1", &["APIService"]),
    ("apiregistration.k8s.io/v1beta1", &["APIService"]),
    ("certificates.k8s.io/v1", &["CertificateSigningRequest"]),
    ("certificates.k8s.io/v1beta1", &["CertificateSigningRequest"]),
    ("flowcontrol.apiserver.k8s.io/v1beta1", &["FlowSchema", "PriorityLevelConfiguration"]),
    ("networking.k8s.io/v1", &["IngressClass"]),
    ("networking.k8s.io/v1beta1", &["IngressClass"]),
    ("node.k8s.io/v1", &["RuntimeClass"]),
    ("node.k8s.io/v1beta1", &["RuntimeClass"]),
    ("policy/v1beta1", &["PodSecurityPolicy"]),
    ("rbac.authorization.k8s.io/v1", &["ClusterRole", "ClusterRoleBinding"]),
    ("rbac.authorization.k8s.io/v1beta1", &["ClusterRole", "ClusterRoleBinding"]),
    ("scheduling.k8s.io/v1", &["PriorityClass"]),
    ("scheduling.k8s.io/v1beta1", &["PriorityClass"]),
    ("storage.k8s.io/v1", &["CSIDriver", "CSINode", "StorageClass", "VolumeAttachment"]),
    ("storage.k8s.io/v1beta1", &["CSIDriver", "CSINode", "StorageClass", "VolumeAttachment"]),
    ("v1", &["ComponentStatus", "Namespace", "Node", "NodeProxyOptions", "PersistentVolume"]),
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn effective_namespace() {
        let of = |api_version: &str, kind: &str, metadata: Value| {
            let object = json!({"apiVersion": api_version, "kind": kind, "metadata": metadata});
            Identity::of(&object).map(|i| i.namespace)
        };
        assert_eq!(of("v1", "ConfigMap", json!({"name": "a"})).as_deref(), Some("default"));
        assert_eq!(of("v1", "Namespace", json!({"name": "a"})).as_deref(), Some(NOT_NAMESPACED));
        assert_eq!(
            of("x.io/v1", "Foo", json!({"name": "a", "namespace": "n"})).as_deref(),
            Some("n")
        );
        assert_eq!(of("x.io/v1", "Foo", json!({"name": "a"})).as_deref(), Some("default"));
        assert_eq!(of("v1", "ConfigMap", json!({"name": 3})), None);
    }
}
