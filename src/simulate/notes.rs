//! What an answer takes for granted, and which rule came nearest: what a person needs to know to believe
//! an answer, or to change it.

use super::decision::{Decision, Point, Reason, Rule, Step, Walk};
use super::envoy::{ChainKind, Facts, Policies as _};
use super::mesh::{Binding, Mesh, PodState, Role, Source};
use super::path::{Hop, Way};
use super::policy::Action;
use super::request::{Client, Destination, Prepared, Request};
use super::request_authentication::Token;

impl Mesh {
    /// What was taken for granted about a request and its way, a sentence each.
    pub fn assumptions(&self, request: &Request, decision: &Decision) -> Vec<String> {
        let mut notes = Vec::new();
        let prepared = Prepared::new(self, request.to, &request.http, request.raw_tcp);
        let steps = || decision.walks.iter().flat_map(|walk| &walk.steps);
        if request.http.host.is_none() && steps().any(|s| s.chain == Some(ChainKind::Http)) {
            let (host, _) = Prepared::ordinary(self, request.to);
            notes.push(format!("the request is taken to have the Host `{host}`"));
        }
        if prepared.is_tls && request.http.sni.is_none() {
            notes.push(if prepared.sni.is_empty() {
                "the client's TLS is taken to name no server".to_owned()
            } else {
                format!("the client's TLS is taken to name the server `{}`", prepared.sni)
            });
        }
        if request.http.sni.is_some() && !prepared.is_tls {
            notes.push(
                "the port is not said to be TLS, so waypoints do not look for a server name".into(),
            );
        }
        notes.extend(self.assumed_hbone(request, decision));
        notes.extend(self.left_out(request));
        for step in steps() {
            notes.extend(self.pods_of(step));
        }
        notes.extend(self.also_udp(request));
        let mut seen = std::collections::BTreeSet::new();
        notes.retain(|note| seen.insert(note.clone()));
        notes
    }

    /// A sidecar of which nothing says that it speaks HBONE, before a server where that counts.
    fn assumed_hbone(&self, request: &Request, decision: &Decision) -> Option<String> {
        let Client::Workload(id) = request.from else { return None };
        let client = self.workload(id);
        let is_said = client.labels.contains_key("networking.istio.io/tunnel");
        let counts = decision
            .walks
            .iter()
            .filter_map(|walk| walk.endpoint)
            .any(|server| self.state(server) == PodState::Ambient);
        let assumed = client.role == Role::Application
            && self.state(id) == PodState::SidecarHbone
            && !is_said
            && counts;
        assumed.then(|| {
            format!(
                "the sidecar of {} is taken to speak HBONE, as those do that are injected with ambient \
                 mode on",
                self.workload_name(id)
            )
        })
    }

    /// A waypoint that labels name and that is not gone through.
    fn left_out(&self, request: &Request) -> Option<String> {
        let binding = match request.to {
            Destination::Service { service, .. } => self.service_binding(service),
            Destination::Pod { workload, .. } => self.workload_binding(workload),
        };
        let named = |id| {
            let gateway = self.gateway(id);
            format!("{}/{}", self.namespace(gateway.namespace).name, gateway.name)
        };
        Some(match binding {
            Binding::Missing { namespace, name } => format!(
                "the waypoint {namespace}/{name}, which a label names, is not shown and taken not to be there"
            ),
            Binding::Refused(id) => {
                format!("the waypoint {} does not admit the namespace, and is left out", named(*id))
            }
            Binding::Unserved(id) => {
                format!("the waypoint {} does not serve such traffic, and is left out", named(*id))
            }
            Binding::Bound(_) | Binding::Unbound => return None,
        })
    }

    /// Who makes the pods of a gateway or waypoint.
    fn pods_of(&self, step: &Step) -> Option<String> {
        let gateway = match step.point {
            Point::Waypoint(id) => self.gateway(id),
            Point::Gateway(workload) => {
                self.gateways().find(|(_, gateway)| gateway.workload == workload)?.1
            }
            _ => return None,
        };
        if matches!(step.reason, Reason::Unknown(_)) {
            return None;
        }
        let name = format!("{}/{}", self.namespace(gateway.namespace).name, gateway.name);
        let carrier = self.workload(gateway.workload);
        Some(if carrier.kind == "Gateway" {
            format!("istiod makes the pods of Gateway {name}")
        } else {
            format!(
                "the pods of Gateway {name} are those of {} {}, which its address or their label names",
                carrier.kind,
                self.workload_name(gateway.workload)
            )
        })
    }

    /// A port of UDP with the same number, which is not what was asked for.
    fn also_udp(&self, request: &Request) -> Option<String> {
        let Destination::Service { service, port } = request.to else { return None };
        let Source::Service(spec) = &self.service(service).source else { return None };
        let has = |tcp: bool| {
            spec.ports.iter().any(|p| {
                p.port == port
                    && if tcp { p.is_tcp() } else { p.protocol.as_deref() == Some("UDP") }
            })
        };
        (has(true) && has(false)).then(|| {
            format!("port {port} is also one of UDP, which no policy of Istio's holds back")
        })
    }

    /// The ALLOW rule that came nearest where none matched, and the fields that did not: of an Envoy,
    /// for a request without a token.
    pub fn nearest(&self, request: &Request, walk: &Walk) -> Option<String> {
        let refused = walk.deciding().filter(|step| step.reason == Reason::NoneMatched)?;
        if request.http.token != Token::None {
            return None;
        }
        let kind = refused.chain?;
        let asked = walk.steps.iter().filter(|step| step.chain.is_some()).count();
        let prepared = Prepared::new(self, request.to, &request.http, request.raw_tcp);
        let mut steps = Vec::new();
        let hop = Hop::of(self, request.from);
        let met = Way::new(self, &prepared, hop, &mut steps).survey(walk.endpoint);
        let here = met.get(asked.checked_sub(1)?)?;
        let http = (kind == ChainKind::Http).then_some(&prepared.http);
        let facts = Facts { http, ..here.facts };
        let point = &self.fixed.points.envoy[here.point];
        let mut best: Option<(usize, String)> = None;
        for id in &point.policies {
            let policy = self.policy(*id);
            if policy.action != Action::Allow || policy.dry_run {
                continue;
            }
            for rule in &self.fixed.compiled(*id).of(kind).rules {
                let failed = rule.failed(&facts);
                if best.as_ref().is_none_or(|(count, _)| failed.len() < *count) {
                    let rule = Rule::Policy(*id, Some(rule.index));
                    let text = format!(
                        "nearest is {}: {} not match",
                        self.rule_name(rule),
                        fields(&failed)
                    );
                    best = Some((failed.len(), text));
                }
            }
        }
        best.map(|(_, text)| text)
    }
}

/// `paths and hosts do`
fn fields(failed: &[String]) -> String {
    let quoted: Vec<String> = failed.iter().map(|field| format!("`{field}`")).collect();
    match quoted.as_slice() {
        [one] => format!("{one} does"),
        all => format!("{} do", all.join(", ")),
    }
}
