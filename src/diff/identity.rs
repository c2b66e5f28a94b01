//! Which two versions are one object: by what it is, wherever it lies.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::version::ObjectVersion;
use crate::k8s::ObjectRef;

/// A version before and the one after that is the same object.
pub(super) type Pair = (Option<ObjectVersion>, Option<ObjectVersion>);

/// Pairs versions. Each is in one pair; those with the same text in the same file are left out.
///
/// From the surest to the least sure: the same object in the same file; in the same unit; in the
/// same cluster; in a cluster folder that took another one's place; in any cluster, with the same
/// text; and in the same place with everything but its name.
pub(super) fn pair(
    before: Vec<ObjectVersion>,
    after: Vec<ObjectVersion>,
    clusters: &BTreeMap<String, String>,
) -> Vec<Pair> {
    let mut pairs = Pairing { before: some(before), after: some(after), pairs: Vec::new() };
    pairs.by(|v, _| Some((v.path.clone(), v.reference.clone())));
    pairs.by(|v, _| Some((v.cluster().to_owned(), v.area().to_owned(), v.reference.clone())));
    pairs.by(|v, _| Some((v.cluster().to_owned(), v.reference.clone())));
    pairs.by(|v, side| {
        let cluster = match side {
            Side::Before => clusters.get(v.cluster())?.clone(),
            Side::After => v.cluster().to_owned(),
        };
        Some((cluster, v.area().to_owned(), v.reference.clone()))
    });
    pairs.by(|v, _| Some((v.area().to_owned(), v.reference.clone(), v.text.clone())));
    pairs.by_content();
    pairs.finish()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Before,
    After,
}

struct Pairing {
    before: Vec<Option<ObjectVersion>>,
    after: Vec<Option<ObjectVersion>>,
    pairs: Vec<Pair>,
}

impl Pairing {
    /// Pairs what has one key, in the order of the versions.
    fn by<K: Ord>(&mut self, key: impl Fn(&ObjectVersion, Side) -> Option<K>) {
        let mut places: BTreeMap<K, Vec<usize>> = BTreeMap::new();
        for (at, version) in self.after.iter().enumerate().rev() {
            if let Some(key) = version.as_ref().and_then(|v| key(v, Side::After)) {
                places.entry(key).or_default().push(at);
            }
        }
        for old in &mut self.before {
            let Some(key) = old.as_ref().and_then(|v| key(v, Side::Before)) else { continue };
            if let Some(at) = places.get_mut(&key).and_then(Vec::pop) {
                self.pairs.push((old.take(), self.after[at].take()));
            }
        }
    }

    /// Pairs what differs by its name alone, where there is no doubt: no other object that came or
    /// went is like it. A Namespace is never renamed: what lives in it goes.
    fn by_content(&mut self) {
        type Nameless = (String, String, String, String, Option<String>, String);
        let nameless = |version: &ObjectVersion| -> Option<Nameless> {
            let ObjectRef { group, kind, namespace, name: _ } = &version.reference;
            if group.is_empty() && kind == "Namespace" {
                return None;
            }
            let mut body = version.body.clone();
            body.get_mut("metadata").and_then(Value::as_object_mut)?.shift_remove("name");
            let (cluster, area) = (version.cluster().to_owned(), version.area().to_owned());
            let (group, kind) = (group.clone(), kind.clone());
            Some((cluster, area, group, kind, namespace.clone(), body.to_string()))
        };
        let unique = |versions: &[Option<ObjectVersion>]| {
            let mut places: BTreeMap<Nameless, Option<usize>> = BTreeMap::new();
            for (at, version) in versions.iter().enumerate() {
                if let Some(key) = version.as_ref().and_then(nameless) {
                    places.entry(key).and_modify(|place| *place = None).or_insert(Some(at));
                }
            }
            places
        };
        let (old, new) = (unique(&self.before), unique(&self.after));
        for (key, at) in old {
            if let (Some(at), Some(Some(other))) = (at, new.get(&key)) {
                self.pairs.push((self.before[at].take(), self.after[*other].take()));
            }
        }
    }

    fn finish(self) -> Vec<Pair> {
        let Self { before, after, mut pairs } = self;
        pairs.retain(|pair| match pair {
            (Some(old), Some(new)) => old.path != new.path || old.text != new.text,
            _ => true,
        });
        pairs.extend(before.into_iter().flatten().map(|old| (Some(old), None)));
        pairs.extend(after.into_iter().flatten().map(|new| (None, Some(new))));
        pairs
    }
}

fn some(versions: Vec<ObjectVersion>) -> Vec<Option<ObjectVersion>> {
    versions.into_iter().map(Some).collect()
}

/// Cluster folders that went, each with the one that came with most of its objects: a folder that
/// was renamed.
pub(super) fn renamed_clusters(
    before: &[ObjectVersion],
    after: &[ObjectVersion],
    gone: &BTreeSet<String>,
    new: &BTreeSet<String>,
) -> BTreeMap<String, String> {
    let objects = |versions: &[ObjectVersion], cluster: &str| -> BTreeSet<ObjectRef> {
        versions.iter().filter(|v| v.cluster() == cluster).map(|v| v.reference.clone()).collect()
    };
    let mut renamed = BTreeMap::new();
    let mut free: BTreeMap<&String, BTreeSet<ObjectRef>> =
        new.iter().map(|cluster| (cluster, objects(after, cluster))).collect();
    for old in gone {
        let had = objects(before, old);
        let shared = |has: &BTreeSet<ObjectRef>| had.intersection(has).count();
        let most = free.iter().max_by_key(|(_, has)| shared(has)).map(|(name, _)| *name);
        if let Some(name) = most.filter(|name| shared(&free[*name]) * 2 > had.len()) {
            free.remove(name);
            renamed.insert(old.clone(), name.clone());
        }
    }
    renamed
}
