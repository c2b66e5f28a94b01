//! What no policy on principals can express: it stays a TSB resource, and is told at its line.

use super::declared::Declared;
use super::hierarchy::Tree;
use crate::diagnostic::Diagnostic;
use crate::model::{Collection, Owner};
use crate::spec::tsb::{DocumentKind, Feature, TsbDocument, TsbKind};

/// Reports it. Where the tree owns the policies, something is missing from them: a warning. Where
/// TSB owns them, only the simulation is without it: a note.
pub(super) fn report(
    tree: &Tree,
    documents: &[TsbDocument],
    settings: &[Option<Declared>],
    policies: Owner,
    found: &mut Vec<Diagnostic>,
) {
    let say = |message: String| match policies {
        Owner::GitOps => Diagnostic::warning("not-translated", message),
        Owner::Tsb => Diagnostic::note("not-translated", message),
    };
    for setting in settings.iter().flatten() {
        for beyond in &setting.beyond {
            let (what, help) = explain(beyond.feature);
            found.push(
                say(format!(
                    "`{}` ({what}) is no part of the translated policies",
                    beyond.feature.field()
                ))
                .at(beyond.span, "")
                .help(help),
            );
        }
    }
    for document in documents {
        if document.kind == DocumentKind::Known(TsbKind::ServiceSecuritySetting) {
            found.push(
                say(format!(
                    "{} is no part of the translated policies: callers that it refuses get in where its group's setting lets them",
                    document.title()
                ))
                .at(document.name_span(), "")
                .help("it is applied through TSB; where git should own it, write an AuthorizationPolicy in DIRECT mode"),
            );
        }
        if let DocumentKind::Direct(_) = document.kind {
            found.push(
                Diagnostic::note(
                    "direct-object",
                    format!("{} is passed on as it is", document.title()),
                )
                .at(document.name_span(), "")
                .help("objects that should become ambient belong into the environment's `direct` sources"),
            );
        }
    }
    for (_, node) in tree.of(Collection::SecurityGroups) {
        let span =
            node.document.and_then(|document| documents[document].direct_mode(&mut Vec::new()));
        if let Some(span) = span {
            found.push(
                say(format!(
                    "security group `{}` is in DIRECT mode: its Istio objects are no part of the translated policies",
                    node.fqn.name()
                ))
                .at(span, "what the levels above set is translated all the same")
                .help("put its Istio objects into the environment's `direct` sources"),
            );
        }
    }
}

fn explain(feature: Feature) -> (&'static str, &'static str) {
    match feature {
        Feature::HttpAuthentication => (
            "end-user authentication",
            "where git should own it, write a RequestAuthentication in DIRECT mode, bound to the waypoint",
        ),
        Feature::HttpAuthorization => (
            "authorization by an engine or by claims, paths and methods",
            "where git should own it, write an AuthorizationPolicy in DIRECT mode, bound to the waypoint",
        ),
        Feature::IdentityMatch => (
            "the identity of the first caller",
            "translated policies know callers by their certificate: behind a gateway that is the gateway's",
        ),
        Feature::Extension => (
            "Wasm",
            "where git should own it, write a WasmPlugin in DIRECT mode, bound to the waypoint",
        ),
        Feature::Waf => {
            ("a web application firewall", "a waypoint that TSB manages is needed for it")
        }
    }
}
