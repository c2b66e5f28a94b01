//! Translations with a fault in them, each one that another tool or guide had (facts/field.md §12; its number
//! stands at each): the proof takes none of them.

#![allow(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may fail this way"
)]

use std::collections::BTreeSet;

use serde_json::{Value, json};
use waypost::diagnostic::has_errors;
use waypost::k8s::Object;
use waypost::pipeline::{Accepted, Translation, rewritten, translation};
use waypost::prove::{Loss, Proof, prove};
use waypost::world::World;
use waypost::yaml::Node;

use crate::translate::{objects, policy, wish};

/// A translation, as all objects that it comes to.
struct Translated {
    before: World,
    after: Vec<Value>,
    /// What the translation itself costs.
    accepted: BTreeSet<Loss>,
}

/// What a fault comes to.
struct Wrong {
    gains: bool,
    losses: BTreeSet<Loss>,
}

impl Translated {
    fn of(case: &str) -> Self {
        Self::of_text(&policy(case))
    }

    fn of_text(text: &str) -> Self {
        let objects = objects(text);
        let nobody = Accepted::default();
        let (Translation { instead, .. }, found) = translation(&objects, &wish(), &nobody, |_| ());
        assert!(!has_errors(&found) && !instead.is_empty(), "{found:?}");
        let after = rewritten(&objects, &instead).iter().map(|o| o.body.to_json()).collect();
        let before = World::of_objects("before".into(), objects);
        let mut made = Self { before, after, accepted: BTreeSet::new() };
        let proof = made.proof();
        assert!(proof.holds(), "{:?}", proof.gains);
        made.accepted = proof.kinds().into_keys().collect();
        made
    }

    fn proof(&self) -> Proof {
        let objects: Vec<Object> = self
            .after
            .iter()
            .map(|value| {
                let span = self.before.clusters[0].objects().next().unwrap().span();
                Object::from_node(Node::from_json(value, span)).unwrap()
            })
            .collect();
        let after = World::of_objects("after".into(), objects);
        prove(&self.before.mesh, &after.mesh, &wish().moving)
    }

    /// With something put otherwise in an object.
    fn with(mut self, kind: &str, name: &str, change: impl FnOnce(&mut Value)) -> Wrong {
        let is_it = |o: &&mut Value| o["kind"] == kind && o["metadata"]["name"] == name;
        change(self.after.iter_mut().find(is_it).unwrap());
        self.judged()
    }

    /// Without an object.
    fn without(mut self, kind: &str, name: &str) -> Wrong {
        let count = self.after.len();
        self.after.retain(|o| o["kind"] != kind || o["metadata"]["name"] != name);
        assert!(self.after.len() < count, "{kind} {name} is not there");
        self.judged()
    }

    /// With what was written for sidecars left as it is, and nothing made of it.
    fn left_alone(mut self) -> Wrong {
        let made = |o: &Value| !o["metadata"]["annotations"]["waypost.dev/source"].is_null();
        self.after.retain(|o| !made(o));
        let is_policy = |o: &Value| o["apiVersion"] == "security.istio.io/v1";
        let written = self.before.clusters[0].objects().map(|o| o.body.to_json());
        let missing: Vec<Value> = written.filter(is_policy).collect();
        self.after.retain(|o| !is_policy(o));
        self.after.extend(missing);
        self.judged()
    }

    fn judged(self) -> Wrong {
        let proof = self.proof();
        let losses = proof.kinds().into_keys().filter(|kind| !self.accepted.contains(kind));
        Wrong { gains: !proof.gains.is_empty(), losses: losses.collect() }
    }
}

const POLICY: &str = "AuthorizationPolicy";

fn service(name: &str) -> Value {
    json!([{"group": "", "kind": "Service", "name": name}])
}

/// 12.1
#[test]
fn mutant_istio_57315_missing_waypoint() {
    let wrong = Translated::of("methods-and-port").without("Gateway", "waypoint");
    assert!(wrong.gains || !wrong.losses.is_empty());
}

