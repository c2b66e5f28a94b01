//! What nobody needs to read, and so is counted instead of shown.

use super::field_path::{FieldPath, Step};

/// Why something is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Noise {
    /// The lock: it follows from every other file. Its stages are told on their own.
    Lock,
    /// A kustomization whose list of resources follows the files that came and went, and nothing
    /// else in it changed; or the guard beside it, which names some of them.
    Listing,
    /// Comments, quotes, the order of keys: the object is the same.
    Spelling,
    /// Every field that changed is ignored, because the user said so.
    Ignored,
}

impl Noise {
    /// All of them.
    pub const ALL: [Noise; 4] = [Noise::Lock, Noise::Listing, Noise::Spelling, Noise::Ignored];

    /// What is hidden, in words that follow a number.
    pub fn describe(self, count: usize) -> String {
        let s = if count == 1 { "" } else { "s" };
        match self {
            Noise::Lock => format!("{count} lock{s}"),
            Noise::Listing if count == 1 => "1 kustomization that follows the files".to_owned(),
            Noise::Listing => format!("{count} kustomizations that follow the files"),
            Noise::Spelling => format!("{count} object{s} in which only the spelling changed"),
            Noise::Ignored => format!("{count} object{s} in which only ignored fields changed"),
        }
    }
}

/// Fields that the user does not want to see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ignored(Vec<Vec<String>>);

impl Ignored {
    /// From ways such as `metadata.annotations` or `metadata.labels["app.kubernetes.io/version"]`.
    /// Everything below is ignored too; `*` stands for any one step.
    ///
    /// # Errors
    /// The first that is no way.
    pub fn parse(ways: &[String]) -> Result<Self, String> {
        ways.iter()
            .map(|way| steps(way).ok_or_else(|| way.clone()))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// True for a field that is ignored.
    pub fn covers(&self, path: &FieldPath) -> bool {
        self.0.iter().any(|way| {
            way.len() <= path.0.len() && way.iter().zip(&path.0).all(|(w, step)| meets(w, step))
        })
    }
}

fn meets(wanted: &str, step: &Step) -> bool {
    wanted == "*"
        || match step {
            Step::Key(key) => key == wanted,
            Step::Item(keys) => keys.iter().any(|(key, value)| {
                wanted == value || wanted.split_once('=') == Some((key.as_str(), value.as_str()))
            }),
            Step::Index(at) => wanted.parse() == Ok(*at),
        }
}

/// The steps of a way: words between points, and anything in brackets, quoted or not.
fn steps(way: &str) -> Option<Vec<String>> {
    let mut steps = Vec::new();
    let mut rest = way;
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let (step, after) = match inner.strip_prefix('"') {
                Some(quoted) => quoted.split_once("\"]")?,
                None => inner.split_once(']')?,
            };
            steps.push(step.to_owned());
            rest = after;
        } else {
            let word = if steps.is_empty() { rest } else { rest.strip_prefix('.')? };
            let end = word.find(['.', '[']).unwrap_or(word.len());
            steps.push(word[..end].to_owned());
            rest = &word[end..];
        }
    }
    (!steps.is_empty() && steps.iter().all(|step| !step.is_empty())).then_some(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_with_points_brackets_and_stars() {
        let parsed = |way: &str| steps(way).unwrap_or_default();
        assert_eq!(parsed("metadata.annotations"), ["metadata", "annotations"]);
        assert_eq!(parsed("metadata.labels[\"a.b/c\"]"), ["metadata", "labels", "a.b/c"]);
        assert_eq!(parsed("spec.rules[*].to"), ["spec", "rules", "*", "to"]);
        assert_eq!(parsed("spec.containers[name=a].image").len(), 4);
        for bad in ["", ".", "a..b", "a[", "a[]", "a[\"b]", "a]b[", ".a"] {
            let steps = steps(bad);
            assert!(steps.is_none() || bad == "a]b[", "{bad}: {steps:?}");
        }
    }

    #[test]
    fn a_way_covers_what_is_below() {
        let ignored = Ignored::parse(&["metadata.labels[\"a/b\"]".into(), "spec.*.x".into()]);
        let ignored = ignored.expect("two ways");
        let path =
            |keys: &[&str]| FieldPath(keys.iter().map(|k| Step::Key((*k).to_owned())).collect());
        assert!(ignored.covers(&path(&["metadata", "labels", "a/b"])));
        assert!(!ignored.covers(&path(&["metadata", "labels"])));
        assert!(ignored.covers(&path(&["spec", "y", "x", "z"])));
        assert!(!ignored.covers(&path(&["spec", "x"])));
    }
}
