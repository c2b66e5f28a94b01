//! The rendered tree of one environment: what it holds, what a render would change, and how it
//! gets to disk whole or not at all.
//!
//! ```text
//! Tree ──┐
//!        ├── plan ──> Change ──> disk::replace    (render)
//! Local ─┤
//!        └── check ─> Vec<Drift>                  (check)
//! ```
//!
//! - [`Tree`]: path → text, relative to `rendered/<env>`; a path that could leave the folder,
//!   or mean another file on another machine, does not get in ([`path`]).
//! - [`Lock`]: `<cluster>/waypost.lock`, what was written, by digest and by object.
//! - [`Local`]: what lies on disk, by digest; read by [`disk`], which with [`git`] and [`branch`]
//!   alone touches what is outside.
//! - [`branch`]: a git branch as the place of a tree, instead of a folder.
//! - [`plan`]: the difference as data ([`Change`]), with everything that speaks against writing it.
//! - [`check`]: the difference as findings ([`Drift`]).
//! - [`Differing`]: a file of two trees, by bytes; [`disk::compare`] finds them in two folders, and
//!   [`git`] says which paths of a repository may hold one.
//!
//! It promises that a reader sees the old tree or the new one, never a mixture; that only files
//! that an old lock lists are deleted; that a tree that did not change is not touched.

pub mod branch;
mod change;
mod current;
mod differing;
mod digest;
pub mod disk;
mod drift;
mod files;
pub mod git;
mod guard;
mod local;
mod lock;
pub mod path;
mod place;
mod scope;

pub use change::{Change, ClusterProvenance, Provenance, plan};
pub use current::is_current;
pub use differing::Differing;
pub use digest::Digest;
pub use drift::{Drift, DriftKind, check};
pub use files::{Tree, TreeFile};
pub use guard::{Allowances, is_much};
pub use local::{Holds, Local};
pub use lock::{LOCK_NAME, Lock, LockEntry, LockError};
pub use path::{PathError, is_read_by_appliers, object_file_name};
pub use place::{FilePlace, Place};
pub use scope::Scope;
