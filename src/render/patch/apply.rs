//! Patches onto objects, entry by entry (`PatchTransformer.go` `Transform`).

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::fight::Changes;
use super::identity::{Identity, NOT_NAMESPACED};
use super::json6902::Operations;
use super::parse::{Content, Merge, Patch};
use super::strategic;
use super::target::Target;
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
    let mut run = Run::new(objects);
    for (entry, patch) in patches.iter().enumerate() {
        run.apply(entry, patch);
    }
    run.report_fights(patches);
    let Run { objects, states, found, .. } = run;
    for (object, state) in objects.iter_mut().zip(&states) {
        if state.deleted {
            *object = Value::Null;
        }
    }
    found
}

struct Run<'o> {
    objects: &'o mut [Value],
    states: Vec<State>,
    /// Objects by kind, namespace and name, present and former.
    index: BTreeMap<(String, String, String), Vec<usize>>,
    /// Entries that fight: the earlier, the later, and the fields.
    fights: BTreeMap<(usize, usize), Vec<String>>,
    found: Vec<Diagnostic>,
}

/// What is known of an object beside its content.
#[derive(Default)]
struct State {
    /// Its names, the first and the present one included; none for what is no object.
    identities: Vec<Identity>,
    changes: Changes,
    deleted: bool,
}

/// Why a patch was not applied to an object.
struct Refusal {
    code: &'static str,
    message: String,
    help: Option<&'static str>,
    span: Span,
}

impl<'o> Run<'o> {
    fn new(objects: &'o mut [Value]) -> Self {
        let states: Vec<State> = objects
            .iter()
            .map(|o| State {
                identities: Identity::of(o).into_iter().collect(),
                ..State::default()
            })
            .collect();
        let mut index: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (at, state) in states.iter().enumerate() {
            for identity in &state.identities {
                index.entry(key(identity)).or_default().push(at);
            }
        }
        Self { objects, states, index, fights: BTreeMap::new(), found: Vec::new() }
    }

