//! What the names and addresses of a log are in a mesh.

use std::collections::HashMap;
use std::net::IpAddr;

use super::answer::Why;
use super::pods::{PodRef, Pods};
use crate::simulate::{Client, ClusterId, Destination, Mesh, Role, ServiceId, WorkloadId};
use crate::traffic::{Class, Content, Party, Reporter, Sample, Symbol};

/// A mesh, by the names and addresses that logs have.
pub struct Directory<'m> {
    /// The mesh.
    pub mesh: &'m Mesh,
    pods: &'m Pods,
    hosts: HashMap<&'m str, Vec<ServiceId>>,
    vips: HashMap<IpAddr, Vec<ServiceId>>,
    workloads: HashMap<(&'m str, &'m str), Vec<WorkloadId>>,
    identities: HashMap<&'m str, Vec<WorkloadId>>,
    addresses: HashMap<IpAddr, Vec<WorkloadId>>,
    /// What lines with address and name tell of those without a name; empty where they contradict
    /// each other.
    told: HashMap<IpAddr, Vec<WorkloadId>>,
}

/// Who may have asked for what: every pair that the class may stand for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// The clients.
    pub from: Vec<Client>,
    /// The destinations.
    pub to: Vec<Destination>,
}

/// More pairs than this are not asked one by one.
const MANY: usize = 64;

impl<'m> Directory<'m> {
    /// Looks a mesh over once, and the sample for addresses that some of its lines name.
    pub fn new(mesh: &'m Mesh, pods: &'m Pods, sample: &Sample) -> Self {
        let mut hosts: HashMap<&str, Vec<ServiceId>> = HashMap::new();
        let mut vips: HashMap<IpAddr, Vec<ServiceId>> = HashMap::new();
        for (id, service) in mesh.services() {
            hosts.entry(&service.host).or_default().push(id);
            if let Some(vip) = service.vip {
                vips.entry(vip).or_default().push(id);
            }
        }
        let mut workloads: HashMap<_, Vec<WorkloadId>> = HashMap::new();
        let mut identities: HashMap<&str, Vec<WorkloadId>> = HashMap::new();
        let mut addresses: HashMap<IpAddr, Vec<WorkloadId>> = HashMap::new();
        for (id, workload) in mesh.workloads() {
            let namespace = mesh.namespace(workload.namespace).name.as_str();
            workloads.entry((namespace, workload.name.as_str())).or_default().push(id);
            if let Some(principal) = mesh.identities().peer(workload.identity).principal() {
                identities.entry(principal).or_default().push(id);
            }
            if let Some(ip) = workload.ip {
                addresses.entry(ip).or_default().push(id);
            }
        }
        let told = HashMap::new();
        let mut made = Self { mesh, pods, hosts, vips, workloads, identities, addresses, told };
        made.told = made.addresses_told(sample);
        made
    }

    /// Whose an address is, where a line has both: ztunnel names the pods at both ends.
    fn addresses_told(&self, sample: &Sample) -> HashMap<IpAddr, Vec<WorkloadId>> {
        let mut told: HashMap<IpAddr, Vec<WorkloadId>> = HashMap::new();
        for class in sample.classes() {
            let Party {
                address: Some(address), namespace: Some(namespace), pod: Some(pod), ..
            } = class.from
            else {
                continue;
            };
            let Ok(address) = sample.text(address).parse::<IpAddr>() else { continue };
            let known = self.pod(None, sample.text(namespace), sample.text(pod));
            let before = told.entry(address).or_insert_with(|| known.clone());
            if *before != known {
                before.clear();
            }
        }
        told
    }

    /// Who a class is of, and for what.
    ///
    /// # Errors
    /// Why that is not certain, or not a request of its own.
    pub fn locate(&self, sample: &Sample, class: &Class) -> Result<Located, Why> {
        let from = self.clients(sample, class)?;
        if from.iter().all(|id| self.mesh.workload(*id).role == Role::Waypoint) {
            return Err(Why::BehindWaypoint);
        }
        let clusters: Vec<ClusterId> = from.iter().map(|id| self.mesh.cluster_of(*id)).collect();
        let to = self.destinations(sample, class, &clusters)?;
        if from.len() * to.len() > MANY {
            return Err(Why::SeveralWorkloads);
        }
        Ok(Located { from: from.into_iter().map(Client::Workload).collect(), to })
    }

