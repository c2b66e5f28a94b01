//! Specs as they are written: read, held against their schemas, resolved.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use proptest::prelude::*;
use waypost::diagnostic::{Diagnostic, Sources, sort};
use waypost::model::{
    DataplaneMode, InjectionLabel, Lifecycle, Namespace, Ownership, Platform, Reached, Restart,
    Step, Version, WaypointFor,
};
use waypost::resolve::{Resolved, resolve};
use waypost::spec::{Files, Reader};
use waypost::validate::SpecSchemas;

static SCHEMAS: LazyLock<SpecSchemas> =
    LazyLock::new(|| SpecSchemas::compile().expect("the built-in schemas compile"));

/// Reads and resolves one environment.
pub fn load(files: &Files, name: &str) -> (Option<Resolved>, Vec<Diagnostic>, Sources) {
    let check = |kind, node: &_| SCHEMAS.check(kind, node);
    let mut reader = Reader::new(files, &check);
    let (input, mut found) = reader.read(name);
    let resolved = input.and_then(|input| {
        let (resolved, more) = resolve(input);
        found.extend(more);
        resolved
    });
    sort(&mut found);
    (resolved, found, reader.into_sources())
}

/// Files in memory, by path.
pub fn memory(files: &[(&str, &str)]) -> Files {
    let files: BTreeMap<String, String> =
        files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    Files::Memory(files)
}

#[test]
fn the_example_of_the_design_is_taken() {
    let files = memory(&[
        ("environments/brownfield/environment.yaml", EXAMPLE),
        (
            "environments/brownfield/base/controlplane.yaml",
            "apiVersion: install.tetrate.io/v1alpha1\nkind: ControlPlane\nmetadata: {name: controlplane, namespace: istio-system}\nspec: {hub: h}\n",
        ),
        ("environments/brownfield/access.yaml", ACCESS),
        ("environments/brownfield/inventory/all.yaml", INVENTORY),
    ]);
    let (resolved, found, sources) = load(&files, "brownfield");
    assert_eq!(waypost::report::text::render(&found, &sources, false), "");
    let environment = resolved.unwrap().environment;
    assert_eq!(environment.clusters.len(), 1);
    assert_eq!(environment.stages.len(), 2);
}

/// An environment of one cluster `east` with the namespaces `client` and `shop`.
const SMALL: &str = "\
apiVersion: waypost.dev/v1alpha1
kind: Environment
metadata: {name: a}
spec:
  organization: tetrate
  versions: {tsb: '1.13', istio: '1.24'}
  clusters:
  - name: east
    namespaces: [{name: client}, {name: shop}]
";

fn resolved(files: &[(&str, &str)]) -> Resolved {
    let (resolved, found, sources) = load(&memory(files), "a");
    assert_eq!(waypost::report::text::render(&found, &sources, false), "");
    resolved.unwrap()
}

fn namespace<'r>(resolved: &'r Resolved, cluster: &str, name: &str) -> &'r Namespace {
    &resolved.environment.clusters[cluster].namespaces[name]
}

#[test]
fn what_is_not_said_has_a_default() {
    let resolved = resolved(&[("environments/a/environment.yaml", SMALL)]);
    let environment = &resolved.environment;
    assert_eq!(environment.ownership, Ownership::default());
    assert_eq!(environment.injection_label, InjectionLabel::Disable);
    assert_eq!(environment.restart, Restart::Annotation);
    assert_eq!(environment.reached, Reached::None);
    assert_eq!(environment.istio, Some(Version::new(1, 24)));
    let east = &environment.clusters["east"];
    assert_eq!(east.trust_domain.as_str(), "east.tsb.local");
    assert_eq!(east.platform, Platform::Generic);
    assert!(east.control_plane.is_none());
    let client = namespace(&resolved, "east", "client");
    assert_eq!(client.mode, DataplaneMode::Sidecar);
    assert_eq!(client.lifecycle, Lifecycle::Adopt);
    assert!(client.waypoint.is_none());
}

