//! Two meshes that differ in one edit: any field of any object, any option of the mesh. Wherever some
//! question is answered otherwise, the comparison lists the pair, or says that it did not compare it.
//!
//! `WAYPOST_EDITS=20000 cargo test --test it one_edit` asks more; `WAYPOST_SEED` starts elsewhere.

mod made;
mod translated;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::IpAddr;

use serde_json::{Value, json};
use waypost::diagnostic::Sources;
use waypost::k8s::{Object, objects_of};
use waypost::simulate::{
    Bound, CallerKind, Client, Comparison, Destination, HttpRequest, Logged, Mesh, Request, Role,
    Target, TargetKind, Token, Verdict, WorkloadId, compare,
};
use waypost::yaml::{Budget, read};

use made::{ADDRESSES, Chance, Made, edit_options, kinds, made};

/// Edits without the environment variable.
const EDITS: u64 = 60;
/// Questions about each.
const QUESTIONS: usize = 200;

// ---- edits -----------------------------------------------------------------------------------

/// One edit, in words.
fn edit(chance: &mut Chance, of: &mut Made) -> String {
    if chance.one_in(8) {
        edit_options(chance, &mut of.options);
        return "options".to_owned();
    }
    let kinds = kinds();
    let kind = &kinds[chance.below(kinds.len())];
    let new = (kind.make)(chance, kind);
    let Some(old) = of.objects.get_mut(&kind.name) else {
        of.objects.insert(kind.name.clone(), new);
        return format!("{} comes", kind.name);
    };
    if chance.one_in(10) {
        of.objects.remove(&kind.name);
        return format!("{} goes", kind.name);
    }
    // a field of a new one in the place of the old one's, or none there
    let paths = fields(&new).into_iter().chain(fields(old)).collect::<BTreeSet<_>>();
    let paths: Vec<String> =
        paths.into_iter().filter(|p| !p.ends_with("/name") || p.contains("targetRef")).collect();
    let path = &paths[chance.below(paths.len())];
    match (new.pointer(path), chance.one_in(4)) {
        (Some(value), false) => put(old, path, Some(value.clone())),
        _ => put(old, path, None),
    }
    format!("{} at {path}", kind.name)
}

/// The JSON pointers of all values below `metadata`, `spec` and `status`.
fn fields(of: &Value) -> Vec<String> {
    fn below(value: &Value, at: &str, into: &mut Vec<String>) {
        let mut next = |key: String, value: &Value| {
            let at = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
            into.push(at.clone());
            below(value, &at, into);
        };
        match value {
            Value::Object(map) => map.iter().for_each(|(key, value)| next(key.clone(), value)),
            Value::Array(list) => {
                list.iter().enumerate().for_each(|(i, value)| next(i.to_string(), value));
            }
            _ => {}
        }
    }
    let mut all = Vec::new();
    below(of, "", &mut all);
    all.retain(|path| {
        !matches!(path.as_str(), "/apiVersion" | "/kind" | "/metadata" | "/metadata/namespace")
    });
    all
}

fn put(into: &mut Value, path: &str, value: Option<Value>) {
    let Some((parent, key)) = path.rsplit_once('/') else { return };
    let key = key.replace("~1", "/").replace("~0", "~");
    if into.pointer(parent).is_none() {
        put(into, parent, Some(json!({})));
    }
    match (into.pointer_mut(parent), value) {
        (Some(Value::Object(map)), Some(value)) => {
            map.insert(key, value);
        }
        (Some(Value::Object(map)), None) => {
            map.remove(&key);
        }
        (Some(Value::Array(list)), value) => {
            let index: usize = key.parse().unwrap_or(0);
            match value {
                Some(value) if index < list.len() => list[index] = value,
                Some(value) => list.push(value),
                None if index < list.len() => {
                    list.remove(index);
                }
                None => {}
            }
        }
        _ => {}
    }
}

fn mesh_of(made: &Made) -> Mesh {
    let mut text = String::new();
    for object in made.objects.values() {
        let _ = writeln!(text, "{object}\n---");
    }
    let file = Sources::default().add("mesh.yaml", text.as_str());
    let (documents, found) = read(file, &text, &Budget::MANIFESTS);
    assert!(found.is_empty(), "{found:#?}");
    let objects: Vec<Object> = objects_of(documents).0;
    // what an edit makes unreadable is not there, as a webhook would have it
    Mesh::from_objects(&objects, &made.options).0
}

