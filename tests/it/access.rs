//! `waypost access …`, on the examples and on small folders.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail this way"
)]

use std::path::Path;

use crate::program::{project, waypost};

fn run(arguments: &[&str]) -> (i32, String, String) {
    let ran = waypost(project(), arguments);
    (ran.code, ran.stdout, ran.stderr)
}

/// A folder with one file, and the program's answer about it.
fn in_folder(yaml: &str, arguments: &[&str]) -> (i32, String, String) {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "mesh.yaml", yaml);
    let ran = waypost(folder.path(), arguments);
    (ran.code, ran.stdout, ran.stderr)
}

#[allow(clippy::disallowed_methods, reason = "a test's own folder")]
fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}

#[test]
fn the_guides_assertions_hold_at_the_reached_stage() {
    let (code, out, err) = run(&["access", "test", "brownfield"]);
    assert_eq!(code, 0, "{err}");
    insta::assert_snapshot!(out, @r"
    ok allow client reads reviews           brownfield, stage httpbin sidecar of bookinfo/productpage-v1: allowed by ns[bookinfo]-policy[allow]-rule[0]
    ok deny  client may not reach httpbin   brownfield, stage httpbin waypoint httpbin/waypoint: denied by ns[httpbin]-policy[waypoint-deny-rules]-rule[0]
    ok allow productpage reads details      brownfield, stage httpbin sidecar of bookinfo/details-v1: allowed by ns[bookinfo]-policy[allow]-rule[0]
    ok deny  httpbin may not reach bookinfo brownfield, stage httpbin sidecar of bookinfo/productpage-v1: denied: ALLOW policies exist, and none matches [none]
    ");
}

#[test]
fn the_guides_assertions_hold_at_every_stage_and_in_every_transient_state() {
    let (code, out, err) = run(&["access", "test", "brownfield", "--every-stage"]);
    assert_eq!(code, 0, "{err}");
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines.len() > 60, "{out}");
    // the guide's rollback leaves pods without a proxy until they are restarted: told with the way round it
    let back = |stage: &str| {
        let pods = format!("brownfield, stage {stage}/mesh, pods of `{stage}` have neither");
        err.lines().filter(|l| l.contains("[back-without-proxy]") && l.contains(&pods)).count()
    };
    assert_eq!(["client", "httpbin", "bookinfo"].map(back), [1, 1, 1], "{err}");
    let command = "kubectl label --overwrite namespace httpbin istio-injection=enabled";
    assert!(err.contains(command), "{err}");
    let asked = "stage client/mesh, on the way back: pods of client/sleep are outside the mesh";
    assert!(lines.iter().any(|l| l.contains(asked)), "{out}");
    assert!(lines.iter().all(|l| l.starts_with("ok")), "{out}");
    // the points that decide are the guide's: the sidecar, then the waypoint
    let who = |stage: &str| {
        let line = lines
            .iter()
            .find(|l| l.contains("client may not reach httpbin") && l.contains(stage))
            .unwrap();
        line.split("  ").last().unwrap().trim().to_owned()
    };
    let sidecar = "sidecar of httpbin/httpbin: denied by ns[httpbin]-policy[deny-rules]-rule[0]";
    let waypoint =
        "waypoint httpbin/waypoint: denied by ns[httpbin]-policy[waypoint-deny-rules]-rule[0]";
    assert_eq!(who("stage none "), sidecar);
    assert_eq!(who("stage client "), sidecar);
    assert_eq!(who("stage httpbin "), waypoint);
    assert_eq!(who("stage bookinfo "), waypoint);
}

