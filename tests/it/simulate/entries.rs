//! Machines outside of Kubernetes: ServiceEntries, WorkloadEntries, and the ways to them.

use waypost::simulate::{Client, Verdict};

use super::{get, mesh, story};

const SIDECAR: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: client, labels: {istio-injection: enabled}}
---
";

const AMBIENT: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: client, labels: {istio.io/dataplane-mode: ambient}}
---
";

const CLIENT: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: sleep, namespace: client}
spec:
  template:
    metadata: {labels: {app: sleep}}
    spec: {serviceAccountName: sleep, containers: [{name: sleep, image: curl}]}
---
";

/// A machine with a sidecar, which only `client/sleep` may reach.
const MACHINE: &str = "
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: {name: vm-1, namespace: vms, labels: {app: db}}
spec: {address: 10.9.0.1, serviceAccount: db, labels: {app: ignored, tier: data}, ports: {sql: 15432}}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: sleep-only, namespace: vms}
spec:
  selector: {matchLabels: {app: db, tier: data}}
  rules: [{from: [{source: {principals: [cluster.local/ns/client/sa/sleep]}}]}]
---
";

fn entry(spec: &str) -> String {
    format!(
        "
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {{name: db, namespace: vms, labels: {{istio.io/use-waypoint: egress}}}}
spec: {{hosts: [db.example.com], ports: [{{number: 5432, name: sql, protocol: TCP}}], {spec}}}
---
"
    )
}

const SELECTED: &str =
    "location: MESH_INTERNAL, resolution: STATIC, workloadSelector: {labels: {app: db}}";

const EGRESS: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: egress, namespace: vms}
spec:
  gatewayClassName: istio-waypoint
  listeners: [{name: mesh, port: 15008, protocol: HBONE}]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: nobody, namespace: vms}
spec:
  targetRefs: [{group: networking.istio.io, kind: ServiceEntry, name: db}]
---
";

#[test]
fn a_machine_with_an_account_asks_its_policies_and_labels_of_metadata_win() {
    let mesh = mesh(&format!("{SIDECAR}{CLIENT}{MACHINE}{}", entry(SELECTED)));
    assert_eq!(get(&mesh, "client/sleep", "vms/db", "/").verdict, Verdict::Allow);
    assert_eq!(get(&mesh, "outside", "vms/db", "/").verdict, Verdict::Deny);
    // by the port of the same name
    let told = story(&mesh, "client/sleep", "vms/db:5432");
    assert!(told.contains("15432"), "{told}");
}

#[test]
fn ztunnel_has_no_tunnel_to_a_machine_that_says_none() {
    let entry = entry(SELECTED).replace("istio.io/use-waypoint: egress", "of: machines");
    let text = format!("{AMBIENT}{CLIENT}{MACHINE}{entry}");
    // in plaintext nobody is `client/sleep`
    assert_eq!(get(&mesh(&text), "client/sleep", "vms/db", "/").verdict, Verdict::Deny);
    let tunneled = text.replace("{app: db}}", "{app: db, networking.istio.io/tunnel: http}}");
    assert_eq!(get(&mesh(&tunneled), "client/sleep", "vms/db", "/").verdict, Verdict::Allow);
}

#[test]
fn sidecars_speak_no_mtls_to_what_is_said_to_be_outside() {
    let outside = SELECTED.replace("MESH_INTERNAL", "MESH_EXTERNAL");
    let mesh = mesh(&format!("{SIDECAR}{CLIENT}{MACHINE}{}", entry(&outside)));
    assert_eq!(get(&mesh, "client/sleep", "vms/db", "/").verdict, Verdict::Deny);
}

#[test]
fn a_machine_is_a_client_by_its_account_and_no_row_without_one() {
    let policy = "
apiVersion: v1
kind: Namespace
metadata: {name: web, labels: {istio-injection: enabled}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: web}
spec:
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: web}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: web}
spec: {selector: {app: web}, ports: [{name: http, port: 80}]}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: db-only, namespace: web}
spec: {rules: [{from: [{source: {principals: [cluster.local/ns/vms/sa/db]}}]}]}
---
";
    let text = format!("{policy}{MACHINE}");
    let with = mesh(&text);
    assert_eq!(get(&with, "vms/vm-1", "web/web:80", "/").verdict, Verdict::Allow);
    let without = mesh(&text.replace("serviceAccount: db, ", ""));
    assert_eq!(get(&without, "vms/vm-1", "web/web:80", "/").verdict, Verdict::Deny);
    let rows = |mesh: &waypost::simulate::Mesh| {
        let machine = mesh.find_client("vms/vm-1").unwrap();
        mesh.matrix().rows.iter().filter(|row: &&Client| **row == machine).count()
    };
    assert_eq!((rows(&with), rows(&without)), (1, 0));
}

