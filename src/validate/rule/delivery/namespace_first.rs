//! A Namespace and what must be there before its labels, in one unit.
//!
//! ## What
//!
//! A unit (what one Argo CD Application or Flux Kustomization applies) holds a Namespace that is
//! enrolled (`istio.io/dataplane-mode: ambient` or `istio.io/use-waypoint`) and comes from sidecar
//! mode (it says `istio-injection`), and, in that namespace, a waypoint Gateway or an
//! AuthorizationPolicy. A Namespace that is new runs nothing yet and may go first. Where units are
//! not known nothing is said.
//!
//! ## Why
//!
//! Both appliers put a Namespace in front of everything that lives in it, whatever sync wave it
//! has. The label is live before the waypoint is programmed and before the policies are there: for
//! that time traffic flows without them.
//!
//! ## Example
//!
//! ```yaml
//! apiVersion: v1
//! kind: Namespace
//! metadata:
//!   name: httpbin
//!   labels:
//!     istio-injection: disabled
//!     istio.io/dataplane-mode: ambient
//!     istio.io/use-waypoint: waypoint
//!   annotations: {argocd.argoproj.io/sync-wave: "5"}
//! ---
//! apiVersion: gateway.networking.k8s.io/v1
//! kind: Gateway
//! metadata: {name: waypoint, namespace: httpbin}
//! spec:
//!   gatewayClassName: istio-waypoint
//!   listeners: [{name: mesh, port: 15008, protocol: HBONE}]
//! ```
//!
//! ## Fix
//!
//! Two units, the second depending on the first: the waypoint and the policies, then the labels.
//!
//! ```yaml
//! apiVersion: gateway.networking.k8s.io/v1
//! kind: Gateway
//! metadata: {name: waypoint, namespace: httpbin}
//! spec:
//!   gatewayClassName: istio-waypoint
//!   listeners: [{name: mesh, port: 15008, protocol: HBONE}]
//! ```
//!
//! ## Source
//!
//! facts/gitops-delivery.md 1.1, 8.3 (T21); argoproj/argo-cd
//! `gitops-engine/pkg/sync/sync_tasks.go` `adjustDeps`; fluxcd/pkg `ssa/manager_apply.go`.

use std::collections::BTreeMap;

use super::super::Rule;
use super::super::input::{DATAPLANE_MODE, RuleInput, USE_WAYPOINT, label_span};
use crate::diagnostic::{Diagnostic, Severity};
use crate::k8s::Object;

pub(in crate::validate::rule) const RULE: Rule = Rule {
    code: "namespace-first",
    severity: Severity::Warning,
    summary: "a Namespace is enrolled in the unit that holds what must be there before",
    istio: None,
    source: include_str!("namespace_first.rs"),
    check,
};

fn check(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    let mut units: BTreeMap<&str, Vec<&Object>> = BTreeMap::new();
    for object in input.applied.iter().copied() {
        if let Some(unit) = input.settings.units.get(&object.span().file) {
            units.entry(unit).or_default().push(object);
        }
    }
    for objects in units.values() {
        for namespace in objects.iter().filter(|o| o.gvk.is("", "Namespace")) {
            if !namespace.labels.contains_key("istio-injection") {
                continue;
            }
            let is_ambient = namespace.labels.get(DATAPLANE_MODE).is_some_and(|m| m == "ambient");
            let key = match namespace.labels.contains_key(USE_WAYPOINT) {
                true => USE_WAYPOINT,
                false if is_ambient => DATAPLANE_MODE,
                false => continue,
            };
            let awaited = objects.iter().find(|o| {
                o.namespace.as_deref() == Some(&namespace.name)
                    && (o.gvk.is("gateway.networking.k8s.io", "Gateway")
                        || o.gvk.is("security.istio.io", "AuthorizationPolicy"))
            });
            let Some(awaited) = awaited else { continue };
            found.push(
                Diagnostic::warning(
                    RULE.code,
                    format!(
                        "namespace `{}` is enrolled before {} is there",
                        namespace.name,
                        awaited.reference()
                    ),
                )
                .at(label_span(namespace, key), "appliers put a Namespace first, whatever its wave")
                .also(awaited.name_span(), "applied after it")
                .help("put the labels into a unit of their own that depends on this one"),
            );
        }
    }
}
