//! Who makes whose pods: a ReplicaSet of a Deployment is that Deployment once more.

use std::collections::HashSet;

use crate::k8s::{GroupVersionKind, Object};

use super::workload::makes_pods;

/// The objects of a cluster that make pods.
pub(super) struct Makers<'o> {
    known: HashSet<Maker<'o>>,
}

/// Group, kind, namespace and name.
type Maker<'o> = (&'o str, &'o str, &'o str, &'o str);

impl<'o> Makers<'o> {
    pub fn of(objects: &[&'o Object]) -> Self {
        let makers = objects.iter().filter(|object| makes_pods(object));
        let known = makers.map(|o| {
            let namespace = o.namespace.as_deref().unwrap_or_default();
            (o.gvk.group.as_str(), o.gvk.kind.as_str(), namespace, o.name.as_str())
        });
        Self { known: known.collect() }
    }

    /// True for a workload that one of these makes: its pods are counted there. What an operator's
    /// resource owns is a workload of its own, since the resource shows no pods; so is what is owned
    /// by something that is not among the objects, which nothing else stands for.
    pub fn make(&self, object: &Object) -> bool {
        let owners = object.body.get("metadata").and_then(|m| m.get("ownerReferences"));
        let namespace = object.namespace.as_deref().unwrap_or_default();
        owners.and_then(|owners| owners.as_list()).unwrap_or_default().iter().any(|owner| {
            let text = |key: &str| owner.get(key).and_then(|n| n.as_str()).unwrap_or_default();
            let (kind, name) = (text("kind"), text("name"));
            let group = GroupVersionKind::from_api_version(text("apiVersion"), kind).group;
            let is_known = |kind: &str, name: &str| {
                self.known.contains(&(group.as_str(), kind, namespace, name))
            };
            // dumps often leave out what stands between: a ReplicaSet is named after its Deployment
            // and the hash of its template (kubernetes/kubernetes:pkg/controller/deployment/sync.go
            // `getNewReplicaSet`), a Job after its CronJob and the minute
            // (pkg/controller/cronjob/utils.go `getJobName`)
            let maker = match (group.as_str(), kind) {
                ("apps", "ReplicaSet") => Some("Deployment"),
                ("batch", "Job") => Some("CronJob"),
                _ => None,
            };
            is_known(kind, name)
                || maker
                    .zip(name.rsplit_once('-'))
                    .is_some_and(|(maker, (of, _))| is_known(maker, of))
        })
    }
}
