//! Fields that need a release (facts/tsb.md, "Versions"; facts/istio-ambient.md §9.2).

use crate::diagnostic::{Diagnostic, Span};
use crate::model::{Environment, Version};

/// What a feature needs.
pub(super) struct Gate {
    /// The feature, as the subject of a sentence.
    feature: &'static str,
    /// First release of TSB.
    tsb: Version,
    /// First release of Istio.
    istio: Version,
}

/// Istio's first release that TSB runs in ambient mode.
pub(super) const AMBIENT_ISTIO: Version = Version::new(1, 24);

/// Ambient mode: TSB 1.12.1 (1.12.0 ships an Istio before it) and Istio 1.24
/// (facts/tsb.md, "Versions", \[Concepts\]\[AKS\]).
pub(super) const AMBIENT: Gate = Gate {
    feature: "ambient mode",
    tsb: Version { major: 1, minor: 12, patch: 1 },
    istio: AMBIENT_ISTIO,
};

/// `oap.spmAgentReceiverEnabled`: absent from the references up to 1.7, there with ambient
/// (facts/tsb.md, "Management plane": inferred).
pub(super) const SPM_AGENT_RECEIVER: Gate = Gate {
    feature: "`oap.spmAgentReceiverEnabled`",
    tsb: Version::new(1, 12),
    istio: Version::new(0, 0),
};

/// `waypoints.….overlays`: Istio reads a Gateway's ConfigMap from 1.26 (facts/istio-ambient.md
/// §3.6).
pub(super) const WAYPOINT_OVERLAYS: Gate = Gate {
    feature: "customisation of waypoints",
    tsb: Version { major: 1, minor: 12, patch: 1 },
    istio: Version::new(1, 26),
};

impl Gate {
    /// An error where the environment's versions are too old, unless the upgrade that its ambient
    /// namespaces need, which is asked for where the version stands, brings the feature too.
    pub(super) fn check(&self, environment: &Environment, at: Span, found: &mut Vec<Diagnostic>) {
        let any = environment.clusters.values().any(|c| environment.first_ambient(c).is_some());
        for (product, has, needs, ambient) in [
            ("TSB", Some(environment.tsb), self.tsb, AMBIENT.tsb),
            ("Istio", environment.istio, self.istio, AMBIENT.istio),
        ] {
            // one that is missing is asked for where it is needed
            let Some(has) = has else { continue };
            let is_asked_for = any && has.is_before(ambient) && needs <= ambient;
            if has < needs && !is_asked_for {
                let diagnostic = Diagnostic::error(
                    "version-gate",
                    format!(
                        "{} needs {product} {needs} or later, but the environment has {has}",
                        self.feature
                    ),
                )
                .at(at, "");
                found.push(if !has.is_before(needs) {
                    diagnostic.help(format!(
                        "if it runs {needs} or later, say so with the patch number: `{needs}`"
                    ))
                } else {
                    diagnostic.help(format!("upgrade {product} first, or leave it out"))
                });
            }
        }
    }
}
