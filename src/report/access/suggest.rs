//! Access tests that say what holds today, few enough for a person to read.
//!
//! There is one test for each namespace that is called. Clients of one namespace of which the same point
//! says the same by the same rule about a destination stand for each other; where there are very many
//! pairs, so do those of all namespaces that are refused alike. Where the answer hangs on the request,
//! the smallest request that gets through and the smallest that does not are both asked.

use std::collections::BTreeMap;

use super::table::{LARGE, client_namespace};
use crate::simulate::{
    Cell, Client, Destination, HttpRequest, Matrix, Mesh, Protocol, Role, ServiceId, Token, Verdict,
};

/// An AccessTest to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct SuggestedTest {
    /// Its name.
    pub name: String,
    /// What it says of each destination, a line each.
    pub summary: Vec<String>,
    /// Its cases.
    pub cases: Vec<SuggestedCase>,
}

/// A case of an AccessTest.
#[derive(Clone, Debug, PartialEq)]
pub struct SuggestedCase {
    /// What it is about.
    pub name: String,
    /// Who asks.
    pub from: String,
    /// For what.
    pub to: String,
    /// What is sent; `None` for a plain connection.
    pub request: Option<HttpRequest>,
    /// Whether it gets through.
    pub allows: bool,
}

/// What holds in a mesh today. With `every_pair` nobody stands for anybody.
///
/// What depends on which pod gets a request, and services without pods, can not be asserted: the
/// summary says so.
pub fn suggest(mesh: &Mesh, every_pair: bool) -> Vec<SuggestedTest> {
    let matrix = mesh.matrix();
    let is_large = matrix.iter().count() > LARGE;
    let mut tests: BTreeMap<String, SuggestedTest> = BTreeMap::new();
    for (column, (service, port)) in matrix.columns.iter().enumerate() {
        let namespace = &mesh.namespace(mesh.service(*service).namespace).name;
        let test = tests.entry(namespace.clone()).or_insert_with(|| SuggestedTest {
            name: test_name(namespace),
            summary: Vec::new(),
            cases: Vec::new(),
        });
        let to = format!("{}:{port}", mesh.service_name(*service));
        test.summary.push(summary(mesh, &matrix, column, &to));
        let protocol = protocol(mesh, *service, *port);
        for (row, alike) in groups(mesh, &matrix, column, every_pair, is_large) {
            let Some(cell) = matrix.cell(row, column) else { continue };
            let asked = Asked {
                mesh,
                client: matrix.rows[row],
                service: *service,
                port: *port,
                to: &to,
                protocol,
                alike,
            };
            test.cases.extend(asked.cases(cell));
        }
    }
    tests.into_values().filter(|test| !test.cases.is_empty()).collect()
}

/// A name for a namespace's test.
fn test_name(namespace: &str) -> String {
    let name = format!("{namespace}-today");
    if name.len() > 63 { namespace.to_owned() } else { name }
}

fn protocol(mesh: &Mesh, service: ServiceId, port: u16) -> Protocol {
    let found = mesh.service(service).ports.iter().find(|p| p.number == port);
    found.map_or(Protocol::Unset, |p| p.protocol)
}

/// The first row of every group of clients that stand for each other, and how many others there are.
fn groups(
    mesh: &Mesh,
    matrix: &Matrix,
    column: usize,
    every_pair: bool,
    is_large: bool,
) -> Vec<(usize, usize)> {
    let mut groups: Vec<(usize, usize)> = Vec::new();
    let mut index = BTreeMap::new();
    for (row, client) in matrix.rows.iter().enumerate() {
        let Some(cell) = matrix.cell(row, column) else { continue };
        let own = (every_pair).then_some(row);
        let refused_alike = is_large && cell.verdict == Verdict::Deny && !cell.depends_on_request;
        let namespace = (!refused_alike).then(|| client_namespace(mesh, *client));
        let key = (own, namespace, cell.verdict, cell.point, cell.reason, cell.depends_on_request);
        let place = *index.entry(key).or_insert(groups.len());
        match groups.get_mut(place) {
            Some((_, others)) => *others += 1,
            None => groups.push((row, 0)),
        }
    }
    groups
}

