//! `Authorization`: what istiod sends to ztunnel (istio/ztunnel:proto/authorization.proto).
//!
//! Names differ between the two programs: istiod's groups, rules and matches are here groups,
//! clauses and matches (facts/istio-ambient.md §4.5). The JSON is istiod's.

use std::sync::OnceLock;

use serde::ser::{Serialize, SerializeMap, SerializeStruct, Serializer};

use crate::simulate::identity::{Identities, IdentitySet};
use crate::simulate::matcher::{Glob, IpBlock};

/// A policy as ztunnel has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Authorization {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Whom it holds for.
    pub scope: Scope,
    /// What it does.
    pub action: Action,
    /// It logs and does not decide.
    pub dry_run: bool,
    /// ANY of these must match.
    pub groups: Vec<Group>,
}

/// Whom a policy holds for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Every workload.
    Global,
    /// Every workload of its namespace.
    Namespace,
    /// The workloads that list it.
    WorkloadSelector,
}

/// What a policy does: ztunnel knows no more than these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Allows what matches.
    Allow,
    /// Denies what matches.
    Deny,
}

/// What became of one rule.
#[derive(Clone, Debug, Default)]
pub struct Group {
    /// Index of the rule in `spec.rules`; `None` where istiod made the policy of something else.
    pub rule: Option<usize>,
    /// ALL of these must match.
    pub clauses: Vec<Clause>,
    /// It reads an address, which manifests often do not tell.
    pub(super) reads_addresses: bool,
    /// Of the identities that a mesh knows, those that can match at all.
    pub(super) who: OnceLock<IdentitySet>,
}

/// ANY of the matches, EMPTY ones apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clause {
    /// The matches.
    pub matches: Vec<Match>,
}

/// Fields that must ALL match: each ANY of its positive values and NONE of the negative ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are those of the message")]
pub struct Match {
    pub namespaces: Vec<Glob>,
    pub not_namespaces: Vec<Glob>,
    pub principals: Vec<Glob>,
    pub not_principals: Vec<Glob>,
    pub service_accounts: Vec<ServiceAccount>,
    pub not_service_accounts: Vec<ServiceAccount>,
    pub source_ips: Vec<IpBlock>,
    pub not_source_ips: Vec<IpBlock>,
    pub destination_ips: Vec<IpBlock>,
    pub not_destination_ips: Vec<IpBlock>,
    pub destination_ports: Vec<u32>,
    pub not_destination_ports: Vec<u32>,
}

/// A service account; the trust domain does not matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceAccount {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
}

impl Match {
    /// True when no field says anything: ztunnel skips such a match.
    pub fn is_empty(&self) -> bool {
        *self == Match::default()
    }

    fn reads_addresses(&self) -> bool {
        !(self.source_ips.is_empty()
            && self.not_source_ips.is_empty()
            && self.destination_ips.is_empty()
            && self.not_destination_ips.is_empty())
    }

    /// Any peer without identity: how STRICT is put.
    pub fn no_identity() -> Self {
        Match { not_principals: vec![Glob::Presence], ..Match::default() }
    }
}

/// By what it says; what is worked out of that is not compared.
impl PartialEq for Group {
    fn eq(&self, other: &Self) -> bool {
        let Self { rule, clauses, reads_addresses: _, who: _ } = self;
        *rule == other.rule && *clauses == other.clauses
    }
}

impl Clause {
    /// A clause of one match.
    pub fn of(only: Match) -> Self {
        Self { matches: vec![only] }
    }
}

impl Group {
    /// A group of these clauses.
    pub fn of(rule: Option<usize>, clauses: Vec<Clause>) -> Self {
        let reads_addresses = clauses.iter().flat_map(|c| &c.matches).any(Match::reads_addresses);
        Self { rule, clauses, reads_addresses, who: OnceLock::new() }
    }
}

