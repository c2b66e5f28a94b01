//! What users wrote, in markdown: it means nothing there.
//!
//! GitHub and GitLab read mentions, references and addresses in plain text and HTML in lines, and
//! neither in code: whatever is not our own word goes into code, behind a fence that is longer than
//! any run inside.

use super::visible;

/// A code span of a text, in at most so many bytes of it.
pub(in crate::report) fn code(text: &str, bytes: usize) -> String {
    let text = visible::cut(&visible::line(text), bytes);
    if text.trim().is_empty() {
        return "` `".to_owned();
    }
    let fence = "`".repeat(longest_run(&text) + 1);
    // a backtick at an end would join the fence
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// A cell of a table that is all code: a bar would end the cell, also inside of code.
pub(super) fn cell(text: &str) -> String {
    code(text, 400).replace('|', "\\|")
}

/// A cell of a table that is a sentence: as it is where nothing in it mentions, loads or leads
/// anywhere, else all code.
pub(super) fn calm_cell(text: &str) -> String {
    let text = visible::line(text);
    let acts = text.contains(['@', '<', '#'])
        || ["](", "![", "://", "www."].iter().any(|part| text.contains(part));
    if acts { cell(&text) } else { text.replace('|', "\\|") }
}

/// A sentence of ours, in which the user's text stands in backticks. Where those do not pair, the
/// user's text has some: it is all code then.
pub(super) fn sentence(text: &str, bytes: usize) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    // two spans with nothing between them would be one
    let meet = (2..parts.len().saturating_sub(1)).step_by(2).any(|at| parts[at].is_empty());
    if meet || parts.len().is_multiple_of(2) || text.len() > bytes {
        return code(text, bytes);
    }
    let part = |(at, part): (usize, &&str)| match at % 2 {
        1 => code(part, bytes),
        _ => plain(part),
    };
    parts.iter().enumerate().map(part).collect()
}

/// Text that is neither markup nor a mention, a reference or an address.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in visible::line(text).chars() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '&' => {
                out.push('\\');
                out.push(c);
            }
            // what follows these is not joined to them any more
            '@' | '#' | '/' => {
                out.push(c);
                out.push('\u{200b}');
            }
            c => out.push(c),
        }
    }
    out
}

/// Text in a `<summary>`.
pub(super) fn html(text: &str, bytes: usize) -> String {
    let mut out = String::from("<code>");
    for c in visible::cut(&visible::line(text), bytes).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out.push_str("</code>");
    out
}

/// The longest run of backticks.
pub(super) fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_holds_any_text() {
        assert_eq!(code("a", 9), "`a`");
        assert_eq!(code("a``b", 9), "```a``b```");
        assert_eq!(code("`", 9), "`` ` ``");
        assert_eq!(code("", 9), "` `");
        assert_eq!(code("a\nb", 9), "`a␊b`");
    }

    #[test]
    fn sentences_keep_their_code_and_nothing_else_works() {
        assert_eq!(sentence("policy `a|b` is *gone*", 99), "policy `a|b` is \\*gone\\*");
        assert_eq!(sentence("the name is `a`b`", 99), "`` the name is `a`b` ``");
        assert_eq!(sentence("`a``b`", 99), "``` `a``b` ```");
        assert_eq!(plain("@a <b> #1"), "@\u{200b}a \\<b\\> #\u{200b}1");
        assert_eq!(html("<script>", 99), "<code>&lt;script&gt;</code>");
    }
}
