//! The structural schema as the API server keeps it: types, defaults, nullability, list types and
//! rules, without the value constraints, which JSON Schema checks.

use serde_json::{Map, Value};

use crate::yaml::{Entry, Mapping, Node, Value as Yaml};

/// One node of a structural schema.
#[derive(Debug, Default)]
pub(in super::super) struct Structural {
    /// Named fields, sorted.
    pub(in super::super) properties: Vec<(String, Structural)>,
    /// Values of a map.
    pub(in super::super) additional: Option<Box<Structural>>,
    /// Items of a list.
    pub(in super::super) items: Option<Box<Structural>>,
    /// `type` and `format`, as far as CEL sees them as another type than JSON does.
    #[cfg_attr(
        not(feature = "cel"),
        expect(dead_code, reason = "rules are evaluated with CEL only")
    )]
    pub(in super::super) scalar: Scalar,
    /// `x-kubernetes-validations`, as it stands.
    #[cfg_attr(
        not(feature = "cel"),
        expect(dead_code, reason = "rules are evaluated with CEL only")
    )]
    pub(in super::super) rules: Vec<Value>,
    /// What a list's items are unique by.
    pub(super) unique: Unique,
    nullable: bool,
    default: Option<Value>,
    /// Some field has a default.
    has_defaults: bool,
    /// This list, or one below, is unique by something.
    pub(super) has_unique: bool,
}

/// Scalars that CEL has a type of its own for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in super::super) enum Scalar {
    /// As JSON has it.
    #[default]
    Plain,
    /// `type: number`: a double even where JSON has an integer.
    Number,
    /// `format: date-time`.
    Timestamp,
    /// `format: duration`.
    Duration,
    /// `format: byte`.
    Bytes,
}

/// `x-kubernetes-list-type`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Unique {
    /// `atomic`, or none.
    #[default]
    No,
    /// `set`: no item twice.
    Items,
    /// `map`: no two items with the same values under these keys.
    Keys(Vec<String>),
}

impl Structural {
    /// Of a CRD version's `openAPIV3Schema`.
    pub(super) fn of_root(schema: &Value) -> Self {
        let mut root = Self::of(schema);
        // the server knows these itself, whatever the definition says
        root.properties.retain(|(name, _)| !matches!(name.as_str(), "apiVersion" | "kind"));
        root
    }

    fn of(schema: &Value) -> Self {
        let of_map = |key: &str| schema.get(key).and_then(Value::as_object);
        let text = |key: &str| schema.get(key).and_then(Value::as_str);
        let mut properties: Vec<(String, Structural)> = of_map("properties")
            .map(|m| m.iter().map(|(name, s)| (name.clone(), Self::of(s))).collect())
            .unwrap_or_default();
        properties.sort_by(|a, b| a.0.cmp(&b.0));
        let boxed =
            |key: &str| schema.get(key).filter(|s| s.is_object()).map(|s| Box::new(Self::of(s)));
        let is_int_or_string =
            schema.get("x-kubernetes-int-or-string").and_then(Value::as_bool) == Some(true);
        let scalar = match (text("type"), text("format")) {
            _ if is_int_or_string => Scalar::Plain,
            (Some("number"), _) => Scalar::Number,
            (Some("string"), Some("date-time")) => Scalar::Timestamp,
            (Some("string"), Some("duration")) => Scalar::Duration,
            (Some("string"), Some("byte")) => Scalar::Bytes,
            _ => Scalar::Plain,
        };
        let unique = match text("x-kubernetes-list-type") {
            Some("set") => Unique::Items,
            Some("map") => Unique::Keys(
                schema
                    .get("x-kubernetes-list-map-keys")
                    .and_then(Value::as_array)
                    .map(|keys| keys.iter().filter_map(Value::as_str).map(str::to_owned).collect())
                    .unwrap_or_default(),
            ),
            _ => Unique::No,
        };
        let mut node = Self {
            properties,
            additional: boxed("additionalProperties"),
            items: boxed("items"),
            scalar,
            rules: schema
                .get("x-kubernetes-validations")
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default(),
            nullable: schema.get("nullable").and_then(Value::as_bool) == Some(true),
            default: schema.get("default").cloned(),
            has_defaults: false,
            has_unique: unique != Unique::No,
            unique,
        };
        node.has_defaults = node.properties.iter().any(|(_, c)| c.default.is_some());
        let has_unique = node.children().any(|c| c.has_unique);
        node.has_unique |= has_unique;
        node
    }

    fn children(&self) -> impl Iterator<Item = &Structural> {
        self.properties
            .iter()
            .map(|(_, child)| child)
            .chain(self.additional.as_deref())
            .chain(self.items.as_deref())
    }

    /// The schema of a field, named or of a map.
    pub(in super::super) fn field(&self, name: &str) -> Option<&Structural> {
        match self.properties.binary_search_by(|(n, _)| n.as_str().cmp(name)) {
            Ok(at) => self.properties.get(at).map(|(_, child)| child),
            Err(_) => self.additional.as_deref(),
        }
    }

    /// True for a map: its keys are the user's words, not field names.
    #[cfg_attr(
        not(feature = "cel"),
        expect(dead_code, reason = "rules are evaluated with CEL only")
    )]
    pub(in super::super) fn is_map(&self) -> bool {
        self.additional.is_some()
    }

    /// The value as the server sees it once defaults are in and nulls are out
    /// (apiextensions-apiserver `defaulting.Default`, `PruneNonNullableNullsWithoutDefaults`):
    /// a field that is null and may not be is as if it were absent; an item of a list stays.
    pub(in super::super) fn admit(&self, node: &Node) -> Value {
        match &node.value {
            Yaml::Mapping(mapping) => {
                let mut map = Map::with_capacity(mapping.entries.len());
                for entry in &mapping.entries {
                    let value = match self.field(&entry.key) {
                        Some(child) if entry.value.is_null() && !child.nullable => continue,
                        Some(child) => child.admit(&entry.value),
                        // unknown, or kept as it is: with its nulls
                        None => entry.value.to_json(),
                    };
                    map.insert(entry.key.clone(), value);
                }
                if self.has_defaults {
                    self.fill(&mut map);
                }
                Value::Object(map)
            }
            Yaml::List(items) => items
                .iter()
                .map(|item| match &self.items {
                    Some(child) => child.admit(item),
                    None => item.to_json(),
                })
                .collect(),
            _ => node.to_json(),
        }
    }

    /// Defaults of absent fields. A default may have defaults inside.
    fn fill(&self, map: &mut Map<String, Value>) {
        for (name, child) in &self.properties {
            if let Some(default) = &child.default
                && !map.contains_key(name)
            {
                let mut value = default.clone();
                if let Value::Object(inner) = &mut value {
                    child.fill(inner);
                }
                map.insert(name.clone(), value);
            }
        }
    }
}

/// The value without the fields that are null: what a typed decoder makes of it.
pub(in super::super) fn decoded(node: &Node) -> Node {
    let value = match &node.value {
        Yaml::List(items) => Yaml::List(items.iter().map(decoded).collect()),
        Yaml::Mapping(mapping) => {
            let there = mapping.entries.iter().filter(|entry| !entry.value.is_null());
            let entries = there.map(|Entry { key, key_span, value }| Entry {
                key: key.clone(),
                key_span: *key_span,
                value: decoded(value),
            });
            Yaml::Mapping(Mapping { entries: entries.collect() })
        }
        scalar => scalar.clone(),
    };
    Node { span: node.span, value }
}
