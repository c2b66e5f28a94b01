//! Access lines of ztunnel, as text and as JSON (istio/ztunnel:src/proxy/metrics.rs `access_log`;
//! facts/ztunnel.md "What is logged on denial").

use std::borrow::Cow;

use super::record::{
    Content, Outcome, Party, Record, Reporter, Target, Text, address_and_port, principal,
};
use super::time::parse_time;

/// A value that is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Time,
    Message,
    SourceAddress,
    SourceWorkload,
    SourceNamespace,
    SourceIdentity,
    Address,
    HboneAddress,
    Service,
    Workload,
    Namespace,
    Direction,
    Error,
}

const FIELDS: usize = 13;

impl Field {
    fn of(key: &str) -> Option<Self> {
        Some(match key {
            "src.addr" => Field::SourceAddress,
            "src.workload" => Field::SourceWorkload,
            "src.namespace" => Field::SourceNamespace,
            "src.identity" => Field::SourceIdentity,
            "dst.addr" => Field::Address,
            "dst.hbone_addr" => Field::HboneAddress,
            "dst.service" => Field::Service,
            "dst.workload" => Field::Workload,
            "dst.namespace" => Field::Namespace,
            "direction" => Field::Direction,
            "error" => Field::Error,
            _ => return None,
        })
    }

    /// The same of a JSON line, which has time and message among its keys.
    pub fn of_json(key: &str) -> Option<Self> {
        match key {
            "time" => Some(Field::Time),
            "message" => Some(Field::Message),
            key => Self::of(key),
        }
    }
}

/// The values of a line.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields<'l>([Option<Text<'l>>; FIELDS]);

impl<'l> Fields<'l> {
    pub fn get(&self, field: Field) -> Option<&Text<'l>> {
        self.0[field as usize].as_ref()
    }

    pub fn set(&mut self, field: Field, value: Text<'l>) {
        self.0[field as usize] = Some(value);
    }

    pub fn has(&self, field: Field) -> bool {
        self.0[field as usize].is_some()
    }
}

/// Reads a text line; `None` where it is none of ztunnel's access log. Fields are separated by
/// blanks or tabs: `2025-12-04T05:09:21.293793Z info access connection complete src.addr=… …`.
pub(super) fn read(line: &str) -> Option<Fields<'_>> {
    let blank = |c: char| c == ' ' || c == '\t';
    let (time, rest) = line.split_once(blank)?;
    parse_time(time)?;
    let (level, rest) = rest.trim_start_matches(blank).split_once(blank)?;
    matches!(level, "info" | "error" | "warn" | "debug").then_some(())?;
    let rest = rest.trim_start_matches(blank).strip_prefix("access")?;
    let rest = rest.strip_prefix(blank)?.trim_start_matches(blank);
    let (message, mut rest) = ["connection complete", "connection failed"]
        .into_iter()
        .find_map(|message| rest.strip_prefix(message).map(|rest| (message, rest)))?;
    let mut fields = Fields::default();
    fields.set(Field::Time, Cow::Borrowed(time));
    fields.set(Field::Message, Cow::Borrowed(message));
    loop {
        rest = rest.trim_start_matches(blank);
        if rest.is_empty() {
            // what failed is logged as an error, with the reason as the last field: without it the
            // line is cut, and would be read as allowed; with it and no such level it has another's end
            let has_error = fields.get(Field::Error).is_some_and(|error| !error.is_empty());
            let is_whole = match level {
                "error" => has_error,
                "info" => !fields.has(Field::Error),
                _ => true,
            };
            return is_whole.then_some(fields);
        }
        let (key, after) = rest.split_once('=')?;
        if key.contains(blank) {
            return None;
        }
        let value;
        (value, rest) = match after.strip_prefix('"') {
            Some(quoted) => quoted_value(quoted)?,
            None => {
                let end = after.find(blank).unwrap_or(after.len());
                let value = &after[..end];
                // text is quoted: what begins another line came between
                if key == "error" || value.contains(['"', '{']) {
                    return None;
                }
                (Cow::Borrowed(value), &after[end..])
            }
        };
        if !rest.is_empty() && !rest.starts_with(blank) {
            return None;
        }
        if let Some(field) = Field::of(key) {
            if fields.has(field) {
                return None;
            }
            fields.set(field, value);
        }
    }
}

