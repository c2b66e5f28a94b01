//! What is in the clusters, as every command sees it. The environments are those of `tests/world`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use waypost::diagnostic::{Sources, has_errors};
use waypost::pipeline::{self, Points, Request, Tools};
use waypost::plan;
use waypost::render::Renderer;
use waypost::resolve::{Resolved, resolve};
use waypost::spec::{Files, Reader};
use waypost::tree::Scope;
use waypost::validate::SpecSchemas;
use waypost::validate::catalogue::embedded;
use waypost::validate::manifests::{Options, Validator};

use crate::program::{Ran, project, waypost};

fn root() -> PathBuf {
    project().join("tests/world")
}

fn run(arguments: &[&str]) -> Ran {
    waypost(&root(), arguments)
}

#[test]
fn a_restart_patch_takes_no_named_port_away() {
    let ran = run(&["access", "explain", "till/till", "shop/shop:80", "--in", "named-port"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("8080"), "{}", ran.stdout);
    assert!(ran.stdout.contains("allow"), "{}", ran.stdout);
}

#[test]
fn only_what_a_workload_makes_is_left_out_for_its_owner() {
    let ran = run(&["access", "matrix", "owned", "--format", "csv"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let rows: std::collections::BTreeSet<&str> =
        ran.stdout.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
    assert!(rows.contains("shop/db") && rows.contains("till/job-runner"), "{rows:?}");
    for made in ["shop/shop-5d9c", "till/till-7f6b-x2x"] {
        assert!(!rows.contains(made), "{rows:?}");
    }
    // each once
    assert!(rows.contains("shop/shop") && rows.contains("till/till"), "{rows:?}");
}

#[test]
fn what_is_applied_beside_us_is_linted() {
    let ran = run(&["validate", "direct-linted"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("error[l7-deny-noop]"), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("environments/direct-linted/direct/no-admin.yaml:"),
        "{}",
        ran.stderr
    );
    // the simulator sees the same object
    let ran = run(&["access", "policies", "direct-linted"]);
    assert!(ran.stdout.contains("no-admin"), "{}", ran.stdout);
}

#[test]
fn what_is_applied_beside_us_is_not_foreign() {
    let folder = tempfile::tempdir().unwrap();
    let rendered = run(&["render", "direct-linted", "--stdout"]);
    let direct = root().join("environments/direct-linted/direct/no-admin.yaml");
    let direct = std::fs::read_to_string(direct).unwrap();
    let dump = folder.path().join("dump.yaml");
    std::fs::write(&dump, format!("{}---\n{direct}", rendered.stdout)).unwrap();
    let ran = run(&["verify", "direct-linted", dump.to_str().unwrap()]);
    assert!(!ran.stderr.contains("foreign-object"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("kubectl delete"), "{}", ran.stderr);
}

/// A policy that somebody had opened by hand was no finding: only what is rendered was compared.
#[test]
fn what_is_applied_beside_us_is_verified_as_it_is_written() {
    const ROW: &str = "what is applied beside waypost is as written";
    let folder = tempfile::tempdir().unwrap();
    let rendered = run(&["render", "direct-linted", "--stdout"]);
    let direct = root().join("environments/direct-linted/direct/no-admin.yaml");
    let direct = std::fs::read_to_string(direct).unwrap();
    assert!(direct.contains("action: DENY"), "{direct}");
    let dump = folder.path().join("dump.yaml");
    let verify = |direct: &str| {
        std::fs::write(&dump, format!("{}---\n{direct}", rendered.stdout)).unwrap();
        run(&["verify", "direct-linted", dump.to_str().unwrap()])
    };
    let ran = verify(&direct);
    assert!(ran.stdout.contains(&format!("ok  (cluster)  {ROW}")), "{}", ran.stdout);
    let ran = verify(&direct.replace("action: DENY", "action: AUDIT"));
    assert!(ran.stdout.contains(&format!("NO  (cluster)  {ROW}")), "{}", ran.stdout);
    let said = "`spec.action` is `AUDIT`, and written `DENY`";
    assert!(
        ran.stderr.contains("error[stale-object]") && ran.stderr.contains(said),
        "{}",
        ran.stderr
    );
    let ran = verify(&direct.replace("name: no-admin", "name: other"));
    assert!(
        ran.stderr.contains("no-admin of `sources.direct` is not in the cluster"),
        "{}",
        ran.stderr
    );
}

#[test]
fn what_is_applied_beside_us_is_validated_where_it_is_written() {
    for verb in ["validate", "render"] {
        let ran = run(&[verb, "direct-invalid"]);
        assert_eq!(ran.code, 3, "{}", ran.stderr);
        for (place, word) in [("policies.yaml:5:3", "acton"), ("policies.yaml:12:10", "rules")] {
            let place = format!("environments/direct-invalid/direct/{place}");
            assert!(ran.stderr.contains(&place), "{place}: {}", ran.stderr);
            assert!(ran.stderr.contains(word), "{}", ran.stderr);
        }
    }
}

/// An environment of a repository, and what renders it.
fn read(root: &Path, name: &str) -> (Resolved, Sources, Tools) {
    let files = Files::Disk(root.to_owned());
    let schemas = SpecSchemas::compile().unwrap();
    let check = |kind, node: &waypost::yaml::Node| schemas.check(kind, node);
    let mut reader = Reader::new(&files, &check);
    let (input, found) = reader.read(name);
    assert!(!has_errors(&found), "{found:?}");
    let sources = reader.into_sources();
    let (resolved, found) = resolve(input.unwrap());
    assert!(!has_errors(&found), "{found:?}");
    let (renderer, _) = Renderer::new(BTreeMap::new());
    let (validator, _) = Validator::new(&embedded(), &[], Options::default());
    (resolved.unwrap(), sources, Tools { renderer: renderer.into(), validator: validator.into() })
}

#[test]
fn points_share_what_they_render_and_come_to_the_same_trees() {
    let (resolved, sources, tools) = read(project(), "brownfield");
    let input = pipeline::input_digest(&sources);
    let mut points = Points::new(&resolved, &tools, input, sources);
    let scope = Scope::default();
    let asked = plan::points(&resolved.environment);
    // forth and back: what is remembered of a point must not show at another
    for reached in asked.iter().chain(asked.iter().rev()) {
        let (shared, found) = points.at(reached, &|_| {});
        let request = Request { stage: Some(reached), scope: &scope, input };
        let (alone, alone_found) = pipeline::render(&resolved, &tools, &request, &|_| {});
        let (shared, alone) = (shared.unwrap().rendered, alone.unwrap());
        assert_eq!(shared.tree, alone.tree, "{reached}");
        assert_eq!(shared.delivery, alone.delivery, "{reached}");
        assert_eq!(found, alone_found, "{reached}");
    }
}

#[test]
fn a_finding_of_a_point_to_come_says_where_it_begins() {
    let (resolved, sources, tools) = read(&root(), "ahead");
    let input = pipeline::input_digest(&sources);
    let mut points = Points::new(&resolved, &tools, input, sources);
    let asked = plan::points_to_come(&resolved.environment);
    let (objects, found) = pipeline::examine(&mut points, &asked, "2026-01-01", &|_| {});
    assert!(objects.is_some());
    let noop: Vec<&str> =
        found.iter().filter(|d| d.code == "l7-deny-noop").map(|d| d.message.as_str()).collect();
    let [once] = noop[..] else { panic!("{noop:?}") };
    assert!(once.contains("(from `shop/"), "{once}");
}

#[test]
fn validate_asks_the_points_to_come_unless_one_is_named() {
    let ran = run(&["validate", "ahead"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("error[l7-deny-noop]"), "{}", ran.stderr);
    let ran = run(&["validate", "ahead", "--stage", "till"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let ran = run(&["validate", "ahead", "--stage", "shop"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(!ran.stderr.contains("(from `"), "{}", ran.stderr);
    let ran = run(&["validate", "environments/ahead/inventory", "--every-stage"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
}

#[test]
fn a_move_into_an_error_is_refused_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    let render = |stage: &str| run(&["render", "ahead", "--stage", stage, "--out", out]);
    // the namespace that the error is about does not move yet
    assert_eq!(render("till").code, 0);
    let before = crate::program::files(folder.path());
    let ran = render("shop");
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("error[l7-deny-noop]"), "{}", ran.stderr);
    assert!(ran.stderr.contains("nothing was written"), "{}", ran.stderr);
    assert_eq!(crate::program::files(folder.path()), before);
    let ran = run(&["render", "ahead", "--stage", "shop", "--stdout"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (3, ""), "{}", ran.stderr);
}

#[test]
fn a_suppression_lets_the_move_through() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    let ran = run(&["render", "ahead-accepted", "--stage", "shop", "--out", out]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let ran = run(&["validate", "ahead-accepted"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

/// `replicas: null` was a wrong type, and an inherited `replicas` stayed beside `autoscaling`.
#[test]
fn a_namespace_replaces_inherited_replicas_by_autoscaling() {
    let (resolved, ..) = read(&root(), "waypoint-autoscaling");
    let cluster = resolved.environment.clusters.values().next().unwrap();
    let waypoint = |name: &str| cluster.namespaces[name].waypoint.clone().unwrap();
    assert_eq!((waypoint("counted").replicas, waypoint("counted").autoscaling), (Some(3), None));
    for name in ["scaled", "nulled"] {
        let own = waypoint(name);
        assert_eq!(own.replicas, None, "{name}");
        assert!(own.autoscaling.is_some() && own.resources.is_some(), "{name}");
    }
}
