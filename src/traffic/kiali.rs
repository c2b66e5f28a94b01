//! Kiali's graph as JSON (`/api/namespaces/graph`): its edges are who called whom.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;

use super::record::{Content, Outcome, Party, Record, Reporter, Target, Text, principal};

#[derive(Deserialize)]
struct Graph {
    /// Seconds that the rates are of.
    #[serde(default)]
    duration: u64,
    elements: Elements,
}

#[derive(Deserialize)]
struct Elements {
    #[serde(default)]
    nodes: Vec<Element<Node>>,
    #[serde(default)]
    edges: Vec<Element<Edge>>,
}

#[derive(Deserialize)]
struct Element<T> {
    data: T,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Node {
    id: String,
    #[serde(default)]
    cluster: String,
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    workload: String,
    #[serde(default)]
    service: String,
    #[serde(default)]
    dest_services: Vec<Service>,
}

#[derive(Deserialize)]
struct Service {
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Edge {
    source: String,
    target: String,
    #[serde(default)]
    source_principal: String,
    #[serde(default)]
    traffic: Traffic,
}

#[derive(Default, Deserialize)]
struct Traffic {
    #[serde(default)]
    protocol: String,
    #[serde(default)]
    rates: BTreeMap<String, String>,
    #[serde(default)]
    responses: BTreeMap<String, Response>,
}

#[derive(Deserialize)]
struct Response {
    /// Share of the requests by host, in percent.
    #[serde(default)]
    hosts: BTreeMap<String, String>,
}

/// The edges of a graph; `None` where the text is none.
pub(super) fn graph(text: &str) -> Option<Vec<Record<'static>>> {
    let graph: Graph = serde_json::from_str(text).ok()?;
    let nodes: BTreeMap<&str, &Node> =
        graph.elements.nodes.iter().map(|n| (n.data.id.as_str(), &n.data)).collect();
    let mut records = Vec::new();
    for edge in graph.elements.edges.iter().map(|e| &e.data) {
        let (Some(from), Some(to)) =
            (nodes.get(edge.source.as_str()), nodes.get(edge.target.as_str()))
        else {
            continue;
        };
        // from a Service's node to its workloads: the same requests as to the Service
        if from.workload.is_empty() || from.workload == "unknown" && from.namespace.is_empty() {
            continue;
        }
        let http = matches!(edge.traffic.protocol.as_str(), "http" | "grpc");
        let rate = |key: &str| edge.traffic.rates.get(key).and_then(|r| r.parse::<f64>().ok());
        // of TCP, Kiali tells bytes: how many connections that were is not known
        let total = rate(&edge.traffic.protocol).filter(|_| http).unwrap_or_default();
        let count = (total * graph.duration.max(1) as f64).round().max(1.0) as u64;
        for (code, share) in codes(&edge.traffic, count) {
            let allowed = match edge.traffic.protocol.as_str() {
                // the codes of gRPC are its own: 0 is OK
                "grpc" => code == "0",
                "http" => code.starts_with(['2', '3']),
                _ => code == "-",
            };
            for host in hosts(to, &edge.traffic, code) {
                records.push(Record {
                    reporter: Reporter::Graph,
                    time: None,
                    from: Party {
                        identity: some(principal(&edge.source_principal)),
                        namespace: some(&from.namespace),
                        workload: some(&from.workload),
                        cluster: some(&from.cluster),
                        ..Party::default()
                    },
                    to: Target {
                        host,
                        namespace: some(&to.namespace),
                        workload: some(&to.workload),
                        ..Target::default()
                    },
                    content: if http { Content::SomeHttp } else { Content::Connection },
                    sni: None,
                    outcome: if allowed { Outcome::Allowed } else { Outcome::Unclear },
                    count: share,
                });
            }
        }
    }
    Some(records)
}

fn some(text: &str) -> Option<Text<'static>> {
    (!text.is_empty() && text != "unknown").then(|| Cow::Owned(text.to_owned()))
}

/// Response codes (flags of TCP) with how many requests each stands for.
fn codes(traffic: &Traffic, count: u64) -> Vec<(&str, u64)> {
    if traffic.responses.is_empty() {
        return vec![("-", count)];
    }
    let share = |response: &Response| -> f64 {
        response.hosts.values().filter_map(|p| p.parse::<f64>().ok()).sum()
    };
    traffic
        .responses
        .iter()
        .map(|(code, response)| {
            let part = (share(response) / 100.0 * count as f64).round().max(1.0);
            (code.as_str(), part as u64)
        })
        .collect()
}

/// The Services that an edge's requests with a code were for.
fn hosts(to: &Node, traffic: &Traffic, code: &str) -> Vec<Option<Text<'static>>> {
    let of_code: Vec<_> = traffic
        .responses
        .get(code)
        .map(|response| response.hosts.keys().map(|host| some(host)).collect())
        .unwrap_or_default();
    if !of_code.is_empty() {
        return of_code;
    }
    if !to.service.is_empty() {
        return vec![some(&format!("{}.{}.svc.cluster.local", to.service, to.namespace))];
    }
    match to.dest_services.as_slice() {
        [only] => vec![some(&format!("{}.{}.svc.cluster.local", only.name, only.namespace))],
        _ => vec![None],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_are_calls() {
        let text = r#"{"timestamp":1,"duration":60,"graphType":"workload","elements":{
          "nodes":[
            {"data":{"id":"a","cluster":"c","namespace":"client","workload":"sleep"}},
            {"data":{"id":"b","cluster":"c","namespace":"httpbin","workload":"httpbin",
              "destServices":[{"cluster":"c","namespace":"httpbin","name":"httpbin"}]}}],
          "edges":[{"data":{"id":"e","source":"a","target":"b",
            "sourcePrincipal":"spiffe://td/ns/client/sa/sleep",
            "traffic":{"protocol":"http","rates":{"http":"0.50"},
              "responses":{"200":{"flags":{"-":"100.0"},
                "hosts":{"httpbin.httpbin.svc.cluster.local":"100.0"}}}}}}]}}"#;
        let records = graph(text).expect("a graph");
        assert_eq!(records.len(), 1);
        assert_eq!(records[0].count, 30);
        assert_eq!(records[0].to.host.as_deref(), Some("httpbin.httpbin.svc.cluster.local"));
        assert_eq!(records[0].outcome, Outcome::Allowed);
        assert!(graph("[]").is_none());
    }

    /// Bytes were counted as requests, and gRPC's UNKNOWN as a success of HTTP.
    #[test]
    fn tcp_is_counted_in_bytes_and_grpc_has_codes_of_its_own() {
        let text = |protocol: &str, code: &str| {
            format!(
                r#"{{"duration":60,"graphType":"workload","elements":{{
                "nodes":[{{"data":{{"id":"a","namespace":"client","workload":"sleep"}}}},
                  {{"data":{{"id":"b","namespace":"db","workload":"db"}}}}],
                "edges":[{{"data":{{"source":"a","target":"b","traffic":{{"protocol":"{protocol}",
                  "rates":{{"{protocol}":"2048.00"}},"responses":{{"{code}":{{"hosts":{{"db.db.svc.cluster.local":"100.0"}}}}}}}}}}}}]}}}}"#
            )
        };
        let one = |protocol: &str, code: &str| {
            let records = graph(&text(protocol, code)).expect("a graph");
            (records[0].count, records[0].outcome.clone())
        };
        assert_eq!(one("tcp", "-"), (1, Outcome::Allowed));
        assert_eq!(one("grpc", "2").1, Outcome::Unclear);
        assert_eq!(one("grpc", "0"), (122_880, Outcome::Allowed));
    }
}
