//! Random cases from a seed: objects of the kinds that are patched in practice, and patches cut out
//! of other objects of the same kind, so that keys and names meet.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

#[path = "../support/random.rs"]
mod random;

use random::Random;

/// One case: the text of its resources, and the `patches` of its kustomization.
pub struct Case {
    pub resources: Vec<Value>,
    pub patches: Vec<Value>,
}

impl Case {
    pub fn new(seed: u64) -> Self {
        let random = &mut Random(seed);
        let count = 2 + random.below(4);
        let mut resources: Vec<Value> = Vec::new();
        for _ in 0..count {
            let object = object(random);
            let name = |o: &Value| {
                // kustomize takes an object without a namespace for one in `default`
                let namespace = o["metadata"]["namespace"].as_str().unwrap_or("default").to_owned();
                format!("{}{namespace}{}", o["kind"], o["metadata"]["name"])
            };
            if !resources.iter().any(|o| name(o) == name(&object)) {
                resources.push(object);
            }
        }
        let entries = random.pick(&[1, 1, 2, 2, 3]);
        let patches = (0..entries).map(|_| entry(random, &resources)).collect();
        Self { resources, patches }
    }

    /// The kustomization.yaml.
    pub fn kustomization(&self) -> String {
        let value = json!({"resources": ["resources.yaml"], "patches": self.patches});
        waypost::yaml::emit(&value).unwrap()
    }

    /// The resources.
    pub fn resources(&self) -> String {
        let mut text = String::new();
        for object in &self.resources {
            write!(text, "---\n{}", waypost::yaml::emit(object).unwrap()).unwrap();
        }
        text
    }
}

impl Random {
    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    /// Some of these, each once, in random order.
    fn some<T: Clone>(&mut self, of: &[T], at_most: usize) -> Vec<T> {
        let mut left = of.to_vec();
        let count = self.below(at_most.min(of.len()) + 1);
        (0..count).map(|_| left.remove(self.below(left.len()))).collect()
    }
}

const WORDS: [&str; 8] = ["red", "green", "blue", "x-1", "on", "true", "80", "a b: c"];

fn word(random: &mut Random) -> Value {
    json!(random.pick(&WORDS))
}

fn labels(random: &mut Random) -> Value {
    let keys = random.some(&["app", "tier", "istio.io/dataplane-mode", "version"], 3);
    Value::Object(
        keys.into_iter()
            .map(|k| (k.to_owned(), json!(random.pick(&["web", "db", "v1", "ambient"]))))
            .collect(),
    )
}

fn object(random: &mut Random) -> Value {
    let kind = random.below(10);
    object_of(random, kind)
}

fn object_of(random: &mut Random, kind: usize) -> Value {
    let (api_version, kind, content) = match kind {
        0 | 1 => ("apps/v1", "Deployment", workload(random)),
        2 => ("batch/v1", "CronJob", {
            let workload = workload(random);
            json!({"spec": {"schedule": "* * * * *", "jobTemplate": {"spec": workload["spec"]}}})
        }),
        3 => ("v1", "Service", service(random)),
        4 => ("v1", "ConfigMap", {
            let keys = random.some(&["a", "b.yaml", "c_d"], 3);
            let data: Map<_, _> = keys.into_iter().map(|k| (k.into(), word(random))).collect();
            json!({"data": data})
        }),
        5 => ("v1", "Namespace", json!({})),
        6 | 7 => ("install.tetrate.io/v1alpha1", "ControlPlane", control_plane(random)),
        8 => ("gateway.networking.k8s.io/v1", "Gateway", gateway(random)),
        _ => ("v1", "ServiceAccount", {
            let secrets: Vec<Value> =
                random.some(&["s1", "s2", "s3"], 3).iter().map(|n| json!({"name": n})).collect();
            json!({"secrets": secrets, "automountServiceAccountToken": random.one_in(2)})
        }),
    };
    let mut metadata = json!({"name": random.pick(&["web", "api", "db"])});
    if kind != "Namespace" && !random.one_in(4) {
        metadata["namespace"] = json!(random.pick(&["shop", "default", "tetrate"]));
    }
    if !random.one_in(3) {
        metadata["labels"] = labels(random);
    }
    if random.one_in(2) {
        let keys = random.some(&["a.io/x", "note", "b"], 3);
        let map: Map<_, _> = keys.into_iter().map(|k| (k.into(), word(random))).collect();
        metadata["annotations"] = Value::Object(map);
    }
    if random.one_in(3) {
        metadata["finalizers"] = json!(random.some(&["f.io/a", "f.io/b", "f.io/c"], 3));
    }
    if random.one_in(5) {
        let owners = random.some(&["u1", "u2"], 2);
        metadata["ownerReferences"] = owners
            .into_iter()
            .map(|u| json!({"uid": u, "kind": "Foo", "apiVersion": "v1", "name": random.pick(&["p", "q"])}))
            .collect();
    }
    let mut object = json!({"apiVersion": api_version, "kind": kind, "metadata": metadata});
    for (key, value) in content.as_object().unwrap() {
        object[key] = value.clone();
    }
    object
}

