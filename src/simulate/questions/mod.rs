//! Questions that lints ask of a mesh, beside those of `access`: each has its answer here once.
//!
//! - `pods`: which pods a namespace has, or would have, and how they take part;
//! - `ztunnel`: which policies their ztunnels ask, and whom these admit;
//! - `network`: what NetworkPolicies, which add up, let through;
//! - `waypoint`: what binds to which waypoint, and what is enforced there.

mod network;
mod pods;
mod waypoint;
mod ztunnel;

pub use network::Direction;
pub use pods::{Pod, Pods};
pub use ztunnel::Admission;
