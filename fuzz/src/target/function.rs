//! A ResourceList of kustomize or kpt, taken and given back.

use serde_json::json;
use waypost::delivery::ResourceList;
use waypost::diagnostic::{FileId, has_errors};
use waypost::yaml::{Budget, read};

use super::must;
use crate::corpus::texts;

pub(super) fn corpus() -> Vec<String> {
    let objects = texts(&["tests/manifests", "rendered", "tests/cases/patches"], &[".yaml"]);
    objects.iter().map(|text| list(text)).collect()
}

/// The list that holds these objects.
fn list(text: &str) -> String {
    let mut list = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nfunctionConfig:\n  apiVersion: v1\n  kind: ConfigMap\n  data: {environment: brownfield}\nitems:\n".to_owned();
    for document in text.split("---\n").filter(|text| !text.trim().is_empty()) {
        for (at, line) in document.lines().enumerate() {
            list.push_str(if at == 0 { "- " } else { "  " });
            list.push_str(line);
            list.push('\n');
        }
    }
    list
}

pub(super) fn run(text: &str) {
    // what is not the function's is passed on as it came, readable or not
    let (_, found) = read(FileId::default(), text, &Budget::MANIFESTS);
    if has_errors(&found) {
        return;
    }
    let Ok(list) = ResourceList::read(FileId::default(), text) else { return };
    let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}});
    let Ok(answer) = list.with(vec![("a.yaml".to_owned(), object)], Vec::new()) else { return };
    let (_, found) = read(FileId::default(), &answer, &Budget::MANIFESTS);
    must(!has_errors(&found), "the answer cannot be read");
}
