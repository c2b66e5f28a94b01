//! The value that every format writes.

use crate::diff::{
    AccessChange, AccessDiff, ChangeKind, Code, Counts, Direction, Flag, Level, NamespaceStates,
    ObjectChange, TreeDiff,
};
use crate::replay::{Edge, Replay};
use crate::report::traffic::requests;

/// A comparison of rendered trees, environment by environment.
#[derive(Clone, Debug)]
pub struct Report {
    /// What was compared with, in words: `main (1f2e3d4c5b6a)`, `folder ../old`, `staging`.
    pub base: String,
    /// What was compared, in words: `the working tree`.
    pub head: String,
    /// What each of the following is: an `environment`, or a `step` of a migration.
    pub noun: &'static str,
    /// The environments that were looked at, by name, equal ones too; or the steps, in their order.
    pub environments: Vec<EnvironmentReport>,
}

/// An environment of a [`Report`].
#[derive(Clone, Debug)]
pub struct EnvironmentReport {
    /// Its name.
    pub name: String,
    /// What became of it as a whole.
    pub state: EnvironmentState,
    /// What changed in its tree.
    pub tree: TreeDiff,
    /// What must not be missed, dangers first.
    pub flags: Vec<Flag>,
    /// Who gains and who loses access.
    pub access: Access,
    /// Its namespaces on both sides, by cluster and name; none where access was not simulated.
    pub topology: Vec<NamespaceStates>,
    /// How far its migration is, where it has one.
    pub migration: Option<Migration>,
    /// The lines of the spec that all this comes from.
    pub origins: Origins,
    /// What changes for real callers.
    pub traffic: Traffic,
    /// What a reader must know to read this right, one sentence each: that the tree is stale.
    pub remarks: Vec<String>,
}

/// What became of an environment as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EnvironmentState {
    /// Its tree is new.
    Added,
    /// Its tree is gone.
    Removed,
    /// Both sides have a tree; they differ.
    Changed,
    /// Both sides have the same tree, byte for byte.
    Equal,
}

/// What the simulator says.
#[derive(Clone, Debug)]
pub enum Access {
    /// It was asked.
    Simulated(AccessDiff),
    /// Nothing that it reads has changed: it would say the same twice.
    Same,
    /// It could not be asked; why, in words that follow "access was not simulated:".
    NotSimulated(String),
    /// The user did not want it to be asked.
    NotAsked,
}

/// What logs of real traffic say of the change.
#[derive(Clone, Debug, Default)]
pub enum Traffic {
    /// The spec names none, or nobody asked.
    #[default]
    NotNamed,
    /// They cannot be read; why, in words that follow "real traffic was not asked:".
    NotRead(String),
    /// They were asked of both sides.
    Replayed(Box<Weighed>),
}

/// Real traffic, asked of both sides.
#[derive(Clone, Debug)]
pub struct Weighed {
    /// What became of the requests.
    pub replay: Replay,
    /// Which namespaces call each other.
    pub edges: Vec<Edge>,
    /// What another order of the stages would spare, a sentence each.
    pub order: Vec<String>,
}

impl Traffic {
    /// How many requests are refused that were allowed, or allowed that were refused.
    pub fn changed(&self) -> u64 {
        self.replayed().map_or(0, |weighed| weighed.replay.changed())
    }

    /// What the logs say, where they were asked.
    pub fn replayed(&self) -> Option<&Weighed> {
        match self {
            Traffic::Replayed(weighed) => Some(weighed),
            Traffic::NotNamed | Traffic::NotRead(_) => None,
        }
    }
}

/// How far a migration is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    /// The stages, in their order.
    pub stages: Vec<String>,
    /// What was reached: `none`, `<stage>` or `<stage>/<step>`; `None` where it is not known.
    pub before: Option<String>,
    /// What is reached.
    pub after: Option<String>,
}

