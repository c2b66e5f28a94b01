//! Fully qualified names of TSB.

use std::fmt;

use crate::diagnostic::nearest;

/// What an [`Fqn`] segment names: the collections of facts/tsb.md, "namespaceSelector and FQN
/// grammar".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Collection {
    /// `organizations`
    Organizations,
    /// `clusters`
    Clusters,
    /// `services`
    Services,
    /// `teams`
    Teams,
    /// `users`
    Users,
    /// `serviceaccounts`
    ServiceAccounts,
    /// `securitydomains`: a name that resources carry, not a resource.
    SecurityDomains,
    /// `tenants`
    Tenants,
    /// `workspaces`
    Workspaces,
    /// `securitygroups`
    SecurityGroups,
    /// `trafficgroups`
    TrafficGroups,
    /// `gatewaygroups`
    GatewayGroups,
    /// `istiointernalgroups`
    IstioInternalGroups,
    /// `applications`
    Applications,
    /// `apis`
    Apis,
    /// `settings`, of any level.
    Settings,
    /// `servicesettings`, of a group.
    ServiceSettings,
    /// `serviceroutes`
    ServiceRoutes,
    /// `unifiedgateways`
    UnifiedGateways,
    /// `ingressgateways`
    IngressGateways,
    /// `egressgateways`
    EgressGateways,
    /// `tier1gateways`
    Tier1Gateways,
    /// A kind of Istio object in DIRECT mode, by its collection.
    Istio(&'static str),
}

impl Collection {
    /// All that have a name, with it.
    const NAMES: [(&'static str, Collection); 32] = {
        use Collection as C;
        [
            ("organizations", C::Organizations),
            ("clusters", C::Clusters),
            ("services", C::Services),
            ("teams", C::Teams),
            ("users", C::Users),
            ("serviceaccounts", C::ServiceAccounts),
            ("securitydomains", C::SecurityDomains),
            ("tenants", C::Tenants),
            ("workspaces", C::Workspaces),
            ("securitygroups", C::SecurityGroups),
            ("trafficgroups", C::TrafficGroups),
            ("gatewaygroups", C::GatewayGroups),
            ("istiointernalgroups", C::IstioInternalGroups),
            ("applications", C::Applications),
            ("apis", C::Apis),
            ("settings", C::Settings),
            ("servicesettings", C::ServiceSettings),
            ("serviceroutes", C::ServiceRoutes),
            ("unifiedgateways", C::UnifiedGateways),
            ("ingressgateways", C::IngressGateways),
            ("egressgateways", C::EgressGateways),
            ("tier1gateways", C::Tier1Gateways),
            ("authorizationpolicies", C::Istio("authorizationpolicies")),
            ("peerauthentications", C::Istio("peerauthentications")),
            ("requestauthentications", C::Istio("requestauthentications")),
            ("virtualservices", C::Istio("virtualservices")),
            ("destinationrules", C::Istio("destinationrules")),
            ("sidecars", C::Istio("sidecars")),
            ("gateways", C::Istio("gateways")),
            ("envoyfilters", C::Istio("envoyfilters")),
            ("serviceentries", C::Istio("serviceentries")),
            ("wasmplugins", C::Istio("wasmplugins")),
        ]
    };

    /// The word in a name.
    pub fn as_str(self) -> &'static str {
        Self::NAMES.iter().find(|(_, c)| *c == self).map_or("", |(name, _)| name)
    }

