//! The install resources: ControlPlane and ManagementPlane (facts/tsb.md, "Control plane",
//! "Management plane").
//!
//! ```text
//! spec fields ─┐
//! platform     ├─> wanted fields ──merge──> full CR ──> overlay: base + JSON6902 patches
//! ownership    │        │                    ^          full: the CR
//! free `spec` ─┘        │                base┘
//!                       └── no base ──> kustomize Components (never a stub CR)
//! ```
//!
//! Start at [`control_plane()`] and [`management_plane()`]; `resource.rs` has the three outputs.

mod blame;
mod check;
mod cni;
mod component;
mod control_plane;
mod edge;
mod gate;
mod json_patch;
mod management_plane;
mod merge;
pub mod overlay;
mod resource;
mod waypoints;

pub use component::Component;
pub use control_plane::control_plane;
pub use management_plane::management_plane;
pub use resource::{InstallCheck, InstallFiles, KustomizePatch, PatchTarget};
