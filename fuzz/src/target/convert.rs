//! TSB resources from one form to the other, and back.

use std::collections::BTreeMap;

use waypost::model::{TsbObjects, TsbResource};
use waypost::resolve::tenancy::resource;
use waypost::spec::tsb::read_documents;
use waypost::translate::tenancy::{KubernetesForm, kubernetes, tctl};
use waypost::yaml::emit_checked;

use super::objects;
use crate::corpus::texts;

pub(super) fn corpus() -> Vec<String> {
    texts(
        &["tests/cases", "environments", "tests/rules"],
        &["tsb-config.yaml", "tsb.yaml", "tctl.yaml"],
    )
}

pub(super) fn run(text: &str) {
    let (documents, _, mut found) = read_documents(objects(text));
    let resources: Vec<TsbResource> =
        documents.iter().filter_map(|document| resource(document, &mut found)).collect();
    for value in tctl(&resources).0 {
        let _ = emit_checked(&value);
    }
    let (defaults, tenants) = (TsbObjects::default(), BTreeMap::new());
    let form = KubernetesForm { namespace: &defaults.namespace, tenants: &tenants, waves: true };
    for object in kubernetes(&resources, &form).0 {
        let _ = emit_checked(&object.value);
    }
}
