//! Two meshes that differ in one edit: any field of any object, any option of the mesh. Wherever some
//! question is answered otherwise, the comparison lists the pair, or says that it did not compare it.
//!
//! `WAYPOST_EDITS=20000 cargo test --test it one_edit` asks more; `WAYPOST_SEED` starts elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::IpAddr;

use serde_json::{Value, json};
use waypost::diagnostic::Sources;
use waypost::k8s::{Object, objects_of};
use waypost::simulate::{
    Bound, CallerKind, Client, Comparison, Destination, HttpRequest, Logged, Mesh, Options,
    PathNormalization, Request, Role, Target, TargetKind, Token, Verdict, WorkloadId, compare,
};
use waypost::yaml::{Budget, read};

/// Edits without the environment variable.
const EDITS: u64 = 60;
/// Questions about each.
const QUESTIONS: usize = 200;

// ---- chance ----------------------------------------------------------------------------------

/// xorshift64*
struct Chance(u64);

impl Chance {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % end.max(1)
    }

    fn one_in(&mut self, several: usize) -> bool {
        self.below(several) == 0
    }

    fn of<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.below(all.len())]
    }

    fn some(&mut self, all: &[&str]) -> Value {
        let count = 1 + self.below(2);
        Value::from((0..count).map(|_| self.of(all).to_owned()).collect::<Vec<_>>())
    }
}

// ---- meshes ----------------------------------------------------------------------------------

const NAMESPACES: &[&str] = &["a", "b", "istio-system"];
const PODS: &[&str] = &["web", "db", "job"];
const PATHS: &[&str] = &["/", "/a", "/a/*", "*/b", "/{*}/b", "/a/{**}"];
const METHODS: &[&str] = &["GET", "POST", "P*"];
const HOSTS: &[&str] = &["web.a.svc.cluster.local:80", "x.com", "*.com"];
const PORTS: &[&str] = &["80", "8080", "9090", "4711"];
const PRINCIPALS: &[&str] = &[
    "cluster.local/ns/a/sa/web",
    "cluster.local/ns/a/*",
    "*/sa/db",
    "old.local/ns/b/sa/job",
    "cluster.local/ns/a/sa/waypoint",
    "*",
];
const BLOCKS: &[&str] = &["10.0.0.0/8", "10.1.0.0/16", "0.0.0.0/0", "192.0.2.7"];
const ADDRESSES: &[&str] = &["10.9.9.9", "10.1.2.3", "192.0.2.7", "198.51.100.1"];
const MODES: &[&str] = &["STRICT", "PERMISSIVE", "DISABLE", "UNSET"];

/// The objects of a mesh by a name, and its options.
#[derive(Clone)]
struct Made {
    objects: BTreeMap<String, Value>,
    options: Options,
}

fn made(chance: &mut Chance) -> Made {
    let mut objects = BTreeMap::new();
    for kind in kinds() {
        if kind.always || !chance.one_in(2) {
            objects.insert(kind.name.clone(), (kind.make)(chance, &kind));
        }
    }
    Made { objects, options: options(chance) }
}

type Make = fn(&mut Chance, &Kind) -> Value;

/// An object that a mesh may have.
struct Kind {
    name: String,
    namespace: &'static str,
    of: &'static str,
    always: bool,
    make: Make,
}

fn kinds() -> Vec<Kind> {
    let mut all = Vec::new();
    let mut add = |of: &'static str, namespace: &'static str, always: bool, make: Make| {
        let name = format!("{}/{namespace}/{of}", all.len());
        all.push(Kind { name, namespace, of, always, make });
    };
    for namespace in NAMESPACES {
        add("", namespace, true, namespace_object);
        add("policy-1", namespace, false, policy);
        add("policy-2", namespace, false, policy);
        add("peers", namespace, false, peer_authentication);
        add("tokens", namespace, false, request_authentication);
    }
    for namespace in ["a", "b"] {
        for pod in PODS {
            add(pod, namespace, true, workload);
            add(pod, namespace, true, service);
        }
        add("waypoint", namespace, false, waypoint);
        add("network", namespace, false, network_policy);
        add("machine", namespace, false, workload_entry);
        add("outer", namespace, false, service_entry);
        add("route", namespace, false, virtual_service);
        add("rule", namespace, false, destination_rule);
        add("http", namespace, false, http_route);
    }
    add("ingress", "istio-system", true, gateway);
    add("ingress", "istio-system", false, service);
    all
}

