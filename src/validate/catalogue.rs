//! JSON Schemas by group, version and kind.
//!
//! The layout is the one that kubeconform's `-schema-location` expects, so that the folder is of
//! use to others: `<group>/<kind in lower case>_<version>.json`. The core group has no name, and
//! kubeconform puts the version in its place: `v1/namespace_v1.json`.

use std::borrow::Cow;

use super::crd::definitions;
use crate::k8s::{GroupVersionKind, Object};

/// A schema file.
#[derive(Clone, Debug)]
pub struct SchemaSource {
    /// Its path below the schema folder, with forward slashes.
    pub path: Cow<'static, str>,
    /// Its text, JSON.
    pub text: Cow<'static, str>,
}

/// What a schema is looked up by. The kind is in lower case, as file names are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SchemaKey {
    group: String,
    version: String,
    kind: String,
}

impl SchemaKey {
    /// The key of a path in the catalogue; `None` for a path of another form.
    pub fn of_path(path: &str) -> Option<Self> {
        let (folder, file) = path.rsplit_once('/')?;
        let folder = folder.rsplit('/').next().unwrap_or(folder);
        let (kind, version) = file.strip_suffix(".json")?.rsplit_once('_')?;
        let group = if folder == version { "" } else { folder };
        Some(Self { group: group.into(), version: version.into(), kind: kind.into() })
    }

    /// The key of an object's kind.
    pub fn of_kind(gvk: &GroupVersionKind) -> Self {
        Self {
            group: gvk.group.clone(),
            version: gvk.version.clone(),
            kind: gvk.kind.to_ascii_lowercase(),
        }
    }
}

const EMBEDDED: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/schemas.rs"));

/// Kinds whose definition has one schema for several versions: group, kinds, the version of the file,
/// the others. A definition may tell them apart; these do not (Istio 1.22 to 1.31
/// `manifests/charts/base/files/crd-all.gen.yaml`; Gateway API v1.3 to v1.6 `config/crd`).
const ALSO_SERVED: &[(&str, &[&str], &str, &[&str])] = &[
    (
        "security.istio.io",
        &["authorizationpolicy", "peerauthentication", "requestauthentication"],
        "v1",
        &["v1beta1"],
    ),
    (
        "networking.istio.io",
        &[
            "destinationrule",
            "gateway",
            "serviceentry",
            "sidecar",
            "virtualservice",
            "workloadentry",
            "workloadgroup",
        ],
        "v1",
        &["v1beta1", "v1alpha3"],
    ),
    ("telemetry.istio.io", &["telemetry"], "v1", &["v1alpha1"]),
    ("gateway.networking.k8s.io", &["gateway", "gatewayclass", "httproute"], "v1", &["v1beta1"]),
    ("gateway.networking.k8s.io", &["referencegrant"], "v1beta1", &["v1"]),
];

/// The schemas of the folder `schemas/`: the kinds that waypost renders, and what people write.
pub fn embedded() -> Vec<SchemaSource> {
    let mut all: Vec<SchemaSource> = EMBEDDED
        .iter()
        .map(|(path, text)| SchemaSource { path: Cow::Borrowed(path), text: Cow::Borrowed(text) })
        .collect();
    for (group, kinds, version, others) in ALSO_SERVED {
        for kind in *kinds {
            let path = format!("{group}/{kind}_{version}.json");
            let Some((_, text)) = EMBEDDED.iter().find(|(known, _)| *known == path) else {
                continue;
            };
            let written = |version: &str| format!("\"const\": \"{group}/{version}\"");
            all.extend(others.iter().map(|other| SchemaSource {
                path: Cow::Owned(format!("{group}/{kind}_{other}.json")),
                text: Cow::Owned(text.replace(&written(version), &written(other))),
            }));
        }
    }
    all
}

/// The JSON Schemas of CustomResourceDefinitions, closed, in the layout of the catalogue: for
/// editors, and for validators that do not read definitions themselves.
pub fn schemas_of_crds(crds: &[Object]) -> Vec<SchemaSource> {
    let mut all = Vec::new();
    for definition in crds.iter().flat_map(|crd| definitions(crd, &mut Vec::new())) {
        let gvk = &definition.gvk;
        let path = format!("{}/{}_{}.json", gvk.group, gvk.kind.to_ascii_lowercase(), gvk.version);
        all.push(SchemaSource {
            path: Cow::Owned(path),
            text: Cow::Owned(definition.json_schema().to_string()),
        });
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_kinds_meet() {
        let gvk = GroupVersionKind::from_api_version;
        for (path, api_version, kind) in [
            ("v1/namespace_v1.json", "v1", "Namespace"),
            ("apps/deployment_v1.json", "apps/v1", "Deployment"),
            ("x/y/security.istio.io/a_v1beta1.json", "security.istio.io/v1beta1", "A"),
        ] {
            let wanted = SchemaKey::of_kind(&gvk(api_version, kind));
            assert_eq!(SchemaKey::of_path(path), Some(wanted), "{path}");
        }
        for path in ["namespace_v1.json", "v1/namespace.json", "v1/namespace_v1.yaml"] {
            assert_eq!(SchemaKey::of_path(path), None, "{path}");
        }
    }

    /// A file whose path and content disagree is never found, and says nothing.
    #[test]
    fn every_embedded_schema_names_the_kind_of_its_path() {
        assert!(embedded().len() >= 12);
        for source in embedded() {
            let document: serde_json::Value = serde_json::from_str(&source.text).unwrap();
            let word =
                |name: &str| document["properties"][name]["const"].as_str().map(str::to_owned);
            let key = SchemaKey::of_path(&source.path);
            assert!(key.is_some(), "{}", source.path);
            if let (Some(api_version), Some(kind)) = (word("apiVersion"), word("kind")) {
                let gvk = GroupVersionKind::from_api_version(&api_version, &kind);
                assert_eq!(key, Some(SchemaKey::of_kind(&gvk)));
            }
        }
    }

    #[test]
    fn every_version_that_is_served_has_its_schema() {
        let all = embedded();
        for (group, kinds, version, others) in ALSO_SERVED {
            for (kind, version) in
                kinds.iter().flat_map(|kind| others.iter().chain([version]).map(move |v| (kind, v)))
            {
                let path = format!("{group}/{kind}_{version}.json");
                let source = all.iter().find(|source| source.path == path);
                let text = source.map(|source| source.text.as_ref()).unwrap_or_default();
                assert!(text.contains(&format!("{{\"const\": \"{group}/{version}\"}}")), "{path}");
            }
        }
    }
}
