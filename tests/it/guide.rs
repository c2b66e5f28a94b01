//! What the guide says of its brownfield scenario, word for word.

use serde_json::{Value, json};

use crate::program::{project, waypost};

/// The objects that are applied at a stage.
fn objects(stage: &str) -> Vec<Value> {
    let ran = waypost(project(), &["render", "brownfield", "--stdout", "--stage", stage]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    serde_yaml::Deserializer::from_str(&ran.stdout)
        .map(|document| serde::Deserialize::deserialize(document).expect("YAML"))
        .filter(|value: &Value| !value.is_null())
        .collect()
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// "kubectl get authorizationpolicies -A" after httpbin has moved: nine rows. bookinfo, which the
/// guide's table leaves out, is still on sidecars and has `allow`.
#[test]
fn nine_policies_at_stage_httpbin() {
    let mut rows: Vec<String> = objects("httpbin")
        .iter()
        .filter(|o| text(o, "/kind") == "AuthorizationPolicy")
        .map(|o| {
            format!(
                "{} {} {}",
                text(o, "/metadata/namespace"),
                text(o, "/metadata/name"),
                text(o, "/spec/action")
            )
        })
        .collect();
    rows.sort();
    assert_eq!(
        rows,
        [
            "bookinfo allow ",
            "client allow ",
            "client allow-gateway-ambient ",
            "client allow-waypoint ",
            "httpbin allow ",
            "httpbin allow-gateway-ambient ",
            "httpbin allow-waypoint ",
            "httpbin deny-rules DENY",
            "httpbin gateway-deny-rules DENY",
            "httpbin waypoint-deny-rules DENY",
        ]
    );
}

/// "kubectl get authorizationpolicies waypoint-deny-rules -n httpbin -o yaml"
#[test]
fn waypoint_deny_rules_is_the_published_one() {
    let all = objects("httpbin");
    let policy = all.iter().find(|o| text(o, "/metadata/name") == "waypoint-deny-rules");
    assert_eq!(
        policy.map(|p| &p["spec"]),
        Some(&json!({
            "action": "DENY",
            "rules": [{"from": [{"source": {"principals": ["cp-cluster-1.tsb.local/ns/client/*"]}}]}],
            "targetRef": {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "waypoint"},
        }))
    );
}

#[test]
fn a_sidecar_namespace_has_no_ambient_object() {
    for object in objects("httpbin") {
        let here = text(&object, "/metadata/namespace") == "bookinfo"
            || (text(&object, "/kind") == "Namespace"
                && text(&object, "/metadata/name") == "bookinfo");
        if here {
            let written = object.to_string();
            for word in ["ambient", "waypoint", "Gateway"] {
                assert!(!written.contains(word), "{word} in {written}");
            }
        }
    }
}

/// "kubectl label --overwrite namespace client istio-injection- istio.io/dataplane-mode=ambient",
/// and the waypoint that TSB would bind by itself.
#[test]
fn labels_flip_with_the_stage() {
    let labels = |stage: &str| {
        objects(stage)
            .into_iter()
            .find(|o| text(o, "/kind") == "Namespace" && text(o, "/metadata/name") == "client")
            .map(|o| o["metadata"]["labels"].clone())
    };
    assert_eq!(labels("none"), Some(json!({"istio-injection": "enabled"})));
    assert_eq!(labels("client/mesh"), Some(json!({"istio-injection": "enabled"})));
    assert_eq!(
        labels("client"),
        Some(json!({
            "istio-injection": "disabled",
            "istio.io/dataplane-mode": "ambient",
            "istio.io/use-waypoint": "waypoint",
        }))
    );
}

/// "kubectl rollout restart deployment": every workload of a migrating namespace carries a token
/// that changes with its mode and with nothing else.
#[test]
fn restart_tokens_change_with_the_mode() {
    let tokens = |stage: &str| {
        objects(stage)
            .into_iter()
            .filter(|o| text(o, "/kind") == "Deployment")
            .map(|o| {
                let token =
                    text(&o, "/spec/template/metadata/annotations/waypost.dev~1dataplane-mode");
                (text(&o, "/metadata/name").to_owned(), token.to_owned())
            })
            .collect::<Vec<_>>()
    };
    let none = tokens("none");
    assert_eq!(none.len(), 8);
    assert!(none.iter().all(|(_, token)| token == "sidecar"));
    assert_eq!(tokens("client/enrollment"), none, "labels are flipped before pods restart");
    let moved: Vec<String> = tokens("client")
        .into_iter()
        .filter(|(_, token)| token == "ambient")
        .map(|(name, _)| name)
        .collect();
    assert_eq!(moved, ["sleep"]);
    assert!(tokens("bookinfo").iter().all(|(_, token)| token == "ambient"));
}

/// The guide's fields, at their real places.
#[test]
fn control_plane_and_management_plane() {
    let all = objects("none");
    let find = |kind: &str| all.iter().find(|o| text(o, "/kind") == kind).expect(kind);
    let plane = find("ControlPlane");
    let components = &plane["spec"]["components"];
    assert_eq!(components["istio"]["ambient"]["enable"], true);
    assert_eq!(
        components["istio"]["kubeSpec"]["CNI"],
        json!({
            "binaryDirectory": "/opt/cni/bin",
            "chained": true,
            "configurationDirectory": "/etc/cni/net.d",
        })
    );
    assert_eq!(components["spmAgent"]["enabled"], true);
    let overlays = components["xcp"]["kubeSpec"]["overlays"].as_array().expect("overlays");
    let variables: Vec<&str> = overlays
        .iter()
        .filter(|o| o["kind"] == "EdgeXcp")
        .flat_map(|o| o["patches"].as_array().expect("patches"))
        .filter_map(|p| p["value"]["name"].as_str())
        .collect();
    assert_eq!(variables, ["ENABLE_ENHANCED_EAST_WEST_ROUTING", "ENABLE_DNS_RESOLUTION_AT_EDGE"]);
    assert_eq!(
        find("ManagementPlane")["spec"]["components"]["oap"]["spmAgentReceiverEnabled"],
        true
    );
    assert_eq!(find("ManagementPlane")["spec"]["dataStore"]["postgres"]["name"], "tsb");
}
