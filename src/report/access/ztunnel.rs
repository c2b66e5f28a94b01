//! What istiod would send to ztunnel, with the columns of `istioctl ztunnel-config`.

use serde_json::Value;

use crate::report::visible;
use crate::simulate::ztunnel::{Action, Ambient, Authorization, Scope};

/// `istioctl ztunnel-config workload`.
pub fn workloads(ambient: &Ambient) -> String {
    let mut rows = vec![row(&["NAMESPACE", "POD NAME", "ADDRESS", "NODE", "WAYPOINT", "PROTOCOL"])];
    rows.extend(ambient.workloads.iter().map(|w| {
        let text = |key: &str| w.json.get(key).and_then(Value::as_str).unwrap_or_default();
        let protocol = if w.json.get("tunnelProtocol").is_some() { "HBONE" } else { "TCP" };
        let waypoint = w.waypoint.as_deref().unwrap_or("None");
        row(&[text("namespace"), text("name"), &w.address, text("node"), waypoint, protocol])
    }));
    columns(&rows)
}

/// `istioctl ztunnel-config service`.
pub fn services(ambient: &Ambient) -> String {
    let mut rows =
        vec![row(&["NAMESPACE", "SERVICE NAME", "SERVICE VIP", "WAYPOINT", "ENDPOINTS"])];
    rows.extend(ambient.services.iter().map(|s| {
        let text = |key: &str| s.json.get(key).and_then(Value::as_str).unwrap_or_default();
        let endpoints = match (s.endpoints, s.has_unknown) {
            (0, true) => "?".to_owned(),
            (shown, true) => format!("{shown}/?"),
            (shown, false) => format!("{shown}/{shown}"),
        };
        let waypoint = s.waypoint.as_deref().unwrap_or("None");
        row(&[text("namespace"), text("name"), &s.address, waypoint, &endpoints])
    }));
    columns(&rows)
}

/// `istioctl ztunnel-config policy`.
pub fn policies(authorizations: &[&Authorization]) -> String {
    let mut rows = vec![row(&["NAMESPACE", "POLICY NAME", "ACTION", "SCOPE"])];
    rows.extend(authorizations.iter().map(|a| {
        let action = match a.action {
            Action::Allow => "Allow",
            Action::Deny => "Deny",
        };
        let scope = match a.scope {
            Scope::Global => "Global",
            Scope::Namespace => "Namespace",
            Scope::WorkloadSelector => "WorkloadSelector",
        };
        row(&[&a.namespace, &a.name, action, scope])
    }));
    columns(&rows)
}

fn row(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|c| (*c).to_owned()).collect()
}

/// Rows with their columns one below the other.
pub fn columns(rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| visible::line(cell)).collect()).collect();
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count)
        .map(|i| rows.iter().filter_map(|r| r.get(i)).map(|c| c.chars().count()).max().unwrap_or(0))
        .collect();
    let mut out = String::new();
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.push_str(&" ".repeat(width + 1 - cell.chars().count()));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}
