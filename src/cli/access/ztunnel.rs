//! `waypost access ztunnel`

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::super::terminal::Terminal;
use super::super::{ExitCode, Global};
use super::{pretty, world, write};
use crate::report::access as report;

/// Say what istiod would send to ztunnel.
///
/// The tables are those of `istioctl ztunnel-config`, the JSON is that of istiod's
/// `/debug/ambientz`, so that both can be compared with a cluster's. Pods, addresses and nodes are
/// not known from manifests: there is one row for each thing that makes pods, and one for each
/// WorkloadEntry and endpoint of a ServiceEntry. Addresses that istiod chooses for ServiceEntries
/// are told where their status has them.
#[derive(Args, Clone, Debug)]
pub struct Ztunnel {
    /// One table; all three where not given.
    #[arg(value_enum, value_name = "TABLE")]
    only: Option<Table>,
    /// An environment, or a folder of manifests; the only environment where it is left out.
    #[arg(long = "in", value_name = "ENV|DIR")]
    of: Option<String>,
    /// The point of the migration, instead of the one the spec says is reached.
    #[arg(long, value_name = "STAGE[/STEP]")]
    stage: Option<String>,
    /// How it is written.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Table {
    /// Workloads.
    Workload,
    /// Services.
    Service,
    /// Authorization policies.
    Policy,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Output {
    /// Tables.
    #[default]
    Text,
    /// istiod's own JSON.
    Json,
}

impl Ztunnel {
    pub(super) fn run(&self, global: &Global, terminal: &Terminal) -> anyhow::Result<ExitCode> {
        let Some(asked) =
            world::world(self.of.as_deref(), self.stage.as_deref(), global, terminal)?
        else {
            return Ok(ExitCode::Problems);
        };
        let has_errors = asked.show(terminal);
        let world = &asked.world;
        let wants = |table: Table| self.only.is_none_or(|only| only == table);
        let mesh = &world.mesh;
        let mut texts = Vec::new();
        let (mut workloads, mut services, mut policies) =
            (Vec::new(), Vec::new(), Vec::<Value>::new());
        for (cluster, _) in mesh.clusters() {
            let ambient = mesh.ambient(cluster);
            let sent = mesh.authorizations(cluster);
            if wants(Table::Workload) {
                texts.push(report::workloads(&ambient));
                workloads.extend(ambient.workloads.iter().map(|w| w.json.clone()));
            }
            if wants(Table::Service) {
                texts.push(report::services(&ambient));
                services.extend(ambient.services.iter().map(|s| s.json.clone()));
            }
            if wants(Table::Policy) {
                texts.push(report::policies(&sent));
                for policy in sent {
                    policies.push(serde_json::to_value(policy)?);
                }
            }
        }
        match self.output {
            Output::Text => write(&texts.join("\n"))?,
            Output::Json => {
                let mut all = json!({});
                for (table, key, list) in [
                    (Table::Workload, "workloads", workloads),
                    (Table::Service, "services", services),
                    (Table::Policy, "policies", policies),
                ] {
                    if wants(table) {
                        all[key] = list.into();
                    }
                }
                write(&pretty(&all)?)?;
            }
        }
        Ok(if has_errors { ExitCode::Problems } else { ExitCode::Clean })
    }
}
