//! Azure Kubernetes Service: no entry on istio.io's prerequisites page, and the one public dump of
//! TSB in ambient mode is from it (facts/tsb.md, [AKS]).

use super::{Cni, Profile};

pub(super) fn profile() -> Profile {
    Profile { cni: Cni::DEFAULT, resources: Vec::new(), manual: Vec::new() }
}
