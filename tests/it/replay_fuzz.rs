//! Lines that went wrong on their way: none is read as another's.
//!
//! `WAYPOST_FUZZ_LINES` says how many (20,000), `WAYPOST_FUZZ_SEED` which (1).

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail this way"
)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::json;
use waypost::traffic::{Class, Content, Formats, Limits, Outcome, Sample, read_lines};

#[path = "../support/random.rs"]
mod random;

use random::Random;

impl Random {
    /// What a client may put where it chooses: pieces of lines, separators, anything.
    fn chosen(&mut self) -> String {
        const PIECES: &[&str] = &[
            "curl/8.17.0",
            "\" \"",
            "\"",
            " - ",
            "-",
            " ",
            "=",
            "[",
            "]",
            "|",
            "\t",
            "\\",
            "\\\"",
            "HTTP/1.1",
            "200 -",
            "403",
            "via_upstream",
            "rbac_access_denied_matched_policy[none]",
            "direction=\"inbound\"",
            "src.addr=10.9.9.9:1",
            "outbound|80||admin.admin.svc.cluster.local",
            "10.9.9.9:80",
            "default",
            "\u{1b}[31m",
            "{",
            "}",
            ":",
            ",",
            "\u{e9}",
            "error=\"connection closed due to policy rejection: explicitly denied by: a/b\"",
            "%",
            "?",
            "#",
            "/",
        ];
        (0..self.below(6))
            .map(|_| PIECES.get(self.below(PIECES.len())).copied().unwrap_or_default())
            .collect()
    }
}

/// The address of a line's client: its number.
fn address(n: usize) -> String {
    format!("10.{}.{}.{}", n >> 16 & 255, n >> 8 & 255, n & 255)
}

fn rule(n: usize) -> String {
    format!("ns[ns-{n}]-policy[p-{n}]-rule[0]")
}

fn details(n: usize) -> (u16, String) {
    match n % 2 {
        0 => (200, "via_upstream".to_owned()),
        _ => (403, format!("rbac_access_denied_matched_policy[{}]", rule(n))),
    }
}

/// A line in which everything that tells of the request bears its number.
fn line(n: usize, random: &mut Random) -> String {
    let (code, details) = details(n);
    let (ip, host) = (address(n), format!("web.ns-{n}.svc.cluster.local"));
    let path = format!("/r/{n}/{}", random.chosen());
    match random.below(4) {
        0 | 1 => format!(
            "[2025-12-02T15:17:33.135Z] \"GET {path} HTTP/1.1\" {code} - {details} - \"-\" 0 19 0 - \"{}\" \"{}\" \"{}\" \
             \"{}\" \"-\" inbound-vip|8000|http|{host}; - 10.96.0.1:8000 {ip}:4000 - default",
            random.chosen(),
            random.chosen(),
            random.chosen(),
            random.chosen()
        ),
        2 => json!({
            "start_time": "2025-12-02T15:17:33.135Z", "method": "GET", "path": path, "protocol": "HTTP/1.1",
            "response_code": code, "response_code_details": details, "response_flags": "-",
            "user_agent": random.chosen(), "authority": random.chosen(),
            "upstream_cluster": format!("inbound-vip|8000|http|{host};"),
            "downstream_local_address": "10.96.0.1:8000", "downstream_remote_address": format!("{ip}:4000"),
        })
        .to_string(),
        _ => {
            // what failed is logged as an error
            let level = if n.is_multiple_of(2) { "info" } else { "error" };
            let error = match n % 2 {
                0 => String::new(),
                _ => format!(" error=\"connection closed due to policy rejection: explicitly denied by: {}\"", rule(n)),
            };
            format!(
                "2025-12-04T05:09:23.830352Z\t{level}\taccess\tconnection complete\tsrc.addr={ip}:4000 \
                 src.workload=\"w-{n}\" src.namespace=\"ns-{n}\" dst.addr={ip}:15008 dst.hbone_addr=10.96.0.1:8000 \
                 dst.service=\"{host}\" direction=\"outbound\" bytes_sent=1{error}"
            )
        }
    }
}

