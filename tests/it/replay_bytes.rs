//! Connections whose bytes proxies pass on: what their lines prove, and what they leave open.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail this way"
)]

use waypost::replay::{Directory, Finding, Pods, Point, Replay, Why, replay};
use waypost::traffic::{Formats, Outcome};

use crate::replay::{mesh, objects, sample_by, sample_of_text};

const TO_DB: &str = "outbound|5432||db.shop.svc.cluster.local";
const ANYWHERE: &str = "PassthroughCluster";
const FROM: [&str; 2] = ["10.0.0.1:40000", "10.0.0.2:40000"];

/// What a proxy logs of a connection over which so many bytes came back.
fn line(sent: u64, cluster: &str, local: &str, remote: &str) -> String {
    format!(
        "[2025-12-02T15:17:33.135Z] \"- - -\" 0 - - - \"-\" 58 {sent} 1 - \"-\" \"-\" \"-\" \"-\" \
         \"10.0.0.9:6432\" {cluster} - {local} {remote} - -"
    )
}

/// What the mesh in which they were written says.
fn replayed(line: &str) -> Replay {
    let objects = objects("bytes");
    let mut pods = Pods::default();
    pods.add("", &objects);
    let mesh = mesh(&objects);
    let sample = sample_of_text(line);
    let point = Point { name: "now".to_owned(), directory: Directory::new(&mesh, &pods, &sample) };
    replay(&sample, &point, &[])
}

fn why(replay: &Replay) -> Vec<Why> {
    replay.unknown.keys().copied().collect()
}

/// Who refuses bytes accepts their connection first, and closes it: the line of the client's proxy, which
/// saw a connection, was taken for a witness that it was allowed.
#[test]
fn a_connection_over_which_nothing_came_back_is_not_known_to_be_allowed() {
    let refused = replayed(&line(0, TO_DB, "10.96.0.10:5432", FROM[0]));
    assert_eq!(why(&refused), [Why::Unclear], "{refused:?}");
    let allowed = replayed(&line(168, TO_DB, "10.96.0.10:5432", FROM[1]));
    assert_eq!((allowed.same, allowed.unknown.len()), (1, 0), "{allowed:?}");
    // the port is one of bytes: who refuses them answers nothing
    let wrong = replayed(&line(168, TO_DB, "10.96.0.10:5432", FROM[0]));
    assert_eq!(wrong.of(Finding::Disagrees).count(), 1, "{wrong:?}");
}

/// What the client's proxy passes on as bytes the server's may find to be HTTP, and answer with 403.
#[test]
fn what_came_back_may_be_a_403_where_the_servers_proxy_finds_http() {
    let refused = replayed(&line(168, ANYWHERE, "10.0.0.9:8080", FROM[0]));
    assert_eq!(refused.of(Finding::Disagrees).count(), 0, "{refused:?}");
}

/// A pod does not see whether its own address was asked for or that of a Service: the line was taken for
/// one about the pod's, which the client's proxy would not have let out.
#[test]
fn a_servers_line_does_not_tell_the_service_that_was_asked_for() {
    let either = replayed(&line(168, "inbound|6432||", "10.0.0.9:6432", FROM[1]));
    assert_eq!(why(&either), [Why::SeveralDestinations], "{either:?}");
    // at another port there is no Service, and the line and the manifests cannot both be right
    let pod = replayed(&line(168, "inbound|9999||", "10.0.0.9:9999", FROM[1]));
    assert_eq!(pod.of(Finding::Disagrees).count(), 1, "{pod:?}");
}

/// A format that leaves out why a connection ended cannot say that it was allowed, at the server neither.
#[test]
fn a_format_without_the_end_of_connections_needs_an_answer() {
    let mut formats = Formats::default();
    formats.add("%UPSTREAM_CLUSTER% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %BYTES_SENT%\n").expect("a format");
    let outcome = |text: &str| {
        let sample = sample_by(&formats, text);
        sample.classes()[0].outcome
    };
    assert_eq!(outcome("inbound|6432|| 10.0.0.9:6432 10.0.0.1:4000 0"), Outcome::Unclear);
    assert_eq!(outcome("inbound|6432|| 10.0.0.9:6432 10.0.0.1:4000 7"), Outcome::Allowed);
}

/// A connection is counted as opened, and closed by a policy after that.
#[test]
fn a_metric_of_connections_does_not_say_that_they_were_allowed() {
    for reporter in ["source", "destination"] {
        let sample = sample_of_text(&format!(
            "istio_tcp_connections_opened_total{{reporter=\"{reporter}\",source_workload=\"sleep\",\
             source_workload_namespace=\"client\",destination_service=\"db.shop.svc.cluster.local\",response_flags=\"-\"}} 3"
        ));
        assert_eq!(sample.classes()[0].outcome, Outcome::Unclear, "{reporter}");
    }
}
