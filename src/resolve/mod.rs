//! What the spec means: names looked up, the hierarchy applied, contradictions reported.

pub mod tenancy;
