//! What a published commit says of the commit that it was rendered from: as trailers, and in the
//! files that Argo CD's source hydrator writes, which promotion tools read
//! (facts/gitops-delivery.md 2.6.2, 2.6.3, 2.6.6).

use std::fmt::Write;

use serde_json::{Value, json};

/// The file in which the hydrator says where a branch comes from.
pub const METADATA: &str = "hydrator.metadata";
/// The file that says it to people.
pub const README: &str = "README.md";
/// What git's hosts are told of both.
pub const ATTRIBUTES: &str = ".gitattributes";

/// The first line of the README: what has it is ours to replace.
const TITLE: &str = "# Manifest Hydration\n";
const MARKED: &str = "\
**/README.md linguist-generated=true
**/hydrator.metadata linguist-generated=true
";

/// The commit that was rendered.
#[derive(Clone, Copy, Debug)]
pub struct Dry<'a> {
    /// Where it can be fetched.
    pub repo_url: Option<&'a str>,
    /// Its id.
    pub id: &'a str,
    /// `Name <address>`.
    pub author: &'a str,
    /// When, in RFC 3339.
    pub date: &'a str,
    /// First line of its message.
    pub subject: &'a str,
    /// The rest.
    pub body: &'a str,
}

/// The message of a commit that publishes environments.
pub fn message(environments: &[&str], changes: &[String], dry: Option<Dry<'_>>) -> String {
    let names = environments.join(", ");
    let mut text = match dry {
        Some(dry) => format!("Publish {names} from {}\n", dry.id.get(..12).unwrap_or(dry.id)),
        None => format!("Publish {names}\n"),
    };
    // writing to a String cannot fail
    let _ = writeln!(text);
    for change in changes {
        let _ = writeln!(text, "{change}");
    }
    let _ = writeln!(text);
    if let Some(dry) = dry {
        let mut trailer = |key: &str, value: &str| {
            if !value.is_empty() {
                let _ = writeln!(text, "Argocd-reference-commit-{key}: {}", one_line(value));
            }
        };
        trailer("author", dry.author);
        trailer("sha", dry.id);
        trailer("subject", dry.subject);
        if !dry.body.is_empty() {
            // as a JSON text it is one line
            let body: String =
                dry.body.chars().map(|c| if c == '\n' { c } else { tame(c) }).collect();
            trailer("body", &Value::from(body).to_string().replace("##", "#\\u0023"));
        }
        trailer("repourl", dry.repo_url.unwrap_or_default());
        trailer("date", dry.date);
    }
    let _ = writeln!(text, "Waypost-version: {}", env!("CARGO_PKG_VERSION"));
    text
}

/// One line in which nothing acts: not on a terminal, nor on a runner of CI that prints it.
fn one_line(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    words.chars().map(tame).collect::<String>().replace("##", "# #")
}

/// A character, or what stands for one that acts: a control, or a mark of direction.
fn tame(c: char) -> char {
    let is_mark = matches!(
        c,
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
    );
    if c.is_control() || is_mark { char::REPLACEMENT_CHARACTER } else { c }
}

/// A word of a shell's command, in quotes where the shell would read more than a word in it.
fn shell_word(text: &str) -> String {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-_./:=@%+,~".contains(&b);
    let text: String = text.chars().map(tame).collect();
    if !text.is_empty() && text.bytes().all(is_plain) {
        return text;
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// The hydrator's files: name and text.
///
/// `command` are the words of the command that does the same again.
pub fn hydrator_files(dry: Dry<'_>, command: &[&str]) -> [(&'static str, String); 3] {
    let command: Vec<String> = command.iter().map(|word| shell_word(word)).collect();
    let command = command.join(" ");
    let metadata = json!({
        "repoURL": dry.repo_url,
        "drySha": dry.id,
        "commands": [command],
        "author": dry.author,
        "date": dry.date,
        "subject": dry.subject,
        "body": dry.body,
    });
    let metadata = match metadata {
        // what is not known is left out, as the hydrator does
        Value::Object(fields) => Value::Object(
            fields.into_iter().filter(|(_, v)| !v.is_null() && v.as_str() != Some("")).collect(),
        ),
        other => other,
    };
    let clone = match dry.repo_url {
        Some(url) => {
            format!("git clone {}\n# cd into the cloned directory\n", shell_word(url))
        }
        None => String::new(),
    };
    let readme = format!(
        "{TITLE}\nTo hydrate the manifests in this repository, run the following commands:\n\n```shell\n{clone}git checkout {}\n{command}\n```\n",
        dry.id
    );
    let metadata = format!("{metadata:#}\n");
    [(METADATA, metadata), (README, readme), (ATTRIBUTES, MARKED.to_owned())]
}

/// What a note on the published commit says: which commit it was rendered from last.
pub fn note(dry: Dry<'_>) -> String {
    format!("{}\n", json!({"drySha": dry.id}))
}

/// True for a file of these names that the hydrator, or we, have written: it may be replaced.
pub fn is_hydrators(name: &str, text: &str) -> bool {
    match name {
        METADATA => serde_json::from_str::<Value>(text)
            .is_ok_and(|metadata| metadata.get("drySha").is_some_and(Value::is_string)),
        README => text.starts_with(TITLE),
        ATTRIBUTES => text == MARKED,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRY: Dry<'_> = Dry {
        repo_url: Some("https://git.example.com/mesh.git"),
        id: "0123456789abcdef0123456789abcdef01234567",
        author: "Ada <ada@example.com>",
        date: "2026-11-25T10:00:00+00:00",
        subject: "Move httpbin",
        body: "It is next.\n\nSigned-off-by: Ada",
    };

    #[test]
    fn a_message_is_a_subject_changes_and_trailers() {
        let text = message(&["prod"], &["prod: 3 written".to_owned()], Some(DRY));
        assert_eq!(
            text,
            r#"Publish prod from 0123456789ab

prod: 3 written

Argocd-reference-commit-author: Ada <ada@example.com>
Argocd-reference-commit-sha: 0123456789abcdef0123456789abcdef01234567
Argocd-reference-commit-subject: Move httpbin
Argocd-reference-commit-body: "It is next.\n\nSigned-off-by: Ada"
Argocd-reference-commit-repourl: https://git.example.com/mesh.git
Argocd-reference-commit-date: 2026-11-25T10:00:00+00:00
Waypost-version: 0.1.0
"#
        );
    }

    #[test]
    fn files_of_the_hydrator_are_known_again_and_those_of_others_are_not() {
        let command = ["waypost", "publish", "--branch", "prod", "prod"];
        for (name, text) in hydrator_files(DRY, &command) {
            assert!(is_hydrators(name, &text), "{text}");
            assert!(!is_hydrators(name, "mine\n"), "{name}");
        }
        let [(_, metadata), (_, readme), _] = hydrator_files(DRY, &["waypost", "publish"]);
        assert!(metadata.starts_with("{\n  \"repoURL\": \"https://git.example.com/mesh.git\","));
        let [_, (_, quoted), _] = hydrator_files(DRY, &["waypost", "$(touch x)", "a'b"]);
        assert!(quoted.contains(r"waypost '$(touch x)' 'a'\''b'"), "{quoted}");
        assert!(readme.contains("git checkout 0123456789abcdef0123456789abcdef01234567\n"));
    }
}
