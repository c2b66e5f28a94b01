//! Dumps of a cluster, held against an environment.

use std::sync::OnceLock;

use waypost::diagnostic::FileId;
use waypost::plan;
use waypost::resolve::{Resolved, resolve};
use waypost::spec::{Files, Reader};
use waypost::validate::SpecSchemas;
use waypost::verify::{Dump, Expected, commands, verify};
use waypost::yaml::Node;

use crate::corpus::{project, texts};

pub(super) fn corpus() -> Vec<String> {
    texts(&["tests/verify", "tests/ambientz"], &[".yaml", ".json", ".log", ".txt"])
}

pub(super) fn run(text: &str) {
    static ENVIRONMENT: OnceLock<Option<Resolved>> = OnceLock::new();
    let Some(resolved) = ENVIRONMENT.get_or_init(environment) else { return };
    let environment = &resolved.environment;
    let state = plan::state(environment, &environment.reached);
    let Some(cluster) = environment.clusters.values().next() else { return };
    let existing: Vec<_> = resolved.inventory.values().flatten().cloned().collect();
    let expected = Expected {
        environment,
        cluster,
        state: &state,
        applied: &[],
        made_by_tsb: &[],
        existing: &existing,
        direct: &[],
        told: &[],
    };
    let mut dump = Dump::default();
    for part in crate::parts(text) {
        dump.add(FileId::default(), part);
    }
    verify(&expected, &dump);
    commands(&expected);
}

fn environment() -> Option<Resolved> {
    let schemas = SpecSchemas::compile().ok()?;
    let check = |kind, node: &Node| schemas.check(kind, node);
    let files = Files::Disk(project());
    resolve(Reader::new(&files, &check).read("brownfield").0?).0
}
