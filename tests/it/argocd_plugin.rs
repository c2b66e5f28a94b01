//! The config management plugin of `docs/argocd-plugin`, run as Argo CD's sidecar runs it: in the
//! Application's path, without a home (facts/gitops-delivery.md 2.7).

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::program::{copy_of, files, project, waypost};

fn generate(root: &Path, variables: &[(&str, &str)]) -> Output {
    let path = project().join("docs/argocd-plugin/plugin.yaml");
    let text = std::fs::read_to_string(path).expect("the plugin");
    let plugin: Value = serde_yaml::from_str(&text).expect("YAML");
    let generate = &plugin["spec"]["generate"];
    let words: Vec<&str> = ["command", "args"]
        .iter()
        .flat_map(|part| generate[part].as_array().expect("a list"))
        .map(|word| word.as_str().expect("a text"))
        .collect();
    let program = Path::new(env!("CARGO_BIN_EXE_waypost")).parent().expect("a folder");
    Command::new(words[0])
        .args(&words[1..])
        .env_clear()
        .env("PATH", format!("{}:/usr/bin:/bin", program.display()))
        .env("HOME", "/nonexistent")
        .envs(variables.iter().copied())
        .current_dir(root.join("environments/brownfield"))
        .output()
        .expect("sh starts")
}

#[test]
fn the_plugin_prints_what_a_render_applies_and_writes_nothing() {
    let folder = copy_of("brownfield");
    let before = files(folder.path());
    for unit in ["platform", "tsb", "mesh", "enrollment", "workloads"] {
        let output = generate(
            folder.path(),
            &[("ARGOCD_ENV_CLUSTER", "cp-cluster-1"), ("ARGOCD_ENV_UNIT", unit)],
        );
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{unit}: {said}");
        let rendered =
            waypost(folder.path(), &["render", "brownfield", "--stdout", "--unit", unit]);
        assert_eq!(String::from_utf8_lossy(&output.stdout), rendered.stdout, "{unit}");
        assert!(rendered.stdout.contains("kind: "), "{unit}");
    }
    assert_eq!(files(folder.path()), before);
}

#[test]
fn the_plugin_fails_with_no_output_rather_than_give_argo_cd_nothing() {
    let folder = copy_of("brownfield");
    let cluster = ("ARGOCD_ENV_CLUSTER", "cp-cluster-1");
    let fails = |variables: &[(&str, &str)], why: &str| {
        let output = generate(folder.path(), variables);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && output.stdout.is_empty(), "{variables:?}: {said}");
        assert!(said.contains(why), "{variables:?}: {said}");
    };
    fails(&[cluster], "ARGOCD_ENV_UNIT");
    fails(&[cluster, ("ARGOCD_ENV_UNIT", "mash")], "`mash` is no unit");
    fails(&[cluster, ("ARGOCD_ENV_UNIT", "$(touch x)")], "is no unit");

    let spec = folder.path().join("environments/brownfield/environment.yaml");
    let text = std::fs::read_to_string(&spec).expect("the spec");
    let without = text.replace("    tsb: [tsb-config.yaml]\n", "");
    assert_ne!(without, text);
    std::fs::write(&spec, without).expect("written");
    fails(&[cluster, ("ARGOCD_ENV_UNIT", "tsb")], "has no objects");
    std::fs::write(&spec, text.replace("platform: generic", "platform: generik")).expect("written");
    fails(&[cluster, ("ARGOCD_ENV_UNIT", "mesh")], "generik");
}
