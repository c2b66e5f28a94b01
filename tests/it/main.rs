//! The one integration binary: whole runs of the library and of the program. It needs nothing but
//! cargo.

mod install;
mod install_case;
mod install_schema;
