//! What the tree's own policies stand for is not given to TSB as well.

use serde_json::{Map, Value};

use crate::diagnostic::Diagnostic;
use crate::model::{Standing, TsbResource};

/// Takes out of a setting what is translated: `trafficMode` and who may call. What no policy
/// expresses stays: HTTP authentication and authorization, extensions, WAF.
///
/// False when nothing is left, so that there is no object to apply. Either way a note says so.
pub(super) fn translated(resource: &mut TsbResource, found: &mut Vec<Diagnostic>) -> bool {
    if resource.standing != Standing::Known {
        return true;
    }
    let Some(spec) = resource.body.get_mut("spec").and_then(Value::as_object_mut) else {
        return true;
    };
    let stripped = match resource.gvk.kind.as_str() {
        "SecuritySetting" => strip(spec),
        "OrganizationSetting" | "TenantSetting" | "WorkspaceSetting" => {
            let setting = spec.get_mut("defaultSecuritySetting").and_then(Value::as_object_mut);
            let Some(setting) = setting else { return true };
            let stripped = strip(setting);
            if is_hollow(setting) {
                spec.remove("defaultSecuritySetting");
            }
            stripped
        }
        _ => false,
    };
    if !stripped {
        return true;
    }
    let hollow = is_hollow(spec);
    let what = format!("{} `{}`", resource.gvk.kind, resource.name);
    found.push(
        Diagnostic::note(
            "owned-by-policies",
            if hollow {
                format!("{what} is not applied: the rendered policies stand for it")
            } else {
                format!("{what} is applied without what the rendered policies stand for")
            },
        )
        .at(resource.origin, "")
        .help("with `ownership.policies: tsb` it is applied as it is written"),
    );
    !hollow
}

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
