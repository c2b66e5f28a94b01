//! What a real Envoy decided with istiod's own filters, recorded by `tests/mesh/judge/run --record`.
//! The first line of the recording names the versions.

use serde_json::{Value, json};

#[path = "../../judge/case.rs"]
mod case;

/// Holds the simulator against all recorded cases whose name starts so.
#[track_caller]
fn holds(name: &str) {
    let recorded = std::fs::read_to_string("tests/judge/recorded.jsonl").unwrap();
    let mut decisions = 0;
    let mut differences = Vec::new();
    for line in recorded.lines().skip(1) {
        let value: Value = serde_json::from_str(line).unwrap();
        if !value["id"].as_str().unwrap().starts_with(name) {
            continue;
        }
        let case: case::Case = serde_json::from_value(value.clone()).unwrap();
        let found = case::answer(&case).unwrap();
        let expected = value["results"].as_array().unwrap();
        assert_eq!(found.len(), expected.len(), "{}", case.id);
        for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
            // Envoy's codec was first
            if expected["verdict"] == json!("error") {
                continue;
            }
            decisions += 1;
            let text = |of: &Value, key: &str| of[key].as_str().unwrap_or_default().to_owned();
            let passed = expected["verdict"] == json!("allow");
            let asked = (text(expected, "asked"), text(found, "asked"));
            let same_rule = if passed && asked != Default::default() {
                // the simulator names the policy that asks, Envoy the rule
                !asked.1.is_empty() && asked.0.starts_with(&asked.1)
            } else {
                // of a connection that passes Envoy does not tell the rule
                (passed && expected.get("status").is_none())
                    || text(found, "policy") == text(expected, "policy")
            };
            if found["verdict"] != expected["verdict"] || !same_rule {
                let request = &value["requests"][i];
                differences
                    .push(format!("{}: {request}: Envoy {expected}, found {found}", case.id));
            }
        }
    }
    assert!(decisions > 0, "nothing is recorded for `{name}`");
    assert!(
        differences.is_empty(),
        "{} of {decisions}:\n{}",
        differences.len(),
        differences.join("\n")
    );
}

#[test]
fn headers_as_envoy_has_them() {
    holds("header ");
}

#[test]
fn headers_and_paths_of_http2_as_envoy_has_them() {
    holds("http2 ");
}

#[test]
fn paths_as_envoy_normalises_them() {
    holds("path ");
}

#[test]
fn templates_as_envoy_matches_them() {
    holds("template ");
}

#[test]
fn claims() {
    holds("claim ");
}

#[test]
fn tokens() {
    holds("token ");
}

#[test]
fn dry_runs() {
    holds("dry run ");
}

#[test]
fn custom_policies() {
    holds("CUSTOM ");
}

#[test]
fn metadata_of_filters_holds_on_tcp_too() {
    holds("experimental ");
}

#[test]
fn values_that_istiod_cannot_read() {
    holds("bad ");
}

#[test]
fn forwarded_for() {
    holds("forwarded");
}

#[test]
fn mtls_on_all_levels() {
    holds("mtls ");
}

#[test]
fn trust_domains() {
    holds("trust domains");
}

#[test]
fn waypoints() {
    holds("waypoint");
}

#[test]
fn declared_ports_at_sidecar_and_waypoint() {
    holds("ports of ");
}

#[test]
fn gateways() {
    holds("gateway ");
}

#[test]
fn every_other_probe() {
    holds("");
}
