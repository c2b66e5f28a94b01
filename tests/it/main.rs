//! The one integration binary: whole runs of the library and of the program. It needs nothing but
//! cargo.

mod access;
mod golden;
mod guide;
mod install;
mod install_case;
mod install_schema;
mod kill;
mod patches;
mod program;
mod refused;
mod same_bytes;
mod simulate;
mod spec;
mod spec_disk;
mod spec_rules;
mod spec_schema;
mod tidy;
mod tree;
mod tree_disk;
mod tree_kill;
mod tsb;
mod tsb_forms;
mod tsb_schema;
mod yaml_read;
mod yaml_write;
