//! Envoy's access log formats: which value stands where in a line.
//!
//! The default is Istio's (istio/istio:pilot/pkg/model/telemetry_logging.go `EnvoyTextLogFormat`); a
//! mesh may set its own (MeshConfig `accessLogFormat`). Envoy escapes nothing, and clients choose some
//! of the values: a format is read from both ends, and a line counts only where both readings agree,
//! since then there is no other.

use std::borrow::Cow;
use std::fmt;

use super::record::Text;
use super::time::parse_time;

/// A value that is looked at; all others are passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    StartTime,
    Method,
    Path,
    Protocol,
    Code,
    Flags,
    Details,
    Termination,
    Authority,
    Cluster,
    UpstreamLocal,
    DownstreamLocal,
    DownstreamRemote,
    Sni,
    PeerUri,
    BytesSent,
}

const FIELDS: usize = 16;

/// The values of a line.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields<'l>([Option<Text<'l>>; FIELDS]);

impl<'l> Fields<'l> {
    /// A value that the proxy had.
    pub fn get(&self, field: Field) -> Option<&Text<'l>> {
        self.0[field as usize].as_ref().filter(|v| super::record::known(v).is_some())
    }

    /// Sets a value.
    pub fn set(&mut self, field: Field, value: Text<'l>) {
        self.0[field as usize] = Some(value);
    }

    /// The format has the value, whether or not the proxy had it.
    pub fn has(&self, field: Field) -> bool {
        self.0[field as usize].is_some()
    }
}

/// Istio's default.
const DEFAULT: &str = "[%START_TIME%] \"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%\" \
    %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% \
    \"%UPSTREAM_TRANSPORT_FAILURE_REASON%\" %BYTES_RECEIVED% %BYTES_SENT% %DURATION% \
    %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% \"%REQ(X-FORWARDED-FOR)%\" \"%REQ(USER-AGENT)%\" \
    \"%REQ(X-REQUEST-ID)%\" \"%REQ(:AUTHORITY)%\" \"%UPSTREAM_HOST%\" %UPSTREAM_CLUSTER_RAW% \
    %UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% \
    %REQUESTED_SERVER_NAME% %ROUTE_NAME%";

/// That of Istio 1.8 and before (istio/istio release-1.8:pilot/pkg/networking/core/v1alpha3/accesslog.go
/// `EnvoyTextLogFormat`), which does not say who refused.
const OF_ISTIO_1_8: &str = "[%START_TIME%] \"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%\" \
    %RESPONSE_CODE% %RESPONSE_FLAGS% \"%DYNAMIC_METADATA(istio.mixer:status)%\" \
    \"%UPSTREAM_TRANSPORT_FAILURE_REASON%\" %BYTES_RECEIVED% %BYTES_SENT% %DURATION% \
    %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% \"%REQ(X-FORWARDED-FOR)%\" \"%REQ(USER-AGENT)%\" \
    \"%REQ(X-REQUEST-ID)%\" \"%REQ(:AUTHORITY)%\" \"%UPSTREAM_HOST%\" %UPSTREAM_CLUSTER% \
    %UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% \
    %REQUESTED_SERVER_NAME% %ROUTE_NAME%";

/// Why a format cannot be read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadFormat(String);

impl fmt::Display for BadFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadFormat {}

/// A text format, ready to read lines.
#[derive(Clone, Debug)]
pub struct EnvoyFormat {
    /// What stands before the first value.
    head: String,
    /// Each value with what stands behind it; behind the last one perhaps nothing.
    values: Vec<(Option<Field>, Literal)>,
}

/// What stands between two values: a few characters, which a value between them seldom begins with.
/// Looking for the first of them is faster than a search for substrings, which pays for long ones.
#[derive(Clone, Debug)]
struct Literal {
    text: String,
}

impl Literal {
    /// Its first place in a text.
    fn find(&self, text: &[u8]) -> Option<usize> {
        let (first, rest) = self.text.as_bytes().split_first()?;
        let is_here = |at: &usize| text.get(at + 1..).is_some_and(|t| t.starts_with(rest));
        memchr::memchr_iter(*first, text).find(is_here)
    }

    /// Its last place in a text.
    fn find_last(&self, text: &[u8]) -> Option<usize> {
        let (last, rest) = self.text.as_bytes().split_last()?;
        let is_here = |end: &usize| text.get(..*end).is_some_and(|t| t.ends_with(rest));
        let end = memchr::memrchr_iter(*last, text).find(is_here)?;
        end.checked_sub(rest.len())
    }
}

impl EnvoyFormat {
    /// Istio's default format.
    pub fn istio() -> Self {
        Self::known(DEFAULT)
    }

    /// The default format of Istio 1.8 and before.
    pub fn istio_1_8() -> Self {
        Self::known(OF_ISTIO_1_8)
    }

    fn known(format: &str) -> Self {
        Self::split(format).unwrap_or(Self { head: String::new(), values: Vec::new() })
    }

