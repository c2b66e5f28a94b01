//! Whether Argo CD and Flux are done, by the status of what they are told.

use super::status::{condition, conditions, is_of_before, word};
use super::{Dump, Expected, Verdict};
use crate::diagnostic::Diagnostic;
use crate::k8s::Object;
use crate::yaml::{Node, Value};

const ARGO: &str = "argoproj.io";
const FLUX: &str = "kustomize.toolkit.fluxcd.io";

pub(super) fn check(expected: &Expected<'_>, dump: &Dump, verdict: &mut Verdict) {
    let of_cluster = |object: &&Object| {
        let label = |key: &str| object.labels.get(key).map(String::as_str);
        label("waypost.dev/environment") == Some(expected.environment.name.as_str())
            && label("waypost.dev/cluster") == Some(expected.cluster.name.as_str())
    };
    let told = |group: &str| expected.told.iter().any(|object| object.group == group);
    if told(ARGO) {
        let mut found = missing(expected, dump, ARGO, "Application");
        let applications: Vec<&Object> =
            dump.of_kind(ARGO, "Application").filter(of_cluster).collect();
        found.extend(applications.iter().filter_map(|o| application(o)));
        let is_told = dump.has_kind(ARGO, "Application");
        verdict.answer(None, "Argo CD's Applications are Synced and Healthy", is_told, found);
    }
    if told(FLUX) {
        let mut found = missing(expected, dump, FLUX, "Kustomization");
        let kustomizations: Vec<&Object> =
            dump.of_kind(FLUX, "Kustomization").filter(of_cluster).collect();
        found.extend(kustomizations.iter().filter_map(|o| kustomization(o)));
        let is_told = dump.has_kind(FLUX, "Kustomization");
        verdict.answer(None, "Flux's Kustomizations are Ready", is_told, found);
    }
}

/// What an applier should be told and is not, where the dump has others of the kind.
fn missing(expected: &Expected<'_>, dump: &Dump, group: &str, kind: &str) -> Vec<Diagnostic> {
    if !dump.has_kind(group, kind) {
        return Vec::new();
    }
    let prefix = format!("{}-{}-", expected.environment.name, expected.cluster.name);
    expected
        .told
        .iter()
        .filter(|object| object.group == group && object.kind == kind)
        .filter(|object| object.name.starts_with(&prefix) && dump.get(object).is_none())
        .map(|object| {
            Diagnostic::error("not-told", format!("{object} is not there: its unit is not applied"))
                .help("apply what lies in `gitops/`, or look why the Application or Kustomization above it does not")
        })
        .collect()
}

fn text<'n>(object: &'n Object, path: &[&str]) -> &'n str {
    object.body.get_path(path).and_then(Node::as_str).unwrap_or_default()
}

fn application(object: &Object) -> Option<Diagnostic> {
    let sync = text(object, &["status", "sync", "status"]);
    let health = text(object, &["status", "health", "status"]);
    let phase = match text(object, &["status", "operationState", "phase"]) {
        "Failed" | "Error" if is_of_another_revision(object) => "",
        phase => phase,
    };
    let failed = failed_condition(object);
    let is_done = sync == "Synced" && health == "Healthy" && matches!(phase, "" | "Succeeded");
    if is_done && failed.is_none() {
        return None;
    }
    let name = &object.name;
    let waits =
        object.body.get("spec").and_then(|s| s.get("syncPolicy")?.get("automated")).is_none();
    let why = match (failed, text(object, &["status", "operationState", "message"])) {
        (Some(message), _) => message,
        (None, "") => text(object, &["status", "health", "message"]),
        (None, message) => message,
    };
    let or = |text: &str| if text.is_empty() { "unknown".to_owned() } else { text.to_owned() };
    let mut message = format!("Application `{name}` is {} and {}", or(sync), or(health));
    if failed.is_some() {
        message.push_str(", and has an error");
    }
    if !matches!(phase, "" | "Succeeded") {
        message.push_str(&format!(", its last sync {phase}"));
    }
    let help = if sync != "Synced" && waits {
        format!(
            "it waits for somebody to sync it, once the unit before is Synced and Healthy with this commit: `argocd app sync {name}`"
        )
    } else {
        format!("`argocd app get {name} --show-operation` says why; then `argocd app sync {name}`")
    };
    Some(Diagnostic::error("application-not-done", message).at(object.name_span(), why).help(help))
}

/// What a condition says of an error: Argo CD could not compare, or may not sync.
fn failed_condition(application: &Object) -> Option<&str> {
    let failed = conditions(application).iter().find(|c| word(c, "type").ends_with("Error"))?;
    Some(word(failed, "message"))
}

/// A sync of a commit that failed stays the last one, until another is needed: a revert brings back what is there
/// already, and none is.
fn is_of_another_revision(application: &Object) -> bool {
    let state = |path: &[&str]| text(application, &[&["status", "operationState"], path].concat());
    let failed = match state(&["syncResult", "revision"]) {
        "" => state(&["operation", "sync", "revision"]),
        revision => revision,
    };
    let compared = text(application, &["status", "sync", "revision"]);
    !compared.is_empty() && !failed.is_empty() && failed != compared
}

fn kustomization(object: &Object) -> Option<Diagnostic> {
    let name = &object.name;
    let suspended =
        object.body.get_path(&["spec", "suspend"]).map(|n| &n.value) == Some(&Value::Bool(true));
    if suspended {
        return Some(
            Diagnostic::error(
                "kustomization-not-ready",
                format!("Kustomization `{name}` is suspended"),
            )
            .at(object.name_span(), "nothing of its unit is applied")
            .help(format!("`flux resume kustomization {name}`")),
        );
    }
    let (status, reason, why) = match condition(object, "Ready") {
        // what its conditions say is of what it was told before
        _ if is_of_before(object.body.get("status"), object) => (
            "Unknown",
            "not seen yet",
            "kustomize-controller has not looked at what it is told now",
        ),
        Some(c) => (word(c, "status"), word(c, "reason"), word(c, "message")),
        None => ("Unknown", "no condition", ""),
    };
    if status == "True" {
        return None;
    }
    Some(
        Diagnostic::error(
            "kustomization-not-ready",
            format!("Kustomization `{name}` is not Ready: {reason}"),
        )
        .at(object.name_span(), why.lines().next().unwrap_or_default())
        .help(format!(
            "settle what it says, then `flux reconcile kustomization {name} --with-source`"
        )),
    )
}