// ---- questions -------------------------------------------------------------------------------

/// A question, by names.
#[derive(Clone, Debug)]
struct Question {
    /// A workload; `None` is somebody outside.
    from: Option<String>,
    address: Option<IpAddr>,
    to: To,
    http: HttpRequest,
    raw_tcp: bool,
}

#[derive(Clone, Debug)]
enum To {
    Service(String, u16),
    Pod(String, u16),
}

/// All that an answer says.
#[derive(Clone, Debug, PartialEq)]
struct Whole {
    verdict: Verdict,
    authorizers: BTreeSet<(String, String)>,
    logged: Logged,
}

fn workload_named(mesh: &Mesh, name: &str) -> Option<WorkloadId> {
    mesh.workloads().find(|(id, _)| mesh.workload_name(*id) == *name).map(|(id, _)| id)
}

fn ask(mesh: &Mesh, question: &Question) -> Option<Whole> {
    let from = match &question.from {
        None => Client::Outside(question.address),
        Some(name) => Client::Workload(workload_named(mesh, name)?),
    };
    let to = match &question.to {
        To::Service(name, port) => {
            let (service, own) = mesh.services().find(|(id, _)| mesh.service_name(*id) == *name)?;
            own.ports.iter().find(|p| p.number == *port)?;
            Destination::Service { service, port: *port }
        }
        To::Pod(name, port) => {
            Destination::Pod { workload: workload_named(mesh, name)?, port: *port }
        }
    };
    let request = Request { from, to, http: question.http.clone(), raw_tcp: question.raw_tcp };
    let decision = mesh.decide(&request);
    let passed = decision.walks.iter().filter(|walk| walk.verdict == Verdict::Allow);
    let authorizers = passed
        .flat_map(|walk| &walk.effects.authorizers)
        .map(|id| {
            let name = mesh.policy(*id).provider.clone();
            let known = mesh.options(mesh.policy_cluster(*id)).extension_providers.as_ref();
            let definition = known.and_then(|known| known.get(&name)).map(Value::to_string);
            (name, definition.unwrap_or_default())
        })
        .collect();
    let logged = decision.walks.iter().map(|walk| walk.effects.logged);
    let logged = logged.fold(Logged::default(), Logged::and);
    Some(Whole { verdict: decision.verdict, authorizers, logged })
}

fn question(chance: &mut Chance, meshes: [&Mesh; 2]) -> Question {
    let mesh = meshes[chance.below(2)];
    let callers: Vec<WorkloadId> = mesh
        .workloads()
        .filter(|(id, workload)| {
            !matches!(workload.role, Role::Waypoint | Role::EastWest)
                && (workload.makes_pods() || mesh.state(*id) != waypost::simulate::PodState::Plain)
        })
        .map(|(id, _)| id)
        .collect();
    let from = (!callers.is_empty() && !chance.one_in(8))
        .then(|| mesh.workload_name(callers[chance.below(callers.len())]));
    let address = from.is_none() && chance.one_in(2);
    let address = address.then(|| chance.of(ADDRESSES).parse().unwrap());
    let pods: Vec<WorkloadId> = mesh
        .workloads()
        .filter(|(_, workload)| workload.role == Role::Application)
        .map(|(id, _)| id)
        .collect();
    let ports: Vec<(String, u16)> = mesh
        .services()
        .flat_map(|(id, s)| s.ports.iter().map(move |p| (mesh.service_name(id), p.number)))
        .collect();
    let to = if ports.is_empty() || (!pods.is_empty() && chance.one_in(2)) {
        let pod = mesh.workload_name(pods[chance.below(pods.len())]);
        To::Pod(pod, [80, 8080, 9090, 4711, 15008][chance.below(5)])
    } else {
        let (name, port) = ports[chance.below(ports.len())].clone();
        To::Service(name, port)
    };
    let ordinary = HttpRequest::default();
    let mut headers = Vec::new();
    if chance.one_in(3) {
        headers.push(("x-role".to_owned(), chance.of(&["admin", "ad", "x", ""]).to_owned()));
    }
    if chance.one_in(4) {
        headers.push(("x-forwarded-for".to_owned(), chance.of(ADDRESSES).to_owned()));
    }
    let token = match chance.below(6) {
        0 => Token::Invalid,
        1 | 2 => Token::Valid(
            json!({"iss": chance.of(&["me", "you"]), "sub": "x", "groups": [chance.of(&["dev", "ops"])], "aud": chance.of(&["here", "there"])}),
        ),
        _ => Token::None,
    };
    let http = HttpRequest {
        method: chance.of(&["GET", "POST", "PUT"]).to_owned(),
        path: chance.of(&["/", "/a", "/a/b", "/c/b", "/a/", "//a", "/a%2fb"]).to_owned(),
        host: if chance.one_in(4) { Some(chance.of(&["x.com", "y"]).to_owned()) } else { None },
        headers,
        token,
        sni: None,
        edge_port: None,
    };
    let http = if chance.one_in(4) { ordinary } else { http };
    Question { from, address, to, http, raw_tcp: chance.one_in(4) }
}

