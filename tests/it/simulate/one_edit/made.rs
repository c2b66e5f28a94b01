//! Meshes by chance: what an edit is made to.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use waypost::simulate::{Options, PathNormalization};

/// xorshift64*
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % end.max(1)
    }

    pub(super) fn one_in(&mut self, several: usize) -> bool {
        self.below(several) == 0
    }

    pub(super) fn of<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.below(all.len())]
    }

    fn some(&mut self, all: &[&str]) -> Value {
        let count = 1 + self.below(2);
        Value::from((0..count).map(|_| self.of(all).to_owned()).collect::<Vec<_>>())
    }
}

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
const BLOCKS: &[&str] =
    &["10.0.0.0/8", "10.1.0.0/16", "0.0.0.0/0", "192.0.2.7", "2001:db8::/32", "2001:db8::7"];
pub(super) const ADDRESSES: &[&str] =
    &["10.9.9.9", "10.1.2.3", "192.0.2.7", "198.51.100.1", "2001:db8::7", "2001:db8:1::1"];
const MODES: &[&str] = &["STRICT", "PERMISSIVE", "DISABLE", "UNSET"];

/// The objects of a mesh by a name, and its options.
#[derive(Clone)]
pub(super) struct Made {
    pub(super) objects: BTreeMap<String, Value>,
    pub(super) options: Options,
}

pub(super) fn made(chance: &mut Chance) -> Made {
    let mut objects = BTreeMap::new();
    for kind in kinds() {
        if kind.always || !chance.one_in(2) {
            objects.insert(kind.name.clone(), (kind.make)(chance, &kind));
        }
    }
    Made { objects, options: options(chance) }
}

pub(super) type Make = fn(&mut Chance, &Kind) -> Value;

/// An object that a mesh may have.
pub(super) struct Kind {
    pub(super) name: String,
    namespace: &'static str,
    of: &'static str,
    always: bool,
    pub(super) make: Make,
}

pub(super) fn kinds() -> Vec<Kind> {
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
            add(pod, namespace, false, endpoint_slice);
        }
        add("default", namespace, false, sidecar);
        add("of-web", namespace, false, sidecar);
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
        if chance.one_in(2) {
            made["status"]["podIPs"] =
                json!([{"ip": chance.of(ADDRESSES)}, {"ip": chance.of(ADDRESSES)}]);
        }
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
    if chance.one_in(6) {
        spec["selector"]["tier"] = json!("front");
    }
    if chance.one_in(5) {
        spec["clusterIP"] = json!(chance.of(&["None", "10.96.0.1"]));
    }
    if chance.one_in(6) {
        spec["clusterIPs"] = json!(["10.96.0.1", "2001:db8:96::1"]);
        spec["ipFamilies"] = json!(["IPv4", "IPv6"]);
        spec["ipFamilyPolicy"] = json!(chance.of(&["PreferDualStack", "RequireDualStack"]));
    }
    if chance.one_in(8) {
        spec.as_object_mut().expect("a mapping").remove("selector");
    } else if chance.one_in(10) {
        spec["publishNotReadyAddresses"] = json!(true);
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

fn endpoint_slice(chance: &mut Chance, kind: &Kind) -> Value {
    let count = 1 + chance.below(2);
    let endpoints = (0..count).map(|_| {
        let mut endpoint = json!({"addresses": [chance.of(ADDRESSES)]});
        if chance.one_in(2) {
            endpoint["targetRef"] = json!({"kind": "Pod", "name": chance.of(PODS)});
        }
        if chance.one_in(3) {
            endpoint["conditions"] = json!({"ready": chance.one_in(2)});
        }
        endpoint
    });
    let endpoints: Vec<Value> = endpoints.collect();
    json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {"name": format!("{}-x", kind.of), "namespace": kind.namespace,
            "labels": {"kubernetes.io/service-name": kind.of}},
        "addressType": chance.of(&["IPv4", "IPv6"]), "endpoints": endpoints,
        "ports": [{"name": chance.of(&["http", "tcp"]),
            "port": if chance.one_in(2) { 8080 } else { 9090 }, "protocol": "TCP"}]})
}

fn sidecar(chance: &mut Chance, kind: &Kind) -> Value {
    let hosts = chance.some(&["*/*", "./*", "~/*", "istio-system/*", "a/web.a.svc.cluster.local"]);
    let mut spec = json!({"egress": [{"hosts": hosts}]});
    if kind.of == "of-web" {
        spec["workloadSelector"] = json!({"labels": {"app": "web"}});
    }
    if chance.one_in(3) {
        spec["outboundTrafficPolicy"] = json!({"mode": chance.of(&["REGISTRY_ONLY", "ALLOW_ANY"])});
    }
    if chance.one_in(3) {
        spec["ingress"] = json!([{
            "port": {"number": 8080, "protocol": chance.of(&["HTTP", "TCP"]), "name": "in"},
            "defaultEndpoint": "127.0.0.1:9090",
        }]);
    }
    if chance.one_in(4) {
        spec["inboundConnectionPool"] = json!({"http": {"http1MaxPendingRequests": 1}});
    }
    json!({"apiVersion": "networking.istio.io/v1", "kind": "Sidecar",
        "metadata": {"name": kind.of, "namespace": kind.namespace}, "spec": spec})
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

pub(super) fn edit_options(chance: &mut Chance, options: &mut Options) {
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
