//! DestinationRules: which of them a client carries out, and what they say.

use std::fmt::Write as _;

use waypost::simulate::{Change, compare};

use super::outbound::{DISABLE, STRICT, no_client, object, rule, to_service};
use super::{AMBIENT, SIDECAR, mesh, pair, story, verdict};

#[test]
fn a_destination_rule_that_disables_tls_takes_the_identity_away() {
    assert_eq!(to_service(""), "deny");
    // of the client's namespace, of the service's, of the root namespace
    for namespace in ["client", "server", "istio-system"] {
        assert_eq!(to_service(&rule(namespace, DISABLE)), "allow", "{namespace}");
    }
    assert_eq!(to_service(&rule("other", DISABLE)), "deny");
    // a short name is one of the rule's own namespace
    let short = "{host: web, trafficPolicy: {tls: {mode: DISABLE}}}";
    assert_eq!(to_service(&rule("server", short)), "allow");
    assert_eq!(to_service(&rule("client", short)), "deny");
    // the whole mesh
    let all = "{host: '*.local', trafficPolicy: {tls: {mode: DISABLE}}}";
    assert_eq!(to_service(&rule("istio-system", all)), "allow");
    // plain text is refused under STRICT
    let strict = mesh(&pair(SIDECAR, SIDECAR, &format!("{STRICT}{}", rule("server", DISABLE))));
    insta::assert_snapshot!(story(&strict, "client/sleep", "server/web:8000"), @r"
    client's proxy sees nobody at port 8000: sends without the client's identity: DestinationRule server/own sets its TLS
    sidecar of server/web sees nobody at port 80: refused: PeerAuthentication istio-system/default is STRICT, and the client has no certificate
    deny: connection reset
    ");
}

#[test]
fn the_namespace_of_a_destination_rule_decides_who_carries_it_out() {
    let mutual = "{host: web.server.svc.cluster.local, trafficPolicy: {tls: {mode: ISTIO_MUTUAL}}}";
    // the client's goes before the service's, and that before the root namespace's
    let both = |first: &str, second: &str| {
        to_service(&format!("{}{}", rule(first, mutual), rule(second, DISABLE)))
    };
    assert_eq!(both("client", "server"), "deny");
    assert_eq!(both("server", "client"), "allow");
    assert_eq!(both("server", "istio-system"), "deny");
    // the most special host of a namespace
    let wide = DISABLE.replace("web.server.svc.cluster.local", "'*.server.svc.cluster.local'");
    let named = rule("server", mutual);
    let wide = rule("server", &wide).replace("name: own", "name: a-wide");
    assert_eq!(to_service(&format!("{named}{wide}")), "deny");
    // what is not exported counts in its own namespace only
    let private = DISABLE.replace("{host", "{exportTo: ['.'], host");
    assert_eq!(to_service(&rule("server", &private)), "deny");
    assert_eq!(to_service(&rule("client", &private)), "allow");
    assert_eq!(to_service(&rule("istio-system", &private)), "deny");
    let for_client = DISABLE.replace("{host", "{exportTo: [client], host");
    assert_eq!(to_service(&rule("server", &for_client)), "allow");
    let for_other = DISABLE.replace("{host", "{exportTo: [other], host");
    assert_eq!(to_service(&rule("server", &for_other)), "deny");
    // one that is exported to others only is not for its own namespace
    assert_eq!(to_service(&rule("client", &for_other)), "deny");
    // a selector takes the clients of its own namespace
    let selecting = |app: &str| {
        DISABLE
            .replace("{host", &format!("{{workloadSelector: {{matchLabels: {{app: {app}}}}}, host"))
    };
    assert_eq!(to_service(&rule("client", &selecting("sleep"))), "allow");
    assert_eq!(to_service(&rule("client", &selecting("another"))), "deny");
    assert_eq!(to_service(&rule("server", &selecting("sleep"))), "deny");
}

#[test]
fn of_two_rules_for_one_host_the_older_counts() {
    let aged = |name: &str, year: u32, mode: &str| {
        format!(
            "
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {{name: {name}, namespace: server, creationTimestamp: '{year}-01-01T00:00:00Z'}}
spec: {{host: web, trafficPolicy: {{tls: {{mode: {mode}}}}}}}
---"
        )
    };
    let two =
        |a, b| to_service(&format!("{}{}", aged("a", a, "DISABLE"), aged("b", b, "ISTIO_MUTUAL")));
    assert_eq!(two(2024, 2025), "allow");
    assert_eq!(two(2025, 2024), "deny");
}

#[test]
fn a_rule_that_is_not_in_the_cluster_yet_is_the_youngest() {
    let there = "{name: own, creationTimestamp: '2025-01-01T00:00:00Z'";
    let mutual = rule("server", "{host: web, trafficPolicy: {tls: {mode: ISTIO_MUTUAL}}}");
    let mutual = mutual.replace("{name: own", there);
    // its name comes first, and that does not count
    let new = rule("server", DISABLE).replace("name: own", "name: a-new");
    assert_eq!(to_service(&format!("{new}{mutual}")), "deny");
    assert_eq!(to_service(&new), "allow");
}

#[test]
fn a_port_of_a_rule_inherits_nothing() {
    let at = |port: u16, tls: &str, own: &str| {
        let spec = format!(
            "{{host: web, trafficPolicy: {{tls: {{mode: {tls}}}, portLevelSettings: [{{port: {{number: \
             {port}}}{own}}}]}}}}"
        );
        to_service(&rule("server", &spec))
    };
    assert_eq!(at(8000, "ISTIO_MUTUAL", ", tls: {mode: DISABLE}"), "allow");
    assert_eq!(at(9000, "ISTIO_MUTUAL", ", tls: {mode: DISABLE}"), "deny");
}

/// The cluster of such a port goes back to what the mesh does by itself; but that its endpoints take mutual TLS is told
/// them by the mode of all ports (istio/istio:pilot/pkg/xds/endpoints/mtls_checker.go `trafficPolicyTLSModeForPort`).
#[test]
fn a_port_of_a_rule_without_tls_below_a_mode_of_all_ports_is_plaintext() {
    let at = |server: &str, more: &str, mode: &str| {
        let spec = format!(
            "{{host: web, trafficPolicy: {{tls: {{mode: {mode}}}, portLevelSettings: [{{port: {{number: 8000}}}}]}}}}"
        );
        let more = format!("{}{more}", rule("server", &spec));
        verdict(&mesh(&pair(SIDECAR, server, &more)), "server/web:8000")
    };
    let no_client = no_client();
    assert_eq!(at(SIDECAR, &no_client, "DISABLE"), "allow");
    assert_eq!(at(SIDECAR, &no_client, "SIMPLE"), "allow");
    assert_eq!(at(SIDECAR, &no_client, "ISTIO_MUTUAL"), "deny");
    // that goes before the endpoint's PeerAuthentication: its port takes plaintext only, and gets TLS
    let disabled = object(
        "PeerAuthentication",
        "server",
        "{selector: {matchLabels: {app: web}}, mtls: {mode: DISABLE}}",
    );
    assert_eq!(to_service(&disabled), "allow");
    assert_eq!(at(SIDECAR, "", "ISTIO_MUTUAL"), "allow");
    assert_eq!(at(SIDECAR, &disabled, "ISTIO_MUTUAL"), "deny");
    // HBONE stays
    assert_eq!(at(AMBIENT, &no_client, "DISABLE"), "deny");
}

/// istio/istio:pilot/pkg/model/push_context.go `destinationRule` takes the rules of the client's namespace where there are
/// any; sidecar.go `DestinationRule` then looks at their selectors.
#[test]
fn rules_of_its_namespace_that_are_for_other_clients_keep_those_of_other_namespaces_away() {
    let for_others =
        DISABLE.replace("{host", "{workloadSelector: {matchLabels: {app: another}}, host");
    let here = rule("client", &for_others);
    assert_eq!(to_service(&rule("server", DISABLE)), "allow");
    assert_eq!(to_service(&format!("{here}{}", rule("server", DISABLE))), "deny");
    assert_eq!(to_service(&format!("{here}{}", rule("istio-system", DISABLE))), "deny");
    // of another host they do not
    let elsewhere = here.replace("web.server", "db.server");
    assert_eq!(to_service(&format!("{elsewhere}{}", rule("server", DISABLE))), "allow");
}

/// istio/istio:pilot/pkg/model/destination_rule.go `mergeDestinationRule`.
#[test]
fn rules_of_one_host_that_are_exported_otherwise_are_not_laid_together() {
    let aged = |name: &str, year: u32, export: &str, more: &str| {
        let spec = format!("{{exportTo: {export}, host: web.server.svc.cluster.local{more}}}");
        let created = format!("{{name: {name}, creationTimestamp: '{year}-01-01T00:00:00Z'");
        rule("client", &spec).replace("{name: own", &created)
    };
    let plain = ", trafficPolicy: {tls: {mode: DISABLE}}";
    let mutual = ", trafficPolicy: {tls: {mode: ISTIO_MUTUAL}}";
    let two = |export: [&str; 2], policy: [&str; 2]| {
        let old = aged("a", 2024, export[0], policy[0]);
        to_service(&format!("{old}{}", aged("b", 2025, export[1], policy[1])))
    };
    // alike: the older one, or what has a policy
    assert_eq!(two(["['.']", "['.']"], [plain, mutual]), "allow");
    assert_eq!(two(["['.']", "['.']"], ["", plain]), "allow");
    // otherwise: the last one, whatever it says
    assert_eq!(two(["[]", "['.']"], [plain, mutual]), "deny");
    assert_eq!(two(["[]", "['.']"], [mutual, plain]), "allow");
    assert_eq!(two(["[]", "['.']"], [plain, ""]), "deny");
    assert_eq!(two(["[]", "['*']"], [plain, ""]), "deny");
    // the younger reaches further: it adds to the older, and is not beside it
    assert_eq!(two(["[client]", "[client, other]"], [plain, mutual]), "allow");
    assert_eq!(two(["[client]", "[client, other]"], ["", plain]), "allow");
    // the older reaches further
    assert_eq!(two(["[client, other]", "[client]"], [plain, mutual]), "deny");
}

/// Exported alike, a rule for all clients is laid over one for some, and is not for the others
/// (`mergeDestinationRule`).
#[test]
fn a_private_rule_beside_one_for_some_clients_is_for_these_only() {
    let selecting = |app: &str| {
        let spec = format!(
            "{{workloadSelector: {{matchLabels: {{app: {app}}}}}, host: web.server.svc.cluster.local}}"
        );
        rule("client", &spec).replace("name: own", "name: some")
    };
    let private = rule("client", &DISABLE.replace("{host", "{exportTo: ['.'], host"));
    assert_eq!(to_service(&private), "allow");
    assert_eq!(to_service(&format!("{}{private}", selecting("sleep"))), "allow");
    assert_eq!(to_service(&format!("{}{private}", selecting("another"))), "deny");
    // one that is exported is one of its own
    let public = rule("client", DISABLE);
    assert_eq!(to_service(&format!("{}{public}", selecting("another"))), "allow");
}

/// The subsets of rules for one host are joined (`mergeDestinationRule`).
#[test]
fn a_subset_of_a_younger_rule_counts_beside_the_policy_of_an_older_one() {
    let older = rule("server", "{host: web, trafficPolicy: {connectionPool: {}}}")
        .replace("name: own", "name: a");
    let younger = rule(
        "server",
        "{host: web, subsets: [{name: v1, labels: {app: web}, trafficPolicy: {tls: {mode: DISABLE}}}]}",
    );
    let route = object(
        "VirtualService",
        "server",
        "{hosts: [web], http: [{route: [{destination: {host: web, subset: v1}}]}]}",
    );
    assert_eq!(to_service(&format!("{older}{younger}{route}")), "allow");
}

#[test]
fn a_subset_counts_where_a_route_leads_to_it() {
    let subset = "{host: web, subsets: [{name: v1, labels: {app: web}, trafficPolicy: {tls: {mode: \
                  DISABLE}}}]}";
    let route = |subsets: &[&str]| {
        let to = |subset: &&str| match *subset {
            "" => "{destination: {host: web}}".to_owned(),
            subset => format!("{{destination: {{host: web, subset: {subset}}}}}"),
        };
        let to: Vec<String> = subsets.iter().map(to).collect();
        object(
            "VirtualService",
            "server",
            &format!("{{hosts: [web], http: [{{route: [{}]}}]}}", to.join(", ")),
        )
    };
    let subset = rule("server", subset);
    assert_eq!(to_service(&subset), "deny");
    assert_eq!(to_service(&format!("{subset}{}", route(&["v1"]))), "allow");
    // part of the traffic with, part without
    assert_eq!(to_service(&format!("{subset}{}", route(&["v1", ""]))), "unknown");
}

/// Who loses the service of `n1` when STRICT comes to four namespaces with sidecars, of which this rule is
/// about that service.
fn losers(rule: &str) -> Vec<String> {
    let mut text = rule.to_owned();
    for number in 0..4 {
        let _ = write!(
            text,
            "
apiVersion: v1
kind: Namespace
metadata: {{name: n{number}, labels: {{istio-injection: enabled}}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: app, namespace: n{number}}}
spec: {{template: {{metadata: {{labels: {{app: app}}}}, spec: {{containers: [{{name: a}}]}}}}}}
---
apiVersion: v1
kind: Service
metadata: {{name: app, namespace: n{number}}}
spec: {{selector: {{app: app}}, ports: [{{name: http, port: 80}}]}}
---"
        );
    }
    let found = compare(&mesh(&text), &mesh(&format!("{text}{STRICT}")));
    let lost = found.of(Change::Loss).filter(|c| c.to.to_string() == "n1/app:80");
    lost.map(|c| c.from.to_string()).collect()
}

/// Clients of namespaces that no rule names are asked about together, and no others with them.
#[test]
fn a_comparison_tells_apart_whom_a_destination_rule_names() {
    let plain = "{host: app.n1.svc.cluster.local, trafficPolicy: {tls: {mode: DISABLE}}}";
    assert_eq!(losers(""), ["outside"]);
    assert_eq!(losers(&rule("n0", plain)), ["n0/app", "outside"]);
    let for_n2 = plain.replace("{host", "{exportTo: [n2], host");
    assert_eq!(losers(&rule("n1", &for_n2)), ["n2/app", "outside"]);
    let selecting = |app: &str| {
        let labels = format!("{{workloadSelector: {{matchLabels: {{app: {app}}}}}, host");
        losers(&rule("n3", &plain.replace("{host", &labels)))
    };
    assert_eq!(selecting("app"), ["n3/app", "outside"]);
    assert_eq!(selecting("other"), ["outside"]);
}
