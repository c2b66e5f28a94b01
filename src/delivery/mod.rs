//! The tree in the hands of the tools that apply it.
//!
//! - [`objects`]: what Argo CD and Flux are told, so that they apply the units in the safe order
//!   (`gitops/`).
//! - [`guard`]: what keeps Flux from pruning a unit that was emptied by hand.
//! - [`commit`]: what a published commit says of where it comes from.
//! - [`ResourceList`]: what a KRM function is given and gives back (`waypost fn`).
//!
//! It promises that an applier that is told so never labels a namespace before its waypoint and
//! policies hold, and deletes nothing that a render did not mean to go; that a function gives
//! exactly what a render applies, and that what others wrote passes through.

mod argocd;
pub mod commit;
mod flux;
mod guard;
mod resource_list;
mod units;

pub use guard::{GUARD, GUARD_FILE, guard, is_guarded};
pub use resource_list::{Call, ResourceList, results};
pub use units::{ForApplier, UnitObjects, Units};

use crate::model::Target;

/// What the appliers of an environment are told.
pub fn objects(units: &Units<'_>) -> Vec<ForApplier> {
    let of = |target: &Target| match target {
        Target::ArgoCd => argocd::objects(units),
        Target::Flux => flux::objects(units),
    };
    units.delivery.targets.iter().flat_map(of).collect()
}
