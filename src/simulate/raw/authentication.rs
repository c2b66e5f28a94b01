//! `security.istio.io` PeerAuthentication and RequestAuthentication.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{WorkloadSelector, or_default};
use crate::k8s::TargetRef;

/// `spec` of a PeerAuthentication.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PeerAuthentication {
    /// Pods it holds for.
    pub selector: Option<WorkloadSelector>,
    /// The mode.
    #[serde(deserialize_with = "or_default")]
    pub mtls: Mtls,
    /// Modes of single ports of the pod.
    #[serde(deserialize_with = "or_default")]
    pub port_level_mtls: BTreeMap<String, Mtls>,
}

/// `mtls`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Mtls {
    /// `UNSET`, `DISABLE`, `PERMISSIVE` or `STRICT`.
    #[serde(deserialize_with = "or_default")]
    pub mode: String,
}

/// `spec` of a RequestAuthentication.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RequestAuthentication {
    /// Pods it holds for.
    pub selector: Option<WorkloadSelector>,
    /// The one thing it holds for.
    pub target_ref: Option<TargetRef>,
    /// The things it holds for.
    #[serde(deserialize_with = "or_default")]
    pub target_refs: Vec<TargetRef>,
    /// Issuers that are taken.
    #[serde(deserialize_with = "or_default")]
    pub jwt_rules: Vec<JwtRule>,
}

/// An entry of `jwtRules`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct JwtRule {
    /// `iss` of the tokens it takes.
    #[serde(deserialize_with = "or_default")]
    pub issuer: String,
    /// Where the keys are.
    #[serde(deserialize_with = "or_default")]
    pub jwks_uri: String,
    /// The keys.
    #[serde(deserialize_with = "or_default")]
    pub jwks: String,
    /// Where given, one of these must be in the token's `aud`.
    #[serde(deserialize_with = "or_default")]
    pub audiences: Vec<String>,
    /// Headers to take it from, instead of `authorization`.
    #[serde(deserialize_with = "or_default")]
    pub from_headers: Vec<JwtHeader>,
    /// Query parameters to take it from, instead of `authorization`.
    #[serde(deserialize_with = "or_default")]
    pub from_params: Vec<String>,
    /// Cookies to take it from, instead of `authorization`.
    #[serde(deserialize_with = "or_default")]
    pub from_cookies: Vec<String>,
    /// How long fetching the keys may take.
    pub timeout: Option<String>,
    /// Claims that are lists, written with blanks between.
    #[serde(deserialize_with = "or_default")]
    pub space_delimited_claims: Vec<String>,
    /// The token stays in the request; it is taken out where this is absent.
    #[serde(deserialize_with = "or_default")]
    pub forward_original_token: bool,
}

/// An entry of `fromHeaders`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct JwtHeader {
    /// The header's name.
    pub name: String,
    /// What stands in front of the token.
    pub prefix: String,
}
