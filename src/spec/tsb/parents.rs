//! What a document hangs below, in the two forms: fields of `metadata` for tctl, annotations for
//! Kubernetes.

use super::field::{get, text};
use super::kind::{KUBERNETES_CORE, TCTL_CORE, VERSION};
use super::{DocumentKind, Level};
use crate::diagnostic::{Diagnostic, Spanned};
use crate::k8s::Object;
use crate::yaml::{Entry, Mapping, Node};

/// What an annotation of the hierarchy begins with.
pub(super) const PREFIX: &str = "tsb.tetrate.io/";

/// The fields of `metadata` that name parents in tctl form.
const TCTL_FIELDS: [&str; 6] =
    ["organization", "tenant", "workspace", "group", "application", "fqn"];

/// The annotations that name parents in Kubernetes form, without prefix.
const ANNOTATIONS: [&str; 9] = [
    "organization",
    "tenant",
    "workspace",
    "trafficGroup",
    "securityGroup",
    "gatewayGroup",
    "istioInternalGroup",
    "application",
    "fqn",
];

/// The two forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Parents in `metadata`.
    Tctl,
    /// Parents in annotations.
    Kubernetes,
}

/// What a document hangs below, as it is written.
#[derive(Clone, Debug, Default)]
pub struct Parents {
    /// The organization.
    pub organization: Option<Spanned<String>>,
    /// The tenant.
    pub tenant: Option<Spanned<String>>,
    /// The workspace.
    pub workspace: Option<Spanned<String>>,
    /// The group.
    pub group: Option<Spanned<String>>,
    /// The application.
    pub application: Option<Spanned<String>>,
    /// The name of what the document is about (AccessBindings).
    pub fqn: Option<Spanned<String>>,
}

impl Parents {
    fn slot(&mut self, field: &str) -> &mut Option<Spanned<String>> {
        match field {
            "organization" => &mut self.organization,
            "tenant" => &mut self.tenant,
            "workspace" => &mut self.workspace,
            "application" => &mut self.application,
            "fqn" => &mut self.fqn,
            _ => &mut self.group,
        }
    }
}

/// The form of a document. The core group tells; elsewhere the parents do.
pub(super) fn form(object: &Object, kind: DocumentKind, metadata: Option<&Mapping>) -> Form {
    if object.gvk.group == TCTL_CORE {
        return Form::Tctl;
    }
    if object.gvk.group == KUBERNETES_CORE || matches!(kind, DocumentKind::Direct(_)) {
        return Form::Kubernetes;
    }
    let annotated =
        ANNOTATIONS.iter().any(|name| object.annotations.contains_key(&format!("{PREFIX}{name}")));
    let named = metadata.is_some_and(|m| TCTL_FIELDS.iter().any(|field| get(m, field).is_some()));
    if named || (!annotated && object.namespace.is_none()) { Form::Tctl } else { Form::Kubernetes }
}

/// The parents of a document, which must all be named, in its own form.
pub(super) fn parents(
    object: &Object,
    level: Level,
    form: Form,
    metadata: Option<&Mapping>,
    found: &mut Vec<Diagnostic>,
) -> Parents {
    let annotations = metadata.and_then(|m| m.get("annotations")).and_then(Node::as_mapping);
    let field = |name: &str| metadata.and_then(|m| m.entry(name)).filter(|e| !e.value.is_null());
    let annotation = |name: &str| annotations.and_then(|a| a.entry(&format!("{PREFIX}{name}")));
    let wanted = level.parents();

    // what stands where the other form has it
    let misplaced: Vec<&Entry> = match form {
        Form::Tctl => ANNOTATIONS.iter().filter_map(|name| annotation(name)).collect(),
        Form::Kubernetes => TCTL_FIELDS.iter().filter_map(|name| field(name)).collect(),
    };
    if let Some(first) = misplaced.first() {
        found.push(misplaced_parent(object, form, first, &misplaced[1..]));
    }

    let mut parents = Parents::default();
    let mut lacking = Vec::new();
    for (name, short) in wanted {
        let (own, other) = match form {
            Form::Tctl => (field(name), annotation(short)),
            Form::Kubernetes => (annotation(short), field(name)),
        };
        match own.or(other) {
            Some(entry) => {
                *parents.slot(name) = text(&entry.value, &format!("`{}`", entry.key), found)
                    .filter(|value| !value.is_empty());
                if entry.value.as_str() == Some("") {
                    lacking.push((name, short));
                }
            }
            None => lacking.push((name, short)),
        }
    }
    if !lacking.is_empty() {
        found.push(missing_parent(object, form, &lacking));
    }
    parents
}

fn misplaced_parent(object: &Object, form: Form, first: &Entry, rest: &[&Entry]) -> Diagnostic {
    let (core, help) = match form {
        Form::Tctl => (
            "tctl form",
            format!(
                "write the parents as fields of `metadata`, or use the Kubernetes form with `apiVersion: {KUBERNETES_CORE}/{VERSION}`"
            ),
        ),
        Form::Kubernetes => (
            "Kubernetes form",
            format!(
                "write the parents as annotations `{PREFIX}…`, or use the tctl form with `apiVersion: {TCTL_CORE}/{VERSION}`"
            ),
        ),
    };
    let mut diagnostic = Diagnostic::error(
        "misplaced-parent",
        format!(
            "`{}` has no place in {} `{}`, which is in {core}",
            first.key, object.gvk.kind, object.name
        ),
    )
    .at(first.key_span, "")
    .help(help);
    for entry in rest {
        diagnostic = diagnostic.also(entry.key_span, "this too");
    }
    diagnostic
}

fn missing_parent(object: &Object, form: Form, lacking: &[(&str, &str)]) -> Diagnostic {
    let names: Vec<String> = lacking
        .iter()
        .map(|(field, annotation)| match form {
            Form::Tctl => format!("`{field}`"),
            Form::Kubernetes => format!("`{PREFIX}{annotation}`"),
        })
        .collect();
    let (names, many) = (names.join(", "), names.len() > 1);
    let (code, what, help) = match form {
        Form::Tctl => (
            "missing-parent",
            if many { "the fields" } else { "the field" },
            format!("add {names} to `metadata`"),
        ),
        Form::Kubernetes => (
            "missing-annotation",
            if many { "the annotations" } else { "the annotation" },
            format!("add {names} to `metadata.annotations`"),
        ),
    };
    Diagnostic::error(code, format!("{} `{}` lacks {what} {names}", object.gvk.kind, object.name))
        .at(object.name_span(), "")
        .help(help)
}
