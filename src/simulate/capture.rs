//! Which ports a sidecar's pod redirects to its proxy, on both ends (istio/istio:manifests/charts/
//! istio-control/istio-discovery/files/injection-template.yaml, the arguments of istio-init;
//! tools/istio-iptables/pkg/capture/run.go). Ambient reads none of these annotations: ztunnel has
//! every port.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::matcher::IpBlock;
use crate::k8s::Labels;

const PREFIX: &str = "traffic.sidecar.istio.io/";

/// The ports of the sidecar itself: they are never redirected (injection-template.yaml
/// `excludeInboundPorts`; facts/outbound.md 03). The first is that of the merged metrics and the
/// probes, which an annotation moves.
const STATUS_PORT: u16 = 15020;
const OWN_PORTS: [u16; 2] = [15021, 15090];

/// What the proxy of a pod with a sidecar gets to see.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Capture {
    /// Nothing at all is redirected.
    none: bool,
    /// The port of the metrics and the probes, where it is not 15020.
    status_port: Option<u16>,
    /// `includeInboundPorts`: these alone; `None` is all.
    inbound: Option<BTreeSet<u16>>,
    /// `excludeInboundPorts`: counts where all are redirected.
    not_inbound: BTreeSet<u16>,
    /// `excludeOutboundPorts`.
    not_outbound: BTreeSet<u16>,
    /// `includeOutboundPorts`: these, whatever the ranges say.
    outbound_ports: BTreeSet<u16>,
    /// `includeOutboundIPRanges`: these alone; `None` is all.
    ranges: Option<Vec<IpBlock>>,
    /// `excludeOutboundIPRanges`.
    not_ranges: Vec<IpBlock>,
}

/// Is a connection redirected?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Redirected {
    /// Yes: the proxy has it.
    Yes,
    /// No: it goes where it is addressed.
    No,
    /// That depends on an address that no manifest shows.
    Unknown,
}

impl Capture {
    /// Reads a pod's annotations; `None` where they say nothing. Also the annotations that cannot be
    /// read: the injector refuses such a pod (istio/istio:pkg/kube/inject/validate.go).
    pub fn read(annotations: &Labels) -> (Option<Box<Self>>, Vec<String>) {
        let mut bad = Vec::new();
        let mut read = Self::default();
        let value = |key: &str| annotations.get(&format!("{PREFIX}{key}")).map(String::as_str);
        let mut ports = |key: &str, text: &str| {
            let (ports, wrong) = list(text, |port| port.parse().ok());
            bad.extend(wrong.into_iter().map(|w| format!("`{w}` in `{PREFIX}{key}` is no port")));
            ports.into_iter().collect::<BTreeSet<u16>>()
        };
        if let Some(text) = value("includeInboundPorts").filter(|text| text.trim() != "*") {
            read.inbound = Some(ports("includeInboundPorts", text));
        }
        if let Some(text) = value("excludeInboundPorts") {
            read.not_inbound = ports("excludeInboundPorts", text);
        }
        if let Some(text) = value("excludeOutboundPorts") {
            read.not_outbound = ports("excludeOutboundPorts", text);
        }
        if let Some(text) = value("includeOutboundPorts") {
            read.outbound_ports = ports("includeOutboundPorts", text);
        }
        let mut ranges = |key: &str, text: &str| {
            let (ranges, wrong) = list(text, IpBlock::parse);
            bad.extend(wrong.into_iter().map(|w| format!("`{w}` in `{PREFIX}{key}` is no range")));
            ranges
        };
        if let Some(text) = value("includeOutboundIPRanges").filter(|text| text.trim() != "*") {
            read.ranges = Some(ranges("includeOutboundIPRanges", text));
        }
        if let Some(text) = value("excludeOutboundIPRanges") {
            read.not_ranges = ranges("excludeOutboundIPRanges", text);
        }
        // the pod's own interface carries everything from and to other pods
        let interfaces = value("excludeInterfaces").unwrap_or_default();
        let mode = annotations.get("sidecar.istio.io/interceptionMode").map(String::as_str);
        read.none = interfaces.split(',').any(|i| i.trim() == "eth0") || mode == Some("NONE");
        let status = annotations.get("status.sidecar.istio.io/port");
        read.status_port = status.and_then(|p| p.parse().ok()).filter(|p| *p != STATUS_PORT);
        let read = (read != Self::default()).then(|| Box::new(read));
        (read, bad)
    }

    /// Is a port of the pod redirected to its sidecar? HBONE comes to the proxy's own port, whatever
    /// this says.
    pub fn inbound(this: Option<&Self>, port: u16) -> bool {
        let Some(this) = this else { return port != STATUS_PORT && !OWN_PORTS.contains(&port) };
        if this.none {
            return false;
        }
        match &this.inbound {
            Some(ports) => ports.contains(&port),
            None => {
                port != this.status_port.unwrap_or(STATUS_PORT)
                    && !OWN_PORTS.contains(&port)
                    && !this.not_inbound.contains(&port)
            }
        }
    }

    /// Is a connection of the pod redirected to its sidecar? In the order of run.go `Run`: excluded
    /// ports, excluded ranges, included ports, included ranges.
    pub fn outbound(this: Option<&Self>, port: u16, ip: Option<IpAddr>) -> Redirected {
        let Some(this) = this else { return Redirected::Yes };
        if this.none || this.not_outbound.contains(&port) {
            return Redirected::No;
        }
        let excluded = within(&this.not_ranges, ip);
        if excluded == Some(true) {
            return Redirected::No;
        }
        let included = match &this.ranges {
            _ if this.outbound_ports.contains(&port) => Some(true),
            None => Some(true),
            Some(ranges) => within(ranges, ip),
        };
        match (excluded, included) {
            (_, Some(false)) => Redirected::No,
            (Some(_), Some(true)) => Redirected::Yes,
            _ => Redirected::Unknown,
        }
    }