fn labels(chance: &mut Chance, own: &str) -> Value {
    let mut labels = json!({"app": own});
    let more = [
        ("istio.io/use-waypoint", &["waypoint", "none"][..]),
        ("istio.io/ingress-use-waypoint", &["true"]),
        ("istio.io/dataplane-mode", &["ambient", "none"]),
        ("sidecar.istio.io/inject", &["true", "false"]),
        ("networking.istio.io/tunnel", &["http", "none"]),
        ("tier", &["front", "back"]),
    ];
    for (key, values) in more {
        if chance.one_in(8) {
            labels[key] = json!(chance.of(values));
        }
    }
    labels
}

fn annotations(chance: &mut Chance) -> Value {
    let mut annotations = json!({});
    let more = [
        ("ambient.istio.io/bypass-inbound-capture", &["true", "false"][..]),
        ("traffic.sidecar.istio.io/excludeInboundPorts", &["8080", "9090"]),
        ("traffic.sidecar.istio.io/excludeOutboundPorts", &["80", "9090"]),
        ("traffic.sidecar.istio.io/includeInboundPorts", &["8080", "*"]),
        ("sidecar.istio.io/inject", &["true", "false"]),
    ];
    for (key, values) in more {
        if chance.one_in(8) {
            annotations[key] = json!(chance.of(values));
        }
    }
    annotations
}

fn namespace_object(chance: &mut Chance, kind: &Kind) -> Value {
    let mut labels = json!({});
    match chance.below(5) {
        0 | 1 => labels["istio-injection"] = json!("enabled"),
        2 | 3 => labels["istio.io/dataplane-mode"] = json!("ambient"),
        _ => {}
    }
    if chance.one_in(2) {
        labels["istio.io/use-waypoint"] = json!("waypoint");
    }
    if chance.one_in(4) {
        labels["tier"] = json!(chance.of(&["front", "back"]));
    }
    json!({"apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": kind.namespace, "labels": labels}})
}

fn workload(chance: &mut Chance, kind: &Kind) -> Value {
    let mut ports = vec![json!({"name": "http", "containerPort": 8080})];
    if chance.one_in(2) {
        ports.push(json!({"containerPort": 9090}));
    }
    let mut made = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": kind.of, "namespace": kind.namespace, "annotations": annotations(chance)},
        "spec": {"template": {
            "metadata": {"labels": labels(chance, kind.of), "annotations": annotations(chance)},
            "spec": {
                "serviceAccountName": chance.of(&[kind.of, "web", "waypoint"]),
                "containers": [{"name": "main", "ports": ports}],
            },
        }},
    });
    if chance.one_in(8) {
        made["spec"]["template"]["spec"]["hostNetwork"] = json!(true);
    }
    if chance.one_in(10) {
        made["metadata"]["ownerReferences"] = json!([{"kind": "Rollout", "name": "x"}]);
    }
    if chance.one_in(4) {
        made = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": kind.of, "namespace": kind.namespace,
                "labels": made["spec"]["template"]["metadata"]["labels"],
                "annotations": made["spec"]["template"]["metadata"]["annotations"]},
            "spec": made["spec"]["template"]["spec"],
            "status": {"podIP": chance.of(ADDRESSES)},
        });
    }
    made
}

fn service(chance: &mut Chance, kind: &Kind) -> Value {
    let mut ports = vec![json!({
        "name": chance.of(&["http", "tcp", "web", "grpc-x"]), "port": 80,
        "targetPort": if chance.one_in(2) { json!(8080) } else { json!("http") },
    })];
    if chance.one_in(3) {
        ports.push(json!({"name": chance.of(&["http-2", "tcp-2", "other"]), "port": 9090}));
    }
    let mut spec = json!({"selector": {"app": kind.of}, "ports": ports});
    if chance.one_in(5) {
        spec["clusterIP"] = json!(chance.of(&["None", "10.96.0.1"]));
    }
    if chance.one_in(6) {
        spec["selector"]["tier"] = json!("front");
    }
    json!({"apiVersion": "v1", "kind": "Service",
        "metadata": {"name": kind.of, "namespace": kind.namespace, "labels": labels(chance, kind.of)},
        "spec": spec})
}

