//! The clients of both meshes, and who of them no rule of a place can tell apart: worked out from what the
//! rules ask, so that the work is that of whom they name, not that of everybody at every place.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use super::client::{Client, known};
use super::place::{Enforcers, Place};
use super::same::Same;
use super::who::{Classes, KnownIdentities, Lists, classes};
use crate::k8s::Labels;
use crate::simulate::capture::Capture;
use crate::simulate::matcher::IpBlock;
use crate::simulate::mesh::{ClusterId, Mesh, NamespaceId, PodState, Role, WorkloadId};
use crate::simulate::network_policy::peers_hold;
use crate::simulate::outbound::Asks;
use crate::simulate::path::{Hop, Speaks, end_of};

/// Tests of clients are numbered by turns: identities on either side, NetworkPolicies, blocks of addresses,
/// rules of their own proxies.
const KINDS: u32 = 5;

/// Everybody whom the manifests show.
pub struct Crowd<'m> {
    meshes: [&'m Mesh; 2],
    clients: Vec<Client<'m>>,
    /// By client: its identity's number on each side.
    identities: Vec<[Option<u32>; 2]>,
    by_identity: HashMap<u32, Vec<u32>>,
    known: KnownIdentities<'m>,
    /// By client: which of `kinds` it is of.
    kind_of: Vec<u32>,
    kinds: Vec<Vec<u32>>,
    /// By kind: what its answers depend on differs between the two sides.
    differs: Vec<bool>,
    domains: BTreeSet<String>,
    prepared: Vec<Prepared>,
    by_asked: HashMap<Asked, usize>,
    admitted: HashMap<(usize, usize, usize), Vec<u32>>,
    inside: HashMap<(usize, IpBlock), Vec<u32>>,
    /// By the name of a namespace: the clients there whose own proxy sends by rules.
    sending: HashMap<&'m str, Vec<u32>>,
}

/// Who asks something of the clients of a place.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Asked {
    enforcers: [Option<Enforcers>; 2],
    /// The NetworkPolicies in front of it.
    network: [Vec<usize>; 2],
    /// The rules by which clients' own proxies send there.
    outbound: Asks,
}

/// What is asked of clients at some places, and who is told apart by it.
pub struct Prepared {
    /// Identities that no workload has.
    pub classes: Classes,
    /// Blocks of addresses that clients are looked for in.
    pub blocks: BTreeSet<IpBlock>,
    /// By client: the tests that hold for it, where any does.
    touched: BTreeMap<u32, Vec<u32>>,
}

/// All that a way reads of its client but what rules and NetworkPolicies ask of it.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Kind {
    role: Option<Role>,
    speaks: Speaks,
    cluster: Option<ClusterId>,
    trust_domain: Option<String>,
    knows_address: bool,
    /// A gateway asks its own policies: each is a kind of its own.
    gateway: Option<WorkloadId>,
    /// The NetworkPolicies that isolate its egress.
    egress: Vec<usize>,
    /// Its namespace, where a route is for clients of that alone, or no manifest shows it.
    namespace: Option<NamespaceId>,
    /// Both its addresses, where it has two families.
    addresses: Option<(IpAddr, IpAddr)>,
    /// What its own proxy reads of it, where it has one.
    sends: Option<Sender>,
}

/// What decides how a client's proxy sends (`outbound`), wherever it sends: what its namespace and its labels
/// decide is asked at the places whose rules name them ([`Asks`]).
#[derive(Clone, PartialEq, Eq, Hash)]
struct Sender {
    capture: Option<Box<Capture>>,
    /// Its Sidecar.
    scope: Option<u32>,
}

impl Sender {
    fn of(mesh: &Mesh, id: WorkloadId) -> Self {
        let capture = mesh.workload(id).capture.clone();
        Self { capture, scope: mesh.fixed.outbound.scope_of(id) }
    }
}

