//! `waypost fn`

use std::io::Read;

use clap::Args;

use super::output::print;
use super::session::{Session, scope};
use super::terminal::Terminal;
use super::{ExitCode, Global};
use crate::delivery::{Call, ResourceList, results};
use crate::diagnostic::{FileId, Sources};
use crate::report::Shown;
use crate::validate::rule;
use crate::yaml::{Budget, read};

/// No input is larger.
const LIMIT: u64 = 64 << 20;

/// Render as a KRM function: for kustomize and kpt.
///
/// Reads a ResourceList from standard input and writes it back with the objects that `render` would
/// apply. The function's configuration names the `environment`, and where wanted the `cluster`, the
/// `unit` and the `stage`: in `data` of a ConfigMap, in `spec` of any other kind. What is given is
/// kept, but for objects at the paths of rendered ones; nothing is ever left out, so that objects
/// which are rendered no longer stay until `render` takes them away. With an error the objects are
/// given back as they came, the errors are among the results, and the exit code is not 0.
///
/// kustomize runs functions only with `--enable-alpha-plugins --enable-exec`. Flux runs none: what
/// it applies is the rendered tree.
#[derive(Args, Clone, Debug)]
pub struct Function {}

impl Function {
    pub(super) fn run(&self, global: &Global, terminal: &Terminal) -> anyhow::Result<ExitCode> {
        let mut text = String::new();
        std::io::stdin().lock().take(LIMIT + 1).read_to_string(&mut text)?;
        if text.len() as u64 > LIMIT {
            anyhow::bail!("standard input is larger than {} MiB", LIMIT >> 20);
        }
        let mut sources = Sources::default();
        let file = sources.add("standard input", text.as_str());
        let list = match ResourceList::read(file, &text) {
            Ok(list) => list,
            Err(found) => {
                terminal.show(&found, &sources);
                return Ok(ExitCode::Problems);
            }
        };
        let Call { environment, cluster, unit, stage } = list.call();
        let scope = scope(cluster.as_slice(), unit.as_slice())?;
        let session = Session::new(global, terminal)?;
        let mut loaded = session.load(environment);
        let prepared = session.prepare(&mut loaded, stage.as_deref(), &scope)?;
        let rendered = session.render(&mut loaded, &prepared);
        terminal.show(&loaded.found, &loaded.sources);
        let (found, sources) = rule::shown(&loaded.found, &loaded.sources);
        let told = results(&found, &sources);
        let (answer, code) = match rendered {
            None => (list.failed(told)?, ExitCode::Problems),
            Some(rendered) => {
                let mut objects = Vec::new();
                for (path, text) in rendered.applied() {
                    let (documents, _) = read(FileId::default(), text, &Budget::MANIFESTS);
                    let roots = documents.into_iter().map(|document| document.root.into_json());
                    objects.extend(roots.map(|object| (path.to_owned(), object)));
                }
                (list.with(objects, told)?, ExitCode::Clean)
            }
        };
        print(&Shown::exact(answer))?;
        Ok(code)
    }
}
