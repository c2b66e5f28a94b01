//! Which VirtualServices stand between callers in the mesh and a Service, and whether they change what
//! policies read. Where they lead is not followed.

use super::reach::Service;
use crate::k8s::Object;
use crate::yaml::Node;

/// Does a VirtualService decide for callers in the mesh? `mesh` is what it is bound to where it names no
/// gateway.
pub(super) fn is_for_clients(route: &Object) -> bool {
    let gateways = route.body.get_path(&["spec", "gateways"]).and_then(|list| list.as_list());
    gateways.is_none_or(|list| list.is_empty() || list.iter().any(|g| g.as_str() == Some("mesh")))
}

/// Is a Service among the hosts of a VirtualService, or where it leads?
pub(super) fn names(route: &Object, service: &Service) -> bool {
    let own = route.namespace_or_default();
    let is = |host: &str| {
        let host = host.trim_end_matches('.');
        let mut parts = host.split('.');
        let (name, namespace) = (parts.next(), parts.next().unwrap_or(own));
        (name == Some(service.name.as_str()) && namespace == service.namespace)
            || host.strip_prefix("*.").is_some_and(|rest| {
                format!("{}.svc.cluster.local", service.namespace).ends_with(rest)
            })
            || host == "*"
    };
    let hosts = route.body.get_path(&["spec", "hosts"]).and_then(|hosts| hosts.as_list());
    let mut leads = Vec::new();
    destinations(&route.body, &mut leads);
    hosts.unwrap_or_default().iter().filter_map(|h| h.as_str()).any(is) || leads.into_iter().any(is)
}

/// Every `destination.host` below a node.
fn destinations<'n>(node: &'n Node, hosts: &mut Vec<&'n str>) {
    if let Some(host) = node.get_path(&["destination", "host"]).and_then(|host| host.as_str()) {
        hosts.push(host);
    }
    if let Some(mapping) = node.as_mapping() {
        mapping.entries.iter().for_each(|entry| destinations(&entry.value, hosts));
    }
    node.as_list().unwrap_or_default().iter().for_each(|item| destinations(item, hosts));
}

/// Does a VirtualService change what policies read?
pub(super) fn rewrites(route: &Object) -> bool {
    let routes = route.body.get_path(&["spec", "http"]).and_then(|routes| routes.as_list());
    routes.unwrap_or_default().iter().any(|route| {
        ["rewrite", "headers", "redirect", "delegate"].iter().any(|key| route.get(key).is_some())
    })
}