#[test]
fn a_waypoint_is_made_of_its_own_fields_then_the_clusters() {
    let text = SMALL.replace(
        "    namespaces: [{name: client}, {name: shop}]\n",
        "    waypoints: {default: {for: service, replicas: 3, name: edge}}
    namespaces:
    - {name: silent, mode: ambient}
    - {name: own, mode: ambient, waypoint: {for: all, replicas: 1}}
    - {name: never, mode: ambient, waypoint: none}
    - {name: refused, mode: ambient, waypoint: false}
    - {name: wanted, mode: ambient, waypoint: true}
    - {name: sidecar}
    - {name: moves}
  migration: {stages: [{name: one, namespaces: [east/moves]}]}
",
    );
    let resolved = resolved(&[("environments/a/environment.yaml", &text)]);
    let waypoint = |name| {
        let waypoint = namespace(&resolved, "east", name).waypoint.as_ref()?;
        Some((waypoint.name.as_str(), waypoint.waypoint_for.as_str(), waypoint.replicas))
    };
    let default = Some(("edge", "service", Some(3)));
    assert_eq!(waypoint("silent"), default);
    assert_eq!(waypoint("own"), Some(("edge", "all", Some(1))));
    assert_eq!(waypoint("never"), None);
    assert_eq!(waypoint("refused"), None);
    assert_eq!(waypoint("wanted"), default);
    assert_eq!(waypoint("sidecar"), None, "it never becomes ambient");
    assert_eq!(waypoint("moves"), default, "a stage makes it ambient");
}

#[test]
fn a_waypoint_without_any_default_is_called_waypoint() {
    let text = SMALL.replace("{name: shop}", "{name: shop, mode: ambient, waypoint: true}");
    let resolved = resolved(&[("environments/a/environment.yaml", &text)]);
    let waypoint = namespace(&resolved, "east", "shop").waypoint.as_ref().unwrap();
    assert_eq!(waypoint.name.as_str(), "waypoint");
    assert_eq!(waypoint.waypoint_for, WaypointFor::All);
}

#[test]
fn reached_is_a_stage_or_a_step_of_it() {
    for (reached, wanted) in [
        ("none", None),
        ("one", Some(Step::Workloads)),
        ("one/mesh", Some(Step::Mesh)),
        ("one/enrollment", Some(Step::Enrollment)),
        ("one/workloads", Some(Step::Workloads)),
    ] {
        let text = format!(
            "{SMALL}  migration: {{reached: {reached}, stages: [{{name: one, namespaces: [east/client]}}]}}\n"
        );
        let resolved = resolved(&[("environments/a/environment.yaml", &text)]);
        let is = match &resolved.environment.reached {
            Reached::None => None,
            Reached::Stage(stage, step) => {
                assert_eq!(stage.as_str(), "one");
                Some(*step)
            }
        };
        assert_eq!(is, wanted, "{reached}");
    }
}

#[test]
fn layers_keep_their_places() {
    let base = "\
apiVersion: waypost.dev/v1alpha1
kind: Environment
spec:
  organization: tetrate
  versions: {tsb: '1.13', istio: '1.24'}
  sources: {inventory: [inventory]}
  restart: manual
  clusters:
  - name: east
    controlPlane: {base: controlplane.yaml, ambient: true}
    namespaces: [{name: shop, mode: none}, {name: client, mode: none}]
";
    let leaf = "\
apiVersion: waypost.dev/v1alpha1
kind: Environment
metadata: {name: a}
spec:
  extends: ../base
  restart: null
  sources: {clusters: [west.yaml]}
  clusters:
  - name: east
    namespaces: [{name: shop, mode: ambient}]
";
    let west = "\
apiVersion: waypost.dev/v1alpha1
kind: Cluster
metadata: {name: west}
spec:
  platform: gke
  namespaces: [{name: shop}, {name: client}]
";
    let plane = "\
apiVersion: install.tetrate.io/v1alpha1
kind: ControlPlane
metadata: {name: controlplane, namespace: istio-system}
spec: {}
";
    let resolved = resolved(&[
        ("environments/a/environment.yaml", leaf),
        ("environments/a/west.yaml", west),
        ("environments/base/environment.yaml", base),
        ("environments/base/controlplane.yaml", plane),
        ("environments/base/inventory/east/all.yaml", INVENTORY_OF_SHOP),
        ("environments/base/inventory/west/all.yaml", INVENTORY_OF_SHOP),
    ]);
    assert_eq!(resolved.environment.restart, Restart::Annotation, "null removes");
    assert_eq!(namespace(&resolved, "east", "shop").mode, DataplaneMode::Ambient);
    assert_eq!(namespace(&resolved, "east", "client").mode, DataplaneMode::None);
    assert_eq!(resolved.environment.clusters["west"].platform, Platform::Gke);
    let base = &resolved.environment.clusters["east"].control_plane.as_ref().unwrap().base;
    assert!(base.is_some(), "a path belongs to the file it is written in");
    for cluster in ["east", "west"] {
        assert_eq!(namespace(&resolved, cluster, "shop").services.len(), 1, "{cluster}");
    }
}

