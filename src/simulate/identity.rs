//! Who somebody is on the wire, and sets of those whom a mesh knows.

use std::collections::HashMap;
use std::fmt;
use std::sync::OnceLock;

use super::suspects::Suspects;

/// A name in [`Identities`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdentityId(pub(super) u32);

/// The identities of a mesh's workloads and gateways, as `<trust domain>/ns/<namespace>/sa/<service account>`.
///
/// The order is that in which the mesh met them; ids mean something for one mesh only.
#[derive(Clone, Debug, Default)]
pub struct Identities {
    uris: Vec<String>,
    ids: HashMap<String, IdentityId>,
    /// By what tests name, once the mesh is complete.
    suspects: OnceLock<Suspects>,
}

/// What stands before every identity on the wire.
const SCHEME: &str = "spiffe://";

impl Identities {
    /// The id of an identity, new or known.
    pub(super) fn intern(&mut self, principal: &str) -> IdentityId {
        if let Some(id) = self.ids.get(principal) {
            return *id;
        }
        let id = IdentityId(u32::try_from(self.uris.len()).unwrap_or(u32::MAX));
        self.uris.push(format!("{SCHEME}{principal}"));
        self.ids.insert(principal.to_owned(), id);
        self.suspects = OnceLock::new();
        id
    }

    /// Them by what tests name.
    pub(super) fn suspects(&self) -> &Suspects {
        self.suspects.get_or_init(|| Suspects::of(self))
    }

    /// The id of a known identity.
    pub fn find(&self, principal: &str) -> Option<IdentityId> {
        self.ids.get(principal).copied()
    }

    /// A known identity on the wire.
    pub fn peer(&self, id: IdentityId) -> Peer<'_> {
        Peer { uri: self.uris.get(id.0 as usize).map_or("", String::as_str), id: Some(id) }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.uris.len()
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.uris.is_empty()
    }

    /// All of them, in their order.
    pub(super) fn peers(&self) -> impl Iterator<Item = Peer<'_>> {
        self.uris.iter().enumerate().map(|(i, uri)| Peer { uri, id: Some(IdentityId(i as u32)) })
    }
}

/// The identity of a connection's other end, from its certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer<'a> {
    uri: &'a str,
    id: Option<IdentityId>,
}

impl<'a> Peer<'a> {
    /// An identity that the mesh need not know, as a whole URI (`spiffe://…`).
    pub fn from_uri(uri: &'a str) -> Self {
        Self { uri, id: None }
    }

    /// The URI in the certificate.
    pub fn uri(&self) -> &'a str {
        self.uri
    }

    /// The URI without its scheme: what ztunnel compares.
    pub fn principal(&self) -> Option<&'a str> {
        self.uri.strip_prefix(SCHEME)
    }

    /// Its id, where the mesh knows it.
    pub fn id(&self) -> Option<IdentityId> {
        self.id
    }

    /// Trust domain, namespace and service account, where it has that form.
    pub fn parts(&self) -> Option<(&'a str, &'a str, &'a str)> {
        let mut parts = self.principal()?.split('/');
        let (trust_domain, ns, namespace, sa, account) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        (ns == "ns" && sa == "sa" && parts.next().is_none()).then_some((
            trust_domain,
            namespace,
            account,
        ))
    }

    /// The trust domain: what stands before the first slash. None without a slash: Envoy looks
    /// for the prefix `spiffe://<trust domain>/`.
    pub fn trust_domain(&self) -> &'a str {
        self.principal()
            .and_then(|p| p.split_once('/'))
            .map_or("", |(trust_domain, _)| trust_domain)
    }
}

impl fmt::Display for Peer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.principal().unwrap_or(self.uri))
    }
}

/// Some of a mesh's identities, and whether a peer without identity is among them.
///
/// A set is a promise about who *cannot* match; who is in it is asked again with everything else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentitySet {
    words: Vec<u64>,
    none: bool,
}

impl IdentitySet {
    /// Those for whom something holds, of those for whom it can hold at all; of everybody where that is
    /// not known. The peer without identity is asked as `None`.
    pub(super) fn collect(
        identities: &Identities,
        suspects: Option<Vec<IdentityId>>,
        holds: impl Fn(Option<Peer<'_>>) -> bool,
    ) -> Self {
        let mut words = vec![0; identities.len().div_ceil(64)];
        let mut ask = |peer: Peer<'_>| {
            if let (Some(id), true) = (peer.id, holds(Some(peer))) {
                words[id.0 as usize / 64] |= 1 << (id.0 % 64);
            }
        };
        match suspects {
            Some(suspects) => suspects.into_iter().for_each(|id| ask(identities.peer(id))),
            None => identities.peers().for_each(ask),
        }
        Self { words, none: holds(None) }
    }

    /// Might this peer match? An identity that the mesh does not know might.
    pub(super) fn may_hold(&self, peer: Option<Peer<'_>>) -> bool {
        match peer {
            None => self.none,
            Some(peer) => peer.id.is_none_or(|id| {
                self.words.get(id.0 as usize / 64).is_none_or(|word| word & (1 << (id.0 % 64)) != 0)
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_rules_out_only_whom_it_knows() {
        let mut identities = Identities::default();
        let a = identities.intern("td/ns/a/sa/a");
        let b = identities.intern("td/ns/b/sa/b");
        assert_eq!(identities.intern("td/ns/a/sa/a"), a);
        let set = IdentitySet::collect(&identities, None, |peer| {
            peer.and_then(|p| p.parts()).is_some_and(|(_, ns, _)| ns == "a")
        });
        assert!(set.may_hold(Some(identities.peer(a))));
        assert!(!set.may_hold(Some(identities.peer(b))));
        assert!(!set.may_hold(None));
        assert!(set.may_hold(Some(Peer::from_uri("spiffe://x/ns/b/sa/b"))));
    }

    #[test]
    fn parts_of_an_identity() {
        let peer = Peer::from_uri("spiffe://td.local/ns/a/sa/b");
        assert_eq!(peer.parts(), Some(("td.local", "a", "b")));
        assert_eq!(peer.trust_domain(), "td.local");
        assert_eq!(Peer::from_uri("spiffe://td/a").parts(), None);
        assert_eq!(Peer::from_uri("https://td/ns/a/sa/b").principal(), None);
    }
}
