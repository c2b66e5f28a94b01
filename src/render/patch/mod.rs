//! `patches`: the field of a kustomization.yaml, with its meaning, on rendered objects.
//!
//! [`parse`] reads the entries, [`apply`] applies them in order; over several clusters
//! [`apply_to_set`] does, and [`findings`] says what came of all. The reference is kustomize 5.8.2;
//! `tests/peers` compares with it. Where kustomize loses a part of a patch without a word, or takes
//! what RFC 6902 does not allow, this refuses. `tests/cases/patch-differences` shows each of the
//! differences, all of them refusals but the last three:
//!
//! - JSON6902: `replace` of a missing key (kustomize adds it), negative and padded indices, `copy`
//!   from a missing key (null), `test` of a missing key for null (passes), a path without its first
//!   slash, `add` without a value, fields that are none of an operation's, `copy` and `move` of all
//!   annotations at once (kustomize keeps notes there), several documents (all but the first are
//!   ignored).
//! - JSON6902 that changes the name or kind without `options`, and any patch that moves an object
//!   into another namespace or leaves two objects with one identity.
//! - Strategic merge: directives of kubectl and unknown ones (kept as fields), `$patch` where
//!   kustomize ignores it (on the object, on an element of a keyed list, in a list that is
//!   replaced, for a list that the object does not have); elements without their key, twice, or not
//!   surely one with another of the list (one is lost).
//! - Labels and annotations that are no texts; with a target, removing one by null (kustomize
//!   writes the text `null`).
//! - A rename of something that another object names: kustomize rewrites those references.
//! - Two patches that fight over a field, and a target that matches nothing (a warning).
//! - A patch's value keeps its type: kustomize keeps the quotes of the text it replaces.
//! - Elements of keyed lists that no patch names stay as they are: kustomize drops doubles.
//! - Integers beyond 2^53 keep all their digits in a JSON6902 patch.

mod apply;
mod fight;
mod identity;
mod json6902;
mod keyed_list;
mod names;
mod objects;
mod outcome;
mod parse;
mod selector;
mod strategic;
mod target;

pub use apply::{apply, apply_to_set};
pub use outcome::{Applied, findings};
pub use parse::{Entry, Patch, PatchFile, parse};
pub use target::TargetText;
