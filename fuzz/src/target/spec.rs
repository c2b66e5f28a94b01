//! A whole environment, from its spec to its tree.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use waypost::diagnostic::has_errors;
use waypost::pipeline::{self, Request, Tools};
use waypost::render::Renderer;
use waypost::resolve::resolve;
use waypost::spec::{Files, Reader};
use waypost::tree::Scope;
use waypost::validate::SpecSchemas;
use waypost::validate::catalogue::embedded;
use waypost::validate::manifests::{Options, Validator};
use waypost::yaml::Node;

use crate::corpus::folders;
use crate::parts;

const NAMES: [&str; 5] =
    ["environment.yaml", "tsb-config.yaml", "tsb.yaml", "inventory.yaml", "access.yaml"];

pub(super) fn corpus() -> Vec<String> {
    let mut all = folders("tests/cases", &NAMES);
    all.extend(folders("environments", &NAMES));
    all
}

pub(super) fn run(text: &str) {
    static TOOLS: OnceLock<Option<(SpecSchemas, Tools)>> = OnceLock::new();
    let Some((schemas, tools)) = TOOLS.get_or_init(tools) else { return };
    let texts = NAMES.iter().zip(parts(text)).filter(|(_, text)| !text.is_empty());
    let own = text.split_once("\n  name: ").and_then(|(_, rest)| rest.lines().next());
    let own = own.filter(|name| !name.contains('/')).unwrap_or("a");
    let path = |name: &str| format!("environments/{own}/{name}");
    let files = Files::Memory(texts.map(|(name, text)| (path(name), text.to_owned())).collect());
    let check = |kind, node: &Node| schemas.check(kind, node);
    let mut reader = Reader::new(&files, &check);
    let (Some(input), found) = reader.read(own) else { return };
    let digest = pipeline::input_digest(&reader.into_sources());
    let (Some(resolved), more) = resolve(input) else { return };
    let scope = Scope::default();
    let request = Request { stage: None, scope: &scope, input: digest };
    let (tree, last) = pipeline::render(&resolved, tools, &request, &|_| {});
    assert!(tree.is_none() || !has_errors(&last), "a tree is given beside an error");
    drop((found, more));
}

fn tools() -> Option<(SpecSchemas, Tools)> {
    let renderer = Arc::new(Renderer::new(BTreeMap::new()).0);
    let validator = Arc::new(Validator::new(&embedded(), &[], Options::default()).0);
    Some((SpecSchemas::compile().ok()?, Tools { renderer, validator }))
}
