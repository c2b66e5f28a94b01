//! `waypost access replay`

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::super::logs::{self, Logs, pods_of};
use super::super::session::Session;
use super::super::terminal::Terminal;
use super::super::{ExitCode, Global};
use super::world::Asked;
use super::{ReportFormat, world, write};
use crate::diagnostic::{Diagnostic, Sources};
use crate::plan;
use crate::replay::{self, Finding, Point};
use crate::report::access::ReplayReport;

/// Ask a mesh about the requests of access logs: what changes for yesterday's traffic.
///
/// Reads access logs of Envoy and ztunnel, answers of Prometheus, and Kiali's graph. Equal requests are
/// counted together, and each kind is asked of the present and of the point given. What a log
/// leaves out (headers, tokens, whose an address was) is unknown, never guessed.
#[derive(Args, Clone, Debug)]
pub struct Replay {
    /// An environment, or a folder of manifests.
    #[arg(value_name = "ENV|DIR")]
    of: String,
    /// Access logs: files, folders, or `-` for standard input; gzip and zstd too.
    #[arg(value_name = "LOG", required = true)]
    logs: Vec<PathBuf>,
    /// Ask this point of the migration beside the one that the spec says is reached.
    #[arg(long, value_name = "STAGE[/STEP]")]
    stage: Option<String>,
    /// Ask every point of the migration; the first at which an answer changes is named.
    #[arg(long, conflicts_with_all = ["stage", "against"])]
    every_stage: bool,
    /// Ask another mesh: `[REVISION:]ENV[@STAGE[/STEP]]`, or a folder.
    #[arg(long, value_name = "ENV|DIR", conflicts_with = "stage")]
    against: Option<String>,
    #[command(flatten)]
    reading: Reading,
    /// End with 5 when there is such a request. May be given several times.
    #[arg(long, value_enum, value_name = "WHAT")]
    fail_on: Vec<FailOn>,
    /// Show every request, and those that another point or rule answers alike.
    #[arg(long)]
    all: bool,
    /// Numbers instead of the names of clients, destinations and policies.
    #[arg(long)]
    redact: bool,
    /// How it is written.
    #[arg(short, long, value_enum, default_value_t)]
    format: ReportFormat,
}

/// How logs are read.
#[derive(Args, Clone, Debug)]
pub(super) struct Reading {
    /// Dumps of the pods of that time (`kubectl get pods -A -o yaml`): whose an address was.
    #[arg(long, value_name = "FILE|DIR")]
    pods: Vec<PathBuf>,
    /// MeshConfig's `accessLogFormat`, where the manifests do not have it.
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
    /// Keep so many segments of each path.
    #[arg(long, value_name = "N")]
    path_depth: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FailOn {
    /// The log and the simulator say different things about the present.
    Disagreement,
    /// Something has no answer.
    Unknown,
}

impl Reading {
    /// Reads logs for a mesh; `None` when nothing could be read, which has been shown.
    pub(super) fn read(
        &self,
        logs: &[PathBuf],
        asked: &Asked,
        global: &Global,
        terminal: &Terminal,
    ) -> anyhow::Result<Option<Logs>> {
        let mut found = Vec::new();
        let mut pods = pods_of(&asked.world);
        for path in &self.pods {
            let dump = world::of_dumps(path, global)?;
            dump.show(terminal);
            // a dump does not say which cluster it is of
            for cluster in &asked.world.clusters {
                for objects in &dump.world.clusters {
                    pods.add(&cluster.options.cluster, objects.objects());
                }
            }
        }
        let paths: Vec<PathBuf> = logs.iter().map(|log| placed(log, global)).collect();
        let reading =
            logs::Reading { format: self.log_format.as_deref(), path_depth: self.path_depth };
        let read = Logs::read(&paths, (&asked.world, pods), reading, &global.root, &mut found);
        terminal.show(&found, &Sources::default());
        if let Some(logs) = &read {
            terminal.detail(&format!("read {} lines", logs.sample.lines));
        }
        Ok(read)
    }
}

/// A file that is named on the command line: from the folder of `-C`.
fn placed(path: &Path, global: &Global) -> PathBuf {
    if path == Path::new("-") { path.to_owned() } else { global.root.join(path) }
}

impl Replay {
    pub(super) fn run(&self, global: &Global, terminal: &Terminal) -> anyhow::Result<ExitCode> {
        let Some(now) = world::world_by_word(&self.of, global, terminal)? else {
            return Ok(ExitCode::Problems);
        };
        let mut problems = now.show(terminal);
        let Some(then) = self.then(global, terminal)? else { return Ok(ExitCode::Problems) };
        for asked in &then {
            problems |= asked.show(terminal);
        }
        let Some(logs) = self.reading.read(&self.logs, &now, global, terminal)? else {
            return Ok(ExitCode::Problems);
        };
        let points: Vec<Point<'_>> = then.iter().map(|asked| logs.at(&asked.world)).collect();
        let replay = replay::replay(&logs.sample, &logs.at(&now.world), &points);
        terminal.detail("asked");
        let report = ReplayReport {
            replay: &replay,
            sample: &logs.sample,
            files: &logs.files,
            redact: self.redact,
            all: self.all,
        };
        write(&match self.format {
            ReportFormat::Text => report.text(),
            ReportFormat::Markdown => report.markdown(),
            ReportFormat::Json => format!("{}\n", serde_json::to_string_pretty(&report.json())?),
        })?;
        terminal.say(&report.sentence());
        if replay.is_of_another_mesh() {
            let found = Diagnostic::error(
                "log-of-another-mesh",
                "no request of the log could be placed in this mesh",
            )
            .help(
                "name the environment that the log is of, and the pods of that time with `--pods`",
            );
            terminal.show(&[found], &Sources::default());
            return Ok(ExitCode::Problems);
        }
        let changes = replay.changed() > 0;
        let fails = |on: &FailOn| match on {
            FailOn::Disagreement => replay.count(Finding::Disagrees) > 0,
            FailOn::Unknown => replay.unknown_count() > 0 || !logs.sample.unread.is_empty(),
        };
        if changes || problems {
            return Ok(ExitCode::Problems);
        }
        Ok(if self.fail_on.iter().any(fails) { ExitCode::Refused } else { ExitCode::Clean })
    }

    /// The points that are asked beside the present; `None` when there is an error, which has been
    /// shown.
    fn then(&self, global: &Global, terminal: &Terminal) -> anyhow::Result<Option<Vec<Asked>>> {
        if let Some(against) = &self.against {
            return Ok(world::world_by_word(against, global, terminal)?.map(|asked| vec![asked]));
        }
        let of = self.of.split_once('@').map_or(self.of.as_str(), |(of, _)| of);
        if let Some(stage) = &self.stage {
            let asked = world::world(Some(of), Some(stage), global, terminal)?;
            return Ok(asked.map(|asked| vec![asked]));
        }
        if !self.every_stage {
            return Ok(Some(Vec::new()));
        }
        let session = Session::new(global, terminal)?;
        let loaded = session.load(of);
        let Some(resolved) = &loaded.resolved else {
            terminal.show(&loaded.found, &loaded.sources);
            return Ok(None);
        };
        let mut all = Vec::new();
        for point in plan::points(&resolved.environment) {
            match world::of_environment(&session, of, Some(&point.to_string()), terminal)? {
                Some(asked) => all.push(asked),
                None => return Ok(None),
            }
        }
        Ok(Some(all))
    }
}
