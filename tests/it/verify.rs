//! `waypost verify` on dumps of the brownfield cluster: `tests/verify/clean/` is as it should be at
//! stage `httpbin` (`clean.txt`); every other folder plants one fault into it and says what must be told
//! (`expected.txt`; `WAYPOST_BLESS=1` writes it).
//!
//! A fault's `objects.yaml` replaces the objects that it holds, its other files those of the same
//! name, and `without.txt` names objects that are taken away.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::program::{Ran, copy_of, files, project, waypost};

fn fixtures() -> PathBuf {
    project().join("tests/verify")
}

/// The dump of a fault, as files of one folder.
fn dump(fault: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let mut texts = files(&fixtures().join("clean"));
    let planted = if fault == "clean" { BTreeMap::new() } else { files(&fixtures().join(fault)) };
    for (name, text) in &planted {
        match name.as_str() {
            "expected.txt" | "without.txt" => {}
            // read after the clean one, whose objects it replaces
            "objects.yaml" => drop(texts.insert("planted.yaml".to_owned(), text.clone())),
            _ => drop(texts.insert(name.clone(), text.clone())),
        }
    }
    if let Some(names) = planted.get("without.txt") {
        let mut list: Value = serde_yaml::from_str(&texts["objects.yaml"]).expect("YAML");
        let items = list["items"].as_array_mut().expect("items");
        for name in names.lines() {
            let before = items.len();
            items.retain(|item| called(item) != name);
            assert_eq!(items.len(), before - 1, "{fault}: there is no {name}");
        }
        texts.insert("objects.yaml".to_owned(), list.to_string());
    }
    for (name, text) in texts {
        std::fs::write(folder.path().join(name), text).expect("written");
    }
    folder
}

fn called(item: &Value) -> String {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (kind, metadata) = (word(&item["kind"]), &item["metadata"]);
    match metadata["namespace"].as_str() {
        Some(namespace) => format!("{kind} {namespace}/{}", word(&metadata["name"])),
        None => format!("{kind} {}", word(&metadata["name"])),
    }
}

fn verify(folder: &Path, more: &[&str]) -> Ran {
    let arguments = [&["verify", "brownfield", folder.to_str().expect("UTF-8")], more].concat();
    waypost(project(), &arguments)
}

/// What was said, without the name of the folder.
fn said(folder: &Path, ran: &Ran) -> String {
    let text = format!("{}{}", ran.stderr, ran.stdout);
    text.replace(&format!("{}/", folder.display()), "")
}

#[test]
fn a_cluster_that_is_as_rendered_is_ticked_row_by_row() {
    let folder = dump("clean");
    let ran = verify(folder.path(), &[]);
    let text = said(folder.path(), &ran);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{text}");
    let wrong = differs("clean", &fixtures().join("clean.txt"), &text);
    assert!(wrong.is_empty(), "{wrong}");
}

/// How a text differs from the one that is expected, which `WAYPOST_BLESS` writes anew.
fn differs(name: &str, expected: &Path, text: &str) -> String {
    if std::env::var_os("WAYPOST_BLESS").is_some() {
        std::fs::write(expected, text).expect("written");
    }
    let before = std::fs::read_to_string(expected).unwrap_or_default();
    if before == text {
        return String::new();
    }
    let diff = similar::TextDiff::from_lines(before.as_str(), text);
    format!("//// {name}\n{}", diff.unified_diff())
}