    /// The ports of other pods that these annotations name.
    pub fn named_outbound(&self) -> impl Iterator<Item = u16> {
        self.not_outbound.iter().chain(&self.outbound_ports).copied()
    }

    /// The ports of a pod that these annotations name.
    pub fn named_inbound(&self) -> impl Iterator<Item = u16> {
        self.not_inbound.iter().chain(self.inbound.iter().flatten()).copied()
    }
}

/// The ports at which a pod's annotations have it scraped: the application's own, and with a sidecar
/// the sidecar's, which merges both (istio/istio:pkg/kube/inject/webhook.go `applyPrometheusMerge`).
pub(super) fn scraped(annotations: &Labels, has_sidecar: bool) -> impl Iterator<Item = u16> {
    let value = |key: &str| annotations.get(key).map(String::as_str);
    let wanted = value("prometheus.io/scrape") == Some("true");
    let own = value("prometheus.io/port").and_then(|port| port.parse().ok());
    let status = value("status.sidecar.istio.io/port").and_then(|port| port.parse().ok());
    let merged = (wanted && has_sidecar).then(|| status.unwrap_or(STATUS_PORT));
    own.filter(|_| wanted).into_iter().chain(merged)
}

/// Is an address in one of these? `None` where the address is not known and that matters.
fn within(ranges: &[IpBlock], ip: Option<IpAddr>) -> Option<bool> {
    match ip {
        _ if ranges.is_empty() => Some(false),
        Some(ip) => Some(ranges.iter().any(|range| range.contains(ip))),
        None if ranges.iter().any(|range| range.length() == 0) => Some(true),
        None => None,
    }
}

/// A list with commas, and what in it cannot be read.
fn list<T>(text: &str, read: impl Fn(&str) -> Option<T>) -> (Vec<T>, Vec<String>) {
    let mut good = Vec::new();
    let mut bad = Vec::new();
    for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
        match read(item) {
            Some(value) => good.push(value),
            None => bad.push(item.to_owned()),
        }
    }
    (good, bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capture(annotations: &[(&str, &str)]) -> Option<Box<Capture>> {
        let labels = annotations.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let (read, bad) = Capture::read(&labels);
        assert_eq!(bad, Vec::<String>::new());
        read
    }

    #[test]
    fn the_sidecars_own_ports_are_never_redirected() {
        for port in [15020, 15021, 15090] {
            assert!(!Capture::inbound(None, port), "{port}");
        }
        assert!(Capture::inbound(None, 8080));
        let moved = capture(&[("status.sidecar.istio.io/port", "9000")]);
        assert!(!Capture::inbound(moved.as_deref(), 9000));
        assert!(Capture::inbound(moved.as_deref(), 15020));
    }

    #[test]
    fn an_exclude_list_counts_only_where_all_ports_are_included() {
        let out = capture(&[("traffic.sidecar.istio.io/excludeInboundPorts", "9102, 9103")]);
        assert!(!Capture::inbound(out.as_deref(), 9103) && Capture::inbound(out.as_deref(), 80));
        let only = capture(&[
            ("traffic.sidecar.istio.io/includeInboundPorts", "80,9102"),
            ("traffic.sidecar.istio.io/excludeInboundPorts", "9102"),
        ]);
        assert!(Capture::inbound(only.as_deref(), 9102) && !Capture::inbound(only.as_deref(), 81));
        let none = capture(&[("traffic.sidecar.istio.io/includeInboundPorts", "")]);
        assert!(!Capture::inbound(none.as_deref(), 80));
    }

    #[test]
    fn ranges_need_the_address() {
        let ip = |text: &str| Some(text.parse().unwrap());
        let out = capture(&[("traffic.sidecar.istio.io/excludeOutboundIPRanges", "10.0.0.0/8")]);
        let out = out.as_deref();
        assert_eq!(Capture::outbound(out, 80, ip("10.1.1.1")), Redirected::No);
        assert_eq!(Capture::outbound(out, 80, ip("192.0.2.1")), Redirected::Yes);
        assert_eq!(Capture::outbound(out, 80, None), Redirected::Unknown);
        let only = capture(&[
            ("traffic.sidecar.istio.io/includeOutboundIPRanges", "10.0.0.0/8"),
            ("traffic.sidecar.istio.io/includeOutboundPorts", "443"),
        ]);
        let only = only.as_deref();
        assert_eq!(Capture::outbound(only, 80, ip("192.0.2.1")), Redirected::No);
        assert_eq!(Capture::outbound(only, 443, ip("192.0.2.1")), Redirected::Yes);
        assert_eq!(Capture::outbound(only, 80, None), Redirected::Unknown);
        let everything =
            capture(&[("traffic.sidecar.istio.io/excludeOutboundIPRanges", "0.0.0.0/0")]);
        assert_eq!(Capture::outbound(everything.as_deref(), 80, None), Redirected::No);
    }

    #[test]
    fn what_is_no_port_is_told() {
        let labels = Labels::from([(
            "traffic.sidecar.istio.io/excludeInboundPorts".to_owned(),
            "80,http".to_owned(),
        )]);
        let (read, bad) = Capture::read(&labels);
        assert!(!Capture::inbound(read.as_deref(), 80));
        assert_eq!(bad, ["`http` in `traffic.sidecar.istio.io/excludeInboundPorts` is no port"]);
    }
}
