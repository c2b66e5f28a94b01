//! `waypost` turns one declarative spec per environment into the git tree that Argo CD or Flux
//! applies, for meshes that run Tetrate Service Bridge with Istio in ambient mode.
//!
//! ```text
//! environments/<env>/          templates/                             git tree applied by Argo CD / Flux
//!       |                          |                                        ^
//!       v                          v                                        |
//!     spec --resolve--> model --plan--> states --translate--> manifest --render--> tree --write
//!       |                                                                   |
//!       +---- validate (schemas of the spec) <---- schemas/ ---> validate (objects)
//! ```
//!
//! The way of the data is straight. A room takes values and gives values; disk, terminal and
//! environment are met at the ends only (`cli`, `spec::load`, `tree::disk`, `tree::branch`,
//! `tree::git`). [`pipeline`] is the one place that shows the whole flow.
//!
//! Read in this order:
//!
//! | room | what it is for |
//! |---|---|
//! | [`diagnostic`] | what is wrong, where, and what to do; every room reports with it |
//! | [`yaml`] | text to spanned trees, values to the one canonical text |
//! | [`k8s`] | words of Kubernetes: objects, references, labels, names |
//! | [`spec`] | what the user typed |
//! | [`model`] | what it means |
//! | [`resolve`] | from the one to the other, with every problem found on the way |
//! | [`plan`] | the states of the migration |
//! | [`manifest`] | the kinds we emit, as plain data |
//! | [`translate`] | a state to manifests: every decision about what is applied |
//! | [`render`] | manifests to objects, by templates |
//! | [`tree`] | the files: what changes on disk, and how it changes at once or not at all |
//! | [`simulate`] | who can reach what, decided by whom: a second, independent reading of what is applied |
//! | [`world`] | what is in the clusters: everything that is there, laid over each other once, and the mesh of it |
//! | [`traffic`] | what a mesh was seen to carry: access logs and metrics, as classes of requests |
//! | [`replay`] | that traffic asked of a mesh that does not exist yet |
//! | [`validate`] | schemas and rules |
//! | [`prove`] | whether anybody gains when hand-written policies become ambient, and who loses |
//! | [`diff`] | two trees, object by object: what changed, what is dangerous, who gains access |
//! | [`access`] | access tests: what they come to in every state, and which rules none of them would miss |
//! | [`delivery`] | the tree in the hands of Argo CD, Flux, kustomize and kpt |
//! | [`verify`] | a cluster as it is against what was rendered for it |
//! | [`pipeline`] | the stages called in order |
//! | [`report`] | findings and results as text |
//! | [`cli`] | one file per verb |
//!
//! What must hold everywhere:
//!
//! - Imports follow the table in `tests/it/tidy.rs`, which a test holds the code to.
//! - `spec` types end at `resolve`: later rooms see names, not texts.
//! - `translate` decides, `render` does not.
//! - Nothing that iterates a hash map reaches the tree; threads never change a byte.
//! - A finding points at what the user wrote; whatever cannot be carried over is a finding.

pub mod access;
pub mod cli;
pub mod delivery;
pub mod diagnostic;
pub mod diff;
pub mod k8s;
pub mod manifest;
pub mod model;
pub mod pipeline;
pub mod plan;
pub mod prove;
pub mod render;
pub mod replay;
pub mod report;
pub mod resolve;
pub mod simulate;
pub mod spec;
pub mod traffic;
pub mod translate;
pub mod tree;
pub mod validate;
pub mod verify;
pub mod world;
pub mod yaml;
