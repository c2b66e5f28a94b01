//! Specs on disk: what a text in memory cannot show.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

use std::path::Path;

use waypost::diagnostic::Diagnostic;
use waypost::spec::{Files, Reader};

use crate::spec::load;

#[expect(clippy::disallowed_methods, reason = "input of a test, not a tree")]
fn put(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn environment(sources: &str) -> String {
    format!(
        "apiVersion: waypost.dev/v1alpha1\nkind: Environment\nmetadata: {{name: a}}\nspec:\n  \
         organization: tetrate\n  versions: {{tsb: \"1.13\", istio: \"1.24\"}}\n  sources: {{{sources}}}\n"
    )
}

fn codes(found: &[Diagnostic]) -> Vec<&str> {
    found.iter().map(|d| d.code).collect()
}

#[cfg(unix)]
#[test]
fn links_are_refused_wherever_they_stand() {
    use std::os::unix::fs::symlink;

    let outside = tempfile::tempdir().unwrap();
    put(outside.path(), "secret.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\n");
    for (sources, link, target) in [
        ("tsb: [link.yaml]", "link.yaml", outside.path().join("secret.yaml")),
        ("tsb: [link]", "link", outside.path().to_owned()),
        ("tsb: [link/secret.yaml]", "link", outside.path().to_owned()),
        ("tsb: [folder]", "folder/link.yaml", outside.path().join("secret.yaml")),
        ("tsb: [folder]", "folder/loop", "..".into()),
        ("tsb: [folder]", "folder/dangling.yaml", "nowhere".into()),
    ] {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "environments/a/environment.yaml", &environment(sources));
        put(root.path(), "environments/a/folder/x.txt", "");
        symlink(target, root.path().join("environments/a").join(link)).unwrap();
        let (_, found, sources) = load(&Files::Disk(root.path().to_owned()), "a");
        assert_eq!(codes(&found), ["symlink"], "{link}");
        let place = sources.place(found[0].primary.as_ref().unwrap().span);
        assert!(place.starts_with("environments/a/environment.yaml:7:"), "{place}");
        assert!(sources.iter().all(|(_, s)| !s.text.contains("Secret")));
    }
}

#[cfg(unix)]
#[test]
fn an_environment_that_is_a_link_is_told() {
    let root = tempfile::tempdir().unwrap();
    put(root.path(), "elsewhere/environment.yaml", &environment(""));
    std::fs::create_dir(root.path().join("environments")).unwrap();
    std::os::unix::fs::symlink("../elsewhere", root.path().join("environments/a")).unwrap();
    let (_, found, _) = load(&Files::Disk(root.path().to_owned()), "a");
    assert_eq!(codes(&found), ["symlink"]);

    put(root.path(), "environments/b/x.txt", "");
    std::os::unix::fs::symlink(
        "../../elsewhere/environment.yaml",
        root.path().join("environments/b/environment.yaml"),
    )
    .unwrap();
    let (_, found, _) = load(&Files::Disk(root.path().to_owned()), "b");
    assert_eq!(codes(&found), ["symlink"]);
}

#[test]
fn too_large_a_file_is_not_read() {
    let root = tempfile::tempdir().unwrap();
    put(root.path(), "environments/a/environment.yaml", &environment("tsb: [big.yaml]"));
    put(root.path(), "environments/a/big.yaml", &"# x\n".repeat((4 << 20) / 4 + 1));
    let (_, found, sources) = load(&Files::Disk(root.path().to_owned()), "a");
    assert_eq!(codes(&found), ["too-large"]);
    assert_eq!(sources.iter().count(), 1);
}

#[test]
fn what_is_no_text_is_said_to_be_none() {
    let root = tempfile::tempdir().unwrap();
    put(root.path(), "environments/a/environment.yaml", &environment("direct: [a.yaml]"));
    std::fs::copy(std::env::current_exe().unwrap(), root.path().join("environments/a/a.yaml"))
        .unwrap();
    let (_, found, _) = load(&Files::Disk(root.path().to_owned()), "a");
    assert!(matches!(codes(&found)[..], ["unreadable-file" | "too-large"]), "{found:?}");
}

/// facts/field.md 12.34: a fault in one environment is nothing to another.
#[test]
fn kapitan_378_lazy_env() {
    let root = tempfile::tempdir().unwrap();
    put(root.path(), "environments/a/environment.yaml", &environment("tsb: [tsb.yaml]"));
    put(root.path(), "environments/a/tsb.yaml", "# nothing yet\n");
    put(root.path(), "environments/a/unused.yaml", "[");
    put(root.path(), "environments/b/environment.yaml", "[");
    let (resolved, found, sources) = load(&Files::Disk(root.path().to_owned()), "a");
    assert!(resolved.is_some());
    assert_eq!(codes(&found), ["empty-source"], "{found:?}");
    let read: Vec<&str> = sources.iter().map(|(_, s)| s.path.as_str()).collect();
    assert_eq!(read, ["environments/a/environment.yaml", "environments/a/tsb.yaml"]);
}

#[test]
fn environments_are_named_by_their_folders() {
    let root = tempfile::tempdir().unwrap();
    let base = environment("").replace("metadata: {name: a}\n", "");
    put(root.path(), "environments/b/environment.yaml", "[");
    put(root.path(), "environments/a/environment.yaml", &environment(""));
    put(root.path(), "environments/base/environment.yaml", &base);
    put(root.path(), "environments/README.md", "");
    put(root.path(), "environments/notes/README.md", "");
    let files = Files::Disk(root.path().to_owned());
    let unheard = |_, _: &_| Vec::new();
    let mut reader = Reader::new(&files, &unheard);
    let (names, found) = reader.environments();
    assert_eq!(names, ["a", "b"]);
    assert!(found.is_empty());

    let (_, found) = reader.read("aa");
    assert_eq!(codes(&found), ["unknown-environment"]);
    assert_eq!(found[0].help.as_deref(), Some("did you mean `a`?"));

    let nothing = tempfile::tempdir().unwrap();
    let files = Files::Disk(nothing.path().to_owned());
    let (names, found) = Reader::new(&files, &unheard).environments();
    assert!(names.is_empty());
    assert_eq!(codes(&found), ["unknown-environment"]);
}
