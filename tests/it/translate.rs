//! `waypost translate`: what is written, what it costs, and what is refused. `tests/cases/translate` holds a
//! policy in each folder, `shop.yaml` what is around it; `expected` is what the program says, with the
//! losses that it names accepted, and the difference that it writes.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test may fail this way")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use waypost::diagnostic::{Sources, has_errors};
use waypost::k8s::Object;
use waypost::pipeline::{Accepted, Translation, TranslationOutcome, rewritten, translation};
use waypost::prove::{Loss, prove};
use waypost::translate::direct::{Reason, Serves, Wish};
use waypost::world::{World, objects_in};
use waypost::yaml::Node;

use crate::program::{Ran, project, waypost};

const CASES: &str = "tests/cases/translate";

fn cases() -> Vec<PathBuf> {
    let mut cases: Vec<PathBuf> = fs::read_dir(project().join(CASES))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    cases.sort();
    assert!(cases.len() > 10, "the cases are gone");
    cases
}

/// A folder with what is around a policy, and the policy.
pub(crate) fn copied(policy: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("in")).unwrap();
    let shop = project().join(CASES).join("shop.yaml");
    fs::copy(shop, folder.path().join("in/shop.yaml")).unwrap();
    fs::write(folder.path().join("in/policy.yaml"), policy).unwrap();
    folder
}

pub(crate) fn policy(name: &str) -> String {
    fs::read_to_string(project().join(CASES).join(name).join("policy.yaml")).unwrap()
}

pub(crate) fn translate(folder: &Path, more: &[&str]) -> Ran {
    waypost(folder, &[&["translate", "in"], more].concat())
}

pub(crate) const EVERY_LOSS: [&str; 8] = [
    "--accept",
    "pod-addresses",
    "--accept",
    "outside-mesh",
    "--accept",
    "unknown-callers",
    "--accept",
    "service-fronts-others",
];

