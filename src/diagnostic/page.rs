//! The pages of findings that are no lints: `docs/findings/*.md`, a section for each code.

/// A file for each subject.
const FILES: [&str; 11] = [
    include_str!("../../docs/findings/text.md"),
    include_str!("../../docs/findings/spec.md"),
    include_str!("../../docs/findings/tsb.md"),
    include_str!("../../docs/findings/install.md"),
    include_str!("../../docs/findings/patches.md"),
    include_str!("../../docs/findings/tree.md"),
    include_str!("../../docs/findings/manifests.md"),
    include_str!("../../docs/findings/access.md"),
    include_str!("../../docs/findings/verify.md"),
    include_str!("../../docs/findings/traffic.md"),
    include_str!("../../docs/findings/translation.md"),
];

/// The pages of one subject.
#[derive(Clone, Debug)]
pub struct Subject {
    /// What they are about: `Findings about the spec`.
    pub title: &'static str,
    /// The code of each, and its text, Markdown.
    pub pages: Vec<(&'static str, &'static str)>,
}

/// Every page, by subject.
pub fn subjects() -> impl Iterator<Item = Subject> {
    FILES.iter().map(|file| {
        let mut sections = file.split("\n## ");
        let head = sections.next().unwrap_or_default();
        let title = head.lines().next().unwrap_or_default().trim_start_matches("# ");
        let pages =
            sections.filter_map(|s| s.split_once('\n')).map(|(c, t)| (c, t.trim())).collect();
        Subject { title, pages }
    })
}

/// The first sentence of a page: what the finding means.
pub fn summary(code: &str) -> Option<String> {
    let text = text(code)?.split("\n\n").next()?.replace('\n', " ");
    let sentence = text.split_once(". ").map_or(text.trim_end_matches('.'), |(first, _)| first);
    Some(sentence.to_owned())
}

fn text(code: &str) -> Option<&'static str> {
    subjects().flat_map(|s| s.pages).find(|(of, _)| *of == code).map(|(_, text)| text)
}

/// The page of a code, Markdown: what the finding means and what to do.
pub fn page(code: &str) -> Option<String> {
    Some(format!("# {code}\n\n{}\n", text(code)?))
}
