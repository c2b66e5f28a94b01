//! What appliers build from a folder: the files that its `kustomization.yaml` lists, and nothing else.
//! Whatever else a file says to them makes the objects of the tree others than those that are applied.
//!
//! References: facts/gitops-delivery.md 2.1.2, 2.1.3 (what Argo CD takes for a tool, and where it reads
//! overrides), 3.1 (Flux builds an existing kustomization), 6.1; kustomize api/types/kustomization.go
//! (fields), api/internal/target (a resource is a file, a folder or a remote).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::file::{names_objects, only_document};
use crate::tree::{Differing, is_read_by_appliers};

/// The names under which kustomize takes a file for its own (`konfig.RecognizedKustomizationFileNames`).
const KUSTOMIZATIONS: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "kustomization"];

/// True for a file that changes what is built and is never waypost's: a kustomization under another
/// name, a chart, overrides of a source.
pub(super) fn is_beyond_lists(path: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let lower = name.to_ascii_lowercase();
    let is_other_kustomization = KUSTOMIZATIONS.contains(&lower.as_str())
        && name != "kustomization.yaml"
        && !(name == "Kustomization" && folder.ends_with("/_guard"));
    is_other_kustomization
        || matches!(lower.as_str(), "chart.yaml" | "chart.yml")
        || lower.starts_with(".argocd-source")
        || lower.ends_with(".jsonnet")
        || lower.ends_with(".libsonnet")
}

/// True for a file whose text says to appliers what of its folder is applied.
pub fn is_list(path: &str) -> bool {
    matches!(path.rsplit('/').next(), Some("kustomization.yaml" | "Kustomization"))
}

/// What a file says to appliers beyond which files of its folder are applied; nothing where it says no
/// more, or is no such file. `has` says which files the tree holds.
pub(super) fn beyond_list(path: &str, bytes: &[u8], has: &dyn Fn(&str) -> bool) -> Vec<String> {
    if is_beyond_lists(path) {
        return vec!["its name".to_owned()];
    }
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    // what lies beside units is applied by whoever asks for it
    let is_component = path.split('/').skip(1).any(|folder| folder == "components");
    if name == "Kustomization" {
        let text = String::from_utf8_lossy(bytes);
        return if names_objects(&text) { Vec::new() } else { vec!["`patches`".to_owned()] };
    }
    if name != "kustomization.yaml" || is_component {
        return Vec::new();
    }
    let root = std::str::from_utf8(bytes).ok().and_then(only_document);
    let Some(Value::Object(root)) = root else {
        return vec!["it is not one mapping that can be read".to_owned()];
    };
    let mut beyond = Vec::new();
    for (key, value) in &root {
        match key.as_str() {
            "apiVersion" => {}
            "kind" if value == "Kustomization" => {}
            "resources" => {
                let Some(listed) = value.as_array() else {
                    beyond.push("`resources` is no list".to_owned());
                    continue;
                };
                for resource in listed {
                    let file = resource.as_str().filter(|name| is_own_file(name));
                    let is_there = file.is_some_and(|name| has(&join(folder, name)));
                    if !is_there {
                        beyond.push(format!("resource `{}`", resource.as_str().unwrap_or("?")));
                    }
                }
            }
            "patches" => {
                let entries = value.as_array().map(Vec::as_slice).unwrap_or_default();
                let are_ours = entries.iter().all(|entry| is_of_installation(entry, folder, has));
                if entries.is_empty() || !are_ours {
                    beyond.push("`patches`".to_owned());
                }
            }
            key => beyond.push(format!("`{key}`")),
        }
    }
    beyond
}

