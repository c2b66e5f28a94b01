//! Checks against schemas: of what people write, and of what is rendered.

mod misplaced;
mod schema;

pub use schema::Schema;
