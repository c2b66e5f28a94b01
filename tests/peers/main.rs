//! Tests that ask other programs: what they read is what we wrote. They need the programs that
//! their module names, and fail where one is absent.
//!
//! ```text
//! .ci/peers                                            # builds kustomize where it is missing
//! cargo test --features peer-tests --test peers
//! ```
//!
//! kustomize 5.8.2 is found through `WAYPOST_KUSTOMIZE`, then on the `PATH`, then in
//! `~/.cache/waypost-peers`, where `.ci/peers` builds it.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests"
)]

mod function;
mod generate;
mod install;
#[path = "../it/install_case.rs"]
mod install_case;
mod kustomize;
mod patches;
mod recipes;
#[path = "../support/patches.rs"]
mod support;
mod units;
mod yaml;
