//! For whom a test of identities can hold at all: looked up by name, so that a rule is not asked about
//! everybody. Too many are harmless, since each is asked then; nobody may be missing.

use std::collections::HashMap;

use super::identity::{Identities, IdentityId};
use super::matcher::Glob;

/// The identities of a mesh by what tests name.
#[derive(Clone, Debug)]
pub struct Suspects {
    /// Principals in order, for those that begin alike.
    sorted: Vec<(String, IdentityId)>,
    by_namespace: HashMap<String, Vec<IdentityId>>,
    /// Those in which a test might find a namespace elsewhere than where it stands: what has not Istio's
    /// form, and what has `ns` for a name (`spiffe://td/ns/ns/sa/x` is of the namespace `sa` too).
    odd: Vec<IdentityId>,
}

impl Suspects {
    /// All identities of a mesh.
    pub fn of(identities: &Identities) -> Self {
        let mut own = Self { sorted: Vec::new(), by_namespace: HashMap::new(), odd: Vec::new() };
        for peer in identities.peers() {
            let Some(id) = peer.id() else { continue };
            own.sorted.push((peer.to_string(), id));
            match peer.parts() {
                Some((domain, namespace, _)) if domain != "ns" && namespace != "ns" => {
                    own.by_namespace.entry(namespace.to_owned()).or_default().push(id);
                }
                _ => own.odd.push(id),
            }
        }
        own.sorted.sort();
        own
    }

    /// Those of whom a principal may be this; `None` where it may be anybody's.
    pub fn principal(&self, glob: &Glob) -> Option<Vec<IdentityId>> {
        let (start, whole) = match glob {
            Glob::Exact(whole) => (whole, true),
            Glob::Prefix(start) => (start, false),
            Glob::Presence | Glob::Suffix(_) => return None,
        };
        let first = self.sorted.partition_point(|(principal, _)| principal < start);
        let from = self.sorted[first..].iter();
        let alike = from.take_while(|(principal, _)| match whole {
            true => principal == start,
            false => principal.starts_with(start.as_str()),
        });
        Some(alike.map(|(_, id)| *id).collect())
    }

    /// Those in whom a test may find this namespace.
    pub fn namespace(&self, name: &str) -> Option<Vec<IdentityId>> {
        if name.contains(['*', '/']) {
            return None;
        }
        let own = self.by_namespace.get(name).into_iter().flatten();
        Some(own.chain(&self.odd).copied().collect())
    }
}

/// Those for whom one of several tests may hold; `None` where that may be anybody.
pub fn of_any<T>(
    tests: impl IntoIterator<Item = T>,
    of: impl Fn(T) -> Option<Vec<IdentityId>>,
) -> Option<Vec<IdentityId>> {
    let mut all = Vec::new();
    for test in tests {
        all.extend(of(test)?);
    }
    Some(all)
}

/// Those for whom all of several may hold: as few of them as one of them tells.
pub fn of_all<T>(
    tests: impl IntoIterator<Item = T>,
    of: impl Fn(T) -> Option<Vec<IdentityId>>,
) -> Option<Vec<IdentityId>> {
    tests.into_iter().filter_map(of).min_by_key(Vec::len)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::simulate::envoy::IdentityTest;

    const WORDS: [&str; 5] = ["a", "b", "ns", "sa", "a-b"];

    fn word() -> impl Strategy<Value = &'static str> {
        prop::sample::select(&WORDS[..])
    }

    fn principal() -> impl Strategy<Value = String> {
        (word(), word(), word(), 0..8_u8).prop_map(|(domain, namespace, account, odd)| match odd {
            0 => format!("{domain}/{namespace}/ns/{namespace}/sa/{account}"),
            1 => domain.to_owned(),
            _ => format!("{domain}/ns/{namespace}/sa/{account}"),
        })
    }

    fn glob() -> impl Strategy<Value = Glob> {
        (principal(), any::<prop::sample::Index>(), 0..4_u8).prop_map(|(principal, at, kind)| {
            let at = at.index(principal.len() + 1);
            match kind {
                0 => Glob::Exact(principal),
                1 => Glob::Prefix(principal[..at].to_owned()),
                2 => Glob::Suffix(principal[at..].to_owned()),
                _ => Glob::Presence,
            }
        })
    }

    proptest! {
        #[test]
        fn nobody_for_whom_a_test_holds_is_missing(
            principals in prop::collection::vec(principal(), 1..20),
            glob in glob(),
            namespace in word(),
            name in word(),
        ) {
            let mut identities = Identities::default();
            for principal in &principals {
                identities.intern(principal);
            }
            let suspects = Suspects::of(&identities);
            let (in_principal, in_namespace) =
                (suspects.principal(&glob), suspects.namespace(namespace));
            let account =
                IdentityTest::ServiceAccount { namespace: namespace.into(), name: name.into() };
            for (told, test) in [
                (in_principal, IdentityTest::Principal(glob)),
                (in_namespace.clone(), IdentityTest::Namespace(namespace.into())),
                (in_namespace, account),
            ] {
                for peer in identities.peers().filter(|peer| test.holds(Some(*peer))) {
                    let is_told = |ids: &Vec<IdentityId>| peer.id().is_some_and(|id| ids.contains(&id));
                    prop_assert!(told.as_ref().is_none_or(is_told), "{peer} {test:?}");
                }
            }
        }
    }
}
