//! What of a rule ztunnel has a field for (facts/istio-ambient.md §4.4;
//! istio/ztunnel:proto/authorization.proto).

/// True of a field of `source` or `operation`, or a key of `when`, that ztunnel can see.
pub fn sees(name: &str) -> bool {
    const SEEN: [&str; 15] = [
        "ipBlocks",
        "notIpBlocks",
        "namespaces",
        "notNamespaces",
        "serviceAccounts",
        "notServiceAccounts",
        "principals",
        "notPrincipals",
        "ports",
        "notPorts",
        "source.ip",
        "source.namespace",
        "source.principal",
        "destination.ip",
        "destination.port",
    ];
    SEEN.contains(&name)
}

/// True of a field that ztunnel does not see and istiod does not count as HTTP: it goes without a
/// word.
pub fn is_passed_over(name: &str) -> bool {
    matches!(name, "trustDomains" | "notTrustDomains")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::options::Options;
    use crate::simulate::policy::Policy;
    use crate::simulate::ztunnel::{Conversion, Effect, convert};
    use crate::{k8s, yaml};

    /// What becomes of a DENY rule that has one field beside a port.
    fn effect(rule: &str) -> Effect {
        let text = format!(
            "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\n\
             metadata: {{name: a, namespace: a}}\nspec: {{action: DENY, rules: [{rule}]}}\n"
        );
        let (documents, _) =
            yaml::read(crate::diagnostic::FileId(0), &text, &yaml::Budget::MANIFESTS);
        let (objects, found) = k8s::objects_of(documents);
        assert_eq!(found, [], "{text}");
        let policy = Policy::read(&objects[0]).expect("a policy");
        match convert(&policy, &Options::default()) {
            Conversion::Sent { effects, .. } => effects[0],
            Conversion::NotSent(why) => panic!("{why:?}"),
        }
    }

    #[test]
    fn the_conversion_keeps_what_is_seen_and_nothing_else() {
        let fields = [
            ("source", "ipBlocks", "192.0.2.1"),
            ("source", "remoteIpBlocks", "192.0.2.1"),
            ("source", "namespaces", "a"),
            ("source", "serviceAccounts", "a"),
            ("source", "principals", "a"),
            ("source", "requestPrincipals", "a"),
            ("source", "trustDomains", "a"),
            ("operation", "ports", "80"),
            ("operation", "hosts", "a"),
            ("operation", "methods", "GET"),
            ("operation", "paths", "/a"),
        ];
        for (inside, field, value) in fields {
            let outside = if inside == "source" { "from" } else { "to" };
            let capital = field[..1].to_uppercase() + &field[1..];
            for field in [field.to_owned(), format!("not{capital}")] {
                let rule = format!("{{{outside}: [{{{inside}: {{{field}: [\"{value}\"]}}}}]}}");
                assert_eq!(effect(&rule) == Effect::Enforced, sees(&field), "{field}");
                assert!(!(sees(&field) && is_passed_over(&field)), "{field}");
            }
        }
        let keys = [
            ("source.ip", "192.0.2.1"),
            ("source.namespace", "a"),
            ("source.principal", "a"),
            ("destination.ip", "192.0.2.1"),
            ("destination.port", "80"),
            ("remote.ip", "192.0.2.1"),
            ("connection.sni", "a"),
            ("source.trustDomain", "a"),
            ("source.serviceAccount", "a"),
            ("request.auth.principal", "a"),
            ("request.headers[a]", "a"),
        ];
        for (key, value) in keys {
            let rule = format!("{{when: [{{key: \"{key}\", values: [\"{value}\"]}}]}}");
            assert_eq!(effect(&rule) == Effect::Enforced, sees(key), "{key}");
        }
    }
}
