//! Releases of Istio on the command line.

use std::collections::BTreeSet;

use crate::simulate::{IstioVersion, Options};
use crate::world::{Part, Release, World};

/// `[CLUSTER=]RELEASE` of Istio.
pub(super) fn istio(word: &str) -> Result<Release, String> {
    release(Part::Istio, word)
}

/// `[CLUSTER=]RELEASE` of ztunnel.
pub(super) fn ztunnel(word: &str) -> Result<Release, String> {
    release(Part::Ztunnel, word)
}

fn release(part: Part, word: &str) -> Result<Release, String> {
    let (cluster, version) = match word.split_once('=') {
        Some((cluster, version)) => (Some(cluster.to_owned()), version),
        None => (None, word),
    };
    let version: IstioVersion = version.parse()?;
    // about any other release nothing may be said
    if !(IstioVersion::OLDEST..=IstioVersion::NEWEST).contains(&version) {
        return Err(format!(
            "what Istio {version} does is not known: name a release from {} to {}",
            IstioVersion::OLDEST,
            IstioVersion::NEWEST
        ));
    }
    Ok(Release { part, cluster, version })
}

/// The releases of a world: `Istio 1.26`, by cluster where they differ.
pub(super) fn text(world: &World) -> String {
    let of = |options: &Options| match options.ztunnel {
        Some(ztunnel) if ztunnel != options.istio => {
            format!("Istio {}, ztunnel {ztunnel}", options.istio)
        }
        _ => format!("Istio {}", options.istio),
    };
    let all: BTreeSet<String> = world.clusters.iter().map(|cluster| of(&cluster.options)).collect();
    if all.len() == 1 {
        return all.into_iter().collect();
    }
    let clusters = world.clusters.iter();
    let each: Vec<String> = clusters
        .map(|cluster| format!("{}: {}", cluster.options.cluster, of(&cluster.options)))
        .collect();
    each.join("; ")
}
