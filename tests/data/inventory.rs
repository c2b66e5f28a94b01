//! Manifests of public repositories as an inventory: all of them are answered, in words.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use waypost::diagnostic::sort;
use waypost::report::text;
use waypost::resolve::resolve;
use waypost::spec::{Files, Reader};
use waypost::validate::SpecSchemas;

const ENVIRONMENT: &str = "\
apiVersion: waypost.dev/v1alpha1
kind: Environment
metadata: {name: real}
spec:
  organization: tetrate
  versions: {tsb: '1.13', istio: '1.24'}
  sources: {inventory: [inventory]}
  clusters:
  - name: real
    namespaces:
";

#[test]
fn public_manifests_are_read_or_refused_in_words() {
    let mut texts = BTreeMap::new();
    for folder in ["real", "apps", "samples"] {
        collect(&crate::data(folder), folder, &mut texts);
    }
    assert!(texts.len() > 500, "only {} files", texts.len());
    let namespaces: BTreeSet<String> = texts
        .values()
        .flat_map(|text| text.lines())
        .filter_map(|line| line.trim().strip_prefix("namespace: "))
        .map(|name| name.trim_matches(['"', '\'']).to_owned())
        .filter(|name| waypost::k8s::is_dns_label(name) && name.parse::<f64>().is_err())
        .collect();
    let mut environment = ENVIRONMENT.to_owned();
    for name in &namespaces {
        environment.push_str(&format!("    - {{name: '{name}', mode: none}}\n"));
    }
    texts.insert("environments/real/environment.yaml".into(), environment);

    let files = Files::Memory(texts);
    let schemas = SpecSchemas::compile().unwrap();
    let check = |kind, node: &_| schemas.check(kind, node);
    let mut reader = Reader::new(&files, &check);
    let (input, mut found) = reader.read("real");
    let (resolved, more) = resolve(input.unwrap());
    found.extend(more);
    sort(&mut found);
    let resolved = resolved.unwrap();
    let namespaces = &resolved.environment.clusters["real"].namespaces;
    let workloads: usize = namespaces.values().map(|n| n.workloads.len()).sum();
    let services: usize = namespaces.values().map(|n| n.services.len()).sum();
    // most samples name no namespace, and say so
    assert!(workloads >= 20 && services >= 20, "{workloads} workloads, {services} services");
    for finding in &found {
        assert!(finding.primary.is_some() || finding.code == "unreadable-file", "{finding:?}");
        for ours in ["expected u16", "expected u32", "struct ", "Option<", "a bug in waypost"] {
            assert!(!finding.message.contains(ours), "{finding:?}");
        }
    }
    let rendered = text::render(&found, reader.sources(), false);
    assert!(!rendered.chars().any(|c| c.is_control() && c != '\n'));
}

fn collect(folder: &Path, path: &str, texts: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let below = format!("{path}/{name}");
        if entry.file_type().unwrap().is_dir() {
            collect(&entry.path(), &below, texts);
        } else if [".yaml", ".yml", ".json"].iter().any(|end| name.ends_with(end))
            && let Ok(text) = std::fs::read_to_string(entry.path())
        {
            texts.insert(format!("environments/real/inventory/{below}"), text);
        }
    }
}
