//! TSB: public documents, and the attribute lists of the public API, against our schemas.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use waypost::diagnostic::{Diagnostic, Sources};
use waypost::k8s::{Object, objects_of};
use waypost::resolve::tenancy::resource;
use waypost::spec::tsb::{DocumentKind, TsbDocument, read_documents};
use waypost::translate::tenancy::{KubernetesForm, to_kubernetes, to_tctl};
use waypost::validate::Schema;
use waypost::yaml::{Budget, read};

use crate::data;

fn manifests() -> Vec<PathBuf> {
    let mut files = Vec::new();
    for folder in fs::read_dir(data("tsb")).expect("tsb").map(|e| e.expect("an entry").path()) {
        if folder.is_dir() && folder.file_name().is_some_and(|n| n != "schema-fields") {
            let inside = fs::read_dir(&folder).expect("a folder");
            files.extend(inside.map(|e| e.expect("an entry").path()));
        }
    }
    files.sort();
    assert!(files.len() >= 19, "only {} files", files.len());
    files
}

fn schema_text(path: &str) -> Option<String> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("schemas");
    fs::read_to_string(root.join(path)).ok()
}

fn schema_of(object: &Object) -> Option<Schema> {
    let path = format!(
        "{}/{}_{}.json",
        object.gvk.group,
        object.gvk.kind.to_lowercase(),
        object.gvk.version
    );
    let text = schema_text(&path)?;
    Some(Schema::compile(serde_json::from_str(&text).expect("JSON")).expect(&path))
}

/// What is wrong with public documents, and why that is no fault of ours.
const EXPECTED: &[(&str, &str)] = &[
    // Helm values, not objects
    ("cd__apps__tsb-installer__values.yaml", "not-an-object"),
    ("cd__example-clusters__unmanaged-workload__values-tsb-installer.yaml", "not-an-object"),
    // `apiversion`: tctl takes keys in any case, the API server does not
    ("cd__example-tsb__test2__workspace.yaml", "not-an-object"),
    // a kind of TSB 1.4, gone since
    ("helpers__user-cluster-reader.yaml", "unknown-kind"),
];