impl Authorization {
    /// `namespace/name`, as ztunnel logs it.
    pub fn key(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    /// Works out, for all identities of a mesh at once, who cannot match.
    pub fn prepare(&self, identities: &Identities) {
        for group in &self.groups {
            group.who.get_or_init(|| {
                let suspects = group.suspects(identities.suspects());
                IdentitySet::collect(identities, suspects, |peer| group.may_match(peer))
            });
        }
    }
}

impl Serialize for Authorization {
    /// Proto JSON: what has its zero value is left out.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", &self.name)?;
        if !self.namespace.is_empty() {
            map.serialize_entry("namespace", &self.namespace)?;
        }
        match self.scope {
            Scope::Global => {}
            Scope::Namespace => map.serialize_entry("scope", "NAMESPACE")?,
            Scope::WorkloadSelector => map.serialize_entry("scope", "WORKLOAD_SELECTOR")?,
        }
        if self.action == Action::Deny {
            map.serialize_entry("action", "DENY")?;
        }
        if !self.groups.is_empty() {
            map.serialize_entry("groups", &self.groups)?;
        }
        if self.dry_run {
            map.serialize_entry("dryRun", &true)?;
        }
        map.end()
    }
}

impl Serialize for Group {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if !self.clauses.is_empty() {
            map.serialize_entry("rules", &self.clauses)?;
        }
        map.end()
    }
}

impl Serialize for Clause {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if !self.matches.is_empty() {
            map.serialize_entry("matches", &self.matches)?;
        }
        map.end()
    }
}

impl Serialize for Match {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        fn put<'a, M: SerializeMap, T, J: Serialize>(
            map: &mut M,
            key: &'static str,
            list: &'a [T],
            json: impl Fn(&'a T) -> J,
        ) -> Result<(), M::Error> {
            if list.is_empty() {
                return Ok(());
            }
            map.serialize_entry(key, &list.iter().map(json).collect::<Vec<_>>())
        }
        let mut map = serializer.serialize_map(None)?;
        put(&mut map, "namespaces", &self.namespaces, GlobJson)?;
        put(&mut map, "notNamespaces", &self.not_namespaces, GlobJson)?;
        put(&mut map, "serviceAccounts", &self.service_accounts, AccountJson)?;
        put(&mut map, "notServiceAccounts", &self.not_service_accounts, AccountJson)?;
        put(&mut map, "principals", &self.principals, GlobJson)?;
        put(&mut map, "notPrincipals", &self.not_principals, GlobJson)?;
        put(&mut map, "sourceIps", &self.source_ips, BlockJson)?;
        put(&mut map, "notSourceIps", &self.not_source_ips, BlockJson)?;
        put(&mut map, "destinationIps", &self.destination_ips, BlockJson)?;
        put(&mut map, "notDestinationIps", &self.not_destination_ips, BlockJson)?;
        put(&mut map, "destinationPorts", &self.destination_ports, |p| *p)?;
        put(&mut map, "notDestinationPorts", &self.not_destination_ports, |p| *p)?;
        map.end()
    }
}

struct GlobJson<'a>(&'a Glob);

impl Serialize for GlobJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        match self.0 {
            Glob::Presence => {
                map.serialize_entry("presence", &serde_json::Map::new())?;
            }
            Glob::Suffix(text) => map.serialize_entry("suffix", text)?,
            Glob::Prefix(text) => map.serialize_entry("prefix", text)?,
            Glob::Exact(text) => map.serialize_entry("exact", text)?,
        }
        map.end()
    }
}

struct BlockJson<'a>(&'a IpBlock);

impl Serialize for BlockJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("address", &base64(&self.0.octets()))?;
        if self.0.length() > 0 {
            map.serialize_entry("length", &self.0.length())?;
        }
        map.end()
    }
}

struct AccountJson<'a>(&'a ServiceAccount);

impl Serialize for AccountJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut account = serializer.serialize_struct("ServiceAccountMatch", 2)?;
        account.serialize_field("namespace", &self.0.namespace)?;
        account.serialize_field("serviceAccount", &self.0.name)?;
        account.end()
    }
}

/// The standard alphabet, with padding: how proto JSON writes bytes.
pub(super) fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        for i in 0..4 {
            if i <= chunk.len() {
                let six = (word >> (18 - 6 * i)) & 63;
                out.push(char::from(ALPHABET[six as usize]));
            } else {
                out.push('=');
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_as_proto_json_writes_them() {
        assert_eq!(base64(&[1, 2, 3, 4]), "AQIDBA==");
        assert_eq!(base64(&[5, 6, 0, 0]), "BQYAAA==");
        assert_eq!(base64(&[255; 16]), "/////////////////////w==");
        assert_eq!(base64(b"abc"), "YWJj");
    }
}
