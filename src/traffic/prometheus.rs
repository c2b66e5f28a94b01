//! Istio's metrics, as Prometheus answers (JSON) or as a proxy exposes them (text):
//! `istio_requests_total` and `istio_tcp_connections_opened_total`
//! (istio.io/docs/reference/config/metrics).

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;

use super::record::{Content, Outcome, Party, Record, Reporter, Target, Text, principal};

/// Prometheus' answer to a query.
#[derive(Deserialize)]
struct Answer {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    #[serde(rename = "resultType")]
    _result_type: String,
    result: Vec<Series>,
}

#[derive(Deserialize)]
struct Series {
    metric: BTreeMap<String, String>,
    value: Option<(f64, String)>,
    #[serde(default)]
    values: Vec<(f64, String)>,
}

/// The series of an answer; `None` where the text is none.
pub(super) fn answer(text: &str) -> Option<Vec<Record<'static>>> {
    let answer: Answer = serde_json::from_str(text).ok()?;
    let records = answer.data.result.into_iter().filter_map(|series| {
        // of a range, the last value: counters only grow
        let value = series.value.or_else(|| series.values.into_iter().next_back())?.1;
        let labels = series.metric.into_iter().map(|(k, v)| (Cow::Owned(k), Cow::Owned(v)));
        record(&labels.collect(), &value)
    });
    Some(records.collect())
}

/// A line of the text exposition: `None` where it is no such line, `Some(None)` of another metric.
pub(super) fn sample_line(line: &str) -> Option<Option<Record<'_>>> {
    let end = line.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'))?;
    let (name, rest) = line.split_at(end);
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let mut labels: Labels<'_> = BTreeMap::new();
    let rest = match rest.strip_prefix('{') {
        None => rest,
        Some(mut rest) => loop {
            rest = rest.trim_start_matches([' ', ',']);
            if let Some(rest) = rest.strip_prefix('}') {
                break rest;
            }
            let (key, after) = rest.split_once("=\"")?;
            let value;
            (value, rest) = label_value(after)?;
            if labels.insert(Cow::Borrowed(key), value).is_some() {
                return None;
            }
        },
    };
    let mut words = rest.strip_prefix(' ')?.split_ascii_whitespace();
    let value = words.next()?;
    value.parse::<f64>().ok()?;
    if words.next().is_some_and(|time| time.parse::<i64>().is_err()) || words.next().is_some() {
        return None;
    }
    labels.insert("__name__".into(), name.into());
    Some(record(&labels, value))
}

type Labels<'l> = BTreeMap<Text<'l>, Text<'l>>;

/// A label's value up to its quote, with `\\`, `\"` and `\n` read, and the rest.
fn label_value(text: &str) -> Option<(Text<'_>, &str)> {
    let mut own: Option<String> = None;
    let mut characters = text.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => {
                let value = own.map_or_else(|| Cow::Borrowed(&text[..at]), Cow::Owned);
                return Some((value, &text[at + 1..]));
            }
            '\\' => {
                let own = own.get_or_insert_with(|| text[..at].to_owned());
                own.push(match characters.next()?.1 {
                    'n' => '\n',
                    other => other,
                });
            }
            c => {
                if let Some(own) = &mut own {
                    own.push(c);
                }
            }
        }
    }
    None
}

/// What a series says; `None` of another metric, and of one that counted nothing.
fn record<'l>(labels: &Labels<'l>, value: &str) -> Option<Record<'l>> {
    let get = |name: &str| labels.get(name).filter(|v| !v.is_empty() && v.as_ref() != "unknown");
    let http = match labels.get("__name__").map(|name| name.as_ref()) {
        Some("istio_requests_total") => true,
        Some("istio_tcp_connections_opened_total") => false,
        // an answer to a sum has no name; a response code says that it counted requests
        None => get("response_code").is_some(),
        Some(_) => return None,
    };
    let count = value.parse::<f64>().ok().filter(|n| n.is_finite() && *n > 0.0)?;
    let reporter = match get("reporter").map(|r| r.as_ref()) {
        Some("source") => Reporter::SourceMetric,
        _ => Reporter::DestinationMetric,
    };
    let host = get("destination_service").cloned();
    let grpc = get("grpc_response_status").map_or("", |s| s.as_ref());
    let code = get("response_code").map_or("", |c| c.as_ref());
    Some(Record {
        reporter,
        time: None,
        from: Party {
            identity: get("source_principal").map(|v| match v {
                Cow::Borrowed(uri) => Cow::Borrowed(principal(uri)),
                Cow::Owned(uri) => Cow::Owned(principal(uri).to_owned()),
            }),
            namespace: get("source_workload_namespace").cloned(),
            workload: get("source_workload").cloned(),
            cluster: get("source_cluster").cloned(),
            ..Party::default()
        },
        to: Target {
            host,
            namespace: get("destination_workload_namespace").cloned(),
            workload: get("destination_workload").cloned(),
            ..Target::default()
        },
        content: if http { Content::SomeHttp } else { Content::Connection },
        sni: None,
        // what gRPC refuses has code 200
        outcome: if http && code.starts_with(['2', '3']) && matches!(grpc, "" | "0") {
            Outcome::Allowed
        } else {
            // a metric does not tell a proxy's 403 from the application's; a connection is opened before
            // a policy closes it
            Outcome::Unclear
        },
        count: count.round().max(1.0) as u64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_exposition_is_read() {
        let line = "istio_requests_total{reporter=\"source\",source_workload=\"sleep\",\
            source_workload_namespace=\"client\",source_principal=\"spiffe://td/ns/client/sa/sleep\",\
            destination_service=\"httpbin.httpbin.svc.cluster.local\",response_code=\"200\",\
            response_flags=\"-\",x=\"a\\\"b\"} 41 1765177200000";
        let record = sample_line(line).expect("a line").expect("a request");
        assert_eq!((record.reporter, record.count), (Reporter::SourceMetric, 41));
        assert_eq!(record.from.identity.as_deref(), Some("td/ns/client/sa/sleep"));
        assert_eq!(record.outcome, Outcome::Allowed);
        assert_eq!(sample_line("process_cpu_seconds_total 12.5"), Some(None));
        for none in ["hello world", "x{a=\"b} 1", "x{a=\"b\"} y", "x{a=\"1\",a=\"2\"} 1", "9x 1"] {
            assert_eq!(sample_line(none), None, "{none}");
        }
    }

    #[test]
    fn an_answer_of_prometheus_is_read() {
        let text = r#"{"status":"success","data":{"resultType":"vector","result":[
            {"metric":{"__name__":"istio_tcp_connections_opened_total","reporter":"destination",
              "source_principal":"spiffe://td/ns/a/sa/a","destination_service":"db.db.svc.cluster.local",
              "response_flags":"-"},"value":[1765177200.1,"7"]},
            {"metric":{"__name__":"up"},"value":[1765177200.1,"1"]}]}}"#;
        let records = answer(text).expect("an answer");
        assert_eq!(records.len(), 1);
        assert_eq!(records[0].content, Content::Connection);
        assert_eq!(records[0].count, 7);
        assert!(matches!(records[0].outcome, Outcome::Unclear));
        assert!(answer("{}").is_none());
    }
}
