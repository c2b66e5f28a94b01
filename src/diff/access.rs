//! Who gains and who loses access, as the simulator answers.

use std::collections::BTreeMap;

use crate::simulate::{Cell, Client, Mesh, Verdict};

/// What two meshes do not answer alike, and what was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessDiff {
    /// The pairs that fare otherwise: those that gain first, then by name.
    pub changes: Vec<AccessChange>,
    /// Every answer on both sides.
    pub matrix: Matrix,
}

/// A client that fares otherwise at a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessChange {
    /// Whether it may more or less.
    pub direction: Direction,
    /// The client: `namespace/workload`, after the cluster where there are several, or `outside`.
    pub from: String,
    /// The service and its port: `namespace/service:port`.
    pub to: String,
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
}

/// `deny at waypoint httpbin/waypoint by ns[httpbin]-policy[deny-rules]-rule[0]`
fn said(answer: Option<&Answer>) -> String {
    let Some(Answer { verdict, point, rule }) = answer else { return "not there".to_owned() };
    let rule = rule.as_ref().map(|rule| format!(" by {rule}")).unwrap_or_default();
    format!("{} at {point}{rule}", verdict.as_str())
}

/// An answer, and who gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The answer.
    pub verdict: Verdict,
    /// The enforcement point: `waypoint httpbin/waypoint`.
    pub point: String,
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
    /// Asks both meshes for every pair of client and service. A pair that only one side has was,
    /// or will be, neither allowed nor refused: it counts as refused there.
    pub fn between(before: &Mesh, after: &Mesh) -> Self {
        let (old, new) = (Answers::of(before), Answers::of(after));
        let mut matrix = Matrix {
            clients: union(&old.clients, &new.clients),
            services: union(&old.services, &new.services),
            cells: Vec::new(),
        };
        let mut changes = Vec::new();
        for client in &matrix.clients {
            for service in &matrix.services {
                let (was, is) = (old.cell(client, service), new.cell(client, service));
                let verdict = |cell: Option<&Cell>| cell.map(|cell| cell.verdict);
                matrix.cells.push((verdict(was), verdict(is)));
                let direction = match openness(is).cmp(&openness(was)) {
                    std::cmp::Ordering::Greater => Direction::Gained,
                    std::cmp::Ordering::Less => Direction::Lost,
                    std::cmp::Ordering::Equal => continue,
                };
                changes.push(AccessChange {
                    direction,
                    from: client.clone(),
                    to: service.clone(),
                    before: was.map(|cell| answer(before, cell)),
                    after: is.map(|cell| answer(after, cell)),
                });
            }
        }
        changes.sort_by(|a, b| (a.direction, &a.from, &a.to).cmp(&(b.direction, &b.from, &b.to)));
        Self { changes, matrix }
    }

    /// How many pairs may more, or less.
    pub fn count(&self, direction: Direction) -> usize {
        self.changes.iter().filter(|change| change.direction == direction).count()
    }
}

fn openness(cell: Option<&Cell>) -> u8 {
    match cell.map(|cell| cell.verdict) {
        Some(Verdict::Allow) => 2,
        Some(Verdict::Mixed) => 1,
        Some(Verdict::Deny | Verdict::Unreachable) | None => 0,
    }
}

fn answer(mesh: &Mesh, cell: &Cell) -> Answer {
    Answer {
        verdict: cell.verdict,
        point: mesh.point_name(cell.point),
        rule: cell.reason.rule().map(|rule| mesh.rule_name(rule)),
    }
}

/// A mesh's answers, by name.
struct Answers {
    clients: BTreeMap<String, usize>,
    services: BTreeMap<String, usize>,
    matrix: crate::simulate::Matrix,
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
