//! A sample asked of the present and of what comes.

use std::collections::{BTreeMap, BTreeSet};

use super::answer::{Answer, Why, ask};
use super::counted::{Counted, add, most};
use super::directory::Directory;
use super::edge::{Side, between};
use crate::simulate::{ChainKind, Client, Destination, Mesh, Role};
use crate::traffic::{Class, Content, Outcome, Reporter, Sample, Time};

/// A mesh at a point, with the words for it.
pub struct Point<'m> {
    /// What it is called: `stage bookinfo`.
    pub name: String,
    /// It, by the names of logs.
    pub directory: Directory<'m>,
}

/// What a row says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Finding {
    /// It was allowed, and is refused then.
    Lost,
    /// It was refused, and is allowed then.
    Gained,
    /// The log says of the present what the simulator does not: the manifests or the model are wrong,
    /// or the log is older than the tree.
    Disagrees,
    /// The answer stays, and another point or rule gives it.
    Elsewhere,
}

/// Equal requests that a finding is about.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What it says.
    pub finding: Finding,
    /// Who asks, as commands take it.
    pub from: String,
    /// For what.
    pub to: String,
    /// The namespaces of both; none where it comes from outside.
    pub between: Option<(Side, Side)>,
    /// What was sent: `GET /get`, `connection`, `HTTP`.
    pub request: String,
    /// What became of it in the log, with the rule where it names one.
    pub logged: String,
    /// Who wrote that, and how often.
    pub reporters: BTreeMap<Reporter, u64>,
    /// What the simulator says of the present.
    pub now: String,
    /// The first point where it is as the finding says, and what decides there; none of a finding
    /// about the present.
    pub then: Option<(String, String)>,
    /// How many requests: what the proxy that saw most of them saw. A request leaves a line at every
    /// proxy on its way.
    pub count: u64,
    /// When the first was seen.
    pub first: Option<Time>,
    /// When the last was seen.
    pub last: Option<Time>,
}

/// Requests of one client to one destination, put together for people.
#[derive(Clone, Debug, PartialEq)]
pub struct Group<'r> {
    /// Who asks.
    pub from: &'r str,
    /// For what.
    pub to: &'r str,
    /// The rows, those with most requests first.
    pub rows: Vec<&'r Row>,
    /// How many requests.
    pub count: u64,
}

/// What came of asking.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Replay {
    /// The names of the points that were asked, the present first.
    pub points: Vec<String>,
    /// Requests that are the same then as in the log, by the same rule.
    pub same: u64,
    /// All requests that were asked.
    pub asked: u64,
    /// Everything that was found, the worst and the most frequent first.
    pub rows: Vec<Row>,
    /// Requests without an answer, by reason, with an example of each.
    pub unknown: BTreeMap<Why, (u64, String)>,
    /// Requests that an earlier point changes, and that are as changed here: see [`Replay::since`].
    pub earlier: u64,
    /// Second halves of ways through a waypoint, which are no requests of their own.
    pub halves: u64,
}

