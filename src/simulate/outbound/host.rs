//! Host names of rules, and who may see what.

use std::collections::BTreeSet;

/// The full name of a host as a rule of a namespace writes it: a name without a dot is a service of
/// that namespace (istio/istio:pilot/pkg/model/virtualservice.go `ResolveShortnameToFQDN`).
pub(super) fn full_name(host: &str, namespace: &str) -> String {
    if host == "*" || host.is_empty() || host.contains('.') {
        return host.to_ascii_lowercase();
    }
    format!("{}.{namespace}.svc.cluster.local", host.to_ascii_lowercase())
}

/// Does a host of a rule hold for the host of a service? `*` and `*.suffix` stand for more than one.
pub(super) fn holds(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix('*') {
        Some(suffix) => host.ends_with(suffix),
        None => pattern == host,
    }
}

/// How special a host of a rule is: a whole name before any wildcard, a longer wildcard before a
/// shorter one (istio/istio:pilot/pkg/model/config.go `MostSpecificHostMatch`).
pub(super) fn rank(pattern: &str) -> (bool, usize) {
    (!pattern.starts_with('*'), pattern.len())
}

/// `exportTo`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Export {
    /// To every namespace.
    All,
    /// To these.
    Namespaces(BTreeSet<String>),
}

impl Export {
    /// Reads the list of an object in a namespace; without one the mesh's default holds.
    pub fn of<'a>(
        list: impl Iterator<Item = &'a str> + Clone,
        namespace: &str,
        default: &[String],
    ) -> Self {
        let mut own = list.map(str::trim).filter(|word| !word.is_empty()).peekable();
        let words: Vec<&str> = match own.peek() {
            Some(_) => own.collect(),
            None => default.iter().map(String::as_str).collect(),
        };
        if words.is_empty() || words.contains(&"*") {
            return Export::All;
        }
        let named = words.into_iter().filter(|word| *word != "~");
        let named = named.map(|word| if word == "." { namespace } else { word });
        Export::Namespaces(named.map(str::to_owned).collect())
    }

    /// Does a proxy of this namespace see it? A client of which no namespace is known sees what all
    /// see.
    pub fn reaches(&self, namespace: Option<&str>) -> bool {
        match self {
            Export::All => true,
            Export::Namespaces(names) => namespace.is_some_and(|name| names.contains(name)),
        }
    }
}
