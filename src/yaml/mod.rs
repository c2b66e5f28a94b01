//! YAML in and out. Knows nothing of Kubernetes.
//!
//! - [`read`]: text to [`Document`]s whose every key and value knows its [`Span`]; duplicate keys,
//!   tags, alias bombs and oversized input are refused with their place. What readers disagree on,
//!   merge keys and the words of YAML 1.1, is refused or warned about, or taken as Kubernetes takes
//!   it ([`Reading`]).
//! - [`emit`]: a `serde_json::Value`, or a [`Node`], to the one canonical text that every YAML 1.1 and 1.2 reader
//!   takes back as it was; [`emit_checked`] proves it by an independent parser.
//! - [`from_node`]: a [`Node`] into serde types, with `Spanned` where a value may be blamed later.
//!
//! The rules of both directions share one definition of "ambiguous": `scalar.rs`.
//!
//! [`Span`]: crate::diagnostic::Span

mod budget;
mod characters;
mod de;
mod duplicate;
mod emit;
mod fault;
mod merge;
mod node;
mod place;
mod pointer;
mod read;
mod read_back;
mod scalar;
mod separator;
mod shape;
mod syntax;

pub use budget::{Budget, Reading};
pub use characters::check_characters;
pub use de::{DeError, from_node};
pub use emit::{EmitError, block_text, emit, emit_checked, scalar_text};
pub use node::{Document, Entry, Mapping, Node, Value};
pub use pointer::Pointer;
pub use read::read;
pub use scalar::{is_ambiguous, is_printable};
pub use shape::{Shape, Shaped};
