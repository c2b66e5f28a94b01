//! Asking a mesh about all pairs of client and service.

use rayon::prelude::*;

use super::decision::{Observed, Point, Reason, Step, Verdict, deciding, observed};
use super::mesh::{Mesh, ServiceId, WorkloadId};
use super::path::{Hop, Way, ends};
use super::request::{Client, Destination, HttpRequest, Prepared};

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

/// The rows of a [`Matrix`], each worked out when it is asked for: of a large mesh nobody holds them all.
pub struct Rows<'m> {
    mesh: &'m Mesh,
    /// The clients.
    pub rows: Vec<Client>,
    /// The services and their ports.
    pub columns: Vec<(ServiceId, u16)>,
    prepared: Vec<Prepared>,
}

impl Rows<'_> {
    /// The mesh that is asked.
    pub fn mesh(&self) -> &Mesh {
        self.mesh
    }

    /// How many pairs there are.
    pub fn size(&self) -> usize {
        self.rows.len() * self.columns.len()
    }

    /// The cells of a client's row, in the order of the columns.
    fn cells(&self, client: Client) -> Vec<Cell> {
        let (mesh, hop) = (self.mesh, Hop::of(self.mesh, client));
        let mut steps = Vec::with_capacity(8);
        let cell = |(request, (service, _)): (&Prepared, &(ServiceId, u16))| {
            if mesh.fixed.routes.is_empty() {
                mesh.cell_of(hop, request, mesh.service(*service).ends(), &mut steps)
            } else {
                let ends = ends(mesh, hop, request).into_iter();
                mesh.cell_of(hop, request, ends, &mut steps)
            }
        };
        self.prepared.iter().zip(&self.columns).map(cell).collect()
    }

    /// The rows of these clients.
    pub fn of(&self, clients: &[Client]) -> Matrix {
        let cells = clients.par_iter().flat_map_iter(|client| self.cells(*client)).collect();
        Matrix { cells, rows: clients.to_vec(), columns: self.columns.clone() }
    }
}

impl Mesh {
    /// All workloads, and somebody outside, against all services.
    pub fn matrix(&self) -> Matrix {
        let rows = self.rows();
        rows.of(&rows.rows)
    }

    /// The same, row by row.
    pub fn rows(&self) -> Rows<'_> {
        let rows = self.callers().collect();
        let columns = self
            .services()
            .flat_map(|(id, s)| s.ports.iter().map(move |p| (id, p.number)))
            .collect();
        self.rows_of(rows, columns, &HttpRequest::default())
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
        self.rows_of(Vec::new(), columns, http).of(&rows)
    }

    fn rows_of(
        &self,
        rows: Vec<Client>,
        columns: Vec<(ServiceId, u16)>,
        http: &HttpRequest,
    ) -> Rows<'_> {
        self.prepare();
        let prepared = columns
            .iter()
            .map(|(service, port)| {
                let to = Destination::Service { service: *service, port: *port };
                Prepared::new(self, to, http, false)
            })
            .collect();
        Rows { mesh: self, rows, columns, prepared }
    }

    fn cell_of(
        &self,
        from: Hop<'_>,
        request: &Prepared,
        ends: impl Iterator<Item = Option<WorkloadId>>,
        steps: &mut Vec<Step>,
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
                let deciding = deciding(steps);
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
}
