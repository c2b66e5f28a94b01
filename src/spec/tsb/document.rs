//! One TSB document: its kind, the form it is written in, and its parents.

use std::sync::Arc;

use super::field::{get, list, mapping, missing, text, word};
use super::kind::{KUBERNETES_CORE, TCTL_CORE, VERSION, is_tsb_group};
use super::{GroupKind, Level, Security, TsbKind};
use crate::diagnostic::{Diagnostic, Span, Spanned};
use crate::k8s::Object;
use crate::yaml::{Entry, Mapping, Node};

/// What an annotation of the hierarchy begins with.
const PREFIX: &str = "tsb.tetrate.io/";

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

/// One document.
#[derive(Clone, Debug)]
pub struct TsbDocument {
    /// What it is.
    pub kind: DocumentKind,
    /// The form it is written in.
    pub form: Form,
    /// What it hangs below.
    pub parents: Parents,
    /// The object itself.
    pub object: Arc<Object>,
}

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentKind {
    /// A kind of facts/tsb.md.
    Known(TsbKind),
    /// An Istio object that belongs to a group in DIRECT mode (facts/tsb.md, "Attaching Istio
    /// objects").
    Direct(GroupKind),
    /// A kind of a TSB API group that nobody here knows.
    Unknown,
}

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

/// Takes TSB documents out of the objects of some files: the documents, the rest in its order, and
/// what is wrong.
///
/// A document whose place in the hierarchy cannot be read is reported and left out.
pub fn read_documents(objects: Vec<Object>) -> (Vec<TsbDocument>, Vec<Object>, Vec<Diagnostic>) {
    let (mut documents, mut others, mut found) = (Vec::new(), Vec::new(), Vec::new());
    for object in objects {
        match classify(&object, &mut found) {
            Some(kind) => documents.extend(TsbDocument::read(kind, object, &mut found)),
            None => others.push(object),
        }
    }
    (documents, others, found)
}

/// What a TSB object is; `None` for everything else.
fn classify(object: &Object, found: &mut Vec<Diagnostic>) -> Option<DocumentKind> {
    let gvk = &object.gvk;
    if let Some(kind) = TsbKind::of(gvk) {
        return Some(DocumentKind::Known(kind));
    }
    if is_tsb_group(&gvk.group) {
        found.push(unknown_kind(object));
        return Some(DocumentKind::Unknown);
    }
    let of_istio = gvk.group.ends_with(".istio.io");
    let group = GroupKind::ALL
        .into_iter()
        .find(|g| object.annotations.contains_key(&format!("{PREFIX}{}", g.annotation())))?;
    of_istio.then_some(DocumentKind::Direct(group))
}

fn unknown_kind(object: &Object) -> Diagnostic {
    let gvk = &object.gvk;
    let at = object.body.get("kind").map_or(object.span(), |kind| kind.span);
    let what = format!("`{}` of `{}`", gvk.kind, gvk.api_version());
    match TsbKind::nearest(gvk) {
        Some((api_version, kind)) => {
            Diagnostic::error("unknown-kind", format!("{what} is not a kind of TSB"))
                .at(at, "")
                .help(format!("did you mean `kind: {kind}` with `apiVersion: {api_version}`?"))
        }
        None => Diagnostic::note(
            "unknown-kind",
            format!("{what} is not known here and passes through as it is"),
        )
        .at(at, ""),
    }
}

impl TsbDocument {
    /// Where its name stands.
    pub fn name_span(&self) -> Span {
        self.object.name_span()
    }

    /// `Kind name`, as a person would say it.
    pub fn title(&self) -> String {
        format!("{} `{}`", self.object.gvk.kind, self.object.name)
    }

    fn read(kind: DocumentKind, object: Object, found: &mut Vec<Diagnostic>) -> Option<Self> {
        let metadata = object.body.get("metadata").and_then(Node::as_mapping);
        let form = form(&object, kind, metadata);
        let level = match kind {
            DocumentKind::Known(kind) => kind.level(),
            DocumentKind::Direct(group) => Level::Group(group),
            DocumentKind::Unknown => {
                let (parents, object) = (Parents::default(), Arc::new(object));
                return Some(Self { kind, form, parents, object });
            }
        };
        let errors = found.len();
        let parents = parents(&object, level, form, metadata, found);
        let placed = !found[errors..].iter().any(Diagnostic::is_error);
        let document = Self { kind, form, parents, object: Arc::new(object) };
        if document.object.name.is_empty() && kind != DocumentKind::Known(TsbKind::AccessBindings) {
            let at = metadata_span(&document.object);
            found.push(missing("`metadata`", "name", at));
            return None;
        }
        if let DocumentKind::Direct(group) = kind {
            document.check_direct(group, found);
        }
        placed.then_some(document)
    }