impl Kind {
    fn of(mesh: &Mesh, hop: &Hop<'_>, selecting: &[usize], routed: &BTreeSet<NamespaceId>) -> Self {
        let Hop { workload, role, peer, cluster, ip, speaks } = *hop;
        let isolates = |index: &&usize| mesh.fixed.network_policies[**index].spec.isolates_egress();
        Self {
            role,
            speaks,
            cluster,
            trust_domain: peer.map(|peer| peer.trust_domain().to_owned()),
            knows_address: ip.is_some(),
            gateway: workload.filter(|_| role == Some(Role::Gateway)),
            egress: selecting.iter().filter(isolates).copied().collect(),
            namespace: workload.and_then(|id| {
                let own = mesh.workload(id).namespace;
                let counts = routed.contains(&own) || mesh.unshown_namespace(id).is_some();
                counts.then_some(own)
            }),
            addresses: workload.and_then(|id| ip.zip(mesh.workload(id).other_ip)),
            sends: workload.filter(|_| speaks.is_routed()).map(|id| Sender::of(mesh, id)),
        }
    }
}

/// Clients whom nothing at a place can tell apart.
pub enum Group {
    /// These.
    These(Vec<u32>),
    /// All of a kind for whom no test of the place holds, and how many they are.
    Rest(u32, usize),
}

impl Group {
    /// How many they are.
    pub fn len(&self) -> usize {
        match self {
            Group::These(all) => all.len(),
            Group::Rest(_, count) => *count,
        }
    }
}

impl<'m> Crowd<'m> {
    /// Everybody of both meshes.
    pub fn new(meshes: [&'m Mesh; 2], same: &mut Same<'m>) -> Self {
        let clients = known(meshes);
        let mut domains = BTreeSet::new();
        for mesh in meshes {
            for (_, options) in mesh.clusters() {
                domains.insert(options.trust_domain.clone());
                domains.extend(options.trust_domain_aliases.iter().cloned());
                if options.features.skip_validate_trust_domain {
                    domains.insert("other.domain".to_owned());
                }
            }
        }
        let mut crowd = Self {
            meshes,
            clients,
            identities: Vec::new(),
            by_identity: HashMap::new(),
            known: KnownIdentities::default(),
            kind_of: Vec::new(),
            kinds: Vec::new(),
            differs: Vec::new(),
            domains,
            prepared: Vec::new(),
            by_asked: HashMap::new(),
            admitted: HashMap::new(),
            inside: HashMap::new(),
            sending: HashMap::new(),
        };
        // routes that are for the clients of some namespaces
        let routed = meshes.map(|mesh| -> BTreeSet<NamespaceId> {
            mesh.fixed.routes.iter().filter_map(|r| r.clients.as_ref()).flatten().copied().collect()
        });
        let mut numbers: HashMap<([Option<Kind>; 2], bool), u32> = HashMap::new();
        for index in 0..crowd.clients.len() {
            let client = &crowd.clients[index];
            let differs = match client.workloads {
                [Some(old), Some(new)] => !same.client([old, new]),
                [None, None] => false,
                _ => true,
            };
            let kinds = [0, 1].map(|side| {
                let hop = client.hops[side].as_ref()?;
                let selecting =
                    client.workloads[side].map_or(&[][..], |id| same.selecting(side, id));
                Some(Kind::of(meshes[side], hop, selecting, &routed[side]))
            });
            let next = crowd.kinds.len() as u32;
            let kind = *numbers.entry((kinds, differs)).or_insert(next);
            if kind == next {
                crowd.kinds.push(Vec::new());
                crowd.differs.push(differs);
            }
            crowd.kinds[kind as usize].push(index as u32);
            crowd.kind_of.push(kind);
            crowd.number(index as u32);
            crowd.note_namespaces(index as u32);
        }
        // a pod whose proxy shows a certificate stands for its identity, also where it asks for nothing
        for mesh in meshes {
            for (id, workload) in mesh.workloads() {
                let shows = mesh.state(id) != PodState::Plain && workload.role == Role::Application;
                crowd.known.number(mesh.identities().peer(workload.identity), shows);
            }
        }
        crowd
    }

    fn number(&mut self, index: u32) {
        let hops = self.clients[index as usize].hops;
        let numbers = hops.map(|hop| {
            let peer = hop?.peer?;
            let number = self.known.number(peer, false);
            let own = self.by_identity.entry(number).or_default();
            if own.last() != Some(&index) {
                own.push(index);
            }
            Some(number)
        });
        self.identities.push(numbers);
    }

    /// Notes the namespaces of a client whose own proxy sends by rules.
    fn note_namespaces(&mut self, index: u32) {
        let hops = self.clients[index as usize].hops.into_iter().zip(self.meshes);
        for (hop, mesh) in hops {
            let Some(hop) = hop.filter(|hop| hop.speaks.is_routed()) else { continue };
            let Some(id) = hop.workload else { continue };
            let name = mesh.namespace(mesh.workload(id).namespace).name.as_str();
            let own = self.sending.entry(name).or_default();
            if own.last() != Some(&index) {
                own.push(index);
            }
        }
    }

    /// Is there a client whose answers may differ, whatever the destination is?
    pub fn anybody_differs(&self) -> bool {
        self.differs.contains(&true)
    }

    /// A client.
    pub fn client(&self, index: u32) -> &Client<'m> {
        &self.clients[index as usize]
    }

