//! Logs read, and replayed on meshes.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail this way"
)]

use std::fs;
use std::path::{Path, PathBuf};

use waypost::diagnostic::FileId;
use waypost::k8s::{Object, objects_of};
use waypost::replay::{Directory, Finding, Pods, Point, Replay, Row, Why, replay, suggestions};
use waypost::simulate::{Mesh, Options};
use waypost::traffic::{Formats, Limits, Outcome, Sample, read_lines};
use waypost::yaml::{Budget, read};

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/replay")
}

pub(crate) fn objects(name: &str) -> Vec<Object> {
    let text = fs::read_to_string(folder().join(name).join("mesh.yaml")).expect("a mesh");
    let (documents, found) = read(FileId(0), &text, &Budget::MANIFESTS);
    assert!(found.iter().all(|d| !d.is_error()), "{found:?}");
    objects_of(documents).0
}

pub(crate) fn mesh(objects: &[Object]) -> Mesh {
    let (mesh, found) = Mesh::from_objects(objects, &Options::default());
    assert!(found.iter().all(|d| !d.is_error()), "{found:?}");
    mesh
}

fn sample_of(logs: &[&str]) -> Sample {
    let paths: Vec<PathBuf> = logs.iter().map(|log| folder().join("logs").join(log)).collect();
    let (sample, _, found) = read_lines(&paths, &Formats::default(), &Limits::default());
    assert_eq!(found, []);
    sample
}

/// The sample on the meshes `now` and `then`.
pub(crate) fn replayed(sample: &Sample) -> Replay {
    let (before, after) = (objects("now"), objects("then"));
    let mut pods = Pods::default();
    pods.add("", &before);
    let (before, after) = (mesh(&before), mesh(&after));
    let point = |name: &str, mesh| Point {
        name: name.to_owned(),
        directory: Directory::new(mesh, &pods, sample),
    };
    replay(sample, &point("now", &before), &[point("then", &after)])
}

pub(crate) fn rows(replay: &Replay, finding: Finding) -> Vec<(&str, &str, &str, u64)> {
    replay
        .of(finding)
        .map(|r| (r.from.as_str(), r.to.as_str(), r.request.as_str(), r.count))
        .collect()
}

#[test]
fn a_path_that_is_refused_then_is_named_with_its_caller_and_its_rule() {
    let sample = sample_of(&["waypoint.log"]);
    let replay = replayed(&sample);
    assert_eq!(
        rows(&replay, Finding::Lost),
        [("client/sleep", "shop/web:8000", "GET /internal/report", 2)]
    );
    let row = replay.of(Finding::Lost).next().expect("a row");
    let (at, then) = row.then.as_ref().expect("a point");
    assert_eq!(at, "then");
    assert!(then.contains("ns[shop]-policy[no-internal]-rule[0]"), "{then}");
    assert_eq!(row.first.map(|t| t.to_string()).as_deref(), Some("2025-12-02T15:18:30Z"));
    assert_eq!(row.last.map(|t| t.to_string()).as_deref(), Some("2025-12-02T15:18:31Z"));
}

#[test]
fn query_strings_are_dropped_while_a_line_is_read() {
    let sample = sample_of(&["waypoint.log"]);
    assert!(!format!("{sample:?}").contains("alice"));
}

#[test]
fn a_client_whose_address_no_pod_has_is_unknown_not_outside() {
    let replay = replayed(&sample_of(&["waypoint.log"]));
    let (count, example) = &replay.unknown[&Why::UnknownAddress];
    assert_eq!((*count, example.contains("10.0.0.77")), (1, true));
}

#[test]
fn a_cut_line_is_counted_and_shown_with_its_place() {
    let sample = sample_of(&["waypoint.log"]);
    let [unread] = sample.unread.as_slice() else { panic!("{:?}", sample.unread) };
    assert_eq!((unread.count, unread.first.1), (1, 7));
    assert!(unread.first.2.starts_with("[2025-12-02T15:17:43.221Z]"));
    assert_eq!(sample.others, 1);
}