impl Replay {
    /// The rows of a finding.
    pub fn of(&self, finding: Finding) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(move |row| row.finding == finding)
    }

    /// How many requests a finding is about.
    pub fn count(&self, finding: Finding) -> u64 {
        self.of(finding).map(|row| row.count).sum()
    }

    /// How many requests have no answer.
    pub fn unknown_count(&self) -> u64 {
        self.unknown.values().map(|(count, _)| count).sum()
    }

    /// Leaves out what an earlier point changed in the same way: what is left changes here.
    pub fn since(mut self, earlier: &Self) -> Self {
        let key = |row: &Row| (row.finding, row.from.clone(), row.to.clone(), row.request.clone());
        let known: BTreeSet<_> = earlier.rows.iter().map(key).collect();
        let (new, old): (Vec<Row>, Vec<Row>) = std::mem::take(&mut self.rows)
            .into_iter()
            .partition(|row| row.finding == Finding::Disagrees || !known.contains(&key(row)));
        let changed = |row: &&Row| matches!(row.finding, Finding::Lost | Finding::Gained);
        self.earlier = old.iter().filter(changed).map(|row| row.count).sum();
        self.same += old.iter().filter(|row| !changed(row)).map(|row| row.count).sum::<u64>();
        self.rows = new;
        self
    }

    /// What is refused here and is not in the end: only the order of the steps refuses it.
    pub fn on_the_way_only<'r>(&'r self, end: &'r Self) -> impl Iterator<Item = &'r Row> {
        let key = |row: &Row| (row.from.clone(), row.to.clone(), row.request.clone());
        let stays: BTreeSet<_> = end.of(Finding::Lost).map(key).collect();
        self.of(Finding::Lost).filter(move |row| !stays.contains(&key(row)))
    }

    /// How many requests fare otherwise: they are refused then, or let in.
    pub fn changed(&self) -> u64 {
        self.count(Finding::Lost) + self.count(Finding::Gained)
    }

    /// True where nothing was placed, and not for want of what logs leave out: the log is of another
    /// mesh.
    pub fn is_of_another_mesh(&self) -> bool {
        let foreign = |why: &Why| {
            matches!(
                why,
                Why::ForeignHost | Why::ForeignAddress | Why::UnknownAddress | Why::UnknownIdentity
            )
        };
        self.asked > 0 && self.unknown_count() == self.asked && self.unknown.keys().all(foreign)
    }

    /// The rows of a finding by client and destination, those with most requests first.
    pub fn groups(&self, finding: Finding) -> Vec<Group<'_>> {
        let mut groups: BTreeMap<(&str, &str), Group<'_>> = BTreeMap::new();
        for row in self.of(finding) {
            let (from, to) = (row.from.as_str(), row.to.as_str());
            let empty = || Group { from, to, rows: Vec::new(), count: 0 };
            let group = groups.entry((from, to)).or_insert_with(empty);
            group.count += row.count;
            group.rows.push(row);
        }
        let mut groups: Vec<Group<'_>> = groups.into_values().collect();
        groups.sort_by_key(|group| std::cmp::Reverse(group.count));
        groups
    }
}

/// Asks the present, and every point that comes, about a sample. Where no point comes, the log is
/// compared with the present alone.
pub fn replay(sample: &Sample, now: &Point<'_>, then: &[Point<'_>]) -> Replay {
    Present::of(sample, now).replay(sample, now, then)
}

/// What the present says to every class of a sample: asked once, compared with as many points as there
/// are.
#[derive(Clone, Debug)]
pub struct Present(Vec<Result<Answer, Why>>);

impl Present {
    /// Asks the present.
    pub fn of(sample: &Sample, now: &Point<'_>) -> Self {
        Self(sample.classes().iter().map(|class| ask(&now.directory, sample, class)).collect())
    }

    /// The classes with what the present says to each, in the order of the sample.
    pub(super) fn answers(&self) -> &[Result<Answer, Why>] {
        &self.0
    }

    /// As [`replay()`], of the same sample and the same present.
    pub fn replay(&self, sample: &Sample, now: &Point<'_>, then: &[Point<'_>]) -> Replay {
        let mut same = Counted::default();
        let mut replay = Replay {
            points: std::iter::once(now).chain(then).map(|p| p.name.clone()).collect(),
            ..Replay::default()
        };
        let mut rows: BTreeMap<(Finding, String, String, String), Row> = BTreeMap::new();
        for (class, present) in sample.classes().iter().zip(&self.0) {
            if present.as_ref().is_err_and(|why| why.is_no_question()) {
                replay.halves += class.count;
                continue;
            }
            let asked = Asked { sample, class, now, present };
            match asked.finding(then) {
                Ok(None) => same.add(class, present),
                Ok(Some(row)) => {
                    let key = (row.finding, row.from.clone(), row.to.clone(), row.request.clone());
                    match rows.get_mut(&key) {
                        None => {
                            rows.insert(key, row);
                        }
                        Some(known) => join(known, row),
                    }
                }
                Err(why) => {
                    let example = || asked.example();
                    replay.unknown.entry(why).or_insert_with(|| (0, example())).0 += class.count;
                }
            }
        }
        replay.same = same.count();
        replay.rows = rows.into_values().collect();
        let found: u64 = replay.rows.iter().map(|row| row.count).sum();
        replay.asked = replay.same + found + replay.unknown_count();
        replay.rows.sort_by(|a, b| (a.finding, b.count).cmp(&(b.finding, a.count)));
        replay
    }
}

