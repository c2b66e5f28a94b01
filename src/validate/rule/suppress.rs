//! Findings of lints that somebody has looked at and lets stand, with a reason and until a day.
//!
//! What is suppressed is counted where it is suppressed. An entry that has expired suppresses
//! nothing and is a finding; so is one that suppresses nothing any more.
//!
//! Only lints can be let stand. What a schema, a CRD or the metadata's rules find the server will
//! refuse, whatever is said of it here.

use std::collections::BTreeMap;

use super::input::at;
use super::{RULES, Rule, explain};
use crate::diagnostic::page::page;
use crate::diagnostic::{Diagnostic, FileId, Severity, Span, Spanned, nearest};
use crate::k8s::Object;
use crate::spec::Suppression;

/// Lints that nobody may suppress: what they find must leave the repository.
const NEVER: [&str; 2] = ["secret-data", "secret-text"];

/// The suppressions of an environment, and how often each was used.
pub struct Suppressions<'a> {
    entries: Vec<(&'a Spanned<Suppression>, usize)>,
    today: &'a str,
}

impl<'a> Suppressions<'a> {
    /// `today` is a date as `2026-12-31`.
    pub fn new(entries: &'a [Spanned<Suppression>], today: &'a str) -> Self {
        Self { entries: entries.iter().map(|entry| (entry, 0)).collect(), today }
    }

    /// Takes out what is suppressed among the findings about a cluster's objects.
    pub fn apply(&mut self, cluster: &str, objects: &[&Object], found: &mut Vec<Diagnostic>) {
        let today = self.today;
        let mut active: Vec<_> = self
            .entries
            .iter_mut()
            .filter(|(entry, _)| is_active(&entry.value, today))
            .filter(|(entry, _)| entry.value.cluster.as_ref().is_none_or(|c| c == cluster))
            .collect();
        if active.is_empty() {
            return;
        }
        let by_file = by_file(objects);
        found.retain(|diagnostic| {
            let mut used = active.iter_mut().filter(|(e, _)| e.value.code.value == diagnostic.code);
            let span = diagnostic.primary.as_ref().map(|place| place.span);
            let object = span.and_then(|span| object_at(&by_file, span));
            match used.find(|(e, _)| is_about(&e.value, object)) {
                Some((_, count)) => {
                    *count += 1;
                    false
                }
                None => true,
            }
        });
    }

    /// What there is to say of the entries themselves, once every cluster has been looked at.
    pub fn review(self, found: &mut Vec<Diagnostic>) {
        for (entry, count) in self.entries {
            found.push(review(entry, count, self.today));
        }
    }
}

fn review(entry: &Spanned<Suppression>, count: usize, today: &str) -> Diagnostic {
    let Suppression { code, reason, expires, .. } = &entry.value;
    if explain(&code.value).is_none() {
        let diagnostic =
            Diagnostic::error("unknown-lint", format!("there is no lint `{}`", code.value))
                .at(code.span, "");
        if page(&code.value).is_some() {
            return diagnostic.help("only lints can be let stand: what is refused stays refused");
        }
        return match nearest(&code.value, RULES.iter().map(|rule| rule.code)) {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
            None => diagnostic.help("`waypost explain` lists them"),
        };
    }
    if NEVER.contains(&code.value.as_str()) {
        return Diagnostic::error(
            "suppressed-secret",
            format!("`{}` cannot be suppressed", code.value),
        )
        .at(code.span, "what is in git has been published")
        .help("take the secret out and change it");
    }
    if expires.value.as_str() < today {
        return Diagnostic::error(
            "expired-suppression",
            format!("the suppression of `{}` has expired", code.value),
        )
        .at(expires.span, format!("it was for: {reason}"))
        .help("mend what the lint finds, or look at it again and move the day");
    }
    if count == 0 {
        return Diagnostic::warning(
            "unused-suppression",
            format!("no finding of `{}` is suppressed here", code.value),
        )
        .at(entry.span, "")
        .help("remove the entry: it would hide the next one");
    }
    Diagnostic::note("suppressed", format!("{} of `{}`: {reason}", times(count), code.value))
        .at(code.span, format!("until {}", expires.value))
}

fn times(count: usize) -> String {
    if count == 1 { "1 finding".to_owned() } else { format!("{count} findings") }
}

/// How an object tells `istioctl analyze` to be silent about it.
const ANNOTATION: &str = "galley.istio.io/analyze-suppress";

