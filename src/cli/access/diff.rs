//! `waypost access diff`

use clap::{Args, ValueEnum};

use super::super::terminal::Terminal;
use super::super::{ExitCode, Global};
use super::{ReportFormat, pretty, release, world, write};
use crate::access::meanwhile;
use crate::report::access::{self as report, Between};
use crate::simulate::{self, compare};
use crate::world::{Release, World};

/// Show who gains and who loses access from one mesh to another.
///
/// Not samples are asked, but one request of every class that the two sides' policies can tell apart:
/// paths, methods, hosts, headers, tokens, ports, identities and addresses that either names, their
/// overlaps, and one outside of all. The smallest request that fares otherwise is shown. What could not
/// be compared is said.
///
/// `access diff ENV ENV --istio 1.26 --against-istio 1.30` is about an upgrade alone; each difference
/// names the release that brought it.
#[derive(Args, Clone, Debug)]
pub struct Diff {
    /// The mesh before: an environment, `ENV@STAGE[/STEP]`, or a folder of manifests; with
    /// `REVISION:` before it, as a commit of git has it. A revision alone is the only environment's.
    #[arg(value_name = "BEFORE")]
    before: String,
    /// The mesh after, in the same form.
    #[arg(value_name = "AFTER")]
    after: String,
    /// Compare every state between the two as well: pods that are restarted or not yet, on either side, and
    /// waypoints that are not ready. What opens or shuts there, and neither before nor after, is told.
    #[arg(long)]
    transient: bool,
    /// Istio's release before, instead of `versions.istio`: `1.26`, or `CLUSTER=1.26` for one cluster. May be
    /// given several times.
    #[arg(long, value_parser = release::istio, value_name = "[CLUSTER=]RELEASE")]
    istio: Vec<Release>,
    /// Istio's release after.
    #[arg(long, value_parser = release::istio, value_name = "[CLUSTER=]RELEASE")]
    against_istio: Vec<Release>,
    /// The release of ztunnel before, where it is another than istiod's.
    #[arg(long, value_parser = release::ztunnel, value_name = "[CLUSTER=]RELEASE")]
    ztunnel: Vec<Release>,
    /// The release of ztunnel after.
    #[arg(long, value_parser = release::ztunnel, value_name = "[CLUSTER=]RELEASE")]
    against_ztunnel: Vec<Release>,
    /// End with 5 when there is such a change. May be given several times.
    #[arg(long, value_enum, value_name = "CHANGE")]
    fail_on: Vec<FailOn>,
    /// How it is written.
    #[arg(short, long, value_enum, default_value_t)]
    format: ReportFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum FailOn {
    /// Somebody may do what was refused before.
    Gain,
    /// Somebody may not do what was allowed before.
    Loss,
    /// Something is answered otherwise that is neither gained nor lost: an AUDIT policy or one in dry-run
    /// logs something else, or nothing is behind what was refused.
    Other,
    /// Something could not be compared: a policy that holds nowhere, a route, too many classes of
    /// requests, or what no manifest shows.
    Unknown,
}

impl Diff {
    pub(super) fn run(&self, global: &Global, terminal: &Terminal) -> anyhow::Result<ExitCode> {
        let read = |of: &str| world::world_by_word(of, global, terminal);
        let (Some(mut before), Some(mut after)) = (read(&self.before)?, read(&self.after)?) else {
            return Ok(ExitCode::Problems);
        };
        let has_errors = before.show(terminal) | after.show(terminal);
        let mut steps = Vec::new();
        if self.names_releases() {
            let set = |world: &mut World, istio: &[Release], ztunnel: &[Release]| {
                world.set_releases(&[istio, ztunnel].concat()).map_err(anyhow::Error::msg)
            };
            set(&mut before.world, &self.istio, &self.ztunnel)?;
            set(&mut after.world, &self.against_istio, &self.against_ztunnel)?;
            steps = before.world.upgrade(&after.world);
        }
        let comparison = compare(&before.world.mesh, &after.world.mesh);
        let compared = report::Compared { comparison: &comparison, steps: &steps };
        terminal.detail("compared");
        let between =
            if self.transient { meanwhile(&before.world, &after.world) } else { Vec::new() };
        write(&self.shown(compared, &between)?)?;
        let count = |change| {
            let meanwhile = between.iter().map(|state| state.comparison.of(change).count());
            comparison.of(change).count() + meanwhile.sum::<usize>()
        };
        let (gained, lost) = (count(simulate::Change::Gain), count(simulate::Change::Loss));
        let other = comparison.of(simulate::Change::Other).count();
        let unknown = report::not_compared(&comparison).len();
        let asked = comparison.asked_in_all();
        terminal.say(&format!(
            "from {} to {}: {gained} gained, {lost} lost{}{} ({} pairs of client and destination, {} \
             requests asked)",
            self.name(&before.world),
            self.name(&after.world),
            match other {
                0 => String::new(),
                some => format!(", {some} answered otherwise"),
            },
            match unknown {
                0 => String::new(),
                1 => ", 1 not compared".to_owned(),
                several => format!(", {several} not compared"),
            },
            asked.pairs,
            asked.requests,
        ));
        let fails = |on: &FailOn| match on {
            FailOn::Gain => gained > 0,
            FailOn::Loss => lost > 0,
            FailOn::Other => other > 0,
            FailOn::Unknown => unknown > 0 || comparison.has_unknown(),
        };
        if self.fail_on.iter().any(fails) {
            return Ok(ExitCode::Refused);
        }
        Ok(if has_errors { ExitCode::Problems } else { ExitCode::Clean })
    }

    fn shown(&self, of: report::Compared<'_>, between: &[Between]) -> anyhow::Result<String> {
        Ok(match self.format {
            ReportFormat::Text => report::comparison_text(of) + &report::between_text(between),
            ReportFormat::Markdown => {
                report::comparison_markdown(of) + &report::between_markdown(between)
            }
            ReportFormat::Json => {
                let mut value = report::comparison_json(of);
                if self.transient {
                    value["transient"] = report::between_json(between);
                }
                pretty(&value)?
            }
        })
    }

    fn names_releases(&self) -> bool {
        let all = [&self.istio, &self.against_istio, &self.ztunnel, &self.against_ztunnel];
        all.iter().any(|releases| !releases.is_empty())
    }

    /// The world's name, with its releases where any is named.
    fn name(&self, world: &World) -> String {
        match self.names_releases() {
            true => format!("{} ({})", world.name, release::text(world)),
            false => world.name.clone(),
        }
    }
}
