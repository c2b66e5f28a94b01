//! `waypost verify`

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::named;
use super::output;
use super::session::{Session, scope};
use super::terminal::Terminal;
use super::{ExitCode, Global, Usage};
use crate::diagnostic::{Diagnostic, Severity, Sources, has_errors, sort};
use crate::k8s::Object;
use crate::model::Cluster;
use crate::plan;
use crate::report::Shown;
use crate::resolve::Resolved;
use crate::verify::{Answer, Dump, Expected, Row, Verdict, commands, verify};
use crate::world::{self, World};

/// No dump is larger.
const LIMIT: u64 = 256 << 20;

/// Say whether a cluster is as it was rendered, from what was taken out of it.
///
/// Takes files, folders or `-`, in any order: objects (`kubectl get … -A -o json
/// --show-managed-fields`), ztunnel's configuration (`istioctl ztunnel-config all -o json`),
/// its tables as they are printed, the logs of ztunnel and of waypoints; what is none of these is
/// skipped with a word. Names what is missing, foreign or not as rendered, labels that survived and who
/// set them, pods that still have a sidecar, waypoints and policies that nobody has accepted, and
/// appliers that are not done, each with the command that settles it, and ticks the guide's table of
/// verifications; `?` is what the dumps do not tell. It ends with 3 when something is wrong. It asks
/// no cluster unless `--live` is given, which runs kubectl and istioctl to read.
#[derive(Args, Clone, Debug)]
pub struct Verify {
    /// The environment.
    #[arg(value_name = "ENV")]
    environment: String,
    /// Dumps: files, folders of them, or `-` for standard input.
    #[arg(value_name = "DUMP", required_unless_present_any = ["live", "commands"])]
    dumps: Vec<PathBuf>,
    /// The cluster they are from; needed where the environment has several.
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
    /// The point of the migration, instead of the one the spec says is reached.
    #[arg(long, value_name = "STAGE[/STEP]")]
    stage: Option<String>,
    /// Take the dumps from the cluster that kubectl talks to.
    #[arg(long)]
    live: bool,
    /// Another context of kubectl's configuration.
    #[arg(long, value_name = "NAME", requires = "live")]
    context: Option<String>,
    /// Print the commands that take the dumps, and do nothing.
    #[arg(long, conflicts_with_all = ["dumps", "live"])]
    commands: bool,
    /// End with 3 also where the dumps do not tell: `unknown`.
    #[arg(long, value_enum, value_name = "WHAT")]
    fail_on: Option<FailOn>,
    /// How the table is written.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    format: VerifyFormat,
}

/// What fails a verification besides what is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FailOn {
    /// A row that the dumps do not tell of.
    Unknown,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum VerifyFormat {
    /// For people.
    #[default]
    Text,
    /// Rows and findings.
    Json,
}

