//! What people take out of a cluster.

use std::collections::BTreeMap;

use super::Expected;
use super::table::{self, TableRow};
use crate::diagnostic::{Diagnostic, FileId, Position, Severity, Span};
use crate::k8s::{GroupVersionKind, Object, ObjectRef, objects_of};
use crate::model::Unit;
use crate::yaml::{Budget, Node, Value, read};

/// Everything that was taken out of a cluster.
#[derive(Clone, Debug, Default)]
pub struct Dump {
    pub(super) objects: BTreeMap<ObjectRef, Object>,
    pub(super) services: Vec<ZtunnelService>,
    pub(super) workloads: Vec<ZtunnelWorkload>,
    pub(super) lines: Vec<LogLine>,
    /// Namespace and name of the policies that ztunnel has, by its table.
    pub(super) policies: Vec<(String, String)>,
    /// What came through waypoints, by their own logs.
    pub(super) requests: Vec<Request>,
}

/// A request in a waypoint's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    /// The namespace of the Service that it was for.
    pub namespace: String,
}

/// A service as ztunnel knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ZtunnelService {
    pub namespace: String,
    pub name: String,
    /// Where its waypoint is; `None` where it has none.
    pub waypoint: Option<String>,
    pub addresses: Vec<String>,
    pub span: Span,
}

/// A pod as ztunnel knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ZtunnelWorkload {
    pub namespace: String,
    pub name: String,
    pub protocol: String,
    pub span: Span,
}

/// A connection in ztunnel's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LogLine {
    pub time: String,
    pub fields: BTreeMap<String, String>,
    pub span: Span,
}

impl LogLine {
    pub fn get(&self, key: &str) -> &str {
        self.fields.get(key).map_or("", String::as_str)
    }
}

impl Dump {
    /// Takes a file in: objects (`kubectl get … -o yaml` or `json`), ztunnel's configuration
    /// (`istioctl ztunnel-config … -o json`), or ztunnel's log, whichever it is.
    pub fn add(&mut self, file: FileId, text: &str) -> Vec<Diagnostic> {
        if !is_structured(text) {
            return match table::rows(text) {
                Some(rows) => {
                    self.add_table(file, text, rows);
                    Vec::new()
                }
                None => self.add_log(file, text),
            };
        }
        let (documents, mut found) = read(file, text, &Budget::MANIFESTS);
        found.retain(Diagnostic::is_error);
        if !found.is_empty() {
            return found;
        }
        let is_object =
            |root: &Node| root.get("apiVersion").is_some() && root.get("kind").is_some();
        let is_dump = |root: &Node| is_object(root) || is_ztunnel(root) || is_empty(root);
        if !documents.is_empty() && !documents.iter().any(|document| is_dump(&document.root)) {
            return vec![skipped(documents[0].root.span)];
        }
        let (ztunnel, objects): (Vec<_>, Vec<_>) =
            documents.into_iter().partition(|document| is_ztunnel(&document.root));
        for document in ztunnel {
            self.add_ztunnel(&document.root);
        }
        let (objects, mut found) = objects_of(objects);
        found.retain(Diagnostic::is_error);
        for object in objects {
            // one without a list of items is left as it is
            if object.gvk.is("", "List") {
                found.push(not_a_dump(object.span()));
            }
            self.objects.insert(object.reference(), object);
        }
        found
    }

    fn add_ztunnel(&mut self, root: &Node) {
        for key in ["workloads", "by_addr"] {
            self.add_each(root.get(key));
        }
        for key in ["services", "by_vip"] {
            self.add_each(root.get(key));
        }
        if root.as_list().is_some() {
            self.add_each(Some(root));
        }
    }

    fn add_each(&mut self, nodes: Option<&Node>) {
        let each: Vec<&Node> = match nodes.map(|n| &n.value) {
            Some(Value::List(items)) => items.iter().collect(),
            Some(Value::Mapping(mapping)) => mapping.entries.iter().map(|e| &e.value).collect(),
            _ => return,
        };
        for node in each {
            let text = |key: &str| node.get(key).and_then(Node::as_str).unwrap_or_default();
            let (namespace, name) = (text("namespace").to_owned(), text("name").to_owned());
            if is_service(node) {
                let destination = node.get("waypoint").and_then(|w| w.get("destination"));
                let destination = destination.and_then(Node::as_str).filter(|d| !d.is_empty());
                let list = ["vips", "addresses"].iter().find_map(|key| node.get(key)?.as_list());
                let addresses = list.into_iter().flatten().filter_map(Node::as_str);
                let service = ZtunnelService {
                    namespace,
                    name,
                    waypoint: destination.map(str::to_owned),
                    addresses: addresses.map(str::to_owned).collect(),
                    span: node.span,
                };
                // a map by address has a service once for each
                let is_known = |s: &ZtunnelService| {
                    (&s.namespace, &s.name) == (&service.namespace, &service.name)
                };
                if !self.services.iter().any(is_known) {
                    self.services.push(service);
                }
            } else {
                let protocol = text("protocol").to_owned();
                self.workloads.push(ZtunnelWorkload { namespace, name, protocol, span: node.span });
            }
        }
    }

