//! Puts the simulator beside a real Envoy: reads cases as JSON lines, writes verdicts as JSON lines.
//!
//! A case is a set of objects, one enforcement point, and requests with everything the point sees:
//!
//! ```text
//! cargo run --release --example judge < cases.jsonl > verdicts.jsonl
//! ```
//!
//! Whatever asks the real Envoy reads the same cases; both outputs are compared line by line.

use std::io::{BufRead as _, Write as _};

use serde::Deserialize;
use serde_json::{Map, Value, json};
use waypost::diagnostic::Sources;
use waypost::k8s::{Labels, Object, objects_of};
use waypost::simulate::{
    GatewayId, HttpRequest, Mesh, Options, PathNormalization, Protocol, Reason, Seen, ServiceId,
    Step, Token, WorkloadId,
};
use waypost::yaml::{Budget, read};

#[derive(Deserialize)]
struct Case {
    id: String,
    objects: String,
    #[serde(default)]
    mesh: String,
    workload: Point,
    requests: Vec<Request>,
}

#[derive(Deserialize)]
struct Point {
    #[serde(default)]
    kind: String,
    namespace: String,
    #[serde(default)]
    labels: Labels,
    #[serde(default)]
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Request {
    principal: String,
    source_ip: String,
    remote_ip: String,
    dest_ip: String,
    dest_service: String,
    dest_port: u16,
    sni: String,
    protocol: String,
    method: String,
    path: String,
    host: String,
    headers: Vec<(String, String)>,
    jwt: Option<Map<String, Value>>,
    bad_jwt: bool,
}

fn main() -> anyhow::Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let case: Case = serde_json::from_str(&line)?;
        let results = answer(&case)?;
        serde_json::to_writer(&mut out, &json!({"id": case.id, "results": results}))?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// Where the case's question is put.
enum Place {
    Sidecar(WorkloadId),
    Waypoint(GatewayId),
}

fn answer(case: &Case) -> anyhow::Result<Vec<Value>> {
    let mut objects = parse(&case.objects)?;
    let is_waypoint = case.workload.kind == "waypoint";
    objects.extend(parse(&point_object(&case.workload))?);
    let (mesh, _) = Mesh::from_objects(&objects, &options(&case.mesh)?);
    let place = if is_waypoint {
        let gateway = mesh.gateways().find(|(_, g)| g.name == case.workload.name);
        Place::Waypoint(gateway.ok_or_else(|| anyhow::anyhow!("no waypoint"))?.0)
    } else {
        let workload = mesh.workloads().find(|(_, w)| w.name == POINT);
        Place::Sidecar(workload.ok_or_else(|| anyhow::anyhow!("no workload"))?.0)
    };
    Ok(case.requests.iter().map(|request| verdict(&mesh, &place, request)).collect())
}

const POINT: &str = "the-point-that-is-asked";

fn point_object(point: &Point) -> String {
    let object = if point.kind == "waypoint" {
        json!({
            "apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway",
            "metadata": {"name": point.name, "namespace": point.namespace},
            "spec": {"gatewayClassName": "istio-waypoint",
                     "listeners": [{"name": "mesh", "port": 15008, "protocol": "HBONE"}]}
        })
    } else {
        json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": POINT, "namespace": point.namespace, "labels": point.labels},
            "spec": {"containers": [{"name": "istio-proxy"}]}
        })
    };
    object.to_string()
}

fn parse(text: &str) -> anyhow::Result<Vec<Object>> {
    let mut sources = Sources::default();
    let file = sources.add("case", text);
    let (documents, found) = read(file, text, &Budget::MANIFESTS);
    if let Some(error) = found.iter().find(|d| d.is_error()) {
        anyhow::bail!("{}", error.message);
    }
    Ok(objects_of(documents).0)
}