#[test]
fn whose_an_address_is_another_line_may_tell() {
    // ztunnel names admin's pod at 10.0.0.7, the waypoint's line has the address alone
    let replay = replayed(&sample_of(&["ztunnel.log", "waypoint.json"]));
    assert_eq!(rows(&replay, Finding::Gained), [("client/admin", "shop/web:8000", "GET /get", 1)]);
    assert_eq!(replay.halves, 1, "the way from the waypoint on is no request of its own");
}

#[test]
fn a_rule_that_the_log_names_and_the_simulator_does_not_is_a_disagreement_about_the_present() {
    let replay = replayed(&sample_of(&["ztunnel.log", "waypoint.json"]));
    let disagrees: Vec<&Row> = replay.of(Finding::Disagrees).collect();
    assert_eq!(disagrees.len(), 1);
    assert_eq!(disagrees[0].logged, "refused by none");
    assert!(disagrees[0].now.contains("no-admin"), "{}", disagrees[0].now);
}

#[test]
fn a_metric_has_no_path_and_its_answer_is_unknown_where_one_decides() {
    let replay = replayed(&sample_of(&["proxy.prom"]));
    assert_eq!(replay.asked, 41);
    assert_eq!(replay.unknown.keys().collect::<Vec<_>>(), [&Why::LeftOut]);
}

/// The lines of a request that several proxies wrote were added up, from the third proxy on.
#[test]
fn a_request_that_several_proxies_tell_of_is_counted_once() {
    let line = |cluster: &str, local: &str, sni: &str| {
        format!(
            "[2025-12-02T15:17:33.135Z] \"GET /get HTTP/1.1\" 200 - via_upstream - \"-\" 0 19 0 - \"-\" \"x\" \"id\" \
             \"web.shop:8000\" \"-\" {cluster} - {local} 10.0.0.1:4000 {sni} default\n"
        )
    };
    let host = "web.shop.svc.cluster.local";
    let waypoint = line(&format!("inbound-vip|8000|http|{host};"), "10.96.0.10:8000", "-");
    let client = line(&format!("outbound|8000||{host}"), "10.96.0.10:8000", "-");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log");
    fs::write(&path, format!("{waypoint}{client}{waypoint}{client}{client}")).expect("written");
    let (sample, _, found) = read_lines(&[path], &Formats::default(), &Limits::default());
    assert_eq!(found, []);
    let replay = replayed(&sample);
    assert_eq!((replay.asked, replay.same), (3, 3), "{replay:?}");
}

fn ztunnel_line(workload: &str, trust_domain: &str) -> String {
    format!(
        "2025-12-02T15:20:00.0Z\tinfo\taccess\tconnection complete\tsrc.addr=10.0.0.200:4000 \
         src.workload=\"{workload}\" src.namespace=\"client\" \
         src.identity=\"spiffe://{trust_domain}/ns/client/sa/{workload}\" dst.addr=10.0.0.2:15008 \
         dst.hbone_addr=10.96.0.10:8000 dst.service=\"web.shop.svc.cluster.local\" direction=\"outbound\"\n"
    )
}

pub(crate) fn sample_of_text(text: &str) -> Sample {
    sample_by(&Formats::default(), text)
}

pub(crate) fn sample_by(formats: &Formats, text: &str) -> Sample {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log");
    fs::write(&path, text).expect("written");
    read_lines(&[path], formats, &Limits::default()).0
}

/// Names of workloads alone decided: a log of another cluster, with the same names, was taken for one of
/// this mesh.
#[test]
fn workloads_of_the_same_names_in_another_cluster_are_unknown() {
    let replay = replayed(&sample_of_text(&ztunnel_line("sleep", "other.example")));
    assert_eq!(replay.unknown.keys().collect::<Vec<_>>(), [&Why::UnknownIdentity]);
    let replay = replayed(&sample_of_text(&ztunnel_line("sleep", "cluster.local")));
    assert!(!replay.unknown.contains_key(&Why::UnknownIdentity), "{replay:?}");
}

