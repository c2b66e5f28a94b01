//! Specs as they are written: read, held against their schemas, resolved.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use waypost::diagnostic::{Diagnostic, Sources, sort};
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
    let resolved = resolved.unwrap();
    eprintln!("{:#?}", resolved.environment);
    eprintln!("{:#?}", resolved.access);
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
