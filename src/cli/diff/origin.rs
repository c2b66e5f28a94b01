//! The line of the spec that an object comes from.

use crate::diagnostic::{Sources, Span};
use crate::diff::{AccessChange, Flag, ObjectVersion, TreeDiff};
use crate::model::{Cluster, Environment, Namespace};
use crate::report::diff::{Origin, Origins};
use crate::resolve::Resolved;

/// The origins of everything in a diff, in the spec as it is now: of what is gone, the line that
/// would have to say it, which is that of its namespace, cluster or environment.
pub(super) fn origins(
    resolved: &Resolved,
    sources: &Sources,
    tree: &TreeDiff,
    flags: &[Flag],
    access: &[AccessChange],
) -> Origins {
    let spec = Spec { resolved, tree };
    let place = |span: Option<Span>| span.and_then(|span| origin(sources, span));
    let of_object = |object: &crate::diff::ObjectChange| {
        place(object.version().map(|version| spec.of(version)))
    };
    let objects: Vec<Option<Origin>> = tree.objects.iter().map(of_object).collect();
    let of_flag = |flag: &Flag| {
        let first = flag.objects.first().and_then(|wanted| {
            tree.objects.iter().position(|object| {
                object.cluster() == flag.cluster && object.reference() == Some(wanted)
            })
        });
        match first.and_then(|at| objects.get(at).cloned().flatten()) {
            Some(origin) => Some(origin),
            None => place(Some(spec.of_place(&flag.cluster, flag.namespace.as_deref()))),
        }
    };
    // the destination's side decides who may come in
    let of_access = |change: &AccessChange| {
        let name = change.to.trim_start_matches("pod:");
        let parts: Vec<&str> = name.split('/').collect();
        let mut clusters = resolved.environment.clusters.keys().map(|name| name.as_str());
        // a name has its cluster where there are several
        let cluster = if let [cluster, _, _] = parts[..] { Some(cluster) } else { clusters.next() };
        place(Some(spec.of_place(cluster.unwrap_or_default(), Some(&change.namespace))))
    };
    Origins {
        environment: place(Some(resolved.environment.origin)),
        flags: flags.iter().map(of_flag).collect(),
        access: access.iter().map(of_access).collect(),
        objects,
    }
}

fn origin(sources: &Sources, span: Span) -> Option<Origin> {
    let source = sources.get(span.file)?;
    Some(Origin {
        path: source.path.clone(),
        line: span.start.line,
        column: span.start.column,
        end_line: span.end.line,
        end_column: span.end.column,
    })
}

struct Spec<'a> {
    resolved: &'a Resolved,
    tree: &'a TreeDiff,
}

impl Spec<'_> {
    fn environment(&self) -> &Environment {
        &self.resolved.environment
    }

    fn cluster(&self, name: &str) -> Option<&Cluster> {
        self.environment().clusters.values().find(|cluster| cluster.name.as_str() == name)
    }

    /// The line of an object.
    fn of(&self, version: &ObjectVersion) -> Span {
        let reference = &version.reference;
        if reference.group.ends_with("tsb.tetrate.io") {
            let resources = self.resolved.tenancy.resources();
            let found = resources.iter().find(|resource| {
                resource.name == reference.name
                    && resource.gvk.kind == reference.kind
                    && resource.gvk.group == reference.group
            });
            if let Some(resource) = found {
                return resource.origin;
            }
        }
        let cluster = self.cluster(version.cluster());
        let install = match reference.kind.as_str() {
            "ControlPlane" => cluster.and_then(|c| c.control_plane.as_ref()).map(|c| c.origin),
            "ManagementPlane" => self.environment().management_plane.as_ref().map(|m| m.origin),
            _ => None,
        };
        let is_namespace = version.is("", "Namespace");
        let name = match is_namespace {
            true => Some(reference.name.as_str()),
            false => reference.namespace.as_deref(),
        };
        let namespace = name.and_then(|name| namespace(cluster?, name));
        let special = namespace.and_then(|namespace| match reference.kind.as_str() {
            "Gateway" => namespace.waypoint.as_ref().and_then(|waypoint| waypoint.origin),
            "AuthorizationPolicy" => namespace.security.access.origin,
            "PeerAuthentication" => namespace.security.traffic_mode.origin,
            _ => None,
        });
        let staged = name.and_then(|name| self.stage_of(version.cluster(), name));
        install
            .filter(|_| reference.group == "install.tetrate.io")
            .or(staged)
            .or(special)
            .unwrap_or_else(|| self.of_place(version.cluster(), name))
    }

    /// The stage that a namespace has reached with this change: it is the cause of everything in it
    /// that changed.
    fn stage_of(&self, cluster: &str, namespace: &str) -> Option<Span> {
        let stage = self.tree.stages.iter().find(|stage| {
            stage.cluster == cluster && stage.namespace == namespace && stage.before.is_some()
        })?;
        let name = stage.after.as_deref()?.split('/').next();
        let stages = &self.environment().stages;
        stages.iter().find(|stage| Some(stage.name.as_str()) == name).map(|stage| stage.origin)
    }

    /// The line of a namespace, else of its cluster, else of the environment.
    fn of_place(&self, cluster: &str, name: Option<&str>) -> Span {
        match self.cluster(cluster) {
            None => self.environment().origin,
            Some(cluster) => name
                .and_then(|name| namespace(cluster, name))
                .map_or(cluster.origin, |namespace| namespace.origin),
        }
    }
}

fn namespace<'a>(cluster: &'a Cluster, name: &str) -> Option<&'a Namespace> {
    cluster.namespaces.values().find(|namespace| namespace.name.as_str() == name)
}
