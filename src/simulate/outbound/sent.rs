//! What a client's own proxy does with a connection, asked by itself.

use super::{Leaving, Transport, transport};
use crate::simulate::mesh::{Mesh, WorkloadId};
use crate::simulate::path::{Hop, Way, ends};
use crate::simulate::request::{Client, Destination, HttpRequest, Prepared};

/// What goes out to one of the workloads behind a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// To which; `None` where nothing of the mesh is there.
    pub to: Option<WorkloadId>,
    /// The port there.
    pub port: u16,
    /// What is spoken.
    pub how: Sending,
}

/// What a client's proxy speaks to the next hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sending {
    /// HBONE.
    Hbone,
    /// The mesh's mutual TLS.
    Mtls,
    /// TLS that is not the mesh's.
    Tls,
    /// What the application sent.
    Plain,
    /// The connection ends at the proxy.
    Nothing,
    /// No manifest shows it.
    Unknown,
}

impl Sending {
    /// A word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Sending::Hbone => "hbone",
            Sending::Mtls => "mtls",
            Sending::Tls => "tls",
            Sending::Plain => "plain",
            Sending::Nothing => "nothing",
            Sending::Unknown => "unknown",
        }
    }
}

impl Mesh {
    /// What a workload's proxy speaks to each workload behind a destination, waypoints apart.
    pub fn sent(&self, from: WorkloadId, to: Destination) -> Vec<Sent> {
        let hop = Hop::of(self, Client::Workload(from));
        let request = Prepared::new(self, to, &HttpRequest::default(), false);
        let sent = |endpoint: Option<WorkloadId>| {
            let mut steps = Vec::new();
            let way = Way::new(self, &request, hop, &mut steps);
            let port = endpoint.map_or_else(|| request.port(), |id| way.target_port(id));
            let (leaving, other) = way.leaving(endpoint);
            let by = |leaving| self.sending(&hop, leaving, endpoint, port);
            let how = match other {
                Some((other, _)) if by(other) != by(leaving) => Sending::Unknown,
                _ => by(leaving),
            };
            Sent { to: endpoint, port, how }
        };
        ends(self, hop, &request).into_iter().map(sent).collect()
    }

    fn sending(
        &self,
        hop: &Hop<'_>,
        leaving: Leaving,
        endpoint: Option<WorkloadId>,
        port: u16,
    ) -> Sending {
        let Some(server) = endpoint else {
            return match leaving {
                Leaving::Nowhere => Sending::Nothing,
                Leaving::Direct(_) => Sending::Plain,
                Leaving::Unrouted | Leaving::Cluster(_) => Sending::Unknown,
            };
        };
        if leaving == Leaving::Nowhere {
            return Sending::Nothing;
        }
        match transport(self, hop, leaving, server, port).0 {
            Transport::Hbone => Sending::Hbone,
            Transport::Mtls => Sending::Mtls,
            Transport::Tls => Sending::Tls,
            Transport::Plain => Sending::Plain,
        }
    }
}
