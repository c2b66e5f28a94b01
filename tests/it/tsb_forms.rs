//! The two forms of TSB resources: `tests/cases/tsb-forms/<case>/` has the same resources in both,
//! and each becomes the other.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;
use waypost::diagnostic::{Diagnostic, Sources};
use waypost::k8s::objects_of;
use waypost::model::{Owner, TsbResource};
use waypost::resolve::tenancy::resource;
use waypost::spec::tsb::read_documents;
use waypost::translate::tenancy::{
    KubernetesForm, TsbObject, UnitOptions, to_kubernetes, to_tctl, unit,
};
use waypost::yaml::{Budget, read};

fn resources(text: &str) -> Vec<TsbResource> {
    let mut sources = Sources::default();
    let file = sources.add("tsb.yaml", text);
    let (documents, found) = read(file, text, &Budget::SPEC);
    assert!(found.is_empty(), "{found:?}");
    let (documents, others, found) = read_documents(objects_of(documents).0);
    assert!(others.is_empty());
    assert!(!found.iter().any(Diagnostic::is_error), "{found:?}");
    let mut found = Vec::new();
    let resources: Vec<TsbResource> =
        documents.iter().filter_map(|document| resource(document, &mut found)).collect();
    assert!(found.is_empty(), "{found:?}");
    resources
}

fn plain(text: &str) -> Vec<Value> {
    let mut sources = Sources::default();
    let (documents, _) = read(sources.add("plain.yaml", text), text, &Budget::SPEC);
    documents.iter().map(|document| document.root.to_json()).collect()
}

fn form(tenants: &BTreeMap<String, String>) -> KubernetesForm<'_> {
    KubernetesForm { namespace: "gitops", tenants, waves: false }
}

#[test]
fn each_form_becomes_the_other() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/tsb-forms/every-kind");
    let read = |name: &str| fs::read_to_string(folder.join(name)).expect(name);
    let (tctl, kubernetes) = (read("tctl.yaml"), read("kubernetes.yaml"));
    let (as_tctl, as_kubernetes) = (plain(&tctl), plain(&kubernetes));
    assert!(as_tctl.len() > 29 && as_tctl.len() == as_kubernetes.len());
    let tenants = BTreeMap::new();
    for source in [&tctl, &kubernetes] {
        for (index, resource) in resources(source).iter().enumerate() {
            assert_eq!(to_kubernetes(resource, &form(&tenants)), as_kubernetes[index]);
            assert_eq!(to_tctl(resource), as_tctl[index]);
        }
    }
}

fn objects(text: &str, policies: Owner) -> (Vec<TsbObject>, Vec<Diagnostic>) {
    let tenants = BTreeMap::from([("dev".to_owned(), "dev-config".to_owned())]);
    let options = UnitOptions { form: KubernetesForm { waves: true, ..form(&tenants) }, policies };
    unit(&resources(text), &options)
}

const SETTINGS: &str = r#"
apiVersion: api.tsb.tetrate.io/v2
kind: TenantSetting
metadata: {name: all-security, organization: o, tenant: dev}
spec:
  displayName: Settings
  defaultSecuritySetting:
    propagationStrategy: STRICTER
    authenticationSettings: {trafficMode: REQUIRED}
    authorization: {mode: RULES, rules: {denyAll: true}}
---
apiVersion: api.tsb.tetrate.io/v2
kind: WorkspaceSetting
metadata: {name: more, organization: o, tenant: dev, workspace: w}
spec:
  failoverSettings: {topologyChoice: CLUSTER}
  defaultSecuritySetting:
    authorization:
      mode: WORKSPACE
      identityMatch: PERMISSIVE
---
apiVersion: security.tsb.tetrate.io/v2
kind: SecuritySetting
metadata: {name: jwt, organization: o, tenant: dev, workspace: w, group: g}
spec:
  authenticationSettings:
    trafficMode: OPTIONAL
    http: {jwt: {issuer: i}}
---
apiVersion: api.tsb.tetrate.io/v2
kind: Tenant
metadata: {name: dev, organization: o}
---
apiVersion: api.tsb.tetrate.io/v2
kind: Workspace
metadata: {name: w, organization: o, tenant: dev}
"#;

