//! Hand-written policies that the tree applies and translates (`ownership: {direct: gitops}`), from stage to
//! stage and back. `tests/cases/direct-handover` is the guide's environment with policies of `sources.direct`;
//! the policies of `tests/cases/translate` are tried one by one.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test may fail this way")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use waypost::access::meanwhile;
use waypost::diagnostic::has_errors;
use waypost::model::Reached;
use waypost::pipeline::{Points, Tools, input_digest};
use waypost::plan;
use waypost::render::Renderer;
use waypost::resolve::resolve;
use waypost::simulate::{AccessChange, CallerKind, Change, compare};
use waypost::spec::{Files, Reader};
use waypost::validate::SpecSchemas;
use waypost::validate::catalogue::embedded;
use waypost::validate::manifests::{Options, Validator};
use waypost::world::World;

use crate::program::{Ran, copy, files, project, waypost};

const NAME: &str = "direct-handover";

/// The environment in a repository of its own.
fn repository() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let case = project().join("tests/cases").join(NAME).join("environment");
    copy(&case, &folder.path().join("environments").join(NAME));
    folder
}

fn edit(root: &Path, file: &str, change: impl FnOnce(String) -> String) {
    let path = root.join("environments").join(NAME).join(file);
    let text = fs::read_to_string(&path).unwrap();
    let changed = change(text.clone());
    assert_ne!(text, changed, "nothing to change in {file}");
    fs::write(path, changed).unwrap();
}

fn reach(root: &Path, from: &str, to: &str) -> Ran {
    if from != to {
        let line = |point: &str| format!("    reached: {point}\n");
        edit(root, "environment.yaml", |text| text.replace(&line(from), &line(to)));
    }
    waypost(root, &["render", NAME, "--allow-shrink"])
}

#[test]
fn hand_written_policies_hold_at_every_point_and_on_the_way() {
    let folder = repository();
    let ran = waypost(folder.path(), &["access", "test", NAME, "--every-stage"]);
    assert_eq!(ran.code, 0, "{}\n{}", ran.stdout, ran.stderr);
    assert!(!ran.stdout.contains("FAILED"), "{}", ran.stdout);
    // every case at every point, and between them
    assert!(ran.stdout.lines().count() > 300, "{}", ran.stdout);
    for state in ["pods of bookinfo/reviews-v1 are sidecar", "on the way back"] {
        assert!(ran.stdout.contains(state), "{}", ran.stdout);
    }
}

/// A guard is there before any pod is that it selects, and the lints told it of every one; and of the originals
/// that they hold nowhere.
#[test]
fn what_is_on_the_way_is_no_finding() {
    let folder = repository();
    let ran = waypost(folder.path(), &["validate", NAME]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for code in ["selector-matches-nothing", "l7-deny-noop", "consent-needed"] {
        assert!(!ran.stderr.contains(&format!("[{code}]")), "{}", ran.stderr);
    }
}

#[test]
fn the_way_there_and_back_is_one_of_steps_and_ends_in_the_same_bytes() {
    let folder = repository();
    let root = folder.path();
    let way = [
        "none",
        "client",
        "client/cleanup",
        "bookinfo/mesh",
        "bookinfo/enrollment",
        "bookinfo",
        "bookinfo/cleanup",
        "httpbin",
        "httpbin/cleanup",
    ];
    let mut trees = BTreeMap::new();
    let mut here = "none";
    let tree = || files(&root.join("rendered"));
    let back = [
        "httpbin",
        "httpbin/mesh",
        "bookinfo/cleanup",
        "bookinfo",
        "bookinfo/mesh",
        "client/cleanup",
        "client",
        "client/mesh",
        "none",
    ];
    for point in way.into_iter().chain(back) {
        let ran = reach(root, here, point);
        assert_eq!(ran.code, 0, "{here} to {point}: {}", ran.stderr);
        here = point;
        let there = tree();
        let before: &BTreeMap<_, _> = trees.entry(point).or_insert_with(|| there.clone());
        // of the lock only the digest of the input, which holds `reached`, is the point's
        assert!(*before == there, "{point} is another on the way back");
    }
}

#[test]
fn policies_go_when_nobody_needs_them_and_not_sooner() {
    let folder = repository();
    let root = folder.path();
    assert_eq!(reach(root, "none", "none").code, 0);
    // twins, guards and the restart in one commit, but the originals stay
    let ran = reach(root, "none", "bookinfo/cleanup");
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("error[step-skipped]"), "{}", ran.stderr);
    assert!(ran.stderr.contains("direct.yaml:5:9"), "{}", ran.stderr);
    assert!(ran.stderr.contains("render `bookinfo/workloads` first"), "{}", ran.stderr);
    assert_eq!(reach(root, "bookinfo/cleanup", "bookinfo").code, 0);
    assert_eq!(reach(root, "bookinfo", "bookinfo/cleanup").code, 0);
    // and what replaces them stays while pods are enrolled
    let ran = reach(root, "bookinfo/cleanup", "client");
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("render `bookinfo/mesh` first"), "{}", ran.stderr);
    assert_eq!(reach(root, "client", "bookinfo/mesh").code, 0);
    assert_eq!(reach(root, "bookinfo/mesh", "client").code, 0);
}

