//! `waypost translate`

mod accept;
mod files;

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::bail;
use chrono::Utc;
use clap::{Args, ValueEnum};
use similar::TextDiff;

use self::accept::Accept;
use self::files::{Input, Inputs};
use super::output::print;
use super::terminal::Terminal;
use super::{ExitCode, Global};
use crate::diagnostic::{has_errors, sort};
use crate::k8s::Object;
use crate::pipeline::{Consent, TranslatedPolicy, Translation, translation};
use crate::report::translation as report;
use crate::report::{Shown, visible};
use crate::simulate::{Behaviour, IstioVersion, Options};
use crate::translate::direct::{Serves, Wish};

/// Translate hand-written Istio policies from sidecars to ambient mode, with a proof.
///
/// Reads manifests, and writes what replaces the policies of the namespaces that become ambient: twins at
/// a waypoint, what ztunnel enforces, guards, the waypoints and the labels. Both meshes are asked about
/// every class of requests: where anybody would gain, or something cannot be compared, nothing is
/// written and the request is shown. Where callers would lose, nothing is written until you accept that
/// kind of loss.
///
/// Without `--out` the difference is shown and nothing is written. With it the folder holds all files that
/// were named: those in which nothing changed are the same byte for byte. In a file that changes, the
/// documents that change are written anew, without their comments.
#[derive(Args, Clone, Debug)]
pub struct Translate {
    /// Files and folders of manifests: the policies, and the Namespaces, workloads and Services that they
    /// are about.
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<String>,
    /// Where to write. It must not exist yet, or be empty.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// A namespace that becomes ambient; may be given several times. Every one that injects sidecars where none
    /// is named.
    #[arg(long, value_name = "NS")]
    ambient: Vec<String>,
    /// The waypoint. Each namespace has its own of this name, or all share that of the namespace given.
    #[arg(long, value_name = "[NS/]NAME", default_value = "waypoint")]
    waypoint: String,
    /// What a waypoint that is made serves.
    #[arg(long, value_enum, default_value_t)]
    waypoint_for: WaypointFor,
    /// The version of Istio; the newest that is known where none is given.
    #[arg(long, value_name = "VERSION")]
    istio: Option<IstioVersion>,
    /// A loss that is accepted, by its kind, or a file of those that are; may be given several times.
    ///
    /// `pod-addresses`: callers of pods' own addresses are refused. `outside-mesh`: callers without
    /// identity. `sidecar-callers`: callers that keep their sidecars. `unknown-callers`: identities that
    /// policies name and no workload here bears. `service-fronts-others`: callers of other pods behind the
    /// same Service. A file is a list of `kind`, `namespace`, `policy`, `reason`, `owner` and `expires`.
    #[arg(long, value_name = "KIND|FILE")]
    accept: Vec<Accept>,
    /// How the outcome is told.
    #[arg(short, long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum WaypointFor {
    /// What is addressed to Services.
    #[default]
    Service,
    /// What is addressed to Services, and to pods.
    All,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
    /// For a pull request.
    Markdown,
}

impl Translate {
    pub(super) fn run(&self, global: &Global, terminal: &Terminal) -> anyhow::Result<ExitCode> {
        let mut inputs = Inputs::read(&self.paths, &global.root)?;
        if let Some(out) = &self.out {
            files::check_out(&global.root.join(out), &self.paths, &global.root)?;
        }
        let (objects, mut found) = inputs.objects();
        let today = Utc::now().date_naive().to_string();
        let accepted =
            accept::accepted(&self.accept, &global.root, &today, &mut inputs.sources, &mut found)?;
        let wish = self.wish(&objects);
        let settings = |options: &mut Options| {
            if let Some(version) = self.istio {
                options.istio = version;
            }
        };
        let options = options_of(&objects, settings);
        let wish = Wish {
            binds_classes: options.does(Behaviour::GatewayClassTargets),
            trust_domain: options.trust_domain,
            root_namespace: options.root_namespace,
            ..wish
        };
        if wish.moving.is_empty() {
            bail!("no namespace of these manifests injects sidecars: name one with `--ambient`");
        }
        let translated = if has_errors(&found) {
            Translation::default()
        } else {
            let (translated, more) = translation(&objects, &wish, &accepted, settings);
            found.extend(more);
            translated
        };
        terminal.detail("translated");
        sort(&mut found);
        terminal.show(&found, &inputs.sources);
        let policies = translated.policies.iter();
        let missing = policies.flat_map(|p| accepted.missing(p, &objects[p.proposed.object]));
        let missing: Vec<Consent> = missing.collect::<BTreeSet<_>>().into_iter().collect();
        let code = if has_errors(&found) {
            ExitCode::Problems
        } else if missing.is_empty() {
            ExitCode::Clean
        } else {
            ExitCode::Refused
        };
        let changed: Vec<(&Input, String)> = inputs
            .files
            .iter()
            .filter_map(|input| Some((input, input.rewritten(&objects, &translated.instead)?)))
            .collect();
        let is_written = code == ExitCode::Clean && self.out.is_some();
        if let Some(out) = self.out.as_ref().filter(|_| is_written) {
            files::write(&global.root.join(out), &inputs.files, &changed)?;
        }
        self.tell(&translated, &inputs, &objects, is_written)?;
        if self.out.is_none() && self.format == Format::Text {
            show(&changed)?;
        }
        self.say(&translated, &missing, code, changed.len(), terminal);
        Ok(code)
    }

