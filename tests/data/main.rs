//! Tests against real input that others wrote: public repositories and upstream CRDs. What upstream
//! expects of decisions is `tests/oracle`, a test for each case. The data lie beside the project, not
//! in it:
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

#[path = "../support/contradictions.rs"]
mod contradictions;
mod crd_validation;
mod install_fields;
mod inventory;
mod manifests;
mod real;
mod real_validation;
mod rendered_validation;
#[path = "../support/data.rs"]
mod support;
mod translated;
mod translated_real;
mod tsb;

use support::data;

#[test]
fn the_data_folder_is_there() {
    assert!(data("README.md").is_file());
}
