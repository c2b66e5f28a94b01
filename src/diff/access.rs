//! Who gains and who loses access, as the simulator answers.

use std::collections::{BTreeMap, BTreeSet};

use crate::simulate::{self, Change, Client, HttpRequest, Mesh, ServiceId, Verdict};

/// What two meshes do not answer alike, and what was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessDiff {
    /// The pairs of client and destination for which some request fares otherwise: those that gain
    /// first, then by name. A pair may gain with one request and lose with another.
    pub changes: Vec<AccessChange>,
    /// What was not asked, or could not be: one sentence each. Without any, every class of requests
    /// that the policies tell apart was.
    pub limits: Vec<String>,
    /// What every move to ambient mode brings, and is no alarm: a sentence each, with how many pairs.
    pub by_design: Vec<String>,
    /// How many pairs were asked; for the others both sides have the same policies.
    pub pairs: usize,
    /// The answers to one plain request of every client to every service, on both sides.
    pub matrix: Matrix,
}

/// A client that fares otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessChange {
    /// Whether it may more or less.
    pub direction: Direction,
    /// The client: `namespace/workload`, after the cluster where there are several; `outside`, or an
    /// identity.
    pub from: String,
    /// Service or pod, and the port: `namespace/service:port`, `pod:namespace/workload:port`.
    pub to: String,
    /// The namespace of the destination.
    pub namespace: String,
    /// The smallest request that fares otherwise: `GET /admin`; `None` where any connection does.
    pub request: Option<String>,
    /// Whether all requests of the pair change like this one.
    pub every_request: bool,
    /// What was answered, and who decided by which rule; `None` where one of the two was not there.
    pub before: Option<Answer>,
    /// What is answered.
    pub after: Option<Answer>,
}

impl AccessChange {
    /// What was answered, in words.
    pub fn said_before(&self) -> String {
        said(self.before.as_ref())
    }

    /// What is answered, in words.
    pub fn said_after(&self) -> String {
        said(self.after.as_ref())
    }

    /// With which request, in words that follow the pair; empty where with any.
    pub fn said_request(&self) -> String {
        match &self.request {
            Some(request) if !self.every_request => format!("with `{request}`"),
            _ => String::new(),
        }
    }
}

/// `deny at waypoint httpbin/waypoint: denied by ns[httpbin]-policy[deny-rules]-rule[0]`
fn said(answer: Option<&Answer>) -> String {
    match answer {
        None => "not there".to_owned(),
        Some(Answer { verdict, point, reason, .. }) => {
            format!("{} at {point}: {reason}", verdict.as_str())
        }
    }
}

/// An answer, and who gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The answer.
    pub verdict: Verdict,
    /// The enforcement point: `waypoint httpbin/waypoint`.
    pub point: String,
    /// Why, in words.
    pub reason: String,
    /// The rule that decided, as Envoy's log names it.
    pub rule: Option<String>,
}

/// Whether somebody may more or less than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// Somebody may do what was refused before.
    Gained,
    /// Somebody may not do what was allowed before.
    Lost,
}

impl Direction {
    /// The verb for it.
    pub fn verb(self) -> &'static str {
        match self {
            Direction::Gained => "gains",
            Direction::Lost => "loses",
        }
    }
}

/// Clients against services, before and after.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matrix {
    /// The clients, sorted.
    pub clients: Vec<String>,
    /// The services with their ports, sorted.
    pub services: Vec<String>,
    /// Row after row: the answer before and after; `None` where one of the two is not there.
    pub cells: Vec<(Option<Verdict>, Option<Verdict>)>,
    /// How many clients and services are left out: of a large mesh those that no change is about are.
    pub left_out: (usize, usize),
}

/// Pairs that a page shows without effort. A larger mesh is cut to what changed.
const MOST_CELLS: usize = 20_000;

impl Matrix {
    /// The answers of a client and a service.
    pub fn cell(&self, client: usize, service: usize) -> (Option<Verdict>, Option<Verdict>) {
        let place =
            (service < self.services.len()).then_some(client * self.services.len() + service);
        place.and_then(|at| self.cells.get(at).copied()).unwrap_or_default()
    }
}

impl AccessDiff {
    /// Asks both meshes one request of every class that their policies tell apart. A pair that only
    /// one side has was, or will be, neither allowed nor refused: it counts as refused there.
    pub fn between(before: &Mesh, after: &Mesh) -> Self {
        let compared = simulate::compare(before, after);
        let idle = compared.idle_policies.iter().map(|policy| {
            format!("policy `{policy}` differs and holds nowhere that is there, on either side")
        });
        // what is neither gained nor lost is counted: `waypost access diff` lists it
        let other = compared.of(Change::Other).count();
        let other = (other > 0).then(|| {
            format!(
                "{other} pairs of client and destination neither gain nor lose, and are answered \
                 otherwise: `waypost access diff` lists them"
            )
        });
        let by_design = compared.by_design().into_iter().map(|(what, pairs)| {
            format!("{pairs} pair{}: {what}", if pairs == 1 { "" } else { "s" })
        });
        Self {
            changes: compared.changes.iter().filter_map(change).collect(),
            limits: compared
                .bounds
                .iter()
                .map(ToString::to_string)
                .chain(idle)
                .chain(other)
                .collect(),
            by_design: by_design.collect(),
            pairs: compared.asked_in_all().pairs,
            matrix: Matrix::between([before, after], &compared),
        }
    }

