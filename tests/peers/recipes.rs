//! The CI recipes of `docs/ci` and the hooks of `.pre-commit-hooks.yaml`: every command in them is
//! run here, in a scratch repository, with the program as it was built. Only the steps that install
//! it are left out. Needs bash, git and jq.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

type Variables = BTreeMap<String, String>;

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn yaml(path: &str) -> Value {
    let text = std::fs::read_to_string(project().join(path)).expect("a recipe");
    serde_yaml::from_str(&text).expect("YAML")
}

/// A repository with both examples and their trees, on a branch of its own.
struct Repository {
    folder: tempfile::TempDir,
    base: String,
}

impl Repository {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["environments", "rendered"] {
            let ran =
                Command::new("cp").arg("-R").arg(project().join(name)).arg(folder.path()).status();
            assert!(ran.expect("cp runs").success());
        }
        let mut new = Self { folder, base: String::new() };
        new.sh("git init --quiet && git config user.name t && git config user.email t@example.com");
        // the locks of the project's own trees also name its templates
        new.sh("waypost render");
        let stubs = new.path().join(STUBS);
        std::fs::create_dir(&stubs).expect("a folder");
        for (name, text) in [("gh", GH), ("curl", CURL)] {
            std::fs::write(stubs.join(name), text).expect("written");
        }
        new.sh(&format!("chmod +x {STUBS}/*"));
        new.commit();
        new.base = new.sh("git rev-parse HEAD").trim().to_owned();
        new
    }

    fn path(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    fn sh(&self, script: &str) -> String {
        let ran = bash(&self.path(), script, &Variables::new());
        assert!(ran.status.success(), "{script}: {}", said(&ran));
        String::from_utf8(ran.stdout).expect("UTF-8")
    }

    fn commit(&self) {
        self.sh("git add --all && git commit --quiet --message 'a state'");
    }

    /// A branch that moves the next namespace of brownfield, and its tree.
    fn moves_bookinfo(&self) {
        self.edits(
            "environments/brownfield/environment.yaml",
            "reached: httpbin",
            "reached: bookinfo",
        );
        self.sh("waypost render brownfield");
        self.commit();
    }

    /// The comments that the forge holds.
    fn comments(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.path().join(".git/comments.json"));
        let comments: Value = serde_json::from_str(&text.expect("comments")).expect("JSON");
        let bodies = comments.as_array().expect("a list").iter().map(|c| c["body"].as_str());
        bodies.map(|body| body.expect("a text").to_owned()).collect()
    }

    fn edits(&self, path: &str, from: &str, to: &str) {
        let path = self.path().join(path);
        let text = std::fs::read_to_string(&path).expect("a file");
        assert!(text.contains(from), "{}", path.display());
        std::fs::write(path, text.replacen(from, to, 1)).expect("written");
    }
}

/// Stands in for the programs that talk to a forge: what they would send is kept in a file.
const STUBS: &str = ".git/stubs";

/// `gh api` over a list of comments in a file, which jq reads and writes.
const GH: &str = r#"#!/bin/bash
set -eu
store=.git/comments.json
[ -f "$store" ] || echo '[]' > "$store"
method=GET body= filter=. path=
shift
while [ $# -gt 0 ]; do
  case $1 in
    --paginate) ;;
    --method) method=$2; shift ;;
    --jq) filter=$2; shift ;;
    --field) body=${2#body=@}; shift ;;
    *) path=$1 ;;
  esac
  shift
done
case $method in
  GET) jq --raw-output "$filter" "$store" ;;
  POST) jq --rawfile body "$body" '. + [{id: (length + 1), user: {type: "Bot"}, $body}]' "$store" > "$store.new" ;;
  PATCH) jq --rawfile body "$body" --argjson id "${path##*/}" 'map(if .id == $id then .body = $body else . end)' "$store" > "$store.new" ;;
esac
if [ -f "$store.new" ]; then mv "$store.new" "$store"; fi
"#;

/// `curl` over the notes of a merge request, in the same file.
const CURL: &str = r#"#!/bin/bash
set -eu
store=.git/comments.json
[ -f "$store" ] || echo '[]' > "$store"
method=GET data= url=
while [ $# -gt 0 ]; do
  case $1 in
    --request) method=$2; shift ;;
    --data) data=${2#@}; shift ;;
    --header) shift ;;
    --*) ;;
    *) url=$1 ;;
  esac
  shift
done
case $method in
  GET) cat "$store" ;;
  POST) jq --slurpfile note "$data" '. + [$note[0] + {id: (length + 1)}]' "$store" > "$store.new" ;;
  PUT) jq --slurpfile note "$data" --argjson id "${url##*/}" 'map(if .id == $id then . + $note[0] else . end)' "$store" > "$store.new" ;;
