//! Networks: UDP, two families of addresses, and what a NetworkPolicy does not admit.

use waypost::simulate::Verdict;

use super::{AMBIENT, SIDECAR, get, mesh, pair, policy, story};

const DNS: &str = "
apiVersion: v1
kind: Service
metadata: {name: dns, namespace: server}
spec:
  selector: {app: web}
  ports: [{name: dns, port: 53, targetPort: 5353, protocol: UDP}, {name: both, port: 54, protocol: UDP}, {name: tcp-both, port: 54}]
---
";

#[test]
fn no_policy_of_istio_holds_udp_back() {
    let closed = policy("closed", "action: DENY, rules: [{}]");
    for server in [AMBIENT, SIDECAR] {
        let found = mesh(&pair(AMBIENT, server, &format!("{DNS}{closed}")));
        insta::allow_duplicates! {
            insta::assert_snapshot!(story(&found, "client/sleep", "server/dns:53"), @r"
            nobody sees client/sa/sleep at port 5353: UDP goes past every proxy of the mesh, so no policy of Istio's holds it back
            allow: the application's answer
            ");
        }
        // of a number that TCP has too, TCP is what is asked for
        assert_eq!(get(&found, "client/sleep", "server/dns:54", "/").verdict, Verdict::Deny);
        assert_eq!(get(&found, "outside", "server/dns:53", "/").verdict, Verdict::Allow);
    }
}

fn network(spec: &str) -> String {
    format!(
        "
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{name: net, namespace: server}}
spec: {{podSelector: {{}}, {spec}}}
---
"
    )
}

#[test]
fn a_network_policy_holds_udp_back_by_its_own_ports() {
    for (ports, expected) in [
        ("[{port: 5353, protocol: UDP}]", Verdict::Allow),
        ("[{port: 5353}]", Verdict::Deny),
        ("[{port: 5353, protocol: TCP}]", Verdict::Deny),
    ] {
        let admits = network(&format!("ingress: [{{ports: {ports}}}]"));
        let found = mesh(&pair(AMBIENT, AMBIENT, &format!("{DNS}{admits}")));
        assert_eq!(get(&found, "client/sleep", "server/dns:53", "/").verdict, expected, "{ports}");
    }
}

#[test]
fn a_refusal_names_the_peer_where_it_is_the_peer() {
    let told = |spec: &str| {
        let found = mesh(&pair(AMBIENT, AMBIENT, &network(spec)));
        story(&found, "client/sleep", "server/web:8000").lines().next().unwrap().to_owned()
    };
    let end = |spec: &str| told(spec).split("refused: ").nth(1).unwrap().to_owned();
    assert_eq!(
        end("ingress: [{from: [{podSelector: {}}]}]"),
        "NetworkPolicy server/net does not admit client/sleep, at any port"
    );
    assert_eq!(
        end("ingress: [{from: [{namespaceSelector: {}}], ports: [{port: 80}]}]"),
        "NetworkPolicy server/net does not admit port 15008"
    );
    let out = network("policyTypes: [Egress], egress: [{to: [{podSelector: {}}]}]")
        .replace("namespace: server", "namespace: client");
    let found = mesh(&pair(AMBIENT, AMBIENT, &out));
    let first = story(&found, "client/sleep", "server/web:8000");
    assert!(
        first.contains("NetworkPolicy client/net lets nothing out to server/web, at any port"),
        "{first}"
    );
}

/// Client and server as pods with addresses of both families.
fn dual(rule: &str) -> Verdict {
    let text = pair(AMBIENT, AMBIENT, &policy("p", rule));
    let text = text + "
apiVersion: v1
kind: Pod
metadata: {name: both, namespace: client}
spec: {containers: [{name: app}]}
status: {podIP: 10.0.0.5, podIPs: [{ip: 10.0.0.5}, {ip: '2001:db8::5'}]}
---
apiVersion: v1
kind: Pod
metadata: {name: server, namespace: server, labels: {app: both}}
spec: {containers: [{name: app}]}
status: {podIP: 10.0.0.6, podIPs: [{ip: 10.0.0.6}, {ip: '2001:db8::6'}]}
---
apiVersion: v1
kind: Service
metadata: {name: both, namespace: server}
spec: {clusterIP: 10.9.0.1, clusterIPs: [10.9.0.1, '2001:db8:9::1'], selector: {app: both}, ports: [{name: tcp, port: 80}]}
---
";
    get(&mesh(&text), "client/both", "server/both:80", "/").verdict
}

#[test]
fn a_pod_of_two_families_is_asked_by_both_addresses() {
    let from = |blocks: &str| {
        format!("action: DENY, rules: [{{from: [{{source: {{ipBlocks: [{blocks}]}}}}]}}]")
    };
    assert_eq!(dual(&from("192.0.2.0/24")), Verdict::Allow);
    assert_eq!(dual(&from("'2001:db8::/64'")), Verdict::Mixed);
    assert_eq!(dual(&from("10.0.0.0/24")), Verdict::Mixed);
    assert_eq!(dual(&from("10.0.0.0/24, '2001:db8::/64'")), Verdict::Deny);
    let to =
        "action: DENY, rules: [{when: [{key: destination.ip, values: ['2001:db8::6', 10.0.0.6]}]}]";
    assert_eq!(dual(to), Verdict::Deny);
}
