//! Tests that ask other programs: what they read is what we wrote. They need the programs that
//! their module names, and fail where one is absent.
//!
//! ```text
//! cargo test --features peer-tests --test peers
//! ```

mod units;
mod yaml;
mod install;
#[path = "../it/install_case.rs"]
mod install_case;
