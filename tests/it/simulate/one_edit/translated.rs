//! Policies by chance, translated to ambient mode: whatever is written lets nobody through who was stopped
//! before, question by question, but for what the comparison counts as by design.
//!
//! `WAYPOST_TRANSLATIONS=5000 cargo test --test it translated` asks more; `WAYPOST_SEED` starts elsewhere.

use std::collections::BTreeSet;

use serde_json::json;
use waypost::diagnostic::Sources;
use waypost::k8s::{Object, objects_of};
use waypost::pipeline::{Accepted, TranslatedPolicy, rewritten, translation};
use waypost::simulate::{Mesh, Options, Verdict, compare};
use waypost::translate::direct::{Serves, Wish};
use waypost::yaml::{Budget, read};

use super::made::{Chance, Made, made};
use super::{QUESTIONS, ask, from_environment, is_told, question};

/// Meshes without the environment variable.
const MESHES: u64 = 60;
/// What nobody translates, or what makes the whole unknown: without it more is written.
const LEFT_OUT: [&str; 10] = [
    "route", "http", "default", "of-web", "waypoint", "machine", "outer", "rule", "network",
    "ingress",
];

/// A mesh of sidecars.
fn sidecars(chance: &mut Chance) -> Made {
    let mut made = made(chance);
    made.objects.retain(|name, _| !LEFT_OUT.iter().any(|out| name.ends_with(&format!("/{out}"))));
    let has_root = chance.one_in(2);
    made.objects.retain(|_, object| {
        let is_root = !has_root && object["metadata"]["namespace"] == "istio-system";
        let has_targets = object["spec"].get("targetRefs").is_some();
        object["kind"] != "EndpointSlice" && !is_root && !has_targets
    });
    made.options = Options::default();
    for object in made.objects.values_mut() {
        let name = object["metadata"]["name"].clone();
        let metadata = json!({"name": name, "namespace": object["metadata"]["namespace"]});
        match object["kind"].as_str().unwrap() {
            "Namespace" => object["metadata"]["labels"] = json!({"istio-injection": "enabled"}),
            "Service" => {
                let ports = json!([{"name": "http", "port": 80, "targetPort": 8080}]);
                object["metadata"] = metadata;
                object["spec"] = json!({"selector": {"app": name}, "ports": ports});
            }
            "Deployment" | "Pod" => {
                let containers = json!([{"name": "main", "ports": [{"containerPort": 8080}]}]);
                let template = json!({"metadata": {"labels": {"app": name}},
                    "spec": {"serviceAccountName": name, "containers": containers}});
                *object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata,
                    "spec": {"template": template}});
            }
            _ => {}
        }
    }
    made
}

fn objects(made: &Made) -> Vec<Object> {
    let text: String = made.objects.values().map(|object| format!("{object}\n---\n")).collect();
    let file = Sources::default().add("mesh.yaml", text.as_str());
    objects_of(read(file, &text, &Budget::MANIFESTS).0).0
}

#[test]
fn nothing_that_is_written_lets_anybody_through_who_was_stopped() {
    let meshes = from_environment("WAYPOST_TRANSLATIONS").unwrap_or(MESHES);
    let first = from_environment("WAYPOST_SEED").unwrap_or(1);
    let (mut written, mut moved, mut of_root, mut stopped) = (0, 0, 0, 0_usize);
    for seed in first..first + meshes {
        let mut chance = Chance::new(seed);
        let made = sidecars(&mut chance);
        let objects = objects(&made);
        let options: Options = made.options.clone();
        let wish = Wish {
            moving: BTreeSet::from(["a".to_owned(), "b".to_owned()]),
            waypoint_namespace: None,
            waypoint: "waypoint".into(),
            serves: if chance.one_in(3) { Serves::All } else { Serves::Service },
            trust_domain: options.trust_domain.clone(),
            root_namespace: options.root_namespace.clone(),
            binds_classes: true,
            ..Wish::default()
        };
        let (translated, _) =
            translation(&objects, &wish, &Accepted::default(), |to| *to = options.clone());
        if translated.instead.is_empty() {
            continue;
        }
        written += 1;
        moved += translated.policies.iter().filter(|p| !p.proposed.becomes.is_empty()).count();
        let is_of_root = |p: &&TranslatedPolicy| {
            objects[p.proposed.object].namespace_or_default() == options.root_namespace
        };
        let (policies, becomes) =
            (translated.policies.iter(), |p: &&TranslatedPolicy| !p.proposed.becomes.is_empty());
        of_root += policies.filter(is_of_root).filter(becomes).count();
        let before = Mesh::from_objects(&objects, &options).0;
        let after = Mesh::from_objects(&rewritten(&objects, &translated.instead), &options).0;
        let found = compare(&before, &after);
        for _ in 0..QUESTIONS {
            let question = question(&mut chance, [&before, &after]);
            let verdicts =
                [ask(&before, &question), ask(&after, &question)].map(|a| a.map(|a| a.verdict));
            let passes = |v: Option<Verdict>| matches!(v, Some(Verdict::Allow | Verdict::Mixed));
            stopped += usize::from(!passes(verdicts[1]));
            let opens = !passes(verdicts[0]) && passes(verdicts[1]);
            assert!(
                !opens || is_told(&found, &question, [&before, &after]),
                "seed {seed}: {question:?}: {verdicts:?}"
            );
        }
        assert!(found.of(waypost::simulate::Change::Gain).next().is_none(), "seed {seed}");
    }
    println!(
        "{written} of {meshes} are written, {moved} policies move, {of_root} of them of the root namespace, \
         {stopped} questions stopped"
    );
    assert!(written > 0 && moved > of_root && of_root > 0 && stopped > 0);
}
