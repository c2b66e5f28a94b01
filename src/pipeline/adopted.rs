//! Hand-written policies that the tree has: what of them is rendered at a point.
//!
//! What a namespace comes to hangs on nothing but itself and its state: the proposal is made of
//! the namespace as it is once it has moved, and the state says how much of that is there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use serde_json::json;

use super::Item;
use crate::diagnostic::Diagnostic;
use crate::k8s::{Object, ObjectRef};
use crate::manifest::Manifest;
use crate::model::{
    Area, Cluster, ClusterName, Environment, Namespace, NamespaceId, RESTART_TOKEN, Reached,
    Restart, Unit,
};
use crate::plan::{self, NamespaceState, State};
use crate::render::{RenderedObject, Renderer};
use crate::resolve::Resolved;
use crate::translate::direct::{self, Binding, Handover, Proposal, Serves, Wish};
use crate::translate::{self, Placed};
use crate::world;
use crate::yaml::Node;

/// The policies of a cluster that the tree has, and what is around them.
pub(super) struct Adopted<'a> {
    environment: &'a Environment,
    cluster: &'a Cluster,
    renderer: &'a Renderer,
    /// Everything that is there, by namespace; what lies in none under the empty name.
    present: BTreeMap<&'a str, BTreeMap<ObjectRef, &'a Arc<Object>>>,
    /// By namespace: the policies, and what is proposed for them once somebody has asked. It is the same at
    /// every point of the migration.
    policies: BTreeMap<&'a str, (BTreeSet<ObjectRef>, OnceLock<Proposed>)>,
    root_namespace: String,
    /// Every namespace as it is in the end.
    end: State,
}

/// A namespace and what is proposed for its policies.
pub(super) struct Proposed {
    /// What is in it, policies among them.
    pub objects: Vec<Object>,
    /// Places of the policies that the tree has.
    pub policies: Vec<usize>,
    /// What becomes of them.
    pub proposal: Proposal,
    /// The identity of the waypoint that they let in; `None` where there is none.
    pub waypoint: Option<String>,
    /// What is wrong with them.
    pub found: Vec<Diagnostic>,
}

/// That the tree applies them, and nobody else may.
pub(super) fn told(resolved: &Resolved) -> Option<Diagnostic> {
    let mut all = resolved.adopted.values().flatten();
    let first = all.next()?;
    let many = match all.count() {
        0 => "a hand-written policy".to_owned(),
        more => format!("{} hand-written policies", more + 1),
    };
    Some(
        Diagnostic::note("applied-by-tree", format!("unit `mesh` applies {many}: `ownership: {{direct: gitops}}`"))
            .at(first.name_span(), "one of them")
            .help("two owners undo each other's work: let whoever applied them before let go of them, without deleting them"),
    )
}

/// The clusters of an environment in which the tree has such policies.
pub(super) struct ByCluster<'a>(BTreeMap<&'a ClusterName, Adopted<'a>>);

impl<'a> ByCluster<'a> {
    /// Those of an environment.
    pub fn of(resolved: &'a Resolved, renderer: &'a Renderer) -> Self {
        let clusters = resolved.environment.clusters.values();
        let all = clusters.filter_map(|cluster| {
            let adopted = resolved.adopted.get(&cluster.name)?;
            Some((&cluster.name, Adopted::new(resolved, cluster, adopted, renderer)))
        });
        Self(all.collect())
    }

    /// Those of a cluster; `None` where the tree has none there.
    pub fn get(&self, cluster: &Cluster) -> Option<&Adopted<'a>> {
        self.0.get(&cluster.name)
    }
}