/// A patch as waypost writes it for the resource that installs TSB: from a file of its own, on that one
/// object. It changes nothing that decides about access.
fn is_of_installation(entry: &Value, folder: &str, has: &dyn Fn(&str) -> bool) -> bool {
    let Some(entry) = entry.as_object() else { return false };
    let path = entry.get("path").and_then(Value::as_str).unwrap_or_default();
    let Some(target) = entry.get("target").and_then(Value::as_object) else { return false };
    // the values are expressions to kustomize: plain words match themselves
    let is_plain = |value: &Value| {
        let text = value.as_str().unwrap_or_default();
        !text.is_empty()
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
    };
    let is_target = |key: &str| matches!(key, "group" | "version" | "kind" | "name" | "namespace");
    entry.keys().all(|key| matches!(key.as_str(), "path" | "target"))
        && path.starts_with("patches/")
        && is_own_file(path)
        && has(&join(folder, path))
        && target.iter().all(|(key, value)| is_target(key) && is_plain(value))
        && target.get("group").is_some_and(|group| group == "install.tetrate.io")
        && target
            .get("kind")
            .is_some_and(|kind| kind == "ControlPlane" || kind == "ManagementPlane")
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// A plain path below the folder, as waypost writes it.
fn is_own_file(path: &str) -> bool {
    let is_plain = |part: &str| {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        !part.is_empty() && !part.starts_with('.') && part.bytes().all(plain)
    };
    is_read_by_appliers(path) && path.split('/').all(is_plain)
}

/// The first file of a tree, on either side, that says more to appliers than which files are applied.
/// `paths` are those of the whole tree after, `lists` its files that [`is_list`] names; `differing` says
/// what was there before.
pub fn beyond_lists(
    differing: &[Differing],
    paths: &BTreeSet<String>,
    lists: &BTreeMap<String, Vec<u8>>,
) -> Option<String> {
    let has_after = |path: &str| paths.contains(path);
    let by_name = paths.iter().find(|path| is_beyond_lists(path));
    let here = lists.iter().find(|(path, bytes)| !beyond_list(path, bytes, &has_after).is_empty());
    if let Some(path) = by_name.into_iter().chain(here.map(|(path, _)| path)).min() {
        return Some(path.clone());
    }
    let changed: BTreeMap<&str, &Differing> =
        differing.iter().map(|file| (file.path.as_str(), file)).collect();
    let has_before = |path: &str| match changed.get(path) {
        Some(file) => file.before.is_some(),
        None => paths.contains(path),
    };
    let there = differing.iter().find(|file| {
        let bytes = file.before.as_deref();
        bytes.is_some_and(|bytes| !beyond_list(&file.path, bytes, &has_before).is_empty())
    });
    there.map(|file| file.path.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beyond(path: &str, text: &str) -> Vec<String> {
        beyond_list(path, text.as_bytes(), &|path| {
            ["c/mesh/a/x.yaml", "c/mesh/patches/p.yaml"].contains(&path)
        })
    }

    #[test]
    fn a_list_of_files_that_are_there_is_all_that_waypost_writes() {
        let head = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n";
        let of = |rest: &str| beyond("c/mesh/kustomization.yaml", &format!("{head}{rest}"));
        assert_eq!(of("resources:\n- a/x.yaml\n"), Vec::<String>::new());
        let patch = "patches: [{path: patches/p.yaml, target: {group: install.tetrate.io, version: v1alpha1, kind: ControlPlane, name: a}}]\n";
        assert_eq!(of(patch), Vec::<String>::new());
        for rest in [
            "patches: []\n",
            "patches: [{path: patches/p.yaml, target: {group: security.istio.io, kind: AuthorizationPolicy}}]\n",
            "patches: [{path: patches/p.yaml, target: {group: install.tetrate.io, kind: '.*'}}]\n",
            "patches: [{path: ../p.yaml, target: {group: install.tetrate.io, kind: ControlPlane}}]\n",
            "patches: [{path: patches/p.yaml, options: {allowKindChange: true}, target: {group: install.tetrate.io, kind: ControlPlane}}]\n",
            "patches: [{patch: '[]', target: {group: install.tetrate.io, kind: ControlPlane}}]\n",
            "resources: [a/x.yaml, https://example.com/x.yaml]\n",
            "resources: [github.com/acme/mesh//deploy?ref=main]\n",
            "resources: [../../../elsewhere/x.yaml]\n",
            "resources: [/etc/x.yaml]\n",
            "resources: [a]\n",
            "resources: [a/y.yaml]\n",
            "resources: {a: b}\n",
            "namespace: other\n",
            "namePrefix: a\n",
            "components: [_guard]\n",
            "generators: [x.yaml]\n",
            "helmCharts: []\n",
            "replacements: []\n",
            "---\nkind: Kustomization\n",
        ] {
            assert!(!of(rest).is_empty(), "{rest}");
        }
        assert!(!beyond("c/mesh/kustomization.yaml", "kind: Component\n").is_empty());
        assert!(!beyond("c/mesh/kustomization.yaml", "[").is_empty());
    }

    #[test]
    fn files_that_change_what_is_built_are_known_by_their_names() {
        for path in [
            "c/mesh/Kustomization",
            "c/mesh/kustomization.yml",
            "c/mesh/Chart.yaml",
            "c/mesh/.argocd-source.yaml",
            "c/mesh/.argocd-source-app.yaml",
            "c/mesh/a/x.jsonnet",
        ] {
            assert!(!beyond(path, "").is_empty(), "{path}");
        }
        assert!(beyond("c/mesh/a/x.yaml", "kind: Namespace\n").is_empty());
        assert!(beyond("c/components/kustomization.yaml", "kind: Component\n").is_empty());
        assert!(
            !beyond("c/mesh/_guard/Kustomization", "kind: Component\npatches: []\n").is_empty()
        );
    }
}
