//! CustomResourceDefinitions: the schemas that an API server would apply.
//!
//! In its order: defaults are filled in and nulls dropped ([`structural`]), then the structural
//! schema ([`json_schema`], closed: what a server prunes in silence is a finding here), then list
//! types ([`list_type`]), then the CEL rules (module `cel`, with the feature of that name).

mod json_schema;
mod list_type;
pub(super) mod structural;

use serde_json::{Value, json};

use jsonschema::json::SerdeJson;

use super::schema::Schema;
use crate::diagnostic::Diagnostic;
use crate::k8s::{GroupVersionKind, Object};
use crate::yaml::Node;
use structural::Structural;

/// One version of a custom resource.
pub(super) struct CustomResource {
    structural: Structural,
    schema: Result<Schema<SerdeJson>, String>,
    /// With the subresource `status`, writes to the object itself drop the field.
    drops_status: bool,
    #[cfg(feature = "cel")]
    rules: super::cel::Rules,
    evaluate_rules: bool,
}

/// A version as it stands in a definition: cheap to list, compiled on first use.
pub(super) struct Definition {
    /// What it defines.
    pub(super) gvk: GroupVersionKind,
    schema: Value,
    drops_status: bool,
}

/// The served versions of a CustomResourceDefinition. What is wrong with it is reported.
pub(super) fn definitions(object: &Object, found: &mut Vec<Diagnostic>) -> Vec<Definition> {
    let text = |path: [&str; 2]| {
        object.body.get("spec")?.get(path[0]).and_then(|n| match path[1] {
            "" => n.as_str(),
            key => n.get(key)?.as_str(),
        })
    };
    let (group, kind) = (text(["group", ""]), text(["names", "kind"]));
    let versions = object.body.get("spec").and_then(|s| s.get("versions")).and_then(Node::as_list);
    let (Some(group), Some(kind), Some(versions)) = (group, kind, versions) else {
        found.push(
            Diagnostic::error(
                "bad-crd",
                format!("`{}` has no group, no kind or no versions", object.name),
            )
            .at(object.name_span(), "")
            .help("give the definition as apiextensions.k8s.io/v1 has it"),
        );
        return Vec::new();
    };
    let mut all = Vec::new();
    for version in versions {
        let Some(name) = version.get("name").and_then(Node::as_str) else { continue };
        let gvk = GroupVersionKind { group: group.into(), version: name.into(), kind: kind.into() };
        match version.get("schema").and_then(|s| s.get("openAPIV3Schema")) {
            Some(schema) => all.push(Definition {
                gvk,
                schema: schema.to_json(),
                drops_status: version
                    .get("subresources")
                    .is_some_and(|s| s.get("status").is_some()),
            }),
            None => found.push(
                Diagnostic::warning(
                    "bad-crd",
                    format!("version `{name}` of `{kind}` has no schema"),
                )
                .at(version.span, "its objects are not validated"),
            ),
        }
    }
    all
}

impl Definition {
    /// How many CEL rules its schema holds.
    pub(super) fn rule_count(&self) -> usize {
        fn count(value: &Value) -> usize {
            match value {
                Value::Object(map) => map
                    .iter()
                    .map(|(key, value)| match value.as_array() {
                        Some(rules) if key == "x-kubernetes-validations" => rules.len(),
                        _ => count(value),
                    })
                    .sum(),
                Value::Array(items) => items.iter().map(count).sum(),
                _ => 0,
            }
        }
        count(&self.schema)
    }

    /// Its schema as closed JSON Schema.
    pub(super) fn json_schema(&self) -> Value {
        json_schema::of_root(&self.schema)
    }

    /// Compiles it.
    pub(super) fn compile(&self, evaluate_rules: bool) -> CustomResource {
        let structural = Structural::of_root(&self.schema);
        CustomResource {
            schema: Schema::compile(self.json_schema()),
            drops_status: self.drops_status,
            #[cfg(feature = "cel")]
            rules: super::cel::Rules::of(&structural, evaluate_rules),
            evaluate_rules,
            structural,
        }
    }
}

impl CustomResource {
    /// What of it cannot be used: the schema, or rules that do not compile.
    pub(super) fn problems(&self, definition: &Definition, found: &mut Vec<Diagnostic>) {
        if let Err(error) = &self.schema {
            found.push(Diagnostic::error(
                "bad-crd",
                format!("the schema of `{}` cannot be used: {error}", definition.gvk),
            ));
        }
        #[cfg(feature = "cel")]
        for (rule, error) in self.rules.problems() {
            found.push(Diagnostic::warning(
                "rule-not-evaluated",
                format!("the rule `{rule}` of `{}` cannot be evaluated: {error}", definition.gvk),
            ));
        }
    }

    /// Checks an object, in the order of the API server.
    pub(super) fn check(&self, object: &Object, found: &mut Vec<Diagnostic>) {
        let schema = match &self.schema {
            Ok(schema) => schema,
            Err(error) => {
                found.push(
                    Diagnostic::error(
                        "bad-crd",
                        format!("the schema of `{}` cannot be used: {error}", object.gvk),
                    )
                    .at(object.span(), ""),
                );
                return;
            }
        };
        let mut value = self.structural.admit(&object.body);
        if self.drops_status
            && let Some(status) = value.as_object_mut().and_then(|map| map.shift_remove("status"))
        {
            // it is gone before the schema is asked, but not before it was decoded strictly
            let of_status = schema.check(&json!({"status": status}), &object.body);
            found.extend(of_status.into_iter().filter(|d| d.code == "unknown-field"));
        }
        let violations = schema.check(&value, &object.body);
        // apiextensions-apiserver `hasBlockingErr`: rules are not asked about what has another
        // shape than they were written for
        let is_blocked = violations
            .iter()
            .any(|d| matches!(d.code, "missing-field" | "wrong-type" | "unknown-value"));
        found.extend(violations);
        self.structural.check_lists(&value, &object.body, found);
        #[cfg(feature = "cel")]
        if self.evaluate_rules && !is_blocked {
            self.rules.check(&self.structural, &value, &object.body, found);
        }
        #[cfg(not(feature = "cel"))]
        let _ = (self.evaluate_rules, is_blocked);
    }
}
