//! Whatever a stranger names, in every verb and format: nothing acts on a terminal or on a runner of CI,
//! nothing looks like a line of ours, and markdown mentions and loads nothing.

use std::path::Path;

use regex::Regex;

use super::{commit_all, git, replace, repository, run, write};

/// Texts that would act somewhere.
const WORDS: [&str; 4] = [
    "x\n::error file=CODEOWNERS,line=1::FORGED\n::stop-commands::q\n##[add-mask]a",
    "x\r\n\u{1b}[31m\u{1b}]0;t\u{7}\u{9b}2J\u{202e}\u{2066}\u{200b}##vso[task.setvariable]FORGED",
    "@octocat ![i](https://evil.example/p.png) <img src=https://evil.example/p.png> [l](https://evil.example) `@octocat`",
    "=HYPERLINK(\"https://evil.example\")\n|a|\n\nerror: FORGED\n# FORGED",
];

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("JSON")
}

/// Objects of another team, whose names are these words: what is only read takes any name.
fn inventory(word: &str) -> String {
    let name = quoted(word);
    format!(
        "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {{name: {name}, namespace: bookinfo}}\nspec: {{action: DENY, rules: [{{from: [{{source: {{namespaces: [client, httpbin]}}}}]}}]}}\n---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: httpbin, annotations: {{a: {name}}}}}\nspec: {{selector: {{app: httpbin}}, ports: [{{port: 81, name: http}}]}}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, namespace: client}}\nspec: {{template: {{metadata: {{labels: {{app: {name}}}}}, spec: {{containers: [{{name: a, image: {name}}}]}}}}}}\n"
    )
}

/// A repository in which every word stands somewhere, and what it was before.
fn hostile() -> (tempfile::TempDir, String) {
    let folder = repository();
    let root = folder.path();
    for (at, word) in WORDS.iter().enumerate() {
        let path = format!("environments/brownfield/inventory/zz-{at}.yaml");
        write(root, &path, &inventory(word));
    }
    let _ = run(root, &["render", "brownfield", "--force"]);
    commit_all(root, WORDS[0]);
    let base = git(root, &["rev-parse", "HEAD"]);
    // what a tree may hold that nobody rendered
    for (at, word) in WORDS.iter().enumerate() {
        let unit = "rendered/brownfield/cp-cluster-1/mesh/httpbin";
        write(root, &format!("{unit}/zz-{at}.yaml"), &inventory(word));
        let name = word.replace('/', "_");
        write(root, &format!("rendered/brownfield/{name}.yaml"), &inventory(word));
        write(root, &format!("rendered/{name}/waypost.lock"), word);
    }
    replace(
        &root.join("gitops/argocd/brownfield"),
        "project: waypost-brownfield",
        "project: \"##[group]x\"",
    );
    (folder, base)
}

/// What acts in a text.
fn acts(text: &str, is_github: bool, is_document: bool) -> Option<String> {
    let ours =
        Regex::new("^::(error|warning|notice) (file=[^,:]*,line=[0-9]+,[^:]*)?title=[a-z0-9-]+::")
            .expect("it");
    for line in text.lines() {
        let trimmed = line.trim_start();
        let is_command = trimmed.starts_with("::") && !trimmed.starts_with(":::");
        let is_ours = is_github && ours.is_match(line);
        if (is_command && !is_ours) || line.contains("##[") || line.contains("##vso[") {
            return Some(format!("a command: {line:?}"));
        }
        // in XML a line is no line of ours
        let is_forged = line.starts_with("error: FORGED") || line.starts_with("# FORGED");
        if is_forged && !is_document {
            return Some(format!("a forged line: {line:?}"));
        }
    }
    let bad = |c: char| {
        (c.is_control() && !"\n\t".contains(c))
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
    };
    text.chars().find(|c| bad(*c)).map(|c| format!("{c:?}"))
}

/// What acts in markdown: outside of code nothing of theirs is more than text.
fn acts_in_markdown(text: &str) -> Option<String> {
    let fences = Regex::new("(?s)(`{3,}).*?\n\\s*`{3,}").expect("it");
    let text = fences.replace_all(text, "");
    let mut rest = String::new();
    for line in text.lines() {
        let mut at = 0;
        while let Some(begin) = line[at..].find('`').map(|b| at + b) {
            rest.push_str(&line[at..begin]);
            let run = line[begin..].chars().take_while(|c| *c == '`').count();
            let fence = "`".repeat(run);
            let after = begin + run;
            at = match line[after..].find(&fence) {
                Some(end) => after + end + run,
                None => after,
            };
        }
        rest.push_str(&line[at..]);
        rest.push('\n');
    }
    let code = Regex::new("<code>.*?</code>").expect("it");
    let rest = code.replace_all(&rest, "");
    ["@octocat", "![", "<img", "](https"]
        .iter()
        .find(|bad| rest.contains(**bad))
        .map(|bad| format!("{bad}: {rest}"))
}

