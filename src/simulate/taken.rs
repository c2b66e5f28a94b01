//! Values that the API server or Istio's webhook refuses: the mesh asks, for what is refused is not in
//! force, and `validate`, which points at them.

/// Is a label of a selector one that is taken? Wildcards are not, and keys are not empty
/// (istio/istio:pkg/config/validation/validation.go `validateWorkloadSelector`; facts/istio-ambient.md
/// §12.2).
pub fn is_selected_label(key: &str, value: &str) -> bool {
    !key.is_empty() && !key.contains('*') && !value.contains('*')
}

/// Is this a timeout that the CRD takes: at least 1ms (facts/istio-ambient.md §12.2)?
pub fn is_timeout(text: &str) -> bool {
    milliseconds(text).is_some_and(|ms| ms >= 1.0)
}

/// Go's `url.Parse` refuses any other port (net/url `validOptionalPort`), and with it the CRD's rule.
pub fn has_port_of_digits(uri: &str) -> bool {
    let Some((_, rest)) = uri.split_once("://") else { return true };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    // the colons of an IPv6 address stand in brackets
    let behind = host.rsplit(']').next().unwrap_or_default();
    behind.rsplit_once(':').is_none_or(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()))
}

/// `jwk.Parse` takes a set or one key.
pub fn is_key_set(text: &str) -> bool {
    let Ok(value) = serde_json::from_str::<serde_json::Value>(text) else { return false };
    value.get("keys").is_some_and(serde_json::Value::is_array)
        || value.get("kty").is_some_and(serde_json::Value::is_string)
}

/// Go's `time.ParseDuration`: numbers with units, `1h30m`.
fn milliseconds(text: &str) -> Option<f64> {
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Some(0.0);
    }
    let mut sum = 0.0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, behind) = rest.split_at(end);
        let end = behind.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(end);
        let factor = match unit {
            "ns" => 1e-6,
            "us" | "µs" | "μs" => 1e-3,
            "ms" => 1.0,
            "s" => 1e3,
            "m" => 60e3,
            "h" => 3_600e3,
            _ => return None,
        };
        sum += number.parse::<f64>().ok()? * factor;
        rest = behind;
    }
    (!text.is_empty()).then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each as CEL's `url()` takes it in a Kubernetes API server 1.34.
    #[test]
    fn the_port_of_a_jwks_uri_is_a_number() {
        for (uri, good) in [
            ("https://a/b", true),
            ("https://a:8443/b:c", true),
            ("https://a:/b", true),
            ("https://[::1]:443/b", true),
            ("https://[::1]/b", true),
            ("https://a:b", false),
            ("https://u:p@a:b/", false),
            ("https://u:p@a/", true),
        ] {
            assert_eq!(has_port_of_digits(uri), good, "{uri}");
        }
    }

    #[test]
    fn durations_as_go_reads_them() {
        for (text, expected) in [
            ("5s", Some(5e3)),
            ("1h30m", Some(5_400e3)),
            ("0.5ms", Some(0.5)),
            ("0", Some(0.0)),
            ("", None),
            ("5", None),
            ("apple", None),
            ("5x", None),
            ("1..2s", None),
        ] {
            assert_eq!(milliseconds(text), expected, "{text}");
        }
    }

    #[test]
    fn a_selector_takes_no_wildcard_and_no_empty_key() {
        assert!(is_selected_label("app", "web") && is_selected_label("app", ""));
        for (key, value) in [("", "web"), ("app*", "web"), ("app", "w*")] {
            assert!(!is_selected_label(key, value), "{key}: {value}");
        }
    }
}