    /// Works out what is asked of clients at a place; the number to ask [`Crowd::prepared`] for.
    pub fn prepare(
        &mut self,
        same: &Same<'m>,
        place: &Place,
        enforcers: &[Option<Enforcers>; 2],
    ) -> usize {
        let network = [0, 1].map(|side| {
            let Some(to) = place.there[side] else { return Vec::new() };
            let pods = super::place::pods_on_the_way(self.meshes[side], to).into_iter();
            let policies = &self.meshes[side].fixed.network_policies;
            let mut all: Vec<usize> = pods
                .flat_map(|id| same.selecting(side, id))
                .filter(|index| policies[**index].spec.isolates_ingress())
                .copied()
                .collect();
            all.sort_unstable();
            all.dedup();
            all
        });
        let [old, new] = [0, 1].map(|side| {
            place.there[side].map_or_else(Asks::default, |to| Asks::of(self.meshes[side], to))
        });
        let asked = Asked { enforcers: enforcers.clone(), network, outbound: old.and(new) };
        if let Some(known) = self.by_asked.get(&asked) {
            return *known;
        }
        let prepared = self.tell_apart(&asked);
        self.prepared.push(prepared);
        self.by_asked.insert(asked, self.prepared.len() - 1);
        self.prepared.len() - 1
    }

    fn tell_apart(&mut self, asked: &Asked) -> Prepared {
        let mut lists = Lists::default();
        let mut blocks = BTreeSet::new();
        for (mesh, enforcers) in self.meshes.into_iter().zip(&asked.enforcers) {
            if let Some(enforcers) = enforcers {
                enforcers.identities(mesh, &mut lists);
                enforcers.client_addresses(mesh, &mut blocks);
            }
        }
        let network = [0, 1].map(|side| {
            let policies = &self.meshes[side].fixed.network_policies;
            asked.network[side].iter().map(|index| (*index, &policies[*index])).collect::<Vec<_>>()
        });
        for (_, policy) in network.iter().flatten() {
            let peers = policy.spec.ingress.iter().flat_map(|rule| &rule.from);
            for block in peers.filter_map(|peer| peer.ip_block.as_ref()) {
                let texts = std::iter::once(&block.cidr).chain(&block.except);
                blocks.extend(texts.filter_map(|text| IpBlock::parse(text)));
            }
        }
        let classes = classes(&lists, &mut self.known, &self.domains);
        // tests are numbered by turns (`KINDS`)
        let mut touched: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (number, lists) in &classes.known {
            for client in self.by_identity.get(number).into_iter().flatten() {
                let own = touched.entry(*client).or_default();
                for side in 0..2 {
                    if self.identities[*client as usize][side] == Some(*number) {
                        own.extend(lists.iter().map(|list| KINDS * list + side as u32));
                    }
                }
            }
        }
        let mut next = 2;
        for (side, policies) in network.iter().enumerate() {
            for (index, policy) in policies {
                for rule in 0..policy.spec.ingress.len() {
                    for client in self.admitted(side, *index, rule) {
                        touched.entry(*client).or_default().push(next);
                    }
                    next += KINDS;
                }
            }
        }
        let mut next = 3;
        for block in &blocks {
            for side in 0..2 {
                for client in self.inside(side, *block) {
                    touched.entry(*client).or_default().push(next);
                }
                next += KINDS;
            }
        }
        let mut next = 4;
        for namespace in &asked.outbound.namespaces {
            for client in self.sending.get(namespace.as_str()).into_iter().flatten() {
                touched.entry(*client).or_default().push(next);
            }
            next += KINDS;
        }
        for (namespace, selector) in &asked.outbound.labels {
            for side in 0..2 {
                for client in self.sending.get(namespace.as_str()).into_iter().flatten() {
                    if self.has_labels(*client, side, selector) {
                        touched.entry(*client).or_default().push(next);
                    }
                }
                next += KINDS;
            }
        }
        touched.values_mut().for_each(|own| own.sort_unstable());
        Prepared { classes, blocks, touched }
    }