fn options(mesh: &str) -> anyhow::Result<Options> {
    let settings: Value = serde_yaml::from_str(mesh).unwrap_or_default();
    let text = |key: &str| settings.get(key).and_then(Value::as_str).map(str::to_owned);
    let mut options = Options {
        // no external authorizer is configured
        extension_providers: Some(Default::default()),
        // the harness enforces also what the webhook would refuse
        webhook: false,
        ..Options::default()
    };
    if let Some(trust_domain) = text("trustDomain") {
        options.trust_domain = trust_domain;
    }
    if let Some(root) = text("rootNamespace") {
        options.root_namespace = root;
    }
    if let Some(aliases) = settings.get("trustDomainAliases").and_then(Value::as_array) {
        options.trust_domain_aliases =
            aliases.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    }
    let normalization = settings.get("pathNormalization").and_then(|p| p.get("normalization"));
    if let Some(word) = normalization.and_then(Value::as_str) {
        options.path_normalization = PathNormalization::parse(word)
            .ok_or_else(|| anyhow::anyhow!("unknown path normalization {word}"))?;
    }
    Ok(options)
}

fn verdict(mesh: &Mesh, place: &Place, request: &Request) -> Value {
    let or = |given: &str, default: &str| -> String {
        if given.is_empty() { default.to_owned() } else { given.to_owned() }
    };
    let port = if request.dest_port == 0 { 8080 } else { request.dest_port };
    let peer = match request.principal.as_str() {
        "" => None,
        uri if uri.contains("://") => Some(uri.to_owned()),
        principal => Some(format!("spiffe://{principal}")),
    };
    let service = service(mesh, &request.dest_service);
    let speaks_http = request.protocol != "tcp";
    let protocol = service
        .and_then(|s| mesh.service(s).ports.iter().find(|p| p.number == port))
        .map_or(Protocol::Unset, |p| p.protocol);
    let vip = service.and_then(|s| mesh.service(s).vip);
    let token = match &request.jwt {
        None => Token::None,
        Some(claims) if request.bad_jwt || is_expired(claims) => Token::Invalid,
        Some(claims) => Token::Valid(Value::Object(claims.clone())),
    };
    let source = or(&request.source_ip, "127.0.0.1");
    let seen = Seen {
        sni: if peer.is_some() { request.sni.clone() } else { String::new() },
        peer,
        source_ip: source.parse().ok(),
        remote_ip: request.remote_ip.parse().ok(),
        destination_ip: vip.or_else(|| or(&request.dest_ip, "10.254.0.1").parse().ok()),
        destination_port: port,
        chain: protocol.chain(speaks_http),
        http: HttpRequest {
            method: or(&request.method, "GET"),
            path: or(&request.path, "/"),
            host: Some(or(&request.host, "app")),
            headers: request.headers.clone(),
            token,
        },
    };
    let step = match place {
        Place::Sidecar(id) => mesh.ask_sidecar(*id, &seen),
        Place::Waypoint(_) if seen.peer.is_none() => return json!({"verdict": "error"}),
        Place::Waypoint(id) => mesh.ask_waypoint(*id, service, &seen),
    };
    result(mesh, &step)
}

/// The simulator has no clock: whoever makes a token says whether it verifies.
fn is_expired(claims: &Map<String, Value>) -> bool {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = now.map_or(0, |since| since.as_secs());
    claims.get("exp").and_then(Value::as_u64).is_some_and(|exp| exp < now)
}

fn service(mesh: &Mesh, name: &str) -> Option<ServiceId> {
    mesh.services().find(|(id, _)| mesh.service_name(*id) == name).map(|(id, _)| id)
}

fn result(mesh: &Mesh, step: &Step) -> Value {
    let verdict = match step.reason {
        Reason::NoClientCertificate(_) | Reason::TrustDomain => "error",
        reason if reason.is_refusal() => "deny",
        _ => "allow",
    };
    match mesh.log_id(step) {
        Some(id) => json!({"verdict": verdict, "policy": id}),
        None => json!({"verdict": verdict}),
    }
}
