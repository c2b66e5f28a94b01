//! Waypoints that come, go, or go while something still names them.

use std::collections::BTreeSet;

use super::{Code, Context, Flag, names};
use crate::diff::tree::TreeDiff;
use crate::diff::version::{ObjectVersion, versions};
use crate::k8s::ObjectRef;

const USE: &str = "istio.io/use-waypoint";

pub(super) fn flags(diff: &TreeDiff, context: &Context<'_>, flags: &mut Vec<Flag>) {
    for change in &diff.objects {
        if let Some(gone) = change.lost().filter(|v| is_waypoint(v)) {
            let users = users(gone, context);
            let name = &gone.reference.name;
            let (code, message) = match users.len() {
                0 => (
                    Code::WaypointRemoved,
                    format!("waypoint `{name}` is gone, and nothing in the tree names it any more"),
                ),
                _ => (
                    Code::WaypointRemovedInUse,
                    format!(
                        "waypoint `{name}` is gone while {} still name{} it: their traffic goes past it",
                        names(users.iter().map(String::as_str)),
                        if users.len() == 1 { "s" } else { "" },
                    ),
                ),
            };
            flags.push(flag(code, gone, message));
        }
        if let Some(new) = change.gained().filter(|v| is_waypoint(v)) {
            let message = format!("waypoint `{}` comes into the tree", new.reference.name);
            flags.push(flag(Code::WaypointAdded, new, message));
        }
    }
}

fn flag(code: Code, waypoint: &ObjectVersion, message: String) -> Flag {
    Flag {
        code,
        cluster: waypoint.cluster().to_owned(),
        namespace: waypoint.reference.namespace.clone(),
        objects: vec![waypoint.reference.clone()],
        message,
    }
}

fn is_waypoint(version: &ObjectVersion) -> bool {
    version.is("gateway.networking.k8s.io", "Gateway")
        && version.text_at("/spec/gatewayClassName") == Some("istio-waypoint")
}

/// What still names a waypoint: the labels of namespaces, services, workloads and pod templates,
/// and the policies that are bound to it. Without a namespace, the label means the object's own
/// (facts/istio-ambient.md §3.1).
fn users(waypoint: &ObjectVersion, context: &Context<'_>) -> Vec<String> {
    let ObjectRef { namespace, name, .. } = &waypoint.reference;
    let files = (context.files_after)(waypoint.cluster(), name);
    let mut users = BTreeSet::new();
    for (path, text) in files {
        for version in versions(&path, &text).unwrap_or_default() {
            let home = match version.is("", "Namespace") {
                true => Some(&version.reference.name),
                false => version.reference.namespace.as_ref(),
            };
            let names_it = |labels: &str| {
                let labels = version.at(labels);
                let text = |key: &str| labels.and_then(|labels| labels.get(key)?.as_str());
                let elsewhere = text("istio.io/use-waypoint-namespace");
                text(USE) == Some(name)
                    && elsewhere.or(home.map(String::as_str)) == namespace.as_deref()
            };
            let is_bound = home == namespace.as_ref()
                && ["/spec/targetRef", "/spec/targetRefs/0"].iter().any(|target| {
                    let target = version.at(target);
                    let text = |key: &str| target.and_then(|target| target.get(key)?.as_str());
                    text("kind") == Some("Gateway") && text("name") == Some(name)
                });
            let labelled = ["/metadata/labels", "/spec/template/metadata/labels"];
            if version.is_applied() && (is_bound || labelled.iter().any(|at| names_it(at))) {
                users.insert(version.reference.to_string());
            }
        }
    }
    users.into_iter().collect()
}
