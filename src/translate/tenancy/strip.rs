//! What the tree's own policies stand for is not given to TSB as well.

use serde_json::{Map, Value};

use crate::diagnostic::Diagnostic;
use crate::model::{Standing, TsbResource};

/// What is left of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// All of it.
    All,
    /// A part.
    Part,
    /// Nothing that sets anything: there is no object to apply.
    Nothing,
}

/// Takes out of a setting what is translated: `trafficMode` and who may call. What no policy
/// expresses stays: HTTP authentication and authorization, extensions, WAF.
pub(super) fn translated(resource: &mut TsbResource) -> Left {
    if resource.standing != Standing::Known {
        return Left::All;
    }
    let Some(spec) = resource.body.get_mut("spec").and_then(Value::as_object_mut) else {
        return Left::All;
    };
    let stripped = match resource.gvk.kind.as_str() {
        "SecuritySetting" => strip(spec),
        "OrganizationSetting" | "TenantSetting" | "WorkspaceSetting" => {
            let setting = spec.get_mut("defaultSecuritySetting").and_then(Value::as_object_mut);
            let Some(setting) = setting else { return Left::All };
            let stripped = strip(setting);
            if is_hollow(setting) {
                spec.remove("defaultSecuritySetting");
            }
            stripped
        }
        _ => false,
    };
    match (stripped, is_hollow(spec)) {
        (false, _) => Left::All,
        (true, false) => Left::Part,
        (true, true) => Left::Nothing,
    }
}

/// One note for all settings of which something was taken out.
pub(super) fn report(stripped: &[(&TsbResource, Left)], found: &mut Vec<Diagnostic>) {
    let Some(((first, left), rest)) = stripped.split_first() else { return };
    let label = |left: Left| match left {
        Left::Nothing => "not applied: nothing else is in it",
        Left::All | Left::Part => "applied without it",
    };
    let more = match rest.len() {
        0 => String::new(),
        1 => " and of one more setting".to_owned(),
        n => format!(" and of {n} more settings"),
    };
    let mut diagnostic = Diagnostic::note(
        "owned-by-policies",
        format!(
            "rendered policies stand for the security of {} `{}`{more}",
            first.gvk.kind, first.name
        ),
    )
    .at(first.origin, label(*left))
    .help("with `ownership.policies: tsb` settings are applied as they are written");
    for (resource, left) in rest.iter().take(SHOWN) {
        diagnostic = diagnostic.also(resource.origin, label(*left));
    }
    found.push(diagnostic);
}

/// How many further settings are shown.
const SHOWN: usize = 4;

/// True when something was taken out.
fn strip(setting: &mut Map<String, Value>) -> bool {
    let mut stripped = setting.remove("authentication").is_some();
    for (key, fields) in [
        ("authenticationSettings", &["trafficMode"][..]),
        ("authorization", &["mode", "serviceAccounts", "rules"][..]),
    ] {
        let Some(part) = setting.get_mut(key).and_then(Value::as_object_mut) else { continue };
        for field in fields {
            stripped |= part.remove(*field).is_some();
        }
        // how callers are matched means nothing where nobody is named
        if part.keys().all(|key| key == "identityMatch") {
            setting.remove(key);
        }
    }
    stripped
}

/// True when only names and strategies are left, which set nothing.
fn is_hollow(setting: &Map<String, Value>) -> bool {
    setting.keys().all(|key| {
        matches!(
            key.as_str(),
            "displayName" | "description" | "propagationStrategy" | "configGenerationMetadata"
        )
    })
}