#[test]
fn an_address_that_changed_its_owner_is_unknown() {
    let line = "[2025-12-02T15:17:33.135Z] \"GET /get HTTP/1.1\" 200 - via_upstream - \"-\" 0 19 0 - \"-\" \"x\" \
        \"id\" \"web.shop:8000\" \"-\" inbound-vip|8000|http|web.shop.svc.cluster.local; - 10.96.0.10:8000 \
        10.0.0.200:4000 - default\n";
    let (one, other) =
        (ztunnel_line("sleep", "cluster.local"), ztunnel_line("admin", "cluster.local"));
    let replay = replayed(&sample_of_text(&format!("{one}{other}{line}")));
    assert!(replay.unknown.contains_key(&Why::SharedAddress), "{replay:?}");
    let replay = replayed(&sample_of_text(&format!("{one}{line}")));
    assert!(!replay.unknown.contains_key(&Why::SharedAddress), "{replay:?}");
}

#[test]
fn threads_and_the_order_of_files_change_nothing() {
    let one = Limits { threads: 1, ..Limits::default() };
    let paths: Vec<PathBuf> = vec![folder().join("logs")];
    let (first, files, _) = read_lines(&paths, &Formats::default(), &one);
    let reversed: Vec<PathBuf> = files.into_iter().rev().collect();
    for threads in [1, 3, 8] {
        let limits = Limits { threads, ..Limits::default() };
        let (other, _, _) = read_lines(&reversed, &Formats::default(), &limits);
        assert_eq!(format!("{:?}", first.classes()), format!("{:?}", other.classes()));
    }
}

#[test]
fn what_is_suggested_holds() {
    let sample = sample_of(&["waypoint.log", "ztunnel.log", "waypoint.json"]);
    let objects = objects("now");
    let mut pods = Pods::default();
    pods.add("", &objects);
    let mesh = mesh(&objects);
    let found = suggestions(&sample, &Directory::new(&mesh, &pods, &sample));
    let seen: Vec<_> = found.seen["shop"].keys().collect();
    assert!(seen.iter().any(|s| s.from == "client/sleep" && s.allows));
    assert!(seen.iter().any(|s| s.from == "client/admin" && !s.allows));
    for seen in seen {
        let (method, path, host) = seen.request.clone().expect("HTTP");
        let request = waypost::simulate::Request {
            from: mesh.find_client(&seen.from).expect("a client"),
            to: mesh.find_destination(&seen.to).expect("a destination"),
            http: waypost::simulate::HttpRequest {
                method,
                path,
                host,
                ..waypost::simulate::HttpRequest::default()
            },
            raw_tcp: false,
        };
        let allows = mesh.decide(&request).verdict == waypost::simulate::Verdict::Allow;
        assert_eq!(allows, seen.allows, "{seen:?}");
    }
}

#[test]
fn compressed_logs_are_read_as_they_are() {
    use std::io::Write;
    let folder = tempfile::tempdir().expect("a folder");
    let text = fs::read(self::folder().join("logs/waypoint.log")).expect("a log");
    let path = folder.path().join("waypoint.log.gz");
    let mut gz = flate2::write::GzEncoder::new(
        fs::File::create(&path).expect("a file"),
        flate2::Compression::default(),
    );
    gz.write_all(&text).expect("written");
    gz.finish().expect("written");
    let (sample, _, found) = read_lines(&[path], &Formats::default(), &Limits::default());
    assert_eq!(found, []);
    let plain = sample_of(&["waypoint.log"]);
    assert_eq!(format!("{:?}", sample.classes()), format!("{:?}", plain.classes()));
}

#[test]
fn a_file_that_expands_without_end_is_one_finding() {
    use std::io::Write;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("bomb.gz");
    let mut gz = flate2::write::GzEncoder::new(
        fs::File::create(&path).expect("a file"),
        flate2::Compression::best(),
    );
    for _ in 0..4 {
        gz.write_all(&vec![b'\n'; 1 << 20]).expect("written");
    }
    gz.finish().expect("written");
    let limits = Limits { expanded: 1 << 20, ..Limits::default() };
    let (_, _, found) = read_lines(&[path], &Formats::default(), &limits);
    let codes: Vec<&str> = found.iter().map(|d| d.code).collect();
    assert_eq!(codes, ["log-expands"]);
}

