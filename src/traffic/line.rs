//! A line of a log: which format it has, and what it says.

use std::borrow::Cow;

use super::envoy_format::EnvoyFormat;
use super::envoy_json::{JsonKeys, JsonLine};
use super::record::Record;
use super::{envoy, kiali, prometheus, ztunnel};

/// Why a line says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Misfit {
    /// It has none of the formats, is cut, or can be read in several ways.
    Format,
    /// It is no UTF-8.
    Encoding,
    /// It is longer than a line may be.
    Length,
}

impl Misfit {
    /// In words, of one line.
    pub fn as_str(self) -> &'static str {
        match self {
            Misfit::Format => "has no known format, is cut, or can be read in several ways",
            Misfit::Encoding => "is not UTF-8",
            Misfit::Length => "is longer than 1 MiB",
        }
    }
}

/// The formats that lines are read by.
#[derive(Clone, Debug)]
pub struct Formats {
    text: Vec<EnvoyFormat>,
    keys: JsonKeys,
}

impl Default for Formats {
    fn default() -> Self {
        Self {
            text: vec![EnvoyFormat::istio(), EnvoyFormat::istio_1_8()],
            keys: JsonKeys::default(),
        }
    }
}

impl Formats {
    /// Reads a format of a mesh too (MeshConfig `accessLogFormat`, either as text or as a JSON object).
    ///
    /// # Errors
    /// A text format that cannot be read back.
    pub fn add(&mut self, custom: &str) -> Result<(), super::BadFormat> {
        if custom.trim_start().starts_with('{') {
            self.keys.extend(JsonKeys::parse(custom).unwrap_or_default());
        } else if !custom.trim().is_empty() {
            self.text.insert(0, EnvoyFormat::parse(custom)?);
        }
        Ok(())
    }

    /// Reads one line.
    pub(super) fn read<'l>(&self, line: &'l str) -> Line<'l> {
        self.within(line, WRAPPED)
    }

    /// Reads a line that so many others may be wrapped into.
    fn within<'l>(&self, line: &'l str, wrapped: usize) -> Line<'l> {
        let line = line.trim_end_matches(['\r', '\n', ' ']);
        match without_colours(line) {
            Cow::Borrowed(line) => self.plain(line, wrapped),
            Cow::Owned(line) => self.plain(&line, wrapped).into_owned(),
        }
    }

    fn plain<'l>(&self, line: &'l str, wrapped: usize) -> Line<'l> {
        match self.bare(line, wrapped) {
            Line::Misfit => match without_prefix(line) {
                Some(rest) if wrapped > 0 => self.within(rest, wrapped - 1),
                _ => Line::Misfit,
            },
            read => read,
        }
    }

    fn bare<'l>(&self, line: &'l str, wrapped: usize) -> Line<'l> {
        if line.is_empty() || line.starts_with('#') {
            return Line::Other;
        }
        if line.starts_with('{') {
            return match self.keys.read(line) {
                Some(JsonLine::Envoy(fields)) => envoy::record(&fields).into(),
                Some(JsonLine::Ztunnel(fields)) => ztunnel::record(&fields).into(),
                Some(JsonLine::Wrapped(text)) if wrapped > 0 => match text {
                    Cow::Borrowed(text) => self.within(text, wrapped - 1),
                    Cow::Owned(text) => self.within(&text, wrapped - 1).into_owned(),
                },
                Some(JsonLine::Other | JsonLine::Wrapped(_)) => Line::Other,
                None => Line::Misfit,
            };
        }
        if let Some(fields) = self.text.iter().find_map(|format| format.read(line)) {
            return envoy::record(&fields).into();
        }
        if let Some(fields) = ztunnel::read(line) {
            return ztunnel::record(&fields).into();
        }
        match prometheus::sample_line(line) {
            Some(Some(record)) => Line::Request(record),
            Some(None) => Line::Other,
            None if is_of_a_proxy(line) => Line::Other,
            None => Line::Misfit,
        }
    }
}

/// A line that was read.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "one at a time, and one in nearly all lines")]
pub(super) enum Line<'l> {
    Request(Record<'l>),
    Other,
    Misfit,
}

impl<'l> From<Option<Record<'l>>> for Line<'l> {
    fn from(record: Option<Record<'l>>) -> Self {
        record.map_or(Line::Other, Line::Request)
    }
}

impl Line<'_> {
    fn into_owned(self) -> Line<'static> {
        match self {
            Line::Request(record) => Line::Request(record.into_owned()),
            Line::Other => Line::Other,
            Line::Misfit => Line::Misfit,
        }
    }
}

/// A whole document: what Prometheus or Kiali answered. `None` where it is neither.
pub(super) fn document(text: &str) -> Option<Vec<Record<'static>>> {
    prometheus::answer(text).or_else(|| kiali::graph(text))
}

