//! PeerAuthentications stay; where istiod makes something else of one for ztunnel than for a sidecar, it is put
//! in other words.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;

use super::Policy;
use super::policy::{Selector, or_default};
use super::reason::Reason;
use super::space::Space;
use super::writing::Writing;
use crate::k8s::Object;

/// What of a PeerAuthentication is read here.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Spec {
    selector: Option<Selector>,
    #[serde(deserialize_with = "or_default")]
    mtls: Mtls,
    #[serde(deserialize_with = "or_default")]
    port_level_mtls: BTreeMap<String, Mtls>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Mtls {
    mode: Option<String>,
}

impl Mtls {
    fn is(&self, mode: &str) -> bool {
        self.mode.as_deref() == Some(mode)
    }

    fn is_unset(&self) -> bool {
        self.mode.as_deref().is_none_or(|mode| mode == "UNSET")
    }
}

impl Spec {
    fn of(object: &Object) -> Self {
        let spec = object.body.get("spec");
        spec.and_then(|node| crate::yaml::from_node(node).ok()).unwrap_or_default()
    }

    fn is_wide(&self) -> bool {
        self.selector.as_ref().is_none_or(|selector| selector.match_labels.is_empty())
    }

    fn has_port(&self, mode: &str) -> bool {
        self.port_level_mtls.values().any(|port| port.is(mode))
    }
}

/// What becomes of the PeerAuthentications of a namespace.
pub(super) fn translate(space: &Space<'_>, writing: &mut Writing<'_>) -> Vec<Policy> {
    let here = space.scene.peer_authentications.iter();
    let here = here.filter(|at| space.is_here(**at) && space.is_ours(**at));
    here.map(|at| {
        let spec = Spec::of(&space.objects[*at]);
        let mut reasons = vec![Reason::PeerAuthentication];
        if spec.mtls.is("DISABLE") {
            // ztunnel calls it PERMISSIVE (facts/translation.md, row DISABLE)
            reasons.push(Reason::PeerAuthenticationDisable);
            writing.edit(*at, |value| value["spec"]["mtls"]["mode"] = json!("PERMISSIVE"));
        }
        if is_misread(space, &spec) {
            reasons.push(Reason::PeerAuthenticationPortQuirk);
            writing.edit(*at, |value| value["spec"]["mtls"] = json!({"mode": "STRICT"}));
        }
        space.stays(*at, &space.selected(spec.selector.as_ref()), &reasons)
    })
    .collect()
}

/// Modes of ports under a mode that is not written but inherited, of which istiod tells ztunnel something
/// else (facts/istio-ambient.md §5.3): M4, a port with DISABLE alone stays shut; M5, nothing is STRICT any more where
/// the namespace's own policy says nothing either. With the mode written out both are M1.
fn is_misread(space: &Space<'_>, spec: &Spec) -> bool {
    if spec.is_wide() || !spec.mtls.is_unset() || spec.port_level_mtls.is_empty() {
        return false;
    }
    let wide_of = |namespace: &str| {
        let mut all = space
            .scene
            .peer_authentications
            .iter()
            .map(|at| &space.objects[*at])
            .filter(|object| object.namespace_or_default() == namespace)
            .map(Spec::of)
            .filter(Spec::is_wide);
        let first = all.next();
        // of several the oldest counts, which manifests do not tell
        first.filter(|_| all.next().is_none())
    };
    let own = wide_of(space.namespace);
    let is_said = own.as_ref().is_some_and(|own| !own.mtls.is_unset());
    let is_strict = match &own {
        Some(own) if is_said => own.mtls.is("STRICT"),
        _ => wide_of(&space.wish.root_namespace).is_some_and(|root| root.mtls.is("STRICT")),
    };
    let opens = spec.has_port("DISABLE") || spec.has_port("PERMISSIVE");
    let m4 = spec.has_port("DISABLE") && !spec.has_port("PERMISSIVE");
    let m5 = own.is_some() && !is_said && opens;
    is_strict && (m4 || m5)
}
