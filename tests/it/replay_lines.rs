//! What lines of real logs look like: what stands around them, and what they leave open.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail this way"
)]

use std::fs;

use waypost::replay::{Directory, Finding, Pods, Replay, Why, destination_name};
use waypost::traffic::{Content, Formats, Limits, Outcome, Reporter, Sample, read_lines};

use crate::program::waypost_reading;
use crate::replay::{folder, mesh, objects, replayed, rows, sample_of_text};

const HOST: &str = "web.shop.svc.cluster.local";

/// A line of a proxy, by what it says of the request.
struct Line<'l> {
    /// Method, path and protocol.
    request: &'l str,
    code: u16,
    flags: &'l str,
    details: &'l str,
    cluster: &'l str,
    local: &'l str,
    remote: &'l str,
}

/// Client `sleep` reads `/get` through the waypoint.
const THROUGH_WAYPOINT: Line<'_> = Line {
    request: "GET /get HTTP/1.1",
    code: 200,
    flags: "-",
    details: "via_upstream",
    cluster: "inbound-vip|8000|http|web.shop.svc.cluster.local;",
    local: "10.96.0.10:8000",
    remote: "10.0.0.1:4000",
};

impl Line<'_> {
    fn text(&self) -> String {
        let Line { request, code, flags, details, cluster, local, remote } = self;
        format!(
            "[2025-12-02T15:17:33.135Z] \"{request}\" {code} {flags} {details} - \"-\" 0 19 0 - \"-\" \"curl/8\" \"id\" \
             \"web.shop:8000\" \"-\" {cluster} - {local} {remote} - default"
        )
    }

    fn sample(&self) -> Sample {
        sample_of_text(&self.text())
    }

    fn replay(&self) -> Replay {
        replayed(&self.sample())
    }
}

/// The only reason why there is no answer.
fn why(replay: &Replay) -> Why {
    let [why] = replay.unknown.keys().collect::<Vec<_>>()[..] else {
        panic!("{:?}", replay.unknown)
    };
    *why
}

/// Envoy takes the client's address from `x-forwarded-for`, which the client writes, and gives it port 0:
/// the line was taken for one of the pod that the header names.
#[test]
fn an_address_that_a_header_tells_is_nobodys() {
    let replay = Line { remote: "10.0.0.1:0", ..THROUGH_WAYPOINT }.replay();
    assert_eq!((why(&replay), replay.asked), (Why::NoClient, 1));
    let replay = Line { remote: "[2001:db8::1]:0", ..THROUGH_WAYPOINT }.replay();
    assert_eq!(why(&replay), Why::NoClient);
    assert_eq!(THROUGH_WAYPOINT.replay().same, 1);
}

#[test]
fn addresses_of_both_families_are_the_pods() {
    let replay = Line { remote: "[2001:db8::1]:4000", ..THROUGH_WAYPOINT }.replay();
    assert_eq!((replay.same, replay.unknown.len()), (1, 0), "{replay:?}");
}

/// What a waypoint passes on to the address of a pod has a cluster that names no Service: such lines were
/// passed over.
#[test]
fn a_request_for_a_pods_address_at_a_waypoint_is_read() {
    let sample = Line { cluster: "encap", local: "10.0.0.9:80", ..THROUGH_WAYPOINT }.sample();
    assert_eq!(sample.others, 0);
    assert_eq!(sample.classes()[0].reporter, Reporter::Waypoint);
    let replay = replayed(&sample);
    assert_eq!((replay.asked, replay.same), (1, 1), "{replay:?}");
}

/// Lines of requests for which a proxy chose no cluster were passed over.
#[test]
fn a_request_that_nothing_was_chosen_for_is_counted() {
    let refused = Line {
        code: 403,
        details: "rbac_access_denied_matched_policy[none]",
        cluster: "-",
        local: "10.0.0.200:8080",
        ..THROUGH_WAYPOINT
    };
    let replay = refused.replay();
    assert_eq!((why(&replay), replay.asked), (Why::ForeignAddress, 1));
    // plaintext, where mTLS is wanted
    let sample = Line {
        request: "- - -",
        code: 0,
        flags: "NR",
        details: "filter_chain_not_found",
        cluster: "-",
        local: "10.0.0.9:80",
        ..THROUGH_WAYPOINT
    }
    .sample();
    let class = &sample.classes()[0];
    assert_eq!((class.content, class.outcome), (Content::Connection, Outcome::Unclear));
}

