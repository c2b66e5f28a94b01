//! Tests against real input that others wrote: public repositories, upstream CRDs and upstream
//! expectations. The data lie beside the project, not in it:
//!
//! ```text
//! cargo test --features data-tests --test data
//! ```
//!
//! `WAYPOST_DATA` names the folder; the default is `../shared/data`. Where it is absent every test
//! here fails and says so: none passes without having looked.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

mod ambient_ztunnel;
mod authz_builder;
mod crd_validation;
mod envoy_filter;
mod install_fields;
mod inventory;
mod manifests;
mod real;
mod real_validation;
mod rendered_validation;
mod tsb;
mod ztunnel_rbac;

use std::path::PathBuf;

/// A path below the data folder.
#[allow(dead_code, reason = "used by the modules")]
fn data(path: &str) -> PathBuf {
    let root = std::env::var_os("WAYPOST_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data"),
        PathBuf::from,
    );
    assert!(
        root.is_dir(),
        "the data folder {} is absent: set WAYPOST_DATA to where it lies",
        root.display()
    );
    root.join(path)
}

#[test]
fn the_data_folder_is_there() {
    assert!(data("README.md").is_file());
}