    /// A format as MeshConfig's `accessLogFormat` has it.
    ///
    /// # Errors
    /// Two values stand side by side, a `%` is not closed, or no value is in it.
    pub fn parse(format: &str) -> Result<Self, BadFormat> {
        let parsed = Self::split(format.trim_end_matches('\n'))?;
        if parsed.values.is_empty() {
            return Err(BadFormat("the access log format has no value in it".into()));
        }
        Ok(parsed)
    }

    fn split(format: &str) -> Result<Self, BadFormat> {
        let mut pieces = format.split('%');
        let mut head = pieces.next().unwrap_or_default().to_owned();
        let mut values: Vec<(Option<Field>, String)> = Vec::new();
        while let Some(operator) = pieces.next() {
            let Some(literal) = pieces.next() else {
                return Err(BadFormat(format!(
                    "`%{operator}` of the access log format is not closed"
                )));
            };
            if operator.is_empty() {
                // `%%` is a percent sign
                let before = values.last_mut().map_or(&mut head, |(_, literal)| literal);
                before.push('%');
                before.push_str(literal);
                continue;
            }
            if let Some((_, before)) = values.last()
                && before.is_empty()
            {
                return Err(BadFormat(format!(
                    "`%{operator}%` of the access log format follows another value with nothing between \
                     them"
                )));
            }
            values.push((field_of(operator), literal.to_owned()));
        }
        let values =
            values.iter().map(|(field, text)| (*field, Literal { text: text.clone() })).collect();
        Ok(Self { head, values })
    }

    /// The values of a line; `None` where the format does not fit, or fits in several ways.
    pub(super) fn read<'l>(&self, line: &'l str) -> Option<Fields<'l>> {
        let mut fields = Fields::default();
        let (last, before) = self.values.split_last()?;
        if !line.starts_with(&self.head) || !line.ends_with(&last.1.text) {
            return None;
        }
        let end = line.len().checked_sub(last.1.text.len())?;
        // each value as short as can be
        let mut starts = [0_usize; 64];
        let starts = starts.get_mut(..self.values.len())?;
        let mut at = self.head.len();
        for (start, (_, literal)) in starts.iter_mut().zip(before) {
            *start = at;
            at += literal.find(line.as_bytes().get(at..end)?)? + literal.text.len();
        }
        *starts.last_mut()? = at;
        // the same from the end: where no value can begin later, there is one reading
        let mut until = end;
        for ((index, (field, _)), start) in self.values.iter().enumerate().zip(starts.iter()).rev()
        {
            let value = line.get(*start..until)?;
            let before = index.checked_sub(1).map(|i| &self.values[i].1);
            if let Some(literal) = before {
                let found = literal.find_last(line.as_bytes().get(..until)?)?;
                // a value's own end may look like what stands before it only where it is empty
                if found + literal.text.len() != *start {
                    return None;
                }
                until = found;
            }
            // what stands before a line, or another line in it, would be part of the first value
            if *field == Some(Field::StartTime) && parse_time(value).is_none() {
                return None;
            }
            if let Some(field) = field {
                fields.set(*field, Cow::Borrowed(value));
            }
        }
        Some(fields)
    }
}

/// The value that an operator stands for, where it is one that is looked at
/// (envoyproxy.io/docs: configuration/observability/access_log/usage).
pub(super) fn field_of(operator: &str) -> Option<Field> {
    // `%REQ(:PATH):20%` is cut short, which a path must not be
    let name = match operator.rsplit_once(':') {
        Some((name, length))
            if !length.is_empty() && length.bytes().all(|b| b.is_ascii_digit()) =>
        {
            return (name == "START_TIME").then_some(Field::StartTime);
        }
        _ => operator,
    };
    let upper = name.to_ascii_uppercase();
    Some(match upper.as_str() {
        "START_TIME" => Field::StartTime,
        "REQ(:METHOD)" => Field::Method,
        "REQ(X-ENVOY-ORIGINAL-PATH?:PATH)"
        | "REQ(:PATH)"
        | "REQ_WITHOUT_QUERY(X-ENVOY-ORIGINAL-PATH?:PATH)"
        | "REQ_WITHOUT_QUERY(:PATH)"
        | "PATH"
        | "PATH(WQ)"
        | "PATH(NQ)" => Field::Path,
        "PROTOCOL" => Field::Protocol,
        "RESPONSE_CODE" => Field::Code,
        "RESPONSE_FLAGS" => Field::Flags,
        "RESPONSE_CODE_DETAILS" => Field::Details,
        "CONNECTION_TERMINATION_DETAILS" => Field::Termination,
        "REQ(:AUTHORITY)" | "REQ(HOST)" => Field::Authority,
        "UPSTREAM_CLUSTER" | "UPSTREAM_CLUSTER_RAW" => Field::Cluster,
        "UPSTREAM_LOCAL_ADDRESS" => Field::UpstreamLocal,
        "DOWNSTREAM_LOCAL_ADDRESS" => Field::DownstreamLocal,
        "DOWNSTREAM_REMOTE_ADDRESS" => Field::DownstreamRemote,
        "REQUESTED_SERVER_NAME" => Field::Sni,
        "DOWNSTREAM_PEER_URI_SAN" => Field::PeerUri,
        "BYTES_SENT" => Field::BytesSent,
        _ => return None,
    })
}