#[test]
fn what_failed_does_not_say_that_a_policy_let_it_through() {
    for (code, flags, details) in [
        (503, "UF", "upstream_reset_before_response_started{connection_failure}"),
        (503, "UH", "no_healthy_upstream"),
        (404, "NR", "route_not_found"),
        (0, "DC", "downstream_remote_disconnect"),
        (200, "DC", "downstream_remote_disconnect"),
        (504, "UT", "upstream_response_timeout"),
        (503, "UF,URX", "via_upstream"),
        (403, "-", "via_upstream"),
    ] {
        let sample = Line { code, flags, details, ..THROUGH_WAYPOINT }.sample();
        assert_eq!(sample.classes()[0].outcome, Outcome::Unclear, "{code} {flags} {details}");
    }
    for (code, details) in [(404, "via_upstream"), (500, "via_upstream"), (301, "via_upstream")] {
        let sample = Line { code, details, ..THROUGH_WAYPOINT }.sample();
        assert_eq!(sample.classes()[0].outcome, Outcome::Allowed, "{code} {details}");
    }
}

/// What gRPC refuses has status 200: the client's proxy, which passes it on, was taken for a witness that
/// it was allowed.
#[test]
fn a_clients_line_about_grpc_does_not_say_that_it_was_allowed() {
    let client = Line {
        request: "POST /shop.Web/Get HTTP/2",
        cluster: "outbound|8000||web.shop.svc.cluster.local",
        ..THROUGH_WAYPOINT
    };
    assert_eq!(client.sample().classes()[0].outcome, Outcome::Unclear);
    let waypoint = Line { request: "POST /shop.Web/Get HTTP/2", ..THROUGH_WAYPOINT };
    assert_eq!(waypoint.sample().classes()[0].outcome, Outcome::Allowed);
    let metric = |status: &str| {
        let sample = sample_of_text(&format!(
            "istio_requests_total{{reporter=\"source\",source_workload=\"sleep\",\
             source_workload_namespace=\"client\",destination_service=\"{HOST}\",response_code=\"200\",\
             grpc_response_status=\"{status}\"}} 3"
        ));
        sample.classes()[0].outcome
    };
    assert_eq!((metric("7"), metric("0")), (Outcome::Unclear, Outcome::Allowed));
}

#[test]
fn what_is_put_around_lines_is_taken_away() {
    let line = THROUGH_WAYPOINT.text();
    let json = serde_json::json!({
        "log": format!("{line}\n"), "stream": "stdout", "time": "2025-12-02T15:17:33.2Z",
    });
    let plain = sample_of_text(&line);
    for around in [
        format!("[pod/waypoint-665d7967cd-t4xls/istio-proxy] {line}"),
        format!("2025-12-02T15:17:33.2Z {line}"),
        format!("[pod/waypoint-665d7967cd-t4xls/istio-proxy] 2025-12-02T15:17:33.2Z {line}"),
        format!("2025-12-02T15:17:33.123456789Z stdout F {line}"),
        format!("waypoint-665d7967cd-t4xls istio-proxy {line}"),
        format!("shop waypoint-665d7967cd-t4xls › istio-proxy {line}"),
        format!("\u{1b}[32mwaypoint-665d7967cd-t4xls\u{1b}[0m istio-proxy {line}"),
        json.to_string(),
        format!("{line}\r"),
    ] {
        let sample = sample_of_text(&around);
        assert_eq!(format!("{:?}", sample.classes()), format!("{:?}", plain.classes()), "{around}");
        assert_eq!(rows(&replayed(&sample), Finding::Lost), [], "{around}");
    }
    // what a runtime cut in two is none
    let cut = sample_of_text(&format!("2025-12-02T15:17:33.1Z stdout P {}", &line[..100]));
    assert_eq!((cut.classes().len(), cut.unread.len()), (0, 1));
}

#[test]
fn a_line_of_ztunnel_is_read_with_a_time_before_it() {
    let line = format!(
        "2025-12-02T15:20:00.0Z\tinfo\taccess\tconnection complete\tsrc.addr=10.0.0.1:4000 \
         src.workload=\"sleep-868c754c4b-dnj2g\" src.namespace=\"client\" \
         src.identity=\"spiffe://cluster.local/ns/client/sa/sleep\" dst.addr=10.0.0.2:15008 \
         dst.hbone_addr=10.96.0.10:8000 dst.service=\"{HOST}\" direction=\"outbound\""
    );
    let plain = sample_of_text(&line);
    for around in [
        format!("2025-12-02T15:20:00.1Z {line}"),
        format!("[pod/ztunnel-x2k4p/istio-proxy] {line}"),
        format!("ztunnel-x2k4p istio-proxy {line}"),
    ] {
        let sample = sample_of_text(&around);
        assert_eq!(format!("{:?}", sample.classes()), format!("{:?}", plain.classes()), "{around}");
    }
}

#[test]
fn a_line_of_nothing_but_dashes_is_no_request() {
    let sample = Line {
        request: "- - -",
        code: 0,
        flags: "-",
        details: "-",
        cluster: "-",
        local: "-",
        remote: "-",
    }
    .sample();
    let replay = replayed(&sample);
    assert_eq!((replay.same, replay.rows.len()), (0, 0), "{replay:?}");
}

