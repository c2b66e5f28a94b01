//! The simulator over small meshes: ways, enforcement points and their words.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail this way"
)]

use waypost::diagnostic::{Diagnostic, Sources};
use waypost::k8s::objects_of;
use waypost::simulate::{Decision, HttpRequest, Mesh, Options, PodState, Request, WaypointState};
use waypost::yaml::{Budget, read};

mod ambientz;
mod attachment;
mod bad_input;
mod behind;
mod capture;
mod clusters;
mod destination_rules;
mod dropped;
mod entries;
mod equivalence;
mod fields;
mod gateways;
mod judged;
mod listeners;
mod network;
mod one_edit;
mod outbound;
mod paths;
mod regressions;
mod routes;
mod server_name;
mod transient;
mod whole_answer;
mod ztunnel;

/// The mesh of some YAML.
fn mesh(yaml: &str) -> Mesh {
    let (mesh, found) = mesh_and_findings(yaml, &Options::default());
    // what targets nothing is a case of its own
    assert!(found.iter().all(|d| d.code == "dangling-target"), "{found:#?}");
    mesh
}

fn mesh_and_findings(yaml: &str, options: &Options) -> (Mesh, Vec<Diagnostic>) {
    let mut sources = Sources::default();
    let file = sources.add("mesh.yaml", yaml);
    let (documents, found) = read(file, yaml, &Budget::SPEC);
    assert!(found.is_empty(), "{found:#?}");
    let (objects, found) = objects_of(documents);
    assert!(found.is_empty(), "{found:#?}");
    Mesh::from_objects(&objects, options)
}

/// `GET path` from one to another.
fn get(mesh: &Mesh, from: &str, to: &str, path: &str) -> Decision {
    mesh.decide(&Request {
        from: mesh.find_client(from).unwrap(),
        to: mesh.find_destination(to).unwrap(),
        http: HttpRequest { path: path.into(), ..HttpRequest::default() },
        raw_tcp: false,
    })
}

/// The answer to `GET /` of the client.
fn verdict(mesh: &Mesh, to: &str) -> &'static str {
    get(mesh, "client/sleep", to, "/").verdict.as_str()
}

/// Every step of the way that speaks for the answer, and what the client sees.
fn story(mesh: &Mesh, from: &str, to: &str) -> String {
    told(mesh, &get(mesh, from, to, "/"))
}

fn told(mesh: &Mesh, decision: &Decision) -> String {
    let walk = decision.walk().unwrap();
    let mut lines: Vec<String> = walk
        .steps
        .iter()
        .map(|step| {
            let peer = step.peer.map_or("nobody".to_owned(), |id| {
                mesh.identities().peer(id).to_string().replace("cluster.local/ns/", "")
            });
            format!(
                "{} sees {peer} at port {}: {}",
                mesh.point_name(step.point),
                step.port,
                mesh.reason_text(step)
            )
        })
        .collect();
    lines.push(format!("{}: {}", decision.verdict.as_str(), walk.observed().as_str()));
    lines.join("\n")
}

fn set(mesh: &Mesh, workload: &str, state: PodState) -> Mesh {
    let mut mesh = mesh.clone();
    let id = mesh.find_workload(workload, false).unwrap();
    mesh.set_state(id, state);
    mesh
}

fn set_waypoint(mesh: &Mesh, state: WaypointState) -> Mesh {
    let mut mesh = mesh.clone();
    let ids: Vec<_> = mesh.gateways().map(|(id, _)| id).collect();
    ids.into_iter().for_each(|id| mesh.set_waypoint_state(id, state));
    mesh
}

/// Client and server in namespaces of their own; `{client}` and `{server}` are the namespaces' labels.
fn pair(client: &str, server: &str, more: &str) -> String {
    format!(
        "
apiVersion: v1
kind: Namespace
metadata: {{name: client, labels: {{{client}}}}}
---
apiVersion: v1
kind: Namespace
metadata: {{name: server, labels: {{{server}}}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: sleep, namespace: client}}
spec:
  template:
    metadata: {{labels: {{app: sleep}}}}
    spec: {{serviceAccountName: sleep, containers: [{{name: sleep}}]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web, namespace: server}}
spec:
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
      serviceAccountName: web
      containers: [{{name: web, ports: [{{containerPort: 80}}]}}]
---
apiVersion: v1
kind: Service
metadata: {{name: web, namespace: server}}
spec:
  selector: {{app: web}}
  ports: [{{name: http, port: 8000, targetPort: 80}}, {{name: tcp, port: 9000, targetPort: 90}}]
---
apiVersion: v1
kind: Service
metadata: {{name: headless, namespace: server}}
spec:
  clusterIP: None
  selector: {{app: web}}
  ports: [{{name: http, port: 80}}]
---
{WAYPOINT}
---
{more}"
    )
}

const WAYPOINT: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: waypoint, namespace: server, labels: {istio.io/waypoint-for: all}}
spec:
  gatewayClassName: istio-waypoint
  listeners: [{name: mesh, port: 15008, protocol: HBONE}]";

const SIDECAR: &str = "istio-injection: enabled";
const AMBIENT: &str = "istio.io/dataplane-mode: ambient";
const AMBIENT_WAYPOINT: &str = "istio.io/dataplane-mode: ambient, istio.io/use-waypoint: waypoint";

/// An AuthorizationPolicy in the server's namespace; `body` is the rest of its spec.
fn policy(name: &str, body: &str) -> String {
    format!(
        "
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {{name: {name}, namespace: server}}
spec: {{{body}}}
---"
    )
}

const AT_WAYPOINT: &str =
    "targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: waypoint}]";
const FROM_CLIENT: &str = "from: [{source: {principals: [cluster.local/ns/client/sa/sleep]}}]";
