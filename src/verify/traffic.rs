//! The logs of ztunnel and of the waypoint: what is sent to a service of an ambient namespace goes to its
//! waypoint.

use std::collections::BTreeMap;

use super::{Dump, One, Verdict};
use crate::diagnostic::{Diagnostic, Span};
use crate::model::WaypointFor;

const QUESTION: &str = "traffic goes through the waypoint";

pub(super) fn check(one: &One<'_>, dump: &Dump, verdict: &mut Verdict) {
    let fronts = |w: WaypointFor| matches!(w, WaypointFor::All | WaypointFor::Service);
    let Some(waypoint) = one.waypoint().filter(|w| fronts(w.waypoint_for)) else { return };
    let identity = format!("/ns/{}/sa/{}", one.name(), waypoint.name);
    let pod = format!("{}-", waypoint.name);
    let sent: Vec<_> = dump
        .lines
        .iter()
        .filter(|line| line.get("direction") == "outbound")
        .filter(|line| {
            line.get("dst.namespace") == one.name() && !line.get("dst.service").is_empty()
        })
        // the waypoint itself sends to the pods
        .filter(|line| !line.get("src.identity").ends_with(&identity))
        .collect();
    let mut past: BTreeMap<(&str, &str, &str), (usize, &str, Span)> = BTreeMap::new();
    for line in sent.iter().filter(|line| !line.get("dst.workload").starts_with(&pod)) {
        let key = (line.get("src.namespace"), line.get("src.workload"), line.get("dst.service"));
        let (count, time, span) = past.entry(key).or_insert((0, "", line.span));
        *count += 1;
        if line.time.as_str() >= *time {
            (*time, *span) = (&line.time, line.span);
        }
    }
    let found = past
        .into_iter()
        .map(|((namespace, workload, service), (count, time, span))| {
            let times = if count == 1 { "once".to_owned() } else { format!("{count} times") };
            Diagnostic::error(
                "past-the-waypoint",
                format!("`{namespace}/{workload}` sent to `{service}` past the waypoint {times}"),
            )
            .at(span, format!("last at {time}"))
            .help(format!(
                "if this was before the namespace moved, take newer lines (`kubectl logs -n istio-system -l app=ztunnel --since=5m`); else `istioctl ztunnel-config service` and the label `istio.io/use-waypoint` of namespace `{}`",
                one.name()
            ))
        })
        .collect();
    // the waypoint's own log shows what came through it
    let came = dump.requests.iter().any(|request| request.namespace == one.name());
    verdict.answer(Some(one.name()), QUESTION, came || !sent.is_empty(), found);
}