    fn clients(&self, sample: &Sample, class: &Class) -> Result<Vec<WorkloadId>, Why> {
        let Party { identity, address, accepted_at, namespace, pod, workload, cluster, .. } =
            class.from;
        let text = |symbol: Option<Symbol>| symbol.map(|s| sample.text(s));
        let cluster = text(cluster);
        if let Some(namespace) = text(namespace) {
            let name = text(workload);
            let known = match (name, text(pod)) {
                (Some(name), _) => self.named(cluster, namespace, name),
                (None, Some(pod)) => self.pod(cluster, namespace, pod),
                (None, None) => Vec::new(),
            };
            if !known.is_empty() {
                return self.under(text(identity), known);
            }
        }
        // a request that a gateway's own pod accepted came in there
        if let Some(gateway) = self.gateway_at(text(accepted_at)) {
            return Ok(gateway);
        }
        let at_address = self.at_address(text(address));
        match text(identity) {
            // a certificate is proof; an address may be a proxy's on the way
            Some(identity) => {
                let known = self.identities.get(identity).cloned().unwrap_or_default();
                if known.is_empty() {
                    return Err(Why::UnknownIdentity);
                }
                // among those that share it, the one that has the address
                let exact = at_address.unwrap_or_default();
                let both: Vec<_> = known.iter().copied().filter(|id| exact.contains(id)).collect();
                Ok(if both.is_empty() { known } else { both })
            }
            None => at_address,
        }
    }

    /// The gateway that has an address.
    fn gateway_at(&self, address: Option<&str>) -> Option<Vec<WorkloadId>> {
        let known = self.at_address(address).ok()?;
        let is_gateway = |id: &WorkloadId| {
            matches!(self.mesh.workload(*id).role, Role::Gateway | Role::EastWest)
        };
        (!known.is_empty() && known.iter().all(is_gateway)).then_some(known)
    }

    /// Those of workloads that run under an identity, where the line has one: another mesh, or another
    /// cluster of it, has workloads of the same names under other identities.
    fn under(
        &self,
        identity: Option<&str>,
        known: Vec<WorkloadId>,
    ) -> Result<Vec<WorkloadId>, Why> {
        let Some(identity) = identity else { return Ok(known) };
        let same = self.identities.get(identity).map_or(&[][..], Vec::as_slice);
        let known: Vec<_> = known.into_iter().filter(|id| same.contains(id)).collect();
        if known.is_empty() { Err(Why::UnknownIdentity) } else { Ok(known) }
    }

    /// The workloads that have an address.
    fn at_address(&self, address: Option<&str>) -> Result<Vec<WorkloadId>, Why> {
        let address = address.and_then(|a| a.parse::<IpAddr>().ok()).ok_or(Why::NoClient)?;
        if let Some(known) = self.addresses.get(&address) {
            return Ok(known.clone());
        }
        match self.pods.of_address(address) {
            Some(Some(pod)) => {
                let known = self.of_pod(pod);
                if known.is_empty() { Err(Why::UnknownAddress) } else { Ok(known) }
            }
            Some(None) => Err(Why::SharedAddress),
            None => match self.told.get(&address).map(Vec::as_slice) {
                Some([]) => Err(Why::SharedAddress),
                Some(known) => Ok(known.to_vec()),
                None => Err(Why::UnknownAddress),
            },
        }
    }

    fn of_pod(&self, pod: &PodRef) -> Vec<WorkloadId> {
        self.named(Some(&pod.cluster), &pod.namespace, &pod.workload)
    }

    fn named(&self, cluster: Option<&str>, namespace: &str, name: &str) -> Vec<WorkloadId> {
        let all = self.workloads.get(&(namespace, name)).cloned().unwrap_or_default();
        let here = |id: &WorkloadId| {
            cluster.is_none_or(|c| self.mesh.options(self.mesh.cluster_of(*id)).cluster == c)
        };
        let own: Vec<_> = all.iter().copied().filter(here).collect();
        // a log may know the cluster by another name
        if own.is_empty() { all } else { own }
    }

    /// The workloads that a pod may be of: as a dump of it says, else by its name.
    fn pod(&self, cluster: Option<&str>, namespace: &str, pod: &str) -> Vec<WorkloadId> {
        let clusters = self.mesh.clusters().map(|(_, options)| options.cluster.as_str());
        let told: Vec<WorkloadId> = clusters
            .filter(|name| cluster.is_none_or(|c| c == *name))
            .filter_map(|name| self.pods.of_name(name, namespace, pod))
            .flat_map(|pod| self.of_pod(pod))
            .collect();
        if !told.is_empty() {
            return told;
        }
        made_by(pod)
            .into_iter()
            .map(|name| self.named(cluster, namespace, name))
            .find(|known| !known.is_empty())
            .unwrap_or_default()
    }

