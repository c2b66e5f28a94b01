//! Asking a mesh: one request, or all pairs.

use super::decision::{Decision, Observed, Point, Reason, Verdict, Walk, observed};
use super::envoy::Policies as _;
use super::mesh::{AuthorizationRef, Mesh, ServiceId, WorkloadId};
use super::path::{Hop, Way, ends};
use super::request::{Client, Destination, HttpRequest, Prepared, Request};

/// Who reaches what: one row for each client, one column for each service port.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    /// The clients.
    pub rows: Vec<Client>,
    /// The services and their ports.
    pub columns: Vec<(ServiceId, u16)>,
    /// Row after row.
    cells: Vec<Cell>,
}

/// One pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The answer to `GET /`, or to a connection.
    pub verdict: Verdict,
    /// Who decided, on the way that speaks for the answer.
    pub point: Point,
    /// Why.
    pub reason: Reason,
    /// What the client sees.
    pub observed: Observed,
    /// Another request may fare otherwise.
    pub depends_on_request: bool,
}

impl Matrix {
    /// The cell of a row and a column.
    pub fn cell(&self, row: usize, column: usize) -> Option<&Cell> {
        (column < self.columns.len()).then(|| self.cells.get(row * self.columns.len() + column))?
    }

    /// Every pair with its cell, row after row.
    pub fn iter(&self) -> impl Iterator<Item = (Client, (ServiceId, u16), &Cell)> {
        let width = self.columns.len().max(1);
        self.cells
            .iter()
            .enumerate()
            .map(move |(i, cell)| (self.rows[i / width], self.columns[i % width], cell))
    }
}

impl Mesh {
    /// Answers a request: for a service, by every workload behind it.
    pub fn decide(&self, request: &Request) -> Decision {
        let prepared = Prepared::new(self, request.to, &request.http, request.raw_tcp);
        self.decide_for(Hop::of(self, request.from), &prepared)
    }

    /// The same for any client, known to the mesh or not.
    pub(super) fn decide_for(&self, hop: Hop<'_>, prepared: &Prepared) -> Decision {
        let walk = |hop, endpoint| {
            let mut steps = Vec::with_capacity(4);
            let (verdict, effects) = Way::new(self, prepared, hop, &mut steps).walk(endpoint);
            Walk { endpoint, steps, verdict, effects }
        };
        let ends = ends(self, hop, prepared);
        let mut walks: Vec<Walk> = ends.iter().map(|end| walk(hop, *end)).collect();
        if let Some(other) = hop.other_family(self, prepared.to) {
            // shown where the other family fares otherwise
            for (index, end) in ends.into_iter().enumerate() {
                let by_other = walk(other, end);
                if by_other.verdict != walks[index].verdict {
                    walks.push(by_other);
                }
            }
        }
        Decision::of(walks)
    }

    /// All workloads, and somebody outside, against all services.
    pub fn matrix(&self) -> Matrix {
        let rows: Vec<Client> = self.callers().collect();
        let columns = self
            .services()
            .flat_map(|(id, s)| s.ports.iter().map(move |p| (id, p.number)))
            .collect();
        self.matrix_of(rows, columns, &HttpRequest::default())
    }

    /// Everybody who asks for something: workloads, and somebody outside.
    pub fn callers(&self) -> impl Iterator<Item = Client> {
        let workloads = self.workloads().filter(|(id, _)| self.is_caller(*id));
        workloads.map(|(id, _)| Client::Workload(id)).chain([Client::Outside(None)])
    }

    /// The given clients against the given service ports, with one request.
    pub fn matrix_of(
        &self,
        rows: Vec<Client>,
        columns: Vec<(ServiceId, u16)>,
        http: &HttpRequest,
    ) -> Matrix {
        self.prepare();
        let prepared: Vec<Prepared> = columns
            .iter()
            .map(|(service, port)| {
                let to = Destination::Service { service: *service, port: *port };
                Prepared::new(self, to, http, false)
            })
            .collect();
        let mut cells = Vec::with_capacity(rows.len() * columns.len());
        let mut steps = Vec::with_capacity(8);
        for row in &rows {
            let hop = Hop::of(self, *row);
            for (request, (service, _)) in prepared.iter().zip(&columns) {
                cells.push(if self.fixed.routes.is_empty() {
                    self.cell_of(hop, request, self.service(*service).ends(), &mut steps)
                } else {
                    let ends = ends(self, hop, request).into_iter();
                    self.cell_of(hop, request, ends, &mut steps)
                });
            }
        }
        Matrix { rows, columns, cells }
    }

    fn cell_of(
        &self,
        from: Hop<'_>,
        request: &Prepared,
        ends: impl Iterator<Item = Option<WorkloadId>>,
        steps: &mut Vec<super::decision::Step>,
    ) -> Cell {
        let mut speaking: Option<Cell> = None;
        let mut all: Option<Verdict> = None;
        let mut depends_on_request = false;
        let mut take = |hop, endpoint| {
            let (verdict, _) = Way::new(self, request, hop, steps).walk(endpoint);
            depends_on_request |= steps.iter().any(|s| s.depends_on_request);
            all = Some(all.map_or(verdict, |before| before.with(verdict)));
            let replaces = speaking.is_none_or(|s| {
                s.verdict == Verdict::Allow && verdict != Verdict::Allow
                    || s.verdict != Verdict::Unknown && verdict == Verdict::Unknown
            });
            if replaces {
                let deciding = super::decision::deciding(steps);
                speaking = Some(Cell {
                    verdict,
                    point: deciding.map_or(Point::Nobody, |s| s.point),
                    reason: deciding.map_or(Reason::NotEnforced, |s| s.reason),
                    observed: observed(steps),
                    depends_on_request: false,
                });
            }
        };
        match from.other_family(self, request.to) {
            None => ends.for_each(|end| take(from, end)),
            Some(other) => ends.for_each(|end| {
                take(from, end);
                take(other, end);
            }),
        }
        let nothing = Cell {
            verdict: Verdict::Unreachable,
            point: Point::Nobody,
            reason: Reason::NoEndpoints,
            observed: Observed::Reset,
            depends_on_request: false,
        };
        let verdict = all.unwrap_or(Verdict::Unreachable);
        Cell { verdict, depends_on_request, ..speaking.unwrap_or(nothing) }
    }

    /// Works out once who cannot match which rule: worth it for many questions.
    pub(super) fn prepare(&self) {
        let fixed = &self.fixed;
        for (id, _) in self.policies() {
            let both = fixed.compiled(id);
            for rule in both.http.rules.iter().chain(&both.tcp.rules) {
                rule.prepare(&fixed.identities);
            }
            if let Some(authorization) = fixed.authorization(AuthorizationRef::Policy(id)) {
                authorization.prepare(&fixed.identities);
            }
        }
    }
}