    fn add_table(&mut self, file: FileId, text: &str, rows: Vec<(usize, TableRow<'_>)>) {
        let lengths: Vec<usize> = text.split_inclusive('\n').map(str::len).collect();
        let mut offsets = Vec::with_capacity(lengths.len());
        let mut offset = 0;
        for length in &lengths {
            offsets.push(offset);
            offset += length;
        }
        for (number, row) in rows {
            let length = lengths.get(number).copied().unwrap_or_default().saturating_sub(1);
            let offset = offsets.get(number).copied().unwrap_or_default();
            let span = line_span(file, number, offset, length);
            match row {
                TableRow::Other => {}
                TableRow::Workload { namespace, name, protocol } => {
                    self.workloads.push(ZtunnelWorkload {
                        namespace: namespace.to_owned(),
                        name: name.to_owned(),
                        protocol: protocol.to_owned(),
                        span,
                    });
                }
                TableRow::Service { namespace, name, addresses, waypoint } => {
                    let is_known = |s: &ZtunnelService| s.namespace == namespace && s.name == name;
                    if !self.services.iter().any(is_known) {
                        // the table gives a waypoint's name alone
                        let host = format!("{waypoint}.{namespace}");
                        self.services.push(ZtunnelService {
                            namespace: namespace.to_owned(),
                            name: name.to_owned(),
                            waypoint: (waypoint != "None").then_some(host),
                            addresses: addresses.into_iter().map(str::to_owned).collect(),
                            span,
                        });
                    }
                }
                TableRow::Policy { namespace, name } => {
                    self.policies.push((namespace.to_owned(), name.to_owned()));
                }
            }
        }
    }

    fn add_log(&mut self, file: FileId, text: &str) -> Vec<Diagnostic> {
        let before = self.count();
        let mut offset = 0;
        for (number, line) in text.split_inclusive('\n').enumerate() {
            let trimmed = line.trim_end();
            if let Some((time, fields)) = connection(trimmed) {
                let span = line_span(file, number, offset, trimmed.len());
                self.lines.push(LogLine { time, fields, span });
            } else if let Some(host) = table::requested(trimmed) {
                let namespace = host.split('.').nth(1).unwrap_or_default().to_owned();
                self.requests.push(Request { namespace });
            }
            offset += line.len();
        }
        if self.count() > before || text.trim().is_empty() {
            return Vec::new();
        }
        vec![skipped(line_span(file, 0, 0, text.lines().next().unwrap_or_default().len()))]
    }

    /// How many things it tells.
    pub fn count(&self) -> usize {
        let Self { objects, services, workloads, lines, policies, requests } = self;
        objects.len()
            + services.len()
            + workloads.len()
            + lines.len()
            + policies.len()
            + requests.len()
    }

    /// True where it tells of more than appliers and ztunnel: of what is in the cluster.
    pub fn tells_of_cluster(&self) -> bool {
        let of_applier =
            |o: &Object| o.gvk.group == "argoproj.io" || o.gvk.group.ends_with("toolkit.fluxcd.io");
        self.objects.values().any(|object| !of_applier(object))
    }

    pub(super) fn get(&self, reference: &ObjectRef) -> Option<&Object> {
        self.objects.get(reference)
    }

    pub(super) fn namespace(&self, name: &str) -> Option<&Object> {
        self.get(&reference("", "Namespace", None, name))
    }

    /// The objects of a kind.
    pub(super) fn of_kind<'a>(
        &'a self,
        group: &'a str,
        kind: &'a str,
    ) -> impl Iterator<Item = &'a Object> {
        let all = self.objects.range(reference(group, kind, None, "")..).map(|(_, object)| object);
        all.take_while(move |o| o.gvk.is(group, kind))
    }

    /// The objects of a kind in a namespace.
    pub(super) fn inside<'a>(
        &'a self,
        namespace: &'a str,
        group: &'a str,
        kind: &'a str,
    ) -> impl Iterator<Item = &'a Object> {
        let all = self.objects.range(reference(group, kind, Some(namespace), "")..);
        all.map(|(_, object)| object)
            .take_while(move |o| o.gvk.is(group, kind) && o.namespace.as_deref() == Some(namespace))
    }

    pub(super) fn has_kind(&self, group: &str, kind: &str) -> bool {
        self.of_kind(group, kind).next().is_some()
    }
}