esac
if [ -f "$store.new" ]; then mv "$store.new" "$store"; fi
"#;

/// Runs a script as GitHub's `shell: bash` and GitLab's runner do.
fn bash(folder: &Path, script: &str, variables: &Variables) -> Output {
    let program = Path::new(env!("CARGO_BIN_EXE_waypost")).parent().expect("a folder");
    let path = std::env::var("PATH").unwrap_or_default();
    Command::new("bash")
        .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", script])
        .env_clear()
        .env("PATH", format!("{}:{}:{path}", folder.join(STUBS).display(), program.display()))
        .env("HOME", folder)
        .envs(variables)
        .current_dir(folder)
        .output()
        .expect("bash starts")
}

fn said(ran: &Output) -> String {
    String::from_utf8_lossy(&[ran.stdout.as_slice(), &ran.stderr].concat()).into_owned()
}

/// A run of `docs/ci/github-actions.yaml`, with what GitHub says of an event.
struct Actions<'r> {
    workflow: Value,
    repository: &'r Repository,
    /// What each `${{ … }}` stands for. One that is not listed fails the test.
    context: BTreeMap<String, String>,
}

impl<'r> Actions<'r> {
    fn new(repository: &'r Repository, base: &str) -> Self {
        let base_of = "github.event.pull_request.base.sha || github.event.merge_group.base_sha";
        let is_pull_request = if base.is_empty() { "false" } else { "true" };
        let context = [
            (base_of, base),
            ("always()", "true"),
            ("!cancelled()", "true"),
            ("github.event_name == 'pull_request'", is_pull_request),
            ("github.event.pull_request.head.repo.fork != true", "true"),
            ("github.token", "secret"),
            ("github.repository", "example/mesh"),
            ("github.event.number", "7"),
        ];
        let context = context.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        Self { workflow: yaml("docs/ci/github-actions.yaml"), repository, context }
    }

    fn value(&self, text: &str) -> String {
        let Some((before, rest)) = text.split_once("${{") else { return text.to_owned() };
        let (expression, after) = rest.split_once("}}").expect("an expression that ends");
        let expression = expression.trim();
        let value = self.context.get(expression);
        let value = value.unwrap_or_else(|| panic!("nothing is known of `{expression}`"));
        format!("{before}{value}{}", self.value(after))
    }

    fn environment(&self, of: &Value, into: &mut Variables) {
        for (name, value) in of["env"].as_object().into_iter().flatten() {
            into.insert(name.clone(), self.value(value.as_str().expect("a text")));
        }
    }

    /// Runs the steps of a job one after the other: whether all succeeded, and what they gave.
    fn job(&self, name: &str) -> (bool, String, Variables) {
        let job = &self.workflow["jobs"][name];
        let (mut good, mut log, mut outputs) = (true, String::new(), Variables::new());
        for step in job["steps"].as_array().expect("steps") {
            let Some(script) = step["run"].as_str().filter(|_| step["id"] != "install") else {
                continue;
            };
            assert!(
                !script.contains("${{"),
                "what comes from outside is no part of a script: {script}"
            );
            if !good && step["if"].is_null() {
                continue;
            }
            let file = self.repository.path().join(".git/github-output");
            std::fs::write(&file, "").expect("written");
            let mut variables = Variables::new();
            for of in [&self.workflow, job, step] {
                self.environment(of, &mut variables);
            }
            variables.insert("GITHUB_OUTPUT".into(), file.to_string_lossy().into_owned());
            let summary = self.repository.path().join(".git/summary.md");
            variables.insert("GITHUB_STEP_SUMMARY".into(), summary.to_string_lossy().into_owned());
            let ran = bash(&self.repository.path(), script, &variables);
            log += &said(&ran);
            good &= ran.status.success();
            for line in std::fs::read_to_string(&file).expect("outputs").lines() {
                let (key, value) = line.split_once('=').expect("key=value");
                let step = step["id"].as_str().expect("a step with an output has an id");
                outputs.insert(format!("steps.{step}.outputs.{key}"), value.to_owned());
            }
        }
        (good, log, outputs)
    }

    /// The whole workflow: the environments that had a job, whether the required check is green,
    /// and what was said.
    fn run(mut self) -> (Vec<String>, bool, String) {
        let (mut good, mut log, outputs) = self.job("changed");
        let mut environments = Vec::new();
        if good {
            let matrix = &self.workflow["jobs"]["changed"]["outputs"]["matrix"];
            self.context.extend(outputs);
            let matrix = self.value(matrix.as_str().expect("a text"));
            let matrix: Value = serde_json::from_str(&matrix).expect("JSON");
            for element in matrix["include"].as_array().expect("a list") {
                let name = element["environment"].as_str().expect("a name");
                environments.push(name.to_owned());
                self.context.insert("matrix.environment".into(), name.into());
                let (job, said, _) = self.job("environment");
                good &= job;
                log += &said;
            }
        }
        let diff = self.workflow["jobs"]["diff"]["if"].as_str().expect("a condition");
        if self.value(diff) == "true" {
            let (job, said, _) = self.job("diff");
            good &= job;
            log += &said;
        }
        let failed = "contains(needs.*.result, 'failure') || contains(needs.*.result, 'cancelled')";
        self.context.insert(failed.into(), (!good).to_string());
        let (green, ..) = self.job("waypost");
        (environments, green, log)
    }
}

