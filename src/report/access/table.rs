//! Who reaches what, as a table.

use std::collections::HashMap;
use std::fmt::Write;

use crate::report::escape::cell;
use crate::report::visible;
use crate::simulate::{
    Cell, Client, Matrix, Mesh, Observed, Point, Reason, Rows, Rule, ServiceId, Verdict,
};

/// Beyond so many pairs a table for people is by namespace, unless it is asked for otherwise.
pub const LARGE: usize = 900;

/// So many clients are in a part of a table.
const PART: usize = 64;

/// A table of clients and services, ready to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessTable {
    /// Clients.
    pub rows: Vec<Row>,
    /// Service ports.
    pub columns: Vec<Column>,
    /// Row after row.
    cells: Vec<Entry>,
    /// What is said in the cells: much is said in many of them.
    said: Vec<Said>,
}

/// A client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// `namespace/workload`, or `outside`.
    pub name: String,
    /// Its namespace; `outside` for whoever has none.
    pub namespace: String,
}

/// A service port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// `namespace/service:port`.
    pub name: String,
    /// The service's namespace.
    pub namespace: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub verdict: Verdict,
    pub depends: bool,
    /// Its place in what is said.
    said: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    pub point: String,
    pub rule: Option<String>,
    pub observed: &'static str,
}

impl AccessTable {
    /// Names everything in a matrix.
    pub fn new(mesh: &Mesh, matrix: &Matrix) -> Self {
        let rows = matrix.rows.iter().map(|client| row(mesh, *client)).collect();
        let columns =
            matrix.columns.iter().map(|(service, port)| column(mesh, *service, *port)).collect();
        let mut said = Sayings { mesh, all: Vec::new(), numbers: HashMap::new() };
        let cells = matrix.iter().map(|(_, _, cell)| said.entry(cell)).collect();
        Self { rows, columns, cells, said: said.all }
    }

    /// The table of a mesh in parts of some clients each: of a large one nobody holds all cells.
    pub fn parts<'r>(rows: &'r Rows<'_>) -> impl Iterator<Item = Self> + 'r {
        rows.rows.chunks(PART).map(|clients| Self::new(rows.mesh(), &rows.of(clients)))
    }

    pub(super) fn said(&self, entry: &Entry) -> &Said {
        &self.said[entry.said as usize]
    }

    fn entry(&self, row: usize, column: usize) -> Option<&Entry> {
        self.cells.get(row * self.columns.len() + column)
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (&Row, &Column, &Entry)> {
        let width = self.columns.len().max(1);
        self.cells
            .iter()
            .enumerate()
            .map(move |(i, entry)| (&self.rows[i / width], &self.columns[i % width], entry))
    }

    /// Pairs that are allowed, at least for some request or by some workload, or may be: client,
    /// service port, and whether that holds for every request.
    pub fn allowed(&self) -> impl Iterator<Item = (&Row, &Column, bool)> {
        self.entries()
            .filter(|(_, _, e)| {
                matches!(e.verdict, Verdict::Allow | Verdict::Mixed | Verdict::Unknown)
            })
            .map(|(row, column, e)| (row, column, e.verdict == Verdict::Allow && !e.depends))
    }

    /// The table by namespaces, of its parts.
    pub fn by_namespace(parts: impl Iterator<Item = Self>) -> Self {
        let (mut rows, mut columns) = (Namespaces::default(), Namespaces::default());
        let mut sums: HashMap<(usize, usize), (Verdict, bool)> = HashMap::new();
        for part in parts {
            let of_columns: Vec<usize> =
                part.columns.iter().map(|c| columns.number(&c.namespace)).collect();
            let cells = part.cells.chunks(part.columns.len().max(1));
            for (row, cells) in part.rows.iter().zip(cells) {
                let row = rows.number(&row.namespace);
                for (entry, column) in cells.iter().zip(&of_columns) {
                    let first = (entry.verdict, entry.depends);
                    let place = sums.entry((row, *column)).or_insert(first);
                    place.0 = place.0.with(entry.verdict);
                    place.1 |= entry.depends;
                }
            }
        }
        let pairs = (0..rows.names.len())
            .flat_map(|row| (0..columns.names.len()).map(move |column| (row, column)));
        let cells = pairs
            .map(|pair| {
                let sum = sums.get(&pair).copied();
                let (verdict, depends) = sum.unwrap_or((Verdict::Unreachable, false));
                Entry { verdict, depends, said: 0 }
            })
            .collect();
        let row = |name: String| Row { name: name.clone(), namespace: name };
        let column = |name: String| Column { name: name.clone(), namespace: name };
        Self {
            rows: rows.names.into_iter().map(row).collect(),
            columns: columns.names.into_iter().map(column).collect(),
            cells,
            said: vec![Said::default()],
        }
    }
}

/// Namespaces, numbered as they come.
#[derive(Default)]
struct Namespaces {
    names: Vec<String>,
    numbers: HashMap<String, usize>,
}

impl Namespaces {
    fn number(&mut self, name: &str) -> usize {
        if let Some(known) = self.numbers.get(name) {
            return *known;
        }
        let next = self.names.len();
        self.names.push(name.to_owned());
        self.numbers.insert(name.to_owned(), next);
        next
    }
}

fn row(mesh: &Mesh, client: Client) -> Row {
    let name = match client {
        Client::Outside(_) => "outside".to_owned(),
        Client::Workload(id) => mesh.workload_name(id),
    };
    Row { name: visible::line(&name), namespace: visible::line(&client_namespace(mesh, client)) }
}

/// A client's namespace, for grouping; `outside` for whoever has none.
pub(super) fn client_namespace(mesh: &Mesh, client: Client) -> String {
    match client {
        Client::Outside(_) => "outside".to_owned(),
        Client::Workload(id) => mesh.namespace(mesh.workload(id).namespace).name.clone(),
    }
}

fn column(mesh: &Mesh, service: ServiceId, port: u16) -> Column {
    Column {
        name: visible::line(&format!("{}:{port}", mesh.service_name(service))),
        namespace: visible::line(&mesh.namespace(mesh.service(service).namespace).name),
    }
}

/// What is said, each once.
struct Sayings<'m> {
    mesh: &'m Mesh,
    all: Vec<Said>,
    numbers: HashMap<(Point, Option<Rule>, Observed), u32>,
}

