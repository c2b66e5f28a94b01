//! Which ports of a pod its sidecar has: facts/outbound.md 03.

use super::{AMBIENT, SIDECAR, get, mesh, mesh_and_findings, pair, policy, set, story, verdict};
use waypost::simulate::{ByDesign, Change, Options, PodState, compare};

const STRICT: &str = "
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: server}
spec: {mtls: {mode: STRICT}}
---";

/// Nobody may call the server, and its pods have an annotation.
fn shut(client: &str, server: &str, annotation: &str) -> String {
    let nobody = policy("nobody", "");
    pair(client, server, &format!("{STRICT}{nobody}"))
        .replace(
            "{labels: {app: web}}",
            &format!("{{labels: {{app: web}}, annotations: {{{annotation}}}}}"),
        )
        .replace("[{containerPort: 80}]", "[{containerPort: 80}, {containerPort: 9102}]")
}

fn from_outside(yaml: &str, port: u16) -> &'static str {
    get(&mesh(yaml), "outside", &format!("pod:server/web:{port}"), "/").verdict.as_str()
}

#[test]
fn a_port_that_is_not_redirected_is_open_until_it_is_ambient() {
    let annotation = "traffic.sidecar.istio.io/excludeInboundPorts: '9102'";
    let sidecar = shut(AMBIENT, SIDECAR, annotation);
    insta::assert_snapshot!(story(&mesh(&sidecar), "outside", "pod:server/web:9102"), @r"
    nobody sees nobody at port 9102: passed: this port is not redirected to the pod's sidecar
    allow: the application's answer
    ");
    assert_eq!(from_outside(&sidecar, 80), "deny");
    assert_eq!(from_outside(&shut(AMBIENT, AMBIENT, annotation), 9102), "deny");
    // HBONE comes to the proxy's own port: policies are asked
    assert_eq!(verdict(&mesh(&sidecar), "pod:server/web:9102"), "deny");
}

#[test]
fn the_annotations_of_inbound_ports() {
    for (annotation, captured, open) in [
        ("traffic.sidecar.istio.io/includeInboundPorts: '80'", 80, 9102),
        ("traffic.sidecar.istio.io/includeInboundPorts: '*'", 9102, 15020),
        ("traffic.sidecar.istio.io/includeInboundPorts: ''", 15008, 80),
        ("traffic.sidecar.istio.io/excludeInboundPorts: '9102,9103'", 80, 9103),
        ("status.sidecar.istio.io/port: '9000'", 15020, 9000),
        ("sidecar.istio.io/interceptionMode: TPROXY", 9102, 15090),
        ("sidecar.istio.io/interceptionMode: NONE", 0, 9102),
    ] {
        let yaml = shut(AMBIENT, SIDECAR, annotation);
        assert_eq!(from_outside(&yaml, open), "allow", "{annotation} {open}");
        if captured != 0 && captured != 15008 {
            assert_eq!(from_outside(&yaml, captured), "deny", "{annotation} {captured}");
        }
    }
}

#[test]
fn the_meshs_tls_is_not_understood_at_a_port_that_is_not_redirected() {
    let yaml = shut(SIDECAR, SIDECAR, "traffic.sidecar.istio.io/excludeInboundPorts: '80'");
    insta::assert_snapshot!(story(&mesh(&yaml), "client/sleep", "server/web:8000"), @r"
    nobody sees nobody at port 80: refused: the client's proxy speaks TLS that this port does not take
    deny: connection reset
    ");
    // by the pod's address the client's sidecar sends plaintext
    assert_eq!(verdict(&mesh(&yaml), "pod:server/web:80"), "allow");
}

#[test]
fn a_migration_that_closes_a_port_is_a_loss() {
    let annotation = "traffic.sidecar.istio.io/excludeInboundPorts: '9102'";
    let before = mesh(
        &shut(AMBIENT, SIDECAR, annotation)
            .replace("[{containerPort: 80}, {containerPort: 9102}]", "[{containerPort: 80}]"),
    );
    let after = set(&before, "server/web", PodState::Ambient);
    let compared = compare(&before, &after);
    let lost: Vec<String> = compared.of(Change::Loss).map(|c| c.to.to_string()).collect();
    assert!(lost.iter().any(|target| target.contains("pod:server/web:9102")), "{lost:?}");
    assert!(!lost.iter().any(|target| target.contains("pod:server/web:80")), "{lost:?}");
    let back = compare(&after, &before);
    assert!(back.of(Change::Gain).any(|c| c.to.to_string().contains("9102")));
}

#[test]
fn that_ztunnel_shows_a_certificate_at_pods_addresses_is_counted_as_by_design() {
    let before = mesh(&pair(SIDECAR, SIDECAR, STRICT));
    let after = set(&before, "client/sleep", PodState::Ambient);
    let found = compare(&before, &after);
    let gained: Vec<String> = found.of(Change::Gain).map(|c| c.to.to_string()).collect();
    assert_eq!(gained, Vec::<String>::new());
    assert!(found.by_design().contains_key(&ByDesign::PodAddress), "{:?}", found.by_design());
    let shut = policy("by-service", "rules: [{from: [{source: {principals: [a]}}]}]");
    let shut = mesh(&pair(SIDECAR, AMBIENT, &shut));
    let open = set(&shut, "server/web", PodState::Plain);
    let gained = compare(&shut, &open);
    // the headless service in front of it stands for the address of the pod
    assert!(gained.of(Change::Gain).any(|c| c.to.to_string() == "server/headless:80"));
}

#[test]
fn a_scraper_loses_the_merged_metrics() {
    let scraped =
        shut(AMBIENT, SIDECAR, "prometheus.io/scrape: 'true', prometheus.io/port: '9102'");
    let before = mesh(&scraped);
    let after = set(&before, "server/web", PodState::Ambient);
    let compared = compare(&before, &after);
    assert!(compared.of(Change::Loss).any(|c| c.to.to_string().contains(":15020")));
}

#[test]
fn an_annotation_that_is_no_list_of_ports_is_a_finding() {
    let yaml = shut(AMBIENT, SIDECAR, "traffic.sidecar.istio.io/excludeInboundPorts: 'http,9102'");
    let (mesh, found) = mesh_and_findings(&yaml, &Options::default());
    let codes: Vec<&str> = found.iter().map(|d| d.code).collect();
    assert_eq!(codes, ["bad-capture-annotation"]);
    assert_eq!(get(&mesh, "outside", "pod:server/web:9102", "/").verdict.as_str(), "allow");
}
