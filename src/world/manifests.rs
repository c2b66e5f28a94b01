//! The manifests of a folder, of a commit, or of a dump, as one cluster.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Cluster, Origin, Present, World, case, mesh_config, objects_in};
use crate::diagnostic::Sources;
use crate::k8s::Object;
use crate::simulate::Options;

/// True for a path that is looked into: YAML, and no part of it hidden.
pub fn is_manifest(path: &str) -> bool {
    [".yaml", ".yml"].iter().any(|end| path.ends_with(end))
        && !path.split('/').any(|part| part.starts_with('.'))
}

impl World {
    /// Some manifests, by path and text. The texts are added to the sources.
    pub fn of_manifests(name: String, texts: &[(String, String)], sources: &mut Sources) -> Self {
        let (mut found, mut objects) = (Vec::new(), Vec::new());
        for (path, text) in texts {
            let file = sources.add(path.as_str(), text.as_str());
            objects.extend(objects_in(file, text, &mut found));
        }
        let mut world = Self::of_objects(name, objects);
        world.found.splice(0..0, found);
        world
    }

    /// Some objects, among them AccessTests. Of two with one reference the first counts.
    pub fn of_objects(name: String, objects: Vec<Object>) -> Self {
        Self::of_objects_with(name, objects, |_| ())
    }

    /// The same with settings of the mesh that the objects do not tell.
    pub fn of_objects_with(
        name: String,
        mut objects: Vec<Object>,
        settings: impl FnOnce(&mut Options),
    ) -> Self {
        let mut found = Vec::new();
        let tests: Vec<Object> =
            objects.extract_if(.., |o| o.gvk.is("waypost.dev", "AccessTest")).collect();
        let cases = case::of_objects(&tests, &mut found);
        let origin = Origin { inventory: true, ..Origin::default() };
        let present = |object| Present { object: Arc::new(object), origin };
        let objects: Vec<Present> = objects.into_iter().map(present).collect();
        let all = objects.iter().map(|present| &*present.object);
        let mut options = mesh_config::of_objects(all, &mut found);
        settings(&mut options);
        let cluster = Cluster { options, objects, rendered: Vec::new() };
        Self::new(name, vec![cluster], &BTreeSet::new(), cases, found)
    }
}
