//! Checks against schemas: of what people write, and of what is rendered.

mod schema;

pub use schema::Schema;
