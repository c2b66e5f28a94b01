//! Whether plaintext is taken.

use super::{Context, Placed};
use crate::manifest::{Manifest, Metadata, MtlsMode, PeerAuthentication};
use crate::model::{DataplaneMode, TrafficMode};

/// trafficMode REQUIRED is STRICT, OPTIONAL is PERMISSIVE (facts/tsb.md, "PeerAuthentication"; the
/// latter is our reading). Nothing said renders nothing.
pub(super) fn translate(context: &Context<'_>, placed: &mut Vec<Placed>) {
    let traffic = &context.namespace.security.traffic_mode;
    let mode = match traffic.value {
        TrafficMode::Unset => return,
        TrafficMode::Optional => MtlsMode::Permissive,
        TrafficMode::Required => MtlsMode::Strict,
    };
    if context.state.prepared == DataplaneMode::None
        && !context.has_ambient_pods(DataplaneMode::None)
    {
        return;
    }
    placed.push(Placed {
        area: context.policy_area(),
        manifest: Manifest::PeerAuthentication(PeerAuthentication {
            metadata: Metadata::namespaced(context.namespace.name.as_str(), "default"),
            mode,
        }),
        origin: traffic.origin,
    });
}
