//! The one integration binary: whole runs of the library and of the program. It needs nothing but
//! cargo.

mod golden;
mod guide;
mod install;
mod install_case;
mod kill;
mod program;
mod refused;
mod same_bytes;
mod spec;
mod tidy;
mod tree;
mod tree_kill;
mod tsb;
mod tsb_forms;
mod yaml_read;
mod yaml_write;
