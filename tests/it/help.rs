//! The help of every finding leads out of it: `tests/help/<code>.sh` makes what draws the finding, names
//! the run and the help, and follows the help; then the finding is gone and the run is content.
//!
//! ```sh
//! printf 'kind: Namespace\n' > a.yaml       # in an empty folder, with the functions of prelude.sh
//! # run: validate a.yaml
//! # help: add `apiVersion`                  a part of the help as it is printed; `# do:` of the page
//! # then: validate a.yaml                   the second run, where the help gives it other words
//! # ends: 4                                 how it ends, where that is not 0
//! edit a.yaml '1i apiVersion: v1'           the help, followed
//! ```
//!
//! `<code>.<variant>.sh` is another case of it. A lint whose page has a fix in YAML is followed there
//! (`every_page_is_complete_and_its_examples_do_what_it_says`); every other code without a case is a line
//! of `tests/help/without.tsv`, with the reason.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use rayon::prelude::*;
use waypost::diagnostic::page::{page, subjects};
use waypost::validate::rule::{RULES, explain};

use crate::program::project;

fn folder() -> PathBuf {
    project().join("tests/help")
}

/// What one file says.
struct Case {
    code: String,
    before: String,
    arguments: String,
    help: Vec<String>,
    to_do: Vec<String>,
    then: String,
    ends: i32,
    after: String,
}

impl Case {
    fn parse(name: &str, text: &str) -> Result<Self, String> {
        let code = name.split('.').next().unwrap_or_default().to_owned();
        let (before, rest) = text.split_once("# run: ").ok_or("it has no `# run:`")?;
        let (arguments, mut after) = rest.split_once('\n').ok_or("nothing follows `# run:`")?;
        let mut case = Self {
            code,
            before: before.to_owned(),
            arguments: arguments.to_owned(),
            help: Vec::new(),
            to_do: Vec::new(),
            then: arguments.to_owned(),
            ends: 0,
            after: String::new(),
        };
        while let Some((line, rest)) = after.split_once('\n') {
            if let Some(help) = line.strip_prefix("# help: ") {
                case.help.push(help.to_owned());
            } else if let Some(to_do) = line.strip_prefix("# do: ") {
                case.to_do.push(to_do.to_owned());
            } else if let Some(then) = line.strip_prefix("# then: ") {
                case.then = then.to_owned();
            } else if let Some(code) = line.strip_prefix("# ends: ") {
                case.ends = code.parse().map_err(|_| "`# ends:` wants a number")?;
            } else {
                break;
            }
            after = rest;
        }
        if case.help.is_empty() && case.to_do.is_empty() {
            return Err("it names no `# help:` and no `# do:`".to_owned());
        }
        case.after = after.to_owned();
        Ok(case)
    }

    fn run(&self) -> Result<(), String> {
        let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
        let shell = |script: &str| shell(folder.path(), script);
        let made = shell(&self.before);
        if made.0 != 0 {
            return Err(format!("what draws it cannot be made\n{}", made.1));
        }
        let drawn = format!("[{}]", self.code);
        let (_, said) = shell(&format!("waypost {}", self.arguments));
        if !said.contains(&drawn) {
            return Err(format!("does not draw {drawn}\n{said}"));
        }
        for help in &self.help {
            if !said.lines().any(|line| line.contains("help: ") && line.contains(help)) {
                return Err(format!("the help does not say `{help}`\n{said}"));
            }
        }
        let page = explain(&self.code).map(|rule| rule.page()).or_else(|| page(&self.code));
        let page = page.unwrap_or_default();
        if let Some(to_do) = self.to_do.iter().find(|to_do| !page.contains(*to_do)) {
            return Err(format!("the page does not say `{to_do}`\n{page}"));
        }
        let followed = shell(&self.after);
        if followed.0 != 0 {
            return Err(format!("the help cannot be followed\n{}", followed.1));
        }
        let (code, said) = shell(&format!("waypost {}", self.then));
        if said.contains(&drawn) {
            return Err(format!("is drawn though the help was followed\n{said}"));
        }
        if code != self.ends {
            return Err(format!("the help leads to {code} and not to {}\n{said}", self.ends));
        }
        Ok(())
    }
}

/// Runs a script in a folder, with git as nobody has set it up: how it ended, and all that it said.
fn shell(folder: &Path, script: &str) -> (i32, String) {
    let path = std::env::var("PATH").expect("a PATH");
    let program = Path::new(env!("CARGO_BIN_EXE_waypost")).parent().expect("a folder");
    let output = Command::new("sh")
        .env_clear()
        .env("PATH", format!("{}:{path}", program.display()))
        .env("TESTS", project().join("tests"))
        .env("HOME", "/nowhere")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .args(["-euc", &format!(". \"$TESTS/help/prelude.sh\"\n{script}")])
        .current_dir(folder)
        .output()
        .expect("a shell");
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&said).into_owned())
}

fn scripts() -> BTreeMap<String, String> {
    let mut all = crate::program::files(&folder());
    all.retain(|name, _| name.ends_with(".sh") && name != "prelude.sh");
    all
}

#[test]
fn the_help_of_every_finding_leads_out() {
    let only = std::env::var("WAYPOST_HELP").ok();
    let scripts: Vec<_> = scripts()
        .into_iter()
        .filter(|(name, _)| only.as_ref().is_none_or(|only| name.starts_with(only.as_str())))
        .collect();
    let faults: Vec<String> = scripts
        .par_iter()
        .filter_map(|(name, text)| {
            let fault = Case::parse(name, text).and_then(|case| case.run()).err()?;
            Some(format!("tests/help/{name}: {fault}"))
        })
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
    println!("the help of {} cases leads out", scripts.len());
}

#[test]
fn every_finding_has_its_help_followed_or_a_reason_why_not() {
    let mut codes: BTreeSet<String> =
        subjects().flat_map(|s| s.pages).map(|(code, _)| code.to_owned()).collect();
    codes.extend(RULES.iter().map(|rule| rule.code.to_owned()));
    let mut followed: BTreeSet<String> =
        scripts().keys().filter_map(|name| name.split('.').next()).map(str::to_owned).collect();
    let has_fix = |page: &str| {
        let section = page.split("\n## ").find(|section| section.starts_with("Fix"));
        section.is_some_and(|section| section.contains("```yaml"))
    };
    followed.extend(RULES.iter().filter(|r| has_fix(&r.page())).map(|r| r.code.to_owned()));
    let reasons = std::fs::read_to_string(folder().join("without.tsv")).expect("the reasons");
    let mut without = BTreeSet::new();
    for line in reasons.lines().filter(|line| !line.starts_with('#')) {
        let (code, reason) = line.split_once('\t').expect("a code, a tab, a reason");
        assert!(reason.len() > 20, "`{code}`: that is no reason: {reason}");
        assert!(without.insert(code.to_owned()), "`{code}` stands there twice");
    }
    let both: Vec<_> = without.intersection(&followed).collect();
    assert!(both.is_empty(), "without a case, and with one: {both:?}");
    let known: BTreeSet<String> = without.union(&followed).cloned().collect();
    let unknown: Vec<_> = known.difference(&codes).collect();
    assert!(unknown.is_empty(), "no finding is called {unknown:?}");
    let missing: Vec<_> = codes.difference(&known).collect();
    assert!(
        missing.is_empty(),
        "neither tests/help/<code>.sh nor a line of tests/help/without.tsv: {missing:?}"
    );
}
