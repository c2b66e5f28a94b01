//! A file of two trees.

/// A file whose bytes differ, or that one of two trees does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Differing {
    /// Its path: relative to the environment's folder, forward slashes.
    pub path: String,
    /// Its bytes in the one tree; `None` where that has no such file.
    pub before: Option<Vec<u8>>,
    /// Its bytes in the other tree.
    pub after: Option<Vec<u8>>,
}

impl Differing {
    /// From the files of two trees, by path.
    pub fn between<'a>(
        before: impl IntoIterator<Item = (&'a str, &'a [u8])>,
        after: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    ) -> Vec<Self> {
        let mut pairs: std::collections::BTreeMap<&str, [Option<&[u8]>; 2]> =
            before.into_iter().map(|(path, bytes)| (path, [Some(bytes), None])).collect();
        for (path, bytes) in after {
            pairs.entry(path).or_default()[1] = Some(bytes);
        }
        pairs
            .into_iter()
            .filter(|(_, [before, after])| before != after)
            .map(|(path, [before, after])| Self {
                path: path.to_owned(),
                before: before.map(<[u8]>::to_vec),
                after: after.map(<[u8]>::to_vec),
            })
            .collect()
    }
}
