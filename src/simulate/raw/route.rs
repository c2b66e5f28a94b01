//! Routes, as far as they say where a request of the mesh goes.

use serde::Deserialize;
use serde_json::Value;

use super::or_default;

/// `spec` of an HTTPRoute, GRPCRoute, TLSRoute or TCPRoute.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Route {
    /// What it is attached to.
    #[serde(deserialize_with = "or_default")]
    pub parent_refs: Vec<RouteRef>,
    /// Its rules.
    #[serde(deserialize_with = "or_default")]
    pub rules: Vec<RouteRule>,
}

/// A reference to a parent, or a backend.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct RouteRef {
    /// Group.
    pub group: Option<String>,
    /// Kind.
    pub kind: Option<String>,
    /// Namespace; the route's own where absent.
    pub namespace: Option<String>,
    /// Name.
    pub name: String,
    /// The port.
    pub port: Option<u16>,
    /// Of a backend: its share.
    pub weight: Option<u32>,
    /// Of a backend: what becomes of the request.
    #[serde(deserialize_with = "or_default")]
    pub filters: Vec<Value>,
}

/// One rule.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RouteRule {
    /// For which requests; none is all.
    #[serde(deserialize_with = "or_default")]
    pub matches: Vec<RouteMatch>,
    /// What becomes of them.
    #[serde(deserialize_with = "or_default")]
    pub filters: Vec<Value>,
    /// Where they go.
    #[serde(deserialize_with = "or_default")]
    pub backend_refs: Vec<RouteRef>,
}

/// Which requests a rule is for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RouteMatch {
    /// By path.
    pub path: Option<PathMatch>,
    /// By method.
    pub method: Option<Value>,
    /// By headers.
    #[serde(deserialize_with = "or_default")]
    pub headers: Vec<Value>,
    /// By query.
    #[serde(deserialize_with = "or_default")]
    pub query_params: Vec<Value>,
}

/// A match by path.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PathMatch {
    /// `PathPrefix` where absent.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// The path; `/` where absent.
    pub value: Option<String>,
}

impl RouteRule {
    /// Is it for every request?
    pub fn is_for_all(&self) -> bool {
        self.matches.is_empty() || self.matches.iter().any(RouteMatch::is_for_all)
    }
}

impl RouteMatch {
    fn is_for_all(&self) -> bool {
        let any_path = self.path.as_ref().is_none_or(|path| {
            path.kind.as_deref().unwrap_or("PathPrefix") == "PathPrefix"
                && path.value.as_deref().unwrap_or("/") == "/"
        });
        any_path && self.method.is_none() && self.headers.is_empty() && self.query_params.is_empty()
    }
}

/// `spec` of a VirtualService, as far as it says where requests go.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct VirtualService {
    /// The hosts it is for.
    #[serde(deserialize_with = "or_default")]
    pub hosts: Vec<String>,
    /// Gateways; none, or `mesh`, is the proxies of the mesh.
    #[serde(deserialize_with = "or_default")]
    pub gateways: Vec<String>,
    /// Who sees it; none is everybody.
    #[serde(deserialize_with = "or_default")]
    pub export_to: Vec<String>,
    /// Of HTTP ports.
    #[serde(deserialize_with = "or_default")]
    pub http: Vec<VirtualRoute>,
    /// Of TLS ports.
    #[serde(deserialize_with = "or_default")]
    pub tls: Vec<VirtualRoute>,
    /// Of other ports.
    #[serde(deserialize_with = "or_default")]
    pub tcp: Vec<VirtualRoute>,
}

/// One route of a VirtualService.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct VirtualRoute {
    /// For which requests; none is all.
    #[serde(rename = "match", deserialize_with = "or_default")]
    pub matches: Vec<Value>,
    /// Where they go.
    #[serde(deserialize_with = "or_default")]
    pub route: Vec<RouteDestination>,
    /// Another path or host is sent on.
    pub rewrite: Option<Value>,
    /// The client is sent elsewhere.
    pub redirect: Option<Value>,
    /// It is answered here.
    pub direct_response: Option<Value>,
    /// Another VirtualService says it.
    pub delegate: Option<Value>,
    /// It fails.
    pub fault: Option<Value>,
    /// Headers are changed.
    pub headers: Option<Value>,
}

/// A destination with its share.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct RouteDestination {
    /// Where to.
    #[serde(deserialize_with = "or_default")]
    pub destination: VirtualDestination,
    /// Headers are changed.
    pub headers: Option<Value>,
}

/// A destination of a VirtualService.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct VirtualDestination {
    /// The host, short or whole.
    pub host: String,
    /// The subset.
    pub subset: Option<String>,
    /// The port; the client's where absent.
    pub port: Option<VirtualPort>,
}

/// A port by number.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct VirtualPort {
    /// The number.
    pub number: u16,
}

impl VirtualService {
    /// Every destination of its routes.
    pub fn destinations(&self) -> impl Iterator<Item = &VirtualDestination> {
        let rules = self.http.iter().chain(&self.tls).chain(&self.tcp);
        rules.flat_map(|rule| rule.route.iter().map(|route| &route.destination))
    }
}

impl VirtualRoute {
    /// Does it only send on, as it came?
    pub fn is_plain(&self) -> bool {
        let changed = [
            &self.rewrite,
            &self.redirect,
            &self.direct_response,
            &self.delegate,
            &self.fault,
            &self.headers,
        ];
        changed.iter().all(|change| change.is_none())
            && self.route.iter().all(|to| to.headers.is_none())
    }
}
