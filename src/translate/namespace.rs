//! The Namespace and its mesh labels.

use super::{Context, Placed};
use crate::diagnostic::Diagnostic;
use crate::k8s::Labels;
use crate::manifest::{Manifest, Metadata, Namespace};
use crate::model::{Area, DataplaneMode, InjectionLabel, Lifecycle, Owner, Unit};

/// Pruning a Namespace deletes all it holds. Both appliers read these from the live object, and
/// each ignores the other's (facts/gitops-delivery.md 1.10, 4.6.2).
fn protection() -> Labels {
    Labels::from([
        ("argocd.argoproj.io/sync-options".to_owned(), "Prune=false,Delete=false".to_owned()),
        ("kustomize.toolkit.fluxcd.io/prune".to_owned(), "disabled".to_owned()),
    ])
}

/// Of an object of which we have a part only. Flux takes over what kubectl has set, and then deletes
/// of it what is not rendered: other labels of a Namespace, all but an annotation of a Deployment,
/// which the API server refuses. With `Merge` it leaves that alone, and still overwrites what is
/// rendered (facts/gitops-delivery.md 3.1.10, 4.1.3, 4.2; the like of it seen with kubectl, whose own
/// migration does the same, on a real API server).
pub(super) fn partial() -> Labels {
    let mut annotations = protection();
    annotations.insert("kustomize.toolkit.fluxcd.io/ssa".to_owned(), "Merge".to_owned());
    annotations
}

pub(super) fn translate(
    context: &Context<'_>,
    placed: &mut Vec<Placed>,
    found: &mut Vec<Diagnostic>,
) {
    let namespace = context.namespace;
    let created = namespace.lifecycle == Lifecycle::Create;
    let mesh = mesh_labels(context, found);
    expect_use_waypoint(context, placed);
    // a sidecar namespace that stays one is not ours to label
    let ours =
        created || context.state.migrates || context.has_ambient_pods(context.state.enrolled);
    if !ours {
        return;
    }
    let mut labels = if created { namespace.labels.clone() } else { Labels::new() };
    labels.extend(mesh);
    placed.push(Placed {
        area: Area::Unit(if created { Unit::Mesh } else { Unit::Enrollment }),
        manifest: Manifest::Namespace(Namespace {
            metadata: Metadata {
                name: namespace.name.to_string(),
                namespace: None,
                labels,
                annotations: if created { protection() } else { partial() },
            },
        }),
        origin: Some(namespace.origin),
    });
}

/// The labels that put the namespace into its mode.
fn mesh_labels(context: &Context<'_>, found: &mut Vec<Diagnostic>) -> Labels {
    let mut labels = Labels::new();
    match context.state.enrolled {
        DataplaneMode::None => {}
        DataplaneMode::Sidecar => {
            if context.environment.injection_label != InjectionLabel::Keep {
                labels.extend([sidecar_label(context)]);
            }
        }
        DataplaneMode::Ambient => {
            labels.insert("istio.io/dataplane-mode".into(), "ambient".into());
            injection(context, &mut labels, found);
        }
    }
    if let Some(waypoint) = context.waypoint(context.state.enrolled)
        && context.environment.ownership.waypoints == Owner::GitOps
    {
        labels.insert("istio.io/use-waypoint".into(), waypoint.name.to_string());
    }
    labels
}

/// How sidecars are injected here: by revision where there is one.
fn sidecar_label(context: &Context<'_>) -> (String, String) {
    match &context.namespace.revision {
        Some(revision) => ("istio.io/rev".into(), revision.clone()),
        None => ("istio-injection".into(), "enabled".into()),
    }
}

/// What becomes of the injection labels of an ambient namespace. A surviving
/// `istio-injection: enabled` or `istio.io/rev` cancels the migration without a word: new pods get
/// a sidecar, and ambient leaves such pods alone (facts/gitops-delivery.md 1.3,
/// facts/istio-ambient.md §1.5).
fn injection(context: &Context<'_>, labels: &mut Labels, found: &mut Vec<Diagnostic>) {
    if context.namespace.lifecycle == Lifecycle::Create && !context.state.migrates {
        return;
    }
    match context.environment.injection_label {
        InjectionLabel::Disable => {
            // `istio.io/rev` has no value that says "disabled", but every block of the webhook
            // that looks at it wants `istio-injection` to be absent: it may stay
            labels.insert("istio-injection".into(), "disabled".into());
            if let Some(revision) = &context.namespace.revision {
                labels.insert("istio.io/rev".into(), revision.clone());
            }
        }
        InjectionLabel::Remove => {}
        InjectionLabel::Keep => found.push(
            Diagnostic::warning(
                "reinjection",
                format!(
                    "the namespace `{}` becomes ambient but `injectionLabel: keep` leaves its injection label",
                    context.namespace.name
                ),
            )
            .at(context.namespace.origin, "its pods get sidecars again, and stay out of ambient")
            .help("use `injectionLabel: disable`, or remove `istio-injection` and `istio.io/rev` by hand"),
        ),
    }
}

/// Where TSB owns waypoints it labels the namespace itself; the label must not be in an applied
/// unit, and must be where the simulator looks (facts/gitops-delivery.md 4.4.7).
fn expect_use_waypoint(context: &Context<'_>, placed: &mut Vec<Placed>) {
    if context.environment.ownership.waypoints != Owner::Tsb {
        return;
    }
    if let Some(waypoint) = context.waypoint(context.state.enrolled) {
        placed.push(Placed {
            area: Area::Expected,
            manifest: Manifest::Namespace(Namespace {
                metadata: Metadata {
                    name: context.namespace.name.to_string(),
                    ..Metadata::default()
                }
                .label("istio.io/use-waypoint", waypoint.name.as_str()),
            }),
            origin: waypoint.origin,
        });
    }
}
