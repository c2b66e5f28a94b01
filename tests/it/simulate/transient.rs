//! facts/istio-ambient.md §1.2, §1.5, §1.3: how pods take part, by labels and by what was not
//! restarted; and the guide's migration, state by state (§10.6).

use waypost::simulate::{PodState, Verdict, WaypointState};

use super::{
    AMBIENT, AMBIENT_WAYPOINT, FROM_CLIENT, SIDECAR, get, mesh, pair, policy, set, set_waypoint,
    story,
};

fn state(namespace: &str, pod: &str) -> PodState {
    let text = pair(SIDECAR, namespace, "");
    let text = text.replace(
        "    metadata: {labels: {app: web}}\n    spec:",
        &format!("    metadata: {{{}}}\n    spec:", pod_metadata(pod)),
    );
    let mesh = mesh(&text);
    let id = mesh.find_workload("server/web", false).unwrap();
    mesh.state(id)
}

fn pod_metadata(pod: &str) -> String {
    match pod.strip_prefix("annotation ") {
        Some(annotation) => format!("labels: {{app: web}}, annotations: {{{annotation}}}"),
        None if pod.is_empty() => "labels: {app: web}".into(),
        None => format!("labels: {{app: web, {pod}}}"),
    }
}

#[test]
fn capture_and_injection_by_labels() {
    use PodState::{Ambient, Plain, SidecarHbone};
    const NONE: &str = "istio.io/dataplane-mode: none";
    for (namespace, pod, expected) in [
        ("a: b", "", Plain),
        (AMBIENT, "", Ambient),
        (AMBIENT, NONE, Plain),
        ("a: b", AMBIENT, Ambient),
        (NONE, AMBIENT, Ambient),
        (SIDECAR, "", SidecarHbone),
        (SIDECAR, "sidecar.istio.io/inject: \"false\"", Plain),
        (SIDECAR, "annotation sidecar.istio.io/inject: \"false\"", Plain),
        ("a: b", "sidecar.istio.io/inject: \"true\"", SidecarHbone),
        // the annotation alone calls no webhook
        ("a: b", "annotation sidecar.istio.io/inject: \"true\"", Plain),
        ("istio.io/rev: default", "", SidecarHbone),
        ("a: b", "istio.io/rev: default", SidecarHbone),
        // istio-injection beats istio.io/rev
        ("istio-injection: disabled, istio.io/rev: default", "", Plain),
        // a namespace that keeps its revision label gets sidecars, and those pods are not captured
        ("istio.io/dataplane-mode: ambient, istio.io/rev: default", "", SidecarHbone),
        ("istio.io/dataplane-mode: ambient, istio-injection: enabled", "", SidecarHbone),
        ("istio.io/dataplane-mode: ambient, istio-injection: disabled", "", Ambient),
        // what the pod's own status says wins
        (AMBIENT, "annotation sidecar.istio.io/status: x", SidecarHbone),
    ] {
        assert_eq!(state(namespace, pod), expected, "namespace {namespace}, pod {pod}");
    }
}

#[test]
fn a_label_on_the_deployment_itself_does_nothing() {
    let text = pair(SIDECAR, "a: b", "").replace(
        "metadata: {name: web, namespace: server}\nspec:\n  template",
        "metadata: {name: web, namespace: server, labels: {istio.io/dataplane-mode: ambient}}\nspec:\n  template",
    );
    let mesh = mesh(&text);
    let id = mesh.find_workload("server/web", false).unwrap();
    assert_eq!(mesh.state(id), PodState::Plain);
}

#[test]
fn the_guides_migration_denies_in_every_state() {
    let policies = [
        policy("deny-rules", &format!("action: DENY, rules: [{{{FROM_CLIENT}}}]")),
        policy(
            "waypoint-deny-rules",
            &format!("{}, action: DENY, rules: [{{{FROM_CLIENT}}}]", super::AT_WAYPOINT),
        ),
    ]
    .concat();
    let both = mesh(&pair(AMBIENT, AMBIENT_WAYPOINT, &policies));
    let states = [PodState::Sidecar, PodState::SidecarHbone, PodState::Ambient];
    let waypoints =
        [WaypointState::Ready, WaypointState::NotProgrammed, WaypointState::NoReadyPods];
    for client in states {
        for server in states {
            for waypoint in waypoints {
                let mesh = set(&both, "client/sleep", client);
                let mesh = set_waypoint(&set(&mesh, "server/web", server), waypoint);
                let verdict = get(&mesh, "client/sleep", "server/web:8000", "/").verdict;
                // ztunnel has no identity at a sidecar that does not take HBONE: a DENY by principal
                // does not see it
                let unseen = matches!(
                    (client, server, waypoint),
                    (PodState::Ambient, PodState::Sidecar, WaypointState::NotProgrammed)
                );
                let expected = if unseen { Verdict::Allow } else { Verdict::Deny };
                assert_eq!(verdict, expected, "{client:?} {server:?} {waypoint:?}");
            }
        }
    }
    insta::assert_snapshot!(story(&both, "client/sleep", "server/web:8000"), @r"
    waypoint server/waypoint sees client/sa/sleep at port 8000: denied by ns[server]-policy[waypoint-deny-rules]-rule[0]
    deny: 403 `RBAC: access denied`
    ");
    let early = set(&both, "client/sleep", PodState::SidecarHbone);
    insta::assert_snapshot!(story(&early, "client/sleep", "server/web:8000"), @r"
    ztunnel of server/web sees client/sa/sleep at port 80: denied by ns[server]-policy[deny-rules]-rule[0]
    deny: connection reset
    ");
}