#[test]
fn a_line_of_a_mebibyte_is_passed_over_and_the_next_one_is_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("long.log");
    let log = fs::read_to_string(self::folder().join("logs/waypoint.log")).expect("a log");
    let line = log.lines().next().expect("a line");
    let text = format!("{line}\n{}\n{line}\n", "x".repeat(5 << 20));
    fs::write(&path, text).expect("written");
    let (sample, _, _) = read_lines(&[path], &Formats::default(), &Limits::default());
    assert_eq!(sample.classes().iter().map(|c| c.count).sum::<u64>(), 2);
    assert_eq!(sample.unread.iter().map(|u| u.count).sum::<u64>(), 1);
}

#[test]
fn too_many_distinct_requests_are_one_finding_with_the_way_out() {
    let limits = Limits { classes: 2, ..Limits::default() };
    let paths = [folder().join("logs")];
    let (_, _, found) = read_lines(&paths, &Formats::default(), &limits);
    assert_eq!(found.iter().map(|d| d.code).collect::<Vec<_>>(), ["too-many-requests"]);
    assert!(found[0].help.as_deref().is_some_and(|h| h.contains("--path-depth")));
}

mod lines {
    use proptest::prelude::*;

    use super::*;

    fn read_one(line: &str) -> Sample {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log");
        fs::write(&path, line).expect("written");
        read_lines(&[path], &Formats::default(), &Limits { threads: 1, ..Limits::default() }).0
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        /// Whatever a client puts into its headers, the line is read as it was meant or not at all.
        #[test]
        fn a_client_cannot_write_anothers_line(
            agent in "[ -~]{0,60}",
            path in "/[!-~]{0,40}",
            quote in prop::bool::ANY,
        ) {
            let agent = if quote { format!("{agent}\" \"-\" \"admin:80\" \"") } else { agent };
            let line = format!(
                "[2025-12-02T15:17:33.135Z] \"GET {path} HTTP/1.1\" 403 - \
                 rbac_access_denied_matched_policy[none] - \"-\" 0 19 0 - \"-\" \"{agent}\" \"id\" \
                 \"web.shop:8000\" \"-\" inbound-vip|8000|http|web.shop.svc.cluster.local; - \
                 10.96.0.10:8000 10.0.0.1:4000 - default\n"
            );
            let sample = read_one(&line);
            for class in sample.classes() {
                prop_assert!(matches!(class.outcome, Outcome::Refused(_)));
                prop_assert_eq!(class.to.service_port, Some(8000));
                prop_assert_eq!(class.from.address.map(|a| sample.text(a)), Some("10.0.0.1"));
                let waypost::traffic::Content::Http { path: read, .. } = class.content else {
                    panic!("HTTP");
                };
                let meant = path.split(['?', '#']).next().unwrap_or_default();
                prop_assert_eq!(sample.text(read), meant);
            }
        }

        /// Any bytes end, without a panic.
        #[test]
        fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("log");
            fs::write(&path, bytes).expect("written");
            let _ = read_lines(&[path], &Formats::default(), &Limits::default());
        }
    }
}

mod verb {
    use super::*;
    use crate::program::{waypost, waypost_reading};

