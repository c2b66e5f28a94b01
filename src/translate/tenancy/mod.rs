//! TSB resources for unit `tsb`, and between their two forms.
//!
//! - [`unit()`] gives what is applied: Kubernetes form, in an order that suits pushMode SYNC, without
//!   the settings that the tree's own policies stand for.
//! - [`kubernetes`] and [`tctl`] write resources in either form, and say what that form cannot
//!   hold; [`to_kubernetes`] and [`to_tctl`] write one.
//!
//! Source: facts/tsb.md, "TSB resources in both forms" and "GitOps with TSB".

mod form;
mod left_out;
mod order;
mod strip;

use std::collections::BTreeMap;

use serde_json::Value;

use self::strip::Left;
use crate::diagnostic::{Diagnostic, Span};
use crate::k8s::is_dns_subdomain;
use crate::model::{Owner, Standing, TsbResource};

pub use form::{KubernetesForm, to_kubernetes, to_tctl};
pub use left_out::tctl;
pub use order::rank;

/// How the objects of unit `tsb` are written.
#[derive(Clone, Debug)]
pub struct UnitOptions<'a> {
    /// The form.
    pub form: KubernetesForm<'a>,
    /// Who makes the policies. What the tree makes, TSB is not told as well: two owners of one
    /// object undo each other's work.
    pub policies: Owner,
}

/// An object of unit `tsb`.
#[derive(Clone, Debug, PartialEq)]
pub struct TsbObject {
    /// The object.
    pub value: Value,
    /// When it is to be applied: lower ranks first.
    pub rank: u16,
    /// Where the user wrote it.
    pub origin: Span,
}

/// The objects of unit `tsb`, in the order in which the management plane takes them one by one.
pub fn unit(
    resources: &[TsbResource],
    options: &UnitOptions<'_>,
) -> (Vec<TsbObject>, Vec<Diagnostic>) {
    let mut applied = Vec::with_capacity(resources.len());
    let mut stripped = Vec::new();
    for written in resources {
        let mut resource = written.clone();
        if options.policies == Owner::GitOps {
            let left = strip::translated(&mut resource);
            if left != Left::All {
                stripped.push((written, left));
            }
            if left == Left::Nothing {
                continue;
            }
        }
        applied.push(resource);
    }
    let (mut objects, mut found) = kubernetes(&applied, &options.form);
    strip::report(&stripped, &mut found);
    // the order of the documents decides among equals
    objects.sort_by_key(|object| object.rank);
    (objects, found)
}

/// Resources in Kubernetes form, in their order. Reported: what cannot be an object there, and
/// what was written for tctl and is not known here.
pub fn kubernetes(
    resources: &[TsbResource],
    form: &KubernetesForm<'_>,
) -> (Vec<TsbObject>, Vec<Diagnostic>) {
    let mut found = Vec::new();
    let mut objects = Vec::with_capacity(resources.len());
    let mut seen: BTreeMap<(String, String, String), Span> = BTreeMap::new();
    for resource in resources {
        let unknown = resource.standing == Standing::Unknown;
        if unknown && form::is_tctl(resource) {
            found.push(not_converted(resource));
        }
        let value = to_kubernetes(resource, form);
        let (name, namespace) = form::identity(&value);
        if !unknown && !is_dns_subdomain(&name) {
            found.push(not_a_kubernetes_name(&name, resource.origin));
        }
        let gvk = &resource.gvk;
        let kind = format!("{} of {}", gvk.kind, gvk.group);
        if let Some(first) = seen.insert((kind, namespace, name), resource.origin) {
            found.push(same_object(resource, first));
        }
        objects.push(TsbObject { value, rank: rank(&resource.gvk), origin: resource.origin });
    }
    (objects, found)
}

fn not_converted(resource: &TsbResource) -> Diagnostic {
    let what = format!("{} `{}`", resource.gvk.kind, resource.name);
    Diagnostic::warning(
        "not-converted",
        format!("{what} is in tctl form and stays so: its kind is not known here"),
    )
    .at(resource.origin, "")
    .help("write it in Kubernetes form, so that it can be applied to a cluster")
}

fn not_a_kubernetes_name(name: &str, at: Span) -> Diagnostic {
    Diagnostic::error(
        "not-a-kubernetes-name",
        format!("`{name}` cannot be the name of a Kubernetes object"),
    )
    .at(at, "")
    .help("lower case letters, digits, dashes and points; TSB itself takes more")
}

/// Names are unique below their parent only, objects in their namespace: two that TSB tells apart
/// can be one object for Kubernetes.
fn same_object(resource: &TsbResource, first: Span) -> Diagnostic {
    Diagnostic::error(
        "same-object",
        format!(
            "two resources would be the one Kubernetes object {} `{}`",
            resource.gvk.kind, resource.name
        ),
    )
    .at(resource.origin, "the second")
    .also(first, "the first")
    .help("give one of them another name, or another `metadata.namespace` in Kubernetes form")
}
