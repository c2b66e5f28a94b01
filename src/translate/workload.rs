//! Restart tokens and labels on pod templates.
//!
//! The token is the mode that the pods were started for: the same at every render, another after
//! every change of mode, forwards and back (facts/gitops-delivery.md 5.3). Before its stage a
//! migrating workload carries `sidecar`: that first restart gives its sidecars HBONE, without
//! which migrated clients would reach them in plaintext (facts/istio-ambient.md §6.4). A label on
//! the workload object itself would enrol nothing (§1.1).

use super::namespace::partial;
use super::{Context, Placed};
use crate::diagnostic::Diagnostic;
use crate::k8s::Labels;
use crate::manifest::{self, Manifest, Metadata};
use crate::model::{Area, DataplaneMode, RESTART_TOKEN, Restart, Target, Unit, Workload};

pub(super) fn translate(
    context: &Context<'_>,
    placed: &mut Vec<Placed>,
    found: &mut Vec<Diagnostic>,
) {
    let namespace = context.namespace;
    let restarts = context.state.migrates && context.environment.restart == Restart::Annotation;
    if restarts && namespace.workloads.is_empty() && namespace.other_pods.is_empty() {
        found.push(
            Diagnostic::warning(
                "no-workloads",
                format!("no workload of the namespace `{}` is known", namespace.name),
            )
            .at(namespace.origin, "nothing is restarted when it migrates")
            .help("name its manifests in `sources.inventory`, or restart its pods by hand"),
        );
    }
    for workload in namespace.workloads.values() {
        let pod_labels = pod_labels(context, workload, found);
        let mut pod_annotations = Labels::new();
        if restarts {
            let mode = workload.mode.unwrap_or(context.state.running);
            pod_annotations.insert(RESTART_TOKEN.into(), mode.to_string());
        }
        if pod_labels.is_empty() && pod_annotations.is_empty() {
            continue;
        }
        if workload.selector.is_none() && is_for_flux(context) {
            found.push(unknown_selector(workload));
        }
        placed.push(Placed {
            area: Area::Unit(Unit::Workloads),
            manifest: Manifest::Workload(manifest::Workload {
                kind: workload.kind,
                metadata: Metadata {
                    annotations: partial(),
                    ..Metadata::namespaced(namespace.name.as_str(), workload.name.as_str())
                },
                selector: workload.selector.clone(),
                service_name: workload.service_name.clone(),
                pod_labels,
                pod_annotations,
            }),
            origin: Some(workload.origin),
        });
    }
}

fn is_for_flux(context: &Context<'_>) -> bool {
    let delivery = context.environment.delivery.as_ref();
    delivery.is_some_and(|delivery| delivery.targets.contains(&Target::Flux))
}

/// Flux writes every field that a workload must have, and the API server refuses another selector
/// than there is: the whole unit would fail (`fluxcd/pkg/ssa/normalize`, seen with Flux 2.9).
fn unknown_selector(workload: &Workload) -> Diagnostic {
    let (kind, name) = (workload.kind.as_str(), &workload.name);
    Diagnostic::error("selector-unknown", format!("the selector of {kind} `{name}` is not known"))
        .at(workload.origin, "Flux cannot apply a part of it without")
        .help("name its manifest in `sources.inventory`")
}

/// The labels that give a workload a mode of its own.
fn pod_labels(context: &Context<'_>, workload: &Workload, found: &mut Vec<Diagnostic>) -> Labels {
    let mut labels = Labels::new();
    let Some(mode) = workload.mode else { return labels };
    let injected = context.state.running == DataplaneMode::Sidecar;
    match mode {
        DataplaneMode::Ambient | DataplaneMode::None => {
            let value = if mode == DataplaneMode::Ambient { "ambient" } else { "none" };
            labels.insert("istio.io/dataplane-mode".into(), value.into());
            if injected {
                // a sidecar always wins over ambient (facts/istio-ambient.md §1.2)
                labels.insert("sidecar.istio.io/inject".into(), "false".into());
            }
        }
        DataplaneMode::Sidecar if context.state.enrolled == DataplaneMode::Ambient => {
            found.push(
                Diagnostic::error(
                    "sidecar-in-ambient",
                    format!(
                        "the workload `{}` keeps its sidecar, but its namespace `{}` is ambient",
                        workload.name, context.namespace.name
                    ),
                )
                .at(workload.origin, "no injection webhook fires in such a namespace")
                .help("leave the namespace `sidecar` and give the other workloads `mode: ambient`"),
            );
        }
        DataplaneMode::Sidecar => {}
    }
    labels
}
