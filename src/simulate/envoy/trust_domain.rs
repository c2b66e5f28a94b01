//! Trust domains in policies: at Envoy the local one, its aliases and `cluster.local` stand for
//! each other (istio/istio:pilot/pkg/security/trustdomain/bundle.go). ztunnel does nothing of this.

/// The mesh's own trust domain and its aliases.
#[derive(Clone, Debug)]
pub struct TrustDomains {
    /// The local one first.
    all: Vec<String>,
}

impl TrustDomains {
    /// The local trust domain and its aliases.
    pub fn new(local: &str, aliases: &[String]) -> Self {
        let mut all = vec![local.to_owned()];
        all.extend(aliases.iter().cloned());
        Self { all }
    }

    /// Does a certificate of this trust domain belong to the mesh?
    pub fn contains(&self, trust_domain: &str) -> bool {
        self.all.iter().any(|t| t == trust_domain)
    }

    /// What a value of `principals` stands for: one of the local trust domain, an alias or
    /// `cluster.local` for the local one and all aliases, and for `cluster.local` no longer, unless
    /// it is one of them. Only values of five parts are looked at.
    pub fn expand_principal(&self, value: &str) -> Vec<String> {
        let unchanged = || vec![value.to_owned()];
        let Some((domain, rest)) = value.split_once('/') else { return unchanged() };
        if value.split('/').count() != 5 || domain == "*" {
            return unchanged();
        }
        let own = domain == "cluster.local" || self.all.iter().any(|t| glob(domain, t));
        if !own {
            return unchanged();
        }
        let suffix = domain.strip_prefix('*');
        self.all
            .iter()
            .map(|t| match suffix {
                Some(suffix) if t.ends_with(suffix) => value.to_owned(),
                _ => format!("{t}/{rest}"),
            })
            .collect()
    }

    /// What a value of `trustDomains` stands for. Here `cluster.local` means itself only
    /// (facts/envoy.md).
    pub fn expand_trust_domain(&self, value: &str) -> Vec<String> {
        if self.contains(value) { self.all.clone() } else { vec![value.to_owned()] }
    }
}

fn glob(pattern: &str, text: &str) -> bool {
    crate::simulate::matcher::Glob::parse(pattern).holds(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_domains_stand_for_each_other() {
        let domains = TrustDomains::new("td1", &["old".into()]);
        let expand = |v: &str| domains.expand_principal(v);
        assert_eq!(expand("cluster.local/ns/a/sa/b"), ["td1/ns/a/sa/b", "old/ns/a/sa/b"]);
        assert_eq!(expand("other/ns/a/sa/b"), ["other/ns/a/sa/b"]);
        assert_eq!(expand("td1/ns/a/*"), ["td1/ns/a/*"]);
        assert_eq!(expand("*/ns/a/sa/b"), ["*/ns/a/sa/b"]);
        assert_eq!(expand("*1/ns/a/sa/b"), ["*1/ns/a/sa/b", "old/ns/a/sa/b"]);
        assert_eq!(domains.expand_trust_domain("cluster.local"), ["cluster.local"]);
        assert_eq!(domains.expand_trust_domain("old"), ["td1", "old"]);
    }
}
