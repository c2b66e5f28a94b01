//! In which order namespaces should move, by who really calls whom.

use super::traffic::Journey;
use crate::model::{Environment, StageDefinition};
use crate::replay::{Edge, Side};
use crate::report::diff::{EnvironmentReport, Traffic};
use crate::report::traffic::requests;

/// Says at each step what its order costs: callers that are refused on the way only, and callers that
/// move later than what they call.
pub(super) fn suggest(
    environment: &Environment,
    journey: &Journey,
    steps: &mut [EnvironmentReport],
) {
    for report in steps {
        let moves = report.migration.as_ref().and_then(|migration| migration.after.clone());
        let Traffic::Replayed(weighed) = &mut report.traffic else { continue };
        let mut order = Vec::new();
        for row in weighed.replay.on_the_way_only(journey.end()) {
            let together = match &row.between {
                Some((from, to)) if from != to => {
                    format!(": move `{}` and `{}` in one stage", from.namespace, to.namespace)
                }
                _ => String::new(),
            };
            order.push(format!(
                "`{}` to `{}` ({}, {}) is refused on the way only: the end of the migration allows \
                 it{together}",
                row.from,
                row.to,
                row.request,
                requests(row.count)
            ));
        }
        if let Some(moves) = moves.as_deref() {
            order.extend(weighed.edges.iter().filter_map(|edge| late(environment, edge, moves)));
        }
        weighed.order = order;
    }
}

/// A caller that moves in a later stage than what it calls, told where the stage of the latter begins.
///
/// Traffic from a sidecar goes past the waypoint of what it calls (facts/field.md 1.4; istio/istio#51445).
fn late(environment: &Environment, edge: &Edge, moves: &str) -> Option<String> {
    let stage = |side: &Side| environment.stages.iter().position(|stage| has(stage, side));
    let (client, server) = (stage(&edge.from)?, stage(&edge.to)?);
    let (own, later) = (environment.stages.get(server)?, environment.stages.get(client)?);
    let begins = moves == format!("{}/mesh", own.name);
    (client > server && begins).then(|| {
        format!(
            "`{}` calls `{}` ({}) and moves after it, in stage `{}`: until then its sidecars send past the \
             waypoint; move it before, or in the same stage",
            edge.from.namespace,
            edge.to.namespace,
            requests(edge.requests),
            later.name
        )
    })
}

fn has(stage: &StageDefinition, side: &Side) -> bool {
    stage
        .namespaces
        .iter()
        .any(|id| id.cluster.as_str() == side.cluster && id.namespace.as_str() == side.namespace)
}
