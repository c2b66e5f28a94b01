//! What no manifest shows: an answer that depends on it is unknown, never a refusal.

use super::{ClusterId, GatewayId, Mesh, NamespaceId, RouteId};

/// Why an answer is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unknown {
    /// The service selects nothing, and no EndpointSlice shows who is behind it.
    Endpoints,
    /// The service selects workloads, and none that is shown has these labels.
    Selected,
    /// An EndpointSlice names pods that no workload that is shown makes.
    Pods,
    /// Whether the client's sidecar has the connection: ranges of addresses in its pod's annotations
    /// decide, and the address is not shown.
    ClientAddress,
    /// How the client's proxy speaks: a VirtualService leads to several subsets, whose TLS settings
    /// differ.
    Subset,
    /// What the proxies of a Gateway decide: they are not Istio's.
    ForeignProxy(GatewayId),
    /// The pods of a Gateway: others make them.
    GatewayPods(GatewayId),
    /// A route decides where a request goes.
    Route(RouteId),
    /// How pods take part: labels of their namespace decide, and no manifest shows it. Of refusals
    /// alone: the other way they might be let through.
    Namespace(NamespaceId),
    /// The waypoint that labels name. Of refusals alone: behind it another identity is seen.
    Waypoint,
    /// The Service stands for a name in the cluster that no manifest shows.
    Alias,
    /// What gateways between clusters do with the client's identity.
    BetweenClusters(ClusterId),
}

impl Unknown {
    /// Does the way end here? Behind a foreign proxy it goes on with an identity that is known.
    pub(in crate::simulate) fn is_end(self) -> bool {
        !matches!(self, Unknown::ForeignProxy(_))
    }
}

impl Mesh {
    /// What is not known, in words.
    pub fn unknown_text(&self, unknown: Unknown) -> String {
        match unknown {
            Unknown::Endpoints => "the service selects nothing, and no EndpointSlice of it shows \
                                   who is behind it"
                .into(),
            Unknown::Selected => {
                "no workload that is shown has the labels that the service selects".into()
            }
            Unknown::Pods => {
                "an EndpointSlice names pods, and no workload that is shown makes them".into()
            }
            Unknown::Namespace(id) => format!(
                "no manifest shows Namespace `{}`, whose labels say how its pods take part; without labels \
                 the call is refused",
                self.namespace(id).name
            ),
            Unknown::Waypoint => {
                "no manifest shows the waypoint that a label names; past it the call is refused"
                    .into()
            }
            Unknown::GatewayPods(id) => {
                let gateway = self.gateway(id);
                format!(
                    "Gateway {}/{} has an address of its own, so its pods are made by others, and none \
                     is shown",
                    self.namespace(gateway.namespace).name,
                    gateway.name
                )
            }
            Unknown::Route(id) => {
                let route = &self.fixed.routes[id.0 as usize];
                format!(
                    "{} {}/{} decides where a request goes, and routes are not followed",
                    route.kind,
                    self.namespace(route.namespace).name,
                    route.name
                )
            }
            Unknown::Alias => {
                "the Service stands for a name in the cluster that no manifest shows".into()
            }
            Unknown::BetweenClusters(cluster) => format!(
                "the call goes to cluster `{}` through gateways, and which identity is seen behind them \
                 is not documented",
                self.options(cluster).cluster
            ),
            Unknown::ClientAddress => {
                "annotations of the client's pods keep ranges of addresses from its sidecar, and no \
                 manifest shows this address"
                    .into()
            }
            Unknown::Subset => {
                "a VirtualService leads to several subsets, whose TLS settings differ".into()
            }
            Unknown::ForeignProxy(id) => {
                let gateway = self.gateway(id);
                format!(
                    "Gateway {}/{} is of class `{}`, and what its proxies decide is not Istio's",
                    self.namespace(gateway.namespace).name,
                    gateway.name,
                    gateway.class
                )
            }
        }
    }
}
