//! The one integration binary: whole runs of the library and of the program. It needs nothing but
//! cargo.

mod tree;
mod yaml_read;
mod yaml_write;
mod tree_kill;
mod install;
mod install_case;
mod spec;
