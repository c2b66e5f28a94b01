//! Pods of dumps: whose an address was, and which workload made a pod.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::k8s::Object;
use crate::yaml::Node;

/// A workload by its names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PodRef {
    /// Its cluster.
    pub cluster: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub workload: String,
}

/// What is known of pods.
#[derive(Clone, Debug, Default)]
pub struct Pods {
    /// By address; `None` where several workloads had it, or a node.
    addresses: BTreeMap<IpAddr, Option<PodRef>>,
    /// By cluster, namespace and name.
    names: BTreeMap<(String, String, String), PodRef>,
}

impl Pods {
    /// Adds the Pods among the objects of a cluster.
    pub fn add<'o>(&mut self, cluster: &str, objects: impl IntoIterator<Item = &'o Object>) {
        for object in objects {
            if object.gvk.is("", "Pod") {
                self.pod(cluster, object);
            }
        }
    }

    fn pod(&mut self, cluster: &str, pod: &Object) {
        let namespace = pod.namespace.clone().unwrap_or_else(|| "default".into());
        let made = PodRef { cluster: cluster.into(), namespace, workload: workload_of(pod) };
        let name = (made.cluster.clone(), made.namespace.clone(), pod.name.clone());
        self.names.insert(name, made.clone());
        let is_of_node = pod
            .body
            .get_path(&["spec", "hostNetwork"])
            .is_some_and(|n| n.value == crate::yaml::Value::Bool(true));
        // the address of a pod that has ended may be another's by now
        let phase = pod.body.get_path(&["status", "phase"]).and_then(Node::as_str);
        let has_ended = matches!(phase, Some("Succeeded" | "Failed"));
        for address in addresses_of(pod) {
            let owner = (!is_of_node && !has_ended).then(|| made.clone());
            let known = self.addresses.entry(address).or_insert_with(|| owner.clone());
            if *known != owner {
                *known = None;
            }
        }
    }

    /// Whose an address is; the inner `None` where that is not certain.
    pub fn of_address(&self, address: IpAddr) -> Option<Option<&PodRef>> {
        self.addresses.get(&address).map(Option::as_ref)
    }

    /// The workload that made a pod.
    pub fn of_name(&self, cluster: &str, namespace: &str, pod: &str) -> Option<&PodRef> {
        self.names.get(&(cluster.to_owned(), namespace.to_owned(), pod.to_owned()))
    }
}

fn addresses_of(pod: &Object) -> Vec<IpAddr> {
    let status = pod.body.get("status");
    let one = status.and_then(|s| s.get("podIP")).and_then(Node::as_str);
    let several = status.and_then(|s| s.get("podIPs")).and_then(Node::as_list).unwrap_or_default();
    let several = several.iter().filter_map(|n| n.get("ip").and_then(Node::as_str));
    let mut all: Vec<IpAddr> =
        one.into_iter().chain(several).filter_map(|a| a.parse().ok()).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// The workload that a pod is of: its own name where nothing made it. A Deployment's ReplicaSet is
/// named after it, with the hash of the pod template behind
/// (kubernetes/kubernetes:pkg/controller/deployment/sync.go).
fn workload_of(pod: &Object) -> String {
    let owners = pod.body.get_path(&["metadata", "ownerReferences"]).and_then(Node::as_list);
    let text = |n: &Node, key: &str| n.get(key).and_then(Node::as_str).map(str::to_owned);
    let controller = owners.unwrap_or_default().iter().find(|owner| {
        owner.get("controller").is_none_or(|c| c.value == crate::yaml::Value::Bool(true))
    });
    let Some((kind, name)) = controller.and_then(|o| Some((text(o, "kind")?, text(o, "name")?)))
    else {
        return pod.name.clone();
    };
    match pod.labels.get("pod-template-hash") {
        Some(hash) if kind == "ReplicaSet" => {
            name.strip_suffix(&format!("-{hash}")).unwrap_or(&name).to_owned()
        }
        // a CronJob's Jobs are named after it, with the minute of their start behind
        _ if kind == "Job" => match name.rsplit_once('-') {
            Some((cron, minute))
                if minute.len() >= 8 && minute.bytes().all(|b| b.is_ascii_digit()) =>
            {
                cron.to_owned()
            }
            _ => name,
        },
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::FileId;
    use crate::k8s::objects_of;
    use crate::yaml::{Budget, read};

    fn pods(text: &str) -> Pods {
        let (objects, _) = objects_of(read(FileId(0), text, &Budget::MANIFESTS).0);
        let mut pods = Pods::default();
        pods.add("c", &objects);
        pods
    }

    const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: NAME\n  namespace: shop\n  labels: {pod-template-hash: 7d9f}\n  ownerReferences: [{kind: ReplicaSet, name: web-7d9f, controller: true}]\nspec: {}\nstatus: {podIP: ADDRESS}\n";

    fn pod(name: &str, address: &str) -> String {
        POD.replace("NAME", name).replace("ADDRESS", address)
    }

    #[test]
    fn an_address_is_the_workloads_that_made_the_pod() {
        let pods = pods(&pod("web-7d9f-x", "10.0.0.1"));
        let found = pods.of_address("10.0.0.1".parse().expect("an address"));
        assert_eq!(found.flatten().map(|p| p.workload.as_str()), Some("web"));
        assert_eq!(
            pods.of_name("c", "shop", "web-7d9f-x").map(|p| p.workload.as_str()),
            Some("web")
        );
    }

    #[test]
    fn an_address_that_two_workloads_had_is_nobodys() {
        let other = pod("api-1", "10.0.0.1").replace("web-7d9f,", "api-7d9f,");
        let pods = pods(&format!("{}---\n{other}", pod("web-7d9f-x", "10.0.0.1")));
        assert_eq!(pods.of_address("10.0.0.1".parse().expect("an address")), Some(None));
    }
}