/// The lines of the spec that a change comes from, where they are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins {
    /// The line that names the environment.
    pub environment: Option<Origin>,
    /// For each object of the tree.
    pub objects: Vec<Option<Origin>>,
    /// For each flag.
    pub flags: Vec<Option<Origin>>,
    /// For each change of access.
    pub access: Vec<Option<Origin>>,
}

/// A place in the spec, lines and columns from 1, columns in characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The file, relative to the repository's folder.
    pub path: String,
    /// First line.
    pub line: u32,
    /// First column.
    pub column: u32,
    /// Last line.
    pub end_line: u32,
    /// Behind the last column.
    pub end_column: u32,
}

/// What it comes to, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// The trees are equal, byte for byte.
    Equal,
    /// They differ, and nothing is flagged as a danger, and nobody gains or loses access.
    Changed,
    /// Somebody gains or loses access, or something is dangerous.
    Danger,
    /// Something in a tree cannot be read.
    Unreadable,
}

impl Report {
    /// What it comes to.
    pub fn verdict(&self) -> Verdict {
        self.environments.iter().map(EnvironmentReport::verdict).max().unwrap_or(Verdict::Equal)
    }

    /// How many of what, in all environments.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        self.environments.iter().for_each(|environment| counts += environment.tree.counts);
        counts
    }

    /// How many pairs gain or lose access, in all environments.
    pub fn access(&self, direction: Direction) -> usize {
        let changes = self.environments.iter().flat_map(EnvironmentReport::access_changes);
        changes.filter(|change| change.direction == direction).count()
    }

    /// Is it not known of some access whether it changes?
    pub fn has_unknown_access(&self) -> bool {
        self.environments.iter().any(|environment| match &environment.access {
            Access::Simulated(diff) => diff.has_unknown(),
            _ => false,
        })
    }

    /// How many requests of real traffic fare otherwise, in all environments.
    pub fn traffic(&self) -> u64 {
        self.environments.iter().map(|environment| environment.traffic.changed()).sum()
    }

    /// How many dangers are flagged, in all environments.
    pub fn dangers(&self) -> usize {
        self.environments.iter().map(|environment| environment.flags(Level::Danger).count()).sum()
    }

    /// What was not looked at, a sentence each: as long as there is any, nothing may say that there is
    /// no danger, or that access is as it was.
    pub fn gaps(&self) -> Vec<String> {
        let mut gaps = Vec::new();
        for environment in &self.environments {
            gaps.extend(environment.gaps().map(|gap| format!("{}: {gap}", environment.name)));
        }
        gaps
    }

    /// The verdict in one line: `3 dangers, 1 gains access, 2 lose access; 12 objects differ in 2
    /// environments`.
    pub fn headline(&self) -> String {
        let looked = counted(self.environments.len(), self.noun);
        let unreadable = self.environments.iter().flat_map(|e| e.tree.unreadable()).count();
        let differing = self.environments.iter().filter(|e| !e.tree.is_empty()).count();
        if self.verdict() == Verdict::Equal {
            return format!("no changes: the trees of {looked} are equal, byte for byte");
        }
        let (gained, lost) = (self.access(Direction::Gained), self.access(Direction::Lost));
        let mut parts = Vec::new();
        let mut say = |count: usize, text: String| {
            if count > 0 {
                parts.push(text);
            }
        };
        say(unreadable, format!("{} cannot be read", counted(unreadable, "file")));
        say(self.dangers(), counted(self.dangers(), "danger"));
        say(gained, format!("{} gained", counted_as(gained, "access path", "access paths")));
        say(lost, format!("{} lost", counted_as(lost, "access path", "access paths")));
        if self.traffic() > 0 {
            parts.push(format!("{} of real traffic changed", requests(self.traffic())));
        }
        if parts.is_empty() {
            let gaps = self.gaps().len();
            parts.push(match gaps {
                0 => "no danger found".to_owned(),
                _ => "not everything was looked at".to_owned(),
            });
        }
        let (objects, files) = (self.counts().objects(), self.counts().files);
        let what = match objects {
            0 => counted(files, "file"),
            _ => counted(objects, "object"),
        };
        let differ =
            if objects == 1 || (objects == 0 && files == 1) { "differs" } else { "differ" };
        format!("{}; {what} {differ} in {} of {looked}", parts.join(", "), differing)
    }
}