/// Is what a question is about listed, or said not to be compared?
fn is_told(found: &Comparison, question: &Question, meshes: [&Mesh; 2]) -> bool {
    let is_target = |target: &Target| match &question.to {
        To::Service(name, port) => {
            target.kind == TargetKind::Service && target.name == *name && target.port == *port
        }
        To::Pod(name, port) => match target.kind {
            TargetKind::Pod => target.name == *name && target.port == *port,
            // the one that stands for all that nothing names
            TargetKind::OtherPort => target.name == *name,
            // a pod is not repeated where its service says the same
            TargetKind::Service => meshes.iter().any(|mesh| {
                let Some(pod) = workload_named(mesh, name) else { return false };
                let fronts = mesh
                    .services_of(pod)
                    .iter()
                    .map(|id| (mesh.service_name(*id), mesh.service(*id)));
                fronts.filter(|(front, _)| *front == target.name).any(|(_, service)| {
                    let ports = service.ports.iter().filter(|p| p.number == target.port);
                    ports.into_iter().any(|p| service.arrives_at(p, mesh.workload(pod)) == *port)
                })
            }),
        },
    };
    // the ports that nothing names may be said with one that something does
    let is_behind = |target: &Target| match &question.to {
        To::Service(..) => false,
        To::Pod(name, _) => {
            target.name == *name
                || meshes.iter().any(|mesh| {
                    let Some(pod) = workload_named(mesh, name) else { return false };
                    mesh.services_of(pod).iter().any(|id| mesh.service_name(*id) == target.name)
                })
        }
    };
    let is_caller = |kind: &CallerKind| match (kind, &question.from) {
        (CallerKind::Workload { name, .. }, Some(from)) => name == from,
        (CallerKind::Outside, None) => true,
        _ => false,
    };
    let tells = |to: &Target, other_ports: bool| is_target(to) || (other_ports && is_behind(to));
    found.changes.iter().any(|c| is_caller(&c.from.kind) && tells(&c.to, c.other_ports))
        || found.bounds.iter().any(|bound| match bound {
            Bound::Requests(caller, target) => is_caller(&caller.kind) && is_target(target),
            Bound::Identities(_) => false,
            Bound::DestinationAddress(target)
            | Bound::Paths(target)
            | Bound::NotShown(target, _) => is_target(target),
        })
}

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn no_edit_changes_an_answer_in_silence() {
    let edits = from_environment("WAYPOST_EDITS").unwrap_or(EDITS);
    let first = from_environment("WAYPOST_SEED").unwrap_or(1);
    let (mut silent, mut differing) = (Vec::new(), 0_usize);
    for seed in first..first + edits {
        let mut chance = Chance::new(seed);
        let before = made(&mut chance);
        let mut after = before.clone();
        let what = edit(&mut chance, &mut after);
        let (old, new) = (mesh_of(&before), mesh_of(&after));
        let found = compare(&old, &new);
        for _ in 0..QUESTIONS {
            let question = question(&mut chance, [&old, &new]);
            let answers = [ask(&old, &question), ask(&new, &question)];
            let differs = match &answers {
                [Some(old), Some(new)] => old != new,
                // to come or to go is a change where something gets through
                [Some(only), None] | [None, Some(only)] => {
                    matches!(only.verdict, Verdict::Allow | Verdict::Mixed)
                }
                [None, None] => false,
            };
            differing += usize::from(differs);
            if differs && !is_told(&found, &question, [&old, &new]) {
                silent.push(format!("seed {seed}, {what}: {question:?}\n  {answers:?}"));
                break;
            }
        }
    }
    let shown: Vec<&String> = silent.iter().take(5).collect();
    assert!(silent.is_empty(), "{} of {edits} edits: {shown:#?}", silent.len());
    assert!(differing > 0, "no edit of {edits} changed any answer");
}
