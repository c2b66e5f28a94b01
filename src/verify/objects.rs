//! Objects that are missing, not as rendered, or foreign.

use super::status::is_being_deleted;
use super::{Answer, Dump, Expected, One, Row, Verdict, managers};
use crate::diagnostic::{Diagnostic, Span};
use crate::k8s::Object;
use crate::model::{DataplaneMode, Unit};
use crate::yaml::{Node, Value};

const AS_RENDERED: &str = "objects are as rendered";

/// What belongs to no namespace that is verified by itself: the installation, TSB's resources.
pub(super) fn check_cluster(expected: &Expected<'_>, dump: &Dump, verdict: &mut Verdict) {
    for unit in [Unit::Platform, Unit::Tsb] {
        let of_unit = expected.applied.iter().filter(|(u, _)| *u == unit).map(|(_, o)| *o);
        // a dump of some kinds only says nothing of the others
        let (known, unknown): (Vec<&Object>, Vec<&Object>) =
            of_unit.partition(|o| dump.has_kind(&o.gvk.group, &o.gvk.kind));
        if known.is_empty() && unknown.is_empty() {
            continue;
        }
        let found = known.iter().filter_map(|o| compare(expected, unit, o, dump)).collect();
        let question = match unit {
            Unit::Platform => "the installation is as rendered",
            _ => "TSB's resources are as rendered",
        };
        let is_told = unknown.is_empty();
        verdict.answer(None, question, is_told, found);
    }
}

/// False where nothing is rendered into the namespace, or the dump does not tell of it.
pub(super) fn check(one: &One<'_>, dump: &Dump, verdict: &mut Verdict) -> bool {
    let expected = one.expected;
    let belongs = |object: &Object| one.owns(object);
    let ours: Vec<&(Unit, &Object)> = expected
        .applied
        .iter()
        .filter(|(unit, object)| !matches!(unit, Unit::Platform | Unit::Tsb) && belongs(object))
        .collect();
    if ours.is_empty() {
        return false;
    }
    // every cluster has `kube-system`: where that is told, all Namespaces are
    let is_whole = dump.namespace("kube-system").is_some();
    let is_told = is_whole || dump.objects.values().any(belongs);
    if !is_told {
        // of a namespace without an object in it nothing can be said
        let namespace = Some(one.name().to_owned());
        verdict.rows.push(Row { namespace, question: AS_RENDERED, answer: Answer::Unknown });
        return false;
    }
    let found =
        ours.iter().filter_map(|(unit, object)| compare(expected, *unit, object, dump)).collect();
    verdict.answer(Some(one.name()), AS_RENDERED, true, found);
    true
}

fn compare(
    expected: &Expected<'_>,
    unit: Unit,
    object: &Object,
    dump: &Dump,
) -> Option<Diagnostic> {
    let reference = object.reference();
    let Some(live) = dump.get(&reference) else {
        let help = match one_of(expected, object) {
            Some(Partial) => "whoever owns it has not made it, or has deleted it; unit `enrollment` and `workloads` change only what exists".to_owned(),
            None => format!("apply unit `{unit}`: {}", expected.apply_again(unit)),
        };
        return Some(
            Diagnostic::error(
                "missing-object",
                format!("{reference} of unit `{unit}` is not in the cluster"),
            )
            .help(help),
        );
    };
    if let Some(finding) = is_being_deleted_note(live, &format!("of unit `{unit}`")) {
        return Some(finding);
    }
    let FirstDifference { path, wanted, found, more, at } = first_difference(object, live)?;
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let owners = managers::of(live, &path);
    let shown = path.join(".");
    let injects = path.last() == Some(&"istio-injection") && one_is_ambient(expected, object);
    let help = if injects {
        format!(
            "new pods get a sidecar, and ambient leaves those alone: `kubectl label --overwrite namespace {} istio-injection=disabled`, then {}",
            object.name,
            expected.apply_again(unit)
        )
    } else {
        format!("apply unit `{unit}` again: {}", expected.apply_again(unit))
    };
    Some(
        Diagnostic::error(
            if injects { "label-survived" } else { "stale-object" },
            format!("{reference}: `{shown}` is {found}, and rendered {wanted}{more}"),
        )
        .at(at, format!("set {}", managers::told(&owners)))
        .help(help),
    )
}

/// An object that goes. `from` says where it belongs.
pub(super) fn is_being_deleted_note(live: &Object, from: &str) -> Option<Diagnostic> {
    is_being_deleted(live).then(|| {
        let message = format!("{} {from} is being deleted", live.reference());
        Diagnostic::error("missing-object", message)
            .at(live.name_span(), "all that it holds goes with it")
            .help("suspend what applies it, find out who deletes it, and apply it again once it is gone")
    })
}

