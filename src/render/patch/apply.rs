//! Patches onto objects, entry by entry (`PatchTransformer.go` `Transform`).

use serde_json::Value;

use super::identity::Identity;
use super::json6902::Operations;
use super::names::{keep_names, new_without_text, refuse_name};
use super::objects::Objects;
use super::outcome::{Applied, Refusal, findings};
use super::parse::{Content, Merge, Patch};
use super::strategic;
use crate::diagnostic::{Diagnostic, Span};
use crate::yaml::Pointer;

/// Applies the patches to the objects, in order. An object that a patch cannot be applied to stays
/// as it was, and the findings say so; one that a patch deletes (`$patch: delete`) is taken out and
/// reported with a warning.
pub fn apply(patches: &[Patch], objects: &mut Vec<Value>) -> Vec<Diagnostic> {
    let applied = apply_to_set(patches, objects);
    objects.retain(|object| !object.is_null());
    findings(patches, &[applied])
}

/// As [`apply`], for one of several sets of objects that each may hold an object of the same name,
/// as the clusters of an environment do. [`findings`] says what came of all of them: a patch that
/// meets nothing in one set may be for another. What is deleted becomes null, so that the others
/// keep their places.
pub fn apply_to_set(patches: &[Patch], objects: &mut [Value]) -> Applied {
    if patches.is_empty() {
        return Applied::default();
    }
    let mut run = Run { objects: Objects::new(objects), applied: Applied::default() };
    for (entry, patch) in patches.iter().enumerate() {
        run.apply(entry, patch);
    }
    let Run { objects: Objects { values, states, .. }, applied } = run;
    for (value, state) in values.iter_mut().zip(&states) {
        if state.deleted {
            *value = Value::Null;
        }
    }
    applied
}

struct Run<'o> {
    objects: Objects<'o>,
    applied: Applied,
}