/// A value up to its closing quote, as Rust's `{:?}` escapes it, and the rest.
fn quoted_value(text: &str) -> Option<(Text<'_>, &str)> {
    let mut escaped: Option<String> = None;
    let mut characters = text.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => {
                let rest = &text[at + 1..];
                return Some(match escaped {
                    Some(value) => (Cow::Owned(value), rest),
                    None => (Cow::Borrowed(&text[..at]), rest),
                });
            }
            '\\' => {
                let value = escaped.get_or_insert_with(|| text[..at].to_owned());
                match characters.next()?.1 {
                    'n' => value.push('\n'),
                    't' => value.push('\t'),
                    'r' => value.push('\r'),
                    other => value.push(other),
                }
            }
            c => {
                if let Some(value) = &mut escaped {
                    value.push(c);
                }
            }
        }
    }
    None
}

fn cut<'l>(of: &Text<'l>, f: impl Fn(&str) -> &str) -> Text<'l> {
    match of {
        Cow::Borrowed(text) => {
            let kept = f(text);
            let start = (kept.as_ptr() as usize).wrapping_sub(text.as_ptr() as usize);
            text.get(start..start + kept.len())
                .map_or_else(|| Cow::Owned(kept.to_owned()), Cow::Borrowed)
        }
        Cow::Owned(text) => Cow::Owned(f(text).to_owned()),
    }
}

/// What a line says; `None` where it lacks what every access line has.
pub(super) fn record<'l>(fields: &Fields<'l>) -> Option<Record<'l>> {
    let get = |field| fields.get(field);
    let text = |field| get(field).cloned();
    let reporter = match get(Field::Direction)?.as_ref() {
        "outbound" => Reporter::ZtunnelOutbound,
        "inbound" => Reporter::ZtunnelInbound,
        _ => return None,
    };
    let host_of = |v: &Text<'l>| Some(cut(v, |v| address_and_port(v).map_or(v, |(a, _)| a)));
    // HBONE is addressed to port 15008; what is meant stands beside it
    let meant = get(Field::HboneAddress).or(get(Field::Address))?;
    let (_, port) = address_and_port(meant)?;
    Some(Record {
        reporter,
        time: get(Field::Time).and_then(|t| parse_time(t)),
        from: Party {
            identity: get(Field::SourceIdentity).map(|v| cut(v, principal)),
            address: get(Field::SourceAddress).and_then(host_of),
            namespace: text(Field::SourceNamespace),
            pod: text(Field::SourceWorkload),
            ..Party::default()
        },
        to: Target {
            host: text(Field::Service),
            service_port: None,
            pod_port: Some(port),
            address: host_of(meant),
            namespace: text(Field::Namespace),
            pod: text(Field::Workload),
            workload: None,
        },
        content: Content::Connection,
        sni: None,
        outcome: outcome(fields),
        count: 1,
    })
}

