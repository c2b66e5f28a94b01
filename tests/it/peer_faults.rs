//! Faults of other tools that `waypost` must not have, each by the name of its report
//! (facts/field.md §12). `docs/regressions.md` lists them all, with those that other tests hold.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::program::{copy_of, project, waypost};

/// What an environment applies at a point.
fn applied(root: &Path, environment: &str, point: Option<&str>) -> Vec<Value> {
    let mut arguments = vec!["render", environment, "--stdout"];
    arguments.extend(point.iter().flat_map(|point| ["--stage", *point]));
    let ran = waypost(root, &arguments);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let documents = serde_yaml::Deserializer::from_str(&ran.stdout);
    documents.map(|one| serde::Deserialize::deserialize(one).expect("YAML")).collect()
}

fn of_kind<'a>(objects: &'a [Value], kind: &str) -> impl Iterator<Item = &'a Value> {
    objects.iter().filter(move |object| object["kind"] == kind)
}

/// `namespace/name` of the Gateways, and of those that policies are bound to.
fn gateways(objects: &[Value]) -> [BTreeSet<String>; 2] {
    let name = |namespace: &Value, name: &Value| {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        format!("{}/{}", text(namespace), text(name))
    };
    let there = of_kind(objects, "Gateway");
    let there = there.map(|g| name(&g["metadata"]["namespace"], &g["metadata"]["name"]));
    let bound = of_kind(objects, "AuthorizationPolicy").flat_map(|policy| {
        let one = std::iter::once(&policy["spec"]["targetRef"]);
        let targets = one.chain(policy["spec"]["targetRefs"].as_array().into_iter().flatten());
        let gateways = targets.filter(|target| target["kind"] == "Gateway");
        gateways.map(|target| name(&policy["metadata"]["namespace"], &target["name"]))
    });
    [there.collect(), bound.collect()]
}

const POINTS: [&str; 10] = [
    "none",
    "client/mesh",
    "client/enrollment",
    "client",
    "httpbin/mesh",
    "httpbin/enrollment",
    "httpbin",
    "bookinfo/mesh",
    "bookinfo/enrollment",
    "bookinfo",
];

#[test]
fn istio_57315_missing_waypoint() {
    let mut bound_at = 0;
    for point in POINTS {
        let [there, bound] = gateways(&applied(project(), "brownfield", Some(point)));
        assert!(bound.is_subset(&there), "{point}: {bound:?} without {there:?}");
        bound_at += usize::from(!bound.is_empty());
    }
    assert!(bound_at > 2, "policies are bound at {bound_at} points");
}

#[test]
fn istio_57783_action_dropped() {
    let mut denied = 0;
    for point in POINTS {
        let objects = applied(project(), "brownfield", Some(point));
        for policy in of_kind(&objects, "AuthorizationPolicy") {
            let (name, action) = (&policy["metadata"]["name"], &policy["spec"]["action"]);
            let is_deny = name.as_str().is_some_and(|name| name.contains("deny-rules"));
            assert!(!is_deny || action == "DENY", "{point}: {name}");
            denied += usize::from(is_deny);
        }
    }
    assert!(denied > 0);
}

#[test]
fn istio_57783_service_labels() {
    let ran = waypost(project(), &["validate", "tests/peer-faults/service-labels.yaml"]);
    assert!(ran.stderr.contains("selector-matches-nothing"), "{}", ran.stderr);
    assert!(ran.stderr.contains("spec.template.metadata.labels"), "{}", ran.stderr);
}

#[test]
fn istio_57783_waypoint_name() {
    let folder = copy_of("brownfield");
    let spec = folder.path().join("environments/brownfield/environment.yaml");
    let text = std::fs::read_to_string(&spec).expect("a spec");
    let named = text.replace("default: {for: all}", "default: {for: all, name: edge}");
    assert_ne!(text, named);
    std::fs::write(&spec, named).expect("written");
    let [there, bound] = gateways(&applied(folder.path(), "brownfield", Some("httpbin")));
    assert!(bound.contains("httpbin/edge") && there.contains("httpbin/edge"), "{bound:?}");
    assert!(!bound.contains("httpbin/waypoint"), "{bound:?}");
}

