//! Where units are applied.

use crate::diagnostic::Diagnostic;
use crate::model::{Environment, TsbResource};

/// TSB resources are applied where the management plane takes them. With one cluster there is one
/// place; with several the spec has to name it, or the wrong cluster would be given them.
pub(super) fn check_tsb(
    environment: &Environment,
    resources: &[TsbResource],
    found: &mut Vec<Diagnostic>,
) {
    let [first, ..] = resources else { return };
    if environment.management_plane.is_some() || environment.clusters.len() < 2 {
        return;
    }
    let names: Vec<String> = environment.clusters.keys().map(|name| format!("`{name}`")).collect();
    found.push(
        Diagnostic::error(
            "management-plane-unnamed",
            format!("in which of {} clusters TSB's resources are applied is not said", names.len()),
        )
        .at(first.origin, "the first of them")
        .help(format!(
            "name it in `managementPlane: {{cluster: …}}`: it is one of {}; a cluster that only holds the management plane is one more entry of `clusters`, without namespaces",
            names.join(", ")
        )),
    );
}
