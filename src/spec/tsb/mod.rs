//! TSB resources as they are written: in tctl form (`api.tsb.tetrate.io/v2`, parents in
//! `metadata`) or in Kubernetes form (`tsb.tetrate.io/v2`, parents in annotations).
//!
//! [`read_documents`] takes the objects of some files apart; a [`TsbDocument`] knows its kind, its
//! form and its parents, and reads the parts of its `spec` that decide about access. Whether names
//! exist and what the settings come to is `resolve::tenancy`'s business.
//!
//! Source: facts/tsb.md, "TSB resources in both forms".

mod document;
mod field;
mod kind;
mod parents;
mod security;

pub use document::{DocumentKind, TsbDocument, read_documents};
pub use kind::{GroupKind, Level, TsbKind, is_tsb_group};
pub use parents::{Form, Parents};
pub use security::{
    Authorization, Beyond, Feature, Mode, Rule, Rules, Security, Strategy, TrafficMode,
};