#[test]
fn explain_names_the_rule_as_the_guides_log_does() {
    let arguments = [
        "access",
        "explain",
        "client/sleep",
        "httpbin/httpbin:8000",
        "--in",
        "brownfield",
        "--path",
        "/get",
    ];
    let (code, out, err) = run(&arguments);
    assert_eq!(code, 0, "{err}");
    insta::assert_snapshot!(out, @r"
    client/sleep to httpbin/httpbin:8000, GET /get (brownfield, stage httpbin): deny
    
      1 waypoint httpbin/waypoint, port 8000, seen as cp-cluster-1.tsb.local/ns/client/sa/sleep
        denied by ns[httpbin]-policy[waypoint-deny-rules]-rule[0]
      the client sees 403 `RBAC: access denied`
      in the log: rbac_access_denied_matched_policy[ns[httpbin]-policy[waypoint-deny-rules]-rule[0]]
    
    taken for granted:
      the request is taken to have the Host `httpbin.httpbin.svc.cluster.local:8000`
      istiod makes the pods of Gateway httpbin/waypoint
    ");
    let (_, out, _) = run(&[&arguments[..], &["--stage", "client"]].concat());
    insta::assert_snapshot!(out, @r"
    client/sleep to httpbin/httpbin:8000, GET /get (brownfield, stage client): deny
    
      1 sidecar of httpbin/httpbin, port 80, seen as cp-cluster-1.tsb.local/ns/client/sa/sleep
        denied by ns[httpbin]-policy[deny-rules]-rule[0]
      the client sees 403 `RBAC: access denied`
      in the log: rbac_access_denied_matched_policy[ns[httpbin]-policy[deny-rules]-rule[0]]
    
    taken for granted:
      the request is taken to have the Host `httpbin.httpbin.svc.cluster.local:8000`
    ");
    let (_, out, _) = run(&[&arguments[..], &["--format", "json"]].concat());
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json["verdict"], "deny");
    assert_eq!(
        json["ways"][0]["steps"][0]["rule"],
        "ns[httpbin]-policy[waypoint-deny-rules]-rule[0]"
    );
}

#[test]
fn a_name_that_means_nothing_gets_its_nearest() {
    let (code, _, err) =
        run(&["access", "explain", "client/slep", "httpbin/httpbin:8000", "--in", "brownfield"]);
    assert_eq!(code, 1);
    insta::assert_snapshot!(err, @r"
    error: workload `client/slep` is not there: did you mean `client/sleep`?
    ");
}

#[test]
fn matrix_in_every_format() {
    let of = |format: &str| run(&["access", "matrix", "brownfield", "--format", format]).1;
    insta::assert_snapshot!(of("text"), @r"
                             1  2  3  4  5  6
    bookinfo/details-v1      +  +  +  +  -  -
    bookinfo/productpage-v1  +  +  +  +  -  -
    bookinfo/ratings-v1      +  +  +  +  -  -
    bookinfo/reviews-v1      +  +  +  +  -  -
    bookinfo/reviews-v2      +  +  +  +  -  -
    bookinfo/reviews-v3      +  +  +  +  -  -
    client/sleep             +  +  +  +  +  -
    httpbin/httpbin          -  -  -  -  -  +
    outside                  -  -  -  -  -  -
    
      1  bookinfo/details:9080
      2  bookinfo/productpage:9080
      3  bookinfo/ratings:9080
      4  bookinfo/reviews:9080
      5  client/sleep:80
      6  httpbin/httpbin:8000
    
    + allowed   - denied   ~ some are   . nothing there   ? not known   +? -? by the request
    ");
    insta::assert_snapshot!(run(&["access", "matrix", "brownfield", "--by", "namespace"]).1, @r"
              1  2  3
    bookinfo  +  -  -
    client    +  +  -
    httpbin   -  -  +
    outside   -  -  -
    
      1  bookinfo
      2  client
      3  httpbin
    
    + allowed   - denied   ~ some are   . nothing there   ? not known   +? -? by the request
    ");
    let csv = of("csv");
    assert_eq!(csv.lines().count(), 1 + 9 * 6);
    assert!(csv.contains("client/sleep,httpbin/httpbin:8000,deny,no,waypoint httpbin/waypoint"));
    let json: serde_json::Value = serde_json::from_str(&of("json")).unwrap();
    assert_eq!(json["pairs"].as_array().unwrap().len(), 9 * 6);
    assert!(of("dot").contains("\"client/sleep\" -> \"bookinfo/productpage:9080\";"));
    assert!(of("mermaid").starts_with("flowchart LR\n  subgraph g0[\"bookinfo\"]\n"));
    assert!(of("markdown").contains("| `client/sleep` | + | + |"));
}

/// What every move brings is by design, there and back: the gateways between clusters, whose identity ztunnel
/// sees, and bytes that are not HTTP. Nobody else gains, nobody loses, with whatever request.
#[test]
fn no_stage_gains_or_loses_anything_but_what_every_move_brings() {
    let stages = ["none", "client", "httpbin", "bookinfo"];
    let forth = stages.windows(2).map(|pair| (pair[0], pair[1]));
    let back = stages.windows(2).map(|pair| (pair[1], pair[0]));
    for stages in forth.chain(back).chain([("none", "bookinfo"), ("bookinfo", "none")]) {
        let (before, after) =
            (format!("brownfield@{}", stages.0), format!("brownfield@{}", stages.1));
        let fails = ["--fail-on", "gain", "--fail-on", "loss", "--fail-on", "other"];
        let mut arguments = vec!["access", "diff", &before, &after, "--format", "json"];
        arguments.extend(fails);
        let (code, out, err) = run(&arguments);
        assert_eq!(code, 0, "{stages:?} {err}");
        let json: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(json["differences"], serde_json::json!([]), "{stages:?}");
        let differences = json["differencesByDesign"].as_array().unwrap();
        assert!(!differences.is_empty(), "{stages:?}");
        for difference in differences {
            assert!(difference["byDesign"].is_string(), "{stages:?} {difference:#}");
        }
    }
}

#[test]
fn suggestions_hold_and_can_be_read() {
    let (code, out, err) = in_folder(SUGGESTED, &["access", "suggest", "."]);
    assert_eq!(code, 0, "{err}");
    insta::assert_snapshot!(out, @r"
    # a/nothing:80: not known from a, outside
    # a/web:80: partly from a, outside
    # a/web:5432: not from a, outside
    apiVersion: waypost.dev/v1alpha1
    kind: AccessTest
    metadata:
      name: a-today
    spec:
      cases:
      - name: a/second and 1 like it reach a/web:80
        from: a/second
        to: a/web:80
        request:
          method: GET
          path: /
        expect: allow
      - name: a/second and 1 like it may not reach a/web:80 with POST /admin
        from: a/second
        to: a/web:80
        request:
          method: POST
          path: /admin
        expect: deny
      - name: outside may not reach a/web:80
        from: outside
        to: a/web:80
        request:
          method: GET
          path: /
        expect: deny
      - name: a/second and 1 like it may not reach a/web:5432
        from: a/second
        to: a/web:5432
        expect: deny
      - name: outside may not reach a/web:5432
        from: outside
        to: a/web:5432
        expect: deny
    ");
    let both = format!("{SUGGESTED}---\n{out}");
    let (code, _, err) = in_folder(&both, &["access", "test", "."]);
    assert_eq!(code, 0, "{err}");
    let (_, every, _) = in_folder(SUGGESTED, &["access", "suggest", ".", "--every-pair"]);
    assert!(every.matches("  - name: ").count() > out.matches("  - name: ").count(), "{every}");
    assert!(every.contains("from: a/second"), "{every}");
    // an environment's own are taken the same way
    let (code, out, err) = run(&["access", "suggest", "brownfield"]);
    assert_eq!(code, 0, "{err}");
    assert!(
        out.starts_with(
            "# bookinfo/details:9080: from bookinfo, client; not from httpbin, outside\n"
        ),
        "{out}"
    );
}

const SUGGESTED: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: a, labels: {istio-injection: enabled}}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: a, labels: {app: web}}
spec: {containers: [{name: main, image: web}]}
---
apiVersion: v1
kind: Pod
metadata: {name: second, namespace: a}
spec: {containers: [{name: main, image: web}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: a}
spec:
  selector: {app: web}
  ports: [{name: http, port: 80}, {name: tcp-db, port: 5432}]
---
apiVersion: v1
kind: Service
metadata: {name: nothing, namespace: a}
spec:
  selector: {app: gone}
  ports: [{name: http, port: 80}]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: by-path, namespace: a}
spec:
  action: DENY
  rules:
  - to: [{operation: {paths: [/admin*], notMethods: [GET]}}]
  - from: [{source: {notNamespaces: [a]}}]
    to: [{operation: {ports: ['80']}}]
";

#[test]
fn rules_that_no_test_notices_are_named_with_the_request_that_would() {
    let cases = "---
apiVersion: waypost.dev/v1alpha1
kind: AccessTest
metadata: {name: today}
spec:
  cases:
  - {from: outside, to: 'a/web:80', request: {path: /}, expect: deny}
";
    let yaml = format!("{SUGGESTED}{cases}");
    let (code, out, err) = in_folder(&yaml, &["access", "test", ".", "--mutate"]);
    assert_eq!(code, 3, "{out}{err}");
    insta::assert_snapshot!(out, @r"
    FAILED not noticed rule 0 of `a/by-path` removed folder . a/second gains a/web:80 with POST /admin
    FAILED not noticed rule 0 of `a/by-path` flipped folder . a/second gains a/web:80 with POST /admin
    ok     noticed     rule 1 of `a/by-path` removed folder . by `outside to a/web:80`
    ok     noticed     rule 1 of `a/by-path` flipped folder . by `outside to a/web:80`
    ");
    insta::assert_snapshot!(err, @r"
    error[untested-rule]: no access test notices when rule 0 of `a/by-path` is removed or flipped
      --> mesh.yaml:36:5
       |
    36 |   - to: [{operation: {paths: [/admin*], notMethods: [GET]}}]
       |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ a/second gains a/web:80 with POST /admin

    help: add a case from `a/second` to `a/web:80` with POST /admin, that expects deny
    found 1 error
    4 mutants, 2 that no test notices
    ");
    // with what is suggested there, every rule is noticed
    let (_, suggested, _) = in_folder(SUGGESTED, &["access", "suggest", "."]);
    let yaml = format!("{SUGGESTED}---\n{suggested}");
    let (code, out, err) = in_folder(&yaml, &["access", "test", ".", "--mutate", "-f", "junit"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("<testsuite name=\"mutations\" tests=\"4\" failures=\"0\">"), "{out}");
}

fn git(folder: &Path, arguments: &[&str]) {
    let run = std::process::Command::new("git")
        .args(["-c", "user.name=a", "-c", "user.email=a@example.com"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (said(&run.stdout), said(&run.stderr));
    assert!(run.status.success(), "{arguments:?} {out} {err}");
}

#[test]
fn a_commit_is_compared_with_what_lies_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let git = |arguments: &[&str]| git(folder.path(), arguments);
    git(&["init", "-q", "-b", "main"]);
    std::fs::create_dir(folder.path().join("manifests")).unwrap();
    write(folder.path(), "manifests/mesh.yaml", SUGGESTED);
    git(&["add", "."]);
    git(&["commit", "-q", "-m", "before"]);
    write(folder.path(), "manifests/mesh.yaml", &SUGGESTED.replace("/admin*", "/admin"));
    let diff = |arguments: &[&str]| {
        let ran = waypost(folder.path(), &[&["access", "diff"], arguments].concat());
        (ran.code, ran.stdout, ran.stderr)
    };
    let (code, out, err) = diff(&["HEAD:manifests", "manifests", "--fail-on", "gain"]);
    assert_eq!(code, 5, "{err}");
    insta::assert_snapshot!(out, @r"
    a/second, a/web, outside, any other identity, such as cluster.local/ns/other/sa/other gain pod:a/second:1024 (any port that nothing names)
      some requests, such as POST /adminx
      before  deny at sidecar of a/second: denied by ns[a]-policy[by-path]-rule[0]
      after   allow at sidecar of a/second: allowed: no policy denies, and none allows
    a/second, a/web gain a/web:80, and any port that nothing names
      some requests, such as POST /adminx
      before  deny at sidecar of a/web: denied by ns[a]-policy[by-path]-rule[0]
      after   allow at sidecar of a/web: allowed: no policy denies, and none allows
    outside, any other identity, such as cluster.local/ns/other/sa/other gain pod:a/web:1024 (any port that nothing names)
      some requests, such as POST /adminx
      before  deny at sidecar of a/web: denied by ns[a]-policy[by-path]-rule[0]
      after   allow at sidecar of a/web: allowed: no policy denies, and none allows
    ");
    let (code, out, err) = diff(&["HEAD:manifests", "main:manifests"]);
    assert_eq!((code, out.as_str()), (0, ""), "{err}");
    let (code, _, err) = diff(&["gone:manifests", "manifests"]);
    assert_eq!(code, 1);
    assert!(err.contains("there is no revision `gone` in this repository"), "{err}");
    let (code, _, err) = diff(&["HEAD:elsewhere", "manifests"]);
    assert_eq!(code, 1);
    assert!(err.contains("neither an environment nor manifests at `elsewhere`"), "{err}");
}

#[test]
fn an_environment_of_a_commit_is_rendered_from_it() {
    let folder = tempfile::tempdir().unwrap();
    let ran = waypost(folder.path(), &["init", folder.path().to_str().unwrap()]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let git = |arguments: &[&str]| git(folder.path(), arguments);
    git(&["init", "-q", "-b", "main"]);
    git(&["add", "."]);
    git(&["commit", "-q", "-m", "before"]);
    for before in ["main", "main:example", "main:"] {
        let ran = waypost(folder.path(), &["access", "diff", before, "example"]);
        assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{before} {}", ran.stderr);
        assert!(ran.stderr.contains(" at main to example"), "{}", ran.stderr);
    }
}

#[test]
fn ztunnel_tables_are_those_of_the_guide() {
    let (code, out, err) = run(&["access", "ztunnel", "service", "--in", "brownfield"]);
    assert_eq!(code, 0, "{err}");
    insta::assert_snapshot!(out, @r"
    NAMESPACE SERVICE NAME SERVICE VIP WAYPOINT ENDPOINTS
    bookinfo  details                  None     1/1
    bookinfo  productpage              None     1/1
    bookinfo  ratings                  None     1/1
    bookinfo  reviews                  None     3/3
    client    sleep                    waypoint 1/1
    client    waypoint                 None     1/1
    httpbin   httpbin                  waypoint 1/1
    httpbin   waypoint                 None     1/1
    ");
    let (_, out, _) = run(&["access", "ztunnel", "--in", "brownfield", "-o", "json"]);
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    let policies = json["policies"].as_array().unwrap();
    let deny = policies.iter().find(|p| p["name"] == "deny-rules").unwrap();
    assert_eq!(
        *deny,
        serde_json::json!({
            "name": "deny-rules", "namespace": "httpbin", "scope": "NAMESPACE", "action": "DENY",
            "groups": [{"rules": [{"matches": [{"principals": [
                {"prefix": "cp-cluster-1.tsb.local/ns/client/"}]}]}]}],
        })
    );
}

const FOLDER: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: a, labels: {istio.io/dataplane-mode: ambient}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: a}
spec: {template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web}]}}}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: a}
spec: {selector: {app: web}, ports: [{name: http, port: 80}]}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: by-path, namespace: a}
spec: {action: DENY, rules: [{to: [{operation: {paths: [/admin]}}]}]}
---
apiVersion: waypost.dev/v1alpha1
kind: AccessTest
metadata: {name: own}
spec:
  cases:
  - name: nobody administers
    from: a/web
    to: a/web:80
    request: {path: /admin}
    expect: deny
  - from: a/wep
    to: a/web:80
    expect: deny
";

#[test]
fn a_folder_is_asked_and_what_differs_is_shown_with_its_reason() {
    let (code, out, err) = in_folder(FOLDER, &["access", "test", "."]);
    assert_eq!(code, 3);
    insta::assert_snapshot!(err, @r"
    error[access-differs]: `a/web` may reach `a/web:80` (folder .), but the assertion says deny
      --> mesh.yaml:30:13
       |
    30 |     expect: deny
       |             ^^^^ ztunnel of a/web: allowed: no policy denies, and none allows
    
    help: `waypost access explain a/web a/web:80` shows every step
    
    error[unknown-in-access-test]: workload `a/wep` is not there
      --> mesh.yaml:31:11
       |
    31 |   - from: a/wep
       |           ^^^^^ this case was not asked
    
    help: did you mean `a/web`?
    found 2 errors
    1 answer, not as asserted
    ");
    assert!(out.starts_with("FAILED allow nobody administers"), "{out}");
    let (_, out, _) = in_folder(FOLDER, &["access", "test", ".", "--format", "junit"]);
    assert!(out.contains("<failure message=\"expected deny, found allow\">"), "{out}");
}

#[test]
fn who_gains_fails_a_pipeline_that_asks_for_it() {
    let folder = tempfile::tempdir().unwrap();
    for (name, action) in [("before", "DENY"), ("after", "ALLOW")] {
        std::fs::create_dir(folder.path().join(name)).unwrap();
        let text = FOLDER.replace(
            "action: DENY, rules: [{to: [{operation: {paths: [/admin]}}]}]",
            &format!("action: {action}, rules: [{{}}]"),
        );
        write(&folder.path().join(name), "mesh.yaml", &text);
    }
    let diff = |arguments: &[&str]| {
        let ran =
            waypost(folder.path(), &[&["access", "diff", "before", "after"], arguments].concat());
        (ran.code, ran.stdout)
    };
    let (code, out) = diff(&[]);
    assert_eq!(code, 0);
    insta::assert_snapshot!(out, @r"
    a/web, outside gain a/web:80, and any port that nothing names
      every connection
      before  deny at ztunnel of a/web: denied by ns[a]-policy[by-path]-rule[0]
      after   allow at ztunnel of a/web: allowed by ns[a]-policy[by-path]-rule[0]
    ");
    assert_eq!(diff(&["--fail-on", "gain"]).0, 5);
    assert_eq!(diff(&["--fail-on", "loss"]).0, 0);
}

const MESH_CONFIG: &str = "
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data:
  mesh: |
    trustDomain: td1
    rootNamespace: config
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: a, labels: {app: web}}
spec: {containers: [{name: main, image: web}]}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: everywhere, namespace: config}
spec: {}
";

#[test]
fn a_folders_mesh_configuration_is_read() {
    let (code, out, err) =
        in_folder(MESH_CONFIG, &["access", "ztunnel", "--in", "./", "-o", "json"]);
    assert_eq!((code, err.as_str()), (0, ""));
    let said: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(said["workloads"][0]["trustDomain"], "td1");
    // proto JSON leaves GLOBAL out
    assert_eq!(said["policies"][0]["name"], "everywhere");
    assert_eq!(said["policies"][0].get("scope"), None);

    let faulty = MESH_CONFIG.replace("trustDomain: td1", "trustDomain: [td1]");
    let (code, _, err) = in_folder(&faulty, &["access", "ztunnel", "--in", "./"]);
    assert_eq!(code, 3);
    assert!(err.contains("bad-mesh-config") && err.contains("mesh.yaml:7"), "{err}");
}

#[test]
fn what_becomes_of_every_rule() {
    let folder = format!(
        "{FOLDER}---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {{name: nobody, namespace: a}}
spec: {{}}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {{name: elsewhere, namespace: a}}
spec: {{selector: {{matchLabels: {{app: gone}}}}, rules: [{{}}]}}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {{name: several, namespace: a}}
spec:
  rules:
  - from: [{{source: {{namespaces: [a]}}}}]
  - to: [{{operation: {{methods: [GET], ports: ['80']}}}}]
"
    );
    let (code, out, err) = in_folder(&folder, &["access", "policies", "."]);
    assert_eq!(code, 0, "{err}");
    insta::assert_snapshot!(format!("{out}{err}"), @r"
    POLICY      ACTION RULE    EFFECT                   WHERE     WRITTEN AT
    a/by-path   DENY   rule[0] inert (!)                ztunnel 1 mesh.yaml:18:18
    a/elsewhere ALLOW  -       reaches nothing                    mesh.yaml:42:18
    a/nobody    ALLOW  -       no rules: allows nothing ztunnel 1 mesh.yaml:37:18
    a/several   ALLOW  rule[0] enforced                 ztunnel 1 mesh.yaml:47:18
    a/several   ALLOW  rule[1] dropped                  ztunnel 1 mesh.yaml:47:18
    4 policies: dropped 1, enforced 1, inert 1, no rules: allows nothing 1, reaches nothing 1; (!) 1 lets through more than it says
    ");
    let (_, out, _) = in_folder(&folder, &["access", "policies", ".", "--format", "markdown"]);
    insta::assert_snapshot!(out, @r"
    | policy | action | rule | effect | where | written at |
    |---|---|---|---|---|---|
    | `a/by-path` | `DENY` | `rule[0]` | `inert (!)` | `ztunnel 1` | `mesh.yaml:18:18` |
    | `a/elsewhere` | `ALLOW` | `-` | `reaches nothing` | ` ` | `mesh.yaml:42:18` |
    | `a/nobody` | `ALLOW` | `-` | `no rules: allows nothing` | `ztunnel 1` | `mesh.yaml:37:18` |
    | `a/several` | `ALLOW` | `rule[0]` | `enforced` | `ztunnel 1` | `mesh.yaml:47:18` |
    | `a/several` | `ALLOW` | `rule[1]` | `dropped` | `ztunnel 1` | `mesh.yaml:47:18` |
    ");
    let (_, out, _) = in_folder(&folder, &["access", "policies", ".", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        json["policies"][0],
        serde_json::json!({
            "cluster": "", "namespace": "a", "name": "by-path", "action": "DENY",
            "writtenAt": "mesh.yaml:18:18",
            "rules": [{"rule": 0, "effect": "inert", "opens": true, "places": {"ztunnel": 1}}],
        })
    );
}

/// On the way back pods have neither ztunnel nor sidecar until they are restarted, and only AccessTests
/// were asked in such states.
#[test]
fn states_between_two_points_are_compared_with_both() {
    let back = ["access", "diff", "brownfield@httpbin", "brownfield@httpbin/mesh"];
    let (code, out, err) = run(&back);
    assert_eq!(code, 0, "{err}");
    assert!(!out.contains("meanwhile"), "{out}");
    let (code, out, err) = run(&[&back[..], &["--transient", "--fail-on", "gain"]].concat());
    assert_eq!(code, 5, "{err}");
    let opened = "meanwhile, while pods of httpbin/httpbin are outside the mesh:";
    let (_, meanwhile) = out.split_once(opened).unwrap_or_else(|| panic!("{out}"));
    let gain =
        meanwhile.lines().find(|line| line.contains("gain") && line.contains("client/sleep"));
    assert!(gain.is_some_and(|line| line.contains("httpbin/httpbin:8000")), "{out}");
    // the way there never opens anything that neither end does
    let forth = ["access", "diff", "brownfield@httpbin/enrollment", "brownfield@httpbin"];
    let (code, out, err) = run(&[&forth[..], &["--transient", "--fail-on", "gain"]].concat());
    assert_eq!(code, 0, "{out}{err}");
    let (_, json, _) = run(&[&back[..], &["--transient", "--format", "json"]].concat());
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(json["transient"][0]["state"].is_string(), "{json}");
}
