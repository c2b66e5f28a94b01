//! What became of each object and file.

use serde::Serialize;
use serde_json::Value;

use super::page::{place, shown};
use crate::diff::{ChangeKind, FieldChange, FileChange, FileRole, LineKind, ObjectChange, hunks};
use crate::report::diff::report::{EnvironmentReport, Origin, counted};

/// With so few changes each is shown open.
const OPEN: usize = 4;

#[derive(Serialize)]
pub(super) struct Change {
    id: String,
    class: &'static str,
    sign: char,
    kind: String,
    name: String,
    place: String,
    open: bool,
    facts: Vec<Fact>,
    fields: Vec<Field>,
    lines: Vec<Line>,
    remarks: Vec<String>,
}

/// How many changes of a kind there are.
#[derive(Serialize)]
pub(super) struct Kind {
    class: &'static str,
    sign: char,
    count: usize,
}

#[derive(Serialize)]
struct Fact {
    label: &'static str,
    text: String,
}

#[derive(Serialize)]
struct Field {
    path: String,
    before: Option<String>,
    after: Option<String>,
}

#[derive(Serialize)]
struct Line {
    class: &'static str,
    sign: char,
    before: Option<usize>,
    after: Option<usize>,
    text: String,
}

impl Kind {
    pub(super) fn of(kind: ChangeKind, changes: &[Change]) -> Option<Self> {
        let class = kind.as_str();
        let count = changes.iter().filter(|change| change.class == class).count();
        (count > 0).then(|| Self { class, sign: kind.sign(), count })
    }
}

impl Change {
    /// All that somebody needs to read, objects before other files.
    pub(super) fn all(report: &EnvironmentReport, id: &str) -> Vec<Self> {
        let objects = report.shown().map(|(object, origin)| Self::of_object(object, origin));
        let files = report.tree.files.iter().filter(|f| f.noise.is_none()).map(Self::of_file);
        let mut all: Vec<Self> = objects.chain(files).collect();
        let open = all.len() <= OPEN;
        for (at, change) in all.iter_mut().enumerate() {
            change.id = format!("{id}-c{at}");
            change.open = open;
        }
        all
    }

    fn of_object(object: &ObjectChange, origin: Option<&Origin>) -> Self {
        let kind = object.kind();
        let reference = object.reference();
        let name = reference.map_or_else(String::new, |reference| match &reference.namespace {
            Some(namespace) => format!("{namespace}/{}", reference.name),
            None => reference.name.clone(),
        });
        let (before, after) = (object.before.as_ref(), object.after.as_ref());
        let mut facts = files(before.map(|v| v.path.as_str()), after.map(|v| v.path.as_str()));
        if let Some(old) = before.filter(|_| kind == ChangeKind::Renamed) {
            facts.push(Fact { label: "was", text: shown(&old.reference.to_string()) });
        }
        if let Some(origin) = origin {
            facts.push(Fact { label: "spec", text: place(origin) });
        }
        let remarks = (object.ignored_fields > 0).then(|| {
            format!("{} more changed and are ignored.", counted(object.ignored_fields, "field"))
        });
        let area = object.version().map_or("", |version| version.area());
        Self {
            id: String::new(),
            class: kind.as_str(),
            sign: kind.sign(),
            kind: reference.map_or_else(String::new, |reference| shown(&reference.kind)),
            name: shown(&name),
            place: shown(&format!("{} · {area}", object.cluster())),
            open: false,
            facts,
            fields: object.fields.iter().map(Field::of).collect(),
            lines: lines(before.map_or("", |v| &v.text), after.map_or("", |v| &v.text)),
            remarks: remarks.into_iter().collect(),
        }
    }

    fn of_file(file: &FileChange) -> Self {
        let kind = match (&file.before, &file.after) {
            (None, _) => ChangeKind::Added,
            (_, None) => ChangeKind::Removed,
            _ => ChangeKind::Changed,
        };
        let (word, remark) = match &file.role {
            FileRole::Lock => ("lock", None),
            FileRole::Kustomization { beyond, .. } | FileRole::Build(beyond)
                if !beyond.is_empty() =>
            {
                let what =
                    format!("appliers build more than the listed files: {}", beyond.join(", "));
                ("kustomization", Some(what))
            }
            FileRole::Build(_) => ("kustomization", None),
            FileRole::Kustomization { dropped, .. } if dropped.is_empty() => {
                ("kustomization", None)
            }
            FileRole::Kustomization { dropped, .. } => {
                let what = format!("It no longer lists {}.", dropped.join(", "));
                ("kustomization", Some(what))
            }
            FileRole::Other => ("file", None),
            FileRole::Unreadable(why) => {
                ("file", Some(format!("It cannot be read: {}.", why.message)))
            }
        };
        Self {
            id: String::new(),
            class: kind.as_str(),
            sign: kind.sign(),
            kind: word.to_owned(),
            name: shown(&file.path),
            place: String::new(),
            open: false,
            facts: Vec::new(),
            fields: Vec::new(),
            lines: lines(
                file.before.as_deref().unwrap_or_default(),
                file.after.as_deref().unwrap_or_default(),
            ),
            remarks: remark.map(|text| shown(&text)).into_iter().collect(),
        }
    }
}

/// Where it lies and lay.
fn files(before: Option<&str>, after: Option<&str>) -> Vec<Fact> {
    match (before, after) {
        (Some(before), Some(after)) if before != after => vec![
            Fact { label: "from", text: shown(before) },
            Fact { label: "to", text: shown(after) },
        ],
        (before, after) => after
            .or(before)
            .map(|path| Fact { label: "file", text: shown(path) })
            .into_iter()
            .collect(),
    }
}

impl Field {
    fn of(field: &FieldChange) -> Self {
        let value = |value: &Option<Value>| {
            value.as_ref().map(|value| match value {
                Value::String(text) => shown(text),
                other => shown(&other.to_string()),
            })
        };
        let path = field.path.to_string();
        Self {
            path: shown(&if field.is_order { format!("{path} (order)") } else { path }),
            before: value(&field.before),
            after: value(&field.after),
        }
    }
}

/// The lines that differ, numbered, with those around them.
fn lines(before: &str, after: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    for hunk in hunks(before, after) {
        if !lines.is_empty() {
            lines.push(Line {
                class: "gap",
                sign: ' ',
                before: None,
                after: None,
                text: "…".to_owned(),
            });
        }
        let (mut old, mut new) = (hunk.before, hunk.after);
        for line in &hunk.lines {
            // a remark about the line above, no line of its own
            let is_remark = line.text.starts_with("\\ No newline");
            let number = |of: &mut usize, is_there: bool| {
                let number = (is_there && !is_remark).then_some(*of);
                *of += usize::from(number.is_some());
                number
            };
            let before = number(&mut old, line.kind != LineKind::Added);
            let after = number(&mut new, line.kind != LineKind::Removed);
            let class = match line.kind {
                LineKind::Context => "same",
                LineKind::Removed => "delete",
                LineKind::Added => "insert",
            };
            let text = shown(&line.text);
            lines.push(Line { class, sign: line.kind.sign(), before, after, text });
        }
    }
    lines
}
