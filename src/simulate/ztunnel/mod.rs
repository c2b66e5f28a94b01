//! What istiod sends to ztunnel, and what ztunnel decides with it.
//!
//! - `authorization`: the message, and its JSON in the shape of istiod's `/debug/ambientz`;
//! - `convert`: an AuthorizationPolicy into it; `strict`: a PeerAuthentication into it;
//! - `ambient`: workloads and services, as far as manifests tell;
//! - `field`: what of a rule ztunnel can see at all;
//! - `matching` and `decide`: what the destination's ztunnel says of a connection.
//!
//! facts/istio-ambient.md §4, §5 and facts/ztunnel.md; where they differ the latter holds.

mod ambient;
mod authorization;
mod convert;
mod decide;
mod field;
mod matching;
mod strict;

pub use ambient::{Ambient, AmbientService, AmbientWorkload};
pub use authorization::{Action, Authorization, Clause, Group, Match, Scope, ServiceAccount};
pub(super) use convert::port;
pub use convert::{Conversion, Effect, NotSent, convert};
pub use decide::{Answer, Verdict, decide, dry_run};
pub use field::{is_passed_over, sees};
pub use matching::Connection;
pub use strict::{
    Listed, STATIC_STRICT, convert as convert_strict, converted_name, listed, static_strict,
};
