//! What logs leave out of a request: headers, tokens, and the address behind X-Forwarded-For.

use super::decision::Step;
use super::envoy::{ChainKind, Policies, Test};
use super::mesh::{Mesh, Protocol, WorkloadId};
use super::path::{Hop, Met, Way};
use super::policy::Action;
use super::request::{Destination, Prepared, Request};

impl Mesh {
    /// True where a destination's port is declared as HTTP.
    pub fn speaks_http(&self, to: Destination) -> bool {
        Prepared::ordinary(self, to).1 == Protocol::Http
    }

    /// May a header or a token turn the answer to this request, which has neither? True where any
    /// proxy on the way asks for a token, or has a rule for this client that reads one of them.
    pub fn depends_on_unlogged(&self, request: &Request) -> bool {
        let prepared = Prepared::new(self, request.to, &request.http, request.raw_tcp);
        let hop = Hop::of(self, request.from);
        let mut steps: Vec<Step> = Vec::new();
        let endpoints: Vec<Option<WorkloadId>> = match request.to {
            Destination::Pod { workload, .. } => vec![Some(workload)],
            Destination::Service { service, .. } => {
                self.service(service).endpoints.iter().copied().map(Some).collect()
            }
        };
        endpoints.into_iter().any(|endpoint| {
            let met = Way::new(self, &prepared, hop, &mut steps).survey(endpoint);
            met.iter().any(|met| self.reads_unlogged(met))
        })
    }

    fn reads_unlogged(&self, met: &Met<'_>) -> bool {
        if met.kind != ChainKind::Http {
            return false;
        }
        let fixed = &*self.fixed;
        let point = &fixed.points.envoy[met.point];
        if !point.request_authentications.is_empty() {
            return true;
        }
        let decide = point.policies.iter().filter(|id| {
            let policy = fixed.policy(**id);
            !policy.dry_run && policy.action != Action::Audit
        });
        decide
            .flat_map(|id| &fixed.compiled(*id).of(met.kind).rules)
            .filter(|rule| rule.is_candidate(met.facts.peer))
            .any(|rule| rule.tests().any(is_unlogged))
    }
}

/// A test of what no log line has.
fn is_unlogged(test: &Test) -> bool {
    match test {
        Test::Header(name, _) => {
            !matches!(name.as_str(), ":method" | ":path" | ":authority" | "host")
        }
        Test::RequestPrincipal(_) | Test::Claim(..) | Test::RemoteIp(_) => true,
        Test::Identity(_)
        | Test::SourceIp(_)
        | Test::DestinationIp(_)
        | Test::DestinationPort(_)
        | Test::Sni(_)
        | Test::Host(_)
        | Test::Method(_)
        | Test::Path(_)
        | Test::Never => false,
    }
}
