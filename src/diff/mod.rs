//! Two trees of an environment, object by object: what changed, what is dangerous about it, and who
//! gains or loses access.
//!
//! ```text
//! Vec<Differing> --compare--> TreeDiff --flags--> Vec<Flag>
//!   (by bytes)                   |
//!                                +-- hunks: the lines of one object
//! Mesh, Mesh ---------AccessDiff::between--> AccessDiff
//! ```
//!
//! Reading order: [`ObjectVersion`] (an object in a file), `identity` (which two versions are one
//! object: by what it is, wherever it lies), [`FieldChange`] (what a reader of the object would
//! say), `noise` (what nobody needs to read), [`TreeDiff`] (all of it, with counts that add up),
//! [`Flag`] (what a reviewer must not miss), [`AccessDiff`].
//!
//! It promises:
//!
//! - A file whose bytes are alike is not read further; of the others nothing is lost: taking the
//!   objects' versions before away and putting those after in makes the one tree the other.
//! - [`TreeDiff::is_empty`] only where the trees are equal, byte for byte. What is hidden is counted.

mod access;
mod asked;
mod field;
mod field_path;
mod file;
pub mod flag;
mod hunk;
mod identity;
mod keyed;
mod kustomization;
mod mode;
mod noise;
mod object;
mod topology;
mod tree;
mod version;

pub use access::{AccessChange, AccessDiff, Answer, Direction, Matrix};
pub use field::{FieldChange, fields};
pub use field_path::{FieldPath, Step};
pub use file::{FileChange, FileRole};
pub use flag::{Code, Context, Flag, Level, flags, told_flags};
pub use hunk::{Hunk, Line, LineKind, hunks};
pub use kustomization::{beyond_lists, is_list};
pub use mode::MeshMode;
pub use noise::{Ignored, Noise};
pub use object::{ChangeKind, ObjectChange};
pub use topology::{NamespaceState, NamespaceStates, topology};
pub use tree::{Counts, Options, StageChange, TreeDiff, compare};
pub use version::ObjectVersion;
