//! `patches` of an Environment: the shape of `patches` in a kustomization.yaml
//! (facts/gitops-delivery.md 6.1.1; kustomize `api/types/patch.go`, `selector.go`).

use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize};

use crate::diagnostic::Spanned;

/// One entry of `patches`. Exactly one of `path` and `patch` is given.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RawPatch {
    /// A file with the patch, relative to the document that names it.
    #[serde(default)]
    pub path: Option<Spanned<String>>,
    /// The patch itself: a text, as kustomize takes it. Written as a list or a mapping it is taken
    /// as the text of that value.
    #[serde(default, deserialize_with = "text_or_value")]
    pub patch: Option<Spanned<String>>,
    /// What it is applied to.
    #[serde(default)]
    pub target: Option<Spanned<RawTarget>>,
    /// What it may change.
    #[serde(default)]
    pub options: Option<RawPatchOptions>,
}

/// Which objects a patch is applied to; all that is given must match. The first five are regular
/// expressions for the whole value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RawTarget {
    /// API group.
    #[serde(default)]
    pub group: Option<Spanned<String>>,
    /// Version.
    #[serde(default)]
    pub version: Option<Spanned<String>>,
    /// Kind.
    #[serde(default)]
    pub kind: Option<Spanned<String>>,
    /// Name.
    #[serde(default)]
    pub name: Option<Spanned<String>>,
    /// Namespace.
    #[serde(default)]
    pub namespace: Option<Spanned<String>>,
    /// A label selector in Kubernetes' grammar.
    #[serde(default)]
    pub label_selector: Option<Spanned<String>>,
    /// The same over annotations.
    #[serde(default)]
    pub annotation_selector: Option<Spanned<String>>,
}

/// What a patch may change beyond the content of an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RawPatchOptions {
    /// It may rename.
    #[serde(default)]
    pub allow_name_change: bool,
    /// It may change the kind.
    #[serde(default)]
    pub allow_kind_change: bool,
}

fn text_or_value<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Spanned<String>>, D::Error> {
    let Some(spanned) = Option::<Spanned<serde_json::Value>>::deserialize(deserializer)? else {
        return Ok(None);
    };
    let text = match spanned.value {
        serde_json::Value::String(text) => text,
        value @ (serde_json::Value::Array(_) | serde_json::Value::Object(_)) => value.to_string(),
        _ => return Err(D::Error::custom("expected the text of a patch, a list or a mapping")),
    };
    Ok(Some(Spanned { value: text, span: spanned.span }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::FileId;
    use crate::yaml::{Budget, from_node, read};

    fn raw(text: &str) -> Result<RawPatch, String> {
        let (documents, _) = read(FileId(0), text, &Budget::SPEC);
        from_node(&documents[0].root).map_err(|e| e.message)
    }

    #[test]
    fn the_shape_of_a_kustomization() {
        let patch = raw("path: p.yaml\ntarget: {kind: Deployment, labelSelector: a=b}\n\
                         options: {allowNameChange: true}\n")
        .unwrap();
        assert_eq!(patch.path.unwrap().value, "p.yaml");
        let target = patch.target.unwrap();
        assert_eq!(target.kind.as_ref().unwrap().value, "Deployment");
        assert_eq!(target.label_selector.as_ref().unwrap().value, "a=b");
        assert!(patch.options.unwrap().allow_name_change);
        assert!(
            raw("patch: x\ntarget: {lableSelector: a}\n").unwrap_err().contains("lableSelector")
        );
    }

    #[test]
    fn a_patch_may_be_written_as_a_value() {
        let patch = raw("patch:\n- {op: remove, path: /a}\n").unwrap().patch.unwrap();
        assert_eq!(patch.value, r#"[{"op":"remove","path":"/a"}]"#);
        assert_eq!(patch.span.start.line, 2);
        assert!(raw("patch: 3\n").is_err());
    }
}
