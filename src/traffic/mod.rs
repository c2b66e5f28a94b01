//! What a mesh was seen to carry: access logs and metrics, read into classes of equal requests.
//!
//! ```text
//! bytes --stream--> lines --envoy, ztunnel, prometheus, kiali--> Record --Sample::add--> Class, counted
//! ```
//!
//! A line becomes a [`Record`]; equal records are one [`Class`] with a count and the times of the
//! first and the last. Query strings, headers and tokens are dropped while a line is read, so that
//! nothing of them can be written later. A line of no known format is counted, never guessed at: a
//! value that could be split in two ways makes its line unreadable.
//!
//! This room knows nothing of a mesh: `replay` asks one about the classes.

mod envoy;
mod envoy_format;
mod envoy_json;
mod intern;
mod kiali;
mod line;
mod mix;
mod prometheus;
mod record;
mod sample;
mod stream;
mod time;
mod ztunnel;

pub use envoy_format::{BadFormat, EnvoyFormat};
pub use intern::Symbol;
pub use line::{Formats, Misfit};
pub use record::{Content, Outcome, Party, Reporter, Target};
pub use sample::{Class, Sample, Unread};
pub use stream::{Limits, read_lines};
pub use time::{Time, parse_time};