/// The same request, as the same proxy tells of it again or another one does.
fn join(known: &mut Row, other: Row) {
    for (reporter, count) in other.reporters {
        add(&mut known.reporters, reporter, count);
    }
    known.count = most(&known.reporters);
    known.first = known.first.into_iter().chain(other.first).min();
    known.last = known.last.max(other.last);
}

struct Asked<'a, 'm> {
    sample: &'a Sample,
    class: &'a Class,
    now: &'a Point<'m>,
    present: &'a Result<Answer, Why>,
}

impl Asked<'_, '_> {
    /// What the log says, where the reporter sees enough to say it of the whole way.
    fn logged(&self) -> Option<bool> {
        match self.class.outcome {
            Outcome::Refused(_) => Some(false),
            Outcome::Unclear => None,
            Outcome::Allowed => {
                // who sends bytes on sees that a connection was made, and what came back over it: a proxy
                // behind that found HTTP in it may have answered 403. Behind a ztunnel it may have closed it
                let chain = self.present.as_ref().ok().filter(|answer| !answer.allows);
                let chain = chain.and_then(|answer| answer.step.as_ref()?.chain);
                let hidden = match self.class.reporter {
                    Reporter::ZtunnelOutbound | Reporter::ZtunnelInbound => chain.is_some(),
                    Reporter::Server => false,
                    _ => {
                        self.class.content == Content::Connection && chain == Some(ChainKind::Http)
                    }
                };
                (!hidden).then_some(true)
            }
        }
    }