/// `a/web:80: from b and c, from some of d; not from outside`
fn summary(mesh: &Mesh, matrix: &Matrix, column: usize, to: &str) -> String {
    let mut by_namespace: BTreeMap<String, Vec<&Cell>> = BTreeMap::new();
    for (row, client) in matrix.rows.iter().enumerate() {
        let cells = by_namespace.entry(client_namespace(mesh, *client)).or_default();
        cells.extend(matrix.cell(row, column));
    }
    let is_open = |cell: &&Cell| cell.verdict == Verdict::Allow && !cell.depends_on_request;
    let is_shut = |cell: &&Cell| {
        matches!(cell.verdict, Verdict::Deny | Verdict::Unreachable) && !cell.depends_on_request
    };
    let is_unknown = |cell: &&Cell| cell.verdict == Verdict::Unknown;
    let (mut open, mut partly, mut shut) = (Vec::new(), Vec::new(), Vec::new());
    let mut unknown = Vec::new();
    for (namespace, cells) in &by_namespace {
        if cells.iter().all(is_open) {
            open.push(namespace.as_str());
        } else if cells.iter().all(is_shut) {
            shut.push(namespace.as_str());
        } else if cells.iter().any(is_unknown) {
            unknown.push(namespace.as_str());
        } else {
            partly.push(namespace.as_str());
        }
    }
    let part = |words: &str, list: &[&str]| {
        let named: Vec<&str> = list.iter().take(12).copied().collect();
        let more = list.len() - named.len();
        let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
        (!list.is_empty()).then(|| format!("{words} {}{rest}", named.join(", ")))
    };
    let parts = [
        part("from", &open),
        part("partly from", &partly),
        part("not from", &shut),
        part("not known from", &unknown),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    format!("{to}: {}", parts.join("; "))
}

/// A client and a destination of which something is asserted.
struct Asked<'m> {
    mesh: &'m Mesh,
    client: Client,
    service: ServiceId,
    port: u16,
    to: &'m str,
    protocol: Protocol,
    alike: usize,
}

impl Asked<'_> {
    fn cases(&self, cell: &Cell) -> Vec<SuggestedCase> {
        if !cell.depends_on_request {
            let request = matches!(self.protocol, Protocol::Http | Protocol::Unset)
                .then(HttpRequest::default);
            return match cell.verdict {
                Verdict::Allow => vec![self.case(request, true)],
                Verdict::Deny => vec![self.case(request, false)],
                Verdict::Mixed | Verdict::Unreachable | Verdict::Unknown => Vec::new(),
            };
        }
        let to = Destination::Service { service: self.service, port: self.port };
        let classes = self.mesh.classes(self.client, to);
        let smallest = |wanted: Verdict| {
            let fits = |(http, decision): &&(HttpRequest, _)| {
                let decision: &crate::simulate::Decision = decision;
                decision.verdict == wanted && can_be_written(http)
            };
            classes.all.iter().filter(fits).map(|(http, _)| http).min_by_key(|http| size(http))
        };
        let allowed = smallest(Verdict::Allow).map(|http| self.case(Some(http.clone()), true));
        let denied = smallest(Verdict::Deny).map(|http| self.case(Some(http.clone()), false));
        allowed.into_iter().chain(denied).collect()
    }

    fn case(&self, request: Option<HttpRequest>, allows: bool) -> SuggestedCase {
        let from = match self.client {
            Client::Outside(_) => "outside".to_owned(),
            Client::Workload(id) => {
                let is_gateway = self.mesh.workload(id).role == Role::Gateway;
                format!(
                    "{}{}",
                    if is_gateway { "gateway:" } else { "" },
                    self.mesh.workload_name(id)
                )
            }
        };
        let like = match self.alike {
            0 => String::new(),
            1 => " and 1 like it".to_owned(),
            others => format!(" and {others} like it"),
        };
        let verb = match (allows, self.alike) {
            (true, 0) => "reaches",
            (true, _) => "reach",
            (false, _) => "may not reach",
        };
        let with = match &request {
            Some(http) if *http != HttpRequest::default() => {
                format!(" with {}", super::request_text(Some(http)))
            }
            _ => String::new(),
        };
        SuggestedCase {
            name: format!("{from}{like} {verb} {}{with}", self.to),
            from,
            to: self.to.to_owned(),
            request,
            allows,
        }
    }
}

/// An AccessTest has no tokens, and one line for each header.
fn can_be_written(http: &HttpRequest) -> bool {
    let names = http.headers.iter().map(|(name, _)| name);
    let distinct: std::collections::BTreeSet<&String> = names.collect();
    http.token == Token::None
        && distinct.len() == http.headers.len()
        && (1..=32).contains(&http.method.len())
        && http.method.bytes().all(|b| b.is_ascii_uppercase())
}

fn size(http: &HttpRequest) -> (usize, usize, String) {
    let ordinary = HttpRequest::default();
    let parts = [http.method != ordinary.method, http.path != ordinary.path, http.host.is_some()];
    let count = parts.iter().filter(|p| **p).count() + http.headers.len();
    let text = super::request_text(Some(http));
    (count, text.len(), text)
}