#[test]
fn every_planted_fault_is_named_with_its_remedy() {
    let mut seen = BTreeSet::new();
    let mut wrong = String::new();
    for entry in std::fs::read_dir(fixtures()).expect("fixtures") {
        let code = entry.expect("an entry").file_name().into_string().expect("UTF-8");
        if matches!(code.as_str(), "clean" | "clean.txt") {
            continue;
        }
        let folder = dump(&code);
        let ran = verify(folder.path(), &[]);
        let text = said(folder.path(), &ran);
        wrong.push_str(&differs(&code, &fixtures().join(&code).join("expected.txt"), &text));
        assert_eq!(ran.code, 3, "{code}: {text}");
        assert!(text.contains(&format!("error[{code}]")), "{code}: {text}");
        // it names the fault and nothing else, and what settles it
        let codes: BTreeSet<&str> =
            text.lines().filter_map(|l| l.strip_prefix("error[")?.split(']').next()).collect();
        assert_eq!(codes, BTreeSet::from([code.as_str()]), "{text}");
        let helps: Vec<&str> = text.lines().filter(|line| line.starts_with("help: ")).collect();
        assert!(!helps.is_empty() && helps.iter().all(|h| h.contains('`')), "{code}: {text}");
        assert!(text.lines().any(|line| line.starts_with("NO  ")), "{code}: {text}");
        seen.insert(code);
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(seen.len() >= 14, "only {seen:?}");
}

#[test]
fn what_the_dumps_do_not_tell_is_not_ticked() {
    let folder = dump("clean");
    for name in ["ztunnel.json", "ztunnel.log", "argocd.yaml"] {
        std::fs::remove_file(folder.path().join(name)).expect("removed");
    }
    let ran = verify(folder.path(), &["--format", "json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let answer: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let rows = answer["rows"].as_array().expect("rows");
    let unknown: BTreeSet<&str> = rows
        .iter()
        .filter(|row| row["answer"] == "?")
        .map(|row| row["question"].as_str().expect("a text"))
        .collect();
    assert_eq!(
        unknown,
        BTreeSet::from([
            "Argo CD's Applications are Synced and Healthy",
            "traffic goes through the waypoint",
            "ztunnel sends services to the waypoint",
            "ztunnel speaks HBONE with the pods",
        ])
    );
    // no object at all ticks nothing
    for name in ["objects.yaml", "flux.yaml"] {
        std::fs::remove_file(folder.path().join(name)).expect("removed");
    }
    std::fs::write(folder.path().join("empty.log"), "").expect("written");
    let ran = verify(folder.path(), &[]);
    assert!(!ran.stdout.lines().any(|line| line.starts_with("ok")), "{}", ran.stdout);
}

#[test]
fn another_stage_than_the_cluster_has_is_seen() {
    let folder = dump("clean");
    let ran = verify(folder.path(), &["--stage", "bookinfo"]);
    assert_eq!(ran.code, 3);
    for code in ["missing-object", "label-survived", "pod-with-sidecar"] {
        assert!(ran.stderr.contains(&format!("error[{code}]")), "{code}: {}", ran.stderr);
    }
}

#[test]
fn a_sync_that_failed_of_a_commit_that_was_reverted_is_past() {
    let folder = dump("clean");
    let path = folder.path().join("argocd.yaml");
    let text = std::fs::read_to_string(&path).expect("the Applications");
    for (failed, code) in [("ddb2217", 0), ("ab75e85", 3)] {
        let mut list: Value = serde_yaml::from_str(&text).expect("YAML");
        let status = &mut list["items"][0]["status"];
        status["sync"]["revision"] = "ab75e85".into();
        status["operationState"] = serde_json::json!({
            "phase": "Failed",
            "message": "Operation terminated (retried 1 times).",
            "syncResult": {"revision": failed},
        });
        std::fs::write(&path, list.to_string()).expect("written");
        let ran = verify(folder.path(), &[]);
        assert_eq!(ran.code, code, "{}{}", ran.stderr, ran.stdout);
    }
}

const OBJECT: &str = "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\n";

#[test]
fn a_policy_of_the_root_namespace_decides_everywhere_unless_it_is_inventoried() {
    let root = copy_of("brownfield");
    let folder = dump("clean");
    let policy = root.path().join("environments/brownfield/inventory/mesh-wide.yaml");
    let path = root.path().join("environments/brownfield/environment.yaml");
    let spec = std::fs::read_to_string(&path).expect("the spec");
    let declared = "    namespaces:\n    - {name: istio-system, mode: none}\n";
    for (rules, code) in [
        ("rules: [{}]", 3),
        ("selector: {matchLabels: {app: httpbin}}\n  rules: [{}]", 3),
        // of a gateway there
        ("selector: {matchLabels: {istio: ingressgateway}}\n  rules: [{}]", 0),
        (
            "targetRefs: [{kind: GatewayClass, group: gateway.networking.k8s.io, name: istio-waypoint}]\n  rules: [{}]",
            3,
        ),
        (
            "targetRefs: [{kind: Gateway, group: gateway.networking.k8s.io, name: edge}]\n  rules: [{}]",
            0,
        ),
    ] {
        let text = format!(
            "{OBJECT}metadata: {{name: wide, namespace: istio-system}}\nspec:\n  {rules}\n"
        );
        std::fs::write(folder.path().join("root.yaml"), &text).expect("written");
        for is_inventoried in [false, true] {
            if is_inventoried {
                std::fs::write(&policy, &text).expect("written");
                let spec = spec.replacen("    namespaces:\n", declared, 1);
                std::fs::write(&path, spec).expect("written");
            }
            let dumps = folder.path().to_str().expect("UTF-8");
            let ran = waypost(root.path(), &["verify", "brownfield", dumps]);
            let wanted = if is_inventoried { 0 } else { code };
            assert_eq!(ran.code, wanted, "{rules}: {}{}", ran.stderr, ran.stdout);
            let is_named = ran.stderr.contains("AuthorizationPolicy istio-system/wide");
            assert_eq!(is_named, wanted == 3, "{}", ran.stderr);
        }
        std::fs::remove_file(&policy).expect("removed");
        std::fs::write(&path, &spec).expect("written");
    }
}

#[test]
fn dumps_that_tell_nothing_of_the_cluster_are_no_success() {
    for (text, code) in [
        ("", "empty-dump"),
        ("apiVersion: v1\nkind: List\nitems: []\n", "empty-dump"),
        ("apiVersion: v1\nkind: List\nitems: {a: b}\n", "not-a-dump"),
        // of another cluster
        ("apiVersion: v1\nkind: Namespace\nmetadata: {name: kube-system}\n", "missing-object"),
    ] {
        let folder = dump("clean");
        std::fs::write(folder.path().join("objects.yaml"), text).expect("written");
        let ran = verify(folder.path(), &[]);
        assert_eq!(ran.code, 3, "{text}: {}", ran.stdout);
        assert!(ran.stderr.contains(&format!("error[{code}]")), "{text}: {}", ran.stderr);
    }
    // a log may be empty
    let folder = dump("clean");
    std::fs::write(folder.path().join("ztunnel.log"), "").expect("written");
    assert_eq!(verify(folder.path(), &[]).code, 0);
}

#[test]
fn a_policy_waits_for_the_waypoint_that_tsb_makes() {
    let root = copy_of("brownfield");
    let path = root.path().join("environments/brownfield/environment.yaml");
    let spec = std::fs::read_to_string(&path).expect("the spec");
    let spec =
        spec.replace("  injectionLabel:", "  ownership: {waypoints: tsb}\n  injectionLabel:");
    std::fs::write(&path, spec).expect("written");
    let folder = dump("policy-not-accepted");
    let at = |stage| {
        let dumps = folder.path().to_str().expect("UTF-8");
        waypost(root.path(), &["verify", "brownfield", dumps, "--stage", stage])
    };
    // without the label there is no waypoint yet that could accept it
    for (stage, is_told) in [("httpbin/mesh", false), ("httpbin/enrollment", true)] {
        let ran = at(stage);
        assert_eq!(ran.code, 3, "{stage}: {}", ran.stderr);
        assert_eq!(
            ran.stderr.contains("policy `httpbin/waypoint-deny-rules` is not accepted"),
            is_told,
            "{stage}: {}",
            ran.stderr
        );
    }
}

#[test]
fn a_text_that_is_no_dump_is_refused_and_the_commands_are_told() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("a.txt"), "hello\n").expect("written");
    let ran = verify(folder.path(), &[]);
    assert_eq!((ran.code, ran.stdout.as_str()), (3, ""));
    assert!(ran.stderr.contains("[not-a-dump]"), "{}", ran.stderr);
    let ran = waypost(project(), &["verify", "brownfield", "--commands"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!(lines[0].starts_with("kubectl get AuthorizationPolicy.v1.security.istio.io,"));
    assert!(lines[0].ends_with(" --all-namespaces -o json --show-managed-fields"));
    assert!(lines.contains(&"istioctl ztunnel-config all -o json"), "{lines:?}");
    assert_eq!(waypost(project(), &["verify", "brownfield"]).code, 2);
}

/// The rows of a verification: place and question, and the answer.
fn rows(ran: &Ran) -> BTreeMap<(String, String), String> {
    let line = |line: &str| {
        let (answer, rest) = line.split_at_checked(4)?;
        let (place, question) = rest.split_once("  ")?;
        let words = [place, question, answer].map(|word| word.trim().to_owned());
        let [place, question, answer] = words;
        matches!(answer.as_str(), "ok" | "NO" | "?").then_some(((place, question), answer))
    };
    ran.stdout.lines().filter_map(line).collect()
}

#[test]
fn a_row_is_ticked_only_where_something_was_looked_at_and_is_right() {
    let folder = tempfile::tempdir().expect("a folder");
    let dump = r#"{"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "client", "labels": {"istio-injection": "enabled"}}},
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "sleep-1", "namespace": "client", "labels": {"app": "sleep"}},
         "spec": {"containers": [{"name": "sleep"}, {"name": "istio-proxy"}]}, "status": {"phase": "Running"}},
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "waypoint-1", "namespace": "httpbin", "labels": {"gateway.networking.k8s.io/gateway-name": "waypoint"}},
         "spec": {"containers": [{"name": "istio-proxy"}]}, "status": {"phase": "Running"}},
        {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "ztunnel", "namespace": "istio-system"}},
        {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "istio-cni-node", "namespace": "istio-system"}}]}"#;
    std::fs::write(folder.path().join("dump.json"), dump).expect("written");
    // of other namespaces only
    let ztunnel = r#"{"services": [{"name": "s", "namespace": "other", "hostname": "s.other", "vips": ["/10.1.0.1"]}],
        "workloads": [{"name": "w", "namespace": "other", "protocol": "HBONE"}]}"#;
    std::fs::write(folder.path().join("ztunnel.json"), ztunnel).expect("written");
    let ran = verify(folder.path(), &[]);
    let rows = rows(&ran);
    for (place, question, answer) in [
        ("(cluster)", "ztunnel and istio-cni run on every node", "?"),
        ("client", "no label injects sidecars", "NO"),
        ("client", "pods run without a sidecar", "NO"),
        ("client", "pods are captured by istio-cni", "NO"),
        ("client", "nothing foreign decides about access", "?"),
        ("client", "workloads are rolled out", "?"),
        ("httpbin", "pods run without a sidecar", "?"),
        ("httpbin", "pods are captured by istio-cni", "?"),
        // it does not know the Service at all
        ("httpbin", "ztunnel sends services to the waypoint", "NO"),
        ("httpbin", "ztunnel speaks HBONE with the pods", "?"),
    ] {
        let key = (place.to_owned(), question.to_owned());
        assert_eq!(
            rows.get(&key).map(String::as_str),
            Some(answer),
            "{place}: {question}\n{}",
            ran.stdout
        );
    }
}

