//! Shapes of keys and tokens. Only what has a prefix of its own is named: a guess from entropy
//! would cry wolf at every digest.

use std::ops::Range;

/// A token: its prefix, what follows, and what a person calls it.
struct Token {
    prefix: &'static str,
    /// How many characters follow at least.
    length: usize,
    body: fn(u8) -> bool,
    name: &'static str,
}

const TOKENS: [Token; 19] = [
    token("AKIA", 16, upper, "an AWS access key"),
    token("ASIA", 16, upper, "an AWS access key"),
    token("ghp_", 36, word, "a GitHub token"),
    token("gho_", 36, word, "a GitHub token"),
    token("ghs_", 36, word, "a GitHub token"),
    token("ghu_", 36, word, "a GitHub token"),
    token("ghr_", 36, word, "a GitHub token"),
    token("github_pat_", 40, word, "a GitHub token"),
    token("glpat-", 20, dashed, "a GitLab token"),
    token("AIza", 35, dashed, "a Google API key"),
    token("ya29.", 30, dashed, "a Google OAuth token"),
    token("xoxb-", 20, dashed, "a Slack token"),
    token("xoxp-", 20, dashed, "a Slack token"),
    token("xapp-", 20, dashed, "a Slack token"),
    token("sk_live_", 16, word, "a Stripe key"),
    token("npm_", 36, word, "an npm token"),
    token("hvs.", 24, dashed, "a Vault token"),
    token("dop_v1_", 64, word, "a DigitalOcean token"),
    token("AGE-SECRET-KEY-1", 50, upper, "an age key"),
];

/// What a text holds that looks like a secret.
pub(super) fn of(text: &str) -> Option<&'static str> {
    find(text).into_iter().next().map(|(_, what)| what)
}

/// Where in a text such things are, and the passwords of URLs.
pub(super) fn ranges(text: &str) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = find(text).into_iter().map(|(range, _)| range).collect();
    passwords(text, &mut ranges);
    ranges
}

/// The password in `scheme://user:password@host` (RFC 3986 §3.2.1): an authority ends at `/`, `?`
/// or `#`. A variable that is filled in later is no password.
fn passwords(text: &str, found: &mut Vec<Range<usize>>) {
    const MARK: &str = "://";
    for (at, _) in text.match_indices(MARK) {
        let begin = at + MARK.len();
        let ends = |c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '\'' | '`');
        let authority = text[begin..].split(ends).next().unwrap_or_default();
        let Some((user, _)) = authority.rsplit_once('@') else { continue };
        let Some((name, password)) = user.split_once(':') else { continue };
        if !password.is_empty() && !password.starts_with(['$', '<', '{']) {
            let begin = begin + name.len() + 1;
            found.push(begin..begin + password.len());
        }
    }
}

const fn token(
    prefix: &'static str,
    length: usize,
    body: fn(u8) -> bool,
    name: &'static str,
) -> Token {
    Token { prefix, length, body, name }
}

/// All of them, with what a person calls them.
pub(super) fn find(text: &str) -> Vec<(Range<usize>, &'static str)> {
    let mut found = Vec::new();
    // shorter than any of them, or without anything that one of them begins with: nearly all
    if text.len() < 20 || !text.as_bytes().windows(3).any(begins_a_secret) {
        return found;
    }
    pem(text, &mut found);
    for token in &TOKENS {
        for (at, _) in text.match_indices(token.prefix) {
            let bytes = text.as_bytes();
            let begins = at == 0 || !word(bytes[at - 1]);
            let body = at + token.prefix.len();
            let length = bytes[body..].iter().take_while(|b| (token.body)(**b)).count();
            if begins && length >= token.length {
                found.push((at..body + length, token.name));
            }
        }
    }
    web_tokens(text, &mut found);
    found.sort_by_key(|(range, _)| (range.start, range.end));
    found
}

/// One look at each place instead of a search for each shape.
fn begins_a_secret(three: &[u8]) -> bool {
    matches!(
        three,
        b"AKI"
            | b"ASI"
            | b"ghp"
            | b"gho"
            | b"ghs"
            | b"ghu"
            | b"ghr"
            | b"git"
            | b"glp"
            | b"AIz"
            | b"ya2"
            | b"xox"
            | b"xap"
            | b"sk_"
            | b"npm"
            | b"hvs"
            | b"dop"
            | b"AGE"
            | b"---"
            | b"LS0"
            | b"0tL"
            | b"tLS"
            | b"eyJ"
    )
}

const BEGIN: &str = "-----BEGIN ";
/// `-----BEGIN ` in base64, at each of the three offsets of its bytes.
const BEGIN_BASE64: [&str; 3] = ["LS0tLS1CRUdJTi", "0tLS0tQkVHSU4g", "tLS0tLUJFR0lOI"];
/// `PRIVATE KEY` likewise.
const PRIVATE_BASE64: [&str; 3] = ["UFJJVkFURSBLRV", "BSSVZBVEUgS0VZ", "QUklWQVRFIEtFW"];