    fn has_labels(&self, client: u32, side: usize, selector: &Labels) -> bool {
        let id = self.clients[client as usize].workloads[side];
        let labels = id.map(|id| &self.meshes[side].workload(id).labels);
        selector.iter().all(|(key, value)| labels.is_some_and(|l| l.get(key) == Some(value)))
    }

    /// The clients that a rule of a NetworkPolicy admits, ports apart.
    fn admitted(&mut self, side: usize, policy: usize, rule: usize) -> &[u32] {
        let (mesh, clients) = (self.meshes[side], &self.clients);
        self.admitted.entry((side, policy, rule)).or_insert_with(|| {
            let policy = &mesh.fixed.network_policies[policy];
            let from = &policy.spec.ingress[rule].from;
            // a rule without peers admits everybody
            if from.is_empty() {
                return Vec::new();
            }
            let all = (0..clients.len() as u32).filter(|index| {
                let hop = clients[*index as usize].hops[side];
                hop.is_some_and(|hop| peers_hold(policy, from, &end_of(mesh, &hop)))
            });
            all.collect()
        })
    }

    /// The clients that are known to be in a block of addresses.
    fn inside(&mut self, side: usize, block: IpBlock) -> &[u32] {
        let clients = &self.clients;
        self.inside.entry((side, block)).or_insert_with(|| {
            let ip = |index: &u32| -> Option<IpAddr> { clients[*index as usize].hops[side]?.ip };
            let all = 0..clients.len() as u32;
            all.filter(|index| ip(index).is_some_and(|ip| block.contains(ip))).collect()
        })
    }

    /// What was worked out for a place.
    pub fn prepared(&self, number: usize) -> &Prepared {
        &self.prepared[number]
    }

    /// Everybody in groups that nothing at a place can tell apart; of those whose answers cannot differ
    /// only where the place's do.
    pub fn groups(&self, prepared: &Prepared, place_differs: bool) -> Vec<Group> {
        let is_asked = |kind: u32| place_differs || self.differs[kind as usize];
        let mut groups: BTreeMap<(u32, &[u32]), Vec<u32>> = BTreeMap::new();
        let mut touched: HashMap<u32, usize> = HashMap::new();
        for (client, tests) in &prepared.touched {
            let kind = self.kind_of[*client as usize];
            if is_asked(kind) {
                groups.entry((kind, tests)).or_default().push(*client);
                *touched.entry(kind).or_default() += 1;
            }
        }
        let rest = (0..self.kinds.len() as u32).filter(|kind| is_asked(*kind)).map(|kind| {
            let all = self.kinds[kind as usize].len();
            Group::Rest(kind, all - touched.get(&kind).copied().unwrap_or_default())
        });
        let all = groups.into_values().map(Group::These).chain(rest);
        all.filter(|group| group.len() > 0).collect()
    }

    /// One of a group.
    pub fn first(&self, prepared: &Prepared, group: &Group) -> Option<Client<'m>> {
        self.members(prepared, group).next().cloned()
    }

    /// All of a group.
    pub fn members<'c>(
        &'c self,
        prepared: &'c Prepared,
        group: &'c Group,
    ) -> Box<dyn Iterator<Item = &'c Client<'m>> + 'c> {
        match group {
            Group::These(all) => Box::new(all.iter().map(|index| self.client(*index))),
            Group::Rest(kind, _) => Box::new(
                self.kinds[*kind as usize]
                    .iter()
                    .filter(|index| !prepared.touched.contains_key(index))
                    .map(|index| self.client(*index)),
            ),
        }
    }
}
