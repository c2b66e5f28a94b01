//! Checks against schemas: of what people write, and of what is rendered.

mod misplaced;
mod partial;
mod schema;

pub use partial::partial;
pub use schema::Schema;
