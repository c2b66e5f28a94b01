//! Objects that two environments apply to one cluster: whoever is applied last takes them, and one that
//! prunes deletes what the other still wants (facts/gitops-delivery.md 4.5, 8.3 T23).

use std::collections::{BTreeMap, BTreeSet};

use super::gitops::Folders;
use super::owners::lock;
use super::session::Session;
use crate::diagnostic::Diagnostic;
use crate::k8s::ObjectRef;
use crate::model::{Cluster, Environment, Unit};
use crate::pipeline::Rendered;
use crate::spec::{Entry, Files};

/// What a cluster is known by. A name is one cluster within an organization of TSB, and that has one
/// trust domain: environments that differ in those mean two clusters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct ClusterId {
    organization: String,
    name: String,
    trust_domain: String,
}

impl ClusterId {
    fn of(environment: &Environment, cluster: &Cluster) -> Self {
        Self {
            organization: environment.organization.clone(),
            name: cluster.name.to_string(),
            trust_domain: cluster.trust_domain.to_string(),
        }
    }
}

/// Who applies which objects to a cluster, by the platform that it is said to have. One cluster has one:
/// where two are said, there are two clusters, or one of them is wrong.
type Owners = BTreeMap<&'static str, BTreeMap<ObjectRef, String>>;

/// Who applies which object where: what was rendered in this run, and the locks of the environments that
/// are not in it.
pub(super) struct Applied<'a> {
    session: &'a Session<'a>,
    files: &'a Files,
    /// Where trees lie, below the repository's folder; `None` for a folder elsewhere.
    out: Option<&'a str>,
    /// The environments whose locks are not asked: they are in this run, or have been asked.
    known: BTreeSet<String>,
    /// The other environments by the names of their clusters, listed once for a run.
    others: Option<BTreeMap<String, Vec<String>>>,
    owners: BTreeMap<ClusterId, Owners>,
}

impl<'a> Applied<'a> {
    /// Nothing has been rendered yet; these environments will be, all of them.
    pub(super) fn new(
        session: &'a Session<'a>,
        files: &'a Files,
        folders: &'a Folders,
        run: &[String],
    ) -> Self {
        let out = folders.out().to_str().filter(|_| folders.out().is_relative());
        let known = run.iter().cloned().collect();
        Self { session, files, out, known, others: None, owners: BTreeMap::new() }
    }

    /// What another environment applies to a cluster of this one, too: one finding for each cluster and
    /// each other environment. What no applier is told of is applied by hand, if at all.
    pub(super) fn twice(
        &mut self,
        environment: &Environment,
        rendered: &Rendered,
    ) -> Vec<Diagnostic> {
        if !is_delivered(environment) {
            return Vec::new();
        }
        self.read_others(environment);
        let name = environment.name.as_str();
        let mut found = Vec::new();
        for cluster in environment.clusters.values() {
            let platform = cluster.platform.as_str();
            let own = rendered.tree.iter().filter_map(|(path, file)| {
                let below = path.strip_prefix(cluster.name.as_str())?.strip_prefix('/')?;
                file.object().filter(|_| is_applied(below))
            });
            let owners = self.owners.entry(ClusterId::of(environment, cluster)).or_default();
            let mut shared: BTreeMap<(&str, &'static str), Vec<&ObjectRef>> = BTreeMap::new();
            let mut new = Vec::new();
            for object in own {
                let others = owners.iter().filter_map(|(said, owners)| {
                    let other = owners.get(object).filter(|other| *other != name)?;
                    Some((other.as_str(), *said))
                });
                let others: Vec<(&str, &str)> = others.collect();
                if !others.iter().any(|(_, said)| *said == platform) {
                    new.push(object);
                }
                others.into_iter().for_each(|key| shared.entry(key).or_default().push(object));
            }
            found.extend(shared.iter().map(|((other, said), objects)| {
                twice((name, other), objects, cluster, (platform, said))
            }));
            let new = new.into_iter().map(|object| (object.clone(), name.to_owned()));
            owners.entry(platform).or_default().extend(new);
        }
        found
    }

    /// The locks of other environments that have a cluster of one of these names, each read once.
    fn read_others(&mut self, environment: &Environment) {
        let Some(out) = self.out else { return };
        let (files, known) = (self.files, &self.known);
        let others = self.others.get_or_insert_with(|| others(files, out, known));
        let names = environment.clusters.keys().filter_map(|name| others.get(name.as_str()));
        let others: BTreeSet<String> = names.flatten().cloned().collect();
        for other in others {
            if !self.known.insert(other.clone()) {
                continue;
            }
            let folder = |cluster: &str| format!("{out}/{other}/{cluster}");
            // what is wrong with it is told where it is asked for
            let Some(resolved) = self.session.load(&other).resolved else { continue };
            if !is_delivered(&resolved.environment) {
                continue;
            }
            for cluster in resolved.environment.clusters.values() {
                let Some(lock) = lock(self.files, &folder(cluster.name.as_str())) else { continue };
                let id = ClusterId::of(&resolved.environment, cluster);
                let owners = self.owners.entry(id).or_default();
                let owners = owners.entry(cluster.platform.as_str()).or_default();
                let applied = lock.files.into_iter().filter(|(path, _)| is_applied(path));
                for object in applied.filter_map(|(_, entry)| entry.object) {
                    owners.entry(ObjectRef::clone(&object)).or_insert_with(|| other.clone());
                }
            }
        }
    }
}

/// The environments that have trees, but for those that are known, by the names of their clusters.
fn others(files: &Files, out: &str, known: &BTreeSet<String>) -> BTreeMap<String, Vec<String>> {
    let mut others: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let Entry::Folder(names) = files.entry(out, 0) else { return others };
    for (other, _) in names.into_iter().filter(|(name, _)| !known.contains(name)) {
        let Entry::Folder(clusters) = files.entry(&format!("{out}/{other}"), 0) else { continue };
        for (cluster, _) in clusters {
            others.entry(cluster).or_default().push(other.clone());
        }
    }
    others
}

fn is_delivered(environment: &Environment) -> bool {
    environment.delivery.as_ref().is_some_and(|delivery| !delivery.targets.is_empty())
}

/// True for a path below a cluster's folder that is a part of a unit.
fn is_applied(below: &str) -> bool {
    below.split('/').next().is_some_and(|unit| Unit::parse(unit).is_some())
}

/// The finding: an error, and where the two say different platforms of the cluster a note, since there
/// may be two clusters.
fn twice(
    (name, other): (&str, &str),
    objects: &[&ObjectRef],
    cluster: &Cluster,
    (platform, said): (&str, &str),
) -> Diagnostic {
    let first = objects.first().map(ToString::to_string).unwrap_or_default();
    let more = match objects.len() {
        1 => String::new(),
        n => format!(", one of {n} such objects,"),
    };
    let at = &cluster.name;
    if platform != said {
        return Diagnostic::note(
            "applied-twice",
            format!("environments `{name}` and `{other}` both apply `{first}`{more} to a cluster `{at}`, which is `{platform}` here and `{said}` there"),
        )
        .at(cluster.origin, "")
        .help("if that is one cluster, correct its `platform`, and let one environment alone have the object; if these are two, say so by `organization` or `trustDomain`");
    }
    Diagnostic::error(
        "applied-twice",
        format!("environments `{name}` and `{other}` both apply `{first}`{more} to cluster `{at}`"),
    )
    .at(cluster.origin, "")
    .help("whoever is applied last takes it, and who prunes deletes it: let one environment alone have it. Clusters that share a name alone differ in `organization` or `trustDomain`")
}
