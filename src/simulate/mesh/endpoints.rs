//! Who is behind a Service: the pods that it selects, and what EndpointSlices and Endpoints show
//! (istio/istio:pilot/pkg/serviceregistry/ambient/workloads.go `endpointSlicesBuilder`,
//! `matchingServicesWithoutSelectors`).

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::diagnostic::Diagnostic;
use crate::k8s::{Labels, Object};
use crate::simulate::raw::{self, EndpointSlice};

use super::build::Builder;
use super::entry::Entry;
use super::{ClusterId, NamespaceId, PodState, Unknown, WorkloadId};

/// The EndpointSlices of one cluster, by namespace and service.
#[derive(Default)]
pub(super) struct Slices<'o> {
    by_service: BTreeMap<(String, String), Vec<(&'o Object, EndpointSlice)>>,
}

/// Who is behind a Service.
#[derive(Default)]
pub(super) struct Behind {
    /// The workloads, in the order of the mesh.
    pub endpoints: Vec<WorkloadId>,
    /// Why these may not be all.
    pub unknown: Option<Unknown>,
    /// The port behind each port of the Service, by its name: what slices say counts, not the Service.
    pub ports: BTreeMap<String, u16>,
}

const SERVICE_NAME: &str = "kubernetes.io/service-name";

impl<'o> Slices<'o> {
    /// Reads the slices of a cluster. One that belongs to no Service that is there is a finding.
    pub fn read(builder: &mut Builder, objects: &[&'o Object]) -> Self {
        let mut slices = Self::default();
        let services: BTreeSet<(&str, &str)> = objects
            .iter()
            .filter(|o| o.gvk.is("", "Service"))
            .map(|o| (o.namespace_or_default(), o.name.as_str()))
            .collect();
        for object in objects {
            let (name, slice) = if object.gvk.is("discovery.k8s.io", "EndpointSlice") {
                let Some(slice) = builder.keep(object.parse::<EndpointSlice>()) else { continue };
                (object.labels.get(SERVICE_NAME), slice)
            } else if object.gvk.is("", "Endpoints") {
                let Some(read) = builder.keep(object.parse::<raw::Endpoints>()) else { continue };
                (Some(&object.name), EndpointSlice::from(read))
            } else {
                continue;
            };
            let namespace = object.namespace.clone().unwrap_or_else(|| "default".into());
            let is_there = |name: &str| services.contains(&(namespace.as_str(), name));
            match name {
                Some(name) if is_there(name) => {
                    let key = (namespace, name.clone());
                    slices.by_service.entry(key).or_default().push((object, slice));
                }
                _ => builder.report(without_service(object, &namespace, name)),
            }
        }
        slices
    }
}

fn without_service(object: &Object, namespace: &str, name: Option<&String>) -> Diagnostic {
    let kind = &object.gvk.kind;
    let why = match name {
        Some(name) => format!("belongs to Service `{name}`, which is not there"),
        None => format!("has no label `{SERVICE_NAME}`"),
    };
    Diagnostic::warning("endpoints-without-service", format!("{kind} {namespace}/{} {why}", object.name))
        .at(object.name_span(), "nothing is addressed by it")
        .help(format!(
            "an EndpointSlice stands behind the Service of its own namespace that its label `{SERVICE_NAME}` \
             names, Endpoints behind the Service of the same name"
        ))
}

impl Builder {
    /// The workloads behind a Service: those that it selects, and those that slices show.
    pub fn behind(
        &mut self,
        cluster: ClusterId,
        namespace: NamespaceId,
        object: &Object,
        spec: &raw::Service,
        slices: &Slices<'_>,
    ) -> Behind {
        let selector = (!spec.selector.is_empty()).then_some(&spec.selector);
        let mut behind =
            Behind { endpoints: self.selected(namespace, selector), ..Behind::default() };
        let key = (self.fixed.namespaces[namespace.0 as usize].name.clone(), object.name.clone());
        let Some(shown) = slices.by_service.get(&key) else {
            behind.unknown = match selector {
                None => Some(Unknown::Endpoints),
                Some(_) if behind.endpoints.is_empty() => Some(Unknown::Selected),
                Some(_) => None,
            };
            return behind;
        };
        let unready = spec.publish_not_ready_addresses == Some(true);
        for (of, slice) in shown {
            for endpoint in
                slice.endpoints.iter().filter(|e| unready || e.conditions.ready != Some(false))
            {
                match self.end(cluster, namespace, of, slice, endpoint) {
                    Ok(ids) => behind.endpoints.extend(ids),
                    // what the selector finds is what the slices of its controller list
                    Err(unknown) if behind.endpoints.is_empty() || selector.is_none() => {
                        behind.unknown = Some(unknown);
                    }
                    Err(_) => {}
                }
            }
            if selector.is_none() {
                let ports = slice
                    .ports
                    .iter()
                    .filter_map(|p| Some((p.name.clone().unwrap_or_default(), p.port?)));
                ports.for_each(|(name, port)| {
                    behind.ports.entry(name).or_insert(port);
                });
            }
        }
        behind.endpoints.sort();
        behind.endpoints.dedup();
        behind
    }

