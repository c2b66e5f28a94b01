//! Public repositories, as they were written: every pair is answered, every rule of every policy is
//! classified.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail this way"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use waypost::diagnostic::FileId;
use waypost::k8s::{Labels, Object, objects_of};
use waypost::simulate::{Client, Mesh, Options, PodState, Request, Role, Verdict};
use waypost::yaml::{Budget, read};

use crate::contradictions::{self, Looked};
use crate::data;
use crate::manifests::{objects, objects_below, objects_in};

fn folders(area: &str) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir(data(area))
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.is_dir())
        .collect();
    folders.sort();
    folders
}

/// What was seen of one repository.
#[derive(Debug, Default)]
struct Seen {
    pairs: usize,
    policies: usize,
    rules: usize,
}

impl Seen {
    fn add(&mut self, other: Seen) {
        self.pairs += other.pairs;
        self.policies += other.policies;
        self.rules += other.rules;
    }
}

/// The repository as a whole, and every folder of it for itself: variants of one policy lie in
/// neighbouring folders.
fn look(repository: &Path) -> Seen {
    let mut seen = Seen::default();
    seen.add(look_at(objects_below(repository)));
    for folder in walkdir::WalkDir::new(repository).sort_by_file_name() {
        let folder = folder.unwrap();
        if folder.file_type().is_dir() {
            seen.add(look_at(objects_in(folder.path())));
        }
    }
    seen
}

fn look_at(mut all: Vec<Object>) -> Seen {
    let mut seen = Seen::default();
    let mut probes: BTreeSet<(String, Labels)> = BTreeSet::new();
    for object in all.iter().filter(|o| o.gvk.is("security.istio.io", "AuthorizationPolicy")) {
        let namespace = object.namespace.clone().unwrap_or_else(|| "default".into());
        let spec = object.body.to_json();
        let selector = spec.pointer("/spec/selector/matchLabels");
        let labels = selector.and_then(|l| serde_json::from_value(l.clone()).ok());
        probes.insert((namespace, labels.unwrap_or_default()));
    }
    if probes.is_empty() && all.len() < 2 {
        return seen;
    }
    all.extend(
        probes
            .iter()
            .enumerate()
            .flat_map(|(i, (namespace, labels))| probe(&format!("zz-{i}"), namespace, labels)),
    );
    let (mesh, _) = Mesh::from_objects(&all, &Options::default());
    // as written, and once more with everything ambient and with everything in sidecars
    for state in [None, Some(PodState::Ambient), Some(PodState::Sidecar)] {
        let mut mesh = mesh.clone();
        let applications: Vec<_> = mesh
            .workloads()
            .filter(|(_, w)| w.role == Role::Application)
            .map(|(id, _)| id)
            .collect();
        if let Some(state) = state {
            applications.iter().for_each(|id| mesh.set_state(*id, state));
        }
        let matrix = mesh.matrix();
        seen.pairs += matrix.iter().count();
        for (client, (service, port), cell) in matrix.iter().step_by(7) {
            // the quick answer and the one with all reasons are one
            let decision = mesh.decide(&Request::to_service(client, service, port));
            assert_eq!(decision.verdict, cell.verdict, "{client:?} {service:?} {port}");
        }
        for id in applications {
            let from = Client::Outside(None);
            let decision = mesh.decide(&Request::to_pod(from, id, 8080));
            assert!(matches!(decision.verdict, Verdict::Allow | Verdict::Deny));
        }
        for classified in mesh.classify() {
            let policy = mesh.policy(classified.policy);
            seen.policies += 1;
            let places = classified.reach.len();
            assert_eq!(classified.rules.len(), places * policy.spec.rules.len());
            seen.rules += classified.rules.len();
        }
    }
    seen
}

/// A pod and a service that a policy selects: many repositories hold policies only.
fn probe(name: &str, namespace: &str, labels: &Labels) -> Vec<Object> {
    let mut labels = labels.clone();
    labels.insert("probe".into(), name.into());
    objects(
        &serde_json::json!({"apiVersion": "v1", "kind": "List", "items": [
            {"apiVersion": "v1", "kind": "Pod",
             "metadata": {"name": name, "namespace": namespace, "labels": labels},
             "spec": {"containers": [{"name": "c", "ports": [{"containerPort": 8080}]}]}},
            {"apiVersion": "v1", "kind": "Service",
             "metadata": {"name": name, "namespace": namespace},
             "spec": {"selector": {"probe": name}, "ports": [
                {"name": "http", "port": 80, "targetPort": 8080},
                {"name": "tcp", "port": 90, "targetPort": 8090}]}},
        ]})
        .to_string(),
    )
}

fn all_of(area: &str, count: usize) -> Seen {
    let folders = folders(area);
    assert_eq!(folders.len(), count, "repositories came or went");
    let mut sum = Seen::default();
    for folder in folders {
        sum.add(look(&folder));
    }
    sum
}

#[test]
fn public_repositories_are_answered_and_classified() {
    let seen = all_of("real", 26);
    assert!(seen.pairs > 10_000 && seen.policies > 300 && seen.rules > 300, "{seen:?}");
}

#[test]
fn whole_applications_are_answered_and_classified() {
    let seen = all_of("apps", 2);
    assert!(seen.pairs > 100 && seen.policies > 20, "{seen:?}");
}

/// Every policy of the repositories, with the pods and services that they are about where none is
/// shown, as written and with all namespaces ambient.
#[test]
fn lints_policies_and_decisions_do_not_contradict_each_other() {
    let mut sum = Looked::default();
    for repository in folders("real").into_iter().chain(folders("apps")) {
        for folder in walkdir::WalkDir::new(&repository).sort_by_file_name() {
            let folder = folder.unwrap();
            if !folder.file_type().is_dir() {
                continue;
            }
            for ambient in [false, true] {
                let objects = objects_in_files(folder.path(), ambient);
                if objects.iter().any(|o| o.gvk.group == "security.istio.io") {
                    sum.add(contradictions::look(&objects));
                }
            }
        }
    }
    let shown = sum.contradictions.join("\n");
    assert!(sum.contradictions.is_empty(), "{}\n{shown}", sum.contradictions.len());
    // 127 documents, most of them twice: as written and ambient
    assert!(sum.policies > 240 && sum.findings > 100, "{} {}", sum.policies, sum.findings);
}

/// The objects of a folder's own files, each file with its own id; with every namespace that is named
/// made ambient.
fn objects_in_files(folder: &Path, ambient: bool) -> Vec<Object> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|x| x == "yaml" || x == "yml"))
        .collect();
    paths.sort();
    let mut texts: Vec<String> =
        paths.iter().filter_map(|p| std::fs::read_to_string(p).ok()).collect();
    if ambient {
        let mut namespaces = BTreeSet::new();
        for text in &texts {
            namespaces.extend(objects(text).into_iter().filter_map(|o| o.namespace));
        }
        // the first of two with one identity counts
        for name in namespaces {
            texts.push(format!(
                "apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}, labels: {{istio.io/dataplane-mode: ambient}}}}\n"
            ));
        }
    }
    let mut all = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        let id = FileId(u32::try_from(index).unwrap());
        let (documents, _) = read(id, text, &Budget::MANIFESTS);
        all.extend(objects_of(documents).0);
    }
    if ambient {
        let added = texts.len();
        all.retain(|o| {
            !o.gvk.is("", "Namespace")
                || o.labels.contains_key("istio.io/dataplane-mode")
                || added == 0
        });
    }
    all
}