/// A piece of a text, cut at a character.
fn split(text: &str, random: &mut Random) -> (String, String) {
    let mut at = random.below(text.len() + 1);
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let (head, tail) = text.split_at(at);
    (head.to_owned(), tail.to_owned())
}

/// What becomes of lines on their way: cut, written into each other, coloured, prefixed, doubled.
fn spoilt(n: usize, random: &mut Random, out: &mut String) {
    let one = line(n, random);
    let text = match random.below(9) {
        0 => split(&one, random).0,
        1 => split(&one, random).1,
        2 => {
            // another line came between
            let (head, tail) = split(&one, random);
            format!("{head}{}\n{tail}", line(n, random))
        }
        3 => format!("\u{1b}[32m{one}\u{1b}[0m"),
        4 => format!("[pod/web-{n}/istio-proxy] {one}"),
        5 => format!("2025-12-02T15:17:33.135Z stdout F {one}"),
        6 => format!("{one}{one}"),
        7 => format!("{one}{}", random.chosen()),
        _ => one,
    };
    let _ = writeln!(out, "{text}");
}

/// Everything that a class says is of one line; `None` where it does not say who asked, which is unknown
/// and nobody's.
fn is_of_one_line(sample: &Sample, class: &Class) -> Result<Option<usize>, String> {
    let text = |symbol| sample.text(symbol);
    let Some(ip) = class.from.address.map(text) else { return Ok(None) };
    let bytes: Vec<usize> = ip.split('.').skip(1).filter_map(|part| part.parse().ok()).collect();
    let n = bytes.iter().fold(0, |n, byte| n << 8 | byte);
    let host = class.to.host.map(text).ok_or("no host")?;
    if host != format!("web.ns-{n}.svc.cluster.local") {
        return Err(format!("{ip} with {host}"));
    }
    if let Content::Http { path, .. } = class.content
        && !text(path).starts_with(&format!("/r/{n}/"))
    {
        return Err(format!("{ip} with {}", text(path)));
    }
    match class.outcome {
        Outcome::Allowed if n % 2 == 0 => Ok(Some(n)),
        Outcome::Refused(Some(named)) if n % 2 == 1 && text(named) == rule(n) => Ok(Some(n)),
        outcome => Err(format!("{ip} with another outcome, {outcome:?}")),
    }
}

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn sample_of(path: &Path, text: &str) -> Sample {
    fs::write(path, text).expect("written");
    let paths = [path.to_owned()];
    let (sample, _, found) = read_lines(&paths, &Formats::default(), &Limits::default());
    assert_eq!(found, []);
    sample
}

/// The first line that is read as another's by itself.
fn misread(path: &Path, text: &str) -> String {
    let is_wrong = |line: &&str| {
        let sample = sample_of(path, line);
        sample.classes().iter().any(|class| is_of_one_line(&sample, class).is_err())
    };
    text.lines().find(is_wrong).unwrap_or("none by itself").to_owned()
}

#[test]
fn no_line_is_read_as_anothers() {
    let (lines, seed) = (setting("WAYPOST_FUZZ_LINES", 20_000), setting("WAYPOST_FUZZ_SEED", 1));
    let mut random = Random(seed as u64);
    let mut read = BTreeSet::new();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log");
    for start in (0..lines).step_by(50_000) {
        let mut text = String::new();
        for n in start..lines.min(start + 50_000) {
            spoilt(n, &mut random, &mut text);
        }
        let sample = sample_of(&path, &text);
        for class in sample.classes() {
            match is_of_one_line(&sample, class) {
                Ok(n) => read.extend(n),
                Err(why) => panic!("seed {seed}: {why}: {}", misread(&path, &text)),
            };
        }
    }
    // a reader that reads nothing misreads nothing
    assert!(read.len() * 3 > lines, "only {} of {lines} were read", read.len());
}