    /// What an endpoint of a slice is: the workload that makes the pod it names, one that is known to
    /// have its address, or a machine of which nothing but the address is known.
    fn end(
        &mut self,
        cluster: ClusterId,
        namespace: NamespaceId,
        of: &Object,
        slice: &EndpointSlice,
        endpoint: &raw::Endpoint,
    ) -> Result<Vec<WorkloadId>, Unknown> {
        if let Some(target) = endpoint.target_ref.as_ref().filter(|t| t.kind == "Pod") {
            return self.maker_of(namespace, &target.name).map(|id| vec![id]).ok_or(Unknown::Pods);
        }
        let mut ids = Vec::new();
        for address in &endpoint.addresses {
            let ip: Option<IpAddr> = address.parse().ok();
            let known = ip.and_then(|ip| self.at_address(cluster, ip));
            ids.push(match known {
                Some(id) => id,
                None => self.machine(namespace, of, slice, address),
            });
        }
        Ok(ids)
    }

    /// The workload whose pods have names like this one.
    fn maker_of(&self, namespace: NamespaceId, pod: &str) -> Option<WorkloadId> {
        let here =
            self.fixed.workloads.iter().enumerate().filter(|(_, w)| w.namespace == namespace);
        here.filter(|(_, w)| w.makes_pods() && makes(&w.kind, &w.name, pod))
            .max_by_key(|(_, w)| w.name.len())
            .map(|(index, _)| WorkloadId(index as u32))
    }

    fn at_address(&self, cluster: ClusterId, ip: IpAddr) -> Option<WorkloadId> {
        let namespaces = &self.fixed.namespaces;
        let here = |n: NamespaceId| namespaces[n.0 as usize].cluster == cluster;
        let found =
            self.fixed.workloads.iter().position(|w| here(w.namespace) && w.has_address(ip));
        found.map(|index| WorkloadId(index as u32))
    }

    /// A machine outside the mesh.
    fn machine(
        &mut self,
        namespace: NamespaceId,
        of: &Object,
        slice: &EndpointSlice,
        address: &str,
    ) -> WorkloadId {
        let ports = slice.ports.iter().filter_map(|p| Some((p.name.clone()?, p.port?)));
        let spec = raw::WorkloadEntry {
            address: address.to_owned(),
            ports: ports.collect(),
            ..raw::WorkloadEntry::default()
        };
        let entry = Entry { spec, labels: Labels::new(), state: PodState::Plain };
        self.entry(namespace, of, format!("{}@{address}", of.name), Labels::new(), entry)
    }
}

/// Is this the name of a pod of this workload? Controllers append to their own name what
/// k8s.io/apimachinery:pkg/util/rand makes (five characters), an ordinal, or both after a hash.
fn makes(kind: &str, workload: &str, pod: &str) -> bool {
    let Some(rest) = pod.strip_prefix(workload) else { return false };
    if kind == "Pod" {
        return rest.is_empty();
    }
    let Some(rest) = rest.strip_prefix('-') else { return false };
    let is_word = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    let is_random = |part: &str| part.len() == 5 && is_word(part);
    match kind {
        "StatefulSet" => rest.bytes().all(|b| b.is_ascii_digit()) && !rest.is_empty(),
        // hash of the template, then the pod's own
        "Deployment" => {
            rest.split_once('-').is_some_and(|(hash, own)| is_word(hash) && is_random(own))
        }
        // the minute, then the pod's own
        "CronJob" => rest.split_once('-').is_some_and(|(minute, own)| {
            minute.bytes().all(|b| b.is_ascii_digit()) && is_random(own)
        }),
        // an indexed Job has its index before
        "Job" => is_random(rest.rsplit('-').next().unwrap_or(rest)),
        "DaemonSet" | "ReplicaSet" | "ReplicationController" => is_random(rest),
        // controllers of operators number their pods or name them at random
        _ => rest.split('-').all(is_word),
    }
}
