//! The classes of requests between one client and one destination, in one mesh.

use super::field::Cache;
use super::question::{Questions, Road, Setting, questions};
use crate::simulate::decision::Decision;
use crate::simulate::envoy::ChainKind;
use crate::simulate::mesh::{Mesh, Protocol};
use crate::simulate::path::{Hop, Way, ends};
use crate::simulate::request::{Client, Destination, HttpRequest, Prepared, normalization};

/// One request of every class, with what comes of it.
#[derive(Clone, Debug)]
pub struct Classes {
    /// The requests, `GET /` first where it is one of them, and the decisions.
    pub all: Vec<(HttpRequest, Decision)>,
    /// False when there may be more classes.
    pub complete: bool,
}

impl Mesh {
    /// One request for every class that the policies between a client and a destination tell apart.
    /// Where no request is seen on the way there is one class.
    pub fn classes(&self, from: Client, to: Destination) -> Classes {
        let (host, protocol) = Prepared::ordinary(self, to);
        let raw_tcp = protocol == Protocol::Tcp;
        let ordinary = Prepared::new(self, to, &HttpRequest::default(), raw_tcp);
        let hop = Hop::of(self, from);
        let mut steps = Vec::new();
        let roads: Vec<Road<'_>> = ends(self, hop, &ordinary)
            .into_iter()
            .map(|endpoint| {
                let met = Way::new(self, &ordinary, hop, &mut steps).survey(endpoint);
                Road { mesh: self, met }
            })
            .collect();
        let is_http = roads.iter().flat_map(|r| &r.met).any(|met| met.kind == ChainKind::Http);
        let setting = Setting { host: Some(host), paths: normalization(self, to) };
        let asked = if is_http {
            questions(&roads, &setting, &mut Cache::default())
        } else {
            Questions { all: vec![HttpRequest::default()], complete: true }
        };
        let all = asked
            .all
            .into_iter()
            .map(|http| {
                let prepared = Prepared::new(self, to, &http, raw_tcp);
                let decision = self.decide_for(hop, &prepared);
                (http, decision)
            })
            .collect();
        Classes { all, complete: asked.complete }
    }
}
