//! Workloads, and how their pods take part in the mesh: as the injection webhook and the CNI would
//! decide (facts/istio-ambient.md §1.2, §1.5).

use std::net::IpAddr;

use crate::diagnostic::{Diagnostic, Span};
use crate::k8s::{Labels, Object};
use crate::simulate::capture::Capture;
use crate::simulate::identity::IdentityId;
use crate::simulate::options::Options;
use crate::simulate::raw;

use super::entry::Entry;
use super::{Listener, Namespace, NamespaceId};

/// A workload of a mesh.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkloadId(pub(in crate::simulate) u32);

/// Something that makes pods, or is one; or a machine that a WorkloadEntry or a ServiceEntry tells of.
#[derive(Clone, Debug)]
pub struct Workload {
    /// Its namespace.
    pub namespace: NamespaceId,
    /// Kind of the object.
    pub kind: String,
    /// Name of the object.
    pub name: String,
    /// Labels of its pods.
    pub labels: Labels,
    /// Annotations of its pods.
    pub annotations: Labels,
    /// What its annotations keep from a sidecar; `None` where they say nothing.
    pub(in crate::simulate) capture: Option<Box<Capture>>,
    /// Service account of its pods.
    pub service_account: String,
    /// Its certificate, where it takes part in the mesh.
    pub identity: IdentityId,
    /// Container ports that have names, and the others.
    pub ports: Vec<raw::ContainerPort>,
    /// What it listens for, where it is a gateway and that is shown.
    pub listeners: Vec<Listener>,
    /// It shares the node's network.
    pub host_network: bool,
    /// The proxy is in the template already.
    pub has_proxy: bool,
    /// Its address, where it is known.
    pub ip: Option<IpAddr>,
    /// Its address of the other family, where it has one and it is known.
    pub other_ip: Option<IpAddr>,
    /// What it is there for.
    pub role: Role,
    /// Where it stands.
    pub span: Span,
    /// What is known of it where it is no pod.
    pub(in crate::simulate) entry: Option<Box<Entry>>,
}

impl Workload {
    /// True of what makes pods; false of a machine that a WorkloadEntry or a ServiceEntry tells of.
    pub fn makes_pods(&self) -> bool {
        self.entry.is_none()
    }

    /// Is this one of its addresses?
    pub fn has_address(&self, ip: IpAddr) -> bool {
        self.ip == Some(ip) || self.other_ip == Some(ip)
    }
}

/// What a workload is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// An application.
    Application,
    /// The pods of a waypoint.
    Waypoint,
    /// A gateway for what comes from outside, or goes there.
    Gateway,
    /// A gateway between the networks of one mesh.
    EastWest,
}

/// How a pod takes part in the mesh, now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PodState {
    /// Not at all.
    Plain,
    /// It has a sidecar, injected before HBONE was switched on.
    Sidecar,
    /// It has a sidecar that also takes HBONE (label `networking.istio.io/tunnel: http`).
    SidecarHbone,
    /// The node's ztunnel has its traffic.
    Ambient,
}

impl PodState {
    /// True with a sidecar of either kind.
    pub fn has_sidecar(self) -> bool {
        matches!(self, PodState::Sidecar | PodState::SidecarHbone)
    }

    /// A word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            PodState::Plain => "outside the mesh",
            PodState::Sidecar => "sidecar without HBONE",
            PodState::SidecarHbone => "sidecar",
            PodState::Ambient => "ambient",
        }
    }
}

const INJECT: &str = "sidecar.istio.io/inject";
const MODE: &str = "istio.io/dataplane-mode";
const REVISION: &str = "istio.io/rev";

/// How new pods of a workload take part: injected, captured, or neither.
pub(super) fn state_of(
    workload: &Workload,
    namespace: &Labels,
    name: &str,
    o: &Options,
) -> PodState {
    if workload.role != Role::Application {
        return PodState::SidecarHbone;
    }
    if let Some(entry) = &workload.entry {
        return entry.state;
    }
    let present = workload.annotations.contains_key("sidecar.istio.io/status");
    if workload.has_proxy || present || is_injected(workload, namespace, name, o) {
        let tunnel = workload.labels.get("networking.istio.io/tunnel").map(String::as_str);
        return if tunnel == Some("http") || (tunnel.is_none() && o.sidecar_hbone) {
            PodState::SidecarHbone
        } else {
            PodState::Sidecar
        };
    }
    if is_captured(workload, namespace, name) { PodState::Ambient } else { PodState::Plain }
}

