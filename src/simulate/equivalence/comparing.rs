//! Both meshes asked about one destination after another.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use super::change::{AccessChange, Asked, Bound, Caller, CallerKind, Change, Comparison, Target};
use super::client::{Client, strangers};
use super::crowd::{Crowd, Prepared as Told};
use super::design::{Accounts, Refused};
use super::difference::{Difference, Said, differences};
use super::field::{self, Cache};
use super::place::{self, Enforcers, Place};
use super::question::{Questions, Road, Setting, questions, rules};
use crate::simulate::ask::Seen;
use crate::simulate::decision::{Point, Reason, Step, Verdict};
use crate::simulate::envoy::{ChainKind, Edge, Facts, Test};
use crate::simulate::mesh::{Mesh, NamespaceId, PodState, Protocol, Role};
use crate::simulate::path::{Hop, Met, Speaks, Way, ends};
use crate::simulate::request::{Destination, HttpRequest, Prepared, normalization};

/// What a survey of one way shows, as far as answers hang on it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Sight {
    /// What a client is, where an answer depends on that besides the points on its way.
    Client(Speaks, Option<Role>, Option<NamespaceId>),
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
    seen: Vec<Sight>,
}

impl Survey<'_> {
    /// Does a proxy refuse what is not HTTP?
    fn refuses_bytes(&self) -> bool {
        self.seen.iter().any(|seen| matches!(seen, Sight::Said(_, Reason::NotHttp)))
    }
}

/// A comparison that is being made.
pub struct Comparing<'m> {
    meshes: [&'m Mesh; 2],
    accounts: &'m Accounts,
    cache: Cache,
    /// By side, point, kind and what it sees of the client: the outcome of its tests.
    reads: HashMap<(usize, usize, ChainKind, Sees), usize>,
    signatures: HashMap<(usize, usize, ChainKind, Vec<u32>), usize>,
    /// What was found so far.
    pub found: Comparison,
}

/// All that an Envoy sees but the request.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Sees {
    uri: Option<String>,
    source_ip: Option<IpAddr>,
    remote_ip: Option<IpAddr>,
    edge: Edge,
    trusted_proxies: usize,
    scheme: Option<&'static str>,
    destination_ip: Option<IpAddr>,
    destination_port: u16,
    sni: String,
}

impl Sees {
    fn of(facts: &Facts<'_>) -> Self {
        // the last three are of the request
        let Facts {
            peer,
            source_ip,
            remote_ip,
            edge,
            trusted_proxies,
            scheme,
            destination_ip,
            destination_port,
            sni,
            http: _,
            claims: _,
            space_delimited: _,
        } = *facts;
        Self {
            uri: peer.map(|peer| peer.uri().to_owned()),
            source_ip,
            remote_ip,
            edge,
            trusted_proxies,
            scheme,
            destination_ip,
            destination_port,
            sni: sni.to_owned(),
        }
    }
}

/// Clients that nothing at a place can tell apart: one of them, and all.
pub struct Alike<'c, 'm> {
    first: Client<'m>,
    /// At this address, where manifests tell none.
    address: Option<IpAddr>,
    all: Vec<Members<'c, 'm>>,
}

#[derive(Clone, Copy)]
enum Members<'c, 'm> {
    Known(&'c super::crowd::Group),
    Strangers(&'c [Client<'m>]),
}

/// One of the two meshes, seen from one destination.
struct Side<'p> {
    index: usize,
    mesh: &'p Mesh,
    /// `GET /`, and a connection that is not HTTP where the port does not say what it speaks.
    ordinary: Vec<Prepared>,
}

/// A place in the one or the other way to ask.
struct Asking<'p, 'm> {
    place: &'p Place,
    sides: &'p [Side<'m>],
    setting: &'p Setting,
    /// Which of the sides' ordinary requests is like it.
    kind: usize,
    raw_tcp: bool,
    /// The two meshes do not make the same of a path.
    paths_differ: bool,
}

