//! Do two meshes answer alike? Who gains, who loses, and with which request?
//!
//! [`compare`] asks both meshes, not about samples, but about one request of every class that their
//! policies can tell apart:
//!
//! ```text
//! client x destination (by name)                 `client`, `crowd`, `place`
//!   same policies and states on both sides?      `same`: nothing to ask
//!   what the rules there ask of identities,
//!     addresses and labels: clients that they
//!     cannot tell apart are one group            `who`, `crowd`
//!   survey: the Envoys on the way, and what
//!     they see but the request                   `comparing`
//!   one request for every class                  `question`
//!     values of a field                          `field`: `language` (texts), `address` (blocks)
//!   both meshes decide; the smallest request
//!     that is answered otherwise is shown        `difference`, `change`
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
mod crowd;
mod design;
mod difference;
mod field;
mod language;
mod place;
mod question;
mod same;
mod tidy;
mod universe;
mod who;

pub use change::{
    AccessChange, Answer, Asked, Bound, Caller, CallerKind, Change, Comparison, StandsFor, Target,
    TargetKind,
};
pub use class::Classes;
pub use design::ByDesign;

use comparing::Comparing;
use crowd::Crowd;
use design::Accounts;
use place::{Enforcers, Place};
use rayon::prelude::*;
use same::Same;

use super::mesh::Mesh;

/// Compares two meshes. The whole answer counts: what gets through, which external authorizers are asked,
/// and what is logged. Clients and destinations are the same when they have the same name.
///
/// The result depends on the meshes alone, and is in a fixed order.
pub fn compare(before: &Mesh, after: &Mesh) -> Comparison {
    let mut found = compare_each(before, after);
    tidy::tidy(&mut found, [before, after]);
    found
}

/// The same without leaving out what another change says already.
pub fn compare_each(before: &Mesh, after: &Mesh) -> Comparison {
    let meshes = [before, after];
    meshes.iter().for_each(|mesh| mesh.prepare());
    let mut same = Same::new(meshes);
    let mut crowd = Crowd::new(meshes, &mut same);
    let anybody_differs = crowd.anybody_differs();
    let all: Vec<(Place, bool)> = place::places(meshes)
        .into_iter()
        .map(|place| {
            let differs = place_differs(&mut same, &place);
            (place, differs)
        })
        .collect();
    // what is asked of clients is worked out first: identities outlive the comparison, which holds on to
    // them
    let places: Vec<(&Place, bool, [Option<Enforcers>; 2], usize)> = all
        .iter()
        .filter(|(_, differs)| *differs || anybody_differs)
        .map(|(place, differs)| {
            let enforcers = client::enforcers(meshes, place);
            let told = crowd.prepare(&same, place, &enforcers);
            (place, *differs, enforcers, told)
        })
        .collect();
    let (crowd, states) = (&crowd, &client::states(meshes));
    let accounts = &Accounts::new(meshes);
    // pieces of the same size whatever the machine is: the result does not depend on it
    let parts: Vec<Comparison> = places
        .par_chunks(PIECE)
        .map(|piece| {
            let mut comparing = Comparing::new(meshes, accounts);
            for (place, differs, enforcers, told) in piece {
                let states = differs.then_some(states.as_slice());
                comparing.place(place, enforcers, crowd, crowd.prepared(*told), states);
            }
            comparing.found
        })
        .collect();
    let mut found = Comparison::default();
    for part in parts {
        let Comparison { changes, bounds, idle_policies: _, asked } = part;
        found.changes.extend(changes);
        found.bounds.extend(bounds);
        // a destination is in one piece
        found.asked.extend(asked);
    }
    found.idle_policies = tidy::idle_policies(meshes, &same);
    found
}

/// So many destinations are asked about by one thread in a row.
const PIECE: usize = 64;

fn place_differs(same: &mut Same<'_>, place: &Place) -> bool {
    match place.there {
        [Some(old), Some(new)] => !same.destination([old, new]),
        _ => true,
    }
}
