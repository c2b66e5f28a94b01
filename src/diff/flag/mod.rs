//! What a reviewer must not miss in a diff, and what it comes to.
//!
//! Flags are read from the objects that changed. They point; the simulator proves: where access was
//! simulated, [`AccessDiff`](super::AccessDiff) says what a flag about policies comes to.
//!
//! One file a subject: each gives flags for a whole [`TreeDiff`], and they are put in one order.

mod atom;
mod identity;
mod loss;
mod mtls;
mod namespace;
mod policy;
mod told;
mod twin;
mod waypoint;
mod workload;

pub use told::told_flags;

use crate::k8s::ObjectRef;

use super::tree::TreeDiff;

/// Something about a diff that is worth a line of its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Flag {
    /// What it is.
    pub code: Code,
    /// In which cluster; empty where it concerns none, or all.
    pub cluster: String,
    /// In which namespace.
    pub namespace: Option<String>,
    /// The objects that it is about.
    pub objects: Vec<ObjectRef>,
    /// One sentence, lower case, the user's text in backticks.
    pub message: String,
}

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// It may cut or open traffic, or delete what runs.
    Danger,
    /// It says what the change is for.
    Notice,
}

/// What a [`Flag`] is about, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the words say it, and `describe` says it in a sentence")]
pub enum Code {
    NamespaceDeleted,
    NamespaceLeavesMesh,
    NamespaceReleased,
    DeliveryRedirected,
    DeliveryRemoved,
    BuildOverridden,
    DenyGone,
    AllowWidened,
    AllowGone,
    PolicyRebound,
    MtlsRelaxed,
    WaypointRemovedInUse,
    PruneMany,
    InstallRemoved,
    ListingDrops,
    ClusterRenamed,
    ObjectsMoved,
    ObjectRenamed,
    DeliveryAdded,
    NamespaceChangesMode,
    NamespaceAdded,
    WaypointAdded,
    WaypointRemoved,
    DenyAdded,
    MtlsTightened,
    StageReached,
    WorkloadsRestart,
}

impl Code {
    /// Every code, the worst first.
    pub const ALL: [Code; 27] = [
        Code::NamespaceDeleted,
        Code::NamespaceLeavesMesh,
        Code::NamespaceReleased,
        Code::DeliveryRedirected,
        Code::DeliveryRemoved,
        Code::BuildOverridden,
        Code::DenyGone,
        Code::AllowWidened,
        Code::AllowGone,
        Code::PolicyRebound,
        Code::MtlsRelaxed,
        Code::WaypointRemovedInUse,
        Code::PruneMany,
        Code::InstallRemoved,
        Code::ListingDrops,
        Code::ClusterRenamed,
        Code::ObjectsMoved,
        Code::ObjectRenamed,
        Code::DeliveryAdded,
        Code::NamespaceChangesMode,
        Code::NamespaceAdded,
        Code::WaypointAdded,
        Code::WaypointRemoved,
        Code::DenyAdded,
        Code::MtlsTightened,
        Code::StageReached,
        Code::WorkloadsRestart,
    ];