fn outcome<'l>(fields: &Fields<'l>) -> Outcome<Text<'l>> {
    const REJECTED: &str = "connection closed due to policy rejection: ";
    let Some(error) = fields.get(Field::Error) else {
        let complete = fields.get(Field::Message).is_some_and(|m| m == "connection complete");
        return if complete { Outcome::Allowed } else { Outcome::Unclear };
    };
    if let Some(reason) = error.strip_prefix(REJECTED) {
        if reason.starts_with("explicitly denied by: ") {
            return Outcome::Refused(Some(cut(error, |error| {
                error.rsplit_once("explicitly denied by: ").map_or("", |(_, rule)| rule)
            })));
        }
        return Outcome::Refused(
            reason.starts_with("allow policies exist").then_some(Cow::Borrowed("none")),
        );
    }
    // the far ztunnel answers CONNECT with 401 where a policy refuses (facts/ztunnel.md; istio/ztunnel:
    // src/proxy.rs `HttpStatus`)
    if error.contains("http status: 401") { Outcome::Refused(None) } else { Outcome::Unclear }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTBOUND: &str = "2025-12-04T05:09:23.830352Z info access connection complete \
        src.addr=172.25.64.47:36488 src.workload=\"sleep-868c754c4b-dnj2g\" src.namespace=\"client\" \
        src.identity=\"spiffe://cp-cluster-1.tsb.local/ns/client/sa/sleep\" \
        dst.addr=172.25.64.48:15008 dst.hbone_addr=172.25.168.124:8000 \
        dst.service=\"httpbin.httpbin.svc.cluster.local\" dst.workload=\"waypoint-665d7967cd-t4xls\" \
        dst.namespace=\"httpbin\" dst.identity=\"spiffe://cp-cluster-1.tsb.local/ns/httpbin/sa/waypoint\" \
        direction=\"outbound\" bytes_sent=107 bytes_recv=675 duration=\"13ms\"";

    #[test]
    fn an_access_line_says_who_and_whereto() {
        let record = record(&read(OUTBOUND).expect("a line")).expect("a record");
        assert_eq!(record.reporter, Reporter::ZtunnelOutbound);
        assert_eq!(
            record.from.identity.as_deref(),
            Some("cp-cluster-1.tsb.local/ns/client/sa/sleep")
        );
        assert_eq!(record.to.host.as_deref(), Some("httpbin.httpbin.svc.cluster.local"));
        assert_eq!(
            (record.to.address.as_deref(), record.to.pod_port),
            (Some("172.25.168.124"), Some(8000))
        );
        assert_eq!(record.outcome, Outcome::Allowed);
    }

    #[test]
    fn refusals_name_the_policy() {
        let line = |error: &str| {
            let error_line = OUTBOUND.replace(" info ", " error ").replacen(' ', "\t", 3);
            format!("{error_line} error=\"{error}\"")
        };
        let refused = |error: &str| {
            let line = line(error);
            let record = record(&read(&line).expect("a line")).expect("a record");
            record.outcome.map(Cow::into_owned)
        };
        assert_eq!(
            refused("connection closed due to policy rejection: explicitly denied by: httpbin/no"),
            Outcome::Refused(Some("httpbin/no".to_owned()))
        );
        assert_eq!(
            refused(
                "connection closed due to policy rejection: allow policies exist, but none allowed"
            ),
            Outcome::Refused(Some("none".to_owned()))
        );
        assert_eq!(refused("http status: 401 Unauthorized"), Outcome::Refused(None));
        assert_eq!(refused("connection failed: 10.4.0.1:4010: refused"), Outcome::Unclear);
        assert_eq!(refused("connection failed: refused"), Outcome::Unclear);
    }

    #[test]
    fn lines_that_are_cut_or_doubled_are_none() {
        let cut = OUTBOUND.find("src.workload").expect("in it") + 20;
        assert!(read(&OUTBOUND[..cut]).is_none());
        assert!(read(&format!("{OUTBOUND} direction=\"inbound\"")).is_none());
        // a refusal that is cut before its reason was read as allowed
        assert!(read(&OUTBOUND.replace(" info ", " error ")).is_none());
        assert!(read(&format!("{} error=", OUTBOUND.replace(" info ", " error "))).is_none());
        // another line's end
        assert!(read(&format!("{OUTBOUND} error=\"x\"")).is_none());
        assert!(read("2025-12-04T05:09:23.830352Z info state waiting").is_none());
    }
}