impl Verify {
    pub(super) fn run(&self, global: &Global, terminal: &Terminal) -> anyhow::Result<ExitCode> {
        let session = Session::new(global, terminal)?;
        let whole = scope(&[], &[])?;
        let mut loaded = session.load(&self.environment);
        let prepared = session.prepare(&mut loaded, self.stage.as_deref(), &whole)?;
        let rendered = session.render(&mut loaded, &prepared);
        let (Some(rendered), Some(resolved)) = (rendered, &loaded.resolved) else {
            terminal.show(&loaded.found, &loaded.sources);
            return Ok(ExitCode::Problems);
        };
        let cluster = self.cluster(resolved)?;
        let state = plan::state(
            &resolved.environment,
            prepared.reached().unwrap_or(&resolved.environment.reached),
        );
        let name = cluster.name.as_str();
        let mut points = prepared.points(resolved, Sources::default());
        let World { clusters, .. } = points.world(&state.reached, &rendered);
        let here = clusters.into_iter().find(|c| c.options.cluster == name);
        let applied: Vec<_> = here.iter().flat_map(world::Cluster::applied).collect();
        let made_by_tsb: Vec<_> = here.iter().flat_map(world::Cluster::expected).collect();
        let existing: Vec<Arc<Object>> = [&resolved.inventory, &resolved.direct]
            .into_iter()
            .flat_map(|sources| sources.get(name).into_iter().flatten())
            .cloned()
            .collect();
        let direct = resolved.direct.get(name).map(Vec::as_slice).unwrap_or_default();
        let told: Vec<_> = rendered
            .delivery
            .values()
            .flat_map(|tree| tree.iter().filter_map(|(_, file)| file.object().cloned()))
            .collect();
        let expected = Expected {
            environment: &resolved.environment,
            cluster,
            state: &state,
            applied: &applied,
            made_by_tsb: &made_by_tsb,
            existing: &existing,
            direct,
            told: &told,
        };
        if self.commands {
            let lines: Vec<String> =
                commands(&expected).iter().map(|words| words.join(" ") + "\n").collect();
            return put(&lines.concat());
        }
        let mut sources = Sources::default();
        let mut dump = Dump::default();
        let mut found = Vec::new();
        let mut empty = None;
        for (name, text) in self.texts(&expected, terminal)? {
            let file = sources.add(name.as_str(), text.as_str());
            let before = dump.count();
            let said = dump.add(file, &text);
            empty = empty.or((dump.count() == before && said.is_empty()).then_some(name));
            found.extend(said);
        }
        if dump.count() == 0 && empty.is_none() && !has_errors(&found) {
            let message = "nothing that was given tells of the cluster";
            found.push(Diagnostic::error("empty-dump", message).help(
                "take the dumps with the commands that `--commands` prints, or with `--live`",
            ));
        }
        if let Some(name) = empty.filter(|_| !has_errors(&found) && !dump.tells_of_cluster()) {
            found.push(
                Diagnostic::error("empty-dump", format!("`{name}` holds nothing, and no other dump tells of the cluster")).help(
                    "take it again: its command has failed, or has asked another cluster or namespace",
                ),
            );
        }
        if has_errors(&found) {
            terminal.show(&found, &sources);
            return Ok(ExitCode::Problems);
        }
        let Verdict { rows, found: wrong } = verify(&expected, &dump);
        found.extend(wrong);
        sort(&mut found);
        terminal.show(&found, &sources);
        let text = match self.format {
            VerifyFormat::Text => table(&rows, name, &state.reached.to_string()),
            VerifyFormat::Json => {
                let found: Vec<_> = found
                    .iter()
                    .map(|d| {
                        json!({
                            "code": d.code,
                            "severity": if d.severity == Severity::Error { "error" } else { "warning" },
                            "message": d.message,
                            "why": d.primary.as_ref().map(|p| p.label.as_str()),
                            "place": d.primary.as_ref().map(|p| sources.place(p.span)),
                            "help": d.help,
                        })
                    })
                    .collect();
                let rows: Vec<_> = rows
                    .iter()
                    .map(|row| json!({"namespace": row.namespace, "question": row.question, "answer": word(row.answer)}))
                    .collect();
                let value = json!({"cluster": name, "reached": state.reached.to_string(), "rows": rows, "findings": found});
                Shown::json(&(serde_json::to_string_pretty(&value)? + "\n")).as_str().to_owned()
            }
        };
        put(&text)?;
        let is_unseen = rows.iter().any(|row| row.answer == Answer::Unknown);
        let fails = has_errors(&found) || (is_unseen && self.fail_on == Some(FailOn::Unknown));
        Ok(if fails { ExitCode::Problems } else { ExitCode::Clean })
    }

