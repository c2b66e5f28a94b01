//! Which paths a tree may hold.
//!
//! A path is relative to the environment's folder, with forward slashes, and means the same file
//! on every machine that checks the repository out: its parts are POSIX portable file names that
//! do not begin with a point or a dash nor end with a point, at most 255 bytes
//! (facts/gitops-delivery.md 7.1.4, T1, T32). Whoever adds a path need not have checked it.

use super::digest::Digest;
use super::lock::LOCK_NAME;
use crate::k8s::ObjectRef;

/// The longest file name that file systems in use can hold, in bytes.
const LONGEST_NAME: usize = 255;

/// Why a path cannot be part of a tree.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// A part of it is no portable file name.
    #[error("path `{}` {rule}", .path.escape_debug())]
    NotPortable {
        /// The path.
        path: String,
        /// What is wrong with it.
        rule: &'static str,
    },
    /// It is outside of any cluster's folder, or the place of a cluster's lock.
    #[error("path `{path}` {rule}")]
    Reserved {
        /// The path.
        path: String,
        /// What is wrong with it.
        rule: &'static str,
    },
    /// It was added before.
    #[error("path `{path}` is written twice")]
    Twice {
        /// The path.
        path: String,
    },
    /// It differs from another one, or from a folder of it, by case only.
    #[error("path `{path}` and path `{other}` differ by case only")]
    CaseCollision {
        /// The path.
        path: String,
        /// The path, or the folder, that was there before.
        other: String,
    },
    /// A file lies where a folder is needed, or the other way round.
    #[error("path `{path}` needs a folder where `{other}` is a file")]
    FolderIsFile {
        /// The path that needs a folder.
        path: String,
        /// The file.
        other: String,
    },
}

impl PathError {
    /// The stable code of the fault.
    pub fn code(&self) -> &'static str {
        match self {
            PathError::NotPortable { .. } => "path-not-portable",
            PathError::Reserved { .. } => "path-reserved",
            PathError::Twice { .. } => "path-twice",
            PathError::CaseCollision { .. } => "path-case-collision",
            PathError::FolderIsFile { .. } => "path-folder-is-file",
        }
    }
}

/// Checks the form of a path, not what else is in the tree.
///
/// # Errors
/// What is wrong with it.
pub fn check_path(path: &str) -> Result<(), PathError> {
    for part in path.split('/') {
        check_name(part).map_err(|rule| PathError::NotPortable { path: path.to_owned(), rule })?;
    }
    let reserved = |rule| Err(PathError::Reserved { path: path.to_owned(), rule });
    match path.split('/').nth(1) {
        None => reserved("lies in no cluster's folder"),
        Some(second) if second.eq_ignore_ascii_case(LOCK_NAME) => {
            reserved("is the place of the cluster's lock")
        }
        Some(_) => Ok(()),
    }
}

/// Checks one part of a path, such as an environment's or a cluster's folder.
///
/// # Errors
/// What is wrong with it, as the end of a sentence that begins with the path.
pub fn check_name(name: &str) -> Result<(), &'static str> {
    let portable = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    if name.is_empty() {
        Err("has an empty part")
    } else if name.starts_with('.') {
        Err("has a part that begins with a point")
    } else if name.starts_with('-') {
        Err("has a part that begins with a dash")
    } else if name.ends_with('.') {
        Err("has a part that ends with a point")
    } else if name.len() > LONGEST_NAME {
        Err("has a part of more than 255 bytes")
    } else if !name.bytes().all(portable) {
        Err("has a character other than letters, digits, `.`, `_` and `-`")
    } else {
        Ok(())
    }
}

/// True for the path of a file that Argo CD, Flux or kustomize reads in a folder that they are told
/// of, whether or not it is a manifest (facts/gitops-delivery.md 1.6, 2.1.2, 2.1.3; kustomize's
/// `konfig.RecognizedKustomizationFileNames`).
pub fn is_read_by_appliers(path: &str) -> bool {
    const ENDINGS: [&str; 5] = [".yaml", ".yml", ".json", ".jsonnet", ".libsonnet"];
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    name == "kustomization" || ENDINGS.iter().any(|end| name.ends_with(end))
}

/// The file name of an object: `deployment-httpbin.yaml`.
///
/// Kinds that several API groups have are written as kubectl does,
/// `group.traffic.tsb.tetrate.io-bookinfo.yaml`, so that two objects of one namespace never
/// share a name. A name that no file can have, because of its length or of a character such as
/// the colon of `system:node`, is cut and ends in a digest of the object instead.
pub fn object_file_name(object: &ObjectRef) -> String {
    let mut stem = object.kind.to_ascii_lowercase();
    if !has_short_name(object) {
        stem.push('.');
        stem.push_str(&object.group);
    }
    stem.push('-');
    stem.push_str(&object.name);
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-');
    if stem.len() + ".yaml".len() <= LONGEST_NAME && stem.bytes().all(plain) {
        return stem + ".yaml";
    }
    let digest = Digest::of(format!("{}/{}/{}", object.group, object.kind, object.name).as_bytes());
    let readable: String = stem
        .chars()
        .map(|c| if c.is_ascii() && plain(c as u8) { c } else { '_' })
        .take(LONGEST_NAME - ".yaml".len() - 17)
        .collect();
    format!("{readable}-{}.yaml", &digest.to_string()[..16])
}

