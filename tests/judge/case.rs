//! A case for the judge: objects, one enforcement point, and requests with everything the point sees
//! (`tests/mesh/istio/judge/types.go` is the format); and the simulator's answer to it.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use waypost::k8s::Labels;
use waypost::simulate::{
    GatewayId, HttpRequest, Mesh, Options, PathNormalization, Reason, Seen, ServiceId, Step, Token,
    WorkloadId,
};

#[path = "objects.rs"]
mod objects;

use objects::parse;

/// One set of objects, one enforcement point, and the requests put to it.
#[derive(Deserialize)]
pub struct Case {
    /// What is asked.
    pub id: String,
    objects: String,
    #[serde(default)]
    mesh: String,
    workload: Point,
    requests: Vec<Request>,
}

#[derive(Deserialize)]
struct Point {
    kind: String,
    namespace: String,
    #[serde(default)]
    labels: Labels,
    #[serde(default)]
    name: String,
    #[serde(default)]
    san_check: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Request {
    principal: String,
    tls: String,
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

/// Where the case's question is put.
enum Place {
    Sidecar(WorkloadId),
    Waypoint(GatewayId),
    Gateway(WorkloadId),
}

/// Answers all requests of a case: verdict, and the rule that decided where one did.
pub fn answer(case: &Case) -> anyhow::Result<Vec<Value>> {
    let mut objects = parse(&case.objects)?;
    let point = &case.workload;
    objects.extend(point_object(point).map(|o| parse(&o)).transpose()?.into_iter().flatten());
    let (mesh, _) = Mesh::from_objects(&objects, &options(&case.mesh, point.san_check)?);
    // istiod makes the pods of a Gateway of Gateway API; any other point is the one of `point_object`
    let made = format!("{}-istio", point.name);
    let name = if point.kind == "gateway" && !point.name.is_empty() { &made } else { POINT };
    let workload = || mesh.workloads().find(|(_, w)| w.name == name).map(|(id, _)| id);
    let place = match point.kind.as_str() {
        "sidecar" => workload().map(Place::Sidecar),
        "gateway" => workload().map(Place::Gateway),
        "waypoint" => {
            let gateway = mesh.gateways().find(|(_, g)| g.name == point.name);
            gateway.map(|(id, _)| Place::Waypoint(id))
        }
        _ => None,
    };
    let place = place.ok_or_else(|| anyhow::anyhow!("{}: no such enforcement point", case.id))?;
    Ok(case.requests.iter().map(|request| verdict(&mesh, &place, request)).collect())
}

const POINT: &str = "the-point-that-is-asked";

fn point_object(point: &Point) -> Option<String> {
    let object = match (point.kind.as_str(), point.name.as_str()) {
        ("waypoint", name) => json!({
            "apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway",
            "metadata": {"name": name, "namespace": point.namespace,
                         "labels": {"istio.io/waypoint-for": "all"}},
            "spec": {"gatewayClassName": "istio-waypoint",
                     "listeners": [{"name": "mesh", "port": 15008, "protocol": "HBONE",
                                    "allowedRoutes": {"namespaces": {"from": "All"}}}]}
        }),
        ("sidecar", _) | ("gateway", "") => json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": POINT, "namespace": point.namespace, "labels": point.labels},
            "spec": {"containers": [{"name": "istio-proxy"}]}
        }),
        _ => return None,
    };
    Some(object.to_string())
}

fn options(mesh: &str, san_check: bool) -> anyhow::Result<Options> {
    let settings: Value = serde_yaml::from_str(mesh).unwrap_or_default();
    let text = |key: &str| settings.get(key).and_then(Value::as_str).map(str::to_owned);
    let providers = settings.get("extensionProviders").and_then(Value::as_array);
    let providers = providers.into_iter().flatten().filter_map(|p| p.get("name")?.as_str());
    let mut options = Options {
        extension_providers: Some(providers.map(|p| (p.to_owned(), Value::Null)).collect()),
        // the harness enforces also what the webhook would refuse
        webhook: false,
        ..Options::default()
    };
    options.features.skip_validate_trust_domain = !san_check;
    let topology = settings.get("defaultConfig").and_then(|c| c.get("gatewayTopology"));
    let trusted = topology.and_then(|t| t.get("numTrustedProxies")).and_then(Value::as_u64);
    options.trusted_proxies = trusted.unwrap_or_default().try_into()?;
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
    // a waypoint's own TLS carries no name that policies see
    let is_tls = match place {
        Place::Sidecar(_) => peer.is_some(),
        Place::Waypoint(_) => false,
        Place::Gateway(_) => !request.tls.is_empty(),
    };
    let service = service(mesh, &request.dest_service);
    let vip = service.and_then(|s| mesh.service(s).vip);
    let token = match &request.jwt {
        None => Token::None,
        Some(claims) if request.bad_jwt || is_expired(claims) => Token::Invalid,
        Some(claims) => Token::Valid(Value::Object(claims.clone())),
    };
    let source = or(&request.source_ip, "127.0.0.1");
    let seen = Seen {
        sni: if is_tls { request.sni.clone() } else { String::new() },
        peer,
        source_ip: source.parse().ok(),
        remote_ip: request.remote_ip.parse().ok(),
        destination_ip: vip.or_else(|| or(&request.dest_ip, "10.254.0.1").parse().ok()),
        destination_port: port,
        is_tls,
        speaks_http: request.protocol != "tcp",
        http: HttpRequest {
            method: or(&request.method, "GET"),
            path: or(&request.path, "/"),
            host: Some(or(&request.host, "app")),
            headers: headers(request),
            token,
            sni: None,
            edge_port: None,
        },
    };
    let step = match place {
        Place::Sidecar(id) => mesh.ask_sidecar(*id, &seen),
        Place::Waypoint(id) => mesh.ask_waypoint(*id, service, &seen),
        Place::Gateway(id) => mesh.ask_gateway(*id, &seen),
    };
    result(mesh, &step)
}

/// The headers as they arrive: HTTP/2 tells the scheme, and has one cookie however many crumbs are sent.
fn headers(request: &Request) -> Vec<(String, String)> {
    if request.protocol != "http2" {
        return request.headers.clone();
    }
    let is_cookie = |name: &str| name.eq_ignore_ascii_case("cookie");
    let (crumbs, mut headers): (Vec<_>, Vec<_>) =
        request.headers.iter().cloned().partition(|(name, _)| is_cookie(name));
    headers.push((":scheme".to_owned(), "http".to_owned()));
    if !crumbs.is_empty() {
        let crumbs: Vec<String> = crumbs.into_iter().map(|(_, crumb)| crumb).collect();
        headers.push(("cookie".to_owned(), crumbs.join("; ")));
    }
    headers
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
        Reason::NoClientCertificate(_) | Reason::TrustDomain => "refused",
        reason if reason.is_refusal() => "deny",
        _ => "allow",
    };
    let mut answer = json!({"verdict": verdict});
    if let Reason::IfAuthorizerAllows(id) = step.reason {
        // the case's authorizers say yes; Envoy names the rule too
        let policy = mesh.policy(id);
        let (provider, namespace, name) = (&policy.provider, &policy.namespace, &policy.name);
        let asked = format!("istio-ext-authz-{provider}-ns[{namespace}]-policy[{name}]-");
        answer["asked"] = json!(asked);
    } else if let Some(id) = mesh.log_id(step) {
        answer["policy"] = json!(id);
    }
    answer
}