    /// The code: kebab-case, stable.
    pub fn as_str(self) -> &'static str {
        self.about().0
    }

    /// What it means, in a sentence.
    pub fn describe(self) -> &'static str {
        self.about().2
    }

    /// How much it matters.
    pub fn level(self) -> Level {
        self.about().1
    }

    fn about(self) -> (&'static str, Level, &'static str) {
        use Level::{Danger, Notice};
        match self {
            Code::NamespaceDeleted => (
                "namespace-deleted",
                Danger,
                "a Namespace leaves the tree: an applier that prunes deletes it with all it holds",
            ),
            Code::NamespaceLeavesMesh => (
                "namespace-leaves-mesh",
                Danger,
                "a namespace has neither sidecars nor ztunnel any more: no policy is enforced there",
            ),
            Code::NamespaceReleased => (
                "namespace-released",
                Danger,
                "an adopted Namespace leaves the tree: it stays, and nobody keeps its mesh labels",
            ),
            Code::DeliveryRedirected => (
                "delivery-redirected",
                Danger,
                "Argo CD or Flux is told to take something else, to put it elsewhere, or to do more",
            ),
            Code::DeliveryRemoved => (
                "delivery-removed",
                Danger,
                "Argo CD or Flux is told of a unit no more: it is left alone, or pruned",
            ),
            Code::BuildOverridden => (
                "build-overridden",
                Danger,
                "appliers build something else than the files of the tree: access is not known then",
            ),
            Code::DeliveryAdded => (
                "delivery-added",
                Notice,
                "Argo CD or Flux is told of another unit, from where it takes the others",
            ),
            Code::DenyGone => {
                ("deny-gone", Danger, "a DENY policy is gone, or denies less than before")
            }
            Code::AllowWidened => {
                ("allow-widened", Danger, "an ALLOW policy allows more than before")
            }
            Code::AllowGone => (
                "allow-gone",
                Danger,
                "an ALLOW policy is gone: without another one there, everything is allowed that \
                 nothing denies",
            ),
            Code::PolicyRebound => (
                "policy-rebound",
                Danger,
                "a policy is bound to something else: another point enforces it, or none",
            ),
            Code::MtlsRelaxed => {
                ("mtls-relaxed", Danger, "plain text is taken where mutual TLS was wanted before")
            }
            Code::WaypointRemovedInUse => (
                "waypoint-removed-in-use",
                Danger,
                "a waypoint is gone while something still names it: traffic goes past what it enforced",
            ),
            Code::PruneMany => {
                ("prune-many", Danger, "a cluster loses more than a fifth of its objects")
            }
            Code::InstallRemoved => (
                "install-removed",
                Danger,
                "the resource that installs TSB leaves the tree: pruned, it takes the installation \
                 with it",
            ),
            Code::ListingDrops => (
                "listing-drops",
                Danger,
                "a kustomization lists a file no more that is still there: its object is pruned",
            ),
            Code::ClusterRenamed => (
                "cluster-renamed",
                Danger,
                "a cluster's folder has another name: its appliers look for the old one",
            ),
            Code::ObjectsMoved => (
                "objects-moved",
                Danger,
                "objects change their unit: the applier of the old one prunes them",
            ),
            Code::ObjectRenamed => (
                "object-renamed",
                Danger,
                "an object has another name: the old one is pruned, the new one made",
            ),
            Code::NamespaceChangesMode => (
                "namespace-changes-mode",
                Notice,
                "a namespace moves between sidecars and ambient mode, or joins the mesh",
            ),
            Code::NamespaceAdded => ("namespace-added", Notice, "a Namespace comes into the tree"),
            Code::WaypointAdded => ("waypoint-added", Notice, "a waypoint comes into the tree"),
            Code::WaypointRemoved => {
                ("waypoint-removed", Notice, "a waypoint is gone, and nothing names it any more")
            }
            Code::DenyAdded => {
                ("deny-added", Notice, "a DENY policy is new, or denies more than before")
            }
            Code::MtlsTightened => {
                ("mtls-tightened", Notice, "mutual TLS is wanted where plain text was taken before")
            }
            Code::StageReached => {
                ("stage-reached", Notice, "namespaces reach another stage of the migration")
            }
            Code::WorkloadsRestart => {
                ("workloads-restart", Notice, "pod templates change: their pods are replaced")
            }
        }
    }
}

/// What flags need to know of the tree beyond what changed.
pub struct Context<'a> {
    /// The files of a cluster, in the tree after, whose text contains a word: path and text. Asked
    /// only where something dangerous depends on the answer.
    pub files_after: &'a Search<'a>,
}

/// The files of a cluster whose text contains a word: path and text.
pub type Search<'a> = dyn Fn(&str, &str) -> Vec<(String, String)> + 'a;

/// The flags of a diff, dangers first, each subject by cluster and namespace.
pub fn flags(diff: &TreeDiff, context: &Context<'_>) -> Vec<Flag> {
    let mut flags = Vec::new();
    namespace::flags(diff, &mut flags);
    policy::flags(diff, context, &mut flags);
    mtls::flags(diff, &mut flags);
    waypoint::flags(diff, context, &mut flags);
    loss::flags(diff, &mut flags);
    identity::flags(diff, &mut flags);
    workload::flags(diff, &mut flags);
    flags.sort();
    flags
}

impl Flag {
    /// How much it matters.
    pub fn level(&self) -> Level {
        self.code.level()
    }

    /// `cluster/namespace`, or what of it there is.
    pub fn place(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("{}/{namespace}", self.cluster),
            None => self.cluster.clone(),
        }
    }
}

/// The first of some names, and how many more there are.
fn names<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const SHOWN: usize = 5;
    let mut names = names.into_iter();
    let mut shown: Vec<String> = names.by_ref().take(SHOWN).map(|n| format!("`{n}`")).collect();
    let more = names.count();
    if more > 0 {
        shown.push(format!("{more} more"));
    }
    match shown.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        _ => shown.concat(),
    }
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