const INVENTORY_OF_SHOP: &str = "\
apiVersion: v1
kind: Service
metadata: {name: cart, namespace: shop}
spec:
  selector: {app: cart}
  ports:
  - {name: http, port: 80, targetPort: web, appProtocol: http}
  - {port: 90, targetPort: 9090}
  - {port: 91}
---
apiVersion: v1
kind: Namespace
metadata: {name: client}
";

#[test]
fn the_inventory_is_read_into_the_namespaces() {
    let text = format!("{SMALL}  sources: {{inventory: [all.yaml]}}\n").replace(
        "{name: client}",
        "{name: client, workloads: [{kind: Deployment, name: sleep, mode: ambient}]}",
    );
    let inventory = "\
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Namespace
  metadata: {name: client, labels: {istio.io/rev: stable, team: a, kubernetes.io/metadata.name: client}}
- apiVersion: apps/v1
  kind: Deployment
  metadata:
    name: sleep
    namespace: client
    managedFields: [{manager: kubectl}]
  spec:
    replicas: 2
    template:
      metadata: {labels: {app: sleep}}
      spec: {serviceAccountName: sleeper}
- apiVersion: apps/v1
  kind: StatefulSet
  metadata: {name: db, namespace: client}
  spec: {template: {metadata: {labels: null}}}
- apiVersion: policy/v1
  kind: PodDisruptionBudget
  metadata: {name: sleep, namespace: client}
- apiVersion: rbac.authorization.k8s.io/v1
  kind: ClusterRole
  metadata: {name: reader}
";
    let all = format!("{inventory}---\n{INVENTORY_OF_SHOP}").replace(
        "kind: Namespace\nmetadata: {name: client}\n",
        "kind: Namespace\nmetadata: {name: shop}\n",
    );
    let resolved =
        resolved(&[("environments/a/environment.yaml", &text), ("environments/a/all.yaml", &all)]);
    let client = namespace(&resolved, "east", "client");
    assert_eq!(client.revision.as_deref(), Some("stable"));
    assert_eq!(client.labels, [("team".to_owned(), "a".to_owned())].into());
    let workloads: Vec<_> = client
        .workloads
        .values()
        .map(|w| (w.kind.as_str(), w.name.as_str(), w.service_account.as_str(), w.replicas, w.mode))
        .collect();
    assert_eq!(
        workloads,
        [
            ("Deployment", "sleep", "sleeper", Some(2), Some(DataplaneMode::Ambient)),
            ("StatefulSet", "db", "default", None, None),
        ]
    );
    let service = namespace(&resolved, "east", "shop").services.values().next().unwrap();
    let ports: Vec<_> = service
        .ports
        .iter()
        .map(|p| (p.name.as_deref(), p.port, p.target_port.as_deref(), p.app_protocol.as_deref()))
        .collect();
    assert_eq!(
        ports,
        [
            (Some("http"), 80, Some("web"), Some("http")),
            (None, 90, Some("9090"), None),
            (None, 91, None, None),
        ]
    );
    let kept: Vec<_> =
        resolved.inventory["east"].iter().map(|o| o.reference().to_string()).collect();
    assert_eq!(
        kept,
        [
            "Namespace client",
            "Deployment client/sleep",
            "StatefulSet client/db",
            "PodDisruptionBudget client/sleep",
            "ClusterRole reader",
            "Service shop/cart",
            "Namespace shop",
        ]
    );
    let sleep = &resolved.inventory["east"][1].body;
    assert!(sleep.get("metadata").unwrap().get("managedFields").is_none());
}