#[test]
fn the_github_workflow_is_green_for_a_pull_request_that_rendered() {
    let repository = Repository::new();
    repository.moves_bookinfo();
    let (environments, green, log) = Actions::new(&repository, &repository.base).run();
    assert_eq!(environments, ["brownfield"], "{log}");
    assert!(green, "{log}");
    let sarif = std::fs::read_to_string(repository.path().join("waypost.sarif")).expect("a file");
    let sarif: Value = serde_json::from_str(&sarif).expect("JSON");
    assert_eq!(sarif["version"], "2.1.0");
    let page = std::fs::read_to_string(repository.path().join("diff.html")).expect("a page");
    assert!(page.starts_with("<!doctype html>") && page.contains("bookinfo"));
    // the second push finds the comment of the first, and no other
    let [first] = repository.comments().try_into().expect("one comment");
    assert!(first.contains("bookinfo") && !first.contains("greenfield"), "{first}");
    let summary = std::fs::read_to_string(repository.path().join(".git/summary.md"));
    assert_eq!(summary.expect("a summary"), first);
    repository.edits(
        "environments/brownfield/environment.yaml",
        "reached: bookinfo",
        "reached: bookinfo/mesh",
    );
    repository.sh("rm -f waypost.sarif diff.* && waypost render brownfield");
    repository.commit();
    let (_, green, log) = Actions::new(&repository, &repository.base).run();
    assert!(green, "{log}");
    let [second] = repository.comments().try_into().expect("one comment");
    assert_ne!(first, second);
    // a push checks every environment
    let (environments, green, log) = Actions::new(&repository, "").run();
    assert_eq!(environments, ["brownfield", "greenfield"], "{log}");
    assert!(green, "{log}");
}

#[test]
fn the_github_workflow_is_green_where_no_environment_is_touched_and_red_where_it_must_be() {
    let repository = Repository::new();
    repository.sh("echo x > README.md");
    repository.commit();
    let (environments, green, log) = Actions::new(&repository, &repository.base).run();
    assert_eq!((environments, green), (vec![], true), "{log}");

    // spec and tree disagree: the later checks are made all the same
    repository.edits(
        "environments/brownfield/environment.yaml",
        "reached: httpbin",
        "reached: bookinfo",
    );
    repository.commit();
    let (environments, green, log) = Actions::new(&repository, &repository.base).run();
    assert_eq!((environments.as_slice(), green), (&["brownfield".to_owned()][..], false), "{log}");
    assert!(log.contains("all as asserted"), "{log}");

    let (_, green, log) =
        Actions::new(&repository, "0123456789012345678901234567890123456789").run();
    assert!(!green && log.contains("no revision"), "{log}");
}

/// Every script of a GitLab job in one shell, as the runner does it.
fn gitlab_job(repository: &Repository, job: &Value, variables: &Variables) -> Output {
    let lines = job["script"].as_array().expect("a script");
    let script: Vec<&str> = lines.iter().map(|line| line.as_str().expect("a text")).collect();
    bash(&repository.path(), &script.join("\n"), variables)
}

/// The jobs of the child pipeline by name, and whether each succeeds.
fn gitlab(repository: &Repository, base: &str) -> BTreeMap<String, bool> {
    let pipeline = yaml("docs/ci/gitlab-ci.yaml");
    let variables = Variables::from([("CI_MERGE_REQUEST_DIFF_BASE_SHA".into(), base.into())]);
    let ran = gitlab_job(repository, &pipeline["environments"], &variables);
    assert!(ran.status.success(), "{}", said(&ran));
    let artifact = pipeline["waypost"]["trigger"]["include"][0]["artifact"].as_str();
    let child = std::fs::read_to_string(repository.path().join(artifact.expect("a name")));
    let child: Value = serde_yaml::from_str(&child.expect("a pipeline")).expect("YAML");
    assert_eq!(child["include"], json!([{"local": "waypost-environment.yaml"}]));
    let template = &yaml("docs/ci/waypost-environment.yaml")[".environment"];
    let jobs =
        child.as_object().expect("jobs").iter().filter(|(_, job)| job["extends"].is_string());
    jobs.map(|(name, job)| {
        assert_eq!(job["extends"], ".environment");
        let of_job = job["variables"].as_object().expect("variables").iter();
        let variables =
            of_job.map(|(k, v)| (k.clone(), v.as_str().expect("a text").to_owned())).collect();
        let ran = gitlab_job(repository, template, &variables);
        let report = template["artifacts"]["reports"]["codequality"].as_str().expect("a name");
        let report = std::fs::read_to_string(repository.path().join(report)).expect("a report");
        assert!(serde_json::from_str::<Value>(&report).expect("JSON").is_array());
        (name.clone(), ran.status.success())
    })
    .collect()
}