    /// What was asked for on the command line; the mesh's own settings are filled in later.
    fn wish(&self, objects: &[Object]) -> Wish {
        let (namespace, name) = match self.waypoint.split_once('/') {
            Some((namespace, name)) => (Some(namespace.to_owned()), name),
            None => (None, self.waypoint.as_str()),
        };
        let moving = if self.ambient.is_empty() {
            objects.iter().filter(|o| injects(o)).map(|o| o.name.clone()).collect()
        } else {
            self.ambient.iter().cloned().collect()
        };
        Wish {
            moving,
            waypoint_namespace: namespace,
            waypoint: name.to_owned(),
            serves: match self.waypoint_for {
                WaypointFor::Service => Serves::Service,
                WaypointFor::All => Serves::All,
            },
            ..Wish::default()
        }
    }

    fn tell(
        &self,
        translated: &Translation,
        inputs: &Inputs,
        objects: &[Object],
        is_written: bool,
    ) -> anyhow::Result<()> {
        let lines: Vec<report::PolicyLine> = translated
            .policies
            .iter()
            .map(|policy| line(policy, inputs, &objects[policy.proposed.object]))
            .collect();
        let proof = translated.proof.as_ref().map(|proof| report::ProofLine {
            asked: proof.asked_of(|_| true),
            not_compared: proof
                .open
                .iter()
                .map(ToString::to_string)
                .chain(proof.idle.clone())
                .collect(),
        });
        let shown = match self.format {
            Format::Text => Shown::text(&report::text(&lines)),
            Format::Markdown => Shown::text(&report::markdown(&lines)),
            Format::Json => {
                let value = report::json(&lines, proof.as_ref(), is_written);
                Shown::json(&format!("{}\n", serde_json::to_string_pretty(&value)?))
            }
        };
        Ok(print(&shown)?)
    }

    fn say(
        &self,
        translated: &Translation,
        missing: &[Consent],
        code: ExitCode,
        changed: usize,
        terminal: &Terminal,
    ) {
        if let Some(proof) = &translated.proof {
            let asked = proof.asked_of(|_| true);
            terminal.say(&format!(
                "{} pairs of client and destination and {} requests asked: {}",
                asked.pairs,
                asked.requests,
                match (proof.holds(), proof.losses.len()) {
                    (false, _) => "nothing is proven".to_owned(),
                    (true, 0) => "nobody gains, nobody loses".to_owned(),
                    (true, losses) => format!("nobody gains, {losses} pairs lose"),
                },
            ));
        }
        match (code, &self.out) {
            (ExitCode::Clean, Some(out)) => {
                terminal.say(&format!("{}: {changed} files changed", out.display()));
            }
            (ExitCode::Refused, _) => {
                let flags: Vec<String> = missing
                    .iter()
                    .map(|consent| format!("--accept {}", consent.as_str()))
                    .collect();
                terminal.say(&format!(
                    "nothing is written: callers lose; to accept it: {}",
                    flags.join(" ")
                ));
            }
            (ExitCode::Problems, _) => terminal.say("nothing is written"),
            _ => {}
        }
    }
}

fn line(policy: &TranslatedPolicy, inputs: &Inputs, object: &Object) -> report::PolicyLine {
    let span = object.name_span();
    report::PolicyLine {
        object: object.reference().to_string(),
        place: inputs.sources.place(span),
        outcome: policy.outcome.as_str(),
        reasons: policy.reasons.iter().map(|reason| reason.code()).collect(),
        becomes: policy.proposed.becomes.iter().map(ToString::to_string).collect(),
        consents: policy.consents.iter().map(|consent| consent.as_str()).collect(),
        counterexample: policy.counterexample.clone(),
        proof: policy.proof.as_ref().map(|proof| report::ProofLine {
            asked: proof.asked,
            not_compared: proof.not_compared.clone(),
        }),
    }
}

/// A Namespace whose label injects sidecars.
fn injects(object: &Object) -> bool {
    object.gvk.is("", "Namespace")
        && object.labels.get("istio.io/dataplane-mode").is_none_or(|mode| mode != "ambient")
        && match object.labels.get("istio-injection").map(String::as_str) {
            Some(value) => value == "enabled",
            None => object.labels.contains_key("istio.io/rev"),
        }
}

fn options_of(objects: &[Object], settings: impl Fn(&mut Options)) -> Options {
    // what cannot be read is reported with the world
    let mut options = crate::world::mesh_options(objects, &mut Vec::new());
    settings(&mut options);
    options
}

/// From what is there to what would be written.
fn show(changed: &[(&Input, String)]) -> anyhow::Result<()> {
    let mut out = String::new();
    for (input, text) in changed {
        let path = visible::line(&input.shown);
        let diff = TextDiff::from_lines(input.text.as_str(), text.as_str());
        let (old, new) = (format!("a/{path}"), format!("b/{path}"));
        out.push_str(&diff.unified_diff().header(&old, &new).to_string());
    }
    Ok(print(&Shown::text(&out))?)
}
