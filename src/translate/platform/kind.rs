//! kind: Kubernetes in containers, with the usual directories.

use super::{Cni, Profile};

pub(super) fn profile() -> Profile {
    Profile { cni: Cni::DEFAULT, resources: Vec::new(), manual: Vec::new() }
}