#[test]
fn public_documents_are_read_valid_and_convertible() {
    let mut found = BTreeSet::new();
    let (mut known, mut wrong) = (0, Vec::new());
    for path in manifests() {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).expect("a file");
        let mut sources = Sources::default();
        let file = sources.add(name.as_str(), text.as_str());
        let (documents, mut all) = read(file, &text, &Budget::MANIFESTS);
        all.retain(Diagnostic::is_error);
        let (objects, more) = objects_of(documents);
        all.extend(more);
        let (documents, _, more) = read_documents(objects);
        all.extend(more);
        for document in &documents {
            let DocumentKind::Known(_) = document.kind else { continue };
            known += 1;
            match schema_of(&document.object) {
                Some(schema) => all.extend(schema.check(&document.object.body)),
                None => wrong.push(format!("{name}: no schema for {}", document.title())),
            }
            converts(document, &name, &mut wrong);
        }
        for diagnostic in &all {
            found.insert((name.clone(), diagnostic.code));
            if !EXPECTED.contains(&(name.as_str(), diagnostic.code)) {
                wrong.push(format!("{name}: {} ({})", diagnostic.message, diagnostic.code));
            }
        }
    }
    for (name, code) in EXPECTED {
        if !found.contains(&((*name).to_owned(), code)) {
            wrong.push(format!("{name}: {code} is expected, but not found"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(known >= 40, "only {known} TSB documents");
}

/// The other form and back is the same resource.
fn converts(document: &TsbDocument, name: &str, wrong: &mut Vec<String>) {
    let tenants = BTreeMap::new();
    let form = KubernetesForm { namespace: "tsb", tenants: &tenants, waves: false };
    let mut found = Vec::new();
    let Some(original) = resource(document, &mut found) else {
        wrong.push(format!("{name}: {found:?}"));
        return;
    };
    for value in [to_kubernetes(&original, &form), to_tctl(&original)] {
        let text = serde_json::to_string(&value).expect("JSON");
        let mut sources = Sources::default();
        let (documents, _) = read(sources.add("again", text.as_str()), &text, &Budget::SPEC);
        let (documents, _, mut found) = read_documents(objects_of(documents).0);
        let again = documents.first().and_then(|d| resource(d, &mut found));
        let same = again.is_some_and(|again| {
            again.gvk == original.gvk
                && again.position == original.position
                && again.body == original.body
        });
        let forms = documents.first().map(|d| d.form);
        if !same || !found.is_empty() {
            wrong.push(format!("{name}: {} is not the same again ({forms:?})", document.title()));
        }
    }
}

/// The attribute lists and the kinds they are of.
const LISTS: &[(&str, &str)] = &[
    ("organization", "tsb.tetrate.io/organization"),
    ("organization_setting", "tsb.tetrate.io/organizationsetting"),
    ("cluster", "tsb.tetrate.io/cluster"),
    ("team", "tsb.tetrate.io/team"),
    ("user", "tsb.tetrate.io/user"),
    ("service_account", "tsb.tetrate.io/serviceaccount"),
    ("tenant", "tsb.tetrate.io/tenant"),
    ("tenant_setting", "tsb.tetrate.io/tenantsetting"),
    ("workspace", "tsb.tetrate.io/workspace"),
    ("workspace_setting", "tsb.tetrate.io/workspacesetting"),
    ("security_group", "security.tsb.tetrate.io/group"),
    ("security_security_setting", "security.tsb.tetrate.io/securitysetting"),
    ("security_service_security_setting", "security.tsb.tetrate.io/servicesecuritysetting"),
    ("traffic_group", "traffic.tsb.tetrate.io/group"),
    ("traffic_traffic_setting", "traffic.tsb.tetrate.io/trafficsetting"),
    ("traffic_service_traffic_setting", "traffic.tsb.tetrate.io/servicetrafficsetting"),
    ("traffic_service_route", "traffic.tsb.tetrate.io/serviceroute"),
    ("gateway_group", "gateway.tsb.tetrate.io/group"),
    ("gateway_gateway", "gateway.tsb.tetrate.io/gateway"),
    ("gateway_ingress_gateway", "gateway.tsb.tetrate.io/ingressgateway"),
    ("gateway_egress_gateway", "gateway.tsb.tetrate.io/egressgateway"),
    ("gateway_tier1_gateway", "gateway.tsb.tetrate.io/tier1gateway"),
    ("istiointernal_group", "istiointernal.tsb.tetrate.io/group"),
    ("application_application", "application.tsb.tetrate.io/application"),
    ("application_api", "application.tsb.tetrate.io/api"),
    ("rbac_role", "rbac.tsb.tetrate.io/role"),
    ("access_binding", "rbac.tsb.tetrate.io/accessbindings"),
];

/// Every attribute of the public API has its field, and is required there when it is required here.
#[test]
fn schemas_have_every_attribute_of_the_api() {
    let (mut wrong, mut compared) = (Vec::new(), 0);
    for (list, kind) in LISTS {
        let text = schema_text(&format!("{kind}_v2.json")).expect(kind);
        let schema: Value = serde_json::from_str(&text).expect("JSON");
        let text = fs::read_to_string(data(&format!("tsb/schema-fields/{list}.tsv"))).expect(list);
        let rows: Vec<Vec<&str>> = text.lines().skip(1).map(|l| l.split('\t').collect()).collect();
        let paths: BTreeMap<&str, &str> = rows.iter().map(|row| (row[0], row[1])).collect();
        for row in &rows {
            let (path, presence) = (row[0], row[2]);
            // `metadata` has these, and the provider's own bookkeeping
            if matches!(path, "name" | "parent" | "id" | "fqn") {
                continue;
            }
            let names: Vec<&str> = path.split('.').collect();
            // the fields of the ControlPlane; what the management plane reports; fields of old state
            if ["install_template", "namespaces", "state", "service_account", "keys"]
                .contains(&names[0])
                && *list != "access_binding"
                || names.iter().any(|n| n.starts_with("xxx_"))
            {
                continue;
            }
            // wrappers of booleans and numbers, durations: plain in YAML (facts/tsb.md, "Naming and
            // value rules")
            if wrapped(&names, &paths) {
                continue;
            }
            compared += 1;
            match field(&schema, &names) {
                None => wrong.push(format!("{list}: {path} has no field")),
                Some(required) if required != (presence == "required") => {
                    wrong.push(format!("{list}: {path} is {presence}"));
                }
                Some(_) => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared > 2_000, "only {compared} attributes");
}

fn wrapped(names: &[&str], paths: &BTreeMap<&str, &str>) -> bool {
    let Some((last, parents)) = names.split_last() else { return false };
    let parent = parents.join(".");
    let beside = |name: &str| paths.contains_key(format!("{parent}.{name}").as_str());
    match *last {
        "seconds" | "nanos" => beside("seconds") && beside("nanos"),
        "value" => {
            let scalar = paths[names.join(".").as_str()] != "Attributes";
            let prefix = format!("{parent}.");
            let alone =
                paths.range(prefix.as_str()..).take_while(|(p, _)| p.starts_with(&prefix)).count()
                    == 1;
            // `remote_address.value` of rate limits is a field of its own
            scalar && alone && !parent.ends_with("remote_address")
        }
        _ => false,
    }
}

/// Whether a field is required; `None` where there is none.
fn field(schema: &Value, names: &[&str]) -> Option<bool> {
    let mut node = &schema["properties"]["spec"];
    let mut required = false;
    for name in names {
        let name = camel_case(name);
        node = content(schema, node);
        required = node["required"].as_array().is_some_and(|r| r.contains(&name.as_str().into()));
        node = node["properties"].get(&name)?;
    }
    Some(required)
}

/// The mapping behind references, lists and maps.
fn content<'a>(schema: &'a Value, node: &'a Value) -> &'a Value {
    if let Some(target) = node["$ref"].as_str() {
        return content(schema, schema.pointer(&target[1..]).expect(target));
    }
    match (node.get("items"), node.get("additionalProperties").filter(|a| a.is_object())) {
        (Some(items), _) => content(schema, items),
        (None, Some(values)) => content(schema, values),
        (None, None) => node,
    }
}

fn camel_case(name: &str) -> String {
    let name = name.replace("5_xx", "5xx").replace("string_", "string");
    let mut words = name.split('_');
    let mut out = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        out.extend(letters.next().map(|c| c.to_ascii_uppercase()));
        out.push_str(letters.as_str());
    }
    out
}