fn waypoint(chance: &mut Chance, kind: &Kind) -> Value {
    let mut made = json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway",
        "metadata": {"name": "waypoint", "namespace": kind.namespace,
            "labels": {"istio.io/waypoint-for": chance.of(&["all", "service", "workload", "none"])}},
        "spec": {"gatewayClassName": "istio-waypoint",
            "listeners": [{"name": "mesh", "port": 15008, "protocol": "HBONE"}]},
    });
    if chance.one_in(4) {
        made["spec"]["listeners"][0]["allowedRoutes"] =
            json!({"namespaces": {"from": chance.of(&["All", "Same"])}});
    }
    if chance.one_in(8) {
        made["status"] = json!({"addresses": []});
    }
    made
}

fn gateway(chance: &mut Chance, kind: &Kind) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": kind.of, "namespace": kind.namespace},
        "spec": {"template": {
            "metadata": {"labels": {"app": "ingress", "istio": chance.of(&["ingress", "eastwestgateway"])}},
            "spec": {"serviceAccountName": "ingress",
                "containers": [{"name": "istio-proxy", "args": ["proxy", "router"],
                    "ports": [{"name": "http", "containerPort": 8080}]}]},
        }},
    })
}

fn condition(chance: &mut Chance) -> Value {
    let (key, values) = match chance.below(7) {
        0 => ("request.headers[x-role]", &["admin", "ad*", "*"][..]),
        1 => ("request.auth.claims[groups]", &["dev", "d*"][..]),
        2 => ("source.namespace", &["a", "*b"][..]),
        3 => ("source.ip", BLOCKS),
        4 => ("destination.port", PORTS),
        5 => ("source.principal", PRINCIPALS),
        _ => ("remote.ip", BLOCKS),
    };
    let values = chance.some(values);
    match chance.below(3) {
        0 => json!({"key": key, "notValues": values}),
        _ => json!({"key": key, "values": values}),
    }
}

fn policy(chance: &mut Chance, kind: &Kind) -> Value {
    let action = *["ALLOW", "DENY", "AUDIT", "CUSTOM"]
        .get(chance.below(8).saturating_sub(2).min(3))
        .unwrap();
    let action = if chance.one_in(2) { chance.of(&["ALLOW", "DENY"]) } else { action };
    let count = 1 + chance.below(2);
    let rules: Vec<Value> = (0..count).map(|_| rule(chance, action)).collect();
    let mut spec = json!({"action": action, "rules": rules});
    match chance.below(6) {
        0 => spec["selector"] = json!({"matchLabels": {"app": chance.of(PODS)}}),
        1 => {
            spec["targetRefs"] = json!([{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "waypoint"}]);
        }
        2 => {
            spec["targetRefs"] = json!([{"group": "", "kind": "Service", "name": chance.of(PODS)}]);
        }
        _ => {}
    }
    if action == "CUSTOM" {
        spec["provider"] = json!({"name": chance.of(&["opa", "other"])});
    }
    let mut made = json!({"apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy",
        "metadata": {"name": kind.of, "namespace": kind.namespace}, "spec": spec});
    if matches!(action, "ALLOW" | "DENY") && chance.one_in(6) {
        made["metadata"]["annotations"] = json!({"istio.io/dry-run": "true"});
    }
    made
}

