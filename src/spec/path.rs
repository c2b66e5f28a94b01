//! Paths that a spec names: relative to the file they are written in, inside the repository.

/// Why a path is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PathFault {
    /// It begins at the root of a disk, or at a home folder.
    Absolute,
    /// Its `..` lead out of the repository.
    Outside,
    /// It holds a character that no path of ours has.
    Character(char),
    /// Nothing is left of it.
    Empty,
}

/// Puts a path that stands in a file of `folder` together with it.
pub(super) fn join(folder: &str, path: &str) -> Result<String, PathFault> {
    if path.trim().is_empty() {
        return Err(PathFault::Empty);
    }
    if let Some(c) = path.chars().find(|c| c.is_control() || *c == '\\') {
        return Err(PathFault::Character(c));
    }
    let drive = path.as_bytes().get(1) == Some(&b':');
    if path.starts_with(['/', '~']) || drive {
        return Err(PathFault::Absolute);
    }
    let mut steps: Vec<&str> = folder.split('/').filter(|s| !s.is_empty()).collect();
    for step in path.split('/') {
        match step {
            "" | "." => {}
            ".." => {
                if steps.pop().is_none() {
                    return Err(PathFault::Outside);
                }
            }
            step => steps.push(step),
        }
    }
    Ok(steps.join("/"))
}

/// The folder a path lies in; the root is the empty text.
pub(super) fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_stay_inside() {
        let join = |p| join("environments/a", p);
        assert_eq!(join("x.yaml").as_deref(), Ok("environments/a/x.yaml"));
        assert_eq!(join("./b//c/").as_deref(), Ok("environments/a/b/c"));
        assert_eq!(join("../base").as_deref(), Ok("environments/base"));
        assert_eq!(join("../../../etc"), Err(PathFault::Outside));
        assert_eq!(join("../../.."), Err(PathFault::Outside));
        assert_eq!(join("/etc"), Err(PathFault::Absolute));
        assert_eq!(join("C:/x"), Err(PathFault::Absolute));
        assert_eq!(join("~/x"), Err(PathFault::Absolute));
        assert_eq!(join("a\\b"), Err(PathFault::Character('\\')));
        assert_eq!(join("a\0b"), Err(PathFault::Character('\0')));
        assert_eq!(join(" "), Err(PathFault::Empty));
    }

    proptest! {
        #[test]
        fn no_text_makes_a_path_that_leaves(path in "\\PC{0,40}|[./~a]{0,20}") {
            if let Ok(joined) = join("a/b", &path) {
                prop_assert!(joined.split('/').all(|s| s != ".."));
                prop_assert!(!joined.starts_with('/'));
            }
        }
    }
}