/// TSB knows an object of DIRECT mode by its annotations and its revision, and makes its own waypoints.
#[test]
fn what_is_made_of_a_direct_object_is_one_and_waypoints_stay_with_tsb() {
    let folder = repository();
    let root = folder.path();
    edit(root, "environment.yaml", |text| {
        text.replace("{direct: gitops}", "{direct: gitops, waypoints: tsb}")
    });
    let ran = waypost(root, &["render", NAME, "--stage", "bookinfo"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let tree = files(&root.join("rendered").join(NAME).join("cp-cluster-1"));
    for name in ["no-admin", "no-admin-waypoint", "no-admin-guard"] {
        let text = &tree[&format!("mesh/bookinfo/authorizationpolicy-{name}.yaml")];
        for line in [
            "apiVersion: security.istio.io/v1beta1",
            "    istio.io/rev: tsb",
            "    tsb.tetrate.io/organization: tetrate",
            "    tsb.tetrate.io/tenant: my-tenant",
            "    tsb.tetrate.io/workspace: bookinfo-ws",
            "    tsb.tetrate.io/securityGroup: bookinfo-sg",
        ] {
            assert!(text.lines().any(|own| own == line), "{name}: {line}\n{text}");
        }
    }
    assert!(tree.contains_key("expected/bookinfo/gateway-waypoint.yaml"), "{:?}", tree.keys());
    for (path, text) in tree.iter().filter(|(path, _)| !path.starts_with("expected/")) {
        assert!(!text.contains("kind: Gateway\nmetadata"), "{path}: {text}");
        assert!(!text.contains("istio.io/use-waypoint: waypoint"), "{path}: {text}");
    }
}

#[test]
fn without_the_key_the_tree_has_none_of_them() {
    let folder = repository();
    edit(folder.path(), "environment.yaml", |text| text.replace("direct: gitops", "direct: user"));
    let ran = waypost(folder.path(), &["render", NAME, "--stage", "client", "--stdout"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(!ran.stdout.contains("no-admin") && !ran.stdout.contains("replaced-by"));
    let ran = waypost(folder.path(), &["render", NAME, "--stage", "client/cleanup", "--stdout"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    edit(folder.path(), "environment.yaml", |text| {
        text.replace("reached: none", "reached: client/cleanup")
    });
    let ran = waypost(folder.path(), &["render", NAME]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("`ownership: {direct: gitops}`"), "{}", ran.stderr);
}

/// An environment of two namespaces, `web` that moves first and `shop` with a policy, without any rule
/// of TSB's.
fn shop(root: &Path, policy: &str, waypoint_for: &str) {
    let folder = root.join("environments/shop");
    fs::create_dir_all(&folder).unwrap();
    let around = fs::read_to_string(project().join("tests/cases/translate/shop.yaml")).unwrap();
    // other objects of the policy's file are inventory too
    let (policies, others): (Vec<&str>, Vec<&str>) =
        policy.split("\n---\n").partition(|text| text.contains("security.istio.io/"));
    let inventory = format!("{around}\n---\n{}", others.join("\n---\n"));
    fs::write(folder.join("inventory.yaml"), inventory).unwrap();
    fs::write(folder.join("direct.yaml"), policies.join("\n---\n")).unwrap();
    let environment = format!(
        r#"apiVersion: waypost.dev/v1alpha1
kind: Environment
metadata: {{name: shop}}
spec:
  organization: acme
  versions: {{tsb: "1.13", istio: "1.27"}}
  sources: {{inventory: [inventory.yaml], direct: [direct.yaml]}}
  ownership: {{direct: gitops}}
  accept: []
  clusters:
  - name: east
    trustDomain: cluster.local
    waypoints: {{default: {{for: {waypoint_for}}}}}
    namespaces:
    - {{name: shop, mode: sidecar}}
    - {{name: web, mode: sidecar}}
  migration:
    stages:
    - {{name: web, namespaces: [east/web]}}
    - {{name: shop, namespaces: [east/shop]}}
"#
    );
    fs::write(folder.join("environment.yaml"), environment).unwrap();
}

/// Gains that are none of the waypoint's own account.
fn gains(changes: &[AccessChange]) -> Vec<String> {
    let is_waypoint = |change: &AccessChange| {
        matches!(&change.from.kind, CallerKind::Identity { principal, .. }
            if principal.ends_with("/sa/waypoint"))
    };
    let gains = changes.iter().filter(|c| c.change == Change::Gain && c.by_design.is_none());
    gains
        .filter(|c| !is_waypoint(c))
        .map(|c| format!("{} gains {}: {:?}", c.from, c.to, c.request))
        .collect()
}

/// No policy that is translated opens anything, at any point, between any two, forth or back. Those that
/// are refused are refused at the step that would move them, and not before.
#[test]
fn no_step_forth_or_back_opens_anything() {
    let schemas = SpecSchemas::compile().unwrap();
    let (renderer, _) = Renderer::new(BTreeMap::new());
    let (validator, _) = Validator::new(&embedded(), &[], Options::default());
    let tools = Tools { renderer: Arc::new(renderer), validator: Arc::new(validator) };
    let (mut moved, mut refused, mut wrong) = (0, 0, Vec::new());
    for case in fs::read_dir(project().join("tests/cases/translate")).unwrap() {
        let case = case.unwrap().path();
        let Ok(policy) = fs::read_to_string(case.join("policy.yaml")) else { continue };
        for waypoint_for in ["service", "all"] {
            let name =
                format!("{} for {waypoint_for}", case.file_name().unwrap().to_str().unwrap());
            let folder = tempfile::tempdir().unwrap();
            shop(folder.path(), &policy, waypoint_for);
            let files = Files::Disk(folder.path().to_owned());
            let check = |kind, node: &waypost::yaml::Node| schemas.check(kind, node);
            let mut reader = Reader::new(&files, &check);
            let (input, found) = reader.read("shop");
            assert!(!has_errors(&found), "{name}: {found:?}");
            let sources = reader.into_sources();
            let (resolved, found) = resolve(input.unwrap());
            assert!(!has_errors(&found), "{name}: {found:?}");
            let resolved = resolved.unwrap();
            // what the user applies beside us is not ours to judge
            if resolved.adopted.is_empty() {
                continue;
            }
            let digest = input_digest(&sources);
            let mut points = Points::new(&resolved, &tools, digest, sources);
            let mut worlds: Vec<(Reached, World)> = Vec::new();
            for reached in plan::points(&resolved.environment) {
                let (at, found) = points.at(&reached, &|_| {});
                let Some(at) = at else {
                    assert!(reached.to_string().starts_with("shop/"), "{name}: {found:?}");
                    break;
                };
                if let Some((_, before)) = worlds.first() {
                    let today = "2026-01-01";
                    let judged = points.judged((before, &at.world), &reached, today);
                    if has_errors(&judged.found) {
                        break;
                    }
                }
                worlds.push((reached, at.world));
            }
            if worlds.last().unwrap().0.to_string() == "shop/cleanup" {
                moved += 1;
            } else {
                refused += 1;
            }
            let (_, before) = &worlds[0];
            for (reached, world) in &worlds {
                let found = gains(&compare(&before.mesh, &world.mesh).changes);
                wrong.extend(found.into_iter().map(|gain| format!("{name} at {reached}: {gain}")));
            }
            let back = |reached: &Reached| {
                let back = plan::way_back(reached)?;
                worlds.iter().find(|(point, _)| *point == back)
            };
            let forth = worlds.windows(2).map(|pair| (&pair[0], &pair[1]));
            let back = worlds.iter().filter_map(|at| Some((at, back(&at.0)?)));
            for ((from, before), (to, after)) in forth.chain(back) {
                for between in meanwhile(before, after) {
                    // on the way back pods have no proxy for a while, whatever policies there are
                    if between.state.contains("outside the mesh") {
                        continue;
                    }
                    let found = gains(&between.comparison.changes).into_iter();
                    let state = &between.state;
                    wrong.extend(
                        found.map(|gain| format!("{name}: {from} to {to}, {state}: {gain}")),
                    );
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(moved >= 12 && refused >= 4, "{moved} moved, {refused} refused");
}

#[test]
fn a_loss_is_written_when_somebody_has_accepted_it() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let policy = fs::read_to_string(project().join("tests/cases/translate/deny-path/policy.yaml"));
    shop(root, &policy.unwrap(), "service");
    let render = || waypost(root, &["render", "shop", "--stage", "shop"]);
    let ran = render();
    assert_eq!(ran.code, 5, "{}", ran.stderr);
    assert!(ran.stderr.contains("error[consent-needed]"), "{}", ran.stderr);
    assert!(ran.stderr.contains("environments/shop/direct.yaml:3:18"), "{}", ran.stderr);
    assert!(!root.join("rendered").exists());
    // so it is at every point to come
    let ran = waypost(root, &["validate", "shop"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("error[consent-needed]"), "{}", ran.stderr);
    let path = root.join("environments/shop/environment.yaml");
    let spec = fs::read_to_string(&path).unwrap();
    let accept = |expires: &str| {
        let of = |kind: &str| {
            format!(
                "\n  - {{kind: {kind}, namespace: shop, policy: no-admin, reason: seen in the logs, owner: shop, \
                 expires: \"{expires}\"}}"
            )
        };
        let kinds: String = ["pod-addresses", "outside-mesh"].map(of).concat();
        fs::write(&path, spec.replace(" accept: []", &format!(" accept:{kinds}"))).unwrap();
    };
    accept("2020-01-01");
    let ran = render();
    assert_eq!(ran.code, 5, "{}", ran.stderr);
    assert!(ran.stderr.contains("warning[expired-consent]"), "{}", ran.stderr);
    accept("9999-12-31");
    let ran = render();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(
        root.join("rendered/shop/east/mesh/shop/authorizationpolicy-no-admin-guard.yaml").is_file()
    );
}