#[test]
fn istio_57783_request_authentication() {
    let ran = waypost(project(), &["validate", "tests/peer-faults/request-authentication.yaml"]);
    assert!(ran.stderr.contains("ignored-kind"), "{}", ran.stderr);
    assert!(ran.stderr.contains("targetRefs"), "{}", ran.stderr);
}

#[test]
fn istio_57783_waypoint_exists() {
    // a second namespace gets its own, though another one has a waypoint already
    let before = gateways(&applied(project(), "brownfield", Some("httpbin")))[0].clone();
    let after = gateways(&applied(project(), "brownfield", Some("bookinfo")))[0].clone();
    assert!(!before.is_empty() && before.is_subset(&after));
    assert!(after.contains("bookinfo/waypoint") && !before.contains("bookinfo/waypoint"));
}

#[test]
fn istio_48103_inject_advice() {
    let ran = waypost(project(), &["validate", "greenfield"]);
    for word in ["istio-injection=enabled", "istio-injection: enabled", "istio.io/rev="] {
        assert!(!ran.stderr.contains(word), "{}", ran.stderr);
    }
    let ran = waypost(project(), &["validate", "tests/peer-faults"]);
    assert!(!ran.stderr.contains("injection"), "{}", ran.stderr);
}

#[test]
fn argv_too_long() {
    // a report goes by a file or a pipe, wherever a recipe hands it on
    let folder = project().join("docs/ci");
    let mut recipes = 0;
    for entry in walkdir::WalkDir::new(folder) {
        let path = entry.expect("an entry").into_path();
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        recipes += usize::from(text.contains("waypost diff"));
        for line in text.lines() {
            let on_the_line = ["-f body=\"$", "--body \"$(", "-d \"$(cat", "--raw-field body=\"$"];
            assert!(!on_the_line.iter().any(|way| line.contains(way)), "{path:?}: {line}");
        }
    }
    assert!(recipes >= 2, "{recipes} recipes write a diff");
}

/// A waypoint comes with the move, and not with a route: whatever needs one finds it, of whatever kind it is.
#[test]
fn waypoint_needed_httproute() {
    let folder = tempfile::tempdir().expect("a folder");
    let ran = waypost(folder.path(), &["init"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let inventory = folder.path().join("environments/example/inventory/shop.yaml");
    let without = std::fs::read_to_string(&inventory).expect("an inventory");
    let plain = gateways(&applied(folder.path(), "example", Some("shop")));
    assert_eq!(plain[0], BTreeSet::from(["shop/waypoint".to_owned()]));
    for (api_version, kind) in [
        ("gateway.networking.k8s.io/v1", "HTTPRoute"),
        ("gateway.networking.k8s.io/v1", "GRPCRoute"),
        ("gateway.networking.k8s.io/v1alpha2", "TCPRoute"),
        ("networking.istio.io/v1", "VirtualService"),
    ] {
        let spec = match kind {
            "VirtualService" => "{hosts: [shop], http: [{route: [{destination: {host: shop}}]}]}",
            _ => {
                "{parentRefs: [{group: \"\", kind: Service, name: shop, port: 80}], rules: [{backendRefs: [{name: shop, port: 80}]}]}"
            }
        };
        let route = format!(
            "---\napiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: shop, namespace: shop}}\nspec: {spec}\n"
        );
        std::fs::write(&inventory, without.clone() + &route).expect("written");
        let objects = applied(folder.path(), "example", Some("shop"));
        assert_eq!(gateways(&objects), plain, "{kind}");
        let labels = of_kind(&objects, "Namespace").map(|n| &n["metadata"]["labels"]);
        let labels: Vec<&Value> = labels.collect();
        assert!(
            labels.iter().any(|labels| labels["istio.io/use-waypoint"] == "waypoint"),
            "{kind}: {labels:?}"
        );
    }
}