    /// Is there anything that could not be compared, or of which no manifest shows what decides?
    pub fn has_unknown(&self) -> bool {
        let is_unknown = |answer: &Option<Answer>| {
            answer.as_ref().is_some_and(|answer| answer.verdict == Verdict::Unknown)
        };
        !self.limits.is_empty()
            || self.changes.iter().any(|c| is_unknown(&c.before) || is_unknown(&c.after))
    }

    /// How many pairs may more, or less.
    pub fn count(&self, direction: Direction) -> usize {
        self.changes.iter().filter(|change| change.direction == direction).count()
    }
}

/// A gain or a loss; `None` for what is neither, or comes by design.
fn change(change: &simulate::AccessChange) -> Option<AccessChange> {
    let answer = |answer: &simulate::Answer| Answer {
        verdict: answer.verdict,
        point: answer.point.clone(),
        reason: answer.reason.clone(),
        rule: answer.rule.clone(),
    };
    if change.by_design.is_some() {
        return None;
    }
    Some(AccessChange {
        direction: match change.change {
            Change::Gain => Direction::Gained,
            Change::Loss => Direction::Lost,
            Change::Other => return None,
        },
        from: change.from.to_string(),
        to: change.to.to_string(),
        namespace: change.to.namespace.clone(),
        request: change.request.as_deref().map(request),
        every_request: change.every_request,
        before: change.before.as_deref().map(answer),
        after: change.after.as_deref().map(answer),
    })
}

/// `GET host/path` with what else counts.
fn request(request: &HttpRequest) -> String {
    let host = request.host.as_deref().unwrap_or_default();
    let headers = request.headers.iter().map(|(name, value)| format!(" {name}: {value}"));
    format!("{} {host}{}{}", request.method, request.path, headers.collect::<String>())
}

impl Matrix {
    /// The answers of two meshes: to everybody's plain request to every service, as far as that fits, else
    /// to those between whom something changes.
    fn between(meshes: [&Mesh; 2], compared: &simulate::Comparison) -> Self {
        let own = meshes.map(Names::of);
        let mut clients: Vec<&String> = own.iter().flat_map(|own| own.clients.keys()).collect();
        let mut services: Vec<&String> = own.iter().flat_map(|own| own.services.keys()).collect();
        for names in [&mut clients, &mut services] {
            names.sort_unstable();
            names.dedup();
        }
        let all = (clients.len(), services.len());
        if clients.len() * services.len() > MOST_CELLS {
            let gains_or_loses = || {
                let all = compared.changes.iter();
                all.filter(|c| c.change != Change::Other && c.by_design.is_none())
            };
            let from: BTreeSet<String> = gains_or_loses().map(|c| c.from.to_string()).collect();
            let to: BTreeSet<String> = gains_or_loses().map(|c| c.to.to_string()).collect();
            services.retain(|service| to.contains(*service));
            services.truncate(MOST_CELLS);
            clients.retain(|client| from.contains(*client));
            clients.truncate(MOST_CELLS / services.len().max(1));
        }
        let answers = [0, 1].map(|side| own[side].answers(meshes[side], &clients, &services));
        let [before, after] = answers;
        Self {
            left_out: (all.0 - clients.len(), all.1 - services.len()),
            clients: clients.into_iter().cloned().collect(),
            services: services.into_iter().cloned().collect(),
            cells: before.into_iter().zip(after).collect(),
        }
    }
}

/// Who asks and what is asked for in one mesh, by name.
struct Names {
    clients: BTreeMap<String, Client>,
    services: BTreeMap<String, (ServiceId, u16)>,
}

impl Names {
    fn of(mesh: &Mesh) -> Self {
        let client = |client: Client| match client {
            Client::Outside(_) => ("outside".to_owned(), client),
            Client::Workload(id) => (mesh.workload_name(id), client),
        };
        let services = mesh.services().flat_map(|(id, service)| {
            let name = mesh.service_name(id);
            let ports = service.ports.iter();
            ports.map(move |port| (format!("{name}:{}", port.number), (id, port.number)))
        });
        Self { clients: mesh.callers().map(client).collect(), services: services.collect() }
    }

    /// Row after row; `None` for what is not in this mesh.
    fn answers(
        &self,
        mesh: &Mesh,
        clients: &[&String],
        services: &[&String],
    ) -> Vec<Option<Verdict>> {
        let rows = clients.iter().filter_map(|name| self.clients.get(*name).copied()).collect();
        let columns =
            services.iter().filter_map(|name| self.services.get(*name).copied()).collect();
        let matrix = mesh.matrix_of(rows, columns, &HttpRequest::default());
        let mut cells = matrix.iter().map(|(.., cell)| cell.verdict);
        let pairs = clients
            .iter()
            .flat_map(|client| services.iter().map(move |service| (*client, *service)));
        pairs
            .map(|(client, service)| {
                let is_there =
                    self.clients.contains_key(client) && self.services.contains_key(service);
                if is_there { cells.next() } else { None }
            })
            .collect()
    }
}
