//! What the simulator says the sidecars of clients send, and where that ends: reads cases as JSON lines, writes answers as JSON
//! lines (`tests/mesh/istio/outbound/types.go` and `tests/mesh/istio/chained/types.go` are the formats).
//!
//! ```text
//! cargo run --example outbound < cases.jsonl > answers.jsonl
//! ```
//!
//! `tests/mesh/run --only outbound` asks istiod's own configuration the same, `--only chained` Envoys that carry it out.

#![allow(clippy::disallowed_methods, reason = "its lines are read by a program, byte for byte")]

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use serde::Deserialize;
use serde_json::{Value, json};
use waypost::simulate::{Client, Destination, HttpRequest, Mesh, Request, Sending, WorkloadId};
use waypost::world::mesh_options;

mod lines;
mod objects;

use objects::parse;

/// One set of objects, the clients, and what they connect to.
#[derive(Deserialize)]
struct Case {
    id: String,
    objects: String,
    #[serde(default)]
    mesh: String,
    clients: Vec<Pod>,
    asks: Vec<Ask>,
}

#[derive(Deserialize)]
struct Pod {
    namespace: String,
    name: String,
}

/// A connection: to a Service by its name, or to a pod's address.
#[derive(Deserialize)]
struct Ask {
    client: usize,
    address: IpAddr,
    port: u16,
    /// `namespace/name` of the Service whose name the client has resolved.
    #[serde(default)]
    service: Option<String>,
    /// The authority of an HTTP request; what has none is bytes.
    #[serde(default)]
    host: Option<String>,
}

fn main() -> anyhow::Result<()> {
    lines::answer_all(|case: &Case| Ok(json!({"id": case.id, "answers": answer(case)?})))
}

fn answer(case: &Case) -> anyhow::Result<Vec<Value>> {
    let mut objects = parse(&case.objects)?;
    let config = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "data": {"mesh": case.mesh},
        "metadata": {"name": "istio", "namespace": "istio-system"},
    });
    objects.extend(parse(&config.to_string())?);
    let options = mesh_options(&objects, &mut Vec::new());
    let (mesh, _) = Mesh::from_objects(&objects, &options);
    let named: HashMap<String, WorkloadId> =
        mesh.workloads().map(|(id, _)| (mesh.workload_name(id), id)).collect();
    let by_address: HashMap<IpAddr, WorkloadId> =
        mesh.workloads().filter_map(|(id, w)| Some((w.ip?, id))).collect();
    let services: HashMap<String, _> =
        mesh.services().map(|(id, _)| (mesh.service_name(id), id)).collect();
    let asked = case.asks.iter().map(|ask| {
        let client = &case.clients[ask.client];
        let name = format!("{}/{}", client.namespace, client.name);
        let from = *named.get(&name).ok_or_else(|| anyhow::anyhow!("no workload {name}"))?;
        let pod = by_address.get(&ask.address).copied();
        let to = match ask.service.as_ref().map(|name| services.get(name)) {
            Some(Some(service)) => Destination::Service { service: *service, port: ask.port },
            Some(None) => anyhow::bail!("{}: no service {:?}", case.id, ask.service),
            None => {
                let workload = pod.ok_or_else(|| anyhow::anyhow!("nobody is {}", ask.address))?;
                Destination::Pod { workload, port: ask.port }
            }
        };
        let request = Request {
            from: Client::Workload(from),
            to,
            http: HttpRequest { host: ask.host.clone(), ..HttpRequest::default() },
            raw_tcp: ask.host.is_none(),
        };
        Ok(json!({"sends": sends(&mesh, from, to, pod), "walks": walks(&mesh, &request, pod)}))
    });
    asked.collect()
}

/// What goes out, by address; of a headless Service to the one pod that the client has chosen.
fn sends(mesh: &Mesh, from: WorkloadId, to: Destination, pod: Option<WorkloadId>) -> Value {
    let sent = mesh.sent(from, to);
    let there = sent.iter().filter(|sent| pod.is_none() || sent.to == pod);
    let there = there.filter(|sent| sent.how != Sending::Nothing);
    let sends: HashMap<String, &str> = there
        .filter_map(|sent| {
            let ip = mesh.workload(sent.to?).ip?;
            Some((SocketAddr::new(ip, sent.port).to_string(), sent.how.as_str()))
        })
        .collect();
    json!(sends)
}

/// Whether it gets through to each pod, and as whom.
fn walks(mesh: &Mesh, request: &Request, pod: Option<WorkloadId>) -> Vec<Value> {
    let walks = mesh.decide(request).walks;
    let there = walks.iter().filter(|walk| pod.is_none() || walk.endpoint == pod);
    let walk = there.map(|walk| {
        let peer = walk.steps.last().and_then(|step| step.peer);
        json!({
            "to": walk.endpoint.map(|id| mesh.workload_name(id)),
            "verdict": walk.verdict.as_str(),
            "identity": peer.map(|id| mesh.identities().peer(id).to_string()),
            "why": walk.deciding().map(|step| mesh.reason_text(step)),
        })
    });
    walk.collect()
}
