//! What Argo CD and Flux are told of a tree: where it is written, what keeps it there, and that the
//! order it asks for is the safe one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};

use crate::program::{copy_of, files, waypost};

fn edit(path: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(path).expect("a text");
    assert!(text.contains(from), "{} has no `{from}`", path.display());
    std::fs::write(path, text.replace(from, to)).expect("written");
}

fn rendered(example: &str) -> tempfile::TempDir {
    let folder = copy_of(example);
    let ran = waypost(folder.path(), &["render"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    folder
}

#[test]
fn an_applier_that_is_told_no_more_is_a_refusal_until_it_is_meant() {
    let folder = rendered("brownfield");
    let spec = folder.path().join("environments/brownfield/environment.yaml");
    edit(&spec, "targets: [argocd, flux]", "targets: [argocd]");
    let before = files(&folder.path().join("gitops"));
    let ran = waypost(folder.path(), &["render"]);
    assert_eq!(ran.code, 5, "{}", ran.stderr);
    assert!(ran.stderr.contains("error[delivery-removed]"), "{}", ran.stderr);
    assert!(
        ran.stderr.contains(
            "is told would go: `Kustomization flux-system/brownfield-cp-cluster-1-enrollment`"
        ),
        "{}",
        ran.stderr
    );
    assert_eq!(before, files(&folder.path().join("gitops")), "nothing was written");
    assert_eq!(waypost(folder.path(), &["check"]).code, 4);

    let ran = waypost(folder.path(), &["render", "--allow-empty-unit"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(!folder.path().join("gitops/flux/brownfield").exists());
    assert!(folder.path().join("gitops/argocd/brownfield/waypost.lock").is_file());
    assert_eq!(waypost(folder.path(), &["check"]).code, 0);
}

#[test]
fn files_of_others_stay_and_are_named_as_edits_are() {
    let folder = rendered("brownfield");
    let argocd = folder.path().join("gitops/argocd/brownfield");
    std::fs::write(argocd.join("root.yaml"), "mine").expect("written");
    edit(&argocd.join("appproject-waypost-brownfield.yaml"), "name: bookinfo", "name: '*'");
    let ran = waypost(folder.path(), &["check"]);
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    let named = "`gitops/argocd/brownfield/appproject-waypost-brownfield.yaml`";
    assert!(ran.stderr.contains(named), "{}", ran.stderr);
    assert!(ran.stderr.contains("`gitops/argocd/brownfield/root.yaml`"), "{}", ran.stderr);
    let ran = waypost(folder.path(), &["check", "--diff"]);
    assert!(ran.stdout.contains("+++ b/gitops/argocd/brownfield/appproject-"), "{}", ran.stdout);

    let ran = waypost(folder.path(), &["render"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert_eq!(std::fs::read_to_string(argocd.join("root.yaml")).expect("there"), "mine");
    std::fs::rename(argocd.join("root.yaml"), folder.path().join("root.yaml")).expect("moved");
    assert_eq!(waypost(folder.path(), &["render"]).code, 0);
    assert_eq!(waypost(folder.path(), &["check"]).code, 0);
}

#[test]
fn a_part_of_a_tree_and_a_tree_elsewhere_leave_it_alone() {
    let folder = copy_of("brownfield");
    for arguments in [&["render", "--unit", "mesh"][..], &["render", "--out", "elsewhere"]] {
        let ran = waypost(folder.path(), arguments);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert!(!folder.path().join("gitops").exists(), "{arguments:?}");
    }
    let arguments = ["render", "--out", "elsewhere", "--gitops", "told", "--force"];
    assert_eq!(waypost(folder.path(), &arguments).code, 0);
    assert!(folder.path().join("told/flux/brownfield/waypost.lock").is_file());
    assert_eq!(waypost(folder.path(), &["render", "--gitops", "environments"]).code, 2);
    assert_eq!(waypost(folder.path(), &["render", "--gitops", "../x"]).code, 1);
}

/// An applier may apply a commit by what it was told at the one before: what it is told at a stage must
/// do for the next.
#[test]
fn what_appliers_are_told_does_not_change_with_the_stage() {
    let folder = copy_of("brownfield");
    let mut told = BTreeSet::new();
    for stage in ["none", "client/mesh", "httpbin/enrollment", "bookinfo"] {
        let ran = waypost(folder.path(), &["render", "--stage", stage]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let mut files = files(&folder.path().join("gitops"));
        files.retain(|path, _| !path.ends_with(".lock"));
        assert_eq!(files.len(), 7 + 7, "{files:?}");
        told.insert(files);
    }
    assert_eq!(told.len(), 1);
}

/// Flux prunes what a kustomization lists no more, all of it included. What names an object that must
/// be there is of the same commit: a render that takes the object out takes its name out, too.
#[test]
fn the_guard_of_a_unit_that_flux_prunes_names_an_object_of_each_namespace() {
    let folder = copy_of("brownfield");
    for stage in ["none", "client/mesh", "bookinfo"] {
        let ran = waypost(folder.path(), &["render", "--stage", stage, "--allow-shrink"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        for (unit, is_guarded) in
            [("platform", false), ("tsb", true), ("mesh", true), ("enrollment", false)]
        {
            let told = format!(
                "gitops/flux/brownfield/cp-cluster-1/kustomization-brownfield-cp-cluster-1-{unit}.yaml"
            );
            let told = std::fs::read_to_string(folder.path().join(told)).expect("told");
            let told: Value = serde_yaml::from_str(&told).expect("YAML");
            assert_eq!(told["spec"]["components"] == json!(["_guard"]), is_guarded, "{unit}");
            assert_eq!(told["spec"]["prune"], is_guarded, "{unit}");
            let unit = files(&folder.path().join("rendered/brownfield/cp-cluster-1").join(unit));
            let guard = unit.get("_guard/Kustomization");
            assert_eq!(guard.is_some(), is_guarded);
            let Some(guard) = guard else { continue };
            assert_eq!(guarded(guard), first_of_each_namespace(&unit), "{stage}");
        }
    }
    let spec = folder.path().join("environments/brownfield/environment.yaml");
    edit(&spec, "targets: [argocd, flux]", "targets: [argocd]");
    assert_eq!(waypost(folder.path(), &["render", "--allow-empty-unit"]).code, 0);
    assert!(!folder.path().join("rendered/brownfield/cp-cluster-1/mesh/_guard").exists());
}

#[test]
fn a_unit_whose_guard_a_patch_takes_away_is_named() {
    let folder = copy_of("brownfield");
    let spec = folder.path().join("environments/brownfield/environment.yaml");
    let text = std::fs::read_to_string(&spec).expect("a spec");
    let patches = r"
  patches:
  - target: {kind: Kustomization, name: .*-mesh}
    patch: |
      - {op: remove, path: /spec/components}
";
    std::fs::write(&spec, format!("{text}{patches}")).expect("written");
    let ran = waypost(folder.path(), &["render"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(ran.stderr.matches("warning[unit-unguarded]").count(), 1, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("prune all of unit `mesh` of cluster `cp-cluster-1`"),
        "{}",
        ran.stderr
    );
}

/// What the patches of a guard name.
fn guarded(guard: &str) -> Vec<Value> {
    let guard: Value = serde_yaml::from_str(guard).expect("YAML");
    assert_eq!(guard["kind"], "Component");
    let patches = guard["patches"].as_array().expect("patches");
    let named = patches.iter().map(|patch| patch["patch"].as_str().expect("a text"));
    named.map(|text| serde_yaml::from_str(text).expect("YAML")).collect()
}

/// The names of the first object of each namespace.
fn first_of_each_namespace(unit: &BTreeMap<String, String>) -> Vec<Value> {
    let mut first: BTreeMap<&str, Value> = BTreeMap::new();
    for (path, text) in unit {
        let Some((folder, _)) = path.split_once('/').filter(|(folder, _)| *folder != "_guard")
        else {
            continue;
        };
        let object: Value = serde_yaml::from_str(text).expect("YAML");
        let metadata = &object["metadata"];
        let named = json!({
            "apiVersion": object["apiVersion"],
            "kind": object["kind"],
            "metadata": {"name": metadata["name"], "namespace": metadata["namespace"]},
        });
        first.entry(folder).or_insert(named);
    }
    first.into_values().collect()
}

#[test]
fn variables_for_flux_are_refused_where_they_would_change_an_object() {
    let folder = copy_of("brownfield");
    let spec = folder.path().join("environments/brownfield/environment.yaml");
    let patches = r#"
  patches:
  - target: {kind: Kustomization, name: .*-mesh}
    patch: |
      - {op: add, path: /spec/postBuild, value: {substitute: {A: b}}}
"#;
    let text = std::fs::read_to_string(&spec).expect("a spec");
    std::fs::write(&spec, format!("{text}{patches}")).expect("written");
    assert_eq!(waypost(folder.path(), &["render"]).code, 0);
    let gateway = r#"
  - target: {kind: Gateway, name: waypoint, namespace: client}
    patch: |
      - {op: add, path: /metadata/annotations, value: {note: "costs ${A}"}}
"#;
    std::fs::write(&spec, format!("{text}{patches}{}", gateway.trim_start_matches('\n')))
        .expect("written");
    let ran = waypost(folder.path(), &["render"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("error[substitution]"), "{}", ran.stderr);
    assert!(ran.stderr.contains("Gateway client/waypoint"), "{}", ran.stderr);
}

/// The Kustomizations of a tree, and everything that is applied, by unit.
struct Story {
    kustomizations: BTreeMap<String, Value>,
    applied: BTreeMap<String, Vec<Value>>,
}

impl Story {
    fn read(root: &Path) -> Self {
        let (mut kustomizations, mut applied) = (BTreeMap::new(), BTreeMap::new());
        for (path, text) in files(&root.join("gitops/flux")) {
            if path.contains("/kustomization-") {
                let object: Value = serde_yaml::from_str(&text).expect("YAML");
                let unit = object["metadata"]["labels"]["waypost.dev/unit"].as_str();
                kustomizations.insert(unit.expect("a unit").to_owned(), object);
            }
        }
        for (path, text) in files(&root.join("rendered")) {
            let parts: Vec<&str> = path.split('/').collect();
            if let [_, _, unit, folder, _] = parts.as_slice()
                && !["patches", "_guard"].contains(folder)
            {
                let object = serde_yaml::from_str(&text).expect("YAML");
                applied.entry((*unit).to_owned()).or_insert_with(Vec::new).push(object);
            }
        }
        Self { kustomizations, applied }
    }

    /// The units that a unit waits for, directly or not.
    fn before(&self, unit: &str) -> BTreeSet<String> {
        let mut seen = BTreeSet::new();
        let mut todo = vec![unit.to_owned()];
        while let Some(next) = todo.pop() {
            let list = self.kustomizations[&next]["spec"]["dependsOn"].as_array();
            for name in list.into_iter().flatten().filter_map(|d| d["name"].as_str()) {
                let unit = name.rsplit('-').next().expect("a unit").to_owned();
                if seen.insert(unit.clone()) {
                    todo.push(unit);
                }
            }
        }
        seen
    }

    /// Namespaces that would be labelled, and workloads that would restart, too early.
    fn violations(&self) -> Vec<String> {
        let mut found = Vec::new();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let waits_for = |unit: &str, kind: &str, namespace: &str, name: &str| {
            self.before(unit).iter().any(|before| {
                let spec = &self.kustomizations[before]["spec"];
                let is_it = |object: &Value| {
                    object["kind"] == kind
                        && object["metadata"]["namespace"] == namespace
                        && object["metadata"]["name"] == name
                };
                let waits = spec["wait"] == true && self.applied[before].iter().any(is_it);
                let mut exprs = spec["healthCheckExprs"].as_array().into_iter().flatten();
                waits && exprs.any(|e| e["kind"] == kind)
            })
        };
        for object in self.applied.get("enrollment").into_iter().flatten() {
            let name = text(&object["metadata"]["name"]);
            let labels = &object["metadata"]["labels"];
            if labels["istio.io/dataplane-mode"] != "ambient" {
                continue;
            }
            let waypoint = text(&labels["istio.io/use-waypoint"]);
            if !waits_for("enrollment", "Gateway", &name, &waypoint) {
                found.push(format!("{name} is labelled before {waypoint} is programmed"));
            }
            for policy in &self.applied["mesh"] {
                let policy_name = text(&policy["metadata"]["name"]);
                if policy["kind"] == "AuthorizationPolicy"
                    && policy["metadata"]["namespace"] == name.as_str()
                    && !waits_for("enrollment", "AuthorizationPolicy", &name, &policy_name)
                {
                    found.push(format!("{name} is labelled before {policy_name} is accepted"));
                }
            }
        }
        if self.applied.contains_key("workloads")
            && !self.before("workloads").contains("enrollment")
        {
            found.push("workloads restart before the labels are there".to_owned());
        }
        found
    }
}

#[test]
fn flux_labels_nothing_before_its_waypoint_and_policies_hold() {
    let folder = copy_of("brownfield");
    for stage in ["none", "client", "httpbin/mesh", "httpbin/enrollment", "bookinfo"] {
        let ran = waypost(folder.path(), &["render", "--stage", stage]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert_eq!(Story::read(folder.path()).violations(), Vec::<String>::new(), "{stage}");
    }
    // the order violated on purpose
    let story = || Story::read(folder.path());
    let mut without_order = story();
    let enrollment = without_order.kustomizations.get_mut("enrollment").expect("a unit");
    enrollment["spec"].as_object_mut().expect("spec").remove("dependsOn");
    assert_eq!(without_order.violations().len(), 3 + 12);
    let mut without_expression = story();
    let mesh = without_expression.kustomizations.get_mut("mesh").expect("a unit");
    mesh["spec"]["healthCheckExprs"].as_array_mut().expect("a list").remove(0);
    assert_eq!(without_expression.violations().len(), 3);
    let mut without_wait = story();
    let mesh = without_wait.kustomizations.get_mut("mesh").expect("a unit");
    mesh["spec"].as_object_mut().expect("spec").remove("wait");
    assert_eq!(without_wait.violations().len(), 3 + 12);
    let mut workloads = story();
    let unit = workloads.kustomizations.get_mut("workloads").expect("a unit");
    unit["spec"].as_object_mut().expect("spec").remove("dependsOn");
    assert_eq!(workloads.violations(), ["workloads restart before the labels are there"]);
}

#[test]
fn argo_cd_is_not_told_to_enrol_by_itself() {
    for (example, kind) in [("brownfield", "Application"), ("greenfield", "ApplicationSet")] {
        let folder = rendered(example);
        let mut seen = 0;
        for (path, text) in files(&folder.path().join("gitops/argocd")) {
            if path.ends_with(".lock") {
                continue;
            }
            assert!(!text.contains("finalizers"), "{path} deletes what it applied when it goes");
            let object: Value = serde_yaml::from_str(&text).expect("YAML");
            if object["kind"] != kind {
                continue;
            }
            let of_list = object["spec"]["generators"][0]["list"]["elements"].as_array();
            let policies: Vec<(Value, Value)> = match of_list {
                Some(list) => {
                    list.iter().map(|e| (e["unit"].clone(), e["syncPolicy"].clone())).collect()
                }
                None => vec![(
                    object["metadata"]["labels"]["waypost.dev/unit"].clone(),
                    object["spec"]["syncPolicy"].clone(),
                )],
            };
            for (unit, policy) in policies {
                seen += 1;
                let unit = unit.as_str().expect("a unit");
                let automated = policy.get("automated");
                assert_eq!(
                    automated.is_none(),
                    ["enrollment", "workloads"].contains(&unit),
                    "{unit}"
                );
                let prunes = automated.is_some_and(|a| a["prune"] == true);
                assert_eq!(prunes, ["tsb", "mesh"].contains(&unit), "{unit}");
            }
        }
        assert_eq!(seen, if kind == "Application" { 5 } else { 3 });
    }
}

/// The project of an Application allows everything that the Application applies, at every stage.
#[test]
fn the_project_allows_what_is_applied_and_does_not_change_with_the_stage() {
    let folder = copy_of("brownfield");
    let mut projects = BTreeSet::new();
    for stage in ["none", "client/mesh", "bookinfo"] {
        assert_eq!(waypost(folder.path(), &["render", "--stage", stage]).code, 0);
        let path = "gitops/argocd/brownfield/appproject-waypost-brownfield.yaml";
        let text = std::fs::read_to_string(folder.path().join(path)).expect("a project");
        let project: Value = serde_yaml::from_str(&text).expect("YAML");
        projects.insert(text);
        let has = |list: &str, wanted: &[(&str, &str)]| {
            project["spec"][list]
                .as_array()
                .into_iter()
                .flatten()
                .any(|item| wanted.iter().all(|(key, value)| item[*key] == *value))
        };
        for object in Story::read(folder.path()).applied.into_values().flatten() {
            let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let (api_version, kind) = (word(&object["apiVersion"]), word(&object["kind"]));
            let group = api_version.split_once('/').map_or("", |(group, _)| group);
            let (namespace, name) =
                (word(&object["metadata"]["namespace"]), word(&object["metadata"]["name"]));
            if namespace.is_empty() {
                let item = [("group", group), ("kind", &kind), ("name", &name)];
                assert!(has("clusterResourceWhitelist", &item), "{kind} {name}");
            } else {
                let item = [("group", group), ("kind", kind.as_str())];
                assert!(has("namespaceResourceWhitelist", &item), "{kind}");
                let item = [("name", "cp-cluster-1"), ("namespace", &namespace)];
                assert!(has("destinations", &item), "{namespace}");
            }
        }
    }
    assert_eq!(projects.len(), 1, "the project is the same at every stage");
}
