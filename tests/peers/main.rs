//! Tests that ask other programs: what they read is what we wrote. They need the programs that
//! their module names, and fail where one is absent.
//! Comparison with the programs whose meaning we promise:
//!
//! ```text
//! cargo test --features peer-tests --test peers
//! ```

mod install;
#[path = "../it/install_case.rs"]
mod install_case;
mod units;
mod yaml;
//!
//! kustomize 5.8.2 is found through `WAYPOST_KUSTOMIZE`, then on the `PATH`, then in
//! `~/.cache/waypost-mesh/bin`. Where it is absent every test here fails and says so.

mod generate;
mod kustomize;
mod patches;
#[path = "../support/patches.rs"]
mod support;