    fn finding(&self, then: &[Point<'_>]) -> Result<Option<Row>, Why> {
        let logged = self.logged();
        if let (Some(logged), Ok(present)) = (logged, self.present)
            && (logged != present.allows || self.is_by_another_rule(present))
        {
            return Ok(Some(self.row(Finding::Disagrees, present, &self.now.directory, None)));
        }
        if then.is_empty() {
            return match (logged, self.present) {
                (_, Err(why)) => Err(*why),
                (None, Ok(_)) if self.class.outcome == Outcome::Unclear => Err(Why::Unclear),
                (_, Ok(_)) => Ok(None),
            };
        }
        // what the log leaves open, the present decides
        let before = match (logged, self.present) {
            (Some(logged), _) => logged,
            (None, Ok(present)) => present.allows,
            (None, Err(why)) => return Err(*why),
        };
        let mut elsewhere = None;
        let mut unknown = None;
        for point in then {
            match ask(&point.directory, self.sample, self.class) {
                Ok(answer) if answer.allows != before => {
                    let finding = if before { Finding::Lost } else { Finding::Gained };
                    return Ok(Some(self.row(
                        finding,
                        &answer,
                        &point.directory,
                        Some(&point.name),
                    )));
                }
                Ok(answer) => {
                    let directory = &point.directory;
                    if elsewhere.is_none() && self.is_decided_elsewhere(&answer, directory) {
                        let name = Some(point.name.as_str());
                        elsewhere = Some(self.row(Finding::Elsewhere, &answer, directory, name));
                    }
                }
                Err(why) => unknown = unknown.or(Some(why)),
            }
        }
        match (unknown, elsewhere) {
            (Some(why), _) => Err(why),
            (None, elsewhere) => Ok(elsewhere),
        }
    }

    /// Both refuse, and the log names another rule than the simulator.
    fn is_by_another_rule(&self, present: &Answer) -> bool {
        let Outcome::Refused(Some(rule)) = self.class.outcome else { return false };
        let logged = self.sample.text(rule);
        let own = present.rule(self.now.directory.mesh);
        !present.allows && own.is_some_and(|own| own != logged)
    }

    fn is_decided_elsewhere(&self, answer: &Answer, there: &Directory<'_>) -> bool {
        let Ok(present) = self.present else { return false };
        let place = |answer: &Answer, mesh: &Mesh| {
            let step = answer.step.as_ref();
            (step.map(|s| mesh.point_name(s.point)), answer.rule(mesh))
        };
        place(present, self.now.directory.mesh) != place(answer, there.mesh)
    }

    fn row(
        &self,
        finding: Finding,
        answer: &Answer,
        there: &Directory<'_>,
        at: Option<&str>,
    ) -> Row {
        let mesh = there.mesh;
        let logged = match self.class.outcome {
            Outcome::Allowed => "allowed".to_owned(),
            Outcome::Refused(None) => "refused".to_owned(),
            Outcome::Refused(Some(rule)) => format!("refused by {}", self.sample.text(rule)),
            Outcome::Unclear => "unclear".to_owned(),
        };
        let verdict = |allows: bool| if allows { "allow" } else { "deny" };
        let now = match self.present {
            Ok(present) => {
                let text = present.text(self.now.directory.mesh);
                format!("{} at {text}", verdict(present.allows))
            }
            Err(why) => format!("unknown: {}", why.as_str()),
        };
        let then = at.map(|at| {
            let text = format!("{} at {}", verdict(answer.allows), answer.text(mesh));
            (at.to_owned(), text)
        });
        Row {
            finding,
            from: client_name(mesh, answer.from),
            to: destination_name(mesh, answer.to),
            between: between(mesh, answer.from, answer.to),
            request: self.request(),
            logged,
            reporters: BTreeMap::from([(self.class.reporter, self.class.count)]),
            now,
            then,
            count: self.class.count,
            first: self.class.first,
            last: self.class.last,
        }
    }

    fn request(&self) -> String {
        match self.class.content {
            Content::Http { method, path, whole, .. } => {
                let more = if whole { "" } else { "…" };
                format!("{} {}{more}", self.sample.text(method), self.sample.text(path))
            }
            Content::SomeHttp => "HTTP".to_owned(),
            Content::Connection => "connection".to_owned(),
        }
    }

    /// The class in words, of what the line says alone.
    fn example(&self) -> String {
        let text = |symbol| self.sample.text(symbol);
        let from = self.class.from;
        let of_namespace = |name: Option<_>| match (from.namespace, name) {
            (Some(namespace), Some(name)) => Some(format!("{}/{}", text(namespace), text(name))),
            _ => None,
        };
        let who = of_namespace(from.workload.or(from.pod))
            .or_else(|| from.identity.map(|s| text(s).to_owned()))
            .or_else(|| from.address.map(|s| text(s).to_owned()))
            .unwrap_or_else(|| "an unnamed client".to_owned());
        let to = self.class.to;
        let host = to.host.or(to.address).or(to.workload);
        let port = to.service_port.or(to.pod_port).map(|p| format!(":{p}")).unwrap_or_default();
        let what = host.map_or("an unnamed destination", text);
        format!("{who} to {what}{port}, {}", self.request())
    }
}

/// A client, as commands take it.
pub fn client_name(mesh: &Mesh, client: Client) -> String {
    match client {
        Client::Outside(None) => "outside".to_owned(),
        Client::Outside(Some(ip)) => format!("outside:{ip}"),
        Client::Workload(id) => {
            let name = mesh.workload_name(id);
            match mesh.workload(id).role {
                Role::Gateway | Role::EastWest => format!("gateway:{name}"),
                _ => name,
            }
        }
    }
}

/// A destination, as commands take it.
pub fn destination_name(mesh: &Mesh, to: Destination) -> String {
    match to {
        Destination::Service { service, port } => format!("{}:{port}", mesh.service_name(service)),
        Destination::Pod { workload, port } => {
            format!("pod:{}:{port}", mesh.workload_name(workload))
        }
    }
}