#[test]
fn lines_of_istio_1_8_tell_who_called_whom() {
    let line = format!(
        "[2020-11-25T21:26:18.409Z] \"GET /get HTTP/1.1\" 200 - \"-\" \"-\" 0 135 3 1 \"-\" \"curl/7\" \"id\" \
         \"web.shop:8000\" \"10.0.0.9:80\" outbound|8000||{HOST} 10.0.0.1:41854 10.96.0.10:8000 10.0.0.1:37652 - default"
    );
    let replay = replayed(&sample_of_text(&line));
    assert_eq!((replay.asked, replay.same), (1, 1), "{replay:?}");
}

/// A Telemetry names a provider of MeshConfig, which has a format of its own.
#[test]
fn formats_of_providers_are_read() {
    let copy = tempfile::tempdir().expect("a folder");
    let mesh = fs::read_to_string(folder().join("now/mesh.yaml")).expect("a mesh");
    let config = "\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\ndata:\n  mesh: |\n    \
        extensionProviders:\n    - {name: short, envoyFileAccessLog: {path: /dev/stdout, logFormat: {text: \"%START_TIME% %REQ(:METHOD)% \
        %REQ_WITHOUT_QUERY(:PATH)% %RESPONSE_CODE% %UPSTREAM_CLUSTER% %DOWNSTREAM_REMOTE_ADDRESS%\"}}}\n    \
        - {name: keys, envoyFileAccessLog: {path: /dev/stdout, logFormat: {labels: {verb: \"%REQ(:METHOD)%\", uri: \"%REQ(:PATH)%\", \
        status: \"%RESPONSE_CODE%\", cluster: \"%UPSTREAM_CLUSTER_RAW%\", client: \"%DOWNSTREAM_REMOTE_ADDRESS%\"}}}}\n";
    fs::write(copy.path().join("mesh.yaml"), format!("{mesh}{config}")).expect("written");
    let lines = "2025-12-02T15:17:33.135Z GET /get 200 inbound-vip|8000|http|web.shop.svc.cluster.local; 10.0.0.1:4000\n\
        {\"verb\":\"GET\",\"uri\":\"/get\",\"status\":200,\"cluster\":\"inbound-vip|8000|http|web.shop.svc.cluster.local;\",\
        \"client\":\"10.0.0.1:4000\"}\n";
    let ran = waypost_reading(copy.path(), &["access", "replay", ".", "-"], lines);
    assert_eq!(ran.code, 0, "{} {}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("0 of 2 requests of the sample change"), "{}", ran.stderr);
}

/// Of a zstd file with several frames the first alone was read, and nothing of a compressed stream.
#[test]
fn compressed_streams_are_read_to_their_end() {
    let files = [folder().join("packed/two-frames.log.zst")];
    let (sample, _, found) = read_lines(&files, &Formats::default(), &Limits::default());
    assert_eq!(found, []);
    assert_eq!(sample.classes().iter().map(|class| class.count).sum::<u64>(), 2);
    let packed = fs::read(&files[0]).expect("a file");
    let ran = waypost_reading(&folder(), &["access", "replay", "now", "-"], &packed);
    assert!(ran.stderr.contains("0 of 2 requests of the sample change"), "{}", ran.stderr);
}

/// The query of a line that cannot be read was shown.
#[test]
fn the_query_of_a_line_that_cannot_be_read_is_not_shown() {
    let line = THROUGH_WAYPOINT.text().replace("/get", "/get?token=secret");
    let sample = sample_of_text(&line[..100]);
    assert_eq!(sample.unread.len(), 1);
    assert!(!format!("{sample:?}").contains("secret"), "{sample:?}");
}

/// An authority names port 80 where it names none: a request that came in at another port of the pod was
/// asked of the Service's port.
#[test]
fn an_authority_counts_where_it_leads_to_the_port_that_was_reached() {
    let objects = objects("now");
    let mut pods = Pods::default();
    pods.add("", &objects);
    let mesh = mesh(&objects);
    let asked_for = |local| {
        let sample = Line { cluster: "inbound|80||", local, ..THROUGH_WAYPOINT }.sample();
        let directory = Directory::new(&mesh, &pods, &sample);
        let located = directory.locate(&sample, &sample.classes()[0]).expect("both are known");
        destination_name(&mesh, located.to[0])
    };
    assert_eq!(asked_for("10.0.0.9:80"), "shop/web:8000");
    assert_eq!(asked_for("10.0.0.9:9090"), "pod:shop/web:9090");
}

#[test]
fn times_of_other_zones_are_in_the_window() {
    let line = THROUGH_WAYPOINT.text();
    let other = line.replace("15:17:33.135Z", "17:18:00.000+02:00");
    let sample = sample_of_text(&format!("{line}\n{other}\n"));
    let window = sample.window().map(|(first, last)| format!("{first} {last}"));
    assert_eq!(window.as_deref(), Some("2025-12-02T15:17:33Z 2025-12-02T15:18:00Z"));
}
