//! Objects taken out of a mesh one at a time: no answer says denied or unreachable for want of a manifest.
//!
//! How that is told from rules that are left: an object that states a rule (a policy) may be missing, and
//! what the other rules say then holds. An object that shows what is there (Namespace, workload, Service,
//! EndpointSlice, Gateway, GatewayClass, route, ServiceEntry) may not make a refusal by its absence: a way
//! that is refused without it is one that the whole mesh refuses too, for the same endpoint or at the same point
//! for the same reason.

use std::collections::BTreeMap;

use waypost::diagnostic::Sources;
use waypost::k8s::{Object, objects_of};
use waypost::simulate::{Client, Decision, Mesh, Options, Request, Step, Verdict};
use waypost::yaml::{Budget, read};

use super::{AMBIENT, AMBIENT_WAYPOINT, AT_WAYPOINT, FROM_CLIENT, SIDECAR, pair, policy};

/// What else is there: every way to stand behind a Service, gateways, routes, and rules about all of them.
const MORE: &str = "
apiVersion: v1
kind: Service
metadata: {name: primary, namespace: server}
spec: {ports: [{name: tcp, port: 5432}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: primary-1, namespace: server, labels: {kubernetes.io/service-name: primary}}
ports: [{name: tcp, port: 5432}]
endpoints: [{addresses: [10.0.0.7], targetRef: {kind: Pod, name: web-6d4cf56db6-x2x7z}}]
---
apiVersion: v1
kind: Service
metadata: {name: front, namespace: server}
spec: {ports: [{name: http, port: 80}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: front, namespace: server}
spec: {parentRefs: [{group: '', kind: Service, name: front}], rules: [{backendRefs: [{name: web, port: 8000}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: alias, namespace: client}
spec: {type: ExternalName, externalName: web.server.svc.cluster.local}
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: own}
spec: {controllerName: istio.io/mesh-controller}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: own, namespace: server}
spec: {gatewayClassName: own, listeners: [{name: mesh, port: 15008, protocol: HBONE}]}
---
apiVersion: v1
kind: Service
metadata: {name: by-own, namespace: server, labels: {istio.io/use-waypoint: own}}
spec: {selector: {app: web}, ports: [{name: http, port: 80}]}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: machine, namespace: server}
spec:
  hosts: [machine.example]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{number: 80, name: http, protocol: HTTP}]
  workloadSelector: {labels: {app: web}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: second, namespace: server}
spec: {template: {metadata: {labels: {app: web}}, spec: {serviceAccountName: web, containers: [{name: a}]}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: edge, namespace: server}
spec:
  template:
    metadata: {labels: {istio: edge}, annotations: {inject.istio.io/templates: gateway}}
    spec: {containers: [{name: istio-proxy}]}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: server}
spec: {selector: {istio: edge}, servers: [{hosts: ['*'], port: {number: 80, name: http, protocol: HTTP}}]}
---
";

fn objects(yaml: &str) -> Vec<Object> {
    let mut sources = Sources::default();
    let file = sources.add("mesh.yaml", yaml);
    let (documents, found) = read(file, yaml, &Budget::SPEC);
    assert!(found.is_empty(), "{found:#?}");
    objects_of(documents).0
}

fn states_a_rule(object: &Object) -> bool {
    object.gvk.group == "security.istio.io" || object.gvk.kind == "NetworkPolicy"
}

/// Every client's `GET /` to every service port and to every workload's port 80, by names.
fn answers(mesh: &Mesh) -> BTreeMap<(String, String), Decision> {
    let clients = mesh.workloads().map(|(id, _)| {
        let name = mesh.workload_name(id);
        [name.clone(), format!("gateway:{name}")].into_iter()
    });
    let clients: Vec<(String, Client)> = clients
        .flatten()
        .chain(["outside".to_owned()])
        .filter_map(|name| Some((name.clone(), mesh.find_client(&name).ok()?)))
        .collect();
    let services = mesh.services().flat_map(|(id, service)| {
        let name = mesh.service_name(id);
        service.ports.iter().map(move |port| format!("{name}:{}", port.number))
    });
    let aliases = ["client/alias:8000".to_owned()];
    let pods = mesh.workloads().map(|(id, _)| format!("pod:{}:80", mesh.workload_name(id)));
    let targets: Vec<String> = services.chain(aliases).chain(pods).collect();
    let mut answers = BTreeMap::new();
    for (from, client) in &clients {
        for target in &targets {
            let Ok(to) = mesh.find_destination(target) else { continue };
            let http = waypost::simulate::HttpRequest::default();
            let decision = mesh.decide(&Request { from: *client, to, http, raw_tcp: false });
            answers.insert((from.clone(), target.clone()), decision);
        }
    }
    answers
}

/// The ways that a decision does not let through: the endpoint, and who refused why.
fn refused(mesh: &Mesh, decision: &Decision) -> Vec<(Option<String>, String)> {
    let shut = |verdict| matches!(verdict, Verdict::Deny | Verdict::Unreachable);
    let walks = decision.walks.iter().filter(|walk| shut(walk.verdict));
    let said = |step: &Step| format!("{}: {}", mesh.point_name(step.point), mesh.reason_text(step));
    walks
        .map(|walk| {
            let why = walk.deciding().map(said).unwrap_or_default();
            (walk.endpoint.map(|id| mesh.workload_name(id)), why)
        })
        .collect()
}

/// Takes every object out in turn, and gives how many answers were looked at.
fn drop_each(yaml: &str) -> usize {
    let all = objects(yaml);
    let (whole, _) = Mesh::from_objects(&all, &Options::default());
    let before = answers(&whole);
    let mut looked_at = 0;
    for index in 0..all.len() {
        let mut left = all.clone();
        let dropped = left.remove(index);
        let (mesh, _) = Mesh::from_objects(&left, &Options::default());
        if states_a_rule(&dropped) {
            continue;
        }
        for (pair, decision) in answers(&mesh) {
            looked_at += 1;
            let Some(was) = before.get(&pair) else { continue };
            let was = refused(&whole, was);
            let is_old = |(end, why): &(Option<String>, String)| {
                was.iter().any(|(old, said)| old == end || said == why)
            };
            let new: Vec<_> =
                refused(&mesh, &decision).into_iter().filter(|way| !is_old(way)).collect();
            assert!(
                new.is_empty(),
                "without {}, {} -> {} is refused at {new:?}: {decision:#?}",
                dropped.reference(),
                pair.0,
                pair.1,
            );
        }
    }
    looked_at
}

#[test]
fn no_answer_is_a_refusal_for_want_of_a_manifest() {
    let from_client = format!("rules: [{{{FROM_CLIENT}}}]");
    let rules = [
        String::new(),
        // the client alone, at the pods: its identity is needed, and no waypoint may stand between
        policy("p", &format!("selector: {{matchLabels: {{app: web}}}}, {from_client}")),
        // waypoints alone
        policy(
            "p",
            "selector: {matchLabels: {app: web}}, rules: [{from: [{source: {principals: \
             [cluster.local/ns/server/sa/waypoint, cluster.local/ns/server/sa/own]}}]}]",
        ),
        policy("p", &format!("{AT_WAYPOINT}, {from_client}")),
        policy("p", &format!("action: DENY, {from_client}")),
        "
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: strict, namespace: server}
spec: {mtls: {mode: STRICT}}
---
"
        .to_owned(),
    ];
    let mut looked_at = 0;
    for (client, server) in [
        (AMBIENT, AMBIENT),
        (AMBIENT, AMBIENT_WAYPOINT),
        (SIDECAR, SIDECAR),
        (SIDECAR, AMBIENT_WAYPOINT),
        (AMBIENT, SIDECAR),
    ] {
        for rule in &rules {
            looked_at += drop_each(&pair(client, server, &format!("{MORE}{rule}")));
        }
    }
    assert!(looked_at > 20_000, "{looked_at}");
}