    /// The node of `spec`; Role, AccessBindings and the like have theirs there too.
    fn spec(&self) -> Option<&Mapping> {
        self.object.body.get("spec").and_then(Node::as_mapping)
    }

    /// `spec.namespaceSelector.names`. `None` when there is none, which has been reported.
    pub fn selector(&self, found: &mut Vec<Diagnostic>) -> Option<Vec<Spanned<String>>> {
        let root = self.object.span();
        let Some(spec) = self.spec() else {
            found.push(missing("the document", "spec", root));
            return None;
        };
        let span = self.object.body.get("spec").map_or(root, |spec| spec.span);
        let Some(node) = get(spec, "namespaceSelector") else {
            found.push(missing("`spec`", "namespaceSelector", span));
            return None;
        };
        let selector = mapping(node, "`namespaceSelector`", found)?;
        let Some(names) = get(selector, "names") else {
            found.push(missing("`namespaceSelector`", "names", node.span));
            return None;
        };
        let mut entries = Vec::new();
        for item in list(names, "`names`", found) {
            entries.extend(text(item, "an entry of `names`", found));
        }
        Some(entries)
    }

    /// The security setting that this document makes for its level, if any:
    /// `spec.defaultSecuritySetting`, or the whole `spec` of a SecuritySetting.
    pub fn security(&self, found: &mut Vec<Diagnostic>) -> Option<Security> {
        use TsbKind as K;
        match self.kind {
            DocumentKind::Known(K::SecuritySetting) => {
                Security::read(self.object.body.get("spec")?, "`spec`", found)
            }
            DocumentKind::Known(
                K::OrganizationSetting | K::TenantSetting | K::WorkspaceSetting,
            ) => {
                let node = get(self.spec()?, "defaultSecuritySetting")?;
                Security::read(node, "`defaultSecuritySetting`", found)
            }
            _ => None,
        }
    }

    /// `spec.securityDomain`.
    pub fn security_domain(&self, found: &mut Vec<Diagnostic>) -> Option<Spanned<String>> {
        let node = get(self.spec()?, "securityDomain")?;
        text(node, "`securityDomain`", found)
    }

    /// The place of `spec.configMode`, where it says DIRECT (facts/tsb.md, "Specs").
    pub fn direct_mode(&self, found: &mut Vec<Diagnostic>) -> Option<Span> {
        let node = get(self.spec()?, "configMode")?;
        let mode = word(node, "`configMode`", &[("BRIDGED", false), ("DIRECT", true)], found)?;
        mode.value.then_some(mode.span)
    }

    /// What a group takes and what GitOps needs (facts/tsb.md, "Attaching Istio objects").
    fn check_direct(&self, group: GroupKind, found: &mut Vec<Diagnostic>) {
        let object = &self.object;
        let kinds: &[&str] = match group {
            GroupKind::Security => {
                &["AuthorizationPolicy", "PeerAuthentication", "RequestAuthentication"]
            }
            GroupKind::Traffic => &["VirtualService", "DestinationRule", "Sidecar"],
            GroupKind::Gateway => {
                &["Gateway", "VirtualService", "RequestAuthentication", "AuthorizationPolicy"]
            }
            GroupKind::IstioInternal => &["EnvoyFilter", "ServiceEntry", "WasmPlugin"],
        };
        if !kinds.contains(&object.gvk.kind.as_str()) {
            found.push(
                Diagnostic::warning(
                    "direct-kind",
                    format!("a {} group takes no {}", group.noun(), object.gvk.kind),
                )
                .at(self.name_span(), "")
                .help(format!("such a group takes {}", kinds.join(", "))),
            );
        }
        if object.labels.get("istio.io/rev").map(String::as_str) != Some("tsb") {
            found.push(
                Diagnostic::warning(
                    "direct-without-revision",
                    format!("{} lacks the label `istio.io/rev: tsb`", self.title()),
                )
                .at(self.name_span(), "")
                .help("with GitOps, TSB's webhook rejects a DIRECT object without this label"),
            );
        }
    }
}

/// The form of a document. The core group tells; elsewhere the parents do.
fn form(object: &Object, kind: DocumentKind, metadata: Option<&Mapping>) -> Form {
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
fn parents(
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
        .at(metadata_span(object), "")
        .help(help)
}

/// Where `metadata` says its name, else where it would.
fn metadata_span(object: &Object) -> Span {
    object.name_span()
}