#[test]
fn objects_come_in_the_order_of_the_hierarchy() {
    let (objects, found) = objects(SETTINGS, Owner::Tsb);
    assert!(found.is_empty(), "{found:?}");
    let order: Vec<_> = objects
        .iter()
        .map(|o| {
            (
                o.value["kind"].as_str(),
                o.value["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"].as_str(),
            )
        })
        .collect();
    assert_eq!(
        order,
        [
            (Some("Tenant"), Some("10")),
            (Some("Workspace"), Some("30")),
            (Some("TenantSetting"), Some("37")),
            (Some("WorkspaceSetting"), Some("38")),
            (Some("SecuritySetting"), Some("39")),
        ]
    );
    assert!(objects.iter().all(|o| o.value["metadata"]["namespace"] == "dev-config"));
}

#[test]
fn what_the_policies_stand_for_is_not_applied() {
    let (objects, found) = objects(SETTINGS, Owner::GitOps);
    assert_eq!(found.iter().map(|d| d.code).collect::<Vec<_>>(), ["owned-by-policies"]);
    let spec = |kind: &str| {
        let object = objects.iter().find(|o| o.value["kind"] == kind);
        object.map(|o| o.value["spec"].clone())
    };
    assert_eq!(spec("TenantSetting"), None, "nothing but names is left");
    assert_eq!(
        spec("WorkspaceSetting"),
        Some(serde_json::json!({"failoverSettings": {"topologyChoice": "CLUSTER"}}))
    );
    assert_eq!(
        spec("SecuritySetting"),
        Some(serde_json::json!({"authenticationSettings": {"http": {"jwt": {"issuer": "i"}}}}))
    );
}

#[test]
fn two_resources_that_kubernetes_cannot_tell_apart_are_found() {
    let (_, found) = objects(
        "
apiVersion: api.tsb.tetrate.io/v2
kind: Workspace
metadata: {name: web, organization: o, tenant: a}
---
apiVersion: api.tsb.tetrate.io/v2
kind: Workspace
metadata: {name: web, organization: o, tenant: b}
---
apiVersion: traffic.tsb.tetrate.io/v2
kind: Group
metadata: {name: web, organization: o, tenant: b, workspace: web}
---
apiVersion: gateway.tsb.tetrate.io/v2
kind: Group
metadata: {name: web_x, organization: o, tenant: b, workspace: web}
",
        Owner::Tsb,
    );
    let codes: Vec<_> = found.iter().map(|d| d.code).collect();
    assert_eq!(codes, ["same-object", "not-a-kubernetes-name"]);
}

#[test]
fn what_tctl_prints_is_taken_without_what_the_management_plane_sets() {
    let text = "
apiVersion: api.tsb.tetrate.io/v2
kind: Tenant
metadata: {name: dev, organization: o, resourceVersion: '7', displayName: Development}
spec: {etag: '7', fqn: organizations/o/tenants/dev}
";
    let mut sources = Sources::default();
    let (documents, _) = read(sources.add("t", text), text, &Budget::SPEC);
    let (documents, ..) = read_documents(objects_of(documents).0);
    let mut found = Vec::new();
    let tenant = resource(&documents[0], &mut found).expect("a resource");
    assert_eq!(found.iter().map(|d| d.code).collect::<Vec<_>>(), ["returned-field"; 2]);
    assert_eq!(
        to_kubernetes(&tenant, &form(&BTreeMap::new())),
        serde_json::json!({
            "apiVersion": "tsb.tetrate.io/v2",
            "kind": "Tenant",
            "metadata": {
                "name": "dev",
                "namespace": "gitops",
                "annotations": {"tsb.tetrate.io/organization": "o"},
            },
            "spec": {"displayName": "Development"},
        })
    );
}

#[test]
fn an_unknown_kind_in_tctl_form_is_told_where_it_would_be_applied() {
    let text = "
apiVersion: extension.tsb.tetrate.io/v2
kind: WasmExtension
metadata: {name: hello, organization: o}
";
    let (objects, found) = objects(text, Owner::Tsb);
    assert_eq!(found.iter().map(|d| d.code).collect::<Vec<_>>(), ["not-converted"]);
    assert_eq!(objects[0].value["metadata"]["organization"], "o");
}
