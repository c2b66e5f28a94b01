//! Mutual TLS that is wanted more or less than before.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Code, Flag};
use crate::diff::tree::TreeDiff;
use crate::diff::version::ObjectVersion;

pub(super) fn flags(diff: &TreeDiff, flags: &mut Vec<Flag>) {
    for change in &diff.objects {
        let is_peer = |v: &ObjectVersion| v.is("security.istio.io", "PeerAuthentication");
        let Some(version) = change.version().filter(|version| is_peer(version)) else { continue };
        let both = match (change.same(), change.sides()) {
            (Some((before, after)), _) => vec![(Some(before), Some(after))],
            // under another name, or in another cluster: one is gone, the other new
            (None, (before, after)) => vec![(before, None), (None, after)],
        };
        let modes = both.into_iter().flat_map(|(before, after)| modes(before, after));
        for (port, was, is) in modes {
            let code = if is < was { Code::MtlsRelaxed } else { Code::MtlsTightened };
            let at = port.map(|port| format!(" at port `{port}`")).unwrap_or_default();
            let name = &version.reference.name;
            let said = format!("{} → {}", was.as_str(), is.as_str());
            flags.push(Flag {
                code,
                cluster: version.cluster().to_owned(),
                namespace: version.reference.namespace.clone(),
                objects: vec![version.reference.clone()],
                message: format!("PeerAuthentication `{name}`{at}: {said}"),
            });
        }
    }
}

/// What is taken, from the least strict. What is not said comes from further out (facts/istio-ambient.md
/// §4.4): PERMISSIVE, unless the mesh wants more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Mode {
    Disable,
    Permissive,
    Unset,
    Strict,
}

impl Mode {
    fn of(value: Option<&Value>) -> Self {
        match value.and_then(|mtls| mtls.get("mode")).and_then(Value::as_str) {
            Some("STRICT") => Mode::Strict,
            Some("PERMISSIVE") => Mode::Permissive,
            Some("DISABLE") => Mode::Disable,
            _ => Mode::Unset,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Mode::Disable => "DISABLE",
            Mode::Permissive => "PERMISSIVE",
            Mode::Unset => "not said",
            Mode::Strict => "STRICT",
        }
    }
}

/// The modes that are not as they were: of the workloads, and of single ports.
fn modes(
    before: Option<&ObjectVersion>,
    after: Option<&ObjectVersion>,
) -> Vec<(Option<String>, Mode, Mode)> {
    let read = |version: Option<&ObjectVersion>| -> BTreeMap<Option<String>, Mode> {
        let at = |pointer| version.and_then(|version| version.at(pointer));
        let whole = (None, Mode::of(at("/spec/mtls")));
        let ports = at("/spec/portLevelMtls").and_then(Value::as_object);
        let ports = ports.into_iter().flatten();
        ports
            .map(|(port, mtls)| (Some(port.clone()), Mode::of(Some(mtls))))
            .chain([whole])
            .collect()
    };
    let (was, is) = (read(before), read(after));
    let ports = was.keys().chain(is.keys().filter(|port| !was.contains_key(*port)));
    ports
        .map(|port| {
            let of = |side: &BTreeMap<_, _>| side.get(port).copied().unwrap_or(Mode::Unset);
            (port.clone(), of(&was), of(&is))
        })
        .filter(|(_, was, is)| was != is)
        .collect()
}
