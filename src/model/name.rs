//! Names that do not turn into each other.

use std::fmt;

use crate::k8s::{is_dns_label, is_dns_subdomain};

/// Why a text is not a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {what}: {rule}")]
pub struct NameError {
    text: String,
    what: &'static str,
    rule: &'static str,
}

const LABEL: &str = "lower case letters, digits and dashes, at most 63, beginning and ending with a letter or digit";
const SUBDOMAIN: &str =
    "lower case letters, digits, dashes and points, at most 253, no part empty or ending in a dash";

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident, $what:literal, $check:path, $rule:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes a text that is such a name.
            ///
            /// # Errors
            /// What is wrong with it, in words.
            pub fn parse(text: &str) -> Result<Self, NameError> {
                if $check(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(NameError { text: text.to_owned(), what: $what, rule: $rule })
                }
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    )*};
}

names! {
    /// Name of an environment: a folder below `environments/` and `rendered/`.
    EnvironmentName, "an environment's name", is_dns_label, LABEL;
    /// Name of a cluster, as TSB knows it: a folder below `rendered/<env>/`.
    ClusterName, "a cluster's name", is_dns_label, LABEL;
    /// Name of a Namespace.
    NamespaceName, "a namespace's name", is_dns_label, LABEL;
    /// Name of a migration stage.
    StageName, "a stage's name", is_dns_label, LABEL;
    /// Name of another object: waypoint, workload, service account, Service.
    ObjectName, "an object's name", is_dns_subdomain, SUBDOMAIN;
}

/// A namespace of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NamespaceId {
    /// The cluster.
    pub cluster: ClusterName,
    /// The namespace.
    pub namespace: NamespaceName,
}

impl fmt::Display for NamespaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.cluster, self.namespace)
    }
}
