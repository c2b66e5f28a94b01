//! What access tests come to.

use super::transient::{OnTheWay, Transient};
use crate::diagnostic::{Diagnostic, Span};
use crate::report::access::CaseResult;
use crate::simulate::{HttpRequest, Mesh, NotFound, Request, Verdict};
use crate::world::{Case, World};

/// What every case comes to, also in every state on the way there from the point before.
pub fn answers(
    world: &World,
    before: Option<&Mesh>,
    found: &mut Vec<Diagnostic>,
) -> Vec<CaseResult> {
    let mut results = Vec::new();
    let way = OnTheWay::to(world, before);
    for case in &world.cases {
        match asked(&world.mesh, case) {
            Ok(request) => {
                for state in way.states(&request) {
                    let (result, diagnostic) = hold(world, case, &request, &state);
                    found.extend(diagnostic);
                    results.push(result);
                }
            }
            Err((at, error)) => found.push(unknown(at, &error)),
        }
    }
    results
}

/// The request of a case, or where a name stands that means nothing.
pub(super) fn asked(mesh: &Mesh, case: &Case) -> Result<Request, (Span, NotFound)> {
    let from = mesh.find_client(&case.from).map_err(|error| (case.origin.from, error))?;
    let to = mesh.find_destination(&case.to).map_err(|error| (case.origin.to, error))?;
    Ok(Request {
        from,
        to,
        http: HttpRequest { sni: case.sni.clone(), ..case.request.clone().unwrap_or_default() },
        // a plain connection to a port of HTTP is one that speaks it
        raw_tcp: case.request.is_none() && !mesh.declares_http(to),
    })
}

/// What a case comes to in a state of a world, and what there is to say of it.
pub(super) fn hold(
    world: &World,
    case: &Case,
    request: &Request,
    state: &Transient,
) -> (CaseResult, Option<Diagnostic>) {
    let mesh = state.apply(&world.mesh);
    let decision = mesh.decide(request);
    let walk = decision.walk();
    let reason = walk.and_then(|w| w.deciding()).map_or_else(String::new, |step| {
        format!("{}: {}", mesh.point_name(step.point), mesh.reason_text(step))
    });
    let named = state.name(&mesh);
    let result = CaseResult {
        test: case.test.clone(),
        name: case.name.clone(),
        at: world.name.clone(),
        state: named.clone(),
        from: case.from.clone(),
        to: case.to.clone(),
        expected: case.expect.as_str().to_owned(),
        found: decision.verdict.as_str().to_owned(),
        reason: reason.clone(),
    };
    if result.passed() {
        return (result, None);
    }
    let at = match named {
        Some(state) => format!("{}, while {state}", world.name),
        None => world.name.clone(),
    };
    let found = match decision.verdict {
        Verdict::Allow => "may reach",
        Verdict::Deny => "may not reach",
        Verdict::Mixed => "may reach only some pods of",
        Verdict::Unreachable => "finds nothing behind",
        Verdict::Unknown => "is not known to reach",
    };
    let diagnostic = Diagnostic::error(
        "access-differs",
        format!(
            "`{}` {found} `{}` ({at}), but the assertion says {}",
            case.from, case.to, result.expected
        ),
    )
    .at(case.origin.expect, reason)
    .help(format!("`waypost access explain {} {}` shows every step", case.from, case.to));
    (result, Some(diagnostic))
}

fn unknown(at: Span, error: &NotFound) -> Diagnostic {
    let diagnostic = Diagnostic::error("unknown-in-access-test", error.message.clone())
        .at(at, "this case was not asked");
    match &error.nearest {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None => diagnostic,
    }
}