fn workload(random: &mut Random) -> Value {
    let names = random.some(&["main", "side", "proxy", "log"], 3);
    let containers: Vec<Value> = names.into_iter().map(|n| container(random, n)).collect();
    let mut pod = json!({"containers": containers});
    if random.one_in(2) {
        let volumes = random.some(&["data", "tmp", "cfg"], 3);
        pod["volumes"] = volumes
            .into_iter()
            .map(|n| match random.below(3) {
                0 => json!({"name": n, "emptyDir": {}}),
                1 => json!({"name": n, "configMap": {"name": "files", "items": [{"key": "a", "path": "b"}]}}),
                _ => json!({"name": n, "secret": {"secretName": "hidden", "defaultMode": 420}}),
            })
            .collect();
    }
    if random.one_in(3) {
        pod["initContainers"] = json!([container(random, "init")]);
    }
    if random.one_in(3) {
        let tolerations = random.some(&["a", "b"], 2);
        pod["tolerations"] =
            tolerations.into_iter().map(|k| json!({"key": k, "operator": "Exists"})).collect();
    }
    if random.one_in(3) {
        let secrets = random.some(&["r1", "r2", "r3"], 3);
        pod["imagePullSecrets"] = secrets.into_iter().map(|n| json!({"name": n})).collect();
    }
    if random.one_in(4) {
        let aliases = random.some(&["10.0.0.1", "10.0.0.2"], 2);
        pod["hostAliases"] =
            aliases.into_iter().map(|ip| json!({"ip": ip, "hostnames": [word(random)]})).collect();
    }
    if random.one_in(4) {
        let keys = random.some(&["zone", "node"], 2);
        pod["topologySpreadConstraints"] = keys
            .into_iter()
            .map(|k| {
                json!({"topologyKey": k, "maxSkew": 1 + random.below(3),
                    "whenUnsatisfiable": random.pick(&["DoNotSchedule", "ScheduleAnyway"])})
            })
            .collect();
    }
    if random.one_in(3) {
        pod["securityContext"] = json!({"runAsUser": 1000 + random.below(2), "fsGroup": null});
    }
    let mut template = json!({"spec": pod});
    if random.one_in(2) {
        template["metadata"] = json!({"labels": labels(random)});
    }
    let mut spec = json!({"template": template, "replicas": random.below(4)});
    if random.one_in(2) {
        spec["selector"] = json!({"matchLabels": labels(random)});
    }
    if random.one_in(3) {
        spec["strategy"] = json!({"type": "RollingUpdate", "rollingUpdate":
            {"maxSurge": random.pick(&[json!("25%"), json!(1)]), "maxUnavailable": 0.5}});
    }
    json!({"spec": spec})
}

