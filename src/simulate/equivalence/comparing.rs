//! Both meshes asked about one destination after another.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::change::{AccessChange, Bound, Change, Comparison};
use super::client::Client;
use super::difference::{Difference, answer, differing};
use super::field::{self, Cache};
use super::place::{self, Enforcers, Place};
use super::question::{Questions, Road, Setting, questions, rules};
use crate::simulate::decision::{Decision, Point, Reason, Step, Verdict};
use crate::simulate::envoy::ChainKind;
use crate::simulate::matcher::IpBlock;
use crate::simulate::mesh::{Mesh, Protocol};
use crate::simulate::path::{Hop, Met, Way, ends};
use crate::simulate::request::{Destination, HttpRequest, Prepared, normalization};

/// What a survey of one way shows, as far as answers hang on it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Seen {
    /// An Envoy, and the tests of its rules that hang on the client: a number for each outcome.
    Envoy(usize, ChainKind, usize),
    /// What does not hang on the request.
    Said(Point, Reason),
    /// The client is not there.
    Nobody,
}

/// The ways of one client to one destination in one mesh, for HTTP and for other connections.
struct Survey<'a> {
    roads: Vec<Vec<Met<'a>>>,
    seen: Vec<Seen>,
}

/// A comparison that is being made.
pub struct Comparing<'m> {
    meshes: [&'m Mesh; 2],
    cache: Cache,
    /// By side, point, kind and what it sees of the client: the outcome of its tests.
    reads: HashMap<(usize, usize, ChainKind, String), usize>,
    signatures: HashMap<(usize, usize, ChainKind, Vec<u32>), usize>,
    /// What was found so far.
    pub found: Comparison,
}

/// One of the two meshes, seen from one destination.
struct Side<'p> {
    index: usize,
    mesh: &'p Mesh,
    /// `GET /`, and a connection that is not HTTP where the port does not say what it speaks.
    ordinary: Vec<Prepared>,
}

/// A place in the one or the other way to ask.
struct Asking<'p> {
    place: &'p Place,
    sides: &'p [Side<'p>],
    setting: &'p Setting,
    /// Which of the sides' ordinary requests is like it.
    kind: usize,
    raw_tcp: bool,
    /// The two meshes do not make the same of a path.
    paths_differ: bool,
}