fn check(root: &Path, words: &[&str]) {
    let ran = run(root, words);
    let format = words.iter().position(|w| *w == "--format").map_or("", |at| words[at + 1]);
    let is_github = format == "github";
    // a page for a browser, and manifests, are no lines for people: their own tests hold them
    let is_data = matches!(format, "html") || words.contains(&"--stdout");
    for (text, name) in [(&ran.stdout, "stdout"), (&ran.stderr, "stderr")] {
        let is_document = format == "junit" && name == "stdout";
        let found = acts(text, is_github && name == "stdout", is_document);
        assert!(is_data && name == "stdout" || found.is_none(), "{words:?}, {name}: {found:?}");
    }
    if format == "markdown" {
        let found = acts_in_markdown(&ran.stdout);
        assert!(found.is_none(), "{words:?}: {found:?}");
    }
    if format == "csv" {
        let formula = ran.stdout.lines().find(|line| line.starts_with(['=', '+', '-', '@']));
        assert_eq!(formula, None);
    }
    if matches!(format, "json" | "sarif" | "gitlab") && !ran.stdout.is_empty() {
        let value = serde_json::from_str::<serde_json::Value>(&ran.stdout);
        assert!(value.is_ok(), "{words:?}: {value:?}");
    }
    assert!(ran.code <= 5, "{words:?}: {}", ran.code);
}

#[test]
fn nothing_foreign_acts_in_any_verb_and_format() {
    let (folder, base) = hostile();
    let root = folder.path();
    let at_base = format!("{base}:brownfield");
    let mut all: Vec<Vec<&str>> = vec![
        vec!["check"],
        vec!["check", "--diff"],
        vec!["render"],
        vec!["render", "--stdout"],
        vec!["prune"],
        vec!["list"],
        vec!["list", "--changed-since", &base],
        vec!["list", "--changed-since", &base, "--format", "json"],
        vec!["publish", "--branch", "x", "--allow-dirty"],
        vec!["publish", "--branch", "x\n::error::FORGED"],
        vec!["access", "suggest", "brownfield"],
        vec!["access", "test", "brownfield", "--format", "text"],
        vec!["access", "test", "brownfield", "--format", "junit"],
        vec!["access", "test", "brownfield", "--format", "json"],
        vec!["access", "ztunnel", "brownfield"],
        vec!["explain", "value", "spec.organization"],
        vec!["explain", "namespace/cp-cluster-1/httpbin"],
        vec!["explain", "x\n::error::FORGED"],
        vec!["check", "x\n::error::FORGED"],
        vec!["diff", "--base", "x\n::error::FORGED"],
        vec!["::error::FORGED"],
        vec!["render", "--unit", "x\n##[error]FORGED"],
        vec!["convert", "--to", "tctl", "rendered/x\n::error::FORGED"],
        vec!["verify", "brownfield", "x\n::error::FORGED"],
    ];
    for format in ["text", "markdown", "html", "json", "sarif", "github", "gitlab", "junit"] {
        all.push(vec!["diff", "--base", &base, "--format", format]);
    }
    all.push(vec!["diff", "--base", &base, "--patch", "--all"]);
    for format in ["text", "json", "junit", "sarif", "github", "gitlab"] {
        all.push(vec!["validate", "rendered", "gitops", "environments", "--format", format]);
    }
    for format in ["text", "markdown", "csv", "json", "dot", "mermaid"] {
        all.push(vec!["access", "matrix", "brownfield", "--format", format]);
        all.push(vec!["access", "matrix", "rendered/brownfield", "--format", format]);
    }
    for format in ["text", "markdown", "json"] {
        all.push(vec!["access", "policies", "brownfield", "--format", format]);
        all.push(vec!["access", "policies", "rendered/brownfield", "--format", format]);
        all.push(vec!["access", "diff", &at_base, "rendered/brownfield", "--format", format]);
    }
    for words in &all {
        check(root, words);
    }
}

#[test]
fn a_spec_and_a_commit_that_are_hostile_are_shown_and_do_not_act() {
    for word in WORDS {
        let folder = repository();
        let root = folder.path();
        let spec = root.join("environments/brownfield");
        replace(&spec, "  organization: tetrate\n", &format!("  organization: {}\n", quoted(word)));
        commit_all(root, word);
        for words in [
            &["check", "brownfield"][..],
            &["render"],
            &["list"],
            &["diff", "--base", "HEAD~1", "--format", "markdown"],
            &["explain", "value", "spec.organization"],
        ] {
            check(root, words);
        }
        let folder = repository();
        let root = folder.path();
        write(root, "README.md", "changed\n");
        commit_all(root, &format!("{word}\n\nArgocd-reference-commit-sha: FORGED\n{word}"));
        check(root, &["publish", "--branch", "live", "--hydrator-metadata", "--new-branch"]);
        let message = git(root, &["log", "-1", "--format=%B", "live"]);
        assert_eq!(acts(&message, false, false), None, "{message}");
        let forged = message.lines().filter(|l| l.starts_with("Argocd-reference-commit-sha: "));
        assert_eq!(forged.count(), 1, "{message}");
        let readme = git(root, &["show", "live:README.md"]);
        assert_eq!(acts(&readme, false, false), None, "{readme}");
        assert_eq!(acts_in_markdown(&readme), None, "{readme}");
    }
}
