//! The files that are translated: read whole, and written again with what changes in them.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde_json::{Value, json};

use crate::cli::manifests::files::{MANIFESTS, Passed, shown, walk};
use crate::cli::named;
use crate::diagnostic::{Diagnostic, FileId, Sources};
use crate::k8s::Object;
use crate::world::objects_in;
use crate::yaml::emit_checked;

/// A file.
pub(super) struct Input {
    /// Where it is, as a person should see it.
    pub shown: String,
    /// Where it goes below the folder that is written.
    relative: PathBuf,
    /// What it holds.
    pub text: String,
    file: FileId,
}

/// All files that were named.
pub(super) struct Inputs {
    pub files: Vec<Input>,
    pub sources: Sources,
    found: Vec<Diagnostic>,
}

impl Inputs {
    /// Reads the files, and every manifest below the folders.
    pub fn read(paths: &[String], root: &Path) -> anyhow::Result<Self> {
        let mut inputs = Self { files: Vec::new(), sources: Sources::default(), found: Vec::new() };
        let mut taken: BTreeMap<PathBuf, String> = BTreeMap::new();
        for name in paths {
            let target = root.join(name);
            if !target.exists() {
                bail!("`{name}` is neither a file nor a folder");
            }
            let walked = walk(&target, &MANIFESTS);
            for (path, why) in walked.passed {
                inputs.found.push(passed(&shown(&path, root), why));
            }
            for path in walked.files {
                let below = path.strip_prefix(&target).ok().filter(|p| !p.as_os_str().is_empty());
                let relative = match below {
                    Some(below) => below.to_owned(),
                    None => path.file_name().map(PathBuf::from).unwrap_or_default(),
                };
                let name = shown(&path, root);
                if let Some(other) = taken.insert(relative.clone(), name.clone()) {
                    bail!("`{other}` and `{name}` would be one file in what is written");
                }
                let text = named::text_of(&path, &name)?;
                let file = inputs.sources.add(name.as_str(), text.as_str());
                inputs.files.push(Input { shown: name, relative, text, file });
            }
        }
        if inputs.files.is_empty() {
            bail!("there is no manifest: files end in `.yaml`, `.yml` or `.json`");
        }
        Ok(inputs)
    }

    /// Every object of the files, and what could not be read.
    pub fn objects(&mut self) -> (Vec<Object>, Vec<Diagnostic>) {
        let mut found = std::mem::take(&mut self.found);
        let mut objects = Vec::new();
        for input in &self.files {
            objects.extend(objects_in(input.file, &input.text, &mut found));
        }
        (objects, found)
    }
}

impl Input {
    /// What it holds with these changes; `None` where nothing in it changes. Only documents in which something
    /// changes are written anew.
    pub fn rewritten(
        &self,
        objects: &[Object],
        instead: &BTreeMap<usize, Vec<Value>>,
    ) -> Option<String> {
        let own: Vec<(usize, &Object)> =
            objects.iter().enumerate().filter(|(_, o)| o.span().file == self.file).collect();
        if !own.iter().any(|(at, _)| instead.contains_key(at)) {
            return None;
        }
        let all = |(at, object): &(usize, &Object)| match instead.get(at) {
            Some(values) => values.clone(),
            None => vec![object.body.to_json()],
        };
        if self.relative.extension().is_some_and(|end| end.eq_ignore_ascii_case("json")) {
            let items: Vec<Value> = own.iter().flat_map(all).collect();
            let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
            return serde_json::to_string_pretty(&list).ok().map(|text| text + "\n");
        }
        let mut out = String::new();
        for Range { start, end } in documents(&self.text) {
            let within: Vec<&(usize, &Object)> = own
                .iter()
                .filter(|(_, o)| (start..end).contains(&(o.span().start.offset as usize)))
                .collect();
            if !within.iter().any(|(at, _)| instead.contains_key(at)) {
                out.push_str(&self.text[start..end]);
                continue;
            }
            for value in within.into_iter().flat_map(all) {
                if !out.is_empty() {
                    if !out.ends_with('\n') {
                        out.push('\n');
                    }
                    out.push_str("---\n");
                }
                // a value that was read is one that can be written
                out.push_str(&emit_checked(&value).ok()?);
            }
        }
        Some(out)
    }
}

/// The documents of a text, each with the separator before it. A line that begins with `---` and white
/// space, or is nothing else, begins a document, wherever it stands (YAML 1.2.2, 9.1.2).
fn documents(text: &str) -> Vec<Range<usize>> {
    let mut starts = vec![0];
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let is_separator = line
            .strip_prefix("---")
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace));
        if is_separator && at > 0 {
            starts.push(at);
        }
        at += line.len();
    }
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    starts.iter().copied().zip(ends).map(|(start, end)| start..end).collect()
}

fn passed(path: &str, why: Passed) -> Diagnostic {
    let why = match why {
        Passed::Link => "links are not followed".to_owned(),
        Passed::Unreadable(why) => why,
        Passed::Empty => "it holds no manifest".to_owned(),
    };
    Diagnostic::error("unreadable-file", format!("`{path}` cannot be read: {why}"))
        .help("what it holds may decide who gets in: name it otherwise, or leave its folder out")
}

/// What is written must not land among what is read, or on anything that is there.
pub(super) fn check_out(out: &Path, paths: &[String], root: &Path) -> anyhow::Result<()> {
    let filled = match fs::read_dir(out) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
        Err(error) => {
            return Err(anyhow::Error::new(error)
                .context(format!("`{}` cannot be written to", out.display())));
        }
    };
    if filled {
        bail!("`{}` is not empty: nothing that is there is changed", out.display());
    }
    let whole = |path: &Path| {
        // what is not there yet lies where its nearest folder lies
        let there = path.ancestors().find(|p| p.exists()).unwrap_or(root);
        let rest = path.strip_prefix(there).unwrap_or(path).to_owned();
        there.canonicalize().map(|there| there.join(rest)).unwrap_or_else(|_| path.to_owned())
    };
    let out_whole = whole(out);
    for name in paths {
        let input = root.join(name);
        if input.is_dir() && out_whole.starts_with(whole(&input)) {
            bail!("`{}` lies in `{name}`, which is read", out.display());
        }
    }
    Ok(())
}

/// Writes every file, changed or as it was.
#[allow(clippy::disallowed_methods, reason = "a folder of the user's, not a tree of ours")]
pub(super) fn write(
    out: &Path,
    files: &[Input],
    changed: &[(&Input, String)],
) -> anyhow::Result<()> {
    for input in files {
        let now = changed.iter().find(|(of, _)| of.file == input.file);
        let text = now.map_or(input.text.as_str(), |(_, text)| text.as_str());
        let path = out.join(&input.relative);
        let folder = path.parent().unwrap_or(out);
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&path, text))
            .with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_separator_begins_a_document_and_dashes_in_a_text_do_not() {
        let text = "---\na: |\n  ---\n  x\n--- # two\nb: ----\n---\nc: 1\n";
        let parts: Vec<&str> = documents(text).into_iter().map(|range| &text[range]).collect();
        assert_eq!(parts, ["---\na: |\n  ---\n  x\n", "--- # two\nb: ----\n", "---\nc: 1\n"]);
    }
}
