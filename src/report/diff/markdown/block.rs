//! One object, or one other file, with the lines that changed.

use crate::diff::{FileChange, FileRole, Hunk, ObjectChange, ObjectVersion, hunks};
use crate::report::diff::report::{Origin, Report};
use crate::report::escape::{code, longest_run};
use crate::report::visible;

/// Something that is shown whole or not at all.
pub(super) struct Item<'a> {
    /// What it is folded with: `environment/cluster/namespace`.
    pub group: String,
    /// How many items that is.
    pub of_group: usize,
    what: What<'a>,
}

enum What<'a> {
    Object(&'a ObjectChange, Option<&'a Origin>),
    File(&'a FileChange),
}

/// Everything that is worth reading, in its order.
pub(super) fn items(report: &Report) -> Vec<Item<'_>> {
    let mut items: Vec<Item<'_>> = Vec::new();
    for environment in &report.environments {
        let begin = items.len();
        for (object, origin) in environment.shown() {
            let namespace = object.namespace().map(|name| format!("/{name}"));
            let group = format!(
                "{}/{}{}",
                environment.name,
                object.cluster(),
                namespace.unwrap_or_default()
            );
            items.push(Item { group, of_group: 0, what: What::Object(object, origin) });
        }
        for file in environment.tree.files.iter().filter(|file| file.noise.is_none()) {
            let group = format!("{}, other files", environment.name);
            items.push(Item { group, of_group: 0, what: What::File(file) });
        }
        for group in items[begin..].chunk_by_mut(|a, b| a.group == b.group) {
            let count = group.len();
            group.iter_mut().for_each(|item| item.of_group = count);
        }
    }
    items
}

impl Item<'_> {
    pub(super) fn is_object(&self) -> bool {
        matches!(self.what, What::Object(..))
    }

    /// Its text, in at most so many bytes.
    pub(super) fn write(&self, bytes: usize) -> String {
        match self.what {
            What::Object(object, origin) => {
                let mut title = format!(
                    "**{}** {}\\\n{}",
                    object.kind().as_str(),
                    code(&object.reference().map(ToString::to_string).unwrap_or_default(), 120),
                    place(object)
                );
                if let Some(Origin { path, line, .. }) = origin {
                    title.push_str(&format!(" from {}", code(&format!("{path}:{line}"), 100)));
                }
                let text = |version: &Option<ObjectVersion>| {
                    version.as_ref().map(|version| version.text.clone()).unwrap_or_default()
                };
                fenced(title, &hunks(&text(&object.before), &text(&object.after)), bytes)
            }
            What::File(file) => {
                let mut title = format!("**file** {}", code(&file.path, 160));
                if let FileRole::Unreadable(why) = &file.role {
                    title.push_str(&format!(" cannot be read: {}", code(&why.message, 100)));
                }
                let text = |side: &Option<String>| side.clone().unwrap_or_default();
                fenced(title, &hunks(&text(&file.before), &text(&file.after)), bytes)
            }
        }
    }
}

fn place(object: &ObjectChange) -> String {
    let path =
        |version: &Option<ObjectVersion>| version.as_ref().map(|version| code(&version.path, 160));
    match (path(&object.before), path(&object.after)) {
        (Some(old), Some(new)) if old != new => format!("{old} → {new}"),
        (old, new) => new.or(old).unwrap_or_default(),
    }
}

/// Lines behind a fence that is longer than any run of backticks in them. Where not all of them
/// have room, it is said how many are left out.
fn fenced(title: String, hunks: &[Hunk], bytes: usize) -> String {
    const TAIL: usize = 60;
    let mut lines: Vec<String> = Vec::new();
    for hunk in hunks {
        lines.push(format!("@@ {} {} @@", hunk.before, hunk.after));
        lines.extend(hunk.lines.iter().map(|line| format!("{}{}", line.kind.sign(), line.text)));
    }
    let (mut body, mut fence, mut shown) = (String::new(), 3, 0);
    for line in &lines {
        let line = visible::cut(&visible::line(line), bytes / 8);
        let longer = fence.max(longest_run(&line) + 1);
        let all = title.len() + 2 * longer + body.len() + line.len() + 1 + TAIL;
        if all > bytes {
            break;
        }
        body.push_str(&line);
        body.push('\n');
        (fence, shown) = (longer, shown + 1);
    }
    let fence = "`".repeat(fence);
    let mut text = format!("{title}\n");
    if shown > 0 {
        text.push_str(&format!("{fence}diff\n{body}{fence}\n"));
    }
    match lines.len() - shown {
        0 => {}
        1 => text.push_str("1 more line of it is not shown\n"),
        more => text.push_str(&format!("{more} more lines of it are not shown\n")),
    }
    text.push('\n');
    text
}