impl<'m> Comparing<'m> {
    /// Nothing is compared yet.
    pub fn new(meshes: [&'m Mesh; 2]) -> Self {
        Self {
            meshes,
            cache: Cache::default(),
            reads: HashMap::new(),
            signatures: HashMap::new(),
            found: Comparison::default(),
        }
    }

    /// Asks about one destination for all these clients.
    pub fn place(
        &mut self,
        place: &Place,
        enforcers: &[Option<Enforcers>; 2],
        clients: &[Client<'m>],
    ) {
        let meshes = self.meshes;
        let ordinary = place.there.iter().zip(meshes);
        let ordinary = ordinary.filter_map(|(to, mesh)| Some(Prepared::ordinary(mesh, (*to)?)));
        let ordinary: Vec<(String, Protocol)> = ordinary.collect();
        // a waypoint does not ask what a pod's port is declared to speak: it looks at the first bytes
        let is_open = ordinary.iter().any(|(_, protocol)| *protocol == Protocol::Unset)
            || place
                .there
                .iter()
                .zip(meshes)
                .any(|(to, mesh)| to.is_some_and(|to| at_pods(mesh, to)));
        let kinds: &[bool] = if is_open { &[false, true] } else { &[false] };
        let sides: Vec<Side<'_>> = (0..2)
            .filter_map(|index| {
                let (to, mesh) = (place.there[index]?, meshes[index]);
                let http = HttpRequest::default();
                let ordinary =
                    kinds.iter().map(|raw| Prepared::new(mesh, to, &http, *raw)).collect();
                Some(Side { index, mesh, ordinary })
            })
            .collect();
        self.note_unknown_address(place, enforcers);
        let mut hosts = ordinary.iter().map(|(host, _)| host);
        let host = hosts.next().filter(|first| hosts.all(|other| other == *first));
        let paths: BTreeSet<_> =
            sides.iter().map(|s| normalization(s.mesh, s.ordinary[0].to)).collect();
        let setting =
            Setting { host: host.cloned(), paths: paths.first().copied().unwrap_or_default() };
        let blocks = self.client_blocks(enforcers);
        for (kind, raw_tcp) in kinds.iter().enumerate() {
            let mut pending = self.groups(&sides, kind, clients);
            if !blocks.is_empty() {
                // whoever's address is not known may have any; who is told apart at one is seen anew
                let unknown = clients.iter().filter(|client| client.has_unknown_address());
                let unknown: Vec<&Client<'m>> = unknown.collect();
                for address in field::addresses(&blocks) {
                    let there: Vec<_> = unknown.iter().map(|client| client.at(address)).collect();
                    pending.extend(self.groups(&sides, kind, &there));
                }
            }
            let asking = Asking {
                place,
                sides: &sides,
                setting: &setting,
                kind,
                raw_tcp: *raw_tcp,
                paths_differ: paths.len() > 1,
            };
            for group in pending {
                self.group(&asking, &group);
            }
        }
    }

    fn note_unknown_address(&mut self, place: &Place, enforcers: &[Option<Enforcers>; 2]) {
        let unknown = (0..2).any(|side| {
            let (Some(enforcers), Some(to)) = (&enforcers[side], place.there[side]) else {
                return false;
            };
            let mesh = self.meshes[side];
            enforcers.reads_destination(mesh) && !place::knows_addresses(mesh, to)
        });
        if unknown {
            self.found.bounds.push(Bound::DestinationAddress(place.target.clone()));
        }
    }

    fn note_not_shown(&mut self, place: &Place, decisions: &[Option<Decision>; 2]) {
        let [Some(before), Some(after)] = decisions else { return };
        if before.verdict == Verdict::Unknown
            && after.verdict == Verdict::Unknown
            && let Some(step) = after.walk().and_then(|walk| walk.deciding())
        {
            let bound = Bound::NotShown(place.target.clone(), self.meshes[1].reason_text(step));
            if self.found.bounds.last() != Some(&bound) {
                self.found.bounds.push(bound);
            }
        }
    }

    fn client_blocks(&self, enforcers: &[Option<Enforcers>; 2]) -> BTreeSet<IpBlock> {
        let mut blocks = BTreeSet::new();
        for (mesh, enforcers) in self.meshes.into_iter().zip(enforcers) {
            if let Some(enforcers) = enforcers {
                enforcers.client_addresses(mesh, &mut blocks);
            }
            let rules = mesh.fixed.network_policies.iter().map(|p| &p.spec).flat_map(|spec| {
                spec.ingress
                    .iter()
                    .flat_map(|r| &r.from)
                    .chain(spec.egress.iter().flat_map(|r| &r.to))
            });
            for block in rules.filter_map(|peer| peer.ip_block.as_ref()) {
                let texts = std::iter::once(&block.cidr).chain(&block.except);
                blocks.extend(texts.filter_map(|text| IpBlock::parse(text)));
            }
        }
        blocks
    }

    /// Clients that no point on the way can tell apart, together; in the order of the first of each.
    fn groups(
        &mut self,
        sides: &[Side<'_>],
        kind: usize,
        clients: &[Client<'m>],
    ) -> Vec<Vec<Client<'m>>> {
        let mut index: HashMap<Vec<Vec<Seen>>, usize> = HashMap::new();
        let mut groups: Vec<Vec<Client<'m>>> = Vec::new();
        for client in clients {
            let key = sides
                .iter()
                .map(|side| match client.hops[side.index] {
                    Some(hop) => self.survey(side, kind, hop).seen,
                    None => vec![Seen::Nobody],
                })
                .collect();
            let next = groups.len();
            let place = *index.entry(key).or_insert(next);
            if place == next {
                groups.push(vec![client.clone()]);
            } else {
                groups[place].push(client.clone());
            }
        }
        groups
    }

    fn survey<'p>(&mut self, side: &'p Side<'p>, kind: usize, hop: Hop<'p>) -> Survey<'p> {
        let prepared = &side.ordinary[kind];
        let mut survey = Survey { roads: Vec::new(), seen: Vec::new() };
        let mut steps: Vec<Step> = Vec::with_capacity(4);
        for endpoint in ends(side.mesh, hop, prepared) {
            let met = Way::new(side.mesh, prepared, hop, &mut steps).survey(endpoint);
            let said = steps.iter().filter(|step| step.chain.is_none());
            survey.seen.extend(said.map(|step| Seen::Said(step.point, step.reason)));
            for one in &met {
                let signature = self.signature(side, one);
                survey.seen.push(Seen::Envoy(one.point, one.kind, signature));
            }
            survey.roads.push(met);
        }
        survey
    }

    /// A number for what the rules of a point make of a client.
    fn signature(&mut self, side: &Side<'_>, met: &Met<'_>) -> usize {
        let facts = &met.facts;
        let sees = format!(
            "{} {:?} {:?} {:?} {:?} {} {}",
            facts.peer.map_or("", |p| p.uri()),
            facts.edge,
            facts.source_ip,
            facts.remote_ip,
            facts.destination_ip,
            facts.destination_port,
            facts.sni
        );
        let key = (side.index, met.point, met.kind, sees);
        if let Some(known) = self.reads.get(&key) {
            return *known;
        }
        let mut outcome = Vec::new();
        for (index, rule) in rules(side.mesh, met.point, met.kind).enumerate() {
            if !rule.is_candidate(facts.peer) {
                continue;
            }
            outcome.push(index as u32);
            let tests = rule.tests().filter(|test| !test.is_http());
            outcome.extend(tests.map(|test| u32::from(test.holds(facts))));
        }
        let next = self.signatures.len();
        let place = (side.index, met.point, met.kind, outcome);
        let number = *self.signatures.entry(place).or_insert(next);
        self.reads.insert(key, number);
        number
    }

    /// Asks both meshes about a group's requests.
    fn group(&mut self, asking: &Asking<'_>, group: &[Client<'m>]) {
        let Asking { place, sides, setting, kind, raw_tcp, paths_differ } = *asking;
        let Some(first) = group.first() else { return };
        let mut roads: Vec<Road<'_>> = Vec::new();
        for side in sides {
            let Some(hop) = first.hops[side.index] else { continue };
            let survey = self.survey(side, kind, hop);
            roads.extend(survey.roads.into_iter().map(|met| Road { mesh: side.mesh, met }));
        }
        let reads_requests =
            roads.iter().flat_map(|road| &road.met).any(|met| met.kind == ChainKind::Http);
        // where no proxy takes it for bytes, it fares as the first kind did
        if raw_tcp && !roads.iter().flat_map(|road| &road.met).any(|met| met.kind == ChainKind::Tcp)
        {
            return;
        }
        let asked = if reads_requests && !raw_tcp {
            questions(&roads, setting, &mut self.cache)
        } else {
            Questions { all: vec![HttpRequest::default()], complete: true }
        };
        drop(roads);
        if !asked.complete || (paths_differ && reads_requests) {
            let bounds =
                group.iter().map(|c| Bound::Requests(c.caller.clone(), place.target.clone()));
            self.found.bounds.extend(bounds);
        }
        self.found.pairs += group.len();
        self.found.requests += asked.all.len();
        let mut best: BTreeMap<Change, (usize, Difference)> = BTreeMap::new();
        for http in &asked.all {
            let decide = |index: usize| -> Option<Decision> {
                let (to, hop) = (place.there[index]?, first.hops[index]?);
                let mesh = self.meshes[index];
                Some(mesh.decide_for(hop, &Prepared::new(mesh, to, http, raw_tcp)))
            };
            let decisions = [decide(0), decide(1)];
            self.note_not_shown(place, &decisions);
            for change in [Change::Gain, Change::Loss] {
                let Some(endpoint) = differing(self.meshes, &decisions, change) else { continue };
                let own = Difference {
                    request: (reads_requests && !raw_tcp).then(|| http.clone()),
                    answers: [0, 1].map(|side| {
                        let decision = decisions[side].as_ref()?;
                        Some(answer(self.meshes[side], decision, &endpoint))
                    }),
                };
                match best.get_mut(&change) {
                    None => {
                        best.insert(change, (1, own));
                    }
                    Some((count, smallest)) => {
                        *count += 1;
                        if own.weight() < smallest.weight() {
                            *smallest = own;
                        }
                    }
                }
            }
        }
        for (change, (count, difference)) in best {
            let [before, after] = difference.answers;
            let changes = group.iter().map(|client| AccessChange {
                change,
                from: client.caller.clone(),
                to: place.target.clone(),
                request: difference.request.clone(),
                every_request: count == asked.all.len(),
                before: before.clone(),
                after: after.clone(),
            });
            self.found.changes.extend(changes);
        }
    }
}

/// Whether what is addressed is pods, not a service's own address.
fn at_pods(mesh: &Mesh, to: Destination) -> bool {
    match to {
        Destination::Pod { .. } => true,
        Destination::Service { service, .. } => mesh.service(service).headless,
    }
}
