//! Policies of public repositories, translated: each has an outcome, and what is written is as valid as what was
//! there and lets nobody gain. `translated_real.tsv` is the table.
//!
//! Most repositories hold policies without what they are about: where nothing is shown that a policy selects,
//! a workload and its Service are put beside it, and one caller in a namespace of its own.

#![allow(clippy::disallowed_methods, reason = "what the program reads has to be written")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use waypost::k8s::Object;

use crate::data;
use crate::manifests::objects_in;
use crate::translated::waypost;

const POLICIES: [&str; 2] = ["AuthorizationPolicy", "RequestAuthentication"];
/// What has a part in a translation.
const KINDS: [&str; 16] = [
    "AuthorizationPolicy",
    "DaemonSet",
    "Deployment",
    "DestinationRule",
    "EnvoyFilter",
    "Gateway",
    "Namespace",
    "PeerAuthentication",
    "RequestAuthentication",
    "Service",
    "ServiceAccount",
    "ServiceEntry",
    "Sidecar",
    "StatefulSet",
    "VirtualService",
    "WasmPlugin",
];
/// Namespaces of gateways and of the control plane, which stay.
const STAYING: [&str; 6] = [
    "asm-gateways",
    "asm-ingress",
    "istio-config",
    "istio-gateway",
    "istio-ingress",
    "istio-system",
];

fn is_policy(object: &Object) -> bool {
    POLICIES.contains(&object.gvk.kind.as_str())
}

/// The manifests of a folder with what they are about, and the namespaces that move; `None` where there is
/// nothing to translate.
fn manifests(folder: &Path) -> Option<(Vec<Value>, BTreeSet<String>, usize)> {
    // a folder may hold variants of one object: the last one counts
    let mut last = BTreeMap::new();
    for object in objects_in(folder) {
        if KINDS.contains(&object.gvk.kind.as_str()) && !object.name.is_empty() {
            let namespace = object.namespace_or_default().to_owned();
            let is_namespace = object.gvk.is("", "Namespace");
            let namespace = if is_namespace { String::new() } else { namespace };
            last.insert((object.gvk.kind.clone(), namespace, object.name.clone()), object);
        }
    }
    let objects: Vec<Object> = last.into_values().collect();
    let of_policies = objects.iter().filter(|object| is_policy(object));
    let moving: BTreeSet<String> = of_policies
        .map(|policy| policy.namespace_or_default().to_owned())
        .filter(|namespace| !STAYING.contains(&namespace.as_str()))
        .collect();
    if moving.is_empty() {
        return None;
    }
    let mut all = Vec::new();
    let mut namespaces: BTreeSet<String> = BTreeSet::from(["callers".to_owned()]);
    for object in objects.iter().filter(|object| !object.gvk.is("", "Namespace")) {
        namespaces.insert(object.namespace_or_default().to_owned());
        all.push(object.body.to_json());
    }
    for name in &namespaces {
        let labels = if STAYING.contains(&name.as_str()) {
            json!({})
        } else {
            json!({"istio-injection": "enabled"})
        };
        all.push(json!({"apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": name, "labels": labels}}));
    }
    let moved: Vec<&Object> = objects
        .iter()
        .filter(|object| is_policy(object) && moving.contains(object.namespace_or_default()))
        .collect();
    for (number, policy) in moved.iter().enumerate() {
        let spec = policy.body.to_json();
        let labels = spec.pointer("/spec/selector/matchLabels").cloned();
        let labels = labels.unwrap_or_else(|| json!({"app": "made"}));
        let namespace = policy.namespace_or_default();
        if !all.iter().any(|object| is_selected(object, namespace, &labels)) {
            all.extend(made(&format!("made-{number}"), namespace, &labels));
        }
    }
    all.extend(made("caller", "callers", &json!({"app": "caller"})));
    Some((all, moving, moved.len()))
}

fn is_selected(object: &Value, namespace: &str, labels: &Value) -> bool {
    let own = object.pointer("/spec/template/metadata/labels");
    let wanted = labels.as_object().expect("labels");
    let is_here =
        object.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or("default");
    is_here == namespace && own.is_some_and(|own| wanted.iter().all(|(k, v)| own.get(k) == Some(v)))
}

fn made(name: &str, namespace: &str, labels: &Value) -> [Value; 2] {
    let metadata = json!({"name": name, "namespace": namespace});
    let containers = json!([{"name": "c", "image": "c", "ports": [{"containerPort": 8080}]}]);
    [
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels},
                "spec": {"serviceAccountName": name, "containers": containers}}}}),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {
            "selector": labels, "ports": [{"name": "http", "port": 80, "targetPort": 8080}]}}),
    ]
}

