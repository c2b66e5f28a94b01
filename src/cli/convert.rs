//! `waypost convert`

use std::collections::BTreeMap;
use std::path::Path;

use clap::{Args, ValueEnum};
use serde_json::Value;

use super::named;
use super::output::print;
use super::terminal::Terminal;
use super::{ExitCode, Global};
use crate::diagnostic::{Diagnostic, Sources, has_errors, sort};
use crate::k8s::{Object, is_dns_label, objects_of};
use crate::model::{TsbObjects, TsbResource};
use crate::report::Shown;
use crate::resolve::tenancy::resource;
use crate::spec::tsb::read_documents;
use crate::translate::tenancy::{KubernetesForm, kubernetes, tctl};
use crate::yaml::{Budget, emit_checked, read};

/// Write TSB resources in the other of their two forms.
///
/// Reads resources in either form, and mixed: several files, several documents, Lists. Writes them
/// to standard output in the wanted form and in the order they came; what has that form already
/// stays as it is. TSB kinds that are not known here pass through with a note. What is no TSB
/// resource is an error for tctl, and passes through behind the others for Kubernetes. With an error
/// nothing is written.
#[derive(Args, Clone, Debug)]
pub struct Convert {
    /// The wanted form.
    #[arg(long, value_enum, value_name = "FORM")]
    to: To,
    /// Files; `-` is standard input.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<String>,
    /// Kubernetes form: the namespace of objects that name none.
    #[arg(long, value_name = "NS", value_parser = namespace)]
    namespace: Option<String>,
    /// Kubernetes form: the namespace of a tenant's objects. May be given several times.
    #[arg(long, value_name = "TENANT=NS", value_parser = tenant_namespace)]
    tenant_namespace: Vec<(String, String)>,
    /// Kubernetes form: write no Argo CD sync waves.
    #[arg(long)]
    no_sync_waves: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum To {
    /// What `tctl apply` takes: the hierarchy stands in `metadata`.
    Tctl,
    /// What `kubectl apply`, Argo CD and Flux take: the hierarchy stands in annotations.
    Kubernetes,
}

impl Convert {
    pub(super) fn run(&self, global: &Global, terminal: &Terminal) -> anyhow::Result<ExitCode> {
        let (mut sources, mut found) = (Sources::default(), Vec::new());
        let objects = self.objects(&global.root, &mut sources, &mut found)?;
        let (documents, others, unread) = read_documents(objects);
        found.extend(unread);
        // a file for `kubectl apply` may hold anything else, too
        if self.to == To::Tctl {
            found.extend(others.iter().map(not_tsb));
        }
        let resources: Vec<TsbResource> =
            documents.iter().filter_map(|document| resource(document, &mut found)).collect();
        let mut values = self.convert(&resources, &mut found);
        if self.to == To::Kubernetes {
            values.extend(others.iter().map(|object| object.body.to_json()));
        }
        sort(&mut found);
        terminal.show(&found, &sources);
        if has_errors(&found) {
            return Ok(ExitCode::Problems);
        }
        // all or nothing: what reads this may apply it at once
        let mut text = String::new();
        for value in &values {
            text.push_str("---\n");
            text.push_str(&emit_checked(value)?);
        }
        print(&Shown::exact(text))?;
        Ok(ExitCode::Clean)
    }

    fn objects(
        &self,
        root: &Path,
        sources: &mut Sources,
        found: &mut Vec<Diagnostic>,
    ) -> anyhow::Result<Vec<Object>> {
        let mut objects = Vec::new();
        for name in &self.files {
            let (shown, text) = text(root, name)?;
            let file = sources.add(shown, text.as_str());
            let (documents, unread) = read(file, &text, &Budget::MANIFESTS);
            found.extend(unread);
            let (read, not_objects) = objects_of(documents);
            found.extend(not_objects);
            objects.extend(read);
        }
        Ok(objects)
    }

    fn convert(&self, resources: &[TsbResource], found: &mut Vec<Diagnostic>) -> Vec<Value> {
        if self.to == To::Tctl {
            let (values, left_out) = tctl(resources);
            found.extend(left_out);
            return values;
        }
        let default = TsbObjects::default();
        let tenants: BTreeMap<String, String> = self.tenant_namespace.iter().cloned().collect();
        let form = KubernetesForm {
            namespace: self.namespace.as_deref().unwrap_or(&default.namespace),
            tenants: &tenants,
            waves: !self.no_sync_waves,
        };
        let (objects, unfit) = kubernetes(resources, &form);
        found.extend(unfit);
        objects.into_iter().map(|object| object.value).collect()
    }
}

/// What an input is called, and its text.
fn text(root: &Path, name: &str) -> anyhow::Result<(String, String)> {
    if name == "-" {
        let shown = "standard input".to_owned();
        let text = named::text(std::io::stdin().lock(), &shown)?;
        return Ok((shown, text));
    }
    Ok((name.to_owned(), named::text_of(&root.join(name), name)?))
}

fn not_tsb(object: &Object) -> Diagnostic {
    Diagnostic::error("not-tsb", format!("{} is not a TSB resource", object.reference()))
        .at(object.name_span(), "")
        .help("give only TSB resources, and Istio objects with the annotation of their group")
}

fn namespace(text: &str) -> Result<String, String> {
    if is_dns_label(text) {
        Ok(text.to_owned())
    } else {
        Err("a namespace has lower case letters, digits and dashes".to_owned())
    }
}

fn tenant_namespace(text: &str) -> Result<(String, String), String> {
    let (tenant, name) = text.split_once('=').ok_or("write `TENANT=NAMESPACE`")?;
    if tenant.is_empty() {
        return Err("write `TENANT=NAMESPACE`".to_owned());
    }
    Ok((tenant.to_owned(), namespace(name)?))
}
