//! The schemas of our own documents, and the kinds they are for.

/// A kind of document that people write for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the kinds' own names")]
pub enum DocumentKind {
    Environment,
    Cluster,
    AccessTest,
}

/// API group of our documents.
pub(super) const GROUP: &str = "waypost.dev";
/// `apiVersion` of our documents.
pub(super) const API_VERSION: &str = "waypost.dev/v1alpha1";

impl DocumentKind {
    /// All of them.
    pub const ALL: [DocumentKind; 3] =
        [DocumentKind::Environment, DocumentKind::Cluster, DocumentKind::AccessTest];

    /// The word under `kind`.
    pub fn as_str(self) -> &'static str {
        match self {
            DocumentKind::Environment => "Environment",
            DocumentKind::Cluster => "Cluster",
            DocumentKind::AccessTest => "AccessTest",
        }
    }

    /// The schema's path in the catalogue, `<group>/<kind>_<version>.json`.
    pub fn schema_path(self) -> &'static str {
        match self {
            DocumentKind::Environment => "waypost.dev/environment_v1alpha1.json",
            DocumentKind::Cluster => "waypost.dev/cluster_v1alpha1.json",
            DocumentKind::AccessTest => "waypost.dev/accesstest_v1alpha1.json",
        }
    }
}

/// The schemas of our own documents: path in the catalogue and text.
pub fn schemas() -> [(DocumentKind, &'static str); 3] {
    [
        (
            DocumentKind::Environment,
            include_str!("../../schemas/waypost.dev/environment_v1alpha1.json"),
        ),
        (DocumentKind::Cluster, include_str!("../../schemas/waypost.dev/cluster_v1alpha1.json")),
        (
            DocumentKind::AccessTest,
            include_str!("../../schemas/waypost.dev/accesstest_v1alpha1.json"),
        ),
    ]
}
