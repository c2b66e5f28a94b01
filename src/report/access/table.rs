//! Who reaches what, as a table.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;

use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::json;

use crate::report::escape::cell;
use crate::report::visible;
use crate::simulate::{
    Cell, Client, Matrix, Mesh, Observed, Point, Reason, Rule, ServiceId, Verdict,
};

/// Beyond so many pairs a table for people is by namespace, unless it is asked for otherwise.
pub const LARGE: usize = 900;

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
struct Entry {
    verdict: Verdict,
    depends: bool,
    /// Its place in what is said.
    said: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Said {
    point: String,
    rule: Option<String>,
    observed: &'static str,
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

    fn said(&self, entry: &Entry) -> &Said {
        &self.said[entry.said as usize]
    }

    fn entry(&self, row: usize, column: usize) -> Option<&Entry> {
        self.cells.get(row * self.columns.len() + column)
    }

    fn entries(&self) -> impl Iterator<Item = (&Row, &Column, &Entry)> {
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

    /// The same table by namespaces.
    pub fn by_namespace(&self) -> Self {
        let mut sums: BTreeMap<(&str, &str), (Verdict, bool)> = BTreeMap::new();
        for (row, column, entry) in self.entries() {
            let place = sums
                .entry((&row.namespace, &column.namespace))
                .or_insert((entry.verdict, entry.depends));
            place.0 = place.0.with(entry.verdict);
            place.1 |= entry.depends;
        }
        let unique = |names: Vec<&str>| {
            let mut seen: Vec<String> = Vec::new();
            for name in names {
                if !seen.iter().any(|s| s == name) {
                    seen.push(name.to_owned());
                }
            }
            seen
        };
        let rows = unique(self.rows.iter().map(|r| r.namespace.as_str()).collect());
        let columns = unique(self.columns.iter().map(|c| c.namespace.as_str()).collect());
        let cells = rows
            .iter()
            .flat_map(|row| columns.iter().map(move |column| (row, column)))
            .map(|(row, column)| {
                let sum = sums.get(&(row.as_str(), column.as_str())).copied();
                let (verdict, depends) = sum.unwrap_or((Verdict::Unreachable, false));
                Entry { verdict, depends, said: 0 }
            })
            .collect();
        Self {
            rows: rows.into_iter().map(|n| Row { name: n.clone(), namespace: n }).collect(),
            columns: columns
                .into_iter()
                .map(|n| Column { name: n.clone(), namespace: n })
                .collect(),
            cells,
            said: vec![Said::default()],
        }
    }

    /// How many cells there are.
    pub fn size(&self) -> usize {
        self.cells.len()
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

/// For a spreadsheet: one line a pair.
pub fn csv(table: &AccessTable) -> String {
    let mut out = String::from("from,to,verdict,depends on request,decided at,rule,client sees\n");
    let quoted = |text: &str| {
        // a spreadsheet computes what begins like a formula
        let sign = if text.starts_with(['=', '+', '-', '@']) { "'" } else { "" };
        let text = format!("{sign}{text}");
        if text.contains([',', '"', '\n']) {
            format!("\"{}\"", text.replace('"', "\"\""))
        } else {
            text
        }
    };
    for (row, column, entry) in table.entries() {
        let said = table.said(entry);
        let fields = [
            row.name.as_str(),
            column.name.as_str(),
            entry.verdict.as_str(),
            if entry.depends { "yes" } else { "no" },
            said.point.as_str(),
            said.rule.as_deref().unwrap_or_default(),
            said.observed,
        ];
        for (index, field) in fields.into_iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let _ = write!(out, "{comma}{}", quoted(field));
        }
        out.push('\n');
    }
    out
}

/// For a program: written pair by pair. Frozen: `version` goes up when a field changes its meaning.
pub fn json(table: &AccessTable) -> impl Serialize + '_ {
    ForPrograms(table)
}

struct ForPrograms<'t>(&'t AccessTable);

struct Pairs<'t>(&'t AccessTable);

impl Serialize for ForPrograms<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("version", &1)?;
        map.serialize_entry("pairs", &Pairs(self.0))?;
        map.end()
    }
}

impl Serialize for Pairs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let table = self.0;
        serializer.collect_seq(table.entries().map(|(row, column, entry)| {
            let said = table.said(entry);
            json!({
                "from": row.name,
                "to": column.name,
                "verdict": entry.verdict.as_str(),
                "dependsOnRequest": entry.depends,
                "point": said.point,
                "rule": said.rule,
                "clientSees": said.observed,
            })
        }))
    }
}
