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
        Self { text: vec![EnvoyFormat::istio()], keys: JsonKeys::default() }
    }
}

impl Formats {
    /// Istio's formats, and those of a mesh (MeshConfig `accessLogFormat`, either as text or as a JSON
    /// object).
    ///
    /// # Errors
    /// A text format that cannot be read back.
    pub fn with(custom: &str) -> Result<Self, super::BadFormat> {
        let mut formats = Self::default();
        if custom.trim_start().starts_with('{') {
            formats.keys = JsonKeys::parse(custom).unwrap_or_default();
        } else if !custom.trim().is_empty() {
            formats.text.insert(0, EnvoyFormat::parse(custom)?);
        }
        Ok(formats)
    }

    /// Reads one line.
    pub(super) fn read<'l>(&self, line: &'l str) -> Line<'l> {
        let line = line.trim_end_matches(['\r', ' ']);
        match without_colours(line) {
            Cow::Borrowed(line) => self.plain(line),
            Cow::Owned(line) => self.plain(&line).into_owned(),
        }
    }

    fn plain<'l>(&self, line: &'l str) -> Line<'l> {
        let line = without_prefix(line);
        if line.is_empty() || line.starts_with('#') {
            return Line::Other;
        }
        if line.starts_with('{') {
            return match self.keys.read(line) {
                Some(JsonLine::Envoy(fields)) => envoy::record(&fields).into(),
                Some(JsonLine::Ztunnel(fields)) => ztunnel::record(&fields).into(),
                Some(JsonLine::Other) => Line::Other,
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
            Some(Some(record)) => Line::Request(Box::new(record)),
            Some(None) => Line::Other,
            None if is_of_a_proxy(line) => Line::Other,
            None => Line::Misfit,
        }
    }
}

/// A line that was read.
#[derive(Debug)]
pub(super) enum Line<'l> {
    Request(Box<Record<'l>>),
    Other,
    Misfit,
}

impl<'l> From<Option<Record<'l>>> for Line<'l> {
    fn from(record: Option<Record<'l>>) -> Self {
        record.map_or(Line::Other, |record| Line::Request(Box::new(record)))
    }
}

impl Line<'_> {
    fn into_owned(self) -> Line<'static> {
        match self {
            Line::Request(record) => Line::Request(Box::new(record.into_owned())),
            Line::Other => Line::Other,
            Line::Misfit => Line::Misfit,
        }
    }
}

/// A whole document: what Prometheus or Kiali answered. `None` where it is neither.
pub(super) fn document(text: &str) -> Option<Vec<Record<'static>>> {
    prometheus::answer(text).or_else(|| kiali::graph(text))
}

/// What `kubectl logs --prefix` and container runtimes put in front of a line is taken away:
/// `[pod/sleep-1/istio-proxy] `, `2025-12-02T15:17:33.135Z stdout F `.
fn without_prefix(line: &str) -> &str {
    if let Some(rest) = line.strip_prefix("[pod/")
        && let Some((_, rest)) = rest.split_once("] ")
    {
        return rest;
    }
    let mut parts = line.splitn(4, ' ');
    if let (Some(time), Some("stdout" | "stderr"), Some("F"), Some(rest)) =
        (parts.next(), parts.next(), parts.next(), parts.next())
        && super::parse_time(time).is_some()
    {
        return rest;
    }
    line
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
        assert_eq!(without_prefix("[pod/sleep-1/istio-proxy] [2025] x"), "[2025] x");
        assert_eq!(without_prefix("2025-12-02T15:17:33Z stdout F {\"a\":1}"), "{\"a\":1}");
        assert_eq!(without_prefix("[2025-12-02T15:17:33Z] x"), "[2025-12-02T15:17:33Z] x");
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
