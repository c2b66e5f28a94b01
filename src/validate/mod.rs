//! Checks against schemas: of what people write, and of what is rendered.

mod document;
mod schema;

pub use document::SpecSchemas;
pub use schema::Schema;