impl Sayings<'_> {
    fn entry(&mut self, cell: &Cell) -> Entry {
        let rule = Reason::rule(cell.reason);
        let next = self.all.len() as u32;
        let number = *self.numbers.entry((cell.point, rule, cell.observed)).or_insert(next);
        if number == next {
            self.all.push(Said {
                point: visible::line(&self.mesh.point_name(cell.point)),
                rule: rule.map(|rule| visible::line(&self.mesh.rule_name(rule))),
                observed: cell.observed.as_str(),
            });
        }
        Entry { verdict: cell.verdict, depends: cell.depends_on_request, said: number }
    }
}

const LEGEND: &str =
    "+ allowed   - denied   ~ some are   . nothing there   ? not known   +? -? by the request";

fn sign(entry: &Entry) -> String {
    let sign = match entry.verdict {
        Verdict::Allow => "+",
        Verdict::Deny => "-",
        Verdict::Mixed => "~",
        Verdict::Unreachable => ".",
        Verdict::Unknown => return "?".to_owned(),
    };
    if entry.depends { format!("{sign}?") } else { sign.to_owned() }
}

/// For a terminal: columns are numbered, and named below.
pub fn text(table: &AccessTable) -> String {
    let mut out = String::new();
    let name_width = table.rows.iter().map(|r| r.name.chars().count()).max().unwrap_or(0);
    let width = table.columns.len().to_string().len().max(2) + 1;
    let _ = write!(out, "{:name_width$}", "");
    for number in 1..=table.columns.len() {
        let _ = write!(out, "{number:>width$}");
    }
    out.push('\n');
    for (index, row) in table.rows.iter().enumerate() {
        let _ = write!(out, "{:name_width$}", row.name);
        for column in 0..table.columns.len() {
            let sign = table.entry(index, column).map(sign).unwrap_or_default();
            let _ = write!(out, "{sign:>width$}");
        }
        out.push('\n');
    }
    out.push('\n');
    for (index, column) in table.columns.iter().enumerate() {
        let _ = writeln!(out, "{:>3}  {}", index + 1, column.name);
    }
    let _ = writeln!(out, "\n{LEGEND}");
    out
}

/// For a pull request.
pub fn markdown(table: &AccessTable) -> String {
    let mut out = String::from("| from \\ to |");
    for column in &table.columns {
        let _ = write!(out, " {} |", cell(&column.name));
    }
    out.push_str("\n|---|");
    out.push_str(&":-:|".repeat(table.columns.len()));
    out.push('\n');
    for (index, row) in table.rows.iter().enumerate() {
        let _ = write!(out, "| {} |", cell(&row.name));
        for column in 0..table.columns.len() {
            let sign = table.entry(index, column).map(sign).unwrap_or_default();
            let _ = write!(out, " {} |", sign.replace('~', "\\~"));
        }
        out.push('\n');
    }
    let _ = writeln!(out, "\n`{LEGEND}`");
    out
}
