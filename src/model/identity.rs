//! Who somebody is: trust domains and principals.

use std::fmt;

use super::{NamespaceName, ObjectName};
use crate::k8s::is_dns_subdomain;

/// The trust domain of a cluster's workload certificates. Default in TSB: `<cluster>.tsb.local`
/// (facts/tsb.md, "Secrets, Helm, examples, trust domain").
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct TrustDomain(String);

impl TrustDomain {
    /// Takes a DNS-like trust domain, without `spiffe://`.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        if is_dns_subdomain(text) {
            return Ok(Self(text.to_owned()));
        }
        Err(if text.contains("://") {
            format!("`{text}` is not a trust domain: it must not carry a scheme")
        } else {
            format!("`{text}` is not a trust domain: lower case letters, digits, dashes and points")
        })
    }

    /// The domain as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TrustDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Callers, as a policy's `principals` name them. The text form carries no `spiffe://`
/// (facts/istio-ambient.md §4.9: such a value matches nothing).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Principal {
    /// Anyone with an identity: `*`.
    Authenticated,
    /// Every workload of a trust domain: `T/*`.
    TrustDomain(TrustDomain),
    /// Every workload of a namespace: `T/ns/N/*`.
    Namespace(TrustDomain, NamespaceName),
    /// One service account: `T/ns/N/sa/S`.
    ServiceAccount(TrustDomain, NamespaceName, ObjectName),
}

impl Principal {
    /// True when everyone that `other` names is named by this too.
    pub fn covers(&self, other: &Principal) -> bool {
        use Principal::{Authenticated, Namespace, ServiceAccount, TrustDomain};
        match (self, other) {
            (Authenticated, _) => true,
            (TrustDomain(a), TrustDomain(b) | Namespace(b, _) | ServiceAccount(b, _, _)) => a == b,
            (Namespace(a, n), Namespace(b, m) | ServiceAccount(b, m, _)) => a == b && n == m,
            (ServiceAccount(..), ServiceAccount(..)) => self == other,
            _ => false,
        }
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Principal::Authenticated => f.write_str("*"),
            Principal::TrustDomain(t) => write!(f, "{t}/*"),
            Principal::Namespace(t, n) => write!(f, "{t}/ns/{n}/*"),
            Principal::ServiceAccount(t, n, s) => write!(f, "{t}/ns/{n}/sa/{s}"),
        }
    }
}
