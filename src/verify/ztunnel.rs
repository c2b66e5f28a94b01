//! ztunnel's own word: services go to the waypoint, pods are spoken to by HBONE.

use super::{Dump, One, Verdict};
use crate::diagnostic::Diagnostic;
use crate::model::{DataplaneMode, WaypointFor};

const SERVICES: &str = "ztunnel sends services to the waypoint";
const WORKLOADS: &str = "ztunnel speaks HBONE with the pods";
const RESTART: &str = "`istioctl ztunnel-config all` shows each ztunnel by itself; if only some differ, restart those: `kubectl rollout restart daemonset/ztunnel -n istio-system` breaks connections";

pub(super) fn check(one: &One<'_>, dump: &Dump, verdict: &mut Verdict) {
    services(one, dump, verdict);
    workloads(one, dump, verdict);
}

fn services(one: &One<'_>, dump: &Dump, verdict: &mut Verdict) {
    let fronts = |w: WaypointFor| matches!(w, WaypointFor::All | WaypointFor::Service);
    let Some(waypoint) = one.waypoint().filter(|w| fronts(w.waypoint_for)) else { return };
    let waypoint = waypoint.name.as_str();
    let addresses: Vec<&str> = dump
        .services
        .iter()
        .filter(|s| s.namespace == one.name() && s.name == waypoint)
        .flat_map(|s| s.addresses.iter().map(String::as_str))
        .collect();
    // a Service may say for itself which waypoint it wants
    let chooses = |name: &str| {
        dump.inside(one.name(), "", "Service")
            .any(|s| s.name == name && s.labels.contains_key("istio.io/use-waypoint"))
    };
    let mut found = Vec::new();
    let inside = dump.services.iter().filter(|s| s.namespace == one.name() && s.name != waypoint);
    let is_told = inside.clone().next().is_some();
    for service in inside.filter(|s| !chooses(&s.name)) {
        let message = match &service.waypoint {
            None => format!("ztunnel sends `{}/{}` past the waypoint", one.name(), service.name),
            Some(other) if is_elsewhere(other, waypoint, &addresses) => format!(
                "ztunnel sends `{}/{}` to `{other}`, which is not the waypoint `{waypoint}`",
                one.name(),
                service.name
            ),
            Some(_) => continue,
        };
        found.push(
            Diagnostic::error("service-past-waypoint", message)
                .at(service.span, "no rule that needs the waypoint is enforced for it")
                .help(format!(
                    "the namespace must carry `istio.io/use-waypoint={waypoint}`: `kubectl get namespace {} --show-labels`; {RESTART}",
                    one.name()
                )),
        );
    }
    let known =
        |name: &str| dump.services.iter().any(|s| s.namespace == one.name() && s.name == name);
    let missing = one.namespace.services.keys().map(|name| name.as_str()).filter(|s| !known(s));
    if !dump.services.is_empty() {
        found.extend(missing.map(|name| {
            Diagnostic::error(
                "service-unknown-to-ztunnel",
                format!("ztunnel does not know service `{}/{name}`", one.name()),
            )
            .help(format!("`kubectl get service {name} -n {}`; {RESTART}", one.name()))
        }));
    }
    verdict.answer(Some(one.name()), SERVICES, is_told, found);
}

/// A destination is an address, `network/address`, or `namespace/host`.
fn is_elsewhere(destination: &str, waypoint: &str, addresses: &[&str]) -> bool {
    let last = |text: &str| text.rsplit('/').next().unwrap_or_default().to_owned();
    let is_host =
        destination.chars().any(|c| c.is_ascii_alphabetic()) && !destination.contains(':');
    if is_host && last(destination).contains('.') {
        return !last(destination).starts_with(&format!("{waypoint}."));
    }
    !addresses.is_empty() && !addresses.iter().any(|a| last(a) == last(destination))
}

fn workloads(one: &One<'_>, dump: &Dump, verdict: &mut Verdict) {
    let mut is_told = false;
    let mut found = Vec::new();
    for workload in dump.workloads.iter().filter(|w| w.namespace == one.name()) {
        let pod = dump.inside(one.name(), "", "Pod").find(|pod| pod.name == workload.name);
        let is_ambient = match pod {
            Some(pod) => {
                super::pods::is_workload(pod)
                    && super::pods::mode(one, pod) == DataplaneMode::Ambient
            }
            // without its pod: by the name that a Deployment gives
            None => {
                !one.waypoint().is_some_and(|w| workload.name.starts_with(&format!("{}-", w.name)))
            }
        };
        is_told |= is_ambient;
        if is_ambient && workload.protocol != "HBONE" {
            found.push(
                Diagnostic::error(
                    "workload-not-hbone",
                    format!("ztunnel speaks {} with `{}/{}`, not HBONE", workload.protocol, one.name(), workload.name),
                )
                .at(workload.span, "its traffic is not encrypted, and no policy is enforced for it")
                .help(format!(
                    "the pod has a sidecar, or istio-cni has not captured it: `kubectl get pod {} -n {} -o yaml`",
                    workload.name,
                    one.name()
                )),
            );
        }
    }
    verdict.answer(Some(one.name()), WORKLOADS, is_told, found);
}
