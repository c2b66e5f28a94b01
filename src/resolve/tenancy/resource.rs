//! A document free of its form: a [`TsbResource`] with its place in the hierarchy.

use std::sync::Arc;

use super::body::body;
use super::hierarchy::Placed;
use super::organization::Organizations;
use crate::diagnostic::{Diagnostic, Span, Spanned};
use crate::k8s::Labels;
use crate::model::{Collection, Fqn, FqnError, Position, Standing, TsbResource};
use crate::spec::tsb::{DocumentKind, Form, GroupKind, Level, TsbDocument, TsbKind};

/// Takes a document out of its form, keeping its own organization. For conversion, where there is
/// no environment to compare with; [`super::resolve`] does the same and checks the names.
///
/// `None` where a name is none, which is reported.
pub fn resource(document: &TsbDocument, found: &mut Vec<Diagnostic>) -> Option<TsbResource> {
    let organization =
        document.parents.organization.as_ref().map_or("", |name| name.value.as_str());
    let errors = found.len();
    let (position, _) = position(document, organization, found)?;
    let readable = !found[errors..].iter().any(Diagnostic::is_error);
    readable.then(|| take(document, position, found))
}

/// As [`resource`], in the environment's organization, and with the document's own name.
pub(super) fn place(
    document: &TsbDocument,
    organizations: &mut Organizations<'_>,
    found: &mut Vec<Diagnostic>,
) -> Placed {
    if let Some(organization) = &document.parents.organization {
        organizations.of_document(&organization.value, organization.span, document.title());
    }
    if document.kind == DocumentKind::Known(TsbKind::Organization) {
        organizations.of_document(
            &document.object.name,
            document.name_span(),
            "the Organization document".to_owned(),
        );
    }
    let own = organizations.name();
    let Some((position, fqn)) = position(document, own, found) else {
        return Placed { resource: take(document, Position::None, found), fqn: None };
    };
    let position = match position {
        Position::About(fqn) => {
            if let Some(text) = &document.parents.fqn {
                organizations.of_name(fqn.organization_name(), text.span, fqn.to_string());
            }
            Position::About(fqn.in_organization(own))
        }
        other => other,
    };
    Placed { resource: take(document, position, found), fqn }
}

/// Where a document hangs, and its own name.
fn position(
    document: &TsbDocument,
    organization: &str,
    found: &mut Vec<Diagnostic>,
) -> Option<(Position, Option<Fqn>)> {
    let level = match document.kind {
        DocumentKind::Known(kind) => kind.level(),
        DocumentKind::Direct(group) => Level::Group(group),
        DocumentKind::Unknown => return Some((Position::None, None)),
    };
    let parents = &document.parents;
    if level == Level::Named {
        let text = parents.fqn.as_ref()?;
        return match Fqn::parse(&text.value) {
            Ok(fqn) => Some((Position::About(fqn), None)),
            Err(error) => {
                found.push(bad_fqn(&error, text.span));
                None
            }
        };
    }
    let mut names: Vec<(Collection, &Option<Spanned<String>>)> = Vec::new();
    match level {
        Level::Root | Level::Organization | Level::Named => {}
        Level::Tenant => names.push((Collection::Tenants, &parents.tenant)),
        Level::Application => {
            names.push((Collection::Tenants, &parents.tenant));
            names.push((Collection::Applications, &parents.application));
        }
        Level::Workspace | Level::Group(_) => {
            names.push((Collection::Tenants, &parents.tenant));
            names.push((Collection::Workspaces, &parents.workspace));
        }
    }
    if let Level::Group(group) = level {
        names.push((group_collection(group), &parents.group));
    }
    let mut parent = Fqn::organization(organization);
    for (collection, name) in names {
        let name = name.as_ref()?;
        check_name(name, found)?;
        parent = parent.child(collection, &name.value);
    }
    let name = Spanned::new(document.object.name.clone(), document.name_span());
    check_name(&name, found)?;
    Some(match document.kind {
        DocumentKind::Known(TsbKind::Organization) => (Position::None, Some(parent)),
        DocumentKind::Known(kind) => match collection(kind) {
            Some(collection) => {
                let fqn = parent.child(collection, &name.value);
                (Position::Below(parent), Some(fqn))
            }
            None => (Position::None, None),
        },
        DocumentKind::Direct(_) | DocumentKind::Unknown => (Position::Below(parent), None),
    })
}

