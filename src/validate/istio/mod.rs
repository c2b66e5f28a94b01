//! What Istio's validating webhook refuses beyond the CRD schemas (facts/istio-ambient.md §7.6;
//! istio/istio `pkg/config/validation/validation.go`, `pkg/config/security/security.go`).
//!
//! One file per kind, in the order of the reference. What a kind's schema says already is left to
//! the schema, except where only CEL would say it: CRDs may be read without CEL.

mod attachment;
mod authorization_policy;
mod match_value;
mod peer_authentication;
mod request_authentication;

use crate::diagnostic::Diagnostic;
use crate::k8s::Object;
use crate::yaml::Node;

/// Applies the webhook's rules for the object's kind; other kinds have none here.
pub(super) fn check(object: &Object, found: &mut Vec<Diagnostic>) {
    if object.gvk.group != "security.istio.io" {
        return;
    }
    let spec = object.body.get("spec").filter(|s| s.as_mapping().is_some());
    match object.gvk.kind.as_str() {
        "AuthorizationPolicy" => authorization_policy::check(object, spec, found),
        "PeerAuthentication" => peer_authentication::check(spec, found),
        "RequestAuthentication" => request_authentication::check(spec, found),
        _ => {}
    }
}

/// The value under a key that is there and not null: a null is what the API server drops.
fn field<'a>(node: &'a Node, key: &str) -> Option<&'a Node> {
    node.get(key).filter(|n| !n.is_null())
}

/// The entries of a list field; none when it is absent or no list.
fn items<'a>(node: &'a Node, key: &str) -> &'a [Node] {
    field(node, key).and_then(Node::as_list).unwrap_or_default()
}