/// Kinds that exist in several groups that may meet in one namespace: here the group that goes
/// without saying, if any. The kind alone is enough for every other one.
const SHARED_KINDS: [(&str, &str); 3] =
    [("Gateway", "gateway.networking.k8s.io"), ("Group", "-"), ("Service", "")];

fn has_short_name(object: &ObjectRef) -> bool {
    SHARED_KINDS
        .iter()
        .find(|(kind, _)| *kind == object.kind)
        .is_none_or(|(_, group)| *group == object.group)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn object(group: &str, kind: &str, name: &str) -> ObjectRef {
        ObjectRef { group: group.into(), kind: kind.into(), namespace: None, name: name.into() }
    }

    #[test]
    fn paths_that_leave_the_folder_or_mean_another_file_elsewhere() {
        for bad in [
            "",
            "/",
            "/etc/passwd",
            "..",
            "c/..",
            "c/../../x",
            "c//x",
            "c/./x",
            "c/x/",
            "c/.git/x",
            "c\\x",
            "c/a\\b",
            "C:\\x",
            "c:/x",
            "c/x\0",
            "c/x\n",
            "c/x y",
            "c/é",
            "c/-rf",
            "c/x.",
            "c/\u{202e}x",
            "~/x",
            "c/x~",
        ] {
            assert!(check_path(bad).is_err(), "{bad:?}");
        }
        let long = format!("c/{}", "a".repeat(256));
        assert!(check_path(&long).is_err());
        assert!(check_path(&long[..257]).is_ok());
    }

    #[test]
    fn place_of_the_lock_and_the_top_are_not_for_files() {
        for bad in ["README.md", "c/waypost.lock", "c/WAYPOST.LOCK", "c/waypost.lock/x"] {
            assert_eq!(check_path(bad).map_err(|e| e.code()), Err("path-reserved"), "{bad}");
        }
        assert_eq!(check_path("c/mesh/waypost.lock"), Ok(()));
    }

    #[test]
    fn what_appliers_read_is_known_by_its_name() {
        for read in ["a/b.yaml", "c.YML", "Kustomization", "x/.argocd-source.yaml", "a.JSON"] {
            assert!(is_read_by_appliers(read), "{read}");
        }
        for other in ["README.md", "a.yaml/OWNERS", ".gitkeep", "waypost.lock", "b.yaml.bak"] {
            assert!(!is_read_by_appliers(other), "{other}");
        }
    }

    #[test]
    fn object_file_names() {
        let name = |g: &str, k: &str, n: &str| object_file_name(&object(g, k, n));
        assert_eq!(name("apps", "Deployment", "httpbin"), "deployment-httpbin.yaml");
        assert_eq!(name("gateway.networking.k8s.io", "Gateway", "w"), "gateway-w.yaml");
        assert_eq!(
            name("networking.istio.io", "Gateway", "w"),
            "gateway.networking.istio.io-w.yaml"
        );
        assert_eq!(
            name("traffic.tsb.tetrate.io", "Group", "g"),
            "group.traffic.tsb.tetrate.io-g.yaml"
        );
        let colon = name("rbac.authorization.k8s.io", "ClusterRole", "system:node");
        assert!(colon.starts_with("clusterrole-system_node-"), "{colon}");
        assert_ne!(colon, name("rbac.authorization.k8s.io", "ClusterRole", "system/node"));
        let long = name("apps", "Deployment", &"a".repeat(253));
        assert_eq!(long.len(), LONGEST_NAME);
        assert_ne!(long, name("apps", "Deployment", &format!("{}b", "a".repeat(252))));
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_stays_below_the_folder(text in "\\PC{0,40}|[a-c./\\\\]{0,12}") {
            if check_path(&text).is_ok() {
                let path = std::path::Path::new("root").join(&text);
                prop_assert!(path.starts_with("root"));
                prop_assert!(path.components().all(|c| matches!(c, std::path::Component::Normal(_))));
                prop_assert!(path.components().count() >= 3);
            }
        }

        #[test]
        fn any_object_has_a_portable_file_name(kind in "[A-Z][A-Za-z]{0,20}", name in "\\PC{0,300}") {
            let file = object_file_name(&object("apps", &kind, &name));
            prop_assert_eq!(check_name(&file), Ok(()));
        }
    }
}
