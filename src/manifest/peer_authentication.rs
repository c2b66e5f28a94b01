//! `security.istio.io/v1` PeerAuthentication.

use serde::Serialize;

use super::Metadata;

/// Whether plaintext is taken in a namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PeerAuthentication {
    /// Metadata.
    pub metadata: Metadata,
    /// The mode.
    pub mode: MtlsMode,
}

/// `spec.mtls.mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum MtlsMode {
    /// mTLS only.
    Strict,
    /// mTLS and plaintext.
    Permissive,
}