#[test]
fn the_gitlab_pipeline_writes_one_note() {
    let repository = Repository::new();
    let job = &yaml("docs/ci/gitlab-ci.yaml")["diff"];
    let run = |token: &str| {
        let variables = [
            ("CI_MERGE_REQUEST_DIFF_BASE_SHA", repository.base.as_str()),
            ("WAYPOST_TOKEN", token),
            ("CI_API_V4_URL", "https://gitlab.example/api/v4"),
            ("CI_PROJECT_ID", "1"),
            ("CI_MERGE_REQUEST_IID", "7"),
        ];
        let variables = variables.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        let ran = gitlab_job(&repository, job, &variables);
        assert!(ran.status.success(), "{}", said(&ran));
        assert!(repository.path().join("diff.html").exists());
    };
    repository.moves_bookinfo();
    run("");
    assert!(!repository.path().join(".git/comments.json").exists(), "without a token");
    run("token");
    let [first] = repository.comments().try_into().expect("one note");
    repository.edits(
        "environments/brownfield/environment.yaml",
        "reached: bookinfo",
        "reached: bookinfo/mesh",
    );
    repository.sh("waypost render brownfield");
    run("token");
    let [second] = repository.comments().try_into().expect("one note");
    assert!(first.contains("bookinfo") && second.contains("bookinfo") && first != second);
}

#[test]
fn the_gitlab_pipeline_has_a_job_for_each_environment_that_is_touched() {
    let repository = Repository::new();
    let of = |jobs: &[(&str, bool)]| {
        jobs.iter().map(|(name, good)| ((*name).to_owned(), *good)).collect::<BTreeMap<_, _>>()
    };
    assert_eq!(gitlab(&repository, &repository.base), of(&[]));
    repository.moves_bookinfo();
    assert_eq!(gitlab(&repository, &repository.base), of(&[("environment brownfield", true)]));
    repository.edits(
        "environments/greenfield/environment.yaml",
        "spec:
",
        "spec:
  # not rendered
",
    );
    repository.commit();
    let both = of(&[("environment brownfield", true), ("environment greenfield", false)]);
    assert_eq!(gitlab(&repository, &repository.base), both);
    assert_eq!(gitlab(&repository, ""), both);
}

#[test]
fn the_pre_commit_hooks_run_and_stop_what_they_should() {
    let repository = Repository::new();
    let hooks = yaml(".pre-commit-hooks.yaml");
    let files = repository.sh("git ls-files");
    let run = |hook: &Value| {
        let files_of = |key: &str| regex::Regex::new(hook[key].as_str().unwrap_or("^$"));
        let (excluded, named) =
            (files_of("exclude").expect("a pattern"), hook["pass_filenames"] != false);
        let is_manifest = |f: &&str| f.ends_with(".yaml") && !excluded.is_match(f);
        let passed: Vec<&str> = files.lines().filter(is_manifest).filter(|_| named).collect();
        let script = format!("{} \"$@\"", hook["entry"].as_str().expect("an entry"));
        let mut command = Command::new("bash");
        let program = Path::new(env!("CARGO_BIN_EXE_waypost")).parent().expect("a folder");
        command.args(["-c", &script, "bash"]).args(passed).current_dir(repository.path());
        command.env("PATH", format!("{}:/usr/bin:/bin", program.display())).output().expect("bash")
    };
    let hooks = hooks.as_array().expect("a list");
    for hook in hooks {
        let ran = run(hook);
        assert!(ran.status.success(), "{}: {}", hook["id"], said(&ran));
    }
    assert_eq!(repository.sh("git status --porcelain"), "");
    repository.edits(
        "environments/brownfield/environment.yaml",
        "reached: httpbin",
        "reached: bookinfo",
    );
    let by_id = |id: &str| hooks.iter().find(|h| h["id"] == id).expect("a hook");
    assert_eq!(run(by_id("waypost-check")).status.code(), Some(4));
    assert!(run(by_id("waypost-render")).status.success());
    // pre-commit stops where a hook changed a file
    assert!(repository.sh("git status --porcelain").contains("rendered/brownfield"));
    assert!(run(by_id("waypost-check")).status.success());
}
