//! Two trees, object by object.

use std::collections::{BTreeMap, BTreeSet};

use waypost::diff::{Options, beyond_lists, compare, hunks};
use waypost::tree::Differing;

use super::must;
use crate::corpus::texts;
use crate::{SEPARATOR, parts};

pub(super) fn corpus() -> Vec<String> {
    let texts = texts(&["rendered", "gitops", "tests/diff"], &[".yaml", ".lock"]);
    let next = texts.iter().cycle().skip(1);
    texts
        .iter()
        .zip(next)
        .map(|(one, other)| {
            // an object and the same one are the most alike
            let other = if one.len() % 2 == 0 { one } else { other };
            format!("{one}{SEPARATOR}{other}")
        })
        .collect()
}

pub(super) fn run(text: &str) {
    let mut parts = parts(text);
    let [before, after] = [parts.next(), parts.next()].map(Option::unwrap_or_default);
    for path in ["east/mesh/a/b.yaml", "east/mesh/kustomization.yaml", "east/waypost.lock"] {
        let one = |text| [(path, str::as_bytes(text))];
        let differing = Differing::between(one(before), one(after));
        beyond_lists(
            &differing,
            &BTreeSet::from([path.to_owned()]),
            &BTreeMap::from([(path.to_owned(), after.as_bytes().to_vec())]),
        );
        let diff = compare(&differing, &Options::default());
        must(diff.is_empty() == (before == after), "only equal trees are equal");
    }
    hunks(before, after);
}
