//! One TSB document: its kind, the form it is written in, and its parents.

use std::sync::Arc;

use super::field::{get, list, mapping, missing, text, word};
use super::kind::is_tsb_group;
use super::parents::{PREFIX, form, parents};
use super::{Form, GroupKind, Level, Parents, Security, TsbKind};
use crate::diagnostic::{Diagnostic, Span, Spanned};
use crate::k8s::Object;
use crate::yaml::{Mapping, Node};

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
            let at = document.name_span();
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