impl EnvironmentReport {
    /// What it comes to.
    pub fn verdict(&self) -> Verdict {
        if self.tree.is_empty() {
            return Verdict::Equal;
        }
        if self.tree.unreadable().next().is_some() {
            return Verdict::Unreadable;
        }
        match (self.flags(Level::Danger).next(), self.access_changes()) {
            (None, []) if self.traffic.changed() == 0 => Verdict::Changed,
            _ => Verdict::Danger,
        }
    }

    /// What was not looked at, in words that follow the environment's name.
    pub fn gaps(&self) -> impl Iterator<Item = String> {
        let unreadable = self.tree.unreadable().map(|(path, _)| format!("`{path}` cannot be read"));
        let access = match &self.access {
            Access::NotSimulated(why) if !self.tree.is_empty() => {
                Some(format!("access was not simulated: {why}"))
            }
            _ => None,
        };
        let is_redirected = self.flags.iter().any(|flag| flag.code == Code::DeliveryRedirected);
        let redirected = is_redirected.then(|| {
            "appliers are told something else, so that they may apply another tree than this"
                .to_owned()
        });
        let traffic = match &self.traffic {
            Traffic::NotRead(why) if !self.tree.is_empty() => {
                Some(format!("real traffic was not asked: {why}"))
            }
            _ => None,
        };
        unreadable.chain(access).chain(redirected).chain(traffic)
    }

    /// Its flags of a level.
    pub fn flags(&self, level: Level) -> impl Iterator<Item = &Flag> {
        self.flags.iter().filter(move |flag| flag.level() == level)
    }

    /// Who fares otherwise. Where the environment comes or goes as a whole, everybody does, and
    /// that is not told again.
    pub fn access_changes(&self) -> &[AccessChange] {
        match (&self.access, self.state) {
            (Access::Simulated(diff), EnvironmentState::Changed) => &diff.changes,
            _ => &[],
        }
    }

    /// Its objects that are worth reading, each with its origin.
    pub fn shown(&self) -> impl Iterator<Item = (&ObjectChange, Option<&Origin>)> {
        let origins = self.origins.objects.iter().map(Option::as_ref);
        let origins = origins.chain(std::iter::repeat(None));
        self.tree.objects.iter().zip(origins).filter(|(object, _)| object.noise().is_none())
    }

    /// What is hidden of it, and how much: `1 lock, 2 kustomization lists …`; empty where nothing
    /// is.
    pub fn hidden(&self) -> String {
        let hidden = self.tree.hidden();
        let said = hidden.iter().map(|(noise, count)| noise.describe(*count));
        said.collect::<Vec<_>>().join(", ")
    }

    /// `12 objects: 3 added, 9 changed`.
    pub fn tally(&self) -> String {
        tally(&self.tree.counts)
    }
}

/// `12 objects: 3 added, 9 changed`, and the other files.
pub fn tally(counts: &Counts) -> String {
    let parts: Vec<String> = ChangeKind::ALL
        .into_iter()
        .filter(|kind| counts.of(*kind) > 0)
        .map(|kind| format!("{} {}", counts.of(kind), kind.as_str()))
        .collect();
    let mut text = counted(counts.objects(), "object");
    if !parts.is_empty() {
        text.push_str(": ");
        text.push_str(&parts.join(", "));
    }
    if counts.files > 0 {
        text.push_str(&format!("; {}", counted_as(counts.files, "other file", "other files")));
    }
    text
}

/// A number and its noun.
pub fn counted(count: usize, noun: &str) -> String {
    counted_as(count, noun, &format!("{noun}s"))
}

fn counted_as(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
