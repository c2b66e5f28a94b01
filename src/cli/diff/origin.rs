//! The line of the spec that an object comes from.

use std::collections::HashMap;

use crate::diagnostic::{Sources, Span};
use crate::diff::{AccessChange, Flag, ObjectVersion, TreeDiff};
use crate::k8s::ObjectRef;
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
    let spec = Spec::new(resolved, tree);
    let place = |span: Option<Span>| span.and_then(|span| origin(sources, span));
    let of_object = |object: &crate::diff::ObjectChange| {
        place(object.version().map(|version| spec.of(version)))
    };
    let objects: Vec<Option<Origin>> = tree.objects.iter().map(of_object).collect();
    let mut places: HashMap<(&str, &ObjectRef), usize> = HashMap::new();
    for (at, object) in tree.objects.iter().enumerate() {
        if let Some(reference) = object.reference() {
            places.entry((object.cluster(), reference)).or_insert(at);
        }
    }
    let of_flag = |flag: &Flag| {
        let first = flag.objects.first();
        let first = first.and_then(|wanted| places.get(&(flag.cluster.as_str(), wanted)));
        match first.and_then(|at| objects.get(*at).cloned().flatten()) {
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

/// What is looked up for each object, by names.
struct Spec<'a> {
    environment: &'a Environment,
    clusters: HashMap<&'a str, &'a Cluster>,
    namespaces: HashMap<(&'a str, &'a str), &'a Namespace>,
    /// TSB's resources by group, kind and name.
    resources: HashMap<(&'a str, &'a str, &'a str), Span>,
    /// The stages that namespaces have reached with this change.
    stages: HashMap<(&'a str, &'a str), Span>,
}

impl<'a> Spec<'a> {
    fn new(resolved: &'a Resolved, tree: &'a TreeDiff) -> Self {
        let environment = &resolved.environment;
        let clusters = environment.clusters.values();
        let namespaces = clusters.clone().flat_map(|cluster| {
            let all = cluster.namespaces.values();
            all.map(|namespace| ((cluster.name.as_str(), namespace.name.as_str()), namespace))
        });
        let resources = resolved.tenancy.resources().iter().map(|resource| {
            let gvk = &resource.gvk;
            ((gvk.group.as_str(), gvk.kind.as_str(), resource.name.as_str()), resource.origin)
        });
        let defined: HashMap<&str, Span> =
            environment.stages.iter().map(|stage| (stage.name.as_str(), stage.origin)).collect();
        let stages = tree.stages.iter().filter(|stage| stage.before.is_some());
        let stages = stages.filter_map(|stage| {
            let name = stage.after.as_deref()?.split('/').next()?;
            Some(((stage.cluster.as_str(), stage.namespace.as_str()), *defined.get(name)?))
        });
        Self {
            environment,
            namespaces: namespaces.collect(),
            resources: resources.collect(),
            stages: stages.collect(),
            clusters: clusters.map(|cluster| (cluster.name.as_str(), cluster)).collect(),
        }
    }

    /// The line of an object.
    fn of(&self, version: &ObjectVersion) -> Span {
        let reference = &version.reference;
        let named = (reference.group.as_str(), reference.kind.as_str(), reference.name.as_str());
        if let Some(origin) = self.resources.get(&named) {
            return *origin;
        }
        let cluster = self.clusters.get(version.cluster());
        let install = match reference.kind.as_str() {
            "ControlPlane" => cluster.and_then(|c| c.control_plane.as_ref()).map(|c| c.origin),
            "ManagementPlane" => self.environment.management_plane.as_ref().map(|m| m.origin),
            _ => None,
        };
        let is_namespace = version.is("", "Namespace");
        let name = match is_namespace {
            true => Some(reference.name.as_str()),
            false => reference.namespace.as_deref(),
        };
        let place = name.map(|name| (version.cluster(), name));
        let namespace = place.and_then(|place| self.namespaces.get(&place));
        let special = namespace.and_then(|namespace| match reference.kind.as_str() {
            "Gateway" => namespace.waypoint.as_ref().and_then(|waypoint| waypoint.origin),
            "AuthorizationPolicy" => namespace.security.access.origin,
            "PeerAuthentication" => namespace.security.traffic_mode.origin,
            _ => None,
        });
        // a stage is the cause of everything that changed in a namespace that reached it
        let staged = place.and_then(|place| self.stages.get(&place).copied());
        install
            .filter(|_| reference.group == "install.tetrate.io")
            .or(staged)
            .or(special)
            .unwrap_or_else(|| self.of_place(version.cluster(), name))
    }

    /// The line of a namespace, else of its cluster, else of the environment.
    fn of_place(&self, cluster: &str, namespace: Option<&str>) -> Span {
        let namespace = namespace.and_then(|name| self.namespaces.get(&(cluster, name)));
        let cluster = self.clusters.get(cluster).map(|cluster| cluster.origin);
        namespace.map(|namespace| namespace.origin).or(cluster).unwrap_or(self.environment.origin)
    }
}
