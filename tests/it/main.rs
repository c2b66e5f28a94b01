//! The one integration binary: whole runs of the library and of the program. It needs nothing but
//! cargo.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails, and changes its own copies"
)]

mod access;
mod agreement;
mod argocd_plugin;
mod as_kubernetes;
mod contradictions;
mod convert;
mod delivery;
mod diff;
mod environments;
mod explain;
mod function;
mod golden;
mod guide;
mod handover;
mod help;
mod hostile;
mod install;
mod install_case;
mod install_schema;
mod kill;
mod list;
mod manifests;
mod order;
mod pages;
mod patches;
mod peer_faults;
mod program;
mod publish;
mod real_traffic;
mod refused;
mod refused_tsb;
mod render_rules;
mod replay;
mod replay_bytes;
mod replay_fuzz;
mod replay_guide;
mod replay_lines;
mod repositories;
mod same_bytes;
mod secrets;
mod server;
mod simulate;
mod spec;
mod spec_disk;
mod spec_rules;
mod spec_schema;
mod suppress;
mod tidy;
mod translate;
mod translate_gain;
mod translate_mutants;
mod tree;
mod tree_disk;
mod tree_kill;
mod tree_use;
mod tsb;
mod tsb_forms;
mod tsb_schema;
mod upgrade;
mod validate_paths;
mod verify;
mod world;
mod yaml_read;
mod yaml_write;
