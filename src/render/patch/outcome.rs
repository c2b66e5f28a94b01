//! What came of patches, over one or several sets of objects.

use std::collections::{BTreeMap, BTreeSet};

use super::identity::{Identity, NOT_NAMESPACED};
use super::parse::{Content, Patch};
use crate::diagnostic::{self, Diagnostic, Span};

/// What came of patches in one set of objects.
#[derive(Clone, Debug, Default)]
pub struct Applied {
    /// Entry and document that met an object.
    hits: BTreeSet<(usize, usize)>,
    /// Entry and document that met none or several.
    misses: BTreeMap<(usize, usize), Miss>,
    /// What was refused for one reason, and the objects.
    refusals: Vec<(Refusal, Vec<String>)>,
    deleted: BTreeSet<(Span, String)>,
    /// Entries that fight, the earlier and the later, and the fields.
    fights: BTreeMap<(usize, usize), Vec<String>>,
}

/// Why a patch was not applied to an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) help: Option<&'static str>,
    pub(super) span: Span,
}

#[derive(Clone, Debug)]
struct Miss {
    /// How many objects are called so: none or several.
    objects: usize,
    /// One that is called nearly so.
    near: Option<Identity>,
}

impl Applied {
    pub(super) fn hit(&mut self, entry: usize, document: usize) {
        self.hits.insert((entry, document));
    }

    pub(super) fn miss(
        &mut self,
        entry: usize,
        document: usize,
        objects: usize,
        near: Option<Identity>,
    ) {
        self.misses.insert((entry, document), Miss { objects, near });
    }

    pub(super) fn refuse(&mut self, refusal: Refusal, object: String) {
        match self.refusals.iter_mut().find(|(r, _)| *r == refusal) {
            Some((_, objects)) => objects.push(object),
            None => self.refusals.push((refusal, vec![object])),
        }
    }

    pub(super) fn delete(&mut self, span: Span, object: String) {
        self.deleted.insert((span, object));
    }

    pub(super) fn fight(&mut self, earlier: usize, later: usize, field: String) {
        self.fights.entry((earlier, later)).or_default().push(field);
    }

    fn merge(&mut self, other: &Self) {
        self.hits.extend(&other.hits);
        for (place, miss) in &other.misses {
            let known = self.misses.get(place);
            // several objects of one name in one set are a fault whatever the other sets hold
            if known.is_none_or(|k| k.objects == 0 && (miss.objects > 0 || k.near.is_none())) {
                self.misses.insert(*place, miss.clone());
            }
        }
        for (refusal, objects) in &other.refusals {
            for object in objects {
                self.refuse(refusal.clone(), object.clone());
            }
        }
        self.deleted.extend(other.deleted.iter().cloned());
        for (pair, fields) in &other.fights {
            self.fights.entry(*pair).or_default().extend(fields.iter().cloned());
        }
    }
}

/// What is to say of patches that were applied to these sets of objects.
pub fn findings(patches: &[Patch], applied: &[Applied]) -> Vec<Diagnostic> {
    let mut all = Applied::default();
    for one in applied {
        all.merge(one);
    }
    let mut found = Vec::new();
    for (place, miss) in &all.misses {
        if miss.objects > 0 || !all.hits.contains(place) {
            found.extend(missed(patches, *place, miss));
        }
    }
    found.extend(all.refusals.iter().filter_map(|(r, objects)| refused(patches, r, objects)));
    for (span, name) in &all.deleted {
        found.push(
            Diagnostic::warning("patch-deletes-object", format!("this patch deletes `{name}`"))
                .at(*span, "")
                .help("leave the object out where it comes from, if it is yours"),
        );
    }
    found.extend(all.fights.iter().filter_map(|(pair, fields)| fought(patches, *pair, fields)));
    diagnostic::sort(&mut found);
    found
}

fn missed(patches: &[Patch], (entry, document): (usize, usize), miss: &Miss) -> Option<Diagnostic> {
    let patch = patches.get(entry)?;
    if let Some(target) = &patch.target {
        return Some(
            Diagnostic::warning(
                "patch-target-unmatched",
                "the target of this patch matches no object",
            )
            .at(target.span, "")
            .help("kustomize passes over it in silence; correct or remove the entry"),
        );
    }
    let Content::Merges(merges) = &patch.content else { return None };
    let merge = merges.get(document)?;
    let wanted = &merge.identity;
    let message = match miss.objects {
        0 => format!("this patch is for `{wanted}`, which does not exist"),
        n => format!("this patch is for `{wanted}`, which {n} objects are or were called"),
    };
    let diagnostic =
        named_by(patch, Diagnostic::error("patch-without-object", message).at(merge.span, ""));
    Some(match &miss.near {
        Some(near) => diagnostic
            .help(format!("there is one {}: the patch must name it as it is", whereabouts(near))),
        None => diagnostic
            .help("name kind, name and namespace of an object as they are in the rendered tree"),
    })
}

fn whereabouts(identity: &Identity) -> String {
    let api_version = identity.api_version();
    if identity.namespace == NOT_NAMESPACED {
        format!("of `{api_version}`")
    } else {
        format!("of `{api_version}` in namespace `{}`", identity.namespace)
    }
}

fn refused(patches: &[Patch], refusal: &Refusal, objects: &[String]) -> Option<Diagnostic> {
    let (first, others) = objects.split_first()?;
    let message = format!(
        "this patch cannot be applied to `{first}`{}: {}",
        and_more(others.len(), "object"),
        refusal.message
    );
    let mut diagnostic = Diagnostic::error(refusal.code, message).at(refusal.span, "");
    if let Some(patch) = patches.iter().find(|p| p.reads(refusal.span)) {
        diagnostic = named_by(patch, diagnostic);
    }
    Some(match refusal.help {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    })
}

/// Points at the entry, too, where the fault stands in the file that it names.
fn named_by(patch: &Patch, diagnostic: Diagnostic) -> Diagnostic {
    match &diagnostic.primary {
        Some(place) if place.span.file != patch.span.file => {
            diagnostic.also(patch.span, "named here")
        }
        _ => diagnostic,
    }
}

fn fought(
    patches: &[Patch],
    (earlier, later): (usize, usize),
    fields: &[String],
) -> Option<Diagnostic> {
    let (first, second) = (patches.get(earlier)?, patches.get(later)?);
    let (field, others) = fields.split_first()?;
    let more = and_more(others.len(), "field");
    Some(
        Diagnostic::error(
            "patches-fight",
            format!("two patches set {field}{more}, each in its own way"),
        )
        .at(second.span, "this one undoes or overwrites what the other did")
        .also(first.span, "the earlier one")
        .help("keep one of the two, or have them change different fields"),
    )
}

fn and_more(count: usize, noun: &str) -> String {
    match count {
        0 => String::new(),
        1 => format!(" and 1 more {noun}"),
        n => format!(" and {n} more {noun}s"),
    }
}
