//! What the spec means: names are looked up, defaults filled, the inventory put in its place,
//! contradictions reported.
//!
//! [`resolve`] takes an `Input` and makes a `model::Environment` of it, with everything that
//! belongs to it and has no place in the model. It goes on after a fault: what hangs on nothing
//! is left out, and the findings say so. The spec's own types stop here.

mod access;
mod cluster;
mod delivery;
mod governed;
mod inventory;
mod migration;
mod name;
mod namespace;
mod pods;
pub mod tenancy;
mod unit;
mod waypoint;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use access::{AccessCase, Caller, CaseOrigin, Expectation, Request, Target};

use self::tenancy::Tenancy;
use crate::diagnostic::{Diagnostic, Spanned, sort};
use crate::k8s::Object;
use crate::model::{
    ClusterName, DirectOwner, Environment, EnvironmentName, InjectionLabel, Owner, Ownership,
    Restart, TsbObjects, Version,
};
use crate::spec::{self, Acceptance, Input, PatchEntry, Suppression};

/// An environment and what belongs to it.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// What is rendered.
    pub environment: Environment,
    /// The TSB hierarchy, and what it comes to.
    /// TSB's hierarchy; what it comes to stands in each namespace too.
    pub tenancy: Tenancy,
    /// What exists in each cluster anyway. An object that several clusters have is shared.
    pub inventory: BTreeMap<ClusterName, Vec<Arc<Object>>>,
    /// Istio objects of DIRECT mode that the user applies beside waypost, by cluster.
    pub direct: BTreeMap<ClusterName, Vec<Arc<Object>>>,
    /// Hand-written policies that the tree applies, in namespaces that migrate: a policy is here or in
    /// `direct`, as [`Ownership::direct`] says.
    pub adopted: BTreeMap<ClusterName, Vec<Arc<Object>>>,
    /// Access tests.
    pub access: Vec<AccessCase>,
    /// Access logs and metrics: paths relative to the repository, and where they are named.
    pub traffic: Vec<Spanned<String>>,
    /// Patches over what is rendered, as they are typed.
    pub patches: Vec<PatchEntry>,
    /// Findings of lints that are let stand, as they are typed.
    pub suppress: Vec<Spanned<Suppression>>,
    /// Losses of translated policies that are accepted, as they are typed.
    pub accept: Vec<Spanned<Acceptance>>,
}

/// Makes an environment of what was typed. `None` only where its very name is none.
pub fn resolve(input: Input) -> (Option<Resolved>, Vec<Diagnostic>) {
    let mut found = Vec::new();
    let resolved = environment(input, &mut found);
    sort(&mut found);
    (resolved, found)
}

