//! The spec's `patches` over what was rendered.

use serde_json::Value;

use super::{Install, Item};
use crate::diagnostic::{Diagnostic, Spanned};
use crate::render::patch::{
    Applied, Entry, Patch, PatchFile, TargetText, apply_to_set, findings, parse,
};
use crate::spec::{PatchEntry, RawPatchOptions, RawTarget};
use crate::tree::Scope;

/// Reads the entries. One that cannot be read is a finding.
pub(super) fn entries(typed: &[PatchEntry]) -> (Vec<Patch>, Vec<Diagnostic>) {
    let entries: Vec<Entry> = typed.iter().map(patch_entry).collect();
    parse(&entries)
}

/// An entry of `patches`, as a patch is made of it.
pub fn patch_entry(typed: &PatchEntry) -> Entry {
    let raw = &typed.raw.value;
    let RawPatchOptions { allow_name_change, allow_kind_change } = raw.options.unwrap_or_default();
    let file = raw.path.as_ref().zip(typed.file.as_ref()).map(|(path, (file, text))| PatchFile {
        path: path.clone(),
        file: *file,
        text: text.clone(),
    });
    Entry {
        span: typed.raw.span,
        patch: raw.patch.clone(),
        file,
        target: raw.target.as_ref().map(|t| Spanned::new(target(&t.value), t.span)),
        allow_name_change,
        allow_kind_change,
    }
}

fn target(typed: &RawTarget) -> TargetText {
    let RawTarget { group, version, kind, name, namespace, label_selector, annotation_selector } =
        typed.clone();
    TargetText { group, version, kind, name, namespace, label_selector, annotation_selector }
}

/// Applies patches cluster by cluster: in each of them an object is one object.
pub(super) struct Patcher<'p> {
    patches: &'p [Patch],
    /// What came of them, cluster by cluster.
    applied: Vec<Applied>,
}

/// Findings that mean something only where every cluster was seen: that a patch has nothing to be
/// applied to.
const NOTHING_MATCHES: [&str; 2] = ["patch-target-unmatched", "patch-without-object"];

impl<'p> Patcher<'p> {
    pub(super) fn new(patches: &'p [Patch]) -> Self {
        Self { patches, applied: Vec::new() }
    }

    /// True when there is nothing to apply.
    pub(super) fn is_idle(&self) -> bool {
        self.patches.is_empty()
    }

    /// Patches what is applied in a cluster. Of an install resource the finished one is patched,
    /// so that a patch need not know how it is made.
    pub(super) fn apply(&mut self, install: Install, items: Vec<Item>) -> (Install, Vec<Item>) {
        if self.is_idle() {
            return (install, items);
        }
        let mut values: Vec<Value> =
            install.iter().flat_map(|(files, _)| files.patched.iter().cloned()).collect();
        let first_item = values.len();
        let places: Vec<_> = items.iter().map(|item| (item.area, item.origin)).collect();
        values.extend(items.into_iter().map(|item| item.object.into_value()));
        self.apply_to(&mut values);
        let items = values.split_off(first_item);
        let mut finished = values.into_iter();
        let install = install
            .into_iter()
            .map(|(files, origin)| {
                let count = files.patched.len();
                (files.with_finished(finished.by_ref().take(count).collect()), origin)
            })
            .collect();
        // what a patch deleted is null
        let items = items
            .into_iter()
            .zip(places)
            .filter(|(value, _)| !value.is_null())
            .map(|(value, (area, origin))| Item::new(area, value, origin))
            .collect();
        (install, items)
    }

    /// Patches objects that are applied together. What a patch deletes becomes null.
    pub(super) fn apply_to(&mut self, values: &mut [Value]) {
        if !self.is_idle() {
            self.applied.push(apply_to_set(self.patches, values));
        }
    }

    /// What is to be said of the patches, once every cluster has been seen.
    pub(super) fn finish(self, scope: &Scope) -> Vec<Diagnostic> {
        let whole = scope.clusters.is_none() && scope.units.is_none();
        let mut found = findings(self.patches, &self.applied);
        found.retain(|d| whole || !NOTHING_MATCHES.contains(&d.code));
        found
    }
}
