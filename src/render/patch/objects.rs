//! The objects that patches are applied to, found by what they are called.

use std::collections::BTreeMap;

use serde_json::Value;

use super::fight::Changes;
use super::identity::Identity;
use super::target::Target;

/// The objects, with what patches have made of them.
pub(super) struct Objects<'o> {
    pub(super) values: &'o mut [Value],
    pub(super) states: Vec<State>,
    /// By kind, namespace and name, present and former.
    index: BTreeMap<Key, Vec<usize>>,
}

/// What is known of an object beside its content.
#[derive(Default)]
pub(super) struct State {
    /// What it was called, first to last; nothing for what is no object.
    identities: Vec<Identity>,
    pub(super) changes: Changes,
    pub(super) deleted: bool,
}

type Key = (String, String, String);

fn key(identity: &Identity) -> Key {
    (identity.kind.clone(), identity.namespace.clone(), identity.name.clone())
}

impl State {
    /// What it is called, unless it is deleted or no object.
    pub(super) fn identity(&self) -> Option<&Identity> {
        self.identities.last().filter(|_| !self.deleted)
    }
}

impl<'o> Objects<'o> {
    pub(super) fn new(values: &'o mut [Value]) -> Self {
        let states: Vec<State> = values
            .iter()
            .map(|v| State {
                identities: Identity::of(v).into_iter().collect(),
                ..State::default()
            })
            .collect();
        let mut index: BTreeMap<Key, Vec<usize>> = BTreeMap::new();
        for (at, state) in states.iter().enumerate() {
            for identity in &state.identities {
                index.entry(key(identity)).or_default().push(at);
            }
        }
        Self { values, states, index }
    }

    /// The objects that are, or were, called so.
    pub(super) fn called(&self, wanted: &Identity) -> Vec<usize> {
        let same = |i: &Identity| i == wanted;
        let mut found = self.index.get(&key(wanted)).cloned().unwrap_or_default();
        found
            .retain(|at| !self.states[*at].deleted && self.states[*at].identities.iter().any(same));
        found.dedup();
        found
    }

    /// An object of the same kind and name elsewhere.
    pub(super) fn near(&self, wanted: &Identity) -> Option<Identity> {
        self.index
            .range((wanted.kind.clone(), String::new(), String::new())..)
            .take_while(|((kind, _, _), _)| *kind == wanted.kind)
            .filter(|((_, _, name), _)| *name == wanted.name)
            .flat_map(|(_, at)| at)
            .find_map(|at| self.states[*at].identity())
            .cloned()
    }

    /// True when another object is called so now.
    pub(super) fn is_taken(&self, name: &Identity, by_other_than: usize) -> bool {
        let is_other = |at: &usize| {
            *at != by_other_than && self.states[*at].identity().is_some_and(|i| i == name)
        };
        self.called(name).iter().any(is_other)
    }

    /// The objects that a target selects, in their order.
    pub(super) fn selected(&self, target: &Target) -> Vec<usize> {
        let mut found = self.candidates(target);
        found.sort_unstable();
        found.dedup();
        found.retain(|at| {
            let state = &self.states[*at];
            match (state.identities.first(), state.identity()) {
                (Some(first), Some(now)) => target.matches(first, now, &self.values[*at]),
                _ => false,
            }
        });
        found
    }

    /// All that a target may select: what has its kind, namespace and name, as far as it says these
    /// without a regular expression.
    fn candidates(&self, target: &Target) -> Vec<usize> {
        let Some(kind) = target.kind.literal() else { return (0..self.values.len()).collect() };
        let namespace = target.namespace.literal();
        let name = target.name.literal().filter(|_| namespace.is_some());
        let text = |part: Option<&str>| part.unwrap_or_default().to_owned();
        self.index
            .range((kind.to_owned(), text(namespace), text(name))..)
            .take_while(|((k, ns, n), _)| {
                k == kind
                    && namespace.is_none_or(|wanted| ns == wanted)
                    && name.is_none_or(|wanted| n == wanted)
            })
            .flat_map(|(_, at)| at.iter().copied())
            .collect()
    }

    /// Notes a new name of an object.
    pub(super) fn call(&mut self, at: usize, name: Identity) {
        self.index.entry(key(&name)).or_default().push(at);
        self.states[at].identities.push(name);
    }

    /// What an object is called, for people; of a deleted one, what it was.
    pub(super) fn name(&self, at: usize) -> String {
        self.states[at].identities.last().map(Identity::to_string).unwrap_or_default()
    }
}
