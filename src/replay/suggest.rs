//! What was seen, as assertions, and what is allowed and was not seen.

use std::collections::{BTreeMap, BTreeSet};

use super::answer::ask;
use super::compare::{client_name, destination_name};
use super::directory::Directory;
use crate::simulate::{Client, Destination, Mesh, Verdict};
use crate::traffic::{Content, Outcome, Sample};

/// A request that was seen, as an assertion.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    /// For what.
    pub to: String,
    /// Who asks.
    pub from: String,
    /// Method, path and authority; `None` for a connection.
    pub request: Option<(String, String, Option<String>)>,
    /// Whether it gets through.
    pub allows: bool,
}

/// Requests that stand for each other: alike but for identifiers in their paths.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    from: String,
    to: String,
    /// Method and normalised path; `None` of a connection.
    normal: Option<(String, String)>,
    allows: bool,
}

/// What a sample suggests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Suggestions {
    /// What was seen, with how often; the namespace that was called first.
    pub seen: BTreeMap<String, BTreeMap<Seen, u64>>,
    /// Clients that may reach a destination, and did not: candidates to close.
    pub unused: Vec<(String, String)>,
    /// Requests of the sample that the mesh answers otherwise, or not at all.
    pub left_out: u64,
}

/// Suggests of every request that the mesh answers as the log does. Paths that differ only in what
/// looks like an identifier stand for each other ([`normal_path`]): the first is asked.
pub fn suggestions(sample: &Sample, directory: &Directory<'_>) -> Suggestions {
    let mesh = directory.mesh;
    let mut found = Suggestions::default();
    let mut used: BTreeSet<(Client, Destination)> = BTreeSet::new();
    // by client, destination and normalised request: the request that stands for all of its kind
    let mut kinds: BTreeMap<Kind, Seen> = BTreeMap::new();
    for class in sample.classes() {
        let answer = match ask(directory, sample, class) {
            Ok(answer) => answer,
            Err(why) => {
                if !why.is_no_question() {
                    found.left_out += class.count;
                }
                continue;
            }
        };
        used.insert((answer.from, answer.to));
        let logged = match class.outcome {
            Outcome::Allowed => true,
            Outcome::Refused(_) => false,
            Outcome::Unclear => answer.allows,
        };
        if logged != answer.allows {
            found.left_out += class.count;
            continue;
        }
        let text = |symbol| sample.text(symbol).to_owned();
        let request = match class.content {
            Content::Http { method, path, whole: true, host } => {
                Some((text(method), text(path), host.map(text)))
            }
            Content::Connection if !mesh.speaks_http(answer.to) => None,
            // an assertion about a request has its path
            Content::Http { .. } | Content::SomeHttp | Content::Connection => {
                found.left_out += class.count;
                continue;
            }
        };
        let (from, to) = (client_name(mesh, answer.from), destination_name(mesh, answer.to));
        let normal = request.as_ref().map(|(method, path, _)| (method.clone(), normal_path(path)));
        let key = Kind { from: from.clone(), to: to.clone(), normal, allows: answer.allows };
        let seen =
            kinds.entry(key).or_insert(Seen { to, from, request, allows: answer.allows }).clone();
        let namespace = namespace_of(mesh, answer.to);
        *found.seen.entry(namespace).or_default().entry(seen).or_default() += class.count;
    }
    found.unused = unused(mesh, &used);
    found
}

fn namespace_of(mesh: &Mesh, to: Destination) -> String {
    let namespace = match to {
        Destination::Service { service, .. } => mesh.service(service).namespace,
        Destination::Pod { workload, .. } => mesh.workload(workload).namespace,
    };
    mesh.namespace(namespace).name.clone()
}

/// Who may reach what with `GET /`, by the mesh's policies, and was not seen to.
fn unused(mesh: &Mesh, used: &BTreeSet<(Client, Destination)>) -> Vec<(String, String)> {
    let matrix = mesh.matrix();
    let mut all: Vec<(String, String)> = matrix
        .iter()
        .filter(|(client, _, cell)| {
            cell.verdict == Verdict::Allow && matches!(client, Client::Workload(_))
        })
        .map(|(client, (service, port), _)| (client, Destination::Service { service, port }))
        .filter(|pair| !used.contains(pair))
        .map(|(client, to)| (client_name(mesh, client), destination_name(mesh, to)))
        .collect();
    all.sort_unstable();
    all
}

/// A path in which identifiers are `*`: UUIDs, numbers, and hexadecimal strings of at least 16
/// digits, each as a whole segment.
pub fn normal_path(path: &str) -> String {
    let segments: Vec<&str> =
        path.split('/').map(|segment| if is_identifier(segment) { "*" } else { segment }).collect();
    segments.join("/")
}

fn is_identifier(segment: &str) -> bool {
    let hex = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_hexdigit());
    let digits = !segment.is_empty() && segment.bytes().all(|b| b.is_ascii_digit());
    let groups: Vec<&str> = segment.split('-').collect();
    let uuid = groups.iter().map(|g| g.len()).eq([8, 4, 4, 4, 12]) && groups.iter().all(|g| hex(g));
    digits || uuid || (segment.len() >= 16 && hex(segment))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_one_segment() {
        assert_eq!(normal_path("/api/v1/products/17/reviews"), "/api/v1/products/*/reviews");
        assert_eq!(normal_path("/o/cd3b2ae8-6b6a-4c55-a186-897328c84e00"), "/o/*");
        assert_eq!(normal_path("/blob/0123456789abcdef0123"), "/blob/*");
        assert_eq!(normal_path("/"), "/");
        assert_eq!(normal_path("/cafe/v2"), "/cafe/v2");
    }
}
