//! One class asked of one mesh.

use super::directory::Directory;
use crate::simulate::{Client, Decision, Destination, HttpRequest, Mesh, Request, Step, Verdict};
use crate::traffic::{Class, Content, Reporter, Sample};

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// The second half of a way through a waypoint: the first half is asked.
    BehindWaypoint,
    /// The line does not say who asked.
    NoClient,
    /// The client's address is no known pod's.
    UnknownAddress,
    /// Several pods had the address, or it is a node's.
    SharedAddress,
    /// No workload runs under the client's identity.
    UnknownIdentity,
    /// The host is none of the mesh's.
    ForeignHost,
    /// The address that was asked for is none of the mesh's.
    ForeignAddress,
    /// The line does not say what was asked for.
    NoDestination,
    /// The line does not say for which port, or the Service does not have it.
    NoPort,
    /// Several workloads may have asked, and they do not all get the same answer.
    SeveralWorkloads,
    /// A Service or the pod itself may have been asked for, and they do not get the same answer.
    SeveralDestinations,
    /// The answer depends on what the line leaves out: method and path of a metric, headers, a token.
    LeftOut,
    /// The line does not say whether a policy refused it.
    Unclear,
    /// The simulator cannot say.
    Undecided,
}

impl Why {
    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Why::BehindWaypoint => {
                "the second half of a way through a waypoint, whose first half is asked"
            }
            Why::NoClient => "the line does not say who asked",
            Why::UnknownAddress => "the client's address belongs to no known pod",
            Why::SharedAddress => "several pods had the address, or it is a node's",
            Why::UnknownIdentity => "no workload here runs under the client's identity",
            Why::ForeignHost => "the host is not one of this mesh",
            Why::ForeignAddress => "the address asked for belongs to nothing known here",
            Why::NoDestination => "the line does not say what was asked for",
            Why::NoPort => {
                "the line does not say for which port, or the Service does not have that port"
            }
            Why::SeveralWorkloads => {
                "several workloads may have asked, and they do not all get the same answer"
            }
            Why::SeveralDestinations => {
                "the pod or a Service may have been asked for, and the answers are not the same"
            }
            Why::LeftOut => {
                "the answer depends on what the log leaves out (headers, a token, a path)"
            }
            Why::Unclear => "the line does not say whether a policy refused it",
            Why::Undecided => "the manifests do not decide it",
        }
    }

    /// True where nothing is missing: the class is no question of its own.
    pub fn is_no_question(self) -> bool {
        self == Why::BehindWaypoint
    }
}

/// What a mesh says to a class.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Allowed, or not.
    pub allows: bool,
    /// Who asked, of the pairs that the class stands for the first.
    pub from: Client,
    /// For what.
    pub to: Destination,
    /// Who decided, and why.
    pub step: Option<Step>,
}

impl Answer {
    /// `waypoint httpbin/waypoint: denied by …`
    pub fn text(&self, mesh: &Mesh) -> String {
        match &self.step {
            Some(step) => format!("{}: {}", mesh.point_name(step.point), mesh.reason_text(step)),
            None => "no proxy decides".to_owned(),
        }
    }

    /// The rule that decided, as the proxy's log names it.
    pub fn rule(&self, mesh: &Mesh) -> Option<String> {
        mesh.log_id(self.step.as_ref()?)
    }
}

/// Asks a mesh.
///
/// # Errors
/// Why the answer is not known.
pub fn ask(directory: &Directory<'_>, sample: &Sample, class: &Class) -> Result<Answer, Why> {
    let located = directory.locate(sample, class)?;
    let mesh = directory.mesh;
    let (http, whole, raw_tcp) = match class.content {
        Content::Http { method, path, whole, host } => {
            let http = HttpRequest {
                method: sample.text(method).to_owned(),
                path: sample.text(path).to_owned(),
                host: host.map(|h| sample.text(h).to_owned()),
                ..HttpRequest::default()
            };
            (http, whole, false)
        }
        Content::SomeHttp => (HttpRequest::default(), false, false),
        // whatever it carried
        Content::Connection => (HttpRequest::default(), false, true),
    };
    let sni = class.sni.map(|name| sample.text(name).to_owned());
    let http = HttpRequest { sni, edge_port: class.from.accepted_port, ..http };
    let mut answer: Option<Answer> = None;
    for from in &located.from {
        for to in &located.to {
            let request = Request { from: *from, to: *to, http: http.clone(), raw_tcp };
            let one = decided(mesh, &request, whole, class)?;
            match &answer {
                None => answer = Some(one),
                Some(first) if first.allows == one.allows => {}
                Some(first) if first.from == one.from => return Err(Why::SeveralDestinations),
                Some(_) => return Err(Why::SeveralWorkloads),
            }
        }
    }
    answer.ok_or(Why::NoDestination)
}

fn decided(mesh: &Mesh, request: &Request, whole: bool, class: &Class) -> Result<Answer, Why> {
    if class.content == Content::Connection {
        let as_http = Request { raw_tcp: false, ..request.clone() };
        // what a proxy saw as bytes may have been HTTP: where the port says so, it was
        if mesh.speaks_http(request.to) {
            return settled(mesh, &as_http, Known::Nothing);
        }
        // elsewhere a proxy behind may have found HTTP in them; the server's own tells what it found
        if class.reporter != Reporter::Server {
            let http = settled(mesh, &as_http, Known::Nothing)?;
            let bytes = settled(mesh, request, Known::Nothing)?;
            return if http.allows == bytes.allows { Ok(http) } else { Err(Why::LeftOut) };
        }
    }
    settled(mesh, request, if whole { Known::Line } else { Known::Nothing })
}

/// What a mesh says to a request, where nothing else of it can turn that.
fn settled(mesh: &Mesh, request: &Request, known: Known) -> Result<Answer, Why> {
    let decision = mesh.decide(request);
    let depends = decision.walks.iter().flat_map(|w| &w.steps).any(|s| s.depends_on_request);
    let unknown_address = decision.walks.iter().flat_map(|w| &w.steps).any(|s| s.unknown_address);
    let open = match known {
        Known::Nothing => depends,
        Known::Line => depends && mesh.depends_on_unlogged(request),
    };
    if open || unknown_address {
        return Err(Why::LeftOut);
    }
    answer(request, &decision)
}

/// How much of a request is known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    /// Method, path and authority.
    Line,
    /// That there was one.
    Nothing,
}

fn answer(request: &Request, decision: &Decision) -> Result<Answer, Why> {
    let step = decision.walk().and_then(|walk| walk.deciding()).copied();
    let allows = match decision.verdict {
        Verdict::Allow => true,
        Verdict::Deny => false,
        _ => return Err(Why::Undecided),
    };
    Ok(Answer { allows, from: request.from, to: request.to, step })
}
