//! Waypoints that come, go, or go while something still names them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Code, Context, Flag, names};
use crate::diff::tree::TreeDiff;
use crate::diff::version::{ObjectVersion, versions};
use crate::k8s::ObjectRef;

const USE: &str = "istio.io/use-waypoint";

pub(super) fn flags(diff: &TreeDiff, context: &Context<'_>, flags: &mut Vec<Flag>) {
    // each cluster is read once, whatever number of waypoints it loses
    let mut users: BTreeMap<&str, Users> = BTreeMap::new();
    for change in &diff.objects {
        if let Some(gone) = change.lost().filter(|v| is_waypoint(v)) {
            let cluster = gone.cluster();
            let users = users.entry(cluster).or_insert_with(|| Users::read(cluster, context));
            let name = &gone.reference.name;
            let (code, message) = match users.of(&gone.reference) {
                [] => (
                    Code::WaypointRemoved,
                    format!("waypoint `{name}` is gone, and nothing in the tree names it any more"),
                ),
                users => (
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

/// What names which waypoint in a cluster, after: the labels of namespaces, services, workloads and
/// pod templates, and the policies that are bound to it.
struct Users {
    /// By namespace and name of the waypoint.
    users: BTreeMap<(String, String), Vec<String>>,
}

impl Users {
    fn read(cluster: &str, context: &Context<'_>) -> Self {
        let mut users: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
        for word in [USE, "targetRef"] {
            for (path, text) in (context.files_after)(cluster, word) {
                let versions = versions(&path, &text).unwrap_or_default();
                for version in versions.iter().filter(|version| version.is_applied()) {
                    for waypoint in used_by(version) {
                        users.entry(waypoint).or_default().insert(version.reference.to_string());
                    }
                }
            }
        }
        let list =
            |(waypoint, users): (_, BTreeSet<String>)| (waypoint, users.into_iter().collect());
        Self { users: users.into_iter().map(list).collect() }
    }

    fn of(&self, waypoint: &ObjectRef) -> &[String] {
        let namespace = waypoint.namespace.clone().unwrap_or_default();
        self.users.get(&(namespace, waypoint.name.clone())).map_or(&[], Vec::as_slice)
    }
}

/// The waypoints that an object names. A label without a namespace means the object's own
/// (facts/istio-ambient.md §3.1), and so does a policy always.
fn used_by(version: &ObjectVersion) -> Vec<(String, String)> {
    let home = match version.is("", "Namespace") {
        true => Some(version.reference.name.as_str()),
        false => version.reference.namespace.as_deref(),
    };
    let home = home.unwrap_or_default();
    let mut used = Vec::new();
    for labels in ["/metadata/labels", "/spec/template/metadata/labels"] {
        let labels = version.at(labels);
        let text = |key: &str| labels.and_then(|labels| labels.get(key)?.as_str());
        if let Some(name) = text(USE) {
            let namespace = text("istio.io/use-waypoint-namespace").unwrap_or(home);
            used.push((namespace.to_owned(), name.to_owned()));
        }
    }
    let listed = version.at("/spec/targetRefs").and_then(Value::as_array);
    for target in version.at("/spec/targetRef").into_iter().chain(listed.into_iter().flatten()) {
        let text = |key: &str| target.get(key).and_then(Value::as_str);
        if let (Some("Gateway"), Some(name)) = (text("kind"), text("name")) {
            used.push((home.to_owned(), name.to_owned()));
        }
    }
    used
}