/// Counts by outcome and by reason.
#[derive(Default)]
struct Table {
    lines: String,
    outcomes: BTreeMap<String, usize>,
    reasons: BTreeMap<String, usize>,
    written: usize,
    wrong: Vec<String>,
}

impl Table {
    fn add(&mut self, name: &str, folder: &Path) {
        let Some((objects, moving, policies)) = manifests(folder) else { return };
        let work = tempfile::tempdir().unwrap();
        fs::create_dir(work.path().join("in")).unwrap();
        let text: Vec<String> = objects.iter().map(Value::to_string).collect();
        fs::write(work.path().join("in/all.yaml"), text.join("\n---\n") + "\n").unwrap();
        let run = |arguments: &[&str]| {
            let arguments: Vec<String> = arguments.iter().map(|a| (*a).to_owned()).collect();
            waypost(work.path(), &arguments)
        };
        let mut arguments =
            vec!["translate", "in", "--out", "out", "--format", "json", "--ambient", "callers"];
        arguments.extend(moving.iter().flat_map(|namespace| ["--ambient", namespace.as_str()]));
        for loss in [
            "pod-addresses",
            "outside-mesh",
            "sidecar-callers",
            "unknown-callers",
            "service-fronts-others",
        ] {
            arguments.extend(["--accept", loss]);
        }
        let (code, said, errors) = run(&arguments);
        let said: Value =
            serde_json::from_str(&said).unwrap_or_else(|_| panic!("{name}: {errors}"));
        let mut here: BTreeMap<&str, usize> = BTreeMap::new();
        for policy in said["policies"].as_array().unwrap() {
            let outcome = policy["outcome"].as_str().unwrap();
            for reason in policy["reasons"].as_array().unwrap() {
                *self.reasons.entry(reason.as_str().unwrap().to_owned()).or_default() += 1;
            }
            let object = policy["object"].as_str().unwrap();
            if POLICIES.iter().any(|kind| object.starts_with(kind)) {
                *here.entry(outcome).or_default() += 1;
                *self.outcomes.entry(outcome.to_owned()).or_default() += 1;
            }
        }
        // those of the root namespace have one too
        if here.values().sum::<usize>() < policies {
            self.wrong.push(format!("{name}: {policies} policies, and {here:?}"));
        }
        let counts: Vec<String> =
            here.iter().map(|(outcome, n)| format!("{outcome} {n}")).collect();
        let end = match code {
            Some(0) => "written",
            Some(3) => "refused",
            _ => "?",
        };
        self.lines.push_str(&format!("{name}\t{end}\t{}\n", counts.join(", ")));
        if code != Some(0) {
            assert_eq!(code, Some(3), "{name}: {errors}");
            return;
        }
        self.written += 1;
        let fails =
            ["access", "diff", "./in", "./out", "--fail-on", "gain", "--fail-on", "unknown"];
        let (code, said, errors) = run(&fails);
        if code != Some(0) {
            self.wrong.push(format!("{name}: {said}{errors}"));
        }
        let wrong = |folder: &str| -> BTreeSet<String> {
            let (_, _, errors) = run(&["validate", folder]);
            let lines = errors.lines().filter(|line| line.starts_with("error"));
            lines.map(str::to_owned).collect()
        };
        let before = wrong("./in");
        self.wrong
            .extend(wrong("./out").difference(&before).map(|error| format!("{name}: {error}")));
    }
}

#[test]
fn policies_of_public_repositories_have_an_outcome() {
    let mut table = Table::default();
    for area in ["real", "apps"] {
        for folder in walkdir::WalkDir::new(data(area)).sort_by_file_name() {
            let folder = folder.unwrap();
            if folder.file_type().is_dir() {
                let name = folder.path().strip_prefix(data("")).unwrap().display().to_string();
                table.add(&name, folder.path());
            }
        }
    }
    let counts = |counts: &BTreeMap<String, usize>| -> String {
        counts.iter().map(|(what, n)| format!("all\t{what}\t{n}\n")).collect()
    };
    let text = table.lines + &counts(&table.outcomes) + &counts(&table.reasons);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/translated_real.tsv");
    if std::env::var_os("WAYPOST_BLESS").is_some() {
        fs::write(&path, &text).unwrap();
    }
    assert!(table.wrong.is_empty(), "{}", table.wrong.join("\n"));
    assert!(table.written > 10, "{}", table.written);
    assert_eq!(text, fs::read_to_string(&path).unwrap(), "WAYPOST_BLESS=1 writes it anew");
}
