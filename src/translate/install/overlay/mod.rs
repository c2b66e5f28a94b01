//! Overlays of an install resource: the operator's own patch language (facts/tsb.md, "Overlay
//! patch language").
//!
//! ```yaml
//! overlays:
//! - apiVersion: install.xcp.tetrate.io/v1alpha1
//!   kind: EdgeXcp
//!   name: edge-xcp
//!   patches:
//!   - path: spec.components.edgeServer.kubeSpec.deployment.env[-1]
//!     value: {name: ENABLE_DNS_RESOLUTION_AT_EDGE, value: "true"}
//! ```
//!
//! - [`OverlayPath`]: the grammar of `path`;
//! - [`check()`]: what is wrong with a list of overlays;
//! - [`merge_lists()`]: one list added to another without losing or repeating anything;
//! - [`apply()`]: what a patch does to an object, as the operator does it.

mod apply;
mod check;
mod merge;
mod path;

pub use apply::{ApplyError, apply};
pub use check::check;
pub use merge::{Conflict, merge_lists};
pub use path::{OverlayPath, PathError, Step};

use serde_json::Value;

/// An environment variable that a patch appends: `….env[-1]` with a mapping that has a `name`.
fn variable(patch: &Value) -> Option<&str> {
    let path = patch.get("path")?.as_str()?;
    if !path.trim_end_matches('.').ends_with("[-1]") {
        return None;
    }
    patch.get("value")?.get("name")?.as_str()
}

/// What makes an overlay one overlay: API version, kind and name of its target.
fn target(overlay: &Value) -> [Option<&str>; 3] {
    ["apiVersion", "kind", "name"].map(|key| overlay.get(key).and_then(Value::as_str))
}

/// The patches of an overlay.
fn patches(overlay: &Value) -> &[Value] {
    overlay.get("patches").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A text that the operator tries to read as a YAML mapping, whose first key then takes the place
/// of the path's last (tree.go `tryToUnmarshalStringToYAML`).
fn is_read_as_yaml(text: &str) -> bool {
    if text.contains('\n') { text.contains(':') } else { text.contains(": ") }
}
