//! Folders that bear a cluster's name: what lies in them belongs to that cluster.

use std::collections::BTreeSet;

use crate::diagnostic::{Diagnostic, Span, nearest};

/// Which cluster a file belongs to: the one whose name a folder on its path bears.
pub(super) struct Places {
    /// The environment's folder, with a slash. Its own name is no cluster's.
    folder: String,
    clusters: BTreeSet<String>,
}

impl Places {
    pub(super) fn new(folder: String, clusters: BTreeSet<String>) -> Self {
        Self { folder, clusters }
    }

    pub(super) fn cluster_of(&self, path: &str) -> Option<String> {
        let below = path.strip_prefix(&self.folder).unwrap_or(path);
        let (folders, _) = below.rsplit_once('/')?;
        folders.split('/').rev().find(|f| self.clusters.contains(*f)).map(str::to_owned)
    }

    /// Folders whose names are nearly a cluster's: what is in them would count for every cluster.
    pub(super) fn report_misspelt(&self, files: &[(String, Span)], found: &mut Vec<Diagnostic>) {
        let mut seen = BTreeSet::new();
        for (path, span) in files {
            let below = path.strip_prefix(&self.folder).unwrap_or(path);
            let Some((folders, _)) = below.rsplit_once('/') else { continue };
            if self.cluster_of(path).is_some() || !seen.insert(folders) {
                continue;
            }
            for folder in folders.split('/') {
                if let Some(near) = nearest(folder, self.clusters.iter().map(String::as_str)) {
                    found.push(
                        Diagnostic::warning(
                            "unknown-cluster",
                            format!("the folder `{folder}` bears no cluster's name: its files count for every cluster that has their namespaces"),
                        )
                        .at(*span, "named here")
                        .help(format!("did you mean `{near}`?")),
                    );
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_nearest_to_the_file_counts() {
        let places =
            Places::new("environments/east/".into(), ["east", "west"].map(str::to_owned).into());
        let cluster = |path: &str| places.cluster_of(path);
        assert_eq!(
            cluster("environments/east/inventory/a.yaml"),
            None,
            "its own name is no cluster's"
        );
        assert_eq!(cluster("environments/east/inventory/west/b/a.yaml").as_deref(), Some("west"));
        assert_eq!(cluster("environments/east/east/west/a.yaml").as_deref(), Some("west"));
        assert_eq!(cluster("shared/east/a.yaml").as_deref(), Some("east"));
        assert_eq!(cluster("environments/east/inventory/west.yaml"), None);
    }
}
