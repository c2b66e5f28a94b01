//! Checks: of what people write against the schemas of the spec, and of manifests, rendered or
//! found, against the schemas of their kinds.
//!
//! - [`Schema`]: JSON Schema over spanned YAML.
//! - [`manifests`]: one object against its kind's schema or CRD, Kubernetes' rules for metadata
//!   and Istio's admission rules. A kind without a schema is *not validated*, never valid.
//! - [`rule`]: lints over all objects that are applied together, each with its page.
//! - [`catalogue`]: the schemas of the kinds that waypost renders, in kubeconform's layout.

pub mod catalogue;
#[cfg(feature = "cel")]
mod cel;
mod crd;
mod document;
mod gateway;
mod growth;
pub mod identity;
mod instance;
mod istio;
pub mod manifests;
mod metadata;
mod misplaced;
pub mod rule;
mod schema;
pub mod suppression_file;

pub use document::SpecSchemas;
pub use metadata::{duplicates, duplicates_of};
pub use schema::Schema;