fn rule(chance: &mut Chance, action: &str) -> Value {
    let mut rule = json!({});
    if action != "CUSTOM" && chance.one_in(2) {
        let (field, values) = match chance.below(7) {
            0 => ("namespaces", &["a", "b*"][..]),
            1 => ("notPrincipals", PRINCIPALS),
            2 => ("serviceAccounts", &["a/web", "job"][..]),
            3 => ("requestPrincipals", &["me/*", "*"][..]),
            4 => ("ipBlocks", BLOCKS),
            5 => ("remoteIpBlocks", BLOCKS),
            _ => ("principals", PRINCIPALS),
        };
        let values = chance.some(values);
        rule["from"] = json!([{"source": {field: values}}]);
    }
    if chance.one_in(2) {
        let (field, values) = match chance.below(6) {
            0 => ("methods", METHODS),
            1 => ("hosts", HOSTS),
            2 => ("ports", PORTS),
            3 => ("notPaths", PATHS),
            4 => ("notPorts", PORTS),
            _ => ("paths", PATHS),
        };
        let values = chance.some(values);
        rule["to"] = json!([{"operation": {field: values}}]);
    }
    if action != "CUSTOM" && chance.one_in(4) {
        rule["when"] = json!([condition(chance)]);
    }
    rule
}

fn peer_authentication(chance: &mut Chance, kind: &Kind) -> Value {
    let mut spec = json!({"mtls": {"mode": chance.of(MODES)}});
    if chance.one_in(2) {
        spec["selector"] = json!({"matchLabels": {"app": chance.of(PODS)}});
        spec["portLevelMtls"] = json!({(chance.of(PORTS)): {"mode": chance.of(MODES)}});
    }
    json!({"apiVersion": "security.istio.io/v1", "kind": "PeerAuthentication",
        "metadata": {"name": kind.of, "namespace": kind.namespace}, "spec": spec})
}

fn request_authentication(chance: &mut Chance, kind: &Kind) -> Value {
    let mut jwt = json!({"issuer": chance.of(&["me", "you"])});
    if chance.one_in(3) {
        jwt["audiences"] = json!(["here"]);
    }
    if chance.one_in(3) {
        jwt["forwardOriginalToken"] = json!(true);
    }
    json!({"apiVersion": "security.istio.io/v1", "kind": "RequestAuthentication",
        "metadata": {"name": kind.of, "namespace": kind.namespace}, "spec": {"jwtRules": [jwt]}})
}

fn network_policy(chance: &mut Chance, kind: &Kind) -> Value {
    let peer = |chance: &mut Chance| match chance.below(3) {
        0 => json!({"namespaceSelector": {"matchLabels": {"tier": "front"}}}),
        1 => json!({"podSelector": {"matchLabels": {"app": chance.of(PODS)}}}),
        _ => json!({"ipBlock": {"cidr": chance.of(&["10.0.0.0/8", "10.1.0.0/16", "0.0.0.0/0"])}}),
    };
    let mut rule = json!({});
    if chance.one_in(2) {
        rule["ports"] = match chance.below(3) {
            0 => json!([{"port": 15008}]),
            1 => json!([{"port": 8080, "endPort": 9090}]),
            _ => json!([{"port": "http"}]),
        };
    }
    let direction = chance.of(&["ingress", "ingress", "egress"]);
    if chance.one_in(2) {
        rule[if direction == "ingress" { "from" } else { "to" }] = json!([peer(chance)]);
    }
    let types = if direction == "ingress" { "Ingress" } else { "Egress" };
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"name": kind.of, "namespace": kind.namespace},
        "spec": {"podSelector": {"matchLabels": {"app": chance.of(PODS)}},
            "policyTypes": [types], (direction): [rule]}})
}

fn workload_entry(chance: &mut Chance, kind: &Kind) -> Value {
    json!({"apiVersion": "networking.istio.io/v1", "kind": "WorkloadEntry",
        "metadata": {"name": kind.of, "namespace": kind.namespace, "labels": labels(chance, "web")},
        "spec": {"address": chance.of(ADDRESSES), "serviceAccount": chance.of(&["web", "vm", ""]),
            "ports": {"http": 8080}}})
}

