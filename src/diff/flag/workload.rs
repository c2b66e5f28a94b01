//! Workloads whose pods are replaced.

use std::collections::BTreeMap;

use super::{Code, Flag, counted, names};
use crate::diff::tree::TreeDiff;
use crate::diff::version::ObjectVersion;

pub(super) fn flags(diff: &TreeDiff, flags: &mut Vec<Flag>) {
    let mut restarts: BTreeMap<(&str, Option<&str>), Vec<&ObjectVersion>> = BTreeMap::new();
    for change in &diff.objects {
        let template = |version: &ObjectVersion| version.at("/spec/template").cloned();
        // a patch that comes changes a workload that exists
        let restarted = match (change.kept(), change.gained()) {
            (Some((before, after)), _) => (template(before) != template(after)).then_some(after),
            (None, gained) => gained.filter(|v| v.area() == "workloads" && template(v).is_some()),
        };
        if let Some(version) = restarted.filter(|v| v.reference.group == "apps") {
            let place = (version.cluster(), version.reference.namespace.as_deref());
            restarts.entry(place).or_default().push(version);
        }
    }
    for ((cluster, namespace), workloads) in restarts {
        flags.push(Flag {
            code: Code::WorkloadsRestart,
            cluster: cluster.to_owned(),
            namespace: namespace.map(str::to_owned),
            objects: workloads.iter().map(|version| version.reference.clone()).collect(),
            message: format!(
                "{} restart{}: {}",
                counted(workloads.len(), "workload"),
                if workloads.len() == 1 { "s" } else { "" },
                names(workloads.iter().map(|version| version.reference.name.as_str()))
            ),
        });
    }
}
