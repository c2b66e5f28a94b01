//! `waypost access suggest`

use std::path::PathBuf;

use clap::Args;
use serde_json::{Map, Value, json};

use super::super::terminal::Terminal;
use super::super::{ExitCode, Global};
use super::replay::Reading;
use super::{Of, world, write};
use crate::replay::suggestions;
use crate::report::access::{self as report, SuggestedCase, SuggestedTest};
use crate::report::traffic::requests;
use crate::report::visible;
use crate::simulate::HttpRequest;
use crate::yaml::emit_checked;

/// Write access tests that say what holds today.
///
/// For a folder of manifests that has none: what is reached and what is not, before anything is
/// changed. There is one AccessTest for each namespace that is called; clients that fare alike stand
/// for each other. Keep what is meant, and correct what is not.
#[derive(Args, Clone, Debug)]
pub struct Suggest {
    #[command(flatten)]
    of: Of,
    /// A case for every client and every service port: nobody stands for anybody.
    #[arg(long, conflicts_with = "from_logs")]
    every_pair: bool,
    /// What access logs show, instead of one of each: files, folders, or `-`, after the environment. What
    /// policies allow and the logs do not show is listed in comments: candidates to close.
    #[arg(long, value_name = "LOG", num_args = 1..)]
    from_logs: Vec<PathBuf>,
    #[command(flatten)]
    reading: Reading,
}

impl Suggest {
    pub(super) fn run(&self, global: &Global, terminal: &Terminal) -> anyhow::Result<ExitCode> {
        let (of, stage) = (self.of.of.as_deref(), self.of.stage.as_deref());
        let Some(asked) = world::world(of, stage, global, terminal)? else {
            return Ok(ExitCode::Problems);
        };
        let has_errors = asked.show(terminal);
        let world = &asked.world;
        let tests = if self.from_logs.is_empty() {
            report::suggest(&world.mesh, self.every_pair)
        } else {
            let Some(logs) = self.reading.read(&self.from_logs, &asked, global, terminal)? else {
                return Ok(ExitCode::Problems);
            };
            let found = suggestions(&logs.sample, &logs.directory(world));
            if found.left_out > 0 {
                let count = requests(found.left_out);
                terminal.say(&format!(
                    "{count} left out: without a certain answer, or answered otherwise in the log \
                     (`waypost access replay` lists them)"
                ));
            }
            report::suggest_from_logs(&found, logs.sample.window())
        };
        let texts: Vec<String> = tests.iter().map(text).collect::<Result<_, _>>()?;
        write(&texts.join("---\n"))?;
        let cases: usize = tests.iter().map(|test| test.cases.len()).sum();
        terminal.say(&format!("{cases} cases about {}", world.name));
        Ok(if has_errors { ExitCode::Problems } else { ExitCode::Clean })
    }
}

fn text(test: &SuggestedTest) -> anyhow::Result<String> {
    let cases: Vec<Value> = test.cases.iter().map(case).collect();
    let body = json!({
        "apiVersion": "waypost.dev/v1alpha1",
        "kind": "AccessTest",
        "metadata": {"name": test.name},
        "spec": {"cases": cases},
    });
    let lines: String =
        test.summary.iter().map(|line| format!("# {}\n", visible::line(line))).collect();
    Ok(format!("{lines}{}", emit_checked(&body)?))
}

fn case(case: &SuggestedCase) -> Value {
    let mut out = Map::new();
    out.insert("name".into(), json!(case.name));
    out.insert("from".into(), json!(case.from));
    out.insert("to".into(), json!(case.to));
    if let Some(http) = &case.request {
        out.insert("request".into(), request(http));
    }
    out.insert("expect".into(), json!(if case.allows { "allow" } else { "deny" }));
    Value::Object(out)
}

fn request(http: &HttpRequest) -> Value {
    let mut out = Map::new();
    out.insert("method".into(), json!(http.method));
    out.insert("path".into(), json!(http.path));
    if let Some(host) = &http.host {
        out.insert("host".into(), json!(host));
    }
    if !http.headers.is_empty() {
        let headers: Map<String, Value> =
            http.headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        out.insert("headers".into(), Value::Object(headers));
    }
    Value::Object(out)
}
