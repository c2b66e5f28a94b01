//! What a RequestAuthentication becomes: bound to the Services of its pods, or to the waypoint, and a guard
//! where tokens would not be looked at any more.

use super::reason::Reason;
use super::space::{Bound, refusal};
use super::twin::Twin;
use super::writing::{Writing, bound_to};
use super::{Outcome, Policy, Serves};
use crate::diagnostic::Diagnostic;

impl<'s> Twin<'_, 's> {
    /// Writes what a RequestAuthentication becomes: a policy without rules, as far as its places go.
    pub fn translate_tokens(
        mut self,
        bound: &mut Bound<'s>,
        writing: &mut Writing<'_>,
        found: &mut Vec<Diagnostic>,
    ) -> Policy {
        let space = self.space;
        let object = &space.objects[self.at];
        let before = found.len();
        self.refuse_account(found);
        let bunches = self.bunches(bound, object, found);
        let is_called = |pods| space.in_front(&[pods]).iter().any(|service| !service.is_headless);
        let is_whole = self.is_of_root || space.serves() == Serves::All;
        if !is_whole && !self.pods.iter().all(|pods| is_called(*pods)) {
            self.told.reasons.insert(Reason::NoService);
            found.push(refusal(Reason::NoService, object, "no Service leads to some of its pods"));
        }
        if found[before..].iter().any(Diagnostic::is_error) {
            self.told.outcome = Outcome::Refused;
            return self.told;
        }
        self.told.outcome = Outcome::Moves;
        self.bind(bunches, writing, found, |bunch| bound_to(object, &bunch.targets));
        if !space.are_shut(&self.pods) {
            // a policy of the same name may have a guard, too
            self.guard("-tokens-guard", None, writing, found);
        }
        self.told
    }
}