#[test]
fn all_faults_come_at_once() {
    let text = format!(
        "{SMALL}  restart: later\n  sources: {{tsb: [tsb.yaml], inventory: [none], access: [access.yaml]}}\n"
    );
    let files = memory(&[
        ("environments/a/environment.yaml", &text),
        ("environments/a/tsb.yaml", "a: 1\na: 2\n"),
        (
            "environments/a/access.yaml",
            "kind: AccessTest\napiVersion: waypost.dev/v1alpha1\nmetadata: {}\nspec: {}\n",
        ),
    ]);
    let (resolved, found, _) = load(&files, "a");
    assert!(resolved.is_none());
    let codes: Vec<_> = found.iter().map(|d| d.code).collect();
    assert_eq!(
        codes,
        ["unknown-value", "missing-file", "duplicate-key", "missing-field", "missing-field"]
    );
}

proptest! {
    /// Whatever is written: an answer, and every finding with a place in a file that was read.
    #[test]
    fn no_text_is_too_odd(edits in prop::collection::vec((0usize..60, 0usize..6, "[ -~\n]{0,12}"), 1..5)) {
        let mut lines: Vec<String> = EXAMPLE.lines().map(str::to_owned).collect();
        for (line, what, text) in edits {
            let at = line % lines.len();
            match what {
                0 => drop(lines.remove(at)),
                1 => lines.insert(at, text),
                2 => lines[at].push_str(&text),
                3 => lines[at] = lines[at].replacen(": ", &format!(": {text}"), 1),
                4 => lines[at] = lines[at].replacen(':', &text, 1),
                _ => { let next = (at + 7) % lines.len(); lines.swap(at, next); }
            }
            if lines.is_empty() { lines.push(String::new()); }
        }
        let text = lines.join("\n");
        let files = memory(&[
            ("environments/brownfield/environment.yaml", &text),
            ("environments/brownfield/access.yaml", ACCESS),
            ("environments/brownfield/inventory/all.yaml", INVENTORY),
        ]);
        let (_, found, sources) = load(&files, "brownfield");
        for finding in &found {
            prop_assert_ne!(finding.code, "internal");
            let place = finding.primary.as_ref().map(|p| sources.place(p.span)).unwrap_or_default();
            prop_assert!(place.starts_with("environments/brownfield/"), "{:?}", finding);
        }
        let rendered = waypost::report::text::render(&found, &sources, false);
        prop_assert_eq!(rendered.is_empty(), found.is_empty());
    }
}

const EXAMPLE: &str = r#"
apiVersion: waypost.dev/v1alpha1
kind: Environment
metadata:
  name: brownfield
spec:
  organization: tetrate
  versions: {tsb: "1.13", istio: "1.24"}
  ownership:
    waypoints: gitops
    policies: gitops
  sources:
    inventory: [inventory]
    access: [access.yaml]
  managementPlane:
    cluster: cp-cluster-1
    oap: {spmAgentReceiver: true}
  clusters:
  - name: cp-cluster-1
    platform: generic
    trustDomain: cp-cluster-1.tsb.local
    controlPlane:
      base: base/controlplane.yaml
      output: overlay
      ambient: true
      spmAgent: true
      cni: {}
      edge: {dnsResolution: true}
    waypoints:
      default: {for: all}
    namespaces:
    - name: client
      lifecycle: adopt
      mode: sidecar
      waypoint: {name: waypoint, for: all, replicas: 2, resources: {requests: {cpu: 1}}, autoscaling: {minReplicas: 1}}
      workloads: [{kind: Deployment, name: sleep, mode: ambient}]
    - name: httpbin
  migration:
    reached: none
    stages:
    - {name: client,   namespaces: [cp-cluster-1/client]}
    - {name: httpbin,  namespaces: [cp-cluster-1/httpbin]}
  injectionLabel: disable
  restart: annotation
  patches: []
"#;

const ACCESS: &str = r"
apiVersion: waypost.dev/v1alpha1
kind: AccessTest
metadata: {name: guide}
spec:
  cases:
  - name: client may not reach httpbin
    from: client/sleep
    to: httpbin/httpbin:8000
    request: {method: GET, path: /get}
    expect: deny
";

const INVENTORY: &str = r"
apiVersion: v1
kind: Namespace
metadata: {name: client, labels: {istio-injection: enabled, team: a}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: sleep, namespace: client}
spec:
  replicas: 1
  template:
    metadata: {labels: {app: sleep}}
    spec: {serviceAccountName: sleep, containers: []}
---
apiVersion: v1
kind: Service
metadata: {name: httpbin, namespace: httpbin}
spec:
  ports: [{name: http, port: 8000, targetPort: 80}]
  selector: {app: httpbin}
";
