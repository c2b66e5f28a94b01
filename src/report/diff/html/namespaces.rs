//! The namespaces of each cluster: how they take part, and by which waypoints.

use serde::Serialize;

use super::page::shown;
use crate::diff::{MeshMode, NamespaceState, NamespaceStates};
use crate::report::diff::report::counted;

/// Namespaces that somebody looks through. Of more, those that changed are shown.
const SHOWN: usize = 300;

#[derive(Serialize)]
pub(super) struct Cluster {
    name: String,
    namespaces: Vec<Namespace>,
}

#[derive(Serialize)]
struct Namespace {
    name: String,
    changed: bool,
    fate: Option<&'static str>,
    mode: &'static str,
    mode_class: &'static str,
    mode_before: Option<&'static str>,
    waypoints: Vec<Gate>,
    holds: String,
}

#[derive(Serialize)]
struct Gate {
    name: String,
    class: &'static str,
    word: Option<&'static str>,
}

/// The clusters, and how many namespaces are left out because nothing about them changed.
pub(super) fn clusters(topology: &[NamespaceStates]) -> (Vec<Cluster>, usize) {
    let mut clusters: Vec<Cluster> = Vec::new();
    let mut left_out = 0;
    for states in topology {
        let Some(namespace) = Namespace::of(states) else { continue };
        if topology.len() > SHOWN && !namespace.changed {
            left_out += 1;
            continue;
        }
        let name = shown(&states.cluster);
        match clusters.last_mut().filter(|cluster| cluster.name == name) {
            Some(cluster) => cluster.namespaces.push(namespace),
            None => clusters.push(Cluster { name, namespaces: vec![namespace] }),
        }
    }
    (clusters, left_out)
}

impl Namespace {
    fn of(states: &NamespaceStates) -> Option<Self> {
        let NamespaceStates { name, before, after, .. } = states;
        let state = after.as_ref().or(before.as_ref())?;
        let none: &[String] = &[];
        let names = |side: &Option<NamespaceState>| -> Vec<String> {
            side.as_ref().map_or(none, |s| &s.waypoints).to_vec()
        };
        let (old, new) = (names(before), names(after));
        let gone = old.iter().filter(|w| after.is_some() && !new.contains(w)).map(|w| Gate {
            name: shown(w),
            class: "gone",
            word: Some("no longer"),
        });
        let there = if after.is_some() { &new } else { &old };
        let mut waypoints: Vec<Gate> = there
            .iter()
            .map(|w| {
                let is_new = before.is_some() && !old.contains(w);
                let (class, word) = if is_new { ("new", Some("new")) } else { ("", None) };
                Gate { name: shown(w), class, word }
            })
            .collect();
        waypoints.extend(gone);
        let mode_before = before.as_ref().filter(|b| b.mode != state.mode).map(|b| b.mode.as_str());
        let fate = match (before, after) {
            (None, _) => Some("added"),
            (_, None) => Some("removed"),
            _ => None,
        };
        let changed = fate.is_some() || mode_before.is_some() || old != new;
        Some(Self {
            name: shown(name),
            changed,
            fate,
            mode: state.mode.as_str(),
            mode_class: match state.mode {
                MeshMode::Ambient => "ambient",
                MeshMode::Sidecar => "sidecar",
                MeshMode::Outside => "outside",
            },
            mode_before,
            waypoints,
            holds: format!(
                "{}, {}",
                counted(state.workloads, "workload"),
                counted(state.services, "Service")
            ),
        })
    }
}
