//! `AccessTest` documents, as they are typed.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Metadata;
use crate::diagnostic::Spanned;

/// An `AccessTest` document.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccessTest {
    /// `waypost.dev/v1alpha1`.
    pub api_version: String,
    /// `AccessTest`.
    pub kind: String,
    /// Its name.
    pub metadata: Metadata,
    /// Everything else.
    pub spec: AccessTestSpec,
}

/// `spec` of an AccessTest.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccessTestSpec {
    /// The cases.
    pub cases: Vec<Spanned<AccessCase>>,
}

/// Who may or may not call whom.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccessCase {
    /// What it is about, for people.
    pub name: Option<Spanned<String>>,
    /// `[cluster/]namespace/workload`, `gateway:[cluster/]namespace/name`, or `outside`.
    pub from: Spanned<String>,
    /// `[cluster/]namespace/service:port` or `pod:[cluster/]namespace/workload:port`.
    pub to: Spanned<String>,
    /// What is sent.
    #[serde(default)]
    pub request: AccessRequest,
    /// What must come of it.
    pub expect: Spanned<Expectation>,
}

/// What is sent. Without a method and a path it is a plain connection.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccessRequest {
    /// HTTP method.
    pub method: Option<String>,
    /// HTTP path.
    pub path: Option<String>,
    /// Host header.
    pub host: Option<String>,
    /// Further headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
}

/// What must come of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Expectation {
    /// It arrives.
    Allow,
    /// It is refused.
    Deny,
}
