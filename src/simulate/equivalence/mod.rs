//! Do two meshes let through the same? Who gains, who loses, and with which request?
//!
//! [`compare`] asks both meshes, not about samples, but about one request of every class that their
//! policies can tell apart:
//!
//! ```text
//! client x destination (by name)                 `client`, `place`
//!   same policies and states on both sides?      `content`: nothing to ask
//!   survey: the Envoys on the way, what they
//!     see but the request; clients that they
//!     cannot tell apart are one group
//!   one request for every class                  `question`
//!     values of a field                          `field`: `language` (texts), `address` (blocks)
//!   both meshes decide; the smallest request
//!     that fares otherwise is shown              `change`
//! ```
//!
//! **Exhaustive**: paths, methods, hosts, headers (absent, one line, several), tokens and their claims,
//! X-Forwarded-For, ports of pods, identities, source addresses: one value for every combination of
//! the policies' values that holds for any value at all, and every combination of fields that a rule
//! still hangs on. Every way to a pod counts, also straight to its address past a waypoint.
//!
//! **Not varied**: labels that no pod bears (NetworkPolicy); the server name, which no point on these
//! ways sees; identities that do not have Istio's form; several tokens in one request; request headers
//! that Envoy sets or removes itself; queries, which `request.headers[:path]` alone sees; claims written
//! with blanks between, which `spaceDelimitedClaims` takes apart; tokens in browsers' preflight requests.
//!
//! **Bounded**: so many requests for a pair of client and destination, so many states of a field's automaton, so
//! many sets of a header's lines. Where that was not enough, or an address is not known, there is a
//! [`Bound`]: never silently.

mod address;
mod change;
mod class;
mod client;
mod comparing;
mod content;
mod difference;
mod field;
mod language;
mod place;
mod question;
mod tidy;
mod universe;

pub use change::{
    AccessChange, Answer, Bound, Caller, CallerKind, Change, Comparison, StandsFor, Target,
    TargetKind,
};
pub use class::Classes;

use client::{Client, Strangers};
use comparing::Comparing;
use content::Contents;
use place::{Enforcers, Place};

use super::mesh::Mesh;

/// Compares two meshes. Clients and destinations are the same when they have the same name.
///
/// The result depends on the meshes alone, and is in a fixed order.
pub fn compare(before: &Mesh, after: &Mesh) -> Comparison {
    let meshes = [before, after];
    meshes.iter().for_each(|mesh| mesh.prepare());
    let mut contents = meshes.map(Contents::new);
    let known = client::known(meshes);
    let differs: Vec<bool> = known.iter().map(|c| client_differs(&mut contents, c)).collect();
    let anybody_differs = differs.contains(&true);
    let places: Vec<(Place, bool)> = place::places(meshes)
        .into_iter()
        .filter_map(|place| {
            let differs = place_differs(&mut contents, &place);
            (differs || anybody_differs).then_some((place, differs))
        })
        .collect();
    // identities are kept apart from the clients that borrow them
    let mut strangers = Strangers::default();
    let prepared: Vec<([Option<Enforcers>; 2], Option<usize>)> = places
        .iter()
        .map(|(place, differs)| {
            let enforcers = client::enforcers(meshes, place);
            let classes = differs.then(|| strangers.prepare(meshes, &enforcers));
            (enforcers, classes)
        })
        .collect();
    let mut comparing = Comparing::new(meshes);
    for ((place, place_differs), (enforcers, classes)) in places.iter().zip(&prepared) {
        let asks = known.iter().zip(&differs).filter(|(_, differs)| *place_differs || **differs);
        let mut clients: Vec<Client<'_>> = asks.map(|(client, _)| client.clone()).collect();
        if let Some(classes) = classes {
            let (more, complete) = strangers.clients(meshes, *classes);
            clients.extend(more);
            if !complete {
                comparing.found.bounds.push(Bound::Identities(place.target.clone()));
            }
        }
        comparing.place(place, enforcers, &clients);
    }
    let mut found = comparing.found;
    found.idle_policies = tidy::idle_policies(meshes, &contents);
    tidy::tidy(&mut found, meshes);
    found
}

fn client_differs(contents: &mut [Contents<'_>; 2], client: &Client<'_>) -> bool {
    let [before, after] = contents;
    match client.workloads {
        [Some(old), Some(new)] => before.client(old) != after.client(new),
        [None, None] => false,
        _ => true,
    }
}

fn place_differs(contents: &mut [Contents<'_>; 2], place: &Place) -> bool {
    let [before, after] = contents;
    match place.there {
        [Some(old), Some(new)] => before.destination(old) != after.destination(new),
        _ => true,
    }
}
