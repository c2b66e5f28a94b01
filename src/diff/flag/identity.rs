//! Objects, units and cluster folders that are called otherwise.

use std::collections::BTreeMap;

use super::{Code, Flag, counted, names};
use crate::diff::object::ChangeKind;
use crate::diff::tree::TreeDiff;
use crate::diff::version::ObjectVersion;

pub(super) fn flags(diff: &TreeDiff, flags: &mut Vec<Flag>) {
    for (old, new) in &diff.renamed_clusters {
        flags.push(Flag {
            code: Code::ClusterRenamed,
            cluster: new.clone(),
            namespace: None,
            objects: Vec::new(),
            message: format!(
                "cluster folder `{old}` goes, and `{new}` comes with most of its objects"
            ),
        });
    }
    type Move<'a> = (&'a str, &'a str, &'a str);
    let mut moves: BTreeMap<Move<'_>, Vec<&ObjectVersion>> = BTreeMap::new();
    for change in &diff.objects {
        if let Some((before, after)) = change.kept()
            && before.area() != after.area()
        {
            let key = (after.cluster(), before.area(), after.area());
            moves.entry(key).or_default().push(after);
        }
        if let (ChangeKind::Renamed, Some(before), Some(after)) =
            (change.kind(), change.lost(), change.gained())
        {
            let (old, new) = (&before.reference.name, &after.reference);
            flags.push(Flag {
                code: Code::ObjectRenamed,
                cluster: after.cluster().to_owned(),
                namespace: new.namespace.clone(),
                objects: vec![before.reference.clone(), new.clone()],
                message: format!(
                    "{} `{old}` is `{}` now, and otherwise the same",
                    new.kind, new.name
                ),
            });
        }
    }
    for ((cluster, from, to), objects) in moves {
        let said: Vec<String> = objects.iter().map(|v| v.reference.to_string()).collect();
        flags.push(Flag {
            code: Code::ObjectsMoved,
            cluster: cluster.to_owned(),
            namespace: None,
            objects: objects.iter().map(|version| version.reference.clone()).collect(),
            message: format!(
                "{} move{} from unit `{from}` to unit `{to}`: {}",
                counted(objects.len(), "object"),
                if objects.len() == 1 { "s" } else { "" },
                names(said.iter().map(String::as_str))
            ),
        });
    }
}
