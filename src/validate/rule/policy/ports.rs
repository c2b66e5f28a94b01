//! The two spaces of ports: those of Services, which clients use and waypoints see, and those of pods,
//! which sidecars and ztunnel see (facts/istio-ambient.md §6.1).

use std::collections::{BTreeMap, BTreeSet};

use super::super::input::RuleInput;
use crate::simulate::{Pod, ServiceId};

/// The ports of some services.
#[derive(Default)]
pub(super) struct Ports {
    /// Target ports by the port that clients use; `None` for one that is not known.
    pub(super) by_service: BTreeMap<u16, Vec<Option<u16>>>,
    /// Other ports of the pods.
    pub(super) of_pods: BTreeSet<u16>,
}

impl Ports {
    /// Those of the services of a namespace that have some of these pods behind them, and those that
    /// the pods declare.
    pub(super) fn of_pods(input: &RuleInput<'_>, namespace: &str, wanted: &[&Pod<'_>]) -> Self {
        let declared = wanted.iter().flat_map(|p| input.pods.known_ports(p)).collect();
        let mut ports = Ports { of_pods: declared, by_service: BTreeMap::new() };
        for service in input.services(namespace).filter_map(|object| input.service_id(object)) {
            let pods = input.pods.of_service(service);
            let pods: Vec<&Pod<'_>> =
                pods.into_iter().filter(|p| wanted.iter().any(|w| std::ptr::eq(*w, *p))).collect();
            if !pods.is_empty() {
                ports.add(input, service, &pods);
            }
        }
        ports
    }

    /// Adds those of a service, as some of its pods have them.
    pub(super) fn add(&mut self, input: &RuleInput<'_>, service: ServiceId, pods: &[&Pod<'_>]) {
        let of_pods = pods.iter().filter_map(|p| p.workload).map(|w| input.mesh.workload(w));
        for port in &input.mesh.service(service).ports {
            let targets = self.by_service.entry(port.number).or_default();
            match port.target_number() {
                Some(number) => targets.push(Some(number)),
                None if pods.is_empty() => targets.push(None),
                None => targets.extend(of_pods.clone().map(|w| Some(port.target_at(w)))),
            }
        }
    }

    /// The Service ports behind a port that is a target port only.
    pub(super) fn services_of(&self, port: u16) -> Option<Vec<String>> {
        if self.by_service.contains_key(&port) {
            return None;
        }
        let found: Vec<String> = self
            .by_service
            .iter()
            .filter(|(_, targets)| targets.contains(&Some(port)))
            .map(|(service, _)| service.to_string())
            .collect();
        (!found.is_empty()).then_some(found)
    }

    /// The target ports of a port that is a Service port only.
    pub(super) fn targets_of(&self, port: u16) -> Option<Vec<String>> {
        let mut all = self.by_service.values().flatten();
        if self.of_pods.contains(&port) || all.any(|t| t.is_none_or(|t| t == port)) {
            return None;
        }
        let found: BTreeSet<u16> = self.by_service.get(&port)?.iter().flatten().copied().collect();
        (!found.is_empty()).then(|| found.iter().map(u16::to_string).collect())
    }
}
