//! A rule in ztunnel's words: identities of the mesh's own trust domain, spelt out, and fields of `from`
//! instead of attributes that ztunnel does not read (facts/translation.md, rows `principals`,
//! `trustDomains` and `when source.serviceAccount, source.trustDomain`).

use std::collections::BTreeSet;

use super::construct::needs;
use super::policy::{Condition, From, Rule, Source};
use super::reason::Reason;

/// The name of the mesh's own trust domain that Envoy takes for any (facts/istio-ambient.md §4.9).
const OWN: &str = "cluster.local";

/// The rule as ztunnel decides it and what was put otherwise, or the reasons why ztunnel cannot decide it
/// as a sidecar does.
pub(super) type Words = Result<(Rule, BTreeSet<Reason>), BTreeSet<Reason>>;

/// A rule in ztunnel's words.
pub(super) fn in_its_words(rule: &Rule, trust_domain: &str) -> Words {
    let needs = needs(rule);
    let mut cannot: BTreeSet<Reason> = needs.envoy.union(&needs.sidecar_only).copied().collect();
    let (mut rule, mut put) = (rule.clone(), BTreeSet::new());
    let mut left = Vec::new();
    for condition in std::mem::take(&mut rule.when) {
        let Condition { key, values, not_values } = &condition;
        let known = match key.as_str() {
            "source.serviceAccount" => every_source(&mut rule, |source| {
                let free = source.service_accounts.is_empty()
                    && source.principals.is_empty()
                    && source.namespaces.is_empty();
                source.service_accounts.extend(values.iter().cloned());
                source.not_service_accounts.extend(not_values.iter().cloned());
                free
            }),
            "source.trustDomain" => every_source(&mut rule, |source| {
                let free = source.trust_domains.is_empty() && source.principals.is_empty();
                source.trust_domains.extend(values.iter().cloned());
                source.not_trust_domains.extend(not_values.iter().cloned());
                free
            }),
            _ => {
                left.push(condition);
                continue;
            }
        };
        if known {
            put.insert(Reason::WhenKeyRewritten);
        } else {
            cannot.insert(Reason::WhenKeyRewritten);
        }
    }
    rule.when = left;
    for source in rule.from.iter_mut().map(|from| &mut from.source) {
        match domains(source) {
            Ok(true) => {
                put.insert(Reason::TrustDomainsRewritten);
            }
            Ok(false) => {}
            Err(reason) => {
                cannot.insert(reason);
            }
        }
        spell_out(&mut source.principals, &mut source.not_principals, trust_domain, &mut put)
            .unwrap_or_else(|reason| cannot.extend([reason]));
    }
    for condition in rule.when.iter_mut().filter(|c| c.key == "source.principal") {
        spell_out(&mut condition.values, &mut condition.not_values, trust_domain, &mut put)
            .unwrap_or_else(|reason| cannot.extend([reason]));
    }
    if cannot.is_empty() { Ok((rule, put)) } else { Err(cannot) }
}

/// Applies something to every source, one that holds for all where there is none; true where all of
/// them could take it.
fn every_source(rule: &mut Rule, mut apply: impl FnMut(&mut Source) -> bool) -> bool {
    if rule.from.is_empty() {
        rule.from.push(From::default());
    }
    let refused = rule.from.iter_mut().filter_map(|from| (!apply(&mut from.source)).then_some(()));
    // all of them, also behind one that cannot
    refused.count() == 0
}

/// `trustDomains` as principals; true where there were any.
fn domains(source: &mut Source) -> Result<bool, Reason> {
    if source.trust_domains.is_empty() && source.not_trust_domains.is_empty() {
        return Ok(false);
    }
    if !source.trust_domains.is_empty() && !source.principals.is_empty() {
        return Err(Reason::TrustDomainsRewritten);
    }
    let whole = |domain: String| format!("{domain}/*");
    source.principals.extend(source.trust_domains.drain(..).map(whole));
    source.not_principals.extend(source.not_trust_domains.drain(..).map(whole));
    Ok(true)
}

/// Principals of the mesh's own trust domain by its name. One of another trust domain is nobody whom ztunnel
/// lets in; that such a one is excepted costs nothing.
fn spell_out(
    principals: &mut [String],
    not_principals: &mut [String],
    trust_domain: &str,
    put: &mut BTreeSet<Reason>,
) -> Result<(), Reason> {
    let mut spell = |principal: &mut String| {
        let Some((domain, rest)) = principal.split_once('/') else { return true };
        let is_own = domain == trust_domain || domain.starts_with('*');
        if !is_own && domain == OWN {
            *principal = format!("{trust_domain}/{rest}");
            put.insert(Reason::TrustDomainForm);
            return true;
        }
        is_own
    };
    not_principals.iter_mut().for_each(|principal| {
        spell(principal);
    });
    // all of them, also behind one that is foreign
    let foreign =
        principals.iter_mut().filter_map(|principal| (!spell(principal)).then_some(())).count();
    if foreign == 0 { Ok(()) } else { Err(Reason::ForeignTrustDomain) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> Rule {
        serde_yaml::from_str(text).expect("a rule")
    }

    #[test]
    fn the_meshs_own_trust_domain_is_spelt_out() {
        let written =
            rule("from: [{source: {principals: [cluster.local/ns/a/sa/b, '*/ns/c/sa/d']}}]");
        let (put, why) = in_its_words(&written, "corp").expect("ztunnel can");
        assert_eq!(put.from[0].source.principals, ["corp/ns/a/sa/b", "*/ns/c/sa/d"]);
        assert!(why.contains(&Reason::TrustDomainForm));
        let foreign = rule("from: [{source: {principals: [other/ns/a/sa/b]}}]");
        assert_eq!(
            in_its_words(&foreign, "corp"),
            Err(BTreeSet::from([Reason::ForeignTrustDomain]))
        );
    }

    #[test]
    fn conditions_about_identities_are_fields_of_from() {
        let written = rule("when: [{key: source.trustDomain, values: [corp], notValues: [x]}]");
        let (put, _) = in_its_words(&written, "corp").expect("ztunnel can");
        assert!(put.when.is_empty());
        assert_eq!(put.from[0].source.principals, ["corp/*"]);
        assert_eq!(put.from[0].source.not_principals, ["x/*"]);
    }

    #[test]
    fn a_field_beside_which_there_is_no_room_is_no_guess() {
        let written =
            rule("from: [{source: {principals: [corp/ns/a/sa/b], trustDomains: [corp]}}]");
        assert_eq!(
            in_its_words(&written, "corp"),
            Err(BTreeSet::from([Reason::TrustDomainsRewritten]))
        );
    }
}