fn environment(input: Input, found: &mut Vec<Diagnostic>) -> Option<Resolved> {
    let Input { environment, document, bases, tsb, inventory, direct, access, traffic, patches } =
        input;
    let spec = environment.spec;
    let name = name::parse(&environment.metadata.name, EnvironmentName::parse, found);
    pinned(spec.waypost.as_ref(), found);
    let tsb_version = version(&spec.versions.tsb, found);
    let istio_version = spec.versions.istio.as_ref().map(|typed| version(typed, found));
    let ownership = Ownership {
        waypoints: owner(spec.ownership.waypoints),
        policies: owner(spec.ownership.policies),
        direct: match spec.ownership.direct {
            None | Some(spec::DirectOwner::User) => DirectOwner::User,
            Some(spec::DirectOwner::GitOps) => DirectOwner::GitOps,
        },
    };

    let migrating = migration::migrating(spec.migration.as_ref());
    let restarted = namespace::restarted(&spec.clusters);
    let mut clusters = cluster::clusters(spec.clusters, &document, &bases, &migrating, found);
    let management_plane = spec
        .management_plane
        .and_then(|m| cluster::management_plane(m, &document, &bases, &clusters, found));
    let (stages, reached) =
        migration::migration(spec.migration, ownership.steps(), &clusters, found);
    let inventory = inventory::place(inventory, &mut clusters, &restarted, found);
    let mut direct = inventory::place_direct(direct, &clusters, found);
    let adopted = match ownership.direct {
        DirectOwner::User => BTreeMap::new(),
        DirectOwner::GitOps => inventory::adopt(&mut direct, &stages),
    };
    let access = access::cases(access, &clusters, found);
    let tenancy =
        governed::govern(tsb, &spec.organization, ownership.policies, &mut clusters, found);

    let restart = restart(spec.restart, found);
    let delivery = spec.delivery.and_then(|typed| {
        let names = delivery::Names { environment: name.as_ref(), clusters: &clusters };
        delivery::delivery(typed, &names, !stages.is_empty(), found)
    });
    let mut environment = Environment {
        name: name?,
        organization: spec.organization.value,
        tsb: tsb_version?,
        istio: match istio_version {
            Some(read) => Some(read?),
            None => None,
        },
        ownership,
        injection_label: match spec.injection_label {
            None | Some(spec::InjectionLabel::Disable) => InjectionLabel::Disable,
            Some(spec::InjectionLabel::Remove) => InjectionLabel::Remove,
            Some(spec::InjectionLabel::Keep) => InjectionLabel::Keep,
        },
        restart,
        clusters,
        management_plane,
        stages,
        reached,
        tsb_objects: tsb_objects(spec.tsb),
        delivery,
        origin: environment.metadata.name.span,
    };
    waypoint::of_tsb(&mut environment);
    pods::check(&environment, found);
    cluster::check_ambient(&environment, &spec.versions, !patches.is_empty(), found);
    unit::check_tsb(&environment, tenancy.resources(), found);
    Some(Resolved {
        environment,
        tenancy,
        inventory,
        direct,
        adopted,
        access,
        traffic,
        patches,
        suppress: spec.suppress,
        accept: spec.accept,
    })
}

/// Another release may render other bytes: where the spec pins one, no other touches the tree.
fn pinned(text: Option<&Spanned<String>>, found: &mut Vec<Diagnostic>) {
    let Some(text) = text else { return };
    let Some(wanted) = version(text, found) else { return };
    let own = env!("CARGO_PKG_VERSION");
    // `0.1` is every 0.1.x
    let has_patch = text.value.split('.').count() > 2;
    let is_it = Version::parse(own).is_some_and(|own| match has_patch {
        true => own == wanted,
        false => (own.major, own.minor) == (wanted.major, wanted.minor),
    });
    if !is_it {
        found.push(
            Diagnostic::error(
                "waypost-pinned",
                format!("this environment is rendered by waypost {}, and this is {own}", text.value),
            )
            .at(text.span, "")
            .help("run that release; or write this one here, `waypost render`, and review what changes"),
        );
    }
}

fn version(text: &Spanned<String>, found: &mut Vec<Diagnostic>) -> Option<Version> {
    let version = Version::parse(text);
    if version.is_none() {
        found.push(
            Diagnostic::error("invalid-name", format!("`{}` is not a release", text.value))
                .at(text.span, "")
                .help("write it as `1.24` or `1.24.3`"),
        );
    }
    version
}

fn tsb_objects(typed: spec::TsbObjects) -> TsbObjects {
    let default = TsbObjects::default();
    TsbObjects {
        namespace: typed.namespace.unwrap_or(default.namespace),
        tenants: typed.tenant_namespaces,
        waves: typed.sync_waves.unwrap_or(default.waves),
    }
}

fn owner(typed: Option<Spanned<spec::Owner>>) -> Owner {
    match typed.map(|o| o.value) {
        None | Some(spec::Owner::GitOps) => Owner::GitOps,
        Some(spec::Owner::Tsb) => Owner::Tsb,
    }
}

fn restart(typed: Option<Spanned<spec::Restart>>, found: &mut Vec<Diagnostic>) -> Restart {
    match typed.map(|r| (r.value, r.span)) {
        None | Some((spec::Restart::Annotation, _)) => Restart::Annotation,
        Some((spec::Restart::Manual, _)) => Restart::Manual,
        Some((spec::Restart::HookJob, span)) => {
            found.push(
                Diagnostic::error("not-supported", "restart by `hook-job` is not supported yet")
                    .at(span, "")
                    .help("use `annotation` or `manual`"),
            );
            Restart::Manual
        }
    }
}
