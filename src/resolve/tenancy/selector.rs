//! `namespaceSelector.names`: which namespaces a workspace or group takes
//! (facts/tsb.md, "namespaceSelector and FQN grammar").

use std::fmt;

use super::inventory::{Inventory, Slot};
use crate::diagnostic::{Diagnostic, Span, Spanned};
use crate::k8s::is_dns_label;

/// One entry, with its place.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// What it takes.
    pub pattern: Pattern,
    /// Where it stands.
    pub span: Span,
}

/// `cluster/namespace`, with `*` for any cluster, any namespace, or the rest of a name.
///
/// The documented forms are `*/ns`, `c/ns`, `c/*`, `*/*` and `c/prefix*`; `*/prefix*` is read as
/// the two of them together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pattern {
    /// `None` for any cluster.
    pub cluster: Option<String>,
    /// What its namespaces are called.
    pub namespace: Names,
}

/// Names of namespaces.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Names {
    /// This one.
    Exact(String),
    /// All that begin so; the empty text stands for all.
    Prefix(String),
}

impl Pattern {
    /// Reads an entry; the fault in words where it is none, with a way out.
    fn parse(text: &str) -> Result<Self, (String, String)> {
        let shape = "write `cluster/namespace`, with `*` for any".to_owned();
        let Some((cluster, namespace)) = text.split_once('/') else {
            let help = if is_dns_label(text) { format!("write `*/{text}`") } else { shape };
            return Err((format!("`{text}` names no cluster"), help));
        };
        let cluster = match cluster {
            "*" => None,
            name if is_dns_label(name) => Some(name.to_owned()),
            name => return Err((format!("`{name}` in `{text}` is not a cluster's name"), shape)),
        };
        let namespace = match namespace.strip_suffix('*') {
            Some(prefix) if is_prefix(prefix) => Names::Prefix(prefix.to_owned()),
            None if is_dns_label(namespace) => Names::Exact(namespace.to_owned()),
            _ => {
                let fault = format!("`{namespace}` in `{text}` is not a namespace's name");
                return Err((fault, "a `*` may stand alone or at the end".to_owned()));
            }
        };
        Ok(Self { cluster, namespace })
    }

    /// True when the pattern takes whatever its parent has: `*/*` and `c/*`.
    pub fn is_whole(&self) -> bool {
        self.namespace == Names::Prefix(String::new())
    }

    /// True when every namespace that `other` may take is taken by this too.
    pub fn covers(&self, other: &Pattern) -> bool {
        let names = match (&self.namespace, &other.namespace) {
            (Names::Exact(a), Names::Exact(b)) => a == b,
            (Names::Prefix(a), Names::Exact(b) | Names::Prefix(b)) => b.starts_with(a.as_str()),
            (Names::Exact(_), Names::Prefix(_)) => false,
        };
        names && (self.cluster.is_none() || self.cluster == other.cluster)
    }

    /// True when some namespace could be taken by both.
    pub fn meets(&self, other: &Pattern) -> bool {
        let names = match (&self.namespace, &other.namespace) {
            (Names::Exact(a), Names::Exact(b)) => a == b,
            (Names::Prefix(a), Names::Exact(b)) | (Names::Exact(b), Names::Prefix(a)) => {
                b.starts_with(a.as_str())
            }
            (Names::Prefix(a), Names::Prefix(b)) => {
                a.starts_with(b.as_str()) || b.starts_with(a.as_str())
            }
        };
        let clusters =
            self.cluster.is_none() || other.cluster.is_none() || self.cluster == other.cluster;
        names && clusters
    }

    /// The existing namespaces that it takes, in their order.
    pub fn slots(&self, inventory: &Inventory) -> Vec<Slot> {
        let mut slots = Vec::new();
        for cluster in inventory.clusters() {
            if self.cluster.as_deref().is_none_or(|name| name == cluster.name.as_str()) {
                match &self.namespace {
                    Names::Exact(name) => slots.extend(cluster.slot(name)),
                    Names::Prefix(prefix) => slots.extend(cluster.slots_with_prefix(prefix)),
                }
            }
        }
        slots
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/", self.cluster.as_deref().unwrap_or("*"))?;
        match &self.namespace {
            Names::Exact(name) => f.write_str(name),
            Names::Prefix(prefix) => write!(f, "{prefix}*"),
        }
    }
}

/// The beginning of a DNS label: a label, or one that ends with a dash.
fn is_prefix(text: &str) -> bool {
    text.is_empty() || is_dns_label(&format!("{text}a"))
}

/// Reads the entries of a selector. What is no entry is reported and left out.
pub(super) fn entries(names: &[Spanned<String>], found: &mut Vec<Diagnostic>) -> Vec<Entry> {
    let mut entries = Vec::new();
    for name in names {
        match Pattern::parse(&name.value) {
            Ok(pattern) => entries.push(Entry { pattern, span: name.span }),
            Err((fault, help)) => {
                found.push(Diagnostic::error("bad-selector", fault).at(name.span, "").help(help));
            }
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::parse(text).expect(text)
    }

    #[test]
    fn documented_forms_are_read() {
        for text in ["*/ns1", "c1/ns1", "c1/*", "*/*", "c1/ns*", "*/ns*", "c1/ns-*"] {
            assert_eq!(pattern(text).to_string(), text);
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for text in ["", "ns", "c/", "/ns", "c/n*s", "*c/ns", "c/ns/x", "C/ns", "c/**", "c/-*"] {
            assert!(Pattern::parse(text).is_err(), "{text}");
        }
        assert_eq!(Pattern::parse("ns").map_err(|e| e.1), Err("write `*/ns`".to_owned()));
    }

    #[test]
    fn covering_and_meeting() {
        for (a, b, covers, meets) in [
            ("*/ns1", "c1/ns1", true, true),
            ("c1/ns1", "*/ns1", false, true),
            ("c1/*", "c1/ns*", true, true),
            ("c1/ns*", "c1/n*", false, true),
            ("c1/a*", "c1/b*", false, false),
            ("c1/*", "c2/*", false, false),
            ("*/*", "c2/x", true, true),
        ] {
            assert_eq!(pattern(a).covers(&pattern(b)), covers, "{a} covers {b}");
            assert_eq!(pattern(a).meets(&pattern(b)), meets, "{a} meets {b}");
            assert_eq!(pattern(b).meets(&pattern(a)), meets, "{b} meets {a}");
        }
    }
}
