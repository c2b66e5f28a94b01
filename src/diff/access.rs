//! Who gains and who loses access, as the simulator answers.

use std::collections::BTreeMap;

use crate::simulate::{self, Cell, Change, Client, HttpRequest, Mesh, Verdict};

/// What two meshes do not answer alike, and what was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessDiff {
    /// The pairs of client and destination for which some request fares otherwise: those that gain
    /// first, then by name. A pair may gain with one request and lose with another.
    pub changes: Vec<AccessChange>,
    /// What was not asked, or could not be: one sentence each. Without any, every class of requests
    /// that the policies tell apart was.
    pub limits: Vec<String>,
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
}

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
        Self {
            changes: compared.changes.iter().map(change).collect(),
            limits: compared.bounds.iter().map(ToString::to_string).chain(idle).collect(),
            pairs: compared.pairs,
            matrix: Matrix::between(before, after),
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

fn change(change: &simulate::AccessChange) -> AccessChange {
    let answer = |answer: &simulate::Answer| Answer {
        verdict: answer.verdict,
        point: answer.point.clone(),
        reason: answer.reason.clone(),
        rule: answer.rule.clone(),
    };
    AccessChange {
        direction: match change.change {
            Change::Gain => Direction::Gained,
            Change::Loss => Direction::Lost,
        },
        from: change.from.to_string(),
        to: change.to.to_string(),
        namespace: change.to.namespace.clone(),
        request: change.request.as_ref().map(request),
        every_request: change.every_request,
        before: change.before.as_ref().map(answer),
        after: change.after.as_ref().map(answer),
    }
}

/// `GET host/path` with what else counts.
fn request(request: &HttpRequest) -> String {
    let host = request.host.as_deref().unwrap_or_default();
    let headers = request.headers.iter().map(|(name, value)| format!(" {name}: {value}"));
    format!("{} {host}{}{}", request.method, request.path, headers.collect::<String>())
}

impl Matrix {
    /// The answers of two meshes.
    fn between(before: &Mesh, after: &Mesh) -> Self {
        let (old, new) = (Answers::of(before), Answers::of(after));
        let mut matrix = Self {
            clients: union(&old.clients, &new.clients),
            services: union(&old.services, &new.services),
            cells: Vec::new(),
        };
        for client in &matrix.clients {
            for service in &matrix.services {
                let verdict = |side: &Answers| side.cell(client, service).map(|cell| cell.verdict);
                matrix.cells.push((verdict(&old), verdict(&new)));
            }
        }
        matrix
    }
}

/// A mesh's answers, by name.
struct Answers {
    clients: BTreeMap<String, usize>,
    services: BTreeMap<String, usize>,
    matrix: simulate::Matrix,
}

impl Answers {
    fn of(mesh: &Mesh) -> Self {
        let matrix = mesh.matrix();
        let client = |client: &Client| match client {
            Client::Outside(_) => "outside".to_owned(),
            Client::Workload(id) => mesh.workload_name(*id),
        };
        let clients = matrix.rows.iter().map(client).enumerate().map(|(at, name)| (name, at));
        let services = matrix
            .columns
            .iter()
            .map(|(service, port)| format!("{}:{port}", mesh.service_name(*service)));
        let services = services.enumerate().map(|(at, name)| (name, at)).collect();
        Self { clients: clients.collect(), services, matrix }
    }

    fn cell(&self, client: &str, service: &str) -> Option<&Cell> {
        self.matrix.cell(*self.clients.get(client)?, *self.services.get(service)?)
    }
}

fn union(one: &BTreeMap<String, usize>, other: &BTreeMap<String, usize>) -> Vec<String> {
    let mut names: Vec<String> = one.keys().chain(other.keys()).cloned().collect();
    names.sort();
    names.dedup();
    names
}
