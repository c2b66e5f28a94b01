//! The diff for a pull request: one comment that is updated, and further pages for what does not
//! fit into it.
//!
//! The first page says first what must not be missed: verdict, dangers, access, what the change
//! does, counts. Then, folded, object by object. A page never has more bytes than it may, is cut
//! between objects and never inside of a character, and says how many objects are not on it.

mod block;
pub(in crate::report) use crate::report::escape::code;
mod head;

use self::block::Item;
use super::report::{Report, counted};
use crate::report::escape::html;

/// How the comment is written.
#[derive(Clone, Debug)]
pub struct MarkdownOptions {
    /// The most bytes of a page; GitHub takes 65,536 characters in a comment.
    pub budget: usize,
    /// Which page, from 1.
    pub page: usize,
    /// What tells this comment from others of waypost, where there are several.
    pub marker: Option<String>,
}

impl MarkdownOptions {
    /// The least budget: a page holds an object, though shortened.
    pub const LEAST: usize = 4_000;
    /// The budget where nothing is said.
    pub const DEFAULT: usize = 65_000;
}

impl Default for MarkdownOptions {
    fn default() -> Self {
        Self { budget: Self::DEFAULT, page: 1, marker: None }
    }
}

/// Bytes that are kept for the end of a page.
const END: usize = 400;

/// Writes a page; `None` behind the last one. There is a first one always.
pub fn markdown(report: &Report, options: &MarkdownOptions) -> Option<String> {
    let budget = options.budget.max(MarkdownOptions::LEAST);
    let limit = budget - END;
    let items = block::items(report);
    let mut next = 0;
    for number in 1.. {
        let mut page = marker(options, number);
        match number {
            1 => head::write(report, limit * 6 / 10, &mut page),
            _ if next == items.len() => return None,
            _ => page.push_str(&format!("## waypost diff, page {number}\n\n")),
        }
        let is_wanted = number == options.page.max(1);
        let mut open: Option<&str> = None;
        while let Some(item) = items.get(next) {
            let mut piece = String::new();
            if open != Some(&item.group) {
                if open.is_some() {
                    piece.push_str("</details>\n\n");
                }
                let count = counted(item.of_group, "change");
                let group = html(&item.group, 100);
                piece.push_str(&format!("<details><summary>{group}: {count}</summary>\n\n"));
            }
            piece.push_str(&item.write(budget / 8));
            if page.len() + piece.len() > limit {
                break;
            }
            page.push_str(&piece);
            open = Some(&item.group);
            next += 1;
        }
        if open.is_some() {
            page.push_str("</details>\n\n");
        }
        page.push_str(&end(&items, next, number));
        if is_wanted {
            return Some(page);
        }
    }
    None
}

/// By this, whoever updates the comment finds it.
fn marker(options: &MarkdownOptions, page: usize) -> String {
    let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '/');
    let name: String =
        options.marker.iter().flat_map(|m| m.chars()).filter(plain).take(100).collect();
    let name = if name.is_empty() { name } else { format!(" {name}") };
    let page = if page == 1 { String::new() } else { format!(" page {page}") };
    format!("<!-- waypost-diff{name}{page} -->\n")
}

/// What is not on this page.
fn end(items: &[Item<'_>], next: usize, number: usize) -> String {
    let rest = &items[next..];
    if rest.is_empty() {
        return String::new();
    }
    let objects = rest.iter().filter(|item| item.is_object()).count();
    let mut what = Vec::new();
    if objects > 0 {
        what.push(counted(objects, "object"));
    }
    if rest.len() > objects {
        what.push(counted(rest.len() - objects, "file"));
    }
    let page = number + 1;
    format!(
        "**{} not shown** from here on: `waypost diff --format markdown --page {page}` has the next \
         ones, `--format text` has all.\n",
        what.join(" and ")
    )
}