/// The first field in which a live object is not as it is wanted, and how many more there are.
pub(super) struct FirstDifference {
    pub path: Vec<String>,
    pub wanted: String,
    pub found: String,
    pub more: String,
    pub at: Span,
}

/// Compares what is wanted with what is there.
pub(super) fn first_difference(wanted: &Object, live: &Object) -> Option<FirstDifference> {
    let mut differences = Vec::new();
    compare_nodes(&wanted.body, &live.body, &mut Vec::new(), &mut differences);
    let more = match differences.len() {
        0 | 1 => String::new(),
        n => format!(", one of {n} such fields"),
    };
    let Difference { path, wanted, found, live: at } = differences.into_iter().next()?;
    let at = at.unwrap_or(live.name_span());
    Some(FirstDifference { path, wanted, found, more, at })
}

/// An object of which a unit has a part only.
struct Partial;

fn one_of(expected: &Expected<'_>, object: &Object) -> Option<Partial> {
    let units = expected.applied.iter().filter(|(_, o)| o.reference() == object.reference());
    units
        .map(|(unit, _)| *unit)
        .any(|unit| matches!(unit, Unit::Enrollment | Unit::Workloads))
        .then_some(Partial)
}

fn one_is_ambient(expected: &Expected<'_>, object: &Object) -> bool {
    object.gvk.is("", "Namespace")
        && expected
            .cluster
            .namespaces
            .get(object.name.as_str())
            .is_some_and(|n| expected.state_of(n).enrolled == DataplaneMode::Ambient)
}

struct Difference {
    path: Vec<String>,
    wanted: String,
    found: String,
    live: Option<Span>,
}

/// Everything that is rendered must be there; what is there besides is not ours. A list counts as
/// one value, but for what the cluster adds to its items.
fn compare_nodes(wanted: &Node, live: &Node, path: &mut Vec<String>, found: &mut Vec<Difference>) {
    match (&wanted.value, &live.value) {
        (Value::Mapping(mapping), Value::Mapping(_)) => {
            for entry in &mapping.entries {
                let key = entry.key.as_str();
                // another version of the kind is the same object
                if path.is_empty() && matches!(key, "apiVersion" | "status") {
                    continue;
                }
                path.push(key.to_owned());
                match live.get(key) {
                    Some(live) => compare_nodes(&entry.value, live, path, found),
                    None if is_nothing(&entry.value) => {}
                    None => found.push(Difference {
                        path: path.clone(),
                        wanted: shown(&entry.value),
                        found: "missing".to_owned(),
                        live: None,
                    }),
                }
                path.pop();
            }
        }
        (Value::List(wanted_items), Value::List(items)) if wanted_items.len() == items.len() => {
            let mut inner = Vec::new();
            for (wanted, live) in wanted_items.iter().zip(items) {
                compare_nodes(wanted, live, &mut Vec::from(["item".to_owned()]), &mut inner);
            }
            if !inner.is_empty() {
                found.push(difference(wanted, live, path));
            }
        }
        // a part of a workload: it says nothing of its containers
        (Value::List(items), _)
            if items.is_empty() && *path == ["spec", "template", "spec", "containers"] => {}
        _ if same_scalar(wanted, live) || (is_nothing(wanted) && is_nothing(live)) => {}
        _ => found.push(difference(wanted, live, path)),
    }
}

fn difference(wanted: &Node, live: &Node, path: &[String]) -> Difference {
    Difference {
        path: path.to_vec(),
        wanted: shown(wanted),
        found: shown(live),
        live: Some(live.span),
    }
}

fn same_scalar(a: &Node, b: &Node) -> bool {
    a.to_json() == b.to_json()
}

/// The API server leaves empty values out.
fn is_nothing(node: &Node) -> bool {
    match &node.value {
        Value::Null => true,
        Value::Text(text) => text.is_empty(),
        Value::List(items) => items.is_empty(),
        Value::Mapping(mapping) => mapping.entries.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// A value in a sentence.
fn shown(node: &Node) -> String {
    const LONGEST: usize = 60;
    let text = match &node.value {
        Value::Text(text) => text.clone(),
        _ => node.to_json().to_string(),
    };
    if text.chars().count() <= LONGEST {
        return format!("`{text}`");
    }
    let start: String = text.chars().take(LONGEST).collect();
    format!("`{start}…`")
}