    /// What a person calls one of them.
    pub fn noun(self) -> &'static str {
        match self {
            Collection::Organizations => "organization",
            Collection::Clusters => "cluster",
            Collection::Services => "service",
            Collection::Teams => "team",
            Collection::Users => "user",
            Collection::ServiceAccounts => "service account",
            Collection::SecurityDomains => "security domain",
            Collection::Tenants => "tenant",
            Collection::Workspaces => "workspace",
            Collection::SecurityGroups => "security group",
            Collection::TrafficGroups => "traffic group",
            Collection::GatewayGroups => "gateway group",
            Collection::IstioInternalGroups => "istio-internal group",
            Collection::Applications => "application",
            Collection::Apis => "API",
            Collection::Settings => "setting",
            Collection::ServiceSettings => "service setting",
            Collection::ServiceRoutes => "service route",
            Collection::UnifiedGateways
            | Collection::IngressGateways
            | Collection::EgressGateways
            | Collection::Tier1Gateways => "gateway",
            Collection::Istio(_) => "Istio object",
        }
    }

    /// True for the four kinds of group in a workspace.
    pub fn is_group(self) -> bool {
        use Collection as C;
        matches!(
            self,
            C::SecurityGroups | C::TrafficGroups | C::GatewayGroups | C::IstioInternalGroups
        )
    }

    /// Whether it stands directly below `parent`; `None` is the root.
    fn is_below(self, parent: Option<Collection>) -> bool {
        use Collection as C;
        match parent {
            None => self == C::Organizations,
            Some(C::Organizations) => matches!(
                self,
                C::Clusters
                    | C::Services
                    | C::Teams
                    | C::Users
                    | C::ServiceAccounts
                    | C::SecurityDomains
                    | C::Tenants
                    | C::Settings
            ),
            Some(C::Tenants) => matches!(self, C::Workspaces | C::Applications | C::Settings),
            Some(C::Applications) => self == C::Apis,
            Some(C::Workspaces) => self.is_group() || self == C::Settings,
            Some(group) if group.is_group() => matches!(
                self,
                C::Settings
                    | C::ServiceSettings
                    | C::ServiceRoutes
                    | C::UnifiedGateways
                    | C::IngressGateways
                    | C::EgressGateways
                    | C::Tier1Gateways
                    | C::Istio(_)
            ),
            Some(_) => false,
        }
    }
}

/// A fully qualified name, such as `organizations/tetrate/tenants/dev/workspaces/web`.
///
/// Checked against the grammar of facts/tsb.md, "namespaceSelector and FQN grammar". Names order
/// parents before children.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fqn {
    segments: Vec<(Collection, String)>,
}

impl Fqn {
    /// The name of an organization.
    pub fn organization(name: &str) -> Self {
        Self { segments: vec![(Collection::Organizations, name.to_owned())] }
    }

    /// One level further down. What the grammar does not allow there is the caller's fault and
    /// shows in [`Fqn::parse`] of the text.
    #[must_use]
    pub fn child(&self, collection: Collection, name: &str) -> Self {
        let mut segments = self.segments.clone();
        segments.push((collection, name.to_owned()));
        Self { segments }
    }

    /// Reads a name.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(text: &str) -> Result<Self, FqnError> {
        let fault =
            |what: String, help: Option<String>| FqnError { text: text.to_owned(), what, help };
        let mut segments: Vec<(Collection, String)> = Vec::new();
        let mut words = text.split('/');
        while let Some(word) = words.next() {
            let parent = segments.last().map(|(c, _)| *c);
            let below = |c: Collection| c.is_below(parent);
            let known = Collection::NAMES.iter().find(|(name, c)| *name == word && below(*c));
            let Some((_, collection)) = known else {
                let names =
                    || Collection::NAMES.iter().filter(|(_, c)| below(*c)).map(|(name, _)| *name);
                let place = match parent {
                    None => "at its start".to_owned(),
                    Some(parent) => format!("below {} {}", article(parent.noun()), parent.noun()),
                };
                let advice = match nearest(word, names()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("may stand there: {}", list(names())),
                };
                return Err(fault(format!("`{word}` has no place {place}"), Some(advice)));
            };
            let name = words.next().unwrap_or_default();
            if name.is_empty() {
                return Err(fault(format!("the name behind `{word}` is missing"), None));
            }
            if name.chars().any(|c| c.is_whitespace() || c.is_control() || c == '*') {
                return Err(fault(format!("`{name}` cannot be a name"), None));
            }
            segments.push((*collection, name.to_owned()));
        }
        Ok(Self { segments })
    }

    /// What it names, and the last part of the name.
    pub fn leaf(&self) -> (Collection, &str) {
        self.segments
            .last()
            .map_or((Collection::Organizations, ""), |(collection, name)| (*collection, name))
    }

    /// The kind of thing it names.
    pub fn collection(&self) -> Collection {
        self.leaf().0
    }

    /// The last part of the name.
    pub fn name(&self) -> &str {
        self.leaf().1
    }

    /// The name in some collection on the way.
    pub fn part(&self, collection: Collection) -> Option<&str> {
        self.segments.iter().find(|(c, _)| *c == collection).map(|(_, name)| name.as_str())
    }

    /// The organization's name.
    pub fn organization_name(&self) -> &str {
        self.part(Collection::Organizations).unwrap_or_default()
    }

    /// The same name in another organization.
    #[must_use]
    pub fn in_organization(&self, name: &str) -> Self {
        let mut segments = self.segments.clone();
        if let Some(first) = segments.first_mut() {
            name.clone_into(&mut first.1);
        }
        Self { segments }
    }

    /// One level up; `None` for an organization.
    pub fn parent(&self) -> Option<Self> {
        let (_, parents) = self.segments.split_last()?;
        (!parents.is_empty()).then(|| Self { segments: parents.to_vec() })
    }

    /// Itself and all its parents, the nearest first.
    pub fn lineage(&self) -> impl Iterator<Item = Fqn> + '_ {
        (1..=self.segments.len()).rev().map(|n| Fqn { segments: self.segments[..n].to_vec() })
    }

    /// True for the same name and for what lies below it.
    pub fn contains(&self, other: &Fqn) -> bool {
        other.segments.starts_with(&self.segments)
    }

    /// The collections and names from the organization down.
    pub fn segments(&self) -> impl Iterator<Item = (Collection, &str)> {
        self.segments.iter().map(|(c, n)| (*c, n.as_str()))
    }
}