fn service_entry(chance: &mut Chance, kind: &Kind) -> Value {
    let mut spec = json!({
        "hosts": ["x.com"], "ports": [{"name": "http", "number": 80, "protocol": chance.of(&["HTTP", "TCP"])}],
        "location": chance.of(&["MESH_EXTERNAL", "MESH_INTERNAL"]),
        "resolution": chance.of(&["STATIC", "DNS", "NONE"]),
    });
    match chance.below(3) {
        0 => spec["workloadSelector"] = json!({"labels": {"app": "web"}}),
        1 => spec["endpoints"] = json!([{"address": "10.1.2.3", "serviceAccount": "vm"}]),
        _ => {}
    }
    json!({"apiVersion": "networking.istio.io/v1", "kind": "ServiceEntry",
        "metadata": {"name": kind.of, "namespace": kind.namespace}, "spec": spec})
}

fn virtual_service(chance: &mut Chance, kind: &Kind) -> Value {
    let mut http = json!({"route": [{"destination": {"host": chance.of(PODS)}}]});
    if chance.one_in(2) {
        http["match"] = json!([{"uri": {"prefix": "/a"}}]);
    }
    if chance.one_in(2) {
        http["rewrite"] = json!({"uri": "/b"});
    }
    json!({"apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
        "metadata": {"name": kind.of, "namespace": kind.namespace},
        "spec": {"hosts": [chance.of(PODS)], "http": [http]}})
}

fn destination_rule(chance: &mut Chance, kind: &Kind) -> Value {
    json!({"apiVersion": "networking.istio.io/v1", "kind": "DestinationRule",
        "metadata": {"name": kind.of, "namespace": kind.namespace},
        "spec": {"host": chance.of(&["web", "db", "web.a.svc.cluster.local"]),
            "trafficPolicy": {"tls": {"mode": chance.of(&["DISABLE", "ISTIO_MUTUAL", "SIMPLE"])}}}})
}

fn http_route(chance: &mut Chance, kind: &Kind) -> Value {
    json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
        "metadata": {"name": kind.of, "namespace": kind.namespace},
        "spec": {"parentRefs": [{"group": "", "kind": "Service", "name": chance.of(PODS), "port": 80}],
            "rules": [{"backendRefs": [{"name": chance.of(PODS), "port": 80}]}]}})
}

fn options(chance: &mut Chance) -> Options {
    let mut options = Options::default();
    for _ in 0..chance.below(3) {
        edit_options(chance, &mut options);
    }
    options
}

fn edit_options(chance: &mut Chance, options: &mut Options) {
    match chance.below(12) {
        0 => chance.of(&["cluster.local", "new.local"]).clone_into(&mut options.trust_domain),
        1 => options.trust_domain_aliases = vec!["old.local".to_owned()],
        2 => {
            options.path_normalization = match chance.below(3) {
                0 => PathNormalization::None,
                1 => PathNormalization::MergeSlashes,
                _ => PathNormalization::DecodeAndMergeSlashes,
            }
        }
        3 => {
            let one = json!({"envoyExtAuthzGrpc": {"port": chance.below(2)}});
            options.extension_providers = Some(BTreeMap::from([("opa".to_owned(), one)]));
        }
        4 => options.trusted_proxies = chance.below(3),
        5 => options.istio = waypost::simulate::IstioVersion::new(1, 22 + chance.below(9) as u32),
        6 => options.revisions = Some(BTreeSet::from(["default".to_owned()])),
        7 => options.inject_by_default = !options.inject_by_default,
        8 => options.sidecar_hbone = !options.sidecar_hbone,
        9 => chance.of(&["istio-system", "a"]).clone_into(&mut options.root_namespace),
        10 => options.features.ztunnel_dry_run = !options.features.ztunnel_dry_run,
        _ => {
            let of = &mut options.features;
            match chance.below(4) {
                0 => of.ingress_waypoint_routing = !of.ingress_waypoint_routing,
                1 => of.selector_policies_on_gateways = !of.selector_policies_on_gateways,
                2 => of.multiple_custom_providers = !of.multiple_custom_providers,
                _ => of.skip_validate_trust_domain = !of.skip_validate_trust_domain,
            }
        }
    }
}

// ---- edits -----------------------------------------------------------------------------------