fn container(random: &mut Random, name: &str) -> Value {
    let mut container = json!({"name": name, "image": random.pick(&["a:1", "b:2", "c@sha256:00"])});
    if !random.one_in(3) {
        let names = random.some(&["A", "B", "C", "D", "E"], 4);
        container["env"] = names
            .into_iter()
            .map(|n| match random.below(3) {
                0 => json!({"name": n, "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}),
                _ => json!({"name": n, "value": word(random)}),
            })
            .collect();
    }
    if random.one_in(2) {
        container["ports"] = ports(random, "containerPort");
    }
    if random.one_in(3) {
        container["args"] = json!(random.some(&["--a", "--b=1", "on"], 3));
    }
    if random.one_in(3) {
        let paths = random.some(&["/a", "/b", "/c"], 3);
        container["volumeMounts"] = paths
            .into_iter()
            .map(|p| json!({"mountPath": p, "name": random.pick(&["data", "tmp"])}))
            .collect();
    }
    if random.one_in(3) {
        container["resources"] =
            json!({"limits": {"cpu": random.pick(&[json!("1"), json!(2)]), "memory": "1Gi"}});
    }
    container
}

/// Ports with a protocol each, or without any, or now and then mixed.
fn ports(random: &mut Random, key: &str) -> Value {
    let style = random.below(5);
    let mut ports = Vec::new();
    for number in random.some(&[80, 8080, 53], 3) {
        let protocols: &[&str] = match style {
            0 | 1 => &[""],
            4 => random.pick(&[&["TCP"][..], &[""][..]]),
            _ => random.pick(&[&["TCP"][..], &["UDP"], &["TCP", "UDP"], &["UDP", "TCP"]]),
        };
        for protocol in protocols {
            let mut port = json!({key: number});
            if !protocol.is_empty() {
                port["protocol"] = json!(protocol);
            }
            if random.one_in(2) {
                port["name"] = json!(random.pick(&["http", "dns", "tcp"]));
            }
            ports.push(port);
        }
    }
    Value::Array(ports)
}

fn service(random: &mut Random) -> Value {
    let mut spec = json!({"selector": labels(random), "ports": ports(random, "port")});
    if random.one_in(3) {
        spec["externalIPs"] = json!(random.some(&["1.2.3.4", "5.6.7.8"], 2));
    }
    if random.one_in(3) {
        spec["sessionAffinityConfig"] = json!({"clientIP": {"timeoutSeconds": random.below(100)}});
    }
    json!({"spec": spec})
}

fn control_plane(random: &mut Random) -> Value {
    let overlay = |random: &mut Random| {
        json!({"apiVersion": "install.xcp.tetrate.io/v1alpha1", "kind": "EdgeXcp", "name": "edge-xcp",
            "patches": random.some(&[
                json!({"path": "spec.components.edgeServer.kubeSpec.deployment.env[-1]",
                    "value": {"name": "A", "value": "true"}}),
                json!({"path": "spec.x", "value": 3}),
                json!({"path": "spec.components.istio.kubeSpec.CNI.chained", "value": null}),
            ], 3)})
    };
    let mut components = json!({"istio": {"kubeSpec": {"CNI": {"chained": random.one_in(2)}},
        "trustDomain": random.pick(&["a.local", "b.local"])}});
    if !random.one_in(3) {
        let overlays: Vec<Value> = (0..random.below(3)).map(|_| overlay(random)).collect();
        components["xcp"] = json!({"kubeSpec": {"overlays": overlays},
            "isolationBoundaries": random.some(&[json!({"name": "global"}), json!({"name": "prod"})], 2)});
    }
    if random.one_in(2) {
        components["oap"] = json!({"kubeSpec": {"deployment": {
            "env": random.some(&[json!({"name": "X", "value": "1"}), json!({"name": "Y", "value": "2"})], 2),
            "replicaCount": random.below(3), "podAnnotations": null}}});
    }
    if random.one_in(4) {
        // an object inside of a custom resource is merged by its own schema
        components["template"] = object_of(&mut Random(random.next()), 0);
    }
    json!({"spec": {"hub": "example.com/hub", "components": components,
        "ambient": {"waypoints": {"clusterLevel": {"enable": random.one_in(2)}}}}})
}

fn gateway(random: &mut Random) -> Value {
    let listeners = random.some(&["mesh", "http", "https"], 3);
    let listeners: Vec<Value> = listeners
        .into_iter()
        .map(|n| json!({"name": n, "port": 15008 + random.below(3), "protocol": "HBONE"}))
        .collect();
    json!({"spec": {"gatewayClassName": "istio-waypoint", "listeners": listeners}})
}

fn entry(random: &mut Random, resources: &[Value]) -> Value {
    let object = random.pick(resources);
    if random.one_in(3) {
        let operations = operations(random, &object);
        let text = if random.one_in(2) {
            operations.to_string()
        } else {
            waypost::yaml::emit(&operations).unwrap()
        };
        return json!({"patch": text, "target": target(random, &object)});
    }
    let with_target = random.one_in(3);
    let mut patch = merge(random, &object, with_target);
    if random.one_in(20) {
        patch["metadata"]["name"] = json!("missing");
    }
    let mut entry = json!({});
    if with_target {
        entry["target"] = target(random, &object);
        if random.one_in(6) {
            entry["options"] =
                json!({"allowNameChange": random.one_in(2), "allowKindChange": random.one_in(4)});
        }
        if random.one_in(3) {
            patch["metadata"]["name"] = json!("ignored");
        }
        if random.one_in(4) {
            patch["metadata"]["namespace"] = json!("ignored");
        }
        if random.one_in(10) {
            patch["kind"] = json!("Other");
        }
    }
    let mut text = waypost::yaml::emit(&patch).unwrap();
    if !with_target && random.one_in(5) {
        let other = random.pick(resources);
        if other != object {
            write!(text, "---\n{}", waypost::yaml::emit(&merge(random, &other, false)).unwrap())
                .unwrap();
        }
    }
    entry["patch"] = json!(text);
    entry
}

fn target(random: &mut Random, object: &Value) -> Value {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (group, version) = text("/apiVersion").split_once('/').unwrap_or(("", text("/apiVersion")));
    let (kind, name) = (text("/kind"), text("/metadata/name"));
    let mut target = json!({"kind": kind});
    match random.below(10) {
        0 => target["name"] = json!(name),
        1 => target["name"] = json!("w.*|api"),
        2 => target["name"] = json!(&name[..1]),
        3 => target["namespace"] = json!("shop|tetrate"),
        4 => target["namespace"] = json!("default"),
        5 => {
            target["labelSelector"] = json!(random.pick(&[
                "app",
                "!tier",
                "app=web,version!=v1",
                "tier in (web,db)",
                "app notin (db)",
                "version==v1"
            ]));
        }
        6 => target["annotationSelector"] = json!(random.pick(&["note", "b!=red", "!b"])),
        7 => {
            target["group"] = json!(group);
            target["version"] = json!(version);
        }
        8 => target = json!({"name": "web", "group": ".*", "namespace": ".*"}),
        _ => {}
    }
    target
}

/// A strategic merge: parts of another object of the kind, with nulls and directives strewn in.
fn merge(random: &mut Random, object: &Value, with_target: bool) -> Value {
    let kind = match object["kind"].as_str().unwrap() {
        "Deployment" => 0,
        "CronJob" => 2,
        "Service" => 3,
        "ConfigMap" => 4,
        "Namespace" => 5,
        "ControlPlane" => 6,
        "Gateway" => 8,
        _ => 9,
    };
    if random.one_in(40) {
        let metadata = json!({"name": object["metadata"]["name"], "namespace": object["metadata"]["namespace"]});
        let mut patch = json!({"apiVersion": object["apiVersion"], "kind": object["kind"],
            "metadata": metadata, "$patch": "delete"});
        if patch["metadata"]["namespace"].is_null() {
            patch["metadata"].as_object_mut().unwrap().remove("namespace");
        }
        return patch;
    }
    let donor = object_of(random, kind);
    let mut patch = thinned(random, &donor, "");
    patch["apiVersion"] = object["apiVersion"].clone();
    patch["kind"] = object["kind"].clone();
    if !patch["metadata"].is_object() {
        patch["metadata"] = json!({});
    }
    let metadata = patch["metadata"].as_object_mut().unwrap();
    metadata.remove("$patch");
    metadata.insert("name".into(), object["metadata"]["name"].clone());
    metadata.remove("namespace");
    if let Some(namespace) = object["metadata"].get("namespace") {
        metadata.insert("namespace".into(), namespace.clone());
    }
    if with_target {
        // what a target does to nulls here is a listed difference
        for field in ["labels", "annotations"] {
            if metadata.get(field).is_some_and(|m| !m.is_object()) {
                metadata.remove(field);
            }
            if let Some(map) = metadata.get_mut(field).and_then(Value::as_object_mut) {
                map.retain(|_, v| v.is_string());
            }
        }
    }
    patch
}

const KEYS: [&str; 9] = [
    "name",
    "containerPort",
    "port",
    "protocol",
    "mountPath",
    "ip",
    "uid",
    "topologyKey",
    "whenUnsatisfiable",
];

fn thinned(random: &mut Random, value: &Value, field: &str) -> Value {
    match value {
        Value::Object(map) => {
            let mut result = Map::new();
            for (key, value) in map {
                if KEYS.contains(&key.as_str()) {
                    result.insert(key.clone(), value.clone());
                } else if !random.one_in(3) {
                    let value =
                        if random.one_in(8) { Value::Null } else { thinned(random, value, key) };
                    result.insert(key.clone(), value);
                }
            }
            if random.one_in(25) && !field.is_empty() {
                result.insert("$patch".into(), json!(random.pick(&["delete", "replace", "merge"])));
            }
            Value::Object(result)
        }
        Value::Array(items) => {
            let merged = [
                "containers",
                "env",
                "ports",
                "volumes",
                "volumeMounts",
                "imagePullSecrets",
                "secrets",
                "hostAliases",
                "ownerReferences",
                "topologySpreadConstraints",
            ];
            let merged = merged.contains(&field);
            let mut result = Vec::new();
            for item in items {
                if random.one_in(4) {
                    continue;
                }
                let mut item = if merged { thinned(random, item, "") } else { item.clone() };
                if merged && item.is_object() && random.one_in(8) {
                    item["$patch"] = json!(random.pick(&["delete", "delete", "merge"]));
                }
                result.push(item);
            }
            if merged && random.one_in(20) {
                let word = random.pick(&["replace", "delete", "merge"]);
                let at = random.below(result.len() + 1);
                result.insert(at, json!({"$patch": word}));
            }
            Value::Array(result)
        }
        scalar => scalar.clone(),
    }
}

/// Operations on places that the object has, or lacks.
fn operations(random: &mut Random, object: &Value) -> Value {
    let mut places = Vec::new();
    pointers(object, "", &mut places);
    places.retain(|p| {
        let named = ["/apiVersion", "/kind", "/metadata", "/metadata/name", "/metadata/namespace"];
        let last = p.rsplit('/').next().unwrap();
        // an element that loses its key is not merged in a sane way any more
        !named.contains(&p.as_str()) && (is_free(object, p) || !KEYS.contains(&last))
    });
    let count = 1 + random.below(3);
    (0..count).map(|_| operation(random, object, &places)).collect()
}

/// True where no schema says what stands there.
fn is_free(object: &Value, place: &str) -> bool {
    let custom = ["ControlPlane", "Gateway"].contains(&object["kind"].as_str().unwrap());
    custom && place.starts_with("/spec/") && !place.contains("/template")
}

/// Another value of the same shape.
fn alike(random: &mut Random, value: &Value) -> Value {
    match value {
        Value::Null | Value::String(_) => word(random),
        Value::Bool(b) => json!(!b),
        Value::Number(_) => json!(random.pick(&[0, 7, 12_345_678])),
        Value::Array(items) => json!(items[..items.len().saturating_sub(1)]),
        Value::Object(map) => {
            let mut map = map.clone();
            for (key, value) in &mut map {
                if let Some(text) =
                    value.as_str().filter(|_| KEYS.contains(&key.as_str()) && key != "protocol")
                {
                    *value = json!(format!("{text}2"));
                } else if let Some(number) =
                    value.as_u64().filter(|_| key.to_lowercase().ends_with("port"))
                {
                    *value = json!(number + 1000);
                }
            }
            map.insert("added".into(), json!("x"));
            Value::Object(map)
        }
    }
}

fn pointers(value: &Value, at: &str, places: &mut Vec<String>) {
    let mut child = |step: &str, value: &Value| {
        let at = format!("{at}/{}", step.replace('~', "~0").replace('/', "~1"));
        places.push(at.clone());
        pointers(value, &at, places);
    };
    match value {
        Value::Object(map) => map.iter().for_each(|(k, v)| child(k, v)),
        Value::Array(list) => list.iter().enumerate().for_each(|(i, v)| child(&i.to_string(), v)),
        _ => {}
    }
}

fn operation(random: &mut Random, object: &Value, places: &[String]) -> Value {
    let free = |random: &mut Random| {
        random.pick(&[
            json!("text"),
            json!("on"),
            json!(7),
            json!(true),
            json!({"k": "v"}),
            json!([1, "b"]),
            json!(null),
            json!("5"),
            json!(1.5),
            json!(12_345_678),
        ])
    };
    if places.is_empty() || random.one_in(4) {
        let path = random.pick(&["/metadata/annotations/new", "/metadata/labels/new"]);
        return json!({"op": "add", "path": path, "value": random.pick(&["text", "on", "5"])});
    }
    let path = random.pick(places);
    let is_text = path.starts_with("/metadata/annotations") || path.starts_with("/metadata/labels");
    let old = object.pointer(&path).unwrap();
    let set = |random: &mut Random| match is_text {
        true if path.matches('/').count() == 2 => json!({"k": "v"}),
        true => json!("text"),
        false if is_free(object, &path) => free(random),
        false => alike(random, old),
    };
    let list = old.is_array() && is_free(object, &path);
    match random.below(9) {
        0 if list => json!({"op": "add", "path": format!("{path}/-"), "value": free(random)}),
        0 | 1 => json!({"op": "add", "path": path, "value": set(random)}),
        2 => json!({"op": "replace", "path": path, "value": set(random)}),
        3 => json!({"op": "remove", "path": path}),
        4 => json!({"op": "test", "path": path, "value": object.pointer(&path)}),
        5 => json!({"op": "test", "path": path, "value": word(random)}),
        6 if list => json!({"op": "add", "path": format!("{path}/9"), "value": 1}),
        6 => json!({"op": "remove", "path": format!("{path}/nothing")}),
        7 if !is_text => json!({"op": "copy", "from": path, "path": "/spec/copied"}),
        8 if !is_text => json!({"op": "move", "from": path, "path": "/moved"}),
        _ => json!({"op": "add", "path": "/spec/more/below", "value": 1}),
    }
}
