//! Paths: what Envoy leaves of them before it decides, and how they are matched.

use super::super::matcher::Glob;
use crate::simulate::options::PathNormalization;

/// A path of a policy.
#[derive(Clone, Debug)]
pub enum PathPattern {
    /// A string with a star at one end.
    Glob(Glob),
    /// A template with `{*}` or `{**}`.
    Template(Vec<TemplatePart>),
}

/// A piece of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplatePart {
    /// Text as it stands.
    Literal(String),
    /// `{*}`: one segment, not empty.
    Segment,
    /// `{**}`: any rest, also none.
    Rest,
}

impl PathPattern {
    pub fn parse(value: &str) -> Self {
        if !value.contains("{*}") && !value.contains("{**}") {
            return PathPattern::Glob(Glob::parse(value));
        }
        let mut parts = Vec::new();
        let mut rest = value;
        loop {
            let next = [("{**}", TemplatePart::Rest), ("{*}", TemplatePart::Segment)]
                .into_iter()
                .filter_map(|(token, part)| rest.find(token).map(|at| (at, token.len(), part)))
                .min_by_key(|(at, ..)| *at);
            let Some((at, length, part)) = next else { break };
            if at > 0 {
                parts.push(TemplatePart::Literal(rest[..at].to_owned()));
            }
            parts.push(part);
            rest = &rest[at + length..];
        }
        if !rest.is_empty() {
            parts.push(TemplatePart::Literal(rest.to_owned()));
        }
        PathPattern::Template(parts)
    }

    pub fn holds(&self, path: &str) -> bool {
        match self {
            PathPattern::Glob(glob) => glob.holds(path),
            PathPattern::Template(parts) => template_holds(parts, path),
        }
    }
}

fn template_holds(parts: &[TemplatePart], path: &str) -> bool {
    let Some((first, parts)) = parts.split_first() else { return path.is_empty() };
    match first {
        TemplatePart::Literal(text) => {
            path.strip_prefix(text.as_str()).is_some_and(|rest| template_holds(parts, rest))
        }
        // the longest first: what follows is nearly always a slash or the end
        TemplatePart::Segment => {
            let end = path.find(|c| !in_segment(c)).unwrap_or(path.len());
            (1..=end).rev().any(|at| template_holds(parts, &path[at..]))
        }
        TemplatePart::Rest => {
            let end = path.find(|c| c != '/' && !in_segment(c)).unwrap_or(path.len());
            (0..=end).rev().any(|at| template_holds(parts, &path[at..]))
        }
    }
}

/// What `{*}` stands for: the characters that RFC 3986 has for a segment and no others, as Envoy was seen
/// to take them (`tests/mesh/judge`, "template characters"); `{**}` has the slash too.
pub fn in_segment(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!$%&'()*+,-.:;=@_~".contains(c)
}

/// The path that policies see: without the query, and normalised as the mesh says
/// (facts/envoy.md, `paths*`).
pub fn normalise(target: &str, how: PathNormalization) -> String {
    use PathNormalization::{DecodeAndMergeSlashes, MergeSlashes};
    let path = target.split('?').next().unwrap_or_default();
    let mut path = path.to_owned();
    if how == DecodeAndMergeSlashes {
        for (escaped, c) in [("%2f", "/"), ("%2F", "/"), ("%5c", "\\"), ("%5C", "\\")] {
            path = path.replace(escaped, c);
        }
    }
    if how != PathNormalization::None {
        path = without_dot_parameters(&path).replace('\\', "/");
        path = without_dots(&decode_unreserved(&path));
    }
    if matches!(how, MergeSlashes | DecodeAndMergeSlashes) {
        path = merge_slashes(&path);
    }
    path
}

/// `/..;x/` is `/../`, as many applications have it, and so for `.`; the dots and slashes must be
/// written as such, and parameters of other segments stay. Of Envoy 1.40; older ones leave all as it is.
fn without_dot_parameters(path: &str) -> String {
    if !path.contains(".;") {
        return path.to_owned();
    }
    let segments = path.split('/').map(|segment| match segment.split_once(';') {
        Some((dots @ ("." | ".."), _)) => dots,
        _ => segment,
    });
    segments.collect::<Vec<_>>().join("/")
}

fn decode_unreserved(path: &str) -> String {
    let bytes = path.as_bytes();
    let mut out: Vec<u8> = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let decoded = (bytes[at] == b'%')
            .then(|| path.get(at + 1..at + 3))
            .flatten()
            .filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|hex| u8::from_str_radix(hex, 16).ok())
            .filter(|b| b.is_ascii_alphanumeric() || b"-._~".contains(b));
        match decoded {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| path.to_owned())
}

fn without_dots(path: &str) -> String {
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let mut kept: Vec<&str> = Vec::with_capacity(segments.len());
    for (i, segment) in segments.iter().enumerate() {
        let last = i + 1 == segments.len();
        match *segment {
            "." => {}
            ".." => {
                kept.pop();
            }
            other => {
                kept.push(other);
                continue;
            }
        }
        if last {
            kept.push("");
        }
    }
    format!("/{}", kept.join("/"))
}

/// Envoy leaves a path of slashes alone as `//`.
fn merge_slashes(path: &str) -> String {
    if path.len() >= 2 && path.bytes().all(|b| b == b'/') {
        return "//".to_owned();
    }
    let mut out = String::with_capacity(path.len());
    for c in path.chars() {
        if c != '/' || !out.ends_with('/') {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates() {
        for (pattern, path, holds) in [
            ("/a/{*}", "/a/b", true),
            ("/a/{*}", "/a/", false),
            ("/a/{*}", "/a/b/c", false),
            ("/a/{**}", "/a/", true),
            ("/a/{**}", "/a", false),
            ("/{**}/b", "/a/x/b", true),
            ("/{*}/b", "/a/x/b", false),
            ("/a/{*}/{**}", "/a/b/c/d", true),
            ("/a/{*}", "/a/b\\c", false),
            ("/a/{**}", "/a/b/\"", false),
            ("/a/{*}", "/a/é", false),
        ] {
            assert_eq!(PathPattern::parse(pattern).holds(path), holds, "{pattern} {path}");
        }
    }

    #[test]
    fn normalisation_by_mesh_setting() {
        use PathNormalization::{Base, DecodeAndMergeSlashes, MergeSlashes, None};
        for (how, target, path) in [
            (Base, "/a/../b?x=/c", "/b"),
            (Base, "/a/./b", "/a/b"),
            (Base, "/%61", "/a"),
            (Base, "/a%2fb", "/a%2fb"),
            (Base, "//a", "//a"),
            (Base, "/a\\b", "/a/b"),
            (Base, "/a/..", "/"),
            (None, "/a/../b", "/a/../b"),
            (None, "/a\\b", "/a\\b"),
            (Base, "/a/b/..;x=1/c", "/a/c"),
            (Base, "/a/.;/b;v=1", "/a/b;v=1"),
            (Base, "/a/%2e%2e;/c", "/a/..;/c"),
            (Base, "/a\\..;\\c", "/a/..;/c"),
            (DecodeAndMergeSlashes, "/a%2f..;/b", "/b"),
            (DecodeAndMergeSlashes, "/a%5c..;/b", "/a/..;/b"),
            (MergeSlashes, "//a//b", "/a/b"),
            (MergeSlashes, "///", "//"),
            (DecodeAndMergeSlashes, "/a%2F%2fb", "/a/b"),
        ] {
            assert_eq!(normalise(target, how), path, "{how:?} {target}");
        }
    }
}
