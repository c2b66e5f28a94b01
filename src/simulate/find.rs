//! Clients and destinations by the names that people write: `client/sleep`, `outside`,
//! `gateway:istio-system/ingress`, `httpbin/httpbin:8000`, `pod:httpbin/httpbin:80`.

use std::fmt;

use crate::diagnostic::nearest;

use super::mesh::{ClusterId, Mesh, NamespaceId, Role, ServiceId, ServiceKind, WorkloadId};
use super::request::{Client, Destination};

/// A name that means nothing in a mesh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotFound {
    /// What is wrong, in words.
    pub message: String,
    /// What was perhaps meant.
    pub nearest: Option<String>,
}

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for NotFound {}

impl Mesh {
    /// A client: `[cluster/]namespace/workload`, `gateway:[cluster/]namespace/gateway` (somebody
    /// outside, through that gateway), or `outside` with an address behind a colon where it matters.
    ///
    /// # Errors
    /// The name is not one of these, or nothing bears it.
    pub fn find_client(&self, name: &str) -> Result<Client, NotFound> {
        if name == "outside" {
            return Ok(Client::Outside(None));
        }
        if let Some(ip) = name.strip_prefix("outside:") {
            return match ip.parse() {
                Ok(ip) => Ok(Client::Outside(Some(ip))),
                Err(_) => {
                    Err(NotFound { message: format!("`{ip}` is not an address"), nearest: None })
                }
            };
        }
        let (name, gateway) = match name.strip_prefix("gateway:") {
            Some(rest) => (rest, true),
            None => (name, false),
        };
        self.find_workload(name, gateway).map(Client::Workload)
    }