/// One edit, in words.
fn edit(chance: &mut Chance, of: &mut Made) -> String {
    if chance.one_in(8) {
        edit_options(chance, &mut of.options);
        return "options".to_owned();
    }
    let kinds = kinds();
    let kind = &kinds[chance.below(kinds.len())];
    let new = (kind.make)(chance, kind);
    let Some(old) = of.objects.get_mut(&kind.name) else {
        of.objects.insert(kind.name.clone(), new);
        return format!("{} comes", kind.name);
    };
    if chance.one_in(10) {
        of.objects.remove(&kind.name);
        return format!("{} goes", kind.name);
    }
    // a field of a new one in the place of the old one's, or none there
    let paths = fields(&new).into_iter().chain(fields(old)).collect::<BTreeSet<_>>();
    let paths: Vec<String> =
        paths.into_iter().filter(|p| !p.ends_with("/name") || p.contains("targetRef")).collect();
    let path = &paths[chance.below(paths.len())];
    match (new.pointer(path), chance.one_in(4)) {
        (Some(value), false) => put(old, path, Some(value.clone())),
        _ => put(old, path, None),
    }
    format!("{} at {path}", kind.name)
}

/// The JSON pointers of all values below `metadata`, `spec` and `status`.
fn fields(of: &Value) -> Vec<String> {
    fn below(value: &Value, at: &str, into: &mut Vec<String>) {
        let mut next = |key: String, value: &Value| {
            let at = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
            into.push(at.clone());
            below(value, &at, into);
        };
        match value {
            Value::Object(map) => map.iter().for_each(|(key, value)| next(key.clone(), value)),
            Value::Array(list) => {
                list.iter().enumerate().for_each(|(i, value)| next(i.to_string(), value));
            }
            _ => {}
        }
    }
    let mut all = Vec::new();
    below(of, "", &mut all);
    all.retain(|path| {
        !matches!(path.as_str(), "/apiVersion" | "/kind" | "/metadata" | "/metadata/namespace")
    });
    all
}

fn put(into: &mut Value, path: &str, value: Option<Value>) {
    let Some((parent, key)) = path.rsplit_once('/') else { return };
    let key = key.replace("~1", "/").replace("~0", "~");
    if into.pointer(parent).is_none() {
        put(into, parent, Some(json!({})));
    }
    match (into.pointer_mut(parent), value) {
        (Some(Value::Object(map)), Some(value)) => {
            map.insert(key, value);
        }
        (Some(Value::Object(map)), None) => {
            map.remove(&key);
        }
        (Some(Value::Array(list)), value) => {
            let index: usize = key.parse().unwrap_or(0);
            match value {
                Some(value) if index < list.len() => list[index] = value,
                Some(value) => list.push(value),
                None if index < list.len() => {
                    list.remove(index);
                }
                None => {}
            }
        }
        _ => {}
    }
}

fn mesh_of(made: &Made) -> Mesh {
    let mut text = String::new();
    for object in made.objects.values() {
        let _ = writeln!(text, "{object}\n---");
    }
    let file = Sources::default().add("mesh.yaml", text.as_str());
    let (documents, found) = read(file, &text, &Budget::MANIFESTS);
    assert!(found.is_empty(), "{found:#?}");
    let objects: Vec<Object> = objects_of(documents).0;
    // what an edit makes unreadable is not there, as a webhook would have it
    Mesh::from_objects(&objects, &made.options).0
}

// ---- questions -------------------------------------------------------------------------------

/// A question, by names.
#[derive(Clone, Debug)]
struct Question {
    /// A workload; `None` is somebody outside.
    from: Option<String>,
    address: Option<IpAddr>,
    to: To,
    http: HttpRequest,
    raw_tcp: bool,
}

#[derive(Clone, Debug)]
enum To {
    Service(String, u16),
    Pod(String, u16),
}

/// All that an answer says.
#[derive(Clone, Debug, PartialEq)]
struct Whole {
    verdict: Verdict,
    authorizers: BTreeSet<(String, String)>,
    logged: Logged,
}

