//! Patches onto objects, entry by entry (`PatchTransformer.go` `Transform`).

use std::collections::BTreeMap;

use serde_json::Value;

use super::identity::{Identity, NOT_NAMESPACED};
use super::json6902::Operations;
use super::names::{keep_names, new_without_text, refuse_name};
use super::objects::Objects;
use super::parse::{Content, Merge, Patch};
use super::strategic;
use crate::diagnostic::{Diagnostic, Span};
use crate::yaml::Pointer;

/// As [`apply_in_place`]; what is deleted is taken out.
pub fn apply(patches: &[Patch], objects: &mut Vec<Value>) -> Vec<Diagnostic> {
    let found = apply_in_place(patches, objects);
    objects.retain(|object| !object.is_null());
    found
}

/// Applies the patches in order. An object that a patch cannot be applied to stays as it was, and
/// the findings say so; one that a patch deletes (`$patch: delete`) becomes null, so that the
/// others keep their places, and is reported with a warning.
pub fn apply_in_place(patches: &[Patch], objects: &mut [Value]) -> Vec<Diagnostic> {
    if patches.is_empty() {
        return Vec::new();
    }
    let mut run =
        Run { objects: Objects::new(objects), fights: BTreeMap::new(), found: Vec::new() };
    for (entry, patch) in patches.iter().enumerate() {
        run.apply(entry, patch);
    }
    run.report_fights(patches);
    let Run { objects: Objects { values, states, .. }, found, .. } = run;
    for (value, state) in values.iter_mut().zip(&states) {
        if state.deleted {
            *value = Value::Null;
        }
    }
    found
}

struct Run<'o> {
    objects: Objects<'o>,
    /// Entries that fight: the earlier, the later, and the fields.
    fights: BTreeMap<(usize, usize), Vec<String>>,
    found: Vec<Diagnostic>,
}

/// Why a patch was not applied to an object.
struct Refusal {
    code: &'static str,
    message: String,
    help: Option<&'static str>,
    span: Span,
}

/// What was refused for one reason, and the objects.
type Refusals = Vec<(Refusal, Vec<String>)>;

impl Run<'_> {
    fn apply(&mut self, entry: usize, patch: &Patch) {
        let mut refusals = Refusals::new();
        match (&patch.content, &patch.target) {
            (Content::Merges(merges), None) => {
                for merge in merges {
                    if let Some(at) = self.the_one(merge) {
                        let result = self.merge(entry, at, merge, patch);
                        self.note(at, result, &mut refusals);
                    }
                }
            }
            (content, Some(target)) => {
                let selected = self.objects.selected(target);
                if selected.is_empty() {
                    self.found.push(
                        Diagnostic::warning(
                            "patch-target-unmatched",
                            "the target of this patch matches no object",
                        )
                        .at(target.span, "")
                        .help("kustomize passes over it in silence; correct or remove the entry"),
                    );
                }
                for at in selected {
                    let result = match content {
                        Content::Merges(merges) => {
                            merges.iter().try_for_each(|merge| self.merge(entry, at, merge, patch))
                        }
                        Content::Operations(operations) => {
                            self.operate(entry, at, operations, patch)
                        }
                    };
                    self.note(at, result, &mut refusals);
                }
            }
            // the parser lets none through
            (Content::Operations(_), None) => {}
        }
        self.report(refusals);
    }

    /// The object that a merge without target names by its own identity.
    fn the_one(&mut self, merge: &Merge) -> Option<usize> {
        let wanted = &merge.identity;
        let matches = self.objects.called(wanted);
        if let [one] = matches[..] {
            return Some(one);
        }
        let message = match matches.len() {
            0 => format!("this patch is for `{wanted}`, which does not exist"),
            n => format!("this patch is for `{wanted}`, which {n} objects are or were called"),
        };
        let identities = self.objects.states.iter().filter_map(|state| state.identity());
        let near = identities.filter(|i| i.kind == wanted.kind && i.name == wanted.name).min();
        let diagnostic = Diagnostic::error("patch-without-object", message).at(merge.span, "");
        self.found.push(match near.filter(|_| matches.is_empty()) {
            Some(near) => diagnostic.help(format!(
                "there is one {}: the patch must name it as it is",
                whereabouts(near)
            )),
            None => diagnostic,
        });
        None
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
                let name = self.objects.name(at);
                self.objects.states[at].deleted = true;
                self.found.push(
                    Diagnostic::warning(
                        "patch-deletes-object",
                        format!("this patch deletes `{name}`"),
                    )
                    .at(merge.span, "")
                    .help("leave the object out where it comes from, if it is yours"),
                );
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
            self.fights.entry((earlier, entry)).or_default().push(field);
        }
        Ok(())
    }

    fn note(&self, at: usize, result: Result<(), Refusal>, refusals: &mut Refusals) {
        let Err(refusal) = result else { return };
        let name = self.objects.name(at);
        let same = |r: &Refusal| r.message == refusal.message && r.span == refusal.span;
        match refusals.iter_mut().find(|(r, _)| same(r)) {
            Some((_, names)) => names.push(name),
            None => refusals.push((refusal, vec![name])),
        }
    }

    fn report(&mut self, refusals: Refusals) {
        for (refusal, names) in refusals {
            let Some((first, others)) = names.split_first() else { continue };
            let diagnostic = Diagnostic::error(
                refusal.code,
                format!(
                    "this patch cannot be applied to `{first}`{}: {}",
                    and_more(others.len(), "object"),
                    refusal.message
                ),
            )
            .at(refusal.span, "");
            self.found.push(match refusal.help {
                Some(help) => diagnostic.help(help),
                None => diagnostic,
            });
        }
    }

    fn report_fights(&mut self, patches: &[Patch]) {
        for ((earlier, later), fields) in &self.fights {
            let (Some(first), Some(second)) = (patches.get(*earlier), patches.get(*later)) else {
                continue;
            };
            let Some((field, others)) = fields.split_first() else { continue };
            let more = and_more(others.len(), "field");
            self.found.push(
                Diagnostic::error(
                    "patches-fight",
                    format!("two patches set {field}{more}, each in its own way"),
                )
                .at(second.span, "this one undoes or overwrites what the other did")
                .also(first.span, "the earlier one")
                .help("keep one of the two, or have them change different fields"),
            );
        }
    }
}

fn and_more(count: usize, noun: &str) -> String {
    match count {
        0 => String::new(),
        1 => format!(" and 1 more {noun}"),
        n => format!(" and {n} more {noun}s"),
    }
}

fn whereabouts(identity: &Identity) -> String {
    let api_version = identity.api_version();
    if identity.namespace == NOT_NAMESPACED {
        format!("of `{api_version}`")
    } else {
        format!("of `{api_version}` in namespace `{}`", identity.namespace)
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