#[test]
fn every_case_is_translated_as_it_is_written_down() {
    let mut wrong = Vec::new();
    for case in cases() {
        let name = case.file_name().unwrap().to_str().unwrap().to_owned();
        let folder = copied(&policy(&name));
        let ran = translate(folder.path(), &EVERY_LOSS);
        let said = format!("exit code {}\n\n{}\n{}", ran.code, ran.stdout, ran.stderr);
        let expected = case.join("expected");
        if std::env::var_os("WAYPOST_BLESS").is_some() {
            fs::write(&expected, said).unwrap();
        } else if fs::read_to_string(&expected).unwrap_or_default() != said {
            wrong.push(format!("{name}:\n{said}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// What is written is judged once more, by the verbs that a reviewer has.
#[test]
fn what_is_written_is_valid_and_lets_nobody_gain() {
    let mut written = 0;
    for case in cases() {
        let name = case.file_name().unwrap().to_str().unwrap().to_owned();
        let folder = copied(&policy(&name));
        let arguments = [&EVERY_LOSS[..], &["--out", "out"]].concat();
        let ran = translate(folder.path(), &arguments);
        if ran.code != 0 {
            assert_eq!(ran.code, 3, "{name}: {}", ran.stderr);
            assert!(!folder.path().join("out").exists(), "{name}: something is written");
            continue;
        }
        written += 1;
        let fails =
            ["access", "diff", "./in", "./out", "--fail-on", "gain", "--fail-on", "unknown"];
        let compared = waypost(folder.path(), &fails);
        assert_eq!(compared.code, 0, "{name}: {}{}", compared.stdout, compared.stderr);
        let valid = waypost(folder.path(), &["validate", "./out"]);
        assert_eq!(valid.code, 0, "{name}: {}", valid.stderr);
    }
    assert!(written >= 8, "{written}");
}

#[test]
fn nothing_is_written_before_a_loss_is_accepted() {
    let folder = copied(&policy("deny-path"));
    let ran = translate(folder.path(), &["--out", "out"]);
    assert_eq!(ran.code, 5, "{}", ran.stderr);
    let asked = "to accept it: --accept pod-addresses --accept outside-mesh";
    assert!(ran.stderr.contains(asked), "{}", ran.stderr);
    assert!(!folder.path().join("out").exists());
}

#[test]
fn a_loss_is_accepted_for_one_policy_until_a_day() {
    let folder = copied(&policy("deny-path"));
    let accept = |policy: &str, expires: &str| {
        let entry = |kind: &str| {
            format!(
                "- {{kind: {kind}, namespace: shop, policy: {policy}, reason: known, owner: shop, \
                 expires: {expires}}}\n"
            )
        };
        let text = entry("pod-addresses") + &entry("outside-mesh");
        fs::write(folder.path().join("accept.yaml"), text).unwrap();
        translate(folder.path(), &["--accept", "accept.yaml"])
    };
    let ran = accept("no-admin", "2999-12-31");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(accept("other", "2999-12-31").code, 5);
    let ran = accept("no-admin", "2020-01-01");
    assert_eq!((ran.code, ran.stderr.matches("warning[expired-consent]").count()), (5, 2));
    fs::write(folder.path().join("accept.yaml"), "- {kind: gain}\n").unwrap();
    let ran = translate(folder.path(), &["--accept", "accept.yaml"]);
    assert!(ran.code == 3 && ran.stderr.contains("error[bad-consent]"), "{}", ran.stderr);
}

/// A RequestAuthentication that selects no pods of the manifests was said to be a gateway's.
#[test]
fn tokens_of_pods_that_are_not_known_are_not_left_unread() {
    let text = policy("tokens-alone").replace("app: cart", "app: nothing");
    let folder = copied(&text);
    let ran = translate(folder.path(), &[]);
    assert!(ran.code == 3 && ran.stderr.contains("error[no-service]"), "{}", ran.stderr);
    // nor is a policy that ztunnel decides left where a waypoint may come before its pods
    let unknown = policy("identities").replace("cart", "other");
    let folder = copied(&format!("{}---\n{unknown}", policy("methods-and-port")));
    let ran = translate(folder.path(), &[]);
    assert!(ran.code == 3 && ran.stderr.contains("error[no-service]"), "{}", ran.stderr);
}

#[test]
fn files_in_which_nothing_changes_are_the_same_byte_for_byte() {
    let folder = copied(&policy("identities"));
    let other =
        "# a comment, and odd   spacing\nkind:   ConfigMap\napiVersion: v1\nmetadata: {name: a}\n";
    fs::write(folder.path().join("in/other.yml"), other).unwrap();
    let ran = translate(folder.path(), &["--out", "out"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let read = |path: &str| fs::read_to_string(folder.path().join(path)).unwrap();
    assert_eq!(read("out/other.yml"), other);
    assert_eq!(read("out/policy.yaml"), read("in/policy.yaml"), "ztunnel decides it as it is");
    let shop = read("out/shop.yaml");
    assert!(shop.contains("# callers of the cart\n"), "documents that stay keep their comments");
    assert!(shop.contains("istio.io/dataplane-mode: ambient"));
    assert!(!shop.contains("Gateway"), "no waypoint without need");
}

#[test]
fn what_is_there_is_never_written_over() {
    let folder = copied(&policy("identities"));
    fs::create_dir(folder.path().join("full")).unwrap();
    fs::write(folder.path().join("full/mine"), "mine").unwrap();
    let ran = translate(folder.path(), &["--out", "full"]);
    assert_eq!((ran.code, ran.stderr.contains("is not empty")), (1, true), "{}", ran.stderr);
    let ran = translate(folder.path(), &["--out", "in/out"]);
    assert_eq!((ran.code, ran.stderr.contains("which is read")), (1, true), "{}", ran.stderr);
}

#[test]
fn what_cannot_be_taken_is_one_finding() {
    let refused = |text: &str, more: &[&str], code: &str| {
        let folder = copied(text);
        let ran = translate(folder.path(), more);
        assert_eq!(ran.code, 3, "{code}: {}", ran.stderr);
        assert_eq!(ran.stderr.matches("error[").count(), 1, "{code}: {}", ran.stderr);
        assert!(ran.stderr.contains(&format!("error[{code}]")), "{code}: {}", ran.stderr);
    };
    let l7 = policy("methods-and-port");
    refused(&l7, &["--ambient", "shop", "--ambient", "wed"], "namespace-not-there");
    refused(&format!("{l7}---\n{l7}"), &[], "duplicate-object");
    refused(&l7.replace("methods:", "method:"), &[], "malformed-object");
    let taken = l7.replace("name: cart,", "name: cart-waypoint,");
    refused(&format!("{l7}---\n{taken}"), &[], "name-taken");
    refused(
        &l7.replace("name: cart,", &format!("name: {},", "a".repeat(253))),
        &[],
        "name-too-long",
    );
    let made = l7.replace(
        "namespace: shop}",
        "namespace: shop, annotations: {xcp.tetrate.io/contentHash: a}}",
    );
    refused(&made, &[], "made-by-another");
    for of in ["labels: {app.kubernetes.io/managed-by: tsb}", "ownerReferences: [{kind: Shop}]"] {
        let made =
            policy("tokens-alone").replace("namespace: shop}", &format!("namespace: shop, {of}}}"));
        refused(&made, &[], "made-by-another");
    }
    let both =
        l7.replace("  rules:", "  targetRefs: [{kind: Service, group: '', name: cart}]\n  rules:");
    refused(&both, &[], "selector-and-targets");
    let gateway = "---\napiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: waypoint, \
                   namespace: shop}\nspec: {gatewayClassName: istio, listeners: [{name: a, port: 80, \
                   protocol: HTTP}]}\n";
    refused(&format!("{l7}{gateway}"), &[], "waypoint-name-taken");
    let filter = "---\napiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\nmetadata: {name: a, \
                  namespace: shop}\nspec: {configPatches: []}\n";
    refused(&format!("{l7}{filter}"), &[], "envoy-filter");
}

/// A template is told where it is none of YAML, and nothing is guessed of it.
#[test]
fn a_template_of_a_chart_is_no_manifest() {
    let text = policy("methods-and-port").replace("name: cart,", "name: {{ .Values.name }},");
    let folder = copied(&text);
    let ran = translate(folder.path(), &["--out", "out"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("in/policy.yaml:3:"), "{}", ran.stderr);
    assert!(!folder.path().join("out").exists());
}

/// Ten thousand rules took hours: each is a class of requests that is asked of all others.
#[test]
fn a_policy_of_ten_thousand_rules_is_one_finding() {
    let rules: String = (0..10_000)
        .map(|n| format!("    - to: [{{operation: {{paths: [/a{n}], methods: [GET]}}}}]\n"))
        .collect();
    let text = format!(
        "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {{name: many, namespace: shop}}\n\
         spec:\n  selector: {{matchLabels: {{app: cart}}}}\n  rules:\n{rules}"
    );
    let folder = copied(&text);
    let ran = translate(folder.path(), &["--out", "out"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert_eq!(ran.stderr.matches("error[").count(), 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("error[too-many-rules]"), "{}", ran.stderr);
    assert!(!folder.path().join("out").exists());
}

/// A RequestAuthentication and a DENY policy of one name were given guards of one name: whichever was applied
/// last would have replaced the other, unlike what was proven.
#[test]
fn two_guards_never_have_one_name() {
    let translated = |name: &str| {
        let deny = policy("deny-path").replace("no-admin", name);
        let folder = copied(&format!("{}---\n{deny}", policy("tokens-alone")));
        translate(folder.path(), &EVERY_LOSS)
    };
    let ran = translated("tokens");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for guard in ["name: tokens-guard", "name: tokens-tokens-guard"] {
        assert!(ran.stdout.contains(guard), "{}", ran.stdout);
    }
    let ran = translated("tokens-tokens");
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    let said = "error[name-taken]: there is another AuthorizationPolicy `tokens-tokens-guard`";
    assert!(ran.stderr.contains(said), "{}", ran.stderr);
}

#[test]
fn a_caller_that_keeps_its_sidecar_is_named() {
    let folder = copied(&policy("methods-and-port"));
    let ran = translate(folder.path(), &["--ambient", "shop", "--format", "json"]);
    assert_eq!(ran.code, 5, "{}", ran.stderr);
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let policy = &json["policies"][0];
    assert_eq!(policy["outcome"], "narrower");
    assert_eq!(policy["counterexample"]["from"], "web/front");
    assert_eq!(policy["counterexample"]["after"], "deny");
    let consents = policy["consents"].as_array().unwrap();
    assert!(consents.iter().any(|consent| consent == "sidecar-callers"), "{policy}");
    // of all that was asked, what is about the cart
    let asked = |proof: &serde_json::Value, what: &str| proof[what].as_u64().unwrap();
    for what in ["pairs", "classes", "requests"] {
        let (own, all) = (asked(&policy["proof"], what), asked(&json["proof"], what));
        assert!(own > 0 && own <= all, "{what}: {own} of {all}");
    }
    assert_eq!(policy["proof"]["notCompared"], serde_json::json!([]));
}

/// An existing label or a shared waypoint is taken as it is.
#[test]
fn namespaces_can_share_a_waypoint() {
    let folder = copied(&policy("methods-and-port"));
    let infra = "apiVersion: v1\nkind: Namespace\nmetadata: {name: infra}\n";
    fs::write(folder.path().join("in/infra.yaml"), infra).unwrap();
    let arguments = [&EVERY_LOSS[..], &["--waypoint", "infra/shared", "--out", "out"]].concat();
    let ran = translate(folder.path(), &arguments);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let read = |path: &str| fs::read_to_string(folder.path().join(path)).unwrap();
    assert!(read("out/shop.yaml").contains("istio.io/use-waypoint-namespace: infra"));
    let infra = read("out/infra.yaml");
    assert!(infra.contains("gatewayClassName: istio-waypoint") && infra.contains("from: All"));
    assert!(read("out/policy.yaml").contains("cluster.local/ns/infra/sa/shared"));
}

pub(crate) fn objects(policy: &str) -> Vec<Object> {
    let shop = fs::read_to_string(project().join(CASES).join("shop.yaml")).unwrap();
    let (mut sources, mut found) = (Sources::default(), Vec::new());
    let mut objects = Vec::new();
    for text in [shop.as_str(), policy] {
        let file = sources.add("a.yaml", text);
        objects.extend(objects_in(file, text, &mut found));
    }
    assert!(!has_errors(&found), "{found:?}");
    objects
}

pub(crate) fn wish() -> Wish {
    Wish {
        moving: BTreeSet::from(["shop".to_owned(), "web".to_owned()]),
        waypoint_namespace: None,
        waypoint: "waypoint".into(),
        serves: Serves::Service,
        trust_domain: "cluster.local".into(),
        root_namespace: "istio-system".into(),
        binds_classes: true,
        ..Wish::default()
    }
}

fn applied(
    objects: &[Object],
    instead: &BTreeMap<usize, Vec<serde_json::Value>>,
    change: impl FnOnce(&mut Vec<Object>),
) -> World {
    let mut all = rewritten(objects, instead);
    change(&mut all);
    World::of_objects("after".into(), all)
}

/// A translation that lacks a part is not taken by the proof: every object that is made of a policy is
/// needed, and so are the waypoint and what binds Services to it.
#[test]
fn every_part_of_a_translation_is_needed() {
    let mut parts = 0;
    for name in [
        "deny-path",
        "deny-mixed",
        "methods-and-port",
        "metrics-port",
        "custom",
        "tokens-alone",
        "root-allow",
        "root-deny-path",
        "root-deny-others",
        "root-tokens",
    ] {
        let objects = objects(&policy(name));
        let (Translation { instead, policies, .. }, found) =
            translation(&objects, &wish(), &Accepted::default(), |_| ());
        assert!(!has_errors(&found), "{name}: {found:?}");
        let before = World::of_objects("before".into(), objects.clone());
        let moving = wish().moving;
        let becomes: Vec<String> = policies
            .iter()
            .flat_map(|policy| &policy.proposed.becomes)
            .map(|reference| reference.name.clone())
            .chain(["waypoint".to_owned()])
            .collect();
        let untouched = prove(&before.mesh, &applied(&objects, &instead, |_| ()).mesh, &moving);
        assert!(untouched.holds(), "{name}");
        let accepted: BTreeSet<Loss> = untouched.kinds().into_keys().collect();
        for part in &becomes {
            // to a pod's own address a sidecar shows no identity, so that a rule about identities never held
            // there: that ztunnel holds it costs robots the address, and opens nothing where it is absent
            if part == "no-robots-ztunnel" {
                continue;
            }
            let after = applied(&objects, &instead, |all| all.retain(|o| &o.name != part));
            let proof = prove(&before.mesh, &after.mesh, &moving);
            let lost = proof.kinds().into_keys().any(|kind| !accepted.contains(&kind));
            assert!(!proof.gains.is_empty() || lost, "{name}: `{part}` is not needed");
            parts += 1;
        }
    }
    assert!(parts >= 22, "{parts}");
}

/// A DENY that is left on its selector, as the documentation of the migration has it, denies nothing.
#[test]
fn a_deny_that_is_left_on_its_selector_is_refused_by_the_proof() {
    let objects = objects(&policy("deny-path"));
    let before = World::of_objects("before".into(), objects.clone());
    let mut labelled = objects;
    for namespace in labelled.iter_mut().filter(|o| o.gvk.is("", "Namespace")) {
        let mut value = namespace.body.to_json();
        value["metadata"]["labels"] = serde_json::json!({"istio.io/dataplane-mode": "ambient", "istio-injection": "disabled"});
        *namespace = Object::from_node(Node::from_json(&value, namespace.span())).unwrap();
    }
    let after = World::of_objects("after".into(), labelled);
    let proof = prove(&before.mesh, &after.mesh, &wish().moving);
    let gain = proof.gains.iter().find(|gain| gain.to.to_string() == "shop/cart:8000").unwrap();
    assert_eq!(gain.request.as_ref().unwrap().path, "/admin");
}

#[test]
fn refused_policies_say_why() {
    for (name, reason) in [
        ("ip-blocks", Reason::IpBlocksAtWaypoint),
        ("nothing-selected", Reason::NoService),
        ("rewritten", Reason::RewrittenBeforePolicy),
    ] {
        let (translated, _) =
            translation(&objects(&policy(name)), &wish(), &Accepted::default(), |_| ());
        let policy = &translated.policies[0];
        assert_eq!(policy.outcome, TranslationOutcome::Refused, "{name}");
        assert!(policy.reasons.contains(&reason), "{name}: {:?}", policy.reasons);
        assert!(translated.instead.is_empty() && translated.proof.is_none(), "{name}");
    }
}
