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
            trailer("body", &Value::from(dry.body).to_string());
        }
        trailer("repourl", dry.repo_url.unwrap_or_default());
        trailer("date", dry.date);
    }
    let _ = writeln!(text, "Waypost-version: {}", env!("CARGO_PKG_VERSION"));
    text
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The hydrator's files: name and text.
pub fn hydrator_files(dry: Dry<'_>, command: &str) -> [(&'static str, String); 3] {
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
        Some(url) => format!("git clone {url}\n# cd into the cloned directory\n"),
        None => String::new(),
    };
    let readme = format!(
        "{TITLE}\nTo hydrate the manifests in this repository, run the following commands:\n\n```shell\n{clone}git checkout {}\n{command}\n```\n",
        dry.id
    );
    let metadata = format!("{metadata:#}\n");
    [(METADATA, metadata), (README, readme), (ATTRIBUTES, MARKED.to_owned())]
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
        for (name, text) in hydrator_files(DRY, "waypost publish --branch prod prod") {
            assert!(is_hydrators(name, &text), "{text}");
            assert!(!is_hydrators(name, "mine\n"), "{name}");
        }
        let [(_, metadata), (_, readme), _] = hydrator_files(DRY, "waypost publish");
        assert!(metadata.starts_with("{\n  \"repoURL\": \"https://git.example.com/mesh.git\","));
        assert!(readme.contains("git checkout 0123456789abcdef0123456789abcdef01234567\n"));
    }
}