    fn destinations(
        &self,
        sample: &Sample,
        class: &Class,
        clusters: &[ClusterId],
    ) -> Result<Vec<Destination>, Why> {
        let text = |symbol: Option<Symbol>| symbol.map(|s| sample.text(s));
        let address = text(class.to.address).and_then(|a| a.parse::<IpAddr>().ok());
        let pods = match class.reporter {
            Reporter::Server | Reporter::ZtunnelInbound => self.server(sample, class),
            _ => Vec::new(),
        };
        if let Some(host) = text(class.to.host) {
            let services = self.hosts.get(host).map(|all| self.nearest(all, clusters));
            let Some(services) = services else { return Err(Why::ForeignHost) };
            return self.ports(class, &services, address, &pods);
        }
        // what was addressed at a server: the authority says it, where the pod is behind that Service.
        // Elsewhere the address says it, which a client cannot choose another name for
        if class.reporter == Reporter::Server
            && let Content::Http { host: Some(host), .. } = class.content
            && let Some((services, port)) = self.authority(sample.text(host))
        {
            let services = self.nearest(&services, clusters);
            let behind: Vec<Destination> = services
                .iter()
                .filter(|id| {
                    let endpoints = &self.mesh.service(**id).endpoints;
                    pods.is_empty() || pods.iter().any(|pod| endpoints.contains(pod))
                })
                .filter(|id| self.leads_to(**id, port, class.to.pod_port, &pods))
                .map(|id| Destination::Service { service: *id, port })
                .collect();
            if !behind.is_empty() {
                return Ok(behind);
            }
        }
        // a gateway that knew no way: its own address is not what was asked for
        if self.gateway_at(text(class.from.accepted_at)).is_some() {
            return Err(Why::NoDestination);
        }
        let port = class.to.pod_port.ok_or(Why::NoPort)?;
        if !pods.is_empty() {
            let mut found: Vec<_> =
                pods.iter().map(|id| Destination::Pod { workload: *id, port }).collect();
            if class.reporter == Reporter::Server {
                found.extend(self.before(&pods, port, clusters));
            }
            return Ok(found);
        }
        let address = address.ok_or(Why::NoDestination)?;
        if let Some(services) = self.vips.get(&address) {
            let services = self.nearest(services, clusters);
            return self.ports(class, &services, Some(address), &pods);
        }
        match self.at_address(text(class.to.address)) {
            Ok(pods) => {
                Ok(pods.into_iter().map(|workload| Destination::Pod { workload, port }).collect())
            }
            Err(Why::SharedAddress) => Err(Why::SharedAddress),
            Err(_) => Err(Why::ForeignAddress),
        }
    }

    /// The ports of Services behind which this one of a pod is: which of their names was asked for, the pod
    /// does not see. The node translates the address of a Service, and nothing that of a headless one.
    fn before(
        &self,
        pods: &[WorkloadId],
        port: u16,
        clusters: &[ClusterId],
    ) -> impl Iterator<Item = Destination> {
        let mut services: Vec<ServiceId> =
            pods.iter().flat_map(|id| self.mesh.services_of(*id)).copied().collect();
        services.sort_unstable();
        services.dedup();
        let near = self.nearest(&services, clusters).into_iter();
        near.flat_map(move |id| {
            let service = self.mesh.service(id);
            let leads = move |p: &&crate::simulate::Port| {
                pods.iter().any(|pod| {
                    let there = match service.vip {
                        Some(_) => p.target_at(self.mesh.workload(*pod)),
                        None => p.number,
                    };
                    service.endpoints.contains(pod) && there == port
                })
            };
            let ports = service.ports.iter().filter(leads);
            ports.map(move |p| Destination::Service { service: id, port: p.number })
        })
    }

    /// The workload whose proxy wrote a line about what came in.
    fn server(&self, sample: &Sample, class: &Class) -> Vec<WorkloadId> {
        let text = |symbol: Option<Symbol>| symbol.map(|s| sample.text(s));
        if let (Some(namespace), Some(pod)) = (text(class.to.namespace), text(class.to.pod)) {
            let known = self.pod(None, namespace, pod);
            if !known.is_empty() {
                return known;
            }
        }
        self.at_address(text(class.to.address)).unwrap_or_default()
    }

    /// True where a Service's port leads to a port of pods: of those that are known, else of any behind it.
    fn leads_to(&self, id: ServiceId, port: u16, at: Option<u16>, pods: &[WorkloadId]) -> bool {
        let service = self.mesh.service(id);
        let behind = |id: &&WorkloadId| pods.is_empty() || pods.contains(id);
        service.ports.iter().filter(|p| p.number == port).any(|p| {
            at.is_none_or(|at| {
                let mut workloads = service.endpoints.iter().filter(behind);
                workloads.any(|w| p.target_at(self.mesh.workload(*w)) == at)
            })
        })
    }