    /// A destination: `[cluster/]namespace/service:port`, by number or name of the port, or
    /// `pod:[cluster/]namespace/workload:port`. The port may be left out where there is only one.
    ///
    /// # Errors
    /// The name is not one of these, or nothing bears it.
    pub fn find_destination(&self, name: &str) -> Result<Destination, NotFound> {
        let (name, pod) = match name.strip_prefix("pod:") {
            Some(rest) => (rest, true),
            None => (name, false),
        };
        let (name, port) = match name.rsplit_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (name, None),
        };
        if pod {
            let workload = self.find_workload(name, false)?;
            let ports = self.workload(workload).ports.iter();
            let ports = ports.map(|p| (p.container_port, p.name.clone().unwrap_or_default()));
            let port = find_port(name, port, ports.collect())?;
            return Ok(Destination::Pod { workload, port });
        }
        let service = self.find_service(name)?;
        let known =
            self.service(service).ports.iter().map(|p| (p.number, p.name.clone())).collect();
        let port = find_port(name, port, known)?;
        let open = self.service(service).kind == ServiceKind::ExternalName
            && self.service(service).ports.is_empty();
        if !open && self.service(service).ports.iter().all(|p| p.number != port) {
            let ports: Vec<String> =
                self.service(service).ports.iter().map(|p| p.number.to_string()).collect();
            return Err(NotFound {
                message: format!("service `{name}` has no port {port}, only {}", ports.join(", ")),
                nearest: None,
            });
        }
        Ok(Destination::Service { service, port })
    }

    /// A workload by `[cluster/]namespace/name`. A Gateway is found by its own name as well as by
    /// that of its pods.
    ///
    /// # Errors
    /// Nothing bears the name.
    pub fn find_workload(&self, name: &str, gateway: bool) -> Result<WorkloadId, NotFound> {
        let (namespace, own) = self.namespace_and_name(name)?;
        let here = |id: &WorkloadId| namespace.contains(&self.workload(*id).namespace);
        let is_gateway = |role| matches!(role, Role::Gateway | Role::EastWest);
        let by_gateway = self
            .gateways()
            .find(|(_, g)| gateway && g.name == own && namespace.contains(&g.namespace));
        if let Some((_, found)) = by_gateway {
            return Ok(found.workload);
        }
        let found = self
            .workloads()
            .find(|(id, w)| here(id) && w.name == own && (!gateway || is_gateway(w.role)));
        match found {
            Some((id, _)) => Ok(id),
            None => {
                let known: Vec<String> = self
                    .workloads()
                    .filter(|(_, w)| !gateway || is_gateway(w.role))
                    .map(|(id, _)| self.workload_name(id))
                    .collect();
                let what = if gateway { "gateway" } else { "workload" };
                Err(not_found(what, name, &known))
            }
        }
    }

    /// A service by `[cluster/]namespace/name`, or by a host name. A Service of type ExternalName is the
    /// one that it stands for.
    ///
    /// # Errors
    /// Nothing bears the name.
    pub fn find_service(&self, name: &str) -> Result<ServiceId, NotFound> {
        if !name.contains('/')
            && let Some(found) = self.find_host(name)
        {
            return Ok(found);
        }
        let (namespace, own) =
            self.namespace_and_name(name).map_err(|error| self.no_host(name, error))?;
        let stands_for = |n: &NamespaceId| self.fixed.aliases.get(&(*n, own.to_owned())).copied();
        self.services()
            .find(|(_, s)| namespace.contains(&s.namespace) && s.name == own)
            .map(|(id, _)| id)
            .or_else(|| namespace.iter().find_map(stands_for))
            .ok_or_else(|| {
                let known: Vec<String> =
                    self.services().map(|(id, _)| self.service_name(id)).collect();
                not_found("service", name, &known)
            })
    }

    /// What is said of a name without a namespace that is no host either: the name of a service in its
    /// namespace is nearest, else a host that is almost the same.
    fn no_host(&self, name: &str, error: NotFound) -> NotFound {
        if name.contains('/') {
            return error;
        }
        let own = self.services().find(|(_, service)| service.name == name);
        let own = own.map(|(id, _)| self.service_name(id));
        let host =
            || nearest(name, self.services().flat_map(|(_, s)| s.hosts())).map(str::to_owned);
        NotFound {
            message: format!("{}, and is no host that is there", error.message),
            nearest: own.or_else(host).or(error.nearest),
        }
    }

    /// The service of a host: a Service's, whole or as far as `name.namespace`, else a ServiceEntry's,
    /// where a wildcard is for every name under it.
    fn find_host(&self, host: &str) -> Option<ServiceId> {
        const DOMAIN: &str = ".svc.cluster.local";
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let whole = host.strip_suffix(DOMAIN).or_else(|| host.strip_suffix(".svc"));
        let whole = format!("{}{DOMAIN}", whole.unwrap_or(&host));
        let is_service = |s: &&(ServiceId, &super::mesh::Service)| s.1.host == whole;
        if let Some((id, _)) = self.services().collect::<Vec<_>>().iter().find(is_service) {
            return Some(*id);
        }
        let alias = whole.strip_suffix(DOMAIN).and_then(|short| short.split_once('.'));
        let alias = alias.and_then(|(name, namespace)| {
            let there = self.clusters().filter_map(|(id, _)| self.find_namespace(id, namespace));
            there.into_iter().find_map(|n| self.fixed.aliases.get(&(n, name.to_owned())).copied())
        });
        let entries = || self.services().flat_map(|(id, s)| s.hosts().map(move |h| (id, h)));
        let under = |wild: &str| {
            wild.strip_prefix('*').is_some_and(|end| host.len() > end.len() && host.ends_with(end))
        };
        alias
            .or_else(|| {
                entries().find(|(_, own)| own.eq_ignore_ascii_case(&host)).map(|(id, _)| id)
            })
            .or_else(|| entries().find(|(_, own)| under(own)).map(|(id, _)| id))
    }

    /// The namespaces that a name may mean (one for each cluster where none is named), and the rest.
    fn namespace_and_name<'n>(
        &self,
        name: &'n str,
    ) -> Result<(Vec<NamespaceId>, &'n str), NotFound> {
        let mut parts = name.rsplitn(3, '/');
        let (own, namespace, cluster) = (parts.next(), parts.next(), parts.next());
        let (Some(own), Some(namespace)) = (own, namespace) else {
            return Err(NotFound {
                message: format!("`{name}` names no namespace"),
                nearest: Some(format!("namespace/{name}")),
            });
        };
        let clusters: Vec<ClusterId> = self
            .clusters()
            .filter(|(_, o)| cluster.is_none_or(|c| o.cluster == c))
            .map(|(id, _)| id)
            .collect();
        if let (Some(cluster), true) = (cluster, clusters.is_empty()) {
            let known: Vec<String> = self.clusters().map(|(_, o)| o.cluster.clone()).collect();
            return Err(not_found("cluster", cluster, &known));
        }
        let namespaces = clusters.iter().filter_map(|c| self.find_namespace(*c, namespace));
        Ok((namespaces.collect(), own))
    }
}

fn find_port(name: &str, port: Option<&str>, known: Vec<(u16, String)>) -> Result<u16, NotFound> {
    match (port, known.as_slice()) {
        (None, [(only, _)]) => Ok(*only),
        (None, _) => Err(NotFound {
            message: format!("`{name}` names no port"),
            nearest: known.first().map(|(number, _)| format!("{name}:{number}")),
        }),
        (Some(port), _) => port
            .parse()
            .ok()
            .or_else(|| known.iter().find(|(_, n)| n == port).map(|(number, _)| *number))
            .ok_or_else(|| NotFound {
                message: format!("`{port}` is no port of `{name}`"),
                nearest: known.first().map(|(number, _)| number.to_string()),
            }),
    }
}

fn not_found(what: &str, name: &str, known: &[String]) -> NotFound {
    NotFound {
        message: format!("{what} `{name}` is not there"),
        nearest: nearest(name, known.iter().map(String::as_str)).map(str::to_owned),
    }
}
