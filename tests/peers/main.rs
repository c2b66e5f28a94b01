//! Comparison with the programs whose meaning we promise:
//!
//! ```text
//! cargo test --features peer-tests --test peers
//! ```
//!
//! kustomize 5.8.2 is found through `WAYPOST_KUSTOMIZE`, then on the `PATH`, then in
//! `~/.cache/waypost-mesh/bin`. Where it is absent every test here fails and says so.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests"
)]

mod generate;
mod kustomize;
mod patches;
#[path = "../support/patches.rs"]
mod support;
