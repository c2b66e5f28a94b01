//! What Envoy decides with what istiod sends it: the same at sidecar, waypoint and gateway.
//!
//! - `compile`: an AuthorizationPolicy into rules, for HTTP and for TCP chains;
//! - `chain`: the rules of one place in Envoy's order, and its answer;
//! - `facts`: what the proxy knows about a request; `field`, `path`, `trust_domain`: the matchers.
//!
//! facts/istio-ambient.md §7 and facts/envoy.md; where they differ the latter holds.

mod chain;
mod compile;
mod facts;
mod field;
mod path;
mod rule;
mod trust_domain;

pub use chain::{Answer, Both, Chain, CustomState, Logged, Policies, Verdict};
pub use compile::{ChainKind, Compiled, Loss, compile, rule_id};
pub use facts::{Edge, Facts, Http};
pub(super) use field::{IdentityTest, Test};
pub use path::normalise;
pub(super) use path::{PathPattern, TemplatePart, in_segment};
pub(super) use rule::{Clause, Conjunction, Rule};
pub use trust_domain::TrustDomains;