/// The key that Istio's JSON format has for a value (istio/istio:pilot/pkg/model/telemetry_logging.go
/// `EnvoyJSONLogFormatIstio`).
pub(super) fn field_of_key(key: &str) -> Option<Field> {
    Some(match key {
        "start_time" => Field::StartTime,
        "method" => Field::Method,
        "path" => Field::Path,
        "protocol" => Field::Protocol,
        "response_code" => Field::Code,
        "response_flags" => Field::Flags,
        "response_code_details" => Field::Details,
        "connection_termination_details" => Field::Termination,
        "authority" => Field::Authority,
        "upstream_cluster" => Field::Cluster,
        "upstream_local_address" => Field::UpstreamLocal,
        "downstream_local_address" => Field::DownstreamLocal,
        "downstream_remote_address" => Field::DownstreamRemote,
        "requested_server_name" => Field::Sni,
        "downstream_peer_uri_san" => Field::PeerUri,
        "bytes_sent" => Field::BytesSent,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "[2025-12-12T06:43:03.200Z] \"GET /get HTTP/1.1\" 403 - \
        rbac_access_denied_matched_policy[ns[httpbin]-policy[waypoint-deny-rules]-rule[0]] - \"-\" 0 19 0 \
        - \"-\" \"curl/8.17.0\" \"89095ac4\" \"httpbin.httpbin.svc.cluster.local:8000\" \"-\" \
        inbound-vip|8000|http|httpbin.httpbin.svc.cluster.local; - 172.24.165.149:8000 \
        172.24.66.53:49362 - default";

    #[test]
    fn the_default_format_reads_a_waypoints_line() {
        let fields = EnvoyFormat::istio().read(LINE).expect("it fits");
        assert_eq!(fields.get(Field::Method).map(|v| &**v), Some("GET"));
        assert_eq!(fields.get(Field::Path).map(|v| &**v), Some("/get"));
        assert_eq!(fields.get(Field::Code).map(|v| &**v), Some("403"));
        assert_eq!(fields.get(Field::DownstreamRemote).map(|v| &**v), Some("172.24.66.53:49362"));
        assert_eq!(fields.get(Field::UpstreamLocal), None);
    }

    #[test]
    fn the_format_of_istio_1_8_is_read() {
        let line = "[2020-11-25T21:26:18.409Z] \"GET /status/418 HTTP/1.1\" 418 - \"-\" \"-\" 0 135 3 1 \"-\" \
            \"curl/7.73.0\" \"84961386\" \"httpbin:8000\" \"127.0.0.1:80\" inbound|8000|| 127.0.0.1:41854 \
            10.44.1.27:80 10.44.1.23:37652 outbound_.8000_._.httpbin.foo.svc.cluster.local default";
        assert!(EnvoyFormat::istio().read(line).is_none());
        let fields = EnvoyFormat::istio_1_8().read(line).expect("it fits");
        assert_eq!(fields.get(Field::Code).map(|v| &**v), Some("418"));
        assert_eq!(fields.get(Field::DownstreamRemote).map(|v| &**v), Some("10.44.1.23:37652"));
        assert!(EnvoyFormat::istio_1_8().read(LINE).is_none());
    }

    #[test]
    fn a_client_that_writes_quotes_makes_its_line_unreadable_not_anothers() {
        // the user agent tries to end early and to tell of another authority
        let forged = LINE.replace("curl/8.17.0", "x\" \"1\" \"admin.admin:80\" \"-\" y");
        assert!(EnvoyFormat::istio().read(&forged).is_none());
        let forged =
            LINE.replace("/get", "/get HTTP/1.1\" 200 - via_upstream - \"-\" 0 1 1 - \"-\" \"x");
        assert!(EnvoyFormat::istio().read(&forged).is_none());
    }

    #[test]
    fn cut_and_interleaved_lines_do_not_fit() {
        let format = EnvoyFormat::istio();
        for end in (0..LINE.len() - 60).step_by(7) {
            assert!(format.read(&LINE[..end]).is_none(), "{end}");
        }
        assert!(format.read(&format!("{}{LINE}", &LINE[..80])).is_none());
    }

    #[test]
    fn formats_that_cannot_be_read_back_are_refused() {
        for bad in ["%PROTOCOL%%RESPONSE_CODE%", "no value", "100 %", "%START_TIME% %PROTOCOL"] {
            assert!(EnvoyFormat::parse(bad).is_err(), "{bad}");
        }
        let format = EnvoyFormat::parse("%RESPONSE_CODE% 100%% %REQ(:PATH)%\n").expect("a format");
        let fields = format.read("200 100% /a").expect("it fits");
        assert_eq!(fields.get(Field::Path).map(|v| &**v), Some("/a"));
    }
}