impl Run<'_> {
    fn apply(&mut self, entry: usize, patch: &Patch) {
        match (&patch.content, &patch.target) {
            (Content::Merges(merges), None) => {
                for (document, merge) in merges.iter().enumerate() {
                    let called_so = self.objects.called(&merge.identity);
                    let [at] = called_so[..] else {
                        let near = self.objects.near(&merge.identity);
                        self.applied.miss(entry, document, called_so.len(), near);
                        continue;
                    };
                    let result = self.merge(entry, at, merge, patch);
                    self.note(at, result);
                    self.applied.hit(entry, document);
                }
            }
            (content, Some(target)) => {
                let selected = self.objects.selected(target);
                if selected.is_empty() {
                    self.applied.miss(entry, 0, 0, None);
                    return;
                }
                self.applied.hit(entry, 0);
                for at in selected {
                    let result = match content {
                        Content::Merges(merges) => {
                            merges.iter().try_for_each(|merge| self.merge(entry, at, merge, patch))
                        }
                        Content::Operations(operations) => {
                            self.operate(entry, at, operations, patch)
                        }
                    };
                    self.note(at, result);
                }
            }
            // the parser lets none through
            (Content::Operations(_), None) => {}
        }
    }

    fn merge(
        &mut self,
        entry: usize,
        at: usize,
        merge: &Merge,
        patch: &Patch,
    ) -> Result<(), Refusal> {
        let old = &self.objects.values[at];
        let merged = strategic::merge(old, &merge.patch).map_err(|fault| Refusal {
            code: fault.code,
            message: if fault.at == Pointer::root() {
                fault.what
            } else {
                format!("at `{}` {}", fault.at, fault.what)
            },
            help: fault.help,
            span: merge.span,
        })?;
        match merged {
            Some(mut new) => {
                keep_names(old, &mut new, patch);
                self.replace(entry, at, new, patch, merge.span)
            }
            None => {
                self.applied.delete(merge.span, self.objects.name(at));
                self.objects.states[at].deleted = true;
                Ok(())
            }
        }
    }

    fn operate(
        &mut self,
        entry: usize,
        at: usize,
        operations: &Operations,
        patch: &Patch,
    ) -> Result<(), Refusal> {
        let new = operations.apply(&self.objects.values[at]).map_err(|fault| Refusal {
            code: "patch-failed",
            message: format!("operation {}, {}", fault.index + 1, fault.what),
            help: fault.help,
            span: operations.places.get(fault.index).copied().unwrap_or(patch.span),
        })?;
        self.replace(entry, at, new, patch, patch.span)
    }

    /// Puts the patched object in its place, if it may take it.
    fn replace(
        &mut self,
        entry: usize,
        at: usize,
        new: Value,
        patch: &Patch,
        span: Span,
    ) -> Result<(), Refusal> {
        let refusal = |code, message, help| Refusal { code, message, help, span };
        if let Some((field, key)) = new_without_text(&self.objects.values[at], &new) {
            let message = format!("`{key}` of `{field}` would be no text");
            return Err(refusal("patch-label", message, Some("put the value in quotes")));
        }
        let (Some(was), Some(is)) = (self.objects.states[at].identity(), Identity::of(&new)) else {
            let message = "`apiVersion`, `kind` or `metadata.name` would be missing or no text";
            return Err(refusal("patch-identity", message.to_owned(), None));
        };
        if *was != is {
            if let Some((message, help)) = refuse_name(&self.objects, at, was, &is, patch) {
                return Err(refusal("patch-identity", message, help));
            }
            self.objects.call(at, is);
        }
        let old = std::mem::replace(&mut self.objects.values[at], new);
        let (state, new) = (&mut self.objects.states[at], &self.objects.values[at]);
        for (earlier, field) in state.changes.record(entry, &old, new) {
            let field = format!("`{field}` of `{}`", self.objects.name(at));
            self.applied.fight(earlier, entry, field);
        }
        Ok(())
    }

    fn note(&mut self, at: usize, result: Result<(), Refusal>) {
        if let Err(refusal) = result {
            self.applied.refuse(refusal, self.objects.name(at));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::diagnostic::{FileId, Position, Spanned};
    use crate::render::patch::{Entry, TargetText, parse};

    /// A place of its own for every entry.
    fn span(line: u32) -> Span {
        let at = Position { line, column: 1, offset: line };
        Span { file: FileId(0), start: at, end: at }
    }

    fn entry(line: u32, target: &[(&str, &str)], patch: &str) -> Entry {
        let field = |name: &str| {
            let given = target.iter().find(|(field, _)| *field == name);
            given.map(|(_, text)| Spanned::new((*text).to_owned(), span(line)))
        };
        Entry {
            span: span(line),
            patch: Some(Spanned::new(patch.to_owned(), span(line))),
            target: (!target.is_empty()).then(|| {
                let text = TargetText {
                    kind: field("kind"),
                    name: field("name"),
                    ..TargetText::default()
                };
                Spanned::new(text, span(line))
            }),
            ..Entry::default()
        }
    }

    fn map(name: &str, namespace: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {},
            "metadata": {"name": name, "namespace": namespace}})
    }

    fn run(entries: &[Entry], objects: &mut Vec<Value>) -> Vec<Diagnostic> {
        let (patches, found) = parse(entries);
        assert_eq!(found, []);
        apply(&patches, objects)
    }

    #[test]
    fn a_merge_finds_its_object_by_its_own_name() {
        let mut objects = vec![map("a", "shop"), map("a", "web")];
        let patch =
            "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: web}, data: {k: v}}";
        assert_eq!(run(&[entry(1, &[], patch)], &mut objects), []);
        assert_eq!(objects[0], map("a", "shop"));
        assert_eq!(objects[1]["data"], json!({"k": "v"}));

        let patch =
            "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: none}, data: {k: v}}";
        let found = run(&[entry(3, &[], patch)], &mut objects);
        assert_eq!(found[0].code, "patch-without-object");
        assert_eq!(found[0].primary.as_ref().unwrap().span, span(3));
        assert_eq!(
            found[0].help.as_deref(),
            Some("there is one of `v1` in namespace `shop`: the patch must name it as it is")
        );
    }

    #[test]
    fn one_fault_on_many_objects_is_one_finding() {
        let mut objects: Vec<Value> = (0..3).map(|n| map(&format!("m{n}"), "x")).collect();
        let before = objects.clone();
        let patch = "[{op: add, path: /data/k, value: v}, {op: remove, path: /data/none}]";
        let found = run(&[entry(1, &[("kind", "ConfigMap")], patch)], &mut objects);
        let messages: Vec<_> = found.iter().map(|d| d.message.as_str()).collect();
        assert_eq!(
            messages,
            ["this patch cannot be applied to `ConfigMap x/m0` and 2 more objects: \
              operation 2, `remove`: `/data/none` does not exist"]
        );
        assert_eq!(objects, before);
    }

    #[test]
    fn patches_that_fight_are_named_both() {
        let mut objects = vec![map("a", "x"), map("b", "x")];
        let set = |line, value: &str| {
            let patch = format!("[{{op: add, path: /data/k, value: {value}}}]");
            entry(line, &[("kind", "ConfigMap"), ("name", "a|b")], &patch)
        };
        let found = run(&[set(1, "one"), set(2, "one"), set(3, "two")], &mut objects);
        let [fight] = &found[..] else { panic!("{found:#?}") };
        assert_eq!(fight.code, "patches-fight");
        assert_eq!(
            fight.message,
            "two patches set `data.k` of `ConfigMap x/a` and 1 more field, each in its own way"
        );
        assert_eq!(fight.primary.as_ref().unwrap().span, span(3));
        assert_eq!(fight.secondary[0].span, span(1));
        assert_eq!(objects[1]["data"]["k"], "two");
    }

    #[test]
    fn a_patch_for_one_of_two_clusters_is_not_missed() {
        let mut clusters =
            [vec![map("a", "x")], vec![map("a", "x"), map("b", "x"), map("c", "shop")]];
        let merge = |line, name: &str| {
            let patch = format!(
                "{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}, namespace: x}}, data: {{k: v}}}}"
            );
            entry(line, &[], &patch)
        };
        let target = |line, name: &str| {
            let target = [("kind", "ConfigMap"), ("name", name)];
            entry(line, &target, "[{op: remove, path: /data/none}]")
        };
        let (patches, _) =
            parse(&[merge(1, "a"), merge(2, "b"), merge(3, "c"), target(4, "a"), target(5, "d")]);
        let applied: Vec<_> =
            clusters.iter_mut().map(|objects| apply_to_set(&patches, objects)).collect();
        let found: Vec<_> = findings(&patches, &applied)
            .iter()
            .map(|d| (d.primary.as_ref().unwrap().span.start.line, d.message.clone()))
            .collect();
        assert_eq!(
            found,
            [
                (3, "this patch is for `ConfigMap x/c`, which does not exist".to_owned()),
                (
                    4,
                    "this patch cannot be applied to `ConfigMap x/a` and 1 more object: \
                     operation 1, `remove`: `/data/none` does not exist"
                        .to_owned()
                ),
                (5, "the target of this patch matches no object".to_owned()),
            ]
        );
        assert_eq!(clusters[0][0]["data"], json!({"k": "v"}));
        assert_eq!(clusters[1][1]["data"], json!({"k": "v"}));
    }

    #[test]
    fn a_deleted_object_is_gone_for_later_patches() {
        let mut objects = vec![map("a", "x"), map("b", "x")];
        let delete = "{kind: ConfigMap, metadata: {name: any}, $patch: delete}";
        let target = [("kind", "ConfigMap"), ("name", "a")];
        let found = run(&[entry(1, &target, delete), entry(2, &target, delete)], &mut objects);
        let codes: Vec<_> = found.iter().map(|d| d.code).collect();
        assert_eq!(codes, ["patch-deletes-object", "patch-target-unmatched"]);
        assert_eq!(objects, [map("b", "x")]);
    }

    #[test]
    fn what_is_no_object_is_left_alone() {
        let mut objects = vec![json!(3), json!({"kind": "ConfigMap"}), map("a", "x")];
        let patch = "[{op: add, path: /data/k, value: v}]";
        assert_eq!(run(&[entry(1, &[("name", ".*")], patch)], &mut objects), []);
        assert_eq!(objects[0], json!(3));
        assert_eq!(objects[2]["data"]["k"], "v");
    }
}
