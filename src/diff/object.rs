//! What became of an object.

use super::field::{FieldChange, fields};
use super::noise::{Ignored, Noise};
use super::version::ObjectVersion;
use crate::k8s::ObjectRef;

/// An object that two trees do not have alike: one of the versions is there, or both.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectChange {
    /// As the one tree has it.
    pub before: Option<ObjectVersion>,
    /// As the other has it.
    pub after: Option<ObjectVersion>,
    /// The fields that changed, those that are ignored left out; none for an object that came or
    /// went.
    pub fields: Vec<FieldChange>,
    /// How many more fields changed that are ignored.
    pub ignored_fields: usize,
    /// The folder of its cluster has another name, and it went with it.
    pub went_with_cluster: bool,
}

/// What became of an object; the first that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeKind {
    /// It came.
    Added,
    /// It went.
    Removed,
    /// It went, and the same came under another name.
    Renamed,
    /// It lies in another file, unit or cluster; it may have changed too.
    Moved,
    /// It lies where it lay.
    Changed,
}

impl ChangeKind {
    /// Every kind, in the order of [`ChangeKind`].
    pub const ALL: [ChangeKind; 5] = [
        ChangeKind::Added,
        ChangeKind::Removed,
        ChangeKind::Renamed,
        ChangeKind::Moved,
        ChangeKind::Changed,
    ];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            ChangeKind::Added => "added",
            ChangeKind::Removed => "removed",
            ChangeKind::Renamed => "renamed",
            ChangeKind::Moved => "moved",
            ChangeKind::Changed => "changed",
        }
    }

    /// The sign for it.
    pub fn sign(self) -> char {
        match self {
            ChangeKind::Added => '+',
            ChangeKind::Removed => '-',
            ChangeKind::Renamed | ChangeKind::Moved => '>',
            ChangeKind::Changed => '~',
        }
    }
}

impl ObjectChange {
    pub(super) fn new(
        before: Option<ObjectVersion>,
        after: Option<ObjectVersion>,
        went_with_cluster: bool,
        ignored: &Ignored,
    ) -> Self {
        let mut changed = match (&before, &after) {
            (Some(before), Some(after)) => fields(&before.body, &after.body),
            _ => Vec::new(),
        };
        let all = changed.len();
        changed.retain(|field| !ignored.covers(&field.path));
        let ignored_fields = all - changed.len();
        Self { before, after, fields: changed, ignored_fields, went_with_cluster }
    }

    /// The version after, or the one before of an object that went.
    pub fn version(&self) -> Option<&ObjectVersion> {
        self.after.as_ref().or(self.before.as_ref())
    }

    /// What it is called after, or was called before.
    pub fn reference(&self) -> Option<&ObjectRef> {
        self.version().map(|version| &version.reference)
    }

    /// The cluster it lies in, or lay in.
    pub fn cluster(&self) -> &str {
        self.version().map_or("", ObjectVersion::cluster)
    }

    /// Its namespace; a Namespace counts to itself.
    pub fn namespace(&self) -> Option<&str> {
        let reference = self.reference()?;
        match reference.group.is_empty() && reference.kind == "Namespace" {
            true => Some(&reference.name),
            false => reference.namespace.as_deref(),
        }
    }

    /// The version that an applier prunes: of an object that went, or goes by another name or to
    /// another cluster, or is applied no more.
    pub fn lost(&self) -> Option<&ObjectVersion> {
        self.before.as_ref().filter(|before| before.is_applied() && self.kept().is_none())
    }

    /// The version that an applier makes: of an object that came, or comes by another name or from
    /// another cluster, or was not applied before.
    pub fn gained(&self) -> Option<&ObjectVersion> {
        self.after.as_ref().filter(|after| after.is_applied() && self.kept().is_none())
    }

    /// Both versions, of an object that stays applied under its name in its cluster.
    pub fn kept(&self) -> Option<(&ObjectVersion, &ObjectVersion)> {
        self.same().filter(|(before, after)| before.is_applied() && after.is_applied())
    }

    /// Both versions, of an object that stays in its cluster under its name, whoever makes it there.
    pub fn same(&self) -> Option<(&ObjectVersion, &ObjectVersion)> {
        let (before, after) = (self.before.as_ref()?, self.after.as_ref()?);
        let stays = before.cluster() == after.cluster() || self.went_with_cluster;
        (before.reference == after.reference && stays).then_some((before, after))
    }

    /// As [`ObjectChange::same`], and else each version that there is: of what is expected of TSB
    /// too, which applies to traffic all the same.
    pub(super) fn sides(&self) -> (Option<&ObjectVersion>, Option<&ObjectVersion>) {
        (self.before.as_ref(), self.after.as_ref())
    }

    /// What became of it.
    pub fn kind(&self) -> ChangeKind {
        match (&self.before, &self.after) {
            (None, _) => ChangeKind::Added,
            (_, None) => ChangeKind::Removed,
            (Some(old), Some(new)) if old.reference != new.reference => ChangeKind::Renamed,
            (Some(old), Some(new)) if old.path != new.path => ChangeKind::Moved,
            _ => ChangeKind::Changed,
        }
    }

    /// Why nobody needs to read it, if so: nothing but its spelling changed, or only fields that
    /// are ignored.
    pub fn noise(&self) -> Option<Noise> {
        match (self.kind(), self.fields.is_empty(), self.ignored_fields) {
            (ChangeKind::Changed, true, 0) => Some(Noise::Spelling),
            (ChangeKind::Changed, true, _) => Some(Noise::Ignored),
            _ => None,
        }
    }
}