/// Takes out what objects' own annotation lets stand, and says how much it was.
///
/// Codes are compared in the order of upstream's `pkg/config/analysis/local/istiod_analyze.go`
/// (`filterMessages`): `*`, or the code to the letter, between commas. They are Istio's codes, so
/// lints that look for something else are left alone, and so is every error: an annotation has
/// neither reason nor end, and comes with the object that it excuses.
pub fn apply_annotations(objects: &[&Object], found: &mut Vec<Diagnostic>) {
    if !objects.iter().any(|object| object.annotations.contains_key(ANNOTATION)) {
        return;
    }
    let by_file = by_file(objects);
    let mut counts: BTreeMap<(Span, &str), (usize, &Object, &Rule)> = BTreeMap::new();
    found.retain(|diagnostic| {
        let excused = excuse(diagnostic, &by_file);
        if let Some((object, rule)) = excused {
            counts.entry((object.span(), rule.code)).or_insert((0, object, rule)).0 += 1;
        }
        excused.is_none()
    });
    found.extend(counts.into_values().map(|(count, object, rule)| {
        let (code, istio) = (rule.code, rule.istio.unwrap_or_default());
        let place = at(&object.body, &["metadata", "annotations", ANNOTATION]);
        Diagnostic::note(
            "suppressed",
            format!("{} of `{code}` ({istio}) in {}", times(count), object.reference()),
        )
        .at(place.map_or(object.name_span(), |n| n.span), "by this annotation")
    }));
}

/// The object whose annotation lets a finding stand, and the lint.
fn excuse<'o>(
    diagnostic: &Diagnostic,
    by_file: &BTreeMap<FileId, Vec<&'o Object>>,
) -> Option<(&'o Object, &'static Rule)> {
    let rule = explain(diagnostic.code)?;
    let istio = rule.istio.filter(|_| diagnostic.severity != Severity::Error)?;
    let object = object_at(by_file, diagnostic.primary.as_ref()?.span)?;
    let mut codes = object.annotations.get(ANNOTATION)?.split(',');
    codes.any(|code| code == "*" || code == istio).then_some((object, rule))
}

/// Objects by the places that they stand at.
pub struct ByFile<'o>(BTreeMap<FileId, Vec<&'o Object>>);

impl<'o> ByFile<'o> {
    /// Objects of any files.
    pub fn new(objects: &[&'o Object]) -> Self {
        Self(by_file(objects))
    }

    /// The object that a place lies in.
    pub fn at(&self, span: Span) -> Option<&'o Object> {
        object_at(&self.0, span)
    }
}

/// The objects of each file, in its order.
fn by_file<'o>(objects: &[&'o Object]) -> BTreeMap<FileId, Vec<&'o Object>> {
    let mut by_file: BTreeMap<FileId, Vec<&Object>> = BTreeMap::new();
    for object in objects.iter().copied() {
        by_file.entry(object.span().file).or_default().push(object);
    }
    for objects in by_file.values_mut() {
        objects.sort_by_key(|object| object.span().start.offset);
    }
    by_file
}

fn is_active(entry: &Suppression, today: &str) -> bool {
    let code = entry.code.value.as_str();
    // dates of this form are ordered as texts are; the day itself still counts
    explain(code).is_some() && !NEVER.contains(&code) && today <= entry.expires.value.as_str()
}

/// The object that a place lies in.
fn object_at<'o>(by_file: &BTreeMap<FileId, Vec<&'o Object>>, span: Span) -> Option<&'o Object> {
    let objects = by_file.get(&span.file)?;
    let behind = objects.partition_point(|o| o.span().start.offset <= span.start.offset);
    let object = objects.get(behind.checked_sub(1)?)?;
    (span.start.offset <= object.span().end.offset).then_some(object)
}

/// An entry without kind, namespace and name is about every object.
fn is_about(entry: &Suppression, object: Option<&Object>) -> bool {
    let Suppression { kind, namespace, name, .. } = entry;
    if kind.is_none() && namespace.is_none() && name.is_none() {
        return true;
    }
    object.is_some_and(|object| {
        let own = match object.gvk.is("", "Namespace") {
            true => Some(object.name.as_str()),
            false => object.namespace.as_deref(),
        };
        kind.as_ref().is_none_or(|k| *k == object.gvk.kind)
            && namespace.as_ref().is_none_or(|n| Some(n.as_str()) == own)
            && name.as_ref().is_none_or(|n| *n == object.name)
    })
}
