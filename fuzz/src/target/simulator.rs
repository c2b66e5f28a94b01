//! Manifests as a mesh: who can reach what, and who decides.

use waypost::simulate::{Mesh, Options, Request};

use super::objects;
use crate::corpus::texts;

/// Pairs that are asked one by one.
const ASKED: usize = 16;

pub(super) fn corpus() -> Vec<String> {
    texts(&["tests/manifests", "tests/world", "tests/ambientz", "tests/replay"], &[".yaml"])
}

pub(super) fn run(text: &str) {
    let objects = objects(text);
    let (mesh, _) = Mesh::from_objects(&objects, &Options::default());
    mesh.classify();
    for (client, (service, port), _) in mesh.matrix().iter().take(ASKED) {
        mesh.decide(&Request::to_service(client, service, port));
    }
}