    fn cluster<'r>(&self, resolved: &'r Resolved) -> anyhow::Result<&'r Cluster> {
        let clusters = &resolved.environment.clusters;
        let names = || clusters.keys().map(|n| n.as_str()).collect::<Vec<_>>().join(", ");
        match &self.cluster {
            Some(name) => clusters.get(name.as_str()).ok_or_else(|| {
                Usage::error(format!(
                    "`{}` has no cluster `{name}`: it has {}",
                    self.environment,
                    names()
                ))
            }),
            None => match clusters.values().collect::<Vec<_>>().as_slice() {
                [one] => Ok(one),
                _ => Err(Usage::error(format!(
                    "say which cluster the dumps are from with `--cluster`: `{}` has {}",
                    self.environment,
                    names()
                ))),
            },
        }
    }

    /// The dumps: name and text.
    fn texts(
        &self,
        expected: &Expected<'_>,
        terminal: &Terminal,
    ) -> anyhow::Result<Vec<(String, String)>> {
        let mut texts = Vec::new();
        for path in &self.dumps {
            if path.as_os_str() == "-" {
                texts.push(("standard input".to_owned(), text(std::io::stdin().lock())?));
            } else if path.is_dir() {
                let walk = walkdir::WalkDir::new(path).sort_by_file_name();
                for entry in walk {
                    let entry = entry?;
                    if entry.file_type().is_file() {
                        texts.push(file(entry.path())?);
                    }
                }
            } else {
                texts.push(file(path)?);
            }
        }
        if self.live {
            for mut words in commands(expected) {
                if let Some(context) = &self.context {
                    words.insert(1, format!("--context={context}"));
                }
                let shown = words.join(" ");
                terminal.detail(&shown);
                match ask(&words) {
                    Ok(text) => texts.push((shown, text)),
                    // the first is what a verification cannot do without
                    Err(error) if texts.is_empty() => return Err(error),
                    Err(error) => terminal.say(&format!("left out: {error}")),
                }
            }
        }
        Ok(texts)
    }
}

fn file(path: &Path) -> anyhow::Result<(String, String)> {
    let name = path.display().to_string();
    let opened = named::open(path);
    let read = opened.map_err(anyhow::Error::from).and_then(text);
    Ok((name.clone(), read.map_err(|e| e.context(format!("cannot read `{name}`")))?))
}

fn text(from: impl Read) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    from.take(LIMIT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LIMIT {
        anyhow::bail!("a dump is larger than {} MiB", LIMIT >> 20);
    }
    // what a container logs need not be UTF-8
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Runs a command that reads, and takes what it says.
#[expect(clippy::disallowed_methods, reason = "what reads a cluster is the user's to name")]
fn ask(words: &[String]) -> anyhow::Result<String> {
    let [program, arguments @ ..] = words else { anyhow::bail!("no command") };
    let shown = words.join(" ");
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|e| anyhow::Error::new(e).context(format!("cannot run `{program}`")))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        anyhow::bail!("`{shown}` failed: {}", said.trim().lines().next().unwrap_or("no word"));
    }
    text(output.stdout.as_slice())
}

fn word(answer: Answer) -> &'static str {
    match answer {
        Answer::Yes => "ok",
        Answer::No => "NO",
        Answer::Unknown => "?",
    }
}

fn table(rows: &[Row], cluster: &str, reached: &str) -> String {
    let place = |row: &Row| row.namespace.clone().unwrap_or_else(|| "(cluster)".to_owned());
    let width = rows.iter().map(|row| place(row).len()).max().unwrap_or_default();
    let mut text = format!("cluster {cluster}, stage {reached}\n");
    for row in rows {
        text.push_str(&format!(
            "{:2}  {:width$}  {}\n",
            word(row.answer),
            place(row),
            row.question
        ));
    }
    let count = |answer| rows.iter().filter(|row| row.answer == answer).count();
    let (ok, no, unknown) = (count(Answer::Yes), count(Answer::No), count(Answer::Unknown));
    text.push_str(&format!("{ok} ok, {no} not, {unknown} not told by the dumps\n"));
    text
}

fn put(text: &str) -> anyhow::Result<ExitCode> {
    output::print(&Shown::text(text))?;
    Ok(ExitCode::Clean)
}
