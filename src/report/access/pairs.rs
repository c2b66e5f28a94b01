//! Who reaches what, for programs: pair by pair, written in parts, so that no more of a large mesh is held
//! than some clients' answers.

use std::fmt::Write;

use serde_json::json;

use super::AccessTable;

/// For a spreadsheet: one line a pair.
pub fn csv(parts: impl Iterator<Item = AccessTable>) -> impl Iterator<Item = String> {
    let head = "from,to,verdict,depends on request,decided at,rule,client sees\n".to_owned();
    std::iter::once(head).chain(parts.map(|part| lines(&part)))
}

fn lines(table: &AccessTable) -> String {
    let mut out = String::new();
    let quoted = |text: &str| {
        // a spreadsheet computes what begins like a formula
        let sign = if text.starts_with(['=', '+', '-', '@']) { "'" } else { "" };
        let text = format!("{sign}{text}");
        if text.contains([',', '"', '\n']) {
            format!("\"{}\"", text.replace('"', "\"\""))
        } else {
            text
        }
    };
    for (row, column, entry) in table.entries() {
        let said = table.said(entry);
        let fields = [
            row.name.as_str(),
            column.name.as_str(),
            entry.verdict.as_str(),
            if entry.depends { "yes" } else { "no" },
            said.point.as_str(),
            said.rule.as_deref().unwrap_or_default(),
            said.observed,
        ];
        for (index, field) in fields.into_iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let _ = write!(out, "{comma}{}", quoted(field));
        }
        out.push('\n');
    }
    out
}

/// One JSON document. Frozen: `version` goes up when a field changes its meaning.
pub fn json(parts: impl Iterator<Item = AccessTable>) -> impl Iterator<Item = String> {
    let mut is_first = true;
    let pairs = parts.map(move |part| {
        let mut out = String::new();
        for (row, column, entry) in part.entries() {
            let said = part.said(entry);
            let pair = json!({
                "from": row.name,
                "to": column.name,
                "verdict": entry.verdict.as_str(),
                "dependsOnRequest": entry.depends,
                "point": said.point,
                "rule": said.rule,
                "clientSees": said.observed,
            });
            // no text of JSON has a line end in it: these are the lines of the object
            let lines = format!("{pair:#}").replace('\n', "\n    ");
            let comma = if is_first { "" } else { "," };
            is_first = false;
            let _ = write!(out, "{comma}\n    {lines}");
        }
        out
    });
    let head = "{\n  \"version\": 1,\n  \"pairs\": [".to_owned();
    std::iter::once(head).chain(pairs).chain(["\n  ]\n}\n".to_owned()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::k8s::objects_of;
    use crate::simulate::{Mesh, Options};
    use crate::yaml::{Budget, read};

    /// More clients than there are in a part.
    fn mesh() -> Mesh {
        let mut text = String::new();
        for number in 0..150 {
            let _ = write!(
                text,
                "
apiVersion: apps/v1
kind: Deployment
metadata: {{name: w{number}, namespace: n{0}}}
spec: {{template: {{metadata: {{labels: {{app: w{number}}}}}, spec: {{serviceAccountName: w{number}, containers: [{{name: c}}]}}}}}}
---
apiVersion: v1
kind: Service
metadata: {{name: w{number}, namespace: n{0}}}
spec: {{selector: {{app: w{number}}}, ports: [{{name: http, port: 80}}]}}
---",
                number % 7
            );
        }
        let documents = read(crate::diagnostic::FileId(0), &text, &Budget::MANIFESTS).0;
        Mesh::from_objects(&objects_of(documents).0, &Options::default()).0
    }

    #[test]
    fn parts_are_written_as_the_whole() {
        let mesh = mesh();
        let whole = AccessTable::new(&mesh, &mesh.matrix());
        let rows = mesh.rows();
        assert!(AccessTable::parts(&rows).count() > 1);
        let whole = || std::iter::once(whole.clone());
        let text = json(AccessTable::parts(&rows)).collect::<String>();
        assert_eq!(text, json(whole()).collect::<String>());
        assert_eq!(
            csv(AccessTable::parts(&rows)).collect::<String>(),
            csv(whole()).collect::<String>()
        );
        assert_eq!(
            AccessTable::by_namespace(AccessTable::parts(&rows)),
            AccessTable::by_namespace(whole())
        );
        let read: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(format!("{read:#}\n"), text);
        assert_eq!(read["pairs"].as_array().map(Vec::len), Some(151 * 150));
    }

    #[test]
    fn a_mesh_without_services_has_no_pairs() {
        let mesh = Mesh::from_objects(&[], &Options::default()).0;
        let text = json(AccessTable::parts(&mesh.rows())).collect::<String>();
        let read: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(read, serde_json::json!({"version": 1, "pairs": []}));
    }
}
