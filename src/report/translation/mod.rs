//! What becomes of hand-written policies, for people and for programs.

use std::fmt::Write;

use serde_json::{Value, json};

use super::access::{answer_text, request_text};
use super::escape::{calm_cell, cell};
use super::visible::Lines;
use crate::simulate::{AccessChange, Asked, HttpRequest, Token};

/// A policy as it is told.
pub struct PolicyLine {
    /// `AuthorizationPolicy shop/orders`.
    pub object: String,
    /// `file:line`.
    pub place: String,
    /// `stays`, `moves`, `split`, `narrower`, `refused`.
    pub outcome: &'static str,
    /// Codes of reasons.
    pub reasons: Vec<&'static str>,
    /// What it becomes.
    pub becomes: Vec<String>,
    /// Losses that it brings.
    pub consents: Vec<&'static str>,
    /// The request that decides the outcome.
    pub counterexample: Option<AccessChange>,
    /// What was asked about the destinations that it decides about.
    pub proof: Option<ProofLine>,
}

/// What a proof comes to.
pub struct ProofLine {
    /// How much was asked.
    pub asked: Asked,
    /// What was not compared.
    pub not_compared: Vec<String>,
}

/// For a terminal: a line a policy, with what it becomes below.
pub fn text(policies: &[PolicyLine]) -> String {
    let mut out = Lines::default();
    for policy in policies {
        let PolicyLine {
            object, place, outcome, reasons, becomes, consents, counterexample, ..
        } = policy;
        out.line(format_args!("{outcome:<8}  {object}  ({place})"));
        if !reasons.is_empty() {
            out.line(format_args!("          because  {}", reasons.join(", ")));
        }
        for object in becomes {
            out.line(format_args!("          becomes  {object}"));
        }
        if !consents.is_empty() {
            out.line(format_args!("          costs    {}", consents.join(", ")));
        }
        if let Some(change) = counterexample {
            let request = request_text(change.request.as_deref());
            out.line(format_args!(
                "          such as  {} to {}, {request}",
                change.from, change.to
            ));
            out.line(format_args!("            before {}", answer_text(change.before.as_deref())));
            out.line(format_args!("            after  {}", answer_text(change.after.as_deref())));
        }
    }
    out.into_text()
}

/// For a pull request.
pub fn markdown(policies: &[PolicyLine]) -> String {
    let mut out =
        String::from("| policy | outcome | because | becomes | costs |\n|---|---|---|---|---|\n");
    for policy in policies {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} |",
            cell(&policy.object),
            policy.outcome,
            calm_cell(&policy.reasons.join(", ")),
            calm_cell(&policy.becomes.join(", ")),
            calm_cell(&policy.consents.join(", ")),
        );
    }
    out
}

/// For a program. Frozen: `version` goes up when a field changes its meaning.
pub fn json(policies: &[PolicyLine], proof: Option<&ProofLine>, written: bool) -> Value {
    let policies: Vec<Value> = policies
        .iter()
        .map(|policy| {
            json!({
                "object": policy.object,
                "place": policy.place,
                "outcome": policy.outcome,
                "reasons": policy.reasons,
                "becomes": policy.becomes,
                "consents": policy.consents,
                "counterexample": policy.counterexample.as_ref().map(counterexample),
                "proof": policy.proof.as_ref().map(proven),
            })
        })
        .collect();
    let proof = proof.map(proven);
    json!({"version": 1, "written": written, "policies": policies, "proof": proof})
}

fn proven(proof: &ProofLine) -> Value {
    let ProofLine { asked: Asked { pairs, classes, requests }, not_compared } = proof;
    json!({"pairs": pairs, "classes": classes, "requests": requests, "notCompared": not_compared})
}

fn counterexample(change: &AccessChange) -> Value {
    let verdict = |answer: &Option<std::sync::Arc<crate::simulate::Answer>>| {
        answer.as_ref().map(|answer| answer.verdict.as_str())
    };
    json!({
        "from": change.from.to_string(),
        "to": change.to.to_string(),
        "request": change.request.as_deref().map(request),
        "before": verdict(&change.before),
        "after": verdict(&change.after),
    })
}

fn request(request: &HttpRequest) -> Value {
    let mut value = json!({"method": request.method, "path": request.path});
    if let Some(host) = &request.host {
        value["host"] = json!(host);
    }
    if !request.headers.is_empty() {
        value["headers"] = json!(request.headers);
    }
    match &request.token {
        Token::None => {}
        Token::Invalid => value["token"] = json!("invalid"),
        Token::Valid(claims) => value["token"] = claims.clone(),
    }
    value
}
