//! A gain is accepted for one caller and one destination, by name.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test may fail this way")]

use std::fs;

use crate::program::Ran;
use crate::translate::{EVERY_LOSS, copied, policy, translate};

/// Clients speak mutual TLS to pods without a proxy: the call never worked, and does in ambient mode.
const MUTUAL: &str = "---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: redis, namespace: shop}
spec:
  host: redis.shop.svc.cluster.local
  trafficPolicy: {tls: {mode: ISTIO_MUTUAL}}
";

fn entry(from: &str, to: &str, expires: &str) -> String {
    format!(
        "- {{kind: gain, from: {from}, to: {to}, reason: known, owner: shop, expires: {expires}}}\n"
    )
}

fn translated(accepted: &str) -> Ran {
    let folder = copied(&(policy("outside") + MUTUAL));
    fs::write(folder.path().join("accept.yaml"), accepted).unwrap();
    translate(folder.path(), &[&EVERY_LOSS[..], &["--accept", "accept.yaml"]].concat())
}

const TO: &str = "shop/redis:6379";

#[test]
fn a_gain_is_accepted_for_one_pair_until_a_day() {
    let gains = |ran: &Ran| ran.stderr.matches("error[proof-gain]").count();
    let refused = translated("[]");
    assert_eq!(refused.code, 3, "{}", refused.stderr);
    let all = gains(&refused);
    assert!(
        all > 1 && refused.stderr.contains("web/front would gain shop/redis:6379"),
        "{}",
        refused.stderr
    );
    let one = translated(&entry("web/front", TO, "2999-12-31"));
    assert_eq!((one.code, gains(&one)), (3, all - 1), "{}", one.stderr);
    assert!(
        one.stderr.contains("note[gain-accepted]: web/front gains shop/redis:6379"),
        "{}",
        one.stderr
    );
    let every: String = refused
        .stderr
        .lines()
        .filter_map(|line| line.strip_prefix("error[proof-gain]: ")?.split_once(" would gain "))
        .map(|(from, rest)| entry(from, rest.split_once(" with ").unwrap().0, "2999-12-31"))
        .collect();
    let ran = translated(&every);
    assert_eq!((ran.code, gains(&ran)), (0, 0), "{}", ran.stderr);
    let expired = translated(&entry("web/front", TO, "2020-01-01"));
    assert_eq!((expired.code, gains(&expired)), (3, all), "{}", expired.stderr);
    assert!(expired.stderr.contains("warning[expired-consent]"), "{}", expired.stderr);
}

#[test]
fn a_gain_is_never_accepted_by_kind_or_for_everybody() {
    for wrong in [
        "- {kind: gain, reason: known, owner: shop, expires: 2999-12-31}\n",
        "- {kind: gain, namespace: shop, policy: read, reason: known, owner: shop, expires: 2999-12-31}\n",
        "- {kind: pod-addresses, from: web/front, to: shop/cart:8000, reason: known, owner: shop, expires: 2999-12-31}\n",
    ] {
        let ran = translated(wrong);
        assert!(
            ran.code == 3 && ran.stderr.contains("error[bad-consent]"),
            "{wrong}: {}",
            ran.stderr
        );
    }
    let refused = translated("[]");
    let everybody = translated(&entry("outside", TO, "2999-12-31"));
    let gains = |ran: &Ran| ran.stderr.matches("error[proof-gain]").count();
    assert_eq!(gains(&everybody), gains(&refused), "{}", everybody.stderr);
}