    #[test]
    fn the_report_begins_with_what_is_refused_then() {
        let ran = waypost(
            &folder(),
            &["access", "replay", "now", "logs/waypoint.log", "--against", "then"],
        );
        assert_eq!(ran.code, 3, "{}", ran.stderr);
        insta::assert_snapshot!(ran.stdout, @r#"
        6 requests from 2025-12-02T15:17:30Z to 2025-12-02T15:19:30Z (3 distinct, 8 lines), asked at folder now, folder then

        2 requests of 1 caller: allowed in the log, and refused then
          client/sleep to shop/web:8000: 2 requests
            GET /internal/report: 2 requests, first seen 2025-12-02T15:18:30Z, last 2025-12-02T15:18:31Z
              log:  allowed (waypoint)
              now:  allow at ztunnel of shop/web: allowed: no policy denies, and none allows
              then: deny at waypoint shop/waypoint: denied by ns[shop]-policy[no-internal]-rule[0] (folder then)

        1 request without an answer
          1 request: the client's address belongs to no known pod, such as 10.0.0.77 to web.shop.svc.cluster.local:8000, GET /get

        1 line not read: it has no known format, is cut, or can be read in several ways; the first is logs/waypoint.log:7
          [2025-12-02T15:17:43.221Z] "GET /get HTTP/1.1" 20
        "#);
    }

    #[test]
    fn every_format_names_the_same_requests() {
        for (format, part) in [
            ("json", "\"finding\": \"lost\""),
            ("markdown", "GET /internal/report"),
            ("text", "GET /internal/report"),
        ] {
            let arguments =
                ["access", "replay", "now", "logs", "--against", "then", "--format", format];
            let ran = waypost(&folder(), &arguments);
            assert_eq!(ran.code, 3, "{}", ran.stderr);
            assert!(ran.stdout.contains(part), "{format}: {}", ran.stdout);
        }
    }

    #[test]
    fn names_are_numbers_where_they_are_to_be_hidden() {
        let arguments =
            ["access", "replay", "now", "logs", "--against", "then", "--redact", "--all"];
        let ran = waypost(&folder(), &arguments);
        for name in ["sleep", "admin", "10.0.0", "no-internal", "no-admin"] {
            assert!(!ran.stdout.contains(name), "{name}: {}", ran.stdout);
        }
        assert!(ran.stdout.contains("#2 to #3"), "{}", ran.stdout);
    }

    #[test]
    fn a_log_of_another_mesh_is_one_finding() {
        let line = "istio_requests_total{reporter=\"source\",source_workload=\"sleep\",\
            source_workload_namespace=\"client\",destination_service=\"x.y.svc.cluster.local\",\
            response_code=\"200\"} 1\n";
        let ran = waypost_reading(&folder(), &["access", "replay", "now", "-"], line);
        assert_eq!(ran.code, 3);
        assert!(ran.stderr.contains("error[log-of-another-mesh]"), "{}", ran.stderr);
    }

    #[test]
    fn text_that_is_no_log_and_files_that_are_not_there_are_one_finding_each() {
        let ran = waypost_reading(&folder(), &["access", "replay", "now", "-"], "hello\nworld\n");
        assert!(ran.stderr.contains("error[no-request-in-log]"), "{}", ran.stderr);
        let ran = waypost(&folder(), &["access", "replay", "now", "logs/none.log"]);
        assert_eq!(ran.stderr.matches("error[").count(), 1, "{}", ran.stderr);
        assert!(ran.stderr.contains("error[unreadable-log]"), "{}", ran.stderr);
        let arguments = ["access", "replay", "now", "logs", "--log-format", "%PROTOCOL%%PROTOCOL%"];
        let ran = waypost(&folder(), &arguments);
        assert!(ran.stderr.contains("error[bad-log-format]"), "{}", ran.stderr);
    }

    #[test]
    fn a_format_of_the_meshs_own_names_the_client_by_its_certificate() {
        let line = "GET /get 403 rbac_access_denied_matched_policy[ns[shop]-policy[no-admin]-rule[0]] \
            inbound-vip|8000|http|web.shop.svc.cluster.local 10.96.0.10:8000 10.0.0.99:1 \
            spiffe://cluster.local/ns/client/sa/admin\n";
        let format = "%REQ(:METHOD)% %REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_CODE_DETAILS% \
            %UPSTREAM_CLUSTER% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% \
            %DOWNSTREAM_PEER_URI_SAN%";
        let arguments = ["access", "replay", "now", "-", "--log-format", format];
        let ran = waypost_reading(&folder(), &arguments, line);
        assert_eq!(ran.code, 0, "{} {}", ran.stdout, ran.stderr);
        assert!(ran.stderr.contains("0 of 1 request of the sample change"), "{}", ran.stderr);
    }

    #[test]
    fn tests_from_logs_hold_where_they_were_made() {
        let ran = waypost(&folder(), &["access", "suggest", "now", "--from-logs", "logs"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert!(ran.stdout.contains("GET /internal/report"), "{}", ran.stdout);
        // as a shell writes out `logs/*`
        let mut files: Vec<String> = fs::read_dir(folder().join("logs"))
            .expect("logs")
            .map(|file| format!("logs/{}", file.expect("a log").file_name().display()))
            .collect();
        files.sort();
        let mut arguments = vec!["access", "suggest", "now", "--from-logs"];
        arguments.extend(files.iter().map(String::as_str));
        assert_eq!(waypost(&folder(), &arguments).stdout, ran.stdout);
        let copy = tempfile::tempdir().expect("a folder");
        fs::copy(folder().join("now/mesh.yaml"), copy.path().join("mesh.yaml")).expect("a copy");
        fs::write(copy.path().join("access.yaml"), &ran.stdout).expect("written");
        let ran = waypost(copy.path(), &["access", "test", "."]);
        assert_eq!(ran.code, 0, "{} {}", ran.stdout, ran.stderr);
    }

    /// How many rules of `mesh`'s policies the tests of a run of `suggest` would not miss: mutants, and those
    /// that nothing notices.
    fn mutation_score(mesh: &str, arguments: &[&str]) -> String {
        let ran = waypost(&folder(), &[&["access", "suggest", mesh], arguments].concat());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let copy = tempfile::tempdir().expect("a folder");
        let file = folder().join(mesh).join("mesh.yaml");
        fs::copy(file, copy.path().join("mesh.yaml")).expect("a copy");
        fs::write(copy.path().join("access.yaml"), &ran.stdout).expect("written");
        let ran = waypost(copy.path(), &["access", "test", "."]);
        assert_eq!(ran.code, 0, "what is suggested holds: {} {}", ran.stdout, ran.stderr);
        let ran = waypost(copy.path(), &["access", "test", ".", "--mutate"]);
        ran.stderr.lines().last().unwrap_or_default().to_owned()
    }

    /// A log asks for what callers really want, and shows no rule that nobody runs into: tests of both
    /// kinds stand beside each other.
    #[test]
    fn tests_from_logs_notice_the_rules_that_callers_run_into() {
        let logs: &[&str] = &["--from-logs", "logs"];
        assert_eq!(mutation_score("now", &[]), "2 mutants, 0 that no test notices");
        assert_eq!(mutation_score("now", logs), "2 mutants, 0 that no test notices");
        assert_eq!(mutation_score("then", &[]), "2 mutants, 0 that no test notices");
        assert_eq!(mutation_score("then", logs), "2 mutants, 1 that no test notices");
    }

    /// `--redact` left the names of the points and of the log files.
    #[test]
    fn names_of_points_and_files_are_hidden_too() {
        for format in ["text", "markdown", "json"] {
            let arguments = [
                "access",
                "replay",
                "now",
                "logs",
                "--against",
                "then",
                "--redact",
                "--all",
                "--format",
                format,
            ];
            let ran = waypost(&folder(), &arguments);
            for name in ["folder now", "folder then", "waypoint.log", "no-internal", "shop"] {
                assert!(!ran.stdout.contains(name), "{format} {name}: {}", ran.stdout);
            }
            assert!(ran.stdout.contains("point 1"), "{format}: {}", ran.stdout);
        }
    }

    /// `--pods` took a folder alone: a file was looked for among the environments.
    #[test]
    fn pods_of_that_time_are_read_from_a_file() {
        let copy = tempfile::tempdir().expect("a folder");
        let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: sleep, namespace: client}\nstatus: {podIP: 10.0.0.77}\n";
        fs::write(copy.path().join("pods.yaml"), pod).expect("written");
        let pods = copy.path().join("pods.yaml");
        let pods = pods.to_str().expect("UTF-8");
        let arguments = ["access", "replay", "now", "logs/waypoint.log", "--pods", pods];
        let ran = waypost(&folder(), &arguments);
        assert_eq!(ran.code, 0, "{} {}", ran.stdout, ran.stderr);
        assert!(!ran.stdout.contains("belongs to no known pod"), "{}", ran.stdout);
    }
}