fn workload_named(mesh: &Mesh, name: &str) -> Option<WorkloadId> {
    mesh.workloads().find(|(id, _)| mesh.workload_name(*id) == *name).map(|(id, _)| id)
}

fn ask(mesh: &Mesh, question: &Question) -> Option<Whole> {
    let from = match &question.from {
        None => Client::Outside(question.address),
        Some(name) => Client::Workload(workload_named(mesh, name)?),
    };
    let to = match &question.to {
        To::Service(name, port) => {
            let (service, own) = mesh.services().find(|(id, _)| mesh.service_name(*id) == *name)?;
            own.ports.iter().find(|p| p.number == *port)?;
            Destination::Service { service, port: *port }
        }
        To::Pod(name, port) => {
            Destination::Pod { workload: workload_named(mesh, name)?, port: *port }
        }
    };
    let request = Request { from, to, http: question.http.clone(), raw_tcp: question.raw_tcp };
    let decision = mesh.decide(&request);
    let passed = decision.walks.iter().filter(|walk| walk.verdict == Verdict::Allow);
    let authorizers = passed
        .flat_map(|walk| &walk.effects.authorizers)
        .map(|id| {
            let name = mesh.policy(*id).provider.clone();
            let known = mesh.options(mesh.policy_cluster(*id)).extension_providers.as_ref();
            let definition = known.and_then(|known| known.get(&name)).map(Value::to_string);
            (name, definition.unwrap_or_default())
        })
        .collect();
    let logged = decision.walks.iter().map(|walk| walk.effects.logged);
    let logged = logged.fold(Logged::default(), Logged::and);
    Some(Whole { verdict: decision.verdict, authorizers, logged })
}

fn question(chance: &mut Chance, meshes: [&Mesh; 2]) -> Question {
    let mesh = meshes[chance.below(2)];
    let callers: Vec<WorkloadId> = mesh
        .workloads()
        .filter(|(id, workload)| {
            !matches!(workload.role, Role::Waypoint | Role::EastWest)
                && (workload.makes_pods() || mesh.state(*id) != waypost::simulate::PodState::Plain)
        })
        .map(|(id, _)| id)
        .collect();
    let from = (!callers.is_empty() && !chance.one_in(8))
        .then(|| mesh.workload_name(callers[chance.below(callers.len())]));
    let address = from.is_none() && chance.one_in(2);
    let address = address.then(|| chance.of(ADDRESSES).parse().unwrap());
    let pods: Vec<WorkloadId> = mesh
        .workloads()
        .filter(|(_, workload)| workload.role == Role::Application)
        .map(|(id, _)| id)
        .collect();
    let ports: Vec<(String, u16)> = mesh
        .services()
        .flat_map(|(id, s)| s.ports.iter().map(move |p| (mesh.service_name(id), p.number)))
        .collect();
    let to = if ports.is_empty() || (!pods.is_empty() && chance.one_in(2)) {
        let pod = mesh.workload_name(pods[chance.below(pods.len())]);
        To::Pod(pod, [80, 8080, 9090, 4711, 15008][chance.below(5)])
    } else {
        let (name, port) = ports[chance.below(ports.len())].clone();
        To::Service(name, port)
    };
    let ordinary = HttpRequest::default();
    let mut headers = Vec::new();
    if chance.one_in(3) {
        headers.push(("x-role".to_owned(), chance.of(&["admin", "ad", "x", ""]).to_owned()));
    }
    if chance.one_in(4) {
        headers.push(("x-forwarded-for".to_owned(), chance.of(ADDRESSES).to_owned()));
    }
    let token = match chance.below(6) {
        0 => Token::Invalid,
        1 | 2 => Token::Valid(
            json!({"iss": chance.of(&["me", "you"]), "sub": "x", "groups": [chance.of(&["dev", "ops"])], "aud": chance.of(&["here", "there"])}),
        ),
        _ => Token::None,
    };
    let http = HttpRequest {
        method: chance.of(&["GET", "POST", "PUT"]).to_owned(),
        path: chance.of(&["/", "/a", "/a/b", "/c/b", "/a/", "//a", "/a%2fb"]).to_owned(),
        host: if chance.one_in(4) { Some(chance.of(&["x.com", "y"]).to_owned()) } else { None },
        headers,
        token,
        sni: None,
    };
    let http = if chance.one_in(4) { ordinary } else { http };
    Question { from, address, to, http, raw_tcp: chance.one_in(4) }
}