/// 12.2
#[test]
fn mutant_istio_57783_action_dropped() {
    let dropped =
        |policy: &mut Value| drop(policy["spec"].as_object_mut().unwrap().remove("action"));
    assert!(Translated::of("deny-path").with(POLICY, "no-admin-waypoint", dropped).gains);
}

/// 12.3
#[test]
fn mutant_istio_57783_selector_widened() {
    let other = "---
apiVersion: apps/v1
kind: Deployment
metadata: {name: stock, namespace: shop}
spec:
  selector: {matchLabels: {app: stock}}
  template:
    metadata: {labels: {app: stock}}
    spec: {serviceAccountName: stock, containers: [{name: c, image: c, ports: [{containerPort: 8080}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: stock, namespace: shop, labels: {istio.io/use-waypoint: waypoint}}
spec: {selector: {app: stock}, ports: [{name: http, port: 8000, targetPort: 8080}]}
";
    let wrong = Translated::of_text(&(policy("methods-and-port") + other));
    let wrong = wrong.with(POLICY, "cart-waypoint", |policy| {
        policy["spec"]["targetRefs"] =
            json!([{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "waypoint"}]);
    });
    assert!(wrong.losses.contains(&Loss::Other));
}

/// 12.4
#[test]
fn mutant_istio_57783_service_labels() {
    let labels = json!({"service": "cart", "waypost.dev/dataplane-mode": "ambient"});
    let wrong = Translated::of("deny-path").with(POLICY, "no-admin-guard", |policy| {
        policy["spec"]["selector"]["matchLabels"] = labels;
    });
    assert!(wrong.gains);
}

/// 12.5
#[test]
fn mutant_istio_57783_waypoint_name() {
    let wrong = Translated::of("methods-and-port")
        .with("Gateway", "waypoint", |gateway| gateway["metadata"]["name"] = json!("other"));
    assert!(wrong.gains || !wrong.losses.is_empty());
}

/// 12.6
#[test]
fn mutant_istio_57783_request_authentication() {
    let wrong =
        Translated::of("tokens-and-metrics").without("RequestAuthentication", "tokens-waypoint");
    assert!(wrong.gains || !wrong.losses.is_empty());
}

/// 12.7, 12.9: another namespace has a waypoint, or nobody saw that this one needs one.
#[test]
fn mutant_waypoint_needed_and_not_bound() {
    let wrong = Translated::of("methods-and-port").with("Namespace", "shop", |namespace| {
        namespace["metadata"]["labels"].as_object_mut().unwrap().remove("istio.io/use-waypoint");
    });
    assert!(wrong.gains || !wrong.losses.is_empty());
}

/// 12.10
#[test]
fn mutant_istio_61126_inert_deny() {
    assert!(Translated::of("deny-path").left_alone().gains);
}

/// 12.11: what ztunnel makes of it refuses more than the waypoint's copy would.
#[test]
fn mutant_ztunnel_deny_widened() {
    assert!(Translated::of("root-selector").left_alone().gains);
    let wrong = Translated::of("root-selector").with(POLICY, "no-admin", |policy| {
        policy["spec"]["rules"][0].as_object_mut().unwrap().remove("from");
    });
    assert!(wrong.losses.contains(&Loss::Other));
}

/// 12.12
#[test]
fn mutant_ztunnel_allow_dropped() {
    assert!(Translated::of("methods-and-port").left_alone().losses.contains(&Loss::Other));
}

/// 12.13: the rule that ztunnel decides hides the one that it cannot.
#[test]
fn mutant_inert_hidden_by_effective_rule() {
    let mixed = "apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: mixed, namespace: shop}
spec:
  selector: {matchLabels: {app: cart}}
  action: DENY
  rules:
    - from: [{source: {namespaces: [web]}}]
      to: [{operation: {ports: [\"9090\"]}}]
    - to: [{operation: {paths: [/admin]}}]
";
    assert!(Translated::of_text(mixed).left_alone().gains);
    assert!(Translated::of_text(mixed).without(POLICY, "mixed-guard").gains);
}

/// 12.15
#[test]
fn mutant_sail_bypass_protection() {
    let wrong = Translated::of("deny-path").with(POLICY, "no-admin-guard", |policy| {
        policy["spec"].as_object_mut().unwrap().remove("selector");
        policy["spec"]["targetRefs"] = service("cart");
    });
    assert!(wrong.gains || !wrong.losses.is_empty());
}

/// 12.16
#[test]
fn mutant_istio_58316_root_l7_reaches_ztunnel() {
    assert!(Translated::of("root-deny-path").left_alone().gains);
    let wrong = Translated::of("root-allow").left_alone();
    assert!(wrong.gains || wrong.losses.contains(&Loss::Other));
}

/// 12.17
#[test]
fn mutant_istio_58838_selector_not_at_waypoint() {
    let wrong = Translated::of("deny-path").with(POLICY, "no-admin-waypoint", |policy| {
        policy["spec"].as_object_mut().unwrap().remove("targetRefs");
        policy["spec"]["selector"] = json!({"matchLabels": {"app": "cart"}});
    });
    assert!(wrong.gains);
}

/// 12.18: who keeps a sidecar goes past the waypoint, and comes in where nothing shuts the pods.
#[test]
fn mutant_sidecar_caller_bypasses_waypoint() {
    let mut translated = Translated::of("deny-path");
    for object in &mut translated.after {
        if object["kind"] == "Namespace" && object["metadata"]["name"] == "web" {
            object["metadata"]["labels"] = json!({"istio-injection": "enabled"});
        }
    }
    assert!(translated.without(POLICY, "no-admin-guard").gains);
}

/// 12.19
#[test]
fn mutant_ingress_bypasses_waypoint() {
    let wrong = Translated::of("gateway").with("Namespace", "shop", |namespace| {
        let labels = namespace["metadata"]["labels"].as_object_mut().unwrap();
        labels.remove("istio.io/ingress-use-waypoint").unwrap();
    });
    assert!(wrong.losses.contains(&Loss::SidecarCallers) || wrong.gains);
}

/// 12.20
#[test]
fn mutant_ztunnel_1901_spiffe_prefix() {
    let wrong = Translated::of("methods-and-port").with(POLICY, "cart-ztunnel", |policy| {
        policy["spec"]["rules"][0]["from"][0]["source"]["principals"] =
            json!(["spiffe://cluster.local/ns/shop/sa/waypoint"]);
    });
    assert!(wrong.losses.contains(&Loss::Other));
}

/// 12.36
#[test]
fn mutant_otaru_3129_waypoint_principal_missing() {
    let wrong = Translated::of("metrics-port").with(POLICY, "cart-ztunnel", |policy| {
        policy["spec"]["rules"].as_array_mut().unwrap().remove(0);
    });
    assert!(wrong.losses.contains(&Loss::Other));
}

/// Ports of the pods at a waypoint, which sees those of the Service.
#[test]
fn mutant_ports_of_pods_at_the_waypoint() {
    let wrong = Translated::of("deny-mixed").with(POLICY, "no-robots-waypoint", |policy| {
        policy["spec"]["rules"][1]["to"][0]["operation"]["ports"] = json!(["8080"]);
    });
    assert!(wrong.gains);
}

/// One of two Services in front of the pods.
#[test]
fn mutant_one_target_of_two() {
    let second = "---
apiVersion: v1
kind: Service
metadata: {name: cart-too, namespace: shop}
spec: {selector: {app: cart}, ports: [{name: http, port: 8000, targetPort: 8080}]}
";
    let wrong = Translated::of_text(&(policy("deny-path") + second));
    let wrong = wrong.with(POLICY, "no-admin-waypoint", |policy| {
        assert_eq!(policy["spec"]["targetRefs"].as_array().unwrap().len(), 2);
        policy["spec"]["targetRefs"] = service("cart");
    });
    assert!(wrong.gains);
}