impl<'a> Adopted<'a> {
    fn new(
        resolved: &'a Resolved,
        cluster: &'a Cluster,
        adopted: &'a [Arc<Object>],
        renderer: &'a Renderer,
    ) -> Self {
        let environment = &resolved.environment;
        let mut present: BTreeMap<&str, BTreeMap<ObjectRef, &Arc<Object>>> = BTreeMap::new();
        let of = |objects: &'a BTreeMap<_, Vec<Arc<Object>>>| {
            objects.get(&cluster.name).into_iter().flatten()
        };
        // what is written comes over what was dumped
        for object in of(&resolved.inventory).chain(of(&resolved.direct)).chain(adopted) {
            let namespace = object.namespace.as_deref().unwrap_or_default();
            present.entry(namespace).or_default().insert(object.reference(), object);
        }
        let mut policies: BTreeMap<&str, (BTreeSet<ObjectRef>, _)> = BTreeMap::new();
        for object in adopted {
            let of_namespace = policies.entry(object.namespace_or_default()).or_default();
            of_namespace.0.insert(object.reference());
        }
        let all = present.values().flat_map(BTreeMap::values).map(|object| &***object);
        // what is wrong with it is told with the mesh
        let root_namespace = world::mesh_options(all, &mut Vec::new()).root_namespace;
        let last = plan::points(environment).pop().unwrap_or(Reached::None);
        let end = plan::state(environment, &last);
        Self { environment, cluster, renderer, present, policies, root_namespace, end }
    }

    /// What is proposed for the policies of a namespace; `None` where the tree has none there.
    pub fn proposed(&self, namespace: &Namespace) -> Option<&Proposed> {
        let (ours, proposed) = self.policies.get(namespace.name.as_str())?;
        Some(proposed.get_or_init(|| self.propose(namespace, ours)))
    }

    fn propose(&self, namespace: &Namespace, ours: &BTreeSet<ObjectRef>) -> Proposed {
        let name = namespace.name.as_str();
        let mut found = Vec::new();
        let objects = self.around(namespace, &mut found);
        let is_policy = |object: &Object| ours.contains(&object.reference());
        let (mut policies, mut others) = (Vec::new(), BTreeSet::new());
        for (at, object) in objects.iter().enumerate() {
            if is_policy(object) {
                policies.push(at);
            } else {
                others.insert(at);
            }
        }
        let waypoint = namespace.waypoint.as_ref();
        let wish = Wish {
            moving: BTreeSet::from([name.to_owned()]),
            waypoint: waypoint.map(|w| w.name.to_string()).unwrap_or_default(),
            // the Gateway among the objects says it
            serves: Serves::Service,
            binding: if waypoint.is_some() { Binding::Namespace } else { Binding::Nothing },
            trust_domain: self.cluster.trust_domain.to_string(),
            root_namespace: self.root_namespace.clone(),
            binds_classes: false,
            others,
            waypoint_namespace: None,
        };
        let (proposal, more) = direct::propose(&objects, &wish);
        found.extend(more);
        let waypoint = waypoint.map(|_| wish.waypoint_principal(name));
        Proposed { objects, policies, proposal, waypoint, found }
    }

    /// Adds what the policies of a namespace come to in a state, and labels its workloads.
    pub fn render(
        &self,
        namespace: &Namespace,
        state: NamespaceState,
        placed: &mut [Placed],
        found: &mut Vec<Diagnostic>,
    ) -> Vec<Item> {
        let Some(proposed) = self.proposed(namespace) else { return Vec::new() };
        let Proposed { objects, policies, proposal, found: told, waypoint: _ } = proposed;
        let handover = Handover::of(state);
        if handover != Handover::Before {
            found.extend(told.iter().cloned());
            found.extend(self.restarted_by_hand(proposed));
        }
        self.label(proposed, placed);
        let mut items = Vec::new();
        for &at in policies {
            let origin = Some(objects[at].name_span());
            let values = proposal.at(at, objects, handover).into_iter();
            items.extend(values.map(|v| Item::new(Area::Unit(Unit::Mesh), v, origin)));
        }
        items
    }

    /// The restart token is a label too: a guard selects it, so that it binds a pod when that is
    /// restarted and not before. Like the token it is always there: what goes by being left out
    /// stays where another applier has written it as well. That pods go past a waypoint is said before
    /// there is one, since an admission lets it in at sidecars already.
    fn label(&self, proposed: &Proposed, placed: &mut [Placed]) {
        let opted_out: BTreeSet<(&str, &str)> = proposed
            .proposal
            .opted_out
            .iter()
            .filter_map(|at| proposed.objects.get(*at))
            .map(|object| (object.gvk.kind.as_str(), object.name.as_str()))
            .collect();
        for Placed { manifest, .. } in placed {
            let Manifest::Workload(workload) = manifest else { continue };
            if let Some(token) = workload.pod_annotations.get(RESTART_TOKEN) {
                workload.pod_labels.insert(RESTART_TOKEN.to_owned(), token.clone());
            }
            if opted_out.contains(&(workload.kind.as_str(), workload.metadata.name.as_str())) {
                workload.pod_labels.insert("istio.io/use-waypoint".to_owned(), "none".to_owned());
            }
        }
    }

    fn restarted_by_hand(&self, proposed: &Proposed) -> Option<Diagnostic> {
        let Proposal { opted_out, guarded, .. } = &proposed.proposal;
        if self.environment.restart == Restart::Annotation {
            return None;
        }
        let pods = proposed.objects.get(*opted_out.union(guarded).next()?)?;
        Some(
            Diagnostic::error(
                "label-needs-restart",
                format!("pods of {} need a label that nothing puts on them", pods.reference()),
            )
            .at(pods.name_span(), "its hand-written policies hold by a label that the restart brings")
            .help("use `restart: annotation`, or leave the policies with whoever applies them: `ownership: {direct: user}`"),
        )
    }

    /// What a namespace holds, with what is rendered for it in the end.
    fn around(&self, namespace: &Namespace, found: &mut Vec<Diagnostic>) -> Vec<Object> {
        let name = namespace.name.as_str();
        let mut all: BTreeMap<ObjectRef, Object> = BTreeMap::new();
        let own = self.present.get(name).into_iter().flatten();
        // routes of other namespaces lead here too
        let routes = self.present.iter().filter(|(other, _)| **other != name).flat_map(|(_, o)| o);
        let routes = routes.filter(|(key, _)| key.kind == "VirtualService");
        for (key, object) in own.chain(routes) {
            all.insert(key.clone(), Object::clone(object));
        }
        let cluster_scoped = self.present.get("").into_iter().flatten();
        let is_it =
            |key: &ObjectRef| key.group.is_empty() && key.kind == "Namespace" && key.name == name;
        if let Some((key, object)) = { cluster_scoped }.find(|(key, _)| is_it(key)) {
            all.insert(key.clone(), Object::clone(object));
        } else {
            let value =
                json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
            let made = Object::from_node(Node::from_json(&value, namespace.origin)).ok();
            all.extend(made.map(|object| (object.reference(), object)));
        }
        let id =
            NamespaceId { cluster: self.cluster.name.clone(), namespace: namespace.name.clone() };
        debug_assert!(self.end.namespaces.contains_key(&id));
        let (placed, _) =
            translate::namespace_manifests(self.environment, &self.end, self.cluster, namespace);
        for Placed { manifest, .. } in placed {
            if !matches!(manifest, Manifest::AuthorizationPolicy(_) | Manifest::Gateway(_)) {
                continue;
            }
            match self.renderer.render(manifest) {
                Ok(RenderedObject::Read { object, .. }) => {
                    all.insert(object.reference(), object);
                }
                Ok(RenderedObject::Value(_)) => {}
                Err(diagnostic) => found.push(*diagnostic),
            }
        }
        all.into_values().collect()
    }
}