/// Is what a question is about listed, or said not to be compared?
fn is_told(found: &Comparison, question: &Question, meshes: [&Mesh; 2]) -> bool {
    let is_target = |target: &Target| match &question.to {
        To::Service(name, port) => {
            target.kind == TargetKind::Service && target.name == *name && target.port == *port
        }
        To::Pod(name, port) => match target.kind {
            TargetKind::Pod => target.name == *name && target.port == *port,
            // the one that stands for all that nothing names
            TargetKind::OtherPort => target.name == *name,
            // a pod is not repeated where its service says the same
            TargetKind::Service => meshes.iter().any(|mesh| {
                let Some(pod) = workload_named(mesh, name) else { return false };
                let fronts = mesh
                    .services_of(pod)
                    .iter()
                    .map(|id| (mesh.service_name(*id), mesh.service(*id)));
                fronts.filter(|(front, _)| *front == target.name).any(|(_, service)| {
                    let ports = service.ports.iter().filter(|p| p.number == target.port);
                    ports.into_iter().any(|p| p.target_at(mesh.workload(pod)) == *port)
                })
            }),
        },
    };
    // the ports that nothing names may be said with one that something does
    let is_behind = |target: &Target| match &question.to {
        To::Service(..) => false,
        To::Pod(name, _) => {
            target.name == *name
                || meshes.iter().any(|mesh| {
                    let Some(pod) = workload_named(mesh, name) else { return false };
                    mesh.services_of(pod).iter().any(|id| mesh.service_name(*id) == target.name)
                })
        }
    };
    let is_caller = |kind: &CallerKind| match (kind, &question.from) {
        (CallerKind::Workload { name, .. }, Some(from)) => name == from,
        (CallerKind::Outside, None) => true,
        _ => false,
    };
    let tells = |to: &Target, other_ports: bool| is_target(to) || (other_ports && is_behind(to));
    found.changes.iter().any(|c| is_caller(&c.from.kind) && tells(&c.to, c.other_ports))
        || found.bounds.iter().any(|bound| match bound {
            Bound::Requests(caller, target) => is_caller(&caller.kind) && is_target(target),
            Bound::Identities(_) => false,
            Bound::DestinationAddress(target)
            | Bound::Paths(target)
            | Bound::NotShown(target, _) => is_target(target),
        })
}

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn no_edit_changes_an_answer_in_silence() {
    let edits = from_environment("WAYPOST_EDITS").unwrap_or(EDITS);
    let first = from_environment("WAYPOST_SEED").unwrap_or(1);
    let (mut silent, mut differing) = (Vec::new(), 0_usize);
    for seed in first..first + edits {
        let mut chance = Chance::new(seed);
        let before = made(&mut chance);
        let mut after = before.clone();
        let what = edit(&mut chance, &mut after);
        let (old, new) = (mesh_of(&before), mesh_of(&after));
        let found = compare(&old, &new);
        for _ in 0..QUESTIONS {
            let question = question(&mut chance, [&old, &new]);
            let answers = [ask(&old, &question), ask(&new, &question)];
            let differs = match &answers {
                [Some(old), Some(new)] => old != new,
                // to come or to go is a change where something gets through
                [Some(only), None] | [None, Some(only)] => {
                    matches!(only.verdict, Verdict::Allow | Verdict::Mixed)
                }
                [None, None] => false,
            };
            differing += usize::from(differs);
            if differs && !is_told(&found, &question, [&old, &new]) {
                silent.push(format!("seed {seed}, {what}: {question:?}\n  {answers:?}"));
                break;
            }
        }
    }
    let shown: Vec<&String> = silent.iter().take(5).collect();
    assert!(silent.is_empty(), "{} of {edits} edits: {shown:#?}", silent.len());
    assert!(differing > 0, "no edit of {edits} changed any answer");
}