/// How a pod with these labels and nothing else of its own takes part.
pub(in crate::simulate) fn state_of_pod(
    labels: &Labels,
    namespace: &Namespace,
    options: &Options,
) -> PodState {
    let pod = Workload {
        namespace: NamespaceId(0),
        kind: "Pod".into(),
        name: String::new(),
        labels: labels.clone(),
        annotations: Labels::new(),
        capture: None,
        service_account: String::new(),
        identity: IdentityId(0),
        ports: Vec::new(),
        listeners: Vec::new(),
        host_network: false,
        has_proxy: false,
        ip: None,
        other_ip: None,
        role: Role::Application,
        span: Span::default(),
        entry: None,
    };
    state_of(&pod, &namespace.labels, &namespace.name, options)
}

/// The webhook's blocks (§1.5), then its own checks (istio/istio:pkg/kube/inject/inject.go
/// `injectRequired`).
fn is_injected(workload: &Workload, namespace: &Labels, name: &str, options: &Options) -> bool {
    const IGNORED: &[&str] =
        &["kube-system", "kube-public", "kube-node-lease", "local-path-storage"];
    if workload.host_network || IGNORED.contains(&name) {
        return false;
    }
    let label = |labels: &Labels, key: &str| labels.get(key).cloned();
    let injection = label(namespace, "istio-injection");
    let namespace_revision = label(namespace, REVISION);
    let pod_revision = label(&workload.labels, REVISION);
    let inject = label(&workload.labels, INJECT);
    let refused = inject.as_deref() == Some("false");
    let is_revision = |revision: &Option<String>| {
        revision
            .as_ref()
            .is_some_and(|r| options.revisions.as_ref().is_none_or(|known| known.contains(r)))
    };
    let unlabelled = injection.is_none() && namespace_revision.is_none();
    let called = (is_revision(&namespace_revision) && injection.is_none() && !refused)
        || (unlabelled && is_revision(&pod_revision) && !refused)
        || (injection.as_deref() == Some("enabled") && !refused)
        || (unlabelled && inject.as_deref() == Some("true") && pod_revision.is_none())
        || (options.inject_by_default && unlabelled && !refused);
    // the pod label beats the annotation of the same name
    let wanted = inject.or_else(|| label(&workload.annotations, INJECT));
    called
        && wanted.is_none_or(|w| {
            w.is_empty() || matches!(w.to_lowercase().as_str(), "y" | "yes" | "true" | "on")
        })
}

/// The default enablement selectors (§1.2).
fn is_captured(workload: &Workload, namespace: &Labels, name: &str) -> bool {
    if workload.host_network || name == "kube-system" {
        return false;
    }
    let pod = workload.labels.get(MODE).map(String::as_str);
    let namespace = namespace.get(MODE).map(String::as_str);
    pod == Some("ambient") || (pod != Some("none") && namespace == Some("ambient"))
}

/// True for what makes pods: it has a template of them.
pub(super) fn makes_pods(object: &Object) -> bool {
    let spec = match object.gvk.is("batch", "CronJob") {
        true => object.body.get_path(&["spec", "jobTemplate", "spec"]),
        false => object.body.get("spec"),
    };
    spec.and_then(|spec| spec.get("template")?.get("spec")?.get("containers")).is_some()
}

/// The pod template of whatever makes pods, by its shape: `spec.template.spec.containers`, or what
/// a CronJob and a Pod have. `None` for everything else.
pub(super) fn template_of(object: &Object) -> Option<Result<raw::PodTemplate, Box<Diagnostic>>> {
    let spec = object.body.get("spec")?;
    if object.gvk.is("", "Pod") {
        return Some(object.parse::<raw::PodTemplate>());
    }
    if object.gvk.is("batch", "CronJob") {
        let parsed = object.parse::<raw::Specified<raw::Scheduled>>();
        return Some(parsed.map(|s| s.spec.job_template.spec.template));
    }
    spec.get("template")?.get("spec")?.get("containers")?;
    Some(object.parse::<raw::Specified<raw::Templated>>().map(|s| s.spec.template))
}