impl<'m> Comparing<'m> {
    /// Nothing is compared yet.
    pub fn new(meshes: [&'m Mesh; 2], accounts: &'m Accounts) -> Self {
        Self {
            meshes,
            accounts,
            cache: Cache::default(),
            reads: HashMap::new(),
            signatures: HashMap::new(),
            found: Comparison::default(),
        }
    }

    /// Asks about one destination for everybody; where it is the same on both sides, for the clients that
    /// are not.
    pub fn place(
        &mut self,
        place: &'m Place,
        enforcers: &[Option<Enforcers>; 2],
        crowd: &'m Crowd<'m>,
        told: &'m Told,
        states: Option<&[PodState]>,
    ) {
        let meshes = self.meshes;
        let ordinary = place.there.iter().zip(meshes);
        let ordinary = ordinary.filter_map(|(to, mesh)| Some(Prepared::ordinary(mesh, (*to)?)));
        let ordinary: Vec<(String, Protocol)> = ordinary.collect();
        // a waypoint does not ask what a pod's port is declared to speak: it looks at the first bytes; and
        // a declared port refuses what is not HTTP, which an end that reads no requests does not
        let kinds: &[bool] = &[false, true];
        let is_bytes = ordinary.iter().all(|(_, protocol)| *protocol == Protocol::Tcp)
            && !place
                .there
                .iter()
                .zip(meshes)
                .any(|(to, mesh)| to.is_some_and(|to| at_pods(mesh, to)));
        let kinds = if is_bytes { &kinds[..1] } else { kinds };
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
        let groups = crowd.groups(told, states.is_some());
        let strange = states.map(|states| strangers(&told.classes, states)).unwrap_or_default();
        if states.is_some() && !told.classes.complete {
            self.found.bounds.push(Bound::Identities(Target::clone(&place.target)));
        }
        let known = groups
            .iter()
            .filter_map(|group| Some((crowd.first(told, group)?, Members::Known(group))));
        let strange = strange
            .iter()
            .filter_map(|all| Some((all.first()?.clone(), Members::Strangers(all.as_slice()))));
        let all: Vec<(Client<'m>, Members<'_, 'm>)> = known.chain(strange).collect();
        for (kind, raw_tcp) in kinds.iter().enumerate() {
            let at_none = all.iter().map(|(first, members)| (first.clone(), *members));
            let mut pending = self.alike(&sides, kind, None, at_none);
            if !told.blocks.is_empty() {
                // whoever's address is not known may have any; who is told apart at one is seen anew
                for address in field::addresses(&told.blocks) {
                    // a pod has addresses of the families that its cluster has; somebody outside has any
                    let is_shown = told
                        .blocks
                        .iter()
                        .any(|block| block.address().is_ipv4() == address.is_ipv4());
                    let unknown = all.iter().filter(|(first, _)| {
                        first.has_unknown_address()
                            && (is_shown || first.caller.kind == CallerKind::Outside)
                    });
                    let there = unknown.map(|(first, members)| (first.at(address), *members));
                    pending.extend(self.alike(&sides, kind, Some(address), there));
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
                self.group(&asking, crowd, told, &group);
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
            self.found.bounds.push(Bound::DestinationAddress(Target::clone(&place.target)));
        }
    }

    fn note_not_shown(&mut self, place: &Place, said: &[Said<'_>; 2]) {
        let [Some(before), Some(after)] = [said[0].decision(), said[1].decision()] else { return };
        if before.verdict == Verdict::Unknown
            && after.verdict == Verdict::Unknown
            && let Some(step) = after.walk().and_then(|walk| walk.deciding())
        {
            let bound =
                Bound::NotShown(Target::clone(&place.target), self.meshes[1].reason_text(step));
            if self.found.bounds.last() != Some(&bound) {
                self.found.bounds.push(bound);
            }
        }
    }

    /// Clients that no point on the way can tell apart, together; in the order of the first of each.
    fn alike<'c>(
        &mut self,
        sides: &[Side<'m>],
        kind: usize,
        address: Option<IpAddr>,
        clients: impl Iterator<Item = (Client<'m>, Members<'c, 'm>)>,
    ) -> Vec<Alike<'c, 'm>> {
        let mut index: HashMap<Vec<Vec<Sight>>, usize> = HashMap::new();
        let mut groups: Vec<Alike<'c, 'm>> = Vec::new();
        for (first, members) in clients {
            let key = sides
                .iter()
                .map(|side| match first.hops[side.index] {
                    Some(hop) => self.survey(side, kind, hop).seen,
                    None => vec![Sight::Nobody],
                })
                .collect();
            let next = groups.len();
            let place = *index.entry(key).or_insert(next);
            if place == next {
                groups.push(Alike { first, address, all: vec![members] });
            } else {
                groups[place].all.push(members);
            }
        }
        groups
    }

    fn survey<'p>(&mut self, side: &'p Side<'p>, kind: usize, hop: Hop<'p>) -> Survey<'p> {
        let prepared = &side.ordinary[kind];
        let mut survey = Survey { roads: Vec::new(), seen: Vec::new() };
        let mut steps: Vec<Step> = Vec::with_capacity(4);
        let unshown = hop.workload.and_then(|id| side.mesh.unshown_namespace(id));
        survey.seen.push(Sight::Client(hop.speaks, hop.role, unshown));
        let other = hop.other_family(side.mesh, prepared.to);
        let by_each = std::iter::once(hop).chain(other);
        let ways = by_each.flat_map(|hop| {
            ends(side.mesh, hop, prepared).into_iter().map(move |endpoint| (hop, endpoint))
        });
        for (hop, endpoint) in ways {
            let met = Way::new(side.mesh, prepared, hop, &mut steps).survey(endpoint);
            let said = steps.iter().filter(|step| step.chain.is_none());
            survey.seen.extend(said.map(|step| Sight::Said(step.point, step.reason)));
            for one in &met {
                let signature = self.signature(side, one);
                survey.seen.push(Sight::Envoy(one.point, one.kind, signature));
            }
            survey.roads.push(met);
        }
        survey
    }

    /// Does a client's HTTP go the same way as its bytes, of which `seen` shows the way?
    fn fares_as_http(&mut self, side: &Side<'m>, hop: Hop<'m>, seen: &[Sight]) -> bool {
        let [http, bytes] = side.ordinary.as_slice() else { return true };
        ends(side.mesh, hop, http) == ends(side.mesh, hop, bytes)
            && self.survey(side, 0, hop).seen == seen
    }

    /// A number for what the rules of a point make of a client: which of them are in question, and which
    /// of their clauses hold that do not read the request.
    fn signature(&mut self, side: &Side<'_>, met: &Met<'_>) -> usize {
        let facts = &met.facts;
        let key = (side.index, met.point, met.kind, Sees::of(facts));
        if let Some(known) = self.reads.get(&key) {
            return *known;
        }
        let mut outcome = Vec::new();
        for (index, rule) in rules(side.mesh, met.point, met.kind).enumerate() {
            if !rule.is_candidate(facts.peer) {
                continue;
            }
            outcome.push(index as u32);
            for clause in rule.clauses() {
                let tests = || clause.any.iter().chain(&clause.none);
                // X-Forwarded-For counts for the client's address
                let is_open = |test: &Test| test.is_http() || matches!(test, Test::RemoteIp(_));
                if tests().any(is_open) {
                    let own = tests().filter(|test| !test.is_http());
                    outcome.extend(own.map(|test| u32::from(test.holds(facts))));
                } else {
                    outcome.push(u32::from(clause.holds(facts)));
                }
            }
        }
        let next = self.signatures.len();
        let place = (side.index, met.point, met.kind, outcome);
        let number = *self.signatures.entry(place).or_insert(next);
        self.reads.insert(key, number);
        number
    }

    /// Do the policies of a pod's sidecar admit a client that shows its certificate? To a pod's address its
    /// own sidecar shows none (facts/outbound.md 01).
    fn would_admit(
        &self,
        place: &Place,
        client: &Client<'_>,
        side: usize,
        (http, raw_tcp): (&HttpRequest, bool),
    ) -> bool {
        let (Some(Destination::Pod { workload, port }), Some(hop)) =
            (place.there[side], client.hops[side])
        else {
            return false;
        };
        let has_sidecar = hop.speaks.is_routed() && hop.role == Some(Role::Application);
        let (mesh, Some(peer)) = (self.meshes[side], hop.peer.filter(|_| has_sidecar)) else {
            return false;
        };
        let (host, _) = Prepared::ordinary(mesh, Destination::Pod { workload, port });
        let seen = Seen {
            peer: Some(peer.uri().to_owned()),
            source_ip: hop.ip,
            remote_ip: None,
            destination_ip: mesh.workload(workload).ip,
            destination_port: port,
            sni: String::new(),
            is_tls: false,
            speaks_http: !raw_tcp,
            http: HttpRequest { host: http.host.clone().or(Some(host)), ..http.clone() },
        };
        !mesh.ask_sidecar(workload, &seen).reason.is_refusal()
    }

    /// Asks both meshes about a group's requests.
    fn group(
        &mut self,
        asking: &Asking<'_, 'm>,
        crowd: &Crowd<'m>,
        told: &Told,
        group: &Alike<'_, 'm>,
    ) {
        let Asking { place, sides, setting, kind, raw_tcp, paths_differ } = *asking;
        let (first, meshes) = (&group.first, self.meshes);
        let callers = || {
            let all = group.all.iter().flat_map(|members| members.callers(crowd, told));
            all.map(|caller| match group.address {
                Some(address) => caller.at(address),
                None => Arc::clone(caller),
            })
        };
        let mut roads: Vec<Road<'_>> = Vec::new();
        let mut refuses_bytes = false;
        let mut seen = Vec::with_capacity(sides.len());
        for side in sides {
            let Some(hop) = first.hops[side.index] else { continue };
            let survey = self.survey(side, kind, hop);
            refuses_bytes |= survey.refuses_bytes();
            seen.push((side, hop, survey.seen));
            roads.extend(survey.roads.into_iter().map(|met| Road { mesh: side.mesh, met }));
        }
        let reads_requests =
            roads.iter().flat_map(|road| &road.met).any(|met| met.kind == ChainKind::Http);
        // where no proxy looks whether it is HTTP, and no route takes it elsewhere, it fares as the first
        // kind did
        if raw_tcp
            && !refuses_bytes
            && !roads.iter().flat_map(|road| &road.met).any(|met| met.kind == ChainKind::Tcp)
            && seen.iter().all(|(side, hop, seen)| self.fares_as_http(side, *hop, seen))
        {
            return;
        }
        let asked = if reads_requests && !raw_tcp {
            questions(&roads, setting, &mut self.cache)
        } else {
            Questions { all: vec![HttpRequest::default()], complete: true }
        };
        drop(roads);
        if paths_differ && reads_requests {
            self.found.bounds.push(Bound::Paths(Target::clone(&place.target)));
        }
        if !asked.complete {
            let bounds = callers().map(|caller| {
                Bound::Requests(Caller::clone(&caller), Target::clone(&place.target))
            });
            self.found.bounds.extend(bounds);
        }
        let pairs = group.all.iter().map(Members::len).sum();
        let own = Asked { pairs, classes: 1, requests: asked.all.len() };
        let before = self.found.asked.entry(place.target.clone()).or_default();
        *before = before.and(own);
        let mut best: BTreeMap<Change, (usize, Difference)> = BTreeMap::new();
        for http in &asked.all {
            let decide = |index: usize| {
                let mesh = self.meshes[index];
                let there = place.there[index].zip(first.hops[index]);
                let decision = there
                    .map(|(to, hop)| mesh.decide_for(hop, &Prepared::new(mesh, to, http, raw_tcp)));
                Said::new(mesh, decision)
            };
            let said = [decide(0), decide(1)];
            self.note_not_shown(place, &said);
            for (change, endpoint) in differences(&said) {
                // who refuses is the side from which something opens, or to which it closes
                let refuses = usize::from(change == Change::Loss);
                let own = Difference {
                    refused: match said[refuses].reason(&endpoint) {
                        Some(Reason::NotHttp) => Refused::NotHttp,
                        // with an identity it would have been admitted: it had none
                        Some(
                            Reason::NoClientCertificate(_)
                            | Reason::NoneMatched
                            | Reason::Denied(_),
                        ) if self.would_admit(place, first, refuses, (http, raw_tcp)) => {
                            Refused::Plaintext
                        }
                        _ => Refused::Otherwise,
                    },
                    request: (reads_requests && !raw_tcp).then(|| http.clone()),
                    answers: [said[0].answer(&endpoint), said[1].answer(&endpoint)],
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
        let accounts = self.accounts;
        for (change, (count, difference)) in best {
            let refused = difference.refused;
            let [before, after] = difference.answers.map(|answer| answer.map(Arc::new));
            let request = difference.request.map(Arc::new);
            let changes = callers().map(|from| AccessChange {
                change,
                other_ports: false,
                by_design: accounts.by_design(meshes, place, &from, refused),
                from,
                to: Arc::clone(&place.target),
                request: request.clone(),
                every_request: count == asked.all.len(),
                before: before.clone(),
                after: after.clone(),
            });
            self.found.changes.extend(changes);
        }
    }
}

impl<'c, 'm> Members<'c, 'm> {
    fn len(&self) -> usize {
        match self {
            Members::Known(group) => group.len(),
            Members::Strangers(all) => all.len(),
        }
    }

    fn callers<'a>(
        &'a self,
        crowd: &'a Crowd<'m>,
        told: &'a Told,
    ) -> impl Iterator<Item = &'a Arc<Caller>> + 'a {
        self.clients(crowd, told).map(|client| &client.caller)
    }

    fn clients<'a>(
        &'a self,
        crowd: &'a Crowd<'m>,
        told: &'a Told,
    ) -> Box<dyn Iterator<Item = &'a Client<'m>> + 'a> {
        match self {
            Members::Known(group) => crowd.members(told, group),
            Members::Strangers(all) => Box::new(all.iter()),
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
