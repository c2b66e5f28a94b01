//! Kubernetes' rules for names, label keys and label values
//! (k8s.io/apimachinery `validation.IsDNS1123Label` and its neighbours).

/// A DNS-1123 label: lower case letters, digits and dashes, at most 63, no dash at an end.
pub fn is_dns_label(text: &str) -> bool {
    text.len() <= 63 && is_label_shape(text)
}

/// A DNS-1123 subdomain: labels joined by points, at most 253 characters in all.
pub fn is_dns_subdomain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_label_shape)
}

fn is_label_shape(text: &str) -> bool {
    let bytes = text.as_bytes();
    let alphanumeric = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    bytes.first().is_some_and(alphanumeric)
        && bytes.last().is_some_and(alphanumeric)
        && bytes.iter().all(|b| alphanumeric(b) || *b == b'-')
}

/// A label key: an optional DNS subdomain and a slash, then a qualified name.
pub fn is_label_key(text: &str) -> bool {
    match text.split_once('/') {
        Some((prefix, name)) => is_dns_subdomain(prefix) && is_qualified_name(name),
        None => is_qualified_name(text),
    }
}

/// As a label key, but the prefix may have capitals.
pub fn is_annotation_key(text: &str) -> bool {
    is_label_key(&match text.split_once('/') {
        Some((prefix, name)) => format!("{}/{name}", prefix.to_ascii_lowercase()),
        None => text.to_owned(),
    })
}

/// A label value: empty, or a qualified name.
pub fn is_label_value(text: &str) -> bool {
    text.is_empty() || is_qualified_name(text)
}

fn is_qualified_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() <= 63
        && bytes.first().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.last().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

/// Can this be the server name of a TLS hello: a DNS name, with no port and no dot at its end (RFC 6066,
/// section 3)?
pub fn is_server_name(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(is_label) && text.parse::<std::net::IpAddr>().is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for good in ["a", "a-b", "0", "cp-cluster-1"] {
            assert!(is_dns_label(good), "{good}");
        }
        for bad in ["", "-a", "a-", "A", "a.b", "../a", "a_b", &"a".repeat(64)] {
            assert!(!is_dns_label(bad), "{bad}");
        }
        assert!(is_dns_subdomain("cp-cluster-1.tsb.local"));
        assert!(!is_dns_subdomain("a..b"));
        assert!(is_label_key("istio.io/dataplane-mode"));
        assert!(!is_label_key("istio.io/"));
        assert!(!is_label_key("A.io/x"));
        assert!(is_annotation_key("A.io/x"));
        assert!(is_label_value(""));
        assert!(!is_label_value("a/b"));
    }
}
