//! Yesterday's requests in another mesh: the classes of `traffic`, asked of meshes.
//!
//! ```text
//! Sample, Mesh now, Mesh then --replay--> Replay: who is refused then, who is let in, what the
//!                                         model of the present gets wrong, what is unknown and why
//! ```
//!
//! A log names addresses, hosts and pods; [`Directory`] says what they are in a mesh. What it does
//! not know stays unknown: a request is asked only where client and destination are certain, and an
//! answer counts only where nothing that logs leave out (headers, tokens) could turn it.

mod answer;
mod compare;
mod counted;
mod directory;
mod edge;
mod pods;
mod suggest;

pub use answer::{Answer, Why, ask};
pub use compare::{
    Finding, Group, Point, Present, Replay, Row, client_name, destination_name, replay,
};
pub use directory::{Directory, Located};
pub use edge::{Edge, Side, edges};
pub use pods::{PodRef, Pods};
pub use suggest::{Seen, Suggestions, normal_path, suggestions};
