//! `AccessTest` documents, as they are typed.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Metadata;
use crate::diagnostic::Spanned;
use crate::k8s::is_server_name;

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
    /// Server name in the client's own TLS.
    pub sni: Option<ServerName>,
    /// The token in `authorization`.
    pub token: Option<AccessToken>,
}

/// A server name of TLS.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct ServerName(pub String);

impl TryFrom<String> for ServerName {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        if is_server_name(&text) {
            Ok(Self(text))
        } else {
            Err(format!(
                "`{text}` is no server name: write a DNS name such as `api.example.com`, without a port"
            ))
        }
    }
}

/// A token.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "serde_json::Value")]
pub enum AccessToken {
    /// One that does not verify.
    Invalid,
    /// The claims of one that does: an object.
    Claims(serde_json::Value),
}

impl TryFrom<serde_json::Value> for AccessToken {
    type Error = String;
    fn try_from(value: serde_json::Value) -> Result<Self, String> {
        match value {
            serde_json::Value::Object(_) => Ok(Self::Claims(value)),
            serde_json::Value::String(word) if word == "invalid" => Ok(Self::Invalid),
            _ => Err(
                "a token is the claims of one that verifies, such as `{iss: me, sub: alice}`, or \
                      `invalid`"
                    .into(),
            ),
        }
    }
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
