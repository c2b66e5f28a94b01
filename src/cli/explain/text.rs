//! An explanation for people.

use super::setting::{Level, NamespaceReport, Owner, Place};
use crate::report::visible::Lines;

/// Writes a report as lines of at most a sentence each.
pub(super) fn write(report: &NamespaceReport) -> String {
    let mut out = Lines::default();
    lines(report, &mut out);
    out.into_text()
}

fn lines(report: &NamespaceReport, out: &mut Lines) {
    out.line(format_args!(
        "namespace {}/{} of environment {}, stage {}: {}",
        report.cluster,
        report.namespace,
        report.environment,
        report.stage,
        match report.dataplane_mode.as_str() {
            "none" => "outside the mesh",
            mode => mode,
        }
    ));
    owner("workspace", report.workspace.as_ref(), out);
    owner("security group", report.security_group.as_ref(), out);
    if let Some(domain) = &report.security_domain {
        out.line(format_args!("security domain: {domain}"));
    }
    out.line(format_args!("traffic mode: {}", report.traffic_mode));
    levels(&report.traffic_mode_levels, out);
    out.line(format_args!("access: {}", report.access));
    levels(&report.authorization_levels, out);
    for (action, title) in [("deny", "refused"), ("allow", "allowed")] {
        let mut callers = report.callers.iter().filter(|c| c.action == action).peekable();
        if callers.peek().is_some() {
            out.line(format_args!("{title}:"));
        }
        for caller in callers {
            out.line(format_args!("  {}", caller.principal));
            for at in &caller.because {
                out.line(format_args!("    because of {}", place(at)));
            }
        }
    }
    if !report.policies.is_empty() {
        out.line(format_args!("policies:"));
    }
    for policy in &report.policies {
        let whose = if policy.applied { "" } else { " (made by TSB, expected)" };
        out.line(format_args!("  {} {}{whose}", policy.kind, policy.name));
    }
}

fn owner(what: &str, owner: Option<&Owner>, out: &mut Lines) {
    match owner {
        None => out.line(format_args!("{what}: none")),
        Some(owner) => {
            out.line(format_args!("{what}: {}", owner.fqn));
            out.line(format_args!("  taken by {}", place(&owner.entry)));
        }
    }
}

fn levels(levels: &[Level], out: &mut Lines) {
    for level in levels {
        let at = level.place.as_ref().map(place).unwrap_or_default();
        out.line(format_args!("  {} at {}: {}", level.says, level.level, level.why));
        out.line(format_args!("    {at}"));
    }
}

fn place(place: &Place) -> String {
    let at = format!("{}:{}:{}", place.file, place.line, place.column);
    match &place.document {
        Some(document) => format!("{document}, {at}"),
        None => at,
    }
}
