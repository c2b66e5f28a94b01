//! Which namespaces call each other, and how much.

use std::collections::BTreeMap;

use super::compare::{Finding, Present, Replay};
use super::counted::{add, most};
use crate::simulate::{Client, Destination, Mesh, NamespaceId};
use crate::traffic::{Reporter, Sample};

/// A namespace of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Side {
    /// The cluster.
    pub cluster: String,
    /// The namespace.
    pub namespace: String,
}

/// The requests of one namespace to another, or within one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// Who asks.
    pub from: Side,
    /// Who is asked.
    pub to: Side,
    /// How many requests, or connections where no proxy of HTTP saw them.
    pub requests: u64,
    /// How many of them are refused then.
    pub lost: u64,
}

/// How often the proxies between a client and a destination saw something.
type Pairs = BTreeMap<(Client, Destination), BTreeMap<Reporter, u64>>;

/// The edges of a sample in the present, by namespace. Requests of which an end is not known are not
/// among them.
pub fn edges(sample: &Sample, now: &Mesh, present: &Present, replay: &Replay) -> Vec<Edge> {
    let mut pairs = Pairs::new();
    for (class, answer) in sample.classes().iter().zip(present.answers()) {
        let Ok(answer) = answer else { continue };
        let seen = pairs.entry((answer.from, answer.to)).or_default();
        add(seen, class.reporter, class.count);
    }
    // requests, and those of them that are lost
    let mut edges: BTreeMap<(Side, Side), (u64, u64)> = BTreeMap::new();
    for ((from, to), seen) in &pairs {
        if let Some(ends) = between(now, *from, *to) {
            edges.entry(ends).or_default().0 += most(seen);
        }
    }
    for row in replay.of(Finding::Lost) {
        if let Some(edge) = row.between.as_ref().and_then(|ends| edges.get_mut(ends)) {
            edge.1 += row.count;
        }
    }
    edges
        .into_iter()
        .map(|((from, to), (requests, lost))| Edge { from, to, requests, lost })
        .collect()
}

/// The namespaces of a client and a destination.
pub(super) fn between(mesh: &Mesh, from: Client, to: Destination) -> Option<(Side, Side)> {
    let Client::Workload(client) = from else { return None };
    let called = match to {
        Destination::Service { service, .. } => mesh.service(service).namespace,
        Destination::Pod { workload, .. } => mesh.workload(workload).namespace,
    };
    Some((side(mesh, mesh.workload(client).namespace), side(mesh, called)))
}

fn side(mesh: &Mesh, id: NamespaceId) -> Side {
    let namespace = mesh.namespace(id);
    Side {
        cluster: mesh.options(namespace.cluster).cluster.clone(),
        namespace: namespace.name.clone(),
    }
}