/// A file that is something else: what lies beside dumps does no harm.
fn skipped(at: Span) -> Diagnostic {
    let mut diagnostic = not_a_dump(at);
    diagnostic.severity = Severity::Warning;
    diagnostic.message = "skipped: neither objects, ztunnel's configuration nor a log".to_owned();
    diagnostic
}

fn not_a_dump(at: Span) -> Diagnostic {
    Diagnostic::error("not-a-dump", "neither objects, ztunnel's configuration nor its log")
        .at(at, "")
        .help(
            "take it with `kubectl get … -o json --show-managed-fields`, `istioctl ztunnel-config all -o json`, or `kubectl logs -n istio-system -l app=ztunnel`",
        )
}

fn reference(group: &str, kind: &str, namespace: Option<&str>, name: &str) -> ObjectRef {
    ObjectRef {
        group: group.to_owned(),
        kind: kind.to_owned(),
        namespace: namespace.map(str::to_owned),
        name: name.to_owned(),
    }
}

/// A line of a log, from 0.
fn line_span(file: FileId, number: usize, offset: usize, bytes: usize) -> Span {
    let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let at = |bytes| Position {
        line: small(number + 1),
        column: small(bytes + 1),
        offset: small(offset + bytes),
    };
    Span { file, start: at(0), end: at(bytes) }
}

fn is_structured(text: &str) -> bool {
    let start = text.trim_start();
    // a log's line begins with its time or its pod in brackets
    let is_list = |rest: &str| rest.trim_start().starts_with(['{', ']']);
    start.starts_with('{')
        || start.strip_prefix('[').is_some_and(is_list)
        || text.lines().any(|l| l.starts_with("apiVersion:"))
}

/// An answer that holds nothing.
fn is_empty(root: &Node) -> bool {
    match &root.value {
        Value::List(items) => items.is_empty(),
        Value::Mapping(mapping) => mapping.entries.is_empty(),
        value => matches!(value, Value::Null),
    }
}

fn is_ztunnel(root: &Node) -> bool {
    let has = |key| root.get(key).is_some();
    let is_object = has("apiVersion") && has("kind");
    let in_list = root.as_list().and_then(<[Node]>::first);
    let is_entry =
        |n: &Node| is_service(n) || n.get("workloadIps").is_some() || n.get("protocol").is_some();
    (!is_object && ["workloads", "services", "by_addr", "by_vip"].iter().any(|key| has(key)))
        || in_list.is_some_and(is_entry)
}

fn is_service(node: &Node) -> bool {
    node.get("hostname").is_some()
        && ["vips", "addresses"].iter().any(|k| node.get(k).is_some())
        && node.get("workloadIps").is_none()
}

/// `<time> info access connection complete key=value key="value" …`
fn connection(line: &str) -> Option<(String, BTreeMap<String, String>)> {
    let at = line.find("access")?;
    let rest = line.get(at..).filter(|rest| rest.contains("connection complete"))?;
    // `kubectl logs --prefix` writes the pod's name before it
    let time = line.get(..at)?.split_whitespace().find(|word| word.contains('T'))?;
    let mut fields = BTreeMap::new();
    let mut rest = rest.split_once("connection complete")?.1;
    loop {
        rest = rest.trim_start();
        let Some((key, after)) = rest.split_once('=') else { break };
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => after.split_once(' ').unwrap_or((after, "")),
        };
        fields.insert(key.to_owned(), value.to_owned());
        rest = after;
    }
    Some((time.to_owned(), fields))
}