/// So often something is taken from around a line.
const WRAPPED: usize = 4;

/// The line without what was put in front of it, where there is something: `[pod/sleep-1/istio-proxy] ` by
/// `kubectl logs --prefix`, a time by `--timestamps`, `2025-12-02T15:17:33.135Z stdout F ` by container
/// runtimes, `sleep-1 istio-proxy ` (with the namespace before it, or `›` in it) by stern. What is left is
/// read as a whole line, or not at all.
fn without_prefix(line: &str) -> Option<&str> {
    if let Some(rest) = line.strip_prefix("[pod/") {
        return Some(rest.split_once("] ")?.1);
    }
    let (first, rest) = line.split_once(' ')?;
    if super::parse_time(first).is_some() {
        let of_runtime = ["stdout F ", "stderr F "].iter().find_map(|p| rest.strip_prefix(p));
        return of_runtime.or(Some(rest)).filter(|rest| begins_a_line(rest));
    }
    let is_name = |word: &str| {
        let of_name = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b);
        word == "›" || (!word.is_empty() && word.bytes().all(of_name))
    };
    let mut rest = line;
    for _ in 0..4 {
        let (word, after) = rest.split_once(' ')?;
        if !is_name(word) {
            return None;
        }
        rest = after;
        if begins_a_line(rest) {
            return Some(rest);
        }
    }
    None
}

/// A line of a proxy may begin so: with a time, in brackets or not, or as JSON.
fn begins_a_line(text: &str) -> bool {
    let word = text.split([' ', '\t']).next().unwrap_or_default();
    text.starts_with('{')
        || super::parse_time(word.trim_start_matches('[').trim_end_matches(']')).is_some()
}

/// Colours of a terminal are taken away (`ESC [ … m`).
fn without_colours(line: &str) -> Cow<'_, str> {
    let Some(first) = memchr::memchr(0x1b, line.as_bytes()) else { return Cow::Borrowed(line) };
    let mut plain = line[..first].to_owned();
    let mut rest = &line[first..];
    while let Some(after) = rest.strip_prefix("\u{1b}[") {
        let Some(end) = after.find(|c: char| !c.is_ascii_digit() && c != ';') else { break };
        if !after[end..].starts_with('m') {
            break;
        }
        let text = &after[end + 1..];
        let next = text.find('\u{1b}').unwrap_or(text.len());
        plain.push_str(&text[..next]);
        rest = &text[next..];
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

/// Another message of istio-proxy or ztunnel: a time, then a level.
fn is_of_a_proxy(line: &str) -> bool {
    let mut words = line.split([' ', '\t']).filter(|word| !word.is_empty());
    words.next().is_some_and(|time| super::parse_time(time).is_some())
        && words.next().is_some_and(|level| {
            matches!(
                level,
                "info" | "warn" | "warning" | "error" | "debug" | "trace" | "critical" | "INFO" | "WARN" | "ERROR"
            )
        })
        // an access line of ztunnel that could not be read is not passed over
        && words.next() != Some("access")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_and_colours_are_taken_away() {
        let line = "[2025-12-02T15:17:33.135Z] x";
        for prefix in [
            "[pod/sleep-1/istio-proxy] ",
            "2025-12-02T15:17:33Z stdout F ",
            "2025-12-02T15:17:33.123456789Z ",
            "sleep-868c754c4b-dnj2g istio-proxy ",
            "client sleep-868c754c4b-dnj2g istio-proxy ",
            "client sleep-868c754c4b-dnj2g › istio-proxy ",
        ] {
            assert_eq!(without_prefix(&format!("{prefix}{line}")), Some(line), "{prefix}");
        }
        for none in [line, "GET / [2025", "a b hello", "2025-12-02T15:17:33Z\tinfo\tx"] {
            assert_eq!(without_prefix(none), None, "{none}");
        }
        assert_eq!(without_colours("\u{1b}[32minfo\u{1b}[0m x"), "info x");
        assert_eq!(without_colours("a\u{1b}]0;title"), "a\u{1b}]0;title");
    }

    #[test]
    fn a_line_that_is_none_is_a_misfit_and_other_messages_are_not() {
        let formats = Formats::default();
        assert!(matches!(formats.read("hello"), Line::Misfit));
        assert!(matches!(
            formats.read("2025-12-02T15:17:33.1Z\tinfo\txdsproxy\tconnected"),
            Line::Other
        ));
        assert!(matches!(
            formats.read("2025-12-02T15:17:33.1Z info access connection comp"),
            Line::Misfit
        ));
        assert!(matches!(formats.read(""), Line::Other));
        assert!(matches!(formats.read("{\"level\":\"info\",\"msg\":\"x\"}"), Line::Other));
        assert!(matches!(formats.read("{\"level\":"), Line::Misfit));
    }
}