/// A text that is no fully qualified name.
pub(super) fn bad_fqn(error: &FqnError, at: Span) -> Diagnostic {
    let diagnostic = Diagnostic::error("bad-fqn", error.to_string()).at(at, "");
    match error.help() {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    }
}

fn check_name(name: &Spanned<String>, found: &mut Vec<Diagnostic>) -> Option<()> {
    let bad = |c: char| c == '/' || c == '*' || c.is_whitespace() || c.is_control();
    if !name.value.contains(bad) {
        return Some(());
    }
    found.push(
        Diagnostic::error("bad-name", format!("`{}` cannot be a name in TSB", name.value))
            .at(name.span, "")
            .help("leave out slashes, asterisks and blanks"),
    );
    None
}

fn take(document: &TsbDocument, position: Position, found: &mut Vec<Diagnostic>) -> TsbResource {
    let object = &document.object;
    let (gvk, standing) = match document.kind {
        DocumentKind::Known(kind) => (kind.gvk(), Standing::Known),
        DocumentKind::Direct(_) => (object.gvk.clone(), Standing::Direct),
        DocumentKind::Unknown => (object.gvk.clone(), Standing::Unknown),
    };
    let mut annotations = object.annotations.clone();
    if standing == Standing::Known && document.form == Form::Kubernetes {
        remove_position(&mut annotations, document);
    }
    let body = body(document, standing, found);
    TsbResource {
        gvk,
        name: object.name.clone(),
        position,
        namespace: object.namespace.clone(),
        labels: object.labels.clone(),
        annotations,
        body,
        standing,
        origin: document.name_span(),
        source: Arc::clone(&document.object),
    }
}

fn remove_position(annotations: &mut Labels, document: &TsbDocument) {
    if let DocumentKind::Known(kind) = document.kind {
        for (_, annotation) in kind.level().parents() {
            annotations.remove(&format!("tsb.tetrate.io/{annotation}"));
        }
    }
}

/// The collection of a kind's names. Those of routes and DIRECT objects are not documented; they
/// only tell duplicates here.
fn collection(kind: TsbKind) -> Option<Collection> {
    use Collection as C;
    use TsbKind as K;
    Some(match kind {
        K::Organization => C::Organizations,
        K::Cluster => C::Clusters,
        K::Team => C::Teams,
        K::User => C::Users,
        K::ServiceAccount => C::ServiceAccounts,
        K::Tenant => C::Tenants,
        K::Workspace => C::Workspaces,
        K::Group(group) => group_collection(group),
        K::OrganizationSetting
        | K::TenantSetting
        | K::WorkspaceSetting
        | K::SecuritySetting
        | K::TrafficSetting => C::Settings,
        K::ServiceSecuritySetting | K::ServiceTrafficSetting => C::ServiceSettings,
        K::ServiceRoute => C::ServiceRoutes,
        K::Gateway => C::UnifiedGateways,
        K::IngressGateway => C::IngressGateways,
        K::EgressGateway => C::EgressGateways,
        K::Tier1Gateway => C::Tier1Gateways,
        K::Application => C::Applications,
        K::Api => C::Apis,
        K::Role | K::AccessBindings => return None,
    })
}

fn group_collection(group: GroupKind) -> Collection {
    match group {
        GroupKind::Security => Collection::SecurityGroups,
        GroupKind::Traffic => Collection::TrafficGroups,
        GroupKind::Gateway => Collection::GatewayGroups,
        GroupKind::IstioInternal => Collection::IstioInternalGroups,
    }
}