    /// Of Services of one host, those of the clients' clusters where there are some.
    fn nearest(&self, all: &[ServiceId], clusters: &[ClusterId]) -> Vec<ServiceId> {
        let cluster =
            |id: &ServiceId| self.mesh.namespace(self.mesh.service(*id).namespace).cluster;
        let own: Vec<_> =
            all.iter().copied().filter(|id| clusters.contains(&cluster(id))).collect();
        if own.is_empty() { all.to_vec() } else { own }
    }

    /// The ports of Services that a class may be for.
    fn ports(
        &self,
        class: &Class,
        services: &[ServiceId],
        address: Option<IpAddr>,
        pods: &[WorkloadId],
    ) -> Result<Vec<Destination>, Why> {
        let mut found = Vec::new();
        for id in services {
            let service = self.mesh.service(*id);
            let declared = |port: u16| service.ports.iter().any(|p| p.number == port);
            let at_vip = address.is_some_and(|a| service.vip == Some(a));
            let numbers: Vec<u16> = match (class.to.service_port, class.to.pod_port) {
                (Some(port), _) => vec![port],
                (None, Some(port)) if at_vip => vec![port],
                // a pod's port: the Service's ports that lead there
                (None, Some(port)) => {
                    let behind = |id: &&WorkloadId| pods.is_empty() || pods.contains(id);
                    let leads = |p: &crate::simulate::Port| {
                        service
                            .endpoints
                            .iter()
                            .filter(behind)
                            .any(|w| p.target_at(self.mesh.workload(*w)) == port)
                    };
                    let by_target: Vec<u16> =
                        service.ports.iter().filter(|p| leads(p)).map(|p| p.number).collect();
                    // to a waypoint, HBONE is addressed to the Service's own port
                    if by_target.is_empty() && declared(port) { vec![port] } else { by_target }
                }
                (None, None) => service.ports.iter().map(|p| p.number).collect(),
            };
            found.extend(
                numbers
                    .into_iter()
                    .filter(|port| declared(*port))
                    .map(|port| Destination::Service { service: *id, port }),
            );
        }
        if found.is_empty() { Err(Why::NoPort) } else { Ok(found) }
    }

    /// The Services that an authority names, and the port: `httpbin.httpbin:8000` in any of the forms
    /// that a cluster's DNS knows.
    fn authority(&self, authority: &str) -> Option<(Vec<ServiceId>, u16)> {
        let (name, port) = match authority.rsplit_once(':') {
            Some((name, port)) => (name, port.parse().ok()?),
            None => (authority, 80),
        };
        let known = self.hosts.get(name).cloned().or_else(|| {
            let mut parts = name.split('.');
            let (service, namespace) = (parts.next()?, parts.next()?);
            let rest: Vec<&str> = parts.collect();
            if !matches!(rest.as_slice(), [] | ["svc"]) {
                return None;
            }
            self.hosts.get(format!("{service}.{namespace}.svc.cluster.local").as_str()).cloned()
        })?;
        Some((known, port))
    }
}

/// Names of workloads that may have made a pod of this name: without the suffixes that a ReplicaSet,
/// a DaemonSet or a StatefulSet gives (kubernetes/apimachinery: pkg/util/rand `SafeEncodeString`,
/// five of 27 letters and digits), the longest first.
fn made_by(pod: &str) -> Vec<&str> {
    let random = |s: &str| s.bytes().all(|b| b"bcdfghjklmnpqrstvwxz2456789".contains(&b));
    let mut names = vec![pod];
    if let Some((rest, last)) = pod.rsplit_once('-') {
        if last.bytes().all(|b| b.is_ascii_digit()) && !last.is_empty() {
            names.push(rest);
        }
        if last.len() == 5 && random(last) {
            names.push(rest);
            if let Some((deployment, hash)) = rest.rsplit_once('-')
                && (1..=10).contains(&hash.len())
                && hash.bytes().all(|b| b.is_ascii_alphanumeric())
            {
                names.push(deployment);
            }
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_pods_lead_to_their_workloads() {
        assert_eq!(
            made_by("sleep-868c754c4b-dnj2g"),
            ["sleep-868c754c4b-dnj2g", "sleep-868c754c4b", "sleep"]
        );
        assert_eq!(made_by("db-0"), ["db-0", "db"]);
        assert_eq!(
            made_by("node-exporter-x7k2p"),
            ["node-exporter-x7k2p", "node-exporter", "node"]
        );
        assert_eq!(made_by("web"), ["web"]);
    }
}
