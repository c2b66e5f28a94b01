//! An explanation for people.

use std::fmt::Write;

use super::setting::{Level, NamespaceReport, Owner, Place};

/// Writes a report as lines of at most a sentence each.
pub(super) fn write(report: &NamespaceReport) -> String {
    let mut out = String::new();
    // writing into a text cannot fail
    let _ = lines(report, &mut out);
    out
}

fn lines(report: &NamespaceReport, out: &mut String) -> std::fmt::Result {
    writeln!(
        out,
        "namespace {}/{} of environment {}, stage {}: {}",
        report.cluster,
        report.namespace,
        report.environment,
        report.stage,
        match report.dataplane_mode.as_str() {
            "none" => "outside the mesh",
            mode => mode,
        }
    )?;
    owner("workspace", report.workspace.as_ref(), out)?;
    owner("security group", report.security_group.as_ref(), out)?;
    if let Some(domain) = &report.security_domain {
        writeln!(out, "security domain: {domain}")?;
    }
    writeln!(out, "traffic mode: {}", report.traffic_mode)?;
    levels(&report.traffic_mode_levels, out)?;
    writeln!(out, "access: {}", report.access)?;
    levels(&report.authorization_levels, out)?;
    for (action, title) in [("deny", "refused"), ("allow", "allowed")] {
        let mut callers = report.callers.iter().filter(|c| c.action == action).peekable();
        if callers.peek().is_some() {
            writeln!(out, "{title}:")?;
        }
        for caller in callers {
            writeln!(out, "  {}", caller.principal)?;
            for at in &caller.because {
                writeln!(out, "    because of {}", place(at))?;
            }
        }
    }
    if !report.policies.is_empty() {
        writeln!(out, "policies:")?;
    }
    for policy in &report.policies {
        let whose = if policy.applied { "" } else { " (made by TSB, expected)" };
        writeln!(out, "  {} {}{whose}", policy.kind, policy.name)?;
    }
    Ok(())
}

fn owner(what: &str, owner: Option<&Owner>, out: &mut String) -> std::fmt::Result {
    match owner {
        None => writeln!(out, "{what}: none"),
        Some(owner) => {
            writeln!(out, "{what}: {}", owner.fqn)?;
            writeln!(out, "  taken by {}", place(&owner.entry))
        }
    }
}

fn levels(levels: &[Level], out: &mut String) -> std::fmt::Result {
    for level in levels {
        let at = level.place.as_ref().map(place).unwrap_or_default();
        writeln!(out, "  {} at {}: {}", level.says, level.level, level.why)?;
        writeln!(out, "    {at}")?;
    }
    Ok(())
}

fn place(place: &Place) -> String {
    let at = format!("{}:{}:{}", place.file, place.line, place.column);
    match &place.document {
        Some(document) => format!("{document}, {at}"),
        None => at,
    }
}