fn pem(text: &str, found: &mut Vec<(Range<usize>, &'static str)>) {
    for (at, _) in text.match_indices(BEGIN) {
        let rest = &text[at + BEGIN.len()..];
        let Some(end) = rest.find("-----") else { continue };
        let title = &rest[..end];
        if !title.ends_with("PRIVATE KEY") && !title.ends_with("PRIVATE KEY BLOCK") {
            continue;
        }
        let close = format!("-----END {title}-----");
        let length = rest.find(&close).map_or(rest.len(), |e| e + close.len());
        found.push((at..at + BEGIN.len() + length, "a private key"));
    }
    for begin in BEGIN_BASE64 {
        for (at, _) in text.match_indices(begin) {
            let length = text.as_bytes()[at..]
                .iter()
                .take_while(|b| {
                    b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=' | b'\n')
                })
                .count();
            let body = &text[at..at + length];
            // a certificate begins alike
            let head = body.get(..120.min(body.len())).unwrap_or(body);
            if PRIVATE_BASE64.iter().any(|p| head.contains(p)) {
                found.push((at..at + length, "a private key"));
            }
        }
    }
}

/// `header.claims.signature`, of which the first two are JSON objects in base64.
fn web_tokens(text: &str, found: &mut Vec<(Range<usize>, &'static str)>) {
    for (at, _) in text.match_indices("eyJ") {
        let bytes = text.as_bytes();
        if at > 0 && (dashed(bytes[at - 1]) || bytes[at - 1] == b'.') {
            continue;
        }
        let length = bytes[at..].iter().take_while(|b| dashed(**b) || **b == b'.').count();
        let token = &text[at..at + length];
        let parts: Vec<&str> = token.split('.').collect();
        if let [header, claims, signature] = parts[..]
            && header.len() >= 10
            && claims.starts_with("eyJ")
            && signature.len() >= 16
        {
            found.push((at..at + length, "a JSON Web Token"));
        }
    }
}

fn upper(b: u8) -> bool {
    b.is_ascii_uppercase() || b.is_ascii_digit()
}

fn word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_'
}

fn dashed(b: u8) -> bool {
    word(b) || b == b'-'
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Put together at run time: this file shall not look like what it looks for.
    fn planted() -> Vec<(String, &'static str)> {
        let pem = |title: &str| format!("{BEGIN}{title}-----\nMIIE\n-----END {title}-----\n");
        vec![
            (pem("RSA PRIVATE KEY"), "a private key"),
            (pem("PRIVATE KEY"), "a private key"),
            (pem("PGP PRIVATE KEY BLOCK"), "a private key"),
            (format!("key {}{}", "AKIA", "IOSFODNN7EXAMPLE"), "an AWS access key"),
            (format!("{}{}", "ghp_", "a".repeat(36)), "a GitHub token"),
            (format!("{}{}", "glpat-", "AbCdEfGhIjKlMnOpQrSt"), "a GitLab token"),
            (
                format!("Bearer eyJhbGciOiJ.{}.{}", "eyJzdWIiOiIx", "c2lnbmF0dXJlMTIz"),
                "a JSON Web Token",
            ),
            // `-----BEGIN PRIVATE KEY-----` in base64, after none, one and two bytes
            ("LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0t".into(), "a private key"),
            ("eC0tLS0tQkVHSU4gUFJJVkFURSBLRVktLS0tLQ==".into(), "a private key"),
            ("eHgtLS0tLUJFR0lOIFBSSVZBVEUgS0VZLS0tLS0=".into(), "a private key"),
        ]
    }

    #[test]
    fn planted_secrets_are_found() {
        for (text, expected) in planted() {
            assert_eq!(of(&text), Some(expected), "{text}");
        }
    }

    #[test]
    fn passwords_of_urls_are_found() {
        for (text, password) in [
            ("amqp://shop:hunter2@mq.example:5672/x", Some("hunter2")),
            ("see https://git:a@b@git.example/x.git now", Some("a@b")),
            ("redis://:hunter2@cache", Some("hunter2")),
            ("redis://:$(PASSWORD)@cache", None),
            ("https://git@git.example:8443/a@b:c", None),
            ("spiffe://cluster.local/ns/a/sa/b", None),
            ("git@git.example:a/b.git", None),
        ] {
            let found: Vec<&str> = ranges(text).into_iter().map(|range| &text[range]).collect();
            assert_eq!(found, Vec::from_iter(password), "{text}");
        }
    }

    #[test]
    fn every_shape_passes_the_first_look() {
        let heads = TOKENS.iter().map(|t| t.prefix).chain(BEGIN_BASE64).chain([BEGIN, "eyJ"]);
        for head in heads {
            assert!(begins_a_secret(&head.as_bytes()[..3]), "{head}");
        }
    }

    #[test]
    fn what_only_resembles_them_is_not() {
        let certificate = format!("{BEGIN}CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----\n");
        for text in [
            certificate.as_str(),
            "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUU=",
            "sha256:0123456789abcdef0123456789abcdef",
            "AKIA is a prefix of AWS keys",
            "cluster.local/ns/default/sa/sleep-ghp_x",
            "eyJhbGciOiJ.not-a-token.c2lnbmF0dXJlMTIz",
            "https://issuer.example/keys",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
    }
}