impl fmt::Display for Fqn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (collection, name)) in self.segments.iter().enumerate() {
            if i > 0 {
                f.write_str("/")?;
            }
            write!(f, "{}/{name}", collection.as_str())?;
        }
        Ok(())
    }
}

fn article(noun: &str) -> &'static str {
    if noun.starts_with(['a', 'e', 'i', 'o', 'u', 'A']) { "an" } else { "a" }
}

fn list<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let words: Vec<String> = words.map(|w| format!("`{w}`")).collect();
    if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
}

/// Why a text is no fully qualified name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a fully qualified name: {what}")]
pub struct FqnError {
    text: String,
    what: String,
    help: Option<String>,
}

impl FqnError {
    /// What to do about it, if that can be told.
    pub fn help(&self) -> Option<&str> {
        self.help.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_the_grammar_is_read_and_printed() {
        for text in [
            "organizations/o",
            "organizations/o/clusters/c",
            "organizations/o/services/s",
            "organizations/o/teams/t",
            "organizations/o/users/u",
            "organizations/o/serviceaccounts/s",
            "organizations/o/securitydomains/d",
            "organizations/o/settings/default",
            "organizations/o/tenants/t",
            "organizations/o/tenants/t/settings/s",
            "organizations/o/tenants/t/workspaces/w",
            "organizations/o/tenants/t/workspaces/w/settings/s",
            "organizations/o/tenants/t/workspaces/w/securitygroups/g",
            "organizations/o/tenants/t/workspaces/w/securitygroups/g/settings/s",
            "organizations/o/tenants/t/workspaces/w/securitygroups/g/servicesettings/s",
            "organizations/o/tenants/t/workspaces/w/trafficgroups/g",
            "organizations/o/tenants/t/workspaces/w/gatewaygroups/g/unifiedgateways/x",
            "organizations/o/tenants/t/workspaces/w/gatewaygroups/g/tier1gateways/x",
            "organizations/o/tenants/t/workspaces/w/istiointernalgroups/g",
        ] {
            assert_eq!(Fqn::parse(text).map(|f| f.to_string()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn what_is_no_name_is_refused_in_words() {
        for (text, wrong) in [
            ("", "`` has no place at its start"),
            ("organization/o", "did you mean `organizations`?"),
            ("organizations/", "the name behind `organizations` is missing"),
            ("organizations/o/", "`` has no place below an organization"),
            ("organizations/o/workspaces/w", "`workspaces` has no place below an organization"),
            ("organizations/o/tenants/t/workspace/w", "did you mean `workspaces`?"),
            ("organizations/o/tenants/*", "`*` cannot be a name"),
            ("/organizations/o", "`` has no place at its start"),
        ] {
            let error = Fqn::parse(text).expect_err(text);
            let words = format!("{error}; {}", error.help().unwrap_or_default());
            assert!(words.contains(wrong), "{text}: {words}");
        }
    }

    #[test]
    fn containment_is_by_segments() {
        let fqn = |t: &str| Fqn::parse(t).expect(t);
        let w = fqn("organizations/o/tenants/t/workspaces/w");
        assert!(w.contains(&w));
        assert!(w.contains(&w.child(Collection::SecurityGroups, "g")));
        assert!(!w.contains(&fqn("organizations/o/tenants/t/workspaces/w2")));
        assert!(!w.contains(&fqn("organizations/o/tenants/t")));
        assert_eq!(w.lineage().count(), 3);
    }
}
