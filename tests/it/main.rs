//! The one integration binary: whole runs of the library and of the program. It needs nothing but
//! cargo.

mod patches;
