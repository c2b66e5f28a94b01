//! Secrets are hidden by where they stand, in every verb, and nothing else is.

use crate::program::{copy_of, waypost, waypost_reading};

const FORMATS: [&str; 6] = ["text", "json", "junit", "sarif", "github", "gitlab"];

/// Values that a project has many of as names: `atlas`, `true`.
const SECRETS: &str = "\
apiVersion: v1
kind: Secret
metadata: {name: db, namespace: atlas-data}
stringData: {username: atlas, ssl: \"true\", pin: 4711}
---
apiVersion: v1
kind: Service
metadata: {name: graph, namespace: atlas-intel}
spec: {selector: {app: graph}, ports: [{name: http, port: 80}]}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: Atlas, namespace: flux-system}
spec: {interval: 5m, prune: \"yes\", path: ./apps, sourceRef: {kind: GitRepository, name: a}}
";

#[test]
fn a_value_of_a_secret_is_not_searched_for_in_other_texts() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.yaml"), SECRETS).unwrap();
    for format in FORMATS {
        let ran = waypost(folder.path(), &["validate", "a.yaml", "--format", format]);
        assert_eq!(ran.code, 3, "{}", ran.stderr);
        let all = format!("{}{}", ran.stdout, ran.stderr);
        assert!(!all.contains("***-") && !all.contains("`***` or"), "{format}: {all}");
        assert!(all.contains("`true` or `false`"), "{format}: {all}");
    }
}

/// Every place that is secret, with a finding right beside it.
#[test]
fn secrets_are_hidden_in_every_place_and_format() {
    let token = format!("{}{}", "glpat-", "ZyXwVuTsRqPoNmLkJiHg");
    for (place, text) in [
        (
            "a Secret in a list of Secrets",
            "apiVersion: v1\nkind: SecretList\nitems:\n- {metadata: {name: A}, stringData: {p: w0rd-of-mine}, other: 1}\n".to_owned(),
        ),
        (
            "what kubectl keeps of one",
            "apiVersion: v1\nkind: Secret\nmetadata: {name: A, annotations: {kubectl.kubernetes.io/last-applied-configuration: '{\"stringData\":{\"p\":\"w0rd-of-mine\"}}'}}\n".to_owned(),
        ),
        (
            "a password in a URL",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: A}\ndata: {url: \"amqp://shop:w0rd-of-mine@mq.example\"}\n".to_owned(),
        ),
        (
            "a variable",
            "apiVersion: v1\nkind: Pod\nmetadata: {name: A}\nspec: {containers: [{name: a, env: [{name: DB_PASSWORD, value: w0rd-of-mine}]}]}\n".to_owned(),
        ),
        (
            "a flag",
            "apiVersion: v1\nkind: Pod\nmetadata: {name: A}\nspec: {containers: [{name: a, args: [--db-password=w0rd-of-mine]}]}\n".to_owned(),
        ),
        (
            "a Secret of another form than it may have",
            "apiVersion: v1\nkind: Secret\nmetadata: {name: A}\nstringData: {p: [w0rd-of-mine, {q: w0rd-of-mine}]}\n".to_owned(),
        ),
        (
            "a file that cannot be read",
            "apiVersion: v1\nkind: Secret\nmetadata: {name: A}\nstringData:\n  p: w0rd-of-mine\n  q: \"w0rd-of-mine\n- x\n".to_owned(),
        ),
        (
            "a token",
            format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: A, labels: {{hunter: \"{token}\"}}}}\n"),
        ),
    ] {
        // all on as few lines as can be, so that an excerpt would show the value
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.yaml"), &text).unwrap();
        for format in FORMATS {
            let ran = waypost(folder.path(), &["validate", "a.yaml", "--format", format]);
            let all = format!("{}{}", ran.stdout, ran.stderr);
            assert!(ran.code == 3 || ran.stderr.contains("objects"), "{place}: {all}");
            assert!(!all.contains("w0rd-of-mine") && !all.contains(&token), "{place}, {format}: {all}");
        }
    }
}

#[test]
fn the_length_of_a_secret_is_not_shown() {
    let said = |secret: &str| {
        let text = format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\nstringData: {{p: {secret}, q: [1]}}\n"
        );
        waypost_reading(std::path::Path::new("."), &["validate", "-"], &text).stderr
    };
    assert!(said("a").contains("secret-data"));
    assert_eq!(said("a"), said("w0rd-of-mine-and-a-long-tail"));
}

#[test]
fn a_diff_of_the_tree_shows_no_secret() {
    let folder = copy_of("greenfield");
    let root = folder.path();
    assert_eq!(waypost(root, &["render", "greenfield"]).code, 0);
    let place = root.join("rendered/greenfield/cp-cluster-1/mesh/client");
    std::fs::create_dir_all(&place).unwrap();
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: client}\nstringData: {password: w0rd-of-mine}\n";
    std::fs::write(place.join("secret-s.yaml"), secret).unwrap();
    let ran = waypost(root, &["check", "greenfield", "--diff"]);
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    assert!(ran.stdout.contains("-kind: Secret"), "{}", ran.stdout);
    let all = format!("{}{}", ran.stdout, ran.stderr);
    assert!(!all.contains("w0rd-of-mine"), "{all}");
}