#[test]
fn an_endpoint_of_a_service_entry_asks_its_policies_when_it_is_of_the_mesh() {
    let policy = MACHINE.split("---").nth(1).unwrap();
    let spec = "resolution: STATIC, endpoints: [{address: 10.9.0.2, serviceAccount: db, labels: {app: db, tier: data}}]";
    let text = |location| {
        format!("{SIDECAR}{CLIENT}{policy}---{}", entry(&format!("location: {location}, {spec}")))
    };
    let inside = mesh(&text("MESH_INTERNAL"));
    assert_eq!(get(&inside, "client/sleep", "vms/db", "/").verdict, Verdict::Allow);
    assert_eq!(get(&inside, "outside", "vms/db", "/").verdict, Verdict::Deny);
    assert!(inside.find_client("vms/db@10.9.0.2").is_ok());
    let outside = mesh(&text("MESH_EXTERNAL"));
    assert_eq!(get(&outside, "outside", "vms/db", "/").verdict, Verdict::Allow);
}

#[test]
fn a_service_entry_without_any_address_goes_past_its_waypoint() {
    for (spec, expected) in [
        ("resolution: DNS", Verdict::Deny),
        ("resolution: NONE, addresses: [192.0.2.1]", Verdict::Deny),
        // ztunnel knows traffic by its address: there is none to know
        ("resolution: NONE", Verdict::Allow),
    ] {
        let mesh = mesh(&format!("{AMBIENT}{CLIENT}{EGRESS}{}", entry(spec)));
        assert_eq!(get(&mesh, "client/sleep", "vms/db", "/").verdict, expected, "{spec}");
    }
    let opted_out = entry("resolution: DNS").replace(
        "use-waypoint: egress",
        "use-waypoint: egress, networking.istio.io/enable-autoallocate-ip: 'False'",
    );
    let opted_out = mesh(&format!("{AMBIENT}{CLIENT}{EGRESS}{opted_out}"));
    assert_eq!(get(&opted_out, "client/sleep", "vms/db", "/").verdict, Verdict::Allow);
    for (resolution, expected) in [("DNS", Verdict::Allow), ("DYNAMIC_DNS", Verdict::Deny)] {
        let wildcard = entry(&format!("resolution: {resolution}"))
            .replace("[db.example.com]", "['*.example.com']")
            .replace("protocol: TCP", "protocol: TLS");
        let mesh = mesh(&format!("{AMBIENT}{CLIENT}{EGRESS}{wildcard}"));
        assert_eq!(get(&mesh, "client/sleep", "vms/db", "/").verdict, expected, "{resolution}");
    }
}

#[test]
fn a_network_policy_selects_no_machine_and_knows_it_by_its_address() {
    let policy = |namespace: &str, spec: &str| {
        format!(
            "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: p, namespace: {namespace}}}\nspec: {{{spec}}}\n---\n"
        )
    };
    let text = format!("{SIDECAR}{CLIENT}{MACHINE}{}", entry(SELECTED));
    let ask = |policy: String| {
        get(&mesh(&format!("{text}{policy}")), "client/sleep", "vms/db", "/").verdict
    };
    assert_eq!(ask(policy("vms", "podSelector: {}")), Verdict::Allow);
    let to = |cidr| {
        policy(
            "client",
            &format!(
                "podSelector: {{}}, policyTypes: [Egress], egress: [{{to: [{{ipBlock: {{cidr: {cidr}}}}}]}}]"
            ),
        )
    };
    assert_eq!(ask(to("10.9.0.0/16")), Verdict::Allow);
    assert_eq!(ask(to("10.8.0.0/16")), Verdict::Deny);
}