    fn apply(&mut self, entry: usize, patch: &Patch) {
        let mut refusals: Vec<(Refusal, Vec<String>)> = Vec::new();
        match (&patch.content, &patch.target) {
            (Content::Merges(merges), None) => {
                for merge in merges {
                    if let Some(at) = self.the_one(merge) {
                        let result = self.merge(entry, at, merge, patch);
                        self.take(at, result, &mut refusals);
                    }
                }
            }
            (content, Some(target)) => {
                let selected = self.select(target);
                if selected.is_empty() {
                    self.found.push(
                        Diagnostic::warning(
                            "patch-target-unmatched",
                            "the target of this patch matches no object",
                        )
                        .at(target.span, "")
                        .help("kustomize passes over it in silence; correct the target or remove the entry"),
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
                    self.take(at, result, &mut refusals);
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
        let called_so = self.index.get(&key(wanted)).map_or(&[][..], Vec::as_slice);
        let matches: Vec<usize> = called_so
            .iter()
            .copied()
            .filter(|at| {
                let state = &self.states[*at];
                !state.deleted
                    && state
                        .identities
                        .iter()
                        .any(|i| i.group == wanted.group && i.version == wanted.version)
            })
            .collect();
        if let [one] = matches[..] {
            return Some(one);
        }
        let message = match matches.len() {
            0 => format!("this patch is for `{wanted}`, which does not exist"),
            n => format!("this patch is for `{wanted}`, which {n} objects are or were called"),
        };
        let near = self.states.iter().filter(|s| !s.deleted).filter_map(|s| s.identities.last());
        let near = near.filter(|i| i.kind == wanted.kind && i.name == wanted.name).min();
        let diagnostic = Diagnostic::error("patch-without-object", message).at(merge.span, "");
        self.found.push(match near.filter(|_| matches.is_empty()) {
            Some(near) => diagnostic.help(format!(
                "there is one in {} with apiVersion `{}`: the patch must say both as the object does",
                if near.namespace == NOT_NAMESPACED {
                    "no namespace".to_owned()
                } else {
                    format!("namespace `{}`", near.namespace)
                },
                api_version(near)
            )),
            None => diagnostic,
        });
        None
    }

    /// The objects that a target selects, in their order.
    fn select(&self, target: &Target) -> Vec<usize> {
        let literals = (target.kind.literal(), target.namespace.literal(), target.name.literal());
        let mut candidates: Vec<usize> = match literals {
            (Some(kind), Some(namespace), Some(name)) => {
                let key = (kind.to_owned(), namespace.to_owned(), name.to_owned());
                self.index.get(&key).cloned().unwrap_or_default()
            }
            (Some(kind), namespace, _) => {
                let from =
                    (kind.to_owned(), namespace.unwrap_or_default().to_owned(), String::new());
                self.index
                    .range(from..)
                    .take_while(|((k, n, _), _)| k == kind && namespace.is_none_or(|w| n == w))
                    .flat_map(|(_, at)| at.iter().copied())
                    .collect()
            }
            (None, _, _) => (0..self.objects.len()).collect(),
        };
        candidates.sort_unstable();
        candidates.dedup();
        candidates.retain(|at| {
            let state = &self.states[*at];
            match (state.identities.first(), state.identities.last()) {
                (Some(first), Some(now)) if !state.deleted => {
                    target.matches(first, now, &self.objects[*at])
                }
                _ => false,
            }
        });
        candidates
    }

    fn merge(
        &mut self,
        entry: usize,
        at: usize,
        merge: &Merge,
        patch: &Patch,
    ) -> Result<(), Refusal> {
        let refuse = |fault: strategic::Fault| Refusal {
            code: fault.code,
            message: if fault.at == Pointer::root() {
                fault.what
            } else {
                format!("at `{}` {}", fault.at, fault.what)
            },
            help: fault.help,
            span: merge.span,
        };
        let old = &self.objects[at];
        let Some(mut new) = strategic::merge(old, &merge.patch).map_err(refuse)? else {
            let name = self.name(at);
            self.states[at].deleted = true;
            self.found.push(
                Diagnostic::warning("patch-deletes-object", format!("this patch deletes `{name}`"))
                    .at(merge.span, "")
                    .help("leave the object out of the spec instead, if it is yours"),
            );
            return Ok(());
        };
        keep_names(old, &mut new, patch);
        self.replace(entry, at, new, patch, merge.span)
    }

    fn operate(
        &mut self,
        entry: usize,
        at: usize,
        operations: &Operations,
        patch: &Patch,
    ) -> Result<(), Refusal> {
        let new = operations.apply(&self.objects[at]).map_err(|fault| Refusal {
            code: "patch-failed",
            message: format!("operation {} fails: {}", fault.index + 1, fault.what),
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
        let refuse = |code, message: String, help| Err(Refusal { code, message, help, span });
        let old = &self.objects[at];
        if let Some((field, key)) = new_without_text(old, &new) {
            return refuse(
                "patch-label",
                format!("`{key}` of `{field}` would be no text"),
                Some("put the value in quotes"),
            );
        }
        let (Some(was), Some(is)) = (self.states[at].identities.last(), Identity::of(&new)) else {
            return refuse(
                "patch-identity",
                "`apiVersion`, `kind` or `metadata.name` would be missing or no text".into(),
                None,
            );
        };
        if *was != is {
            self.may_be_called(at, was, &is, patch)
                .or_else(|(message, help)| refuse("patch-identity", message, help))?;
            self.index.entry(key(&is)).or_default().push(at);
            self.states[at].identities.push(is);
        }
        let old = std::mem::replace(&mut self.objects[at], new);
        for (earlier, field) in self.states[at].changes.record(entry, &old, &self.objects[at]) {
            let field = format!("`{field}` of `{}`", self.name(at));
            self.fights.entry((earlier, entry)).or_default().push(field);
        }
        Ok(())
    }

    fn may_be_called(
        &self,
        at: usize,
        was: &Identity,
        is: &Identity,
        patch: &Patch,
    ) -> Result<(), (String, Option<&'static str>)> {
        if was.name != is.name && !patch.allow_name_change {
            return Err((
                format!("it would be renamed to `{}`", is.name),
                Some("set `options.allowNameChange` if that is meant"),
            ));
        }
        let kind = |i: &Identity| (i.group.clone(), i.version.clone(), i.kind.clone());
        if kind(was) != kind(is) && !patch.allow_kind_change {
            return Err((
                format!("it would become a `{}` of `{}`", is.kind, api_version(is)),
                Some("set `options.allowKindChange` if that is meant"),
            ));
        }
        if was.namespace != is.namespace && kind(was) == kind(is) {
            return Err((
                format!("it would move into namespace `{}`", is.namespace),
                Some("set the namespace where the object comes from"),
            ));
        }
        let taken = self.index.get(&key(is)).map_or(&[][..], Vec::as_slice);
        let same = |other: &Identity| other.group == is.group && other.version == is.version;
        if taken.iter().any(|other| {
            let state = &self.states[*other];
            *other != at
                && !state.deleted
                && state.identities.last().is_some_and(|i| same(i) && key(i) == key(is))
        }) {
            return Err((format!("it would be called `{is}`, which exists"), None));
        }
        if was.name != is.name && REFERRED_TO.contains(&was.kind.as_str()) {
            let by = self
                .states
                .iter()
                .zip(self.objects.iter())
                .enumerate()
                .find(|(i, (s, o))| *i != at && !s.deleted && mentions(o, &was.name));
            if let Some((by, _)) = by {
                return Err((
                    format!("it would be renamed, and `{}` names it", self.name(by)),
                    Some(
                        "kustomize would rewrite the reference: give it its name where it comes from",
                    ),
                ));
            }
        }
        Ok(())
    }

    fn take(
        &self,
        at: usize,
        result: Result<(), Refusal>,
        refusals: &mut Vec<(Refusal, Vec<String>)>,
    ) {
        let Err(refusal) = result else { return };
        let name = self.name(at);
        let same = |r: &Refusal| r.message == refusal.message && r.span == refusal.span;
        match refusals.iter_mut().find(|(r, _)| same(r)) {
            Some((_, names)) => names.push(name),
            None => refusals.push((refusal, vec![name])),
        }
    }

    fn report(&mut self, refusals: Vec<(Refusal, Vec<String>)>) {
        for (refusal, names) in refusals {
            let more = match names.len() - 1 {
                0 => String::new(),
                1 => " and 1 more object".to_owned(),
                n => format!(" and {n} more objects"),
            };
            let first = names.first().map_or("", String::as_str);
            let diagnostic = Diagnostic::error(
                refusal.code,
                format!("this patch cannot be applied to `{first}`{more}: {}", refusal.message),
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
            let more = match fields.len() - 1 {
                0 => String::new(),
                1 => " and 1 more field".to_owned(),
                n => format!(" and {n} more fields"),
            };
            let field = fields.first().map_or("", String::as_str);
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

    fn name(&self, at: usize) -> String {
        self.states[at].identities.last().map(Identity::to_string).unwrap_or_default()
    }
}

/// The kinds whose names kustomize follows into other objects (`nameReference` of its built-in
/// configuration).
const REFERRED_TO: [&str; 16] = [
    "ClusterRole",
    "ConfigMap",
    "Deployment",
    "IngressClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "PriorityClass",
    "ReplicaSet",
    "ReplicationController",
    "Role",
    "Secret",
    "Service",
    "ServiceAccount",
    "StatefulSet",
    "StorageClass",
    "ValidatingAdmissionPolicy",
];

/// True when some text outside of the metadata is this name.
fn mentions(object: &Value, name: &str) -> bool {
    fn within(value: &Value, name: &str) -> bool {
        match value {
            Value::String(text) => text == name,
            Value::Array(items) => items.iter().any(|v| within(v, name)),
            Value::Object(map) => map.values().any(|v| within(v, name)),
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }
    object
        .as_object()
        .is_some_and(|map| map.iter().any(|(key, value)| key != "metadata" && within(value, name)))
}

/// A strategic merge does not change how an object is called, whatever it says, unless its options
/// let it; the namespace never (`api/resource/resource.go` `ApplySmPatch`).
fn keep_names(old: &Value, new: &mut Value, patch: &Patch) {
    let Some(map) = new.as_object_mut() else { return };
    if !patch.allow_kind_change {
        put(map, "kind", old.get("kind"));
    }
    let metadata = map.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
    let Some(metadata) = metadata.as_object_mut() else { return };
    let old = |field: &str| old.get("metadata").and_then(|m| m.get(field));
    if !patch.allow_name_change {
        put(metadata, "name", old("name"));
    }
    put(metadata, "namespace", old("namespace"));
}

fn put(map: &mut Map<String, Value>, field: &str, value: Option<&Value>) {
    match value {
        Some(value) => map.insert(field.to_owned(), value.clone()),
        None => map.shift_remove(field),
    };
}

/// A label or annotation that is no text and was not there before.
fn new_without_text(old: &Value, new: &Value) -> Option<(&'static str, String)> {
    let of = |object: &'_ Value, field: &str| -> Option<Map<String, Value>> {
        object.get("metadata")?.get(field)?.as_object().cloned()
    };
    ["labels", "annotations"].into_iter().find_map(|field| {
        let before = of(old, field).unwrap_or_default();
        of(new, field)?
            .into_iter()
            .find(|(key, value)| !value.is_string() && before.get(key) != Some(value))
            .map(|(key, _)| (field, key))
    })
}

fn key(identity: &Identity) -> (String, String, String) {
    (identity.kind.clone(), identity.namespace.clone(), identity.name.clone())
}

fn api_version(identity: &Identity) -> String {
    if identity.group.is_empty() {
        identity.version.clone()
    } else {
        format!("{}/{}", identity.group, identity.version)
    }
}