/// The commands that take out of a live cluster what a verification wants, the program first.
pub fn commands(expected: &Expected<'_>) -> Vec<Vec<String>> {
    let mut kinds: Vec<String> = [
        ("", "v1", "Namespace"),
        ("", "v1", "Pod"),
        ("", "v1", "Service"),
        ("apps", "v1", "DaemonSet"),
    ]
    .iter()
    .map(|(group, version, kind)| resource(group, version, kind))
    .collect();
    // a cluster without TSB has none of its kinds: they are asked for apart from the others
    let mut of_tsb: Vec<String> = Vec::new();
    for (unit, object) in expected.applied {
        let GroupVersionKind { group, version, kind } = &object.gvk;
        let is_tsb = matches!(unit, Unit::Platform | Unit::Tsb) && !group.is_empty();
        let list = if is_tsb { &mut of_tsb } else { &mut kinds };
        list.push(resource(group, version, kind));
    }
    for object in expected.direct {
        let GroupVersionKind { group, version, kind } = &object.gvk;
        kinds.push(resource(group, version, kind));
    }
    for list in [&mut kinds, &mut of_tsb] {
        list.sort();
        list.dedup();
    }
    let get = |kinds: &[String], scope: &[&str]| -> Vec<String> {
        let mut words = vec!["kubectl".to_owned(), "get".to_owned(), kinds.join(",")];
        words.extend(scope.iter().map(|word| (*word).to_owned()));
        words.extend(["-o", "json", "--show-managed-fields"].map(str::to_owned));
        words
    };
    let mut all = vec![get(&kinds, &["--all-namespaces"])];
    if !of_tsb.is_empty() {
        all.push(get(&of_tsb, &["--all-namespaces"]));
    }
    let mut told: Vec<(String, String)> = Vec::new();
    for object in expected.told {
        let version = if object.group == "argoproj.io" { "v1alpha1" } else { "v1" };
        let namespace = object.namespace.clone().unwrap_or_default();
        if matches!(object.kind.as_str(), "Application" | "ApplicationSet" | "Kustomization") {
            let kind =
                if object.kind == "ApplicationSet" { "Application" } else { object.kind.as_str() };
            told.push((namespace, resource(&object.group, version, kind)));
        }
    }
    told.sort();
    told.dedup();
    all.extend(told.into_iter().map(|(namespace, kind)| get(&[kind], &["-n", &namespace])));
    let words = |text: &str| text.split(' ').map(str::to_owned).collect();
    all.push(words("istioctl ztunnel-config all -o json"));
    all.push(words("kubectl logs -n istio-system -l app=ztunnel --since=10m --tail=5000"));
    all
}

/// As kubectl takes it without asking which name of it is meant.
fn resource(group: &str, version: &str, kind: &str) -> String {
    if group.is_empty() { kind.to_owned() } else { format!("{kind}.{version}.{group}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_ztunnel() {
        let line = r#"[pod/ztunnel-x] 2025-12-12T06:47:32.631224Z	info	access	connection complete	src.addr=10.0.0.1:1 src.workload="sleep-1" dst.service="a b" error="c=d" direction="outbound""#;
        let (time, fields) = connection(line).expect("a connection");
        assert_eq!(time, "2025-12-12T06:47:32.631224Z");
        assert_eq!(fields["src.workload"], "sleep-1");
        assert_eq!(fields["dst.service"], "a b");
        assert_eq!(fields["error"], "c=d");
        assert_eq!(fields["direction"], "outbound");
        assert_eq!(connection("2025-12-12T06:47:32Z info proxy starting"), None);
    }

    #[test]
    fn every_form_of_a_dump_is_told_apart() {
        let mut dump = Dump::default();
        for text in [
            r#"[{"name": "a", "namespace": "n", "protocol": "HBONE", "workloadIps": ["10.0.0.1"]}]"#,
            r#"{"services": [{"name": "s", "namespace": "n", "hostname": "s.n", "vips": ["/10.1.0.1"], "waypoint": {"destination": "/10.1.0.2"}}], "workloads": [{"name": "b", "namespace": "n", "protocol": "TCP"}]}"#,
            r#"{"by_addr": {"/10.0.0.3": {"name": "c", "namespace": "n", "protocol": "TCP"}}, "by_vip": {"/10.1.0.9": {"name": "t", "namespace": "n", "hostname": "t.n", "vips": ["/10.1.0.9"]}}}"#,
            "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: p, namespace: \"n\"}\n",
        ] {
            assert_eq!(dump.add(FileId(0), text).len(), 0, "{text}");
        }
        let names: Vec<&str> = dump.workloads.iter().map(|w| w.name.as_str()).collect();
        assert_eq!(names, ["a", "b", "c"]);
        let waypoints: Vec<_> = dump.services.iter().map(|s| s.waypoint.as_deref()).collect();
        assert_eq!(waypoints, [Some("/10.1.0.2"), None]);
        assert_eq!(dump.objects.len(), 1);
        assert_eq!(dump.add(FileId(0), "hello\n")[0].code, "not-a-dump");
        assert_eq!(dump.add(FileId(0), "").len(), 0);
    }
}
