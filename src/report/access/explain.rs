//! One answer with every step and reason.

use serde_json::{Value, json};

use crate::report::visible::Lines;
use crate::simulate::{Decision, Mesh, Point, Request, Step, Verdict, Walk};

/// For a terminal.
pub fn explain(mesh: &Mesh, question: &str, request: &Request, decision: &Decision) -> String {
    let mut out = Lines::default();
    out.line(format_args!("{question}: {}", decision.verdict.as_str()));
    for walk in &decision.walks {
        out.line(format_args!(""));
        if let Some(id) = walk.endpoint.filter(|_| decision.walks.len() > 1) {
            out.line(format_args!("to {}: {}", mesh.workload_name(id), walk.verdict.as_str()));
        }
        for (number, step) in walk.steps.iter().enumerate() {
            out.line(format_args!(
                "  {} {}, port {}, seen as {}",
                number + 1,
                mesh.point_name(step.point),
                step.port,
                peer(mesh, step),
            ));
            out.line(format_args!("    {}", mesh.reason_text(step)));
            if step.unknown_address {
                out.line(format_args!(
                    "    an address is not known, so rules about it are taken not to match"
                ));
            }
        }
        out.line(format_args!("  the client sees {}", walk.observed().as_str()));
        if let Some(log) = log_line(mesh, walk) {
            out.line(format_args!("  in the log: {log}"));
        }
        if let Some(nearest) = mesh.nearest(request, walk) {
            out.line(format_args!("  {nearest}"));
        }
    }
    let assumptions = mesh.assumptions(request, decision);
    if !assumptions.is_empty() {
        out.line(format_args!(""));
        out.line(format_args!("taken for granted:"));
    }
    for assumption in assumptions {
        out.line(format_args!("  {assumption}"));
    }
    out.into_text()
}

/// For a program. Frozen: `version` goes up when a field changes its meaning.
pub fn explain_json(
    mesh: &Mesh,
    (from, to): (&str, &str),
    request: &Request,
    decision: &Decision,
) -> Value {
    let walks: Vec<Value> = decision
        .walks
        .iter()
        .map(|walk| {
            let steps: Vec<Value> = walk
                .steps
                .iter()
                .map(|step| {
                    json!({
                        "point": mesh.point_name(step.point),
                        "identity": step.peer.map(|id| mesh.identities().peer(id).to_string()),
                        "sourceIp": step.source_ip.map(|ip| ip.to_string()),
                        "port": step.port,
                        "refuses": step.reason.is_refusal(),
                        "rule": mesh.log_id(step),
                        "reason": mesh.reason_text(step),
                        "unknownAddress": step.unknown_address,
                    })
                })
                .collect();
            json!({
                "endpoint": walk.endpoint.map(|id| mesh.workload_name(id)),
                "verdict": walk.verdict.as_str(),
                "clientSees": walk.observed().as_str(),
                "log": log_line(mesh, walk),
                "nearest": mesh.nearest(request, walk),
                "steps": steps,
            })
        })
        .collect();
    json!({
        "version": 1, "from": from, "to": to, "verdict": decision.verdict.as_str(), "ways": walks,
        "assumptions": mesh.assumptions(request, decision),
    })
}

fn peer(mesh: &Mesh, step: &Step) -> String {
    let identity = step.peer.map(|id| mesh.identities().peer(id).to_string());
    match (identity, step.source_ip) {
        (Some(identity), None) => identity,
        (Some(identity), Some(ip)) => format!("{identity} ({ip})"),
        (None, Some(ip)) => format!("nobody ({ip})"),
        (None, None) => "nobody".into(),
    }
}

/// What the deciding proxy's access log says of a refusal (facts/istio-ambient.md §7.5;
/// facts/ztunnel.md, "What is logged on denial").
fn log_line(mesh: &Mesh, walk: &Walk) -> Option<String> {
    let step = walk.deciding().filter(|_| walk.verdict == Verdict::Deny)?;
    let id = mesh.log_id(step)?;
    Some(match step.point {
        Point::Ztunnel(_) => match (id.as_str(), step.reason.rule()) {
            ("none", _) | (_, None) => "connection closed due to policy rejection: allow policies \
                                        exist, but none allowed"
                .to_owned(),
            (_, Some(rule)) => format!(
                "connection closed due to policy rejection: explicitly denied by: {}",
                mesh.policy_key(rule)
            ),
        },
        _ => format!("rbac_access_denied_matched_policy[{id}]"),
    })
}