#[test]
fn what_the_dumps_do_not_tell_can_fail() {
    let folder = dump("clean");
    let fails = ["--fail-on", "unknown"];
    assert_eq!(verify(folder.path(), &[]).code, 0);
    let ran = verify(folder.path(), &fails);
    // nothing was sent to `client`
    assert_eq!(ran.code, 3, "{}", ran.stdout);
    let log = r#"[2026-01-02T15:04:05.678Z] "GET /x HTTP/1.1" 200 - via_upstream - "-" 0 19 1 1 "-" "curl" "id" "sleep.client" "envoy://connect_originate/10.0.0.4:80" inbound-vip|80|http|sleep.client.svc.cluster.local; envoy://internal_client_address/ 10.1.0.2:80 10.0.0.2:4 - default"#;
    std::fs::write(folder.path().join("waypoint.log"), log).expect("written");
    let ran = verify(folder.path(), &fails);
    assert_eq!(ran.code, 0, "{}{}", ran.stderr, ran.stdout);
}

#[test]
fn tables_are_taken_as_they_are_printed_and_other_files_are_skipped_with_a_word() {
    let folder = dump("clean");
    std::fs::remove_file(folder.path().join("ztunnel.json")).expect("removed");
    std::fs::write(folder.path().join("README.md"), "Dumps of Tuesday.\n").expect("written");
    std::fs::write(folder.path().join("values.yaml"), "{replicas: 2}\n").expect("written");
    let services = |waypoint: &str| {
        format!(
            "NAMESPACE SERVICE NAME SERVICE VIP WAYPOINT ENDPOINTS\nclient sleep 10.1.0.1 waypoint 1/1\nclient waypoint 10.1.0.2 None 1/1\nhttpbin httpbin 10.1.0.3 {waypoint} 1/1\n"
        )
    };
    let workloads = "NAMESPACE     POD NAME     ADDRESS     NODE    WAYPOINT    PROTOCOL\nhttpbin  httpbin-0  10.0.0.1  node-1  waypoint  HBONE\n";
    std::fs::write(folder.path().join("workloads.txt"), workloads).expect("written");
    for (waypoint, answer) in [("waypoint", "ok"), ("None", "NO"), ("other", "NO")] {
        std::fs::write(folder.path().join("services.txt"), services(waypoint)).expect("written");
        let ran = verify(folder.path(), &[]);
        let rows = rows(&ran);
        let of = |question: &str| rows[&("httpbin".to_owned(), question.to_owned())].clone();
        assert_eq!(
            of("ztunnel sends services to the waypoint"),
            answer,
            "{}{}",
            ran.stderr,
            ran.stdout
        );
        assert_eq!(of("ztunnel speaks HBONE with the pods"), "ok", "{}", ran.stdout);
        for name in ["README.md", "values.yaml"] {
            assert!(ran.stderr.contains(name), "{}", ran.stderr);
        }
        assert_eq!(ran.code, if answer == "ok" { 0 } else { 3 }, "{}", ran.stderr);
    }
    // nothing but such a file tells nothing at all
    let alone = tempfile::tempdir().expect("a folder");
    std::fs::write(alone.path().join("README.md"), "Dumps of Tuesday.\n").expect("written");
    let ran = verify(alone.path(), &[]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("error[empty-dump]"), "{}", ran.stderr);
}
