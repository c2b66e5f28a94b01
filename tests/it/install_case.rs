//! Cases of install resources: `tests/install/<case>/spec.yaml` and, where there is one, the base
//! beside it. The spec has the words of an Environment and of one cluster of it.
//!
//! Two test binaries use it, neither of them all of it.
#![allow(dead_code, reason = "see above")]
#![allow(clippy::expect_used, clippy::panic, reason = "a test may fail this way")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use waypost::diagnostic::{Diagnostic, FileId, Places, Sources};
use waypost::k8s::{Labels, Object};
use waypost::model::{
    Cluster, ClusterName, ControlPlane, DataplaneMode, EdgeEnv, Environment, EnvironmentName,
    InjectionLabel, InstallBase, InstallOutput, Lifecycle, ManagementPlane, Namespace,
    NamespaceName, ObjectName, Owner, Ownership, Platform, Reached, Restart, SecuritySetting,
    TrustDomain, TsbObjects, Version, Waypoint, WaypointChoice, WaypointFor,
};
use waypost::translate::install::{InstallFiles, control_plane, management_plane};
use waypost::yaml::{Budget, Node, read};

/// A case as it was read.
pub struct Case {
    pub name: String,
    pub sources: Sources,
    pub environment: Environment,
}

/// What a case comes to.
pub struct Outcome {
    pub control_plane: InstallFiles,
    pub management_plane: InstallFiles,
    pub found: Vec<Diagnostic>,
}

impl Case {
    /// The files and findings for the output that the spec says, or another one.
    pub fn run(&self, output: Option<InstallOutput>) -> Outcome {
        let mut environment = self.environment.clone();
        if let Some(output) = output {
            for cluster in environment.clusters.values_mut() {
                if let Some(plane) = &mut cluster.control_plane {
                    plane.output = output;
                }
            }
            if let Some(plane) = &mut environment.management_plane {
                plane.output = output;
            }
        }
        let cluster = environment.clusters.values().next().expect("a cluster");
        let (control_plane, mut found) = control_plane(&environment, cluster);
        let (management_plane, more) = management_plane(&environment, cluster);
        found.extend(more);
        waypost::diagnostic::sort(&mut found);
        Outcome { control_plane, management_plane, found }
    }
}

/// Every case, by name.
pub fn cases() -> Vec<Case> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/install");
    let mut folders: Vec<PathBuf> = std::fs::read_dir(&root)
        .expect("tests/install")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders.iter().map(|folder| load(folder)).collect()
}

/// One case.
pub fn case(name: &str) -> Case {
    load(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/install").join(name))
}

fn load(folder: &Path) -> Case {
    let name = folder.file_name().expect("a name").to_string_lossy().into_owned();
    let mut sources = Sources::default();
    let spec = document(folder, "spec.yaml", &mut sources).expect("spec.yaml");
    let plain = spec.to_json();
    let text = |pointer: &str| plain.pointer(pointer).and_then(Value::as_str);
    let cluster_name = ClusterName::parse("c1").expect("a name");
    let platform = Platform::parse(text("/platform").unwrap_or("generic")).expect("a platform");
    let origin = spec.span;

    let control_plane = spec.get("controlPlane").map(|node| {
        let value = node.to_json();
        let flag = |key: &str| value.get(key).and_then(Value::as_bool);
        ControlPlane {
            base: base(folder, &value, &mut sources),
            output: output(&value),
            ambient: flag("ambient"),
            spm_agent: flag("spmAgent"),
            cni: mapping(&value, "/cni"),
            edge_env: list(&value, "/edge/env")
                .iter()
                .map(|v| EdgeEnv { name: string(v, "name"), value: string(v, "value") })
                .collect(),
            spec: mapping(&value, "/spec"),
            places: places(node),
            origin: node.span,
        }
    });
    let management_plane = spec.get("managementPlane").map(|node| {
        let value = node.to_json();
        ManagementPlane {
            cluster: cluster_name.clone(),
            base: base(folder, &value, &mut sources),
            output: output(&value),
            spm_agent_receiver: value.pointer("/oap/spmAgentReceiver").and_then(Value::as_bool),
            spec: mapping(&value, "/spec"),
            places: places(node),
            origin: node.span,
        }
    });
    let namespaces = list(&plain, "/namespaces").iter().map(|value| {
        let name = NamespaceName::parse(&string(value, "name")).expect("a namespace");
        let namespace = Namespace {
            name: name.clone(),
            lifecycle: Lifecycle::Adopt,
            mode: match value["mode"].as_str() {
                Some("ambient") => DataplaneMode::Ambient,
                Some("none") => DataplaneMode::None,
                _ => DataplaneMode::Sidecar,
            },
            revision: None,
            waypoint: value.get("waypoint").map(waypoint),
            waypoint_choice: match value.get("waypoint") {
                Some(_) => WaypointChoice::Said,
                None => WaypointChoice::Unsaid,
            },
            labels: Labels::new(),
            workloads: BTreeMap::new(),
            services: BTreeMap::new(),
            other_pods: Vec::new(),
            others: std::collections::BTreeSet::new(),
            security: SecuritySetting::default(),
            workspace: None,
            gateways: Vec::new(),
            origin,
        };
        (name, namespace)
    });
    let cluster = Cluster {
        name: cluster_name.clone(),
        platform,
        trust_domain: TrustDomain::parse("c1.tsb.local").expect("a trust domain"),
        mesh_config: Map::default(),
        control_plane,
        default_waypoint: plain.pointer("/waypoints/default").map(waypoint),
        namespaces: namespaces.collect(),
        origin,
    };
    let environment = Environment {
        name: EnvironmentName::parse("test").expect("a name"),
        organization: "tetrate".to_owned(),
        tsb: Version::parse(text("/versions/tsb").unwrap_or("1.13")).expect("a version"),
        istio: Version::parse(text("/versions/istio").unwrap_or("1.24")),
        ownership: Ownership {
            waypoints: match text("/ownership/waypoints") {
                Some("tsb") => Owner::Tsb,
                _ => Owner::GitOps,
            },
            policies: Owner::GitOps,
            direct: waypost::model::DirectOwner::User,
        },
        injection_label: InjectionLabel::default(),
        restart: Restart::default(),
        clusters: BTreeMap::from([(cluster_name, cluster)]),
        management_plane,
        stages: Vec::new(),
        reached: Reached::None,
        tsb_objects: TsbObjects::default(),
        delivery: None,
        origin,
    };
    Case { name, sources, environment }
}

fn document(folder: &Path, file: &str, sources: &mut Sources) -> Option<Node> {
    let text = std::fs::read_to_string(folder.join(file)).ok()?;
    let id: FileId = sources.add(file, text.as_str());
    let (mut documents, found) = read(id, &text, &Budget::SPEC);
    assert!(found.is_empty(), "{}/{file}: {found:?}", folder.display());
    assert_eq!(documents.len(), 1, "{}/{file}", folder.display());
    documents.pop().map(|document| document.root)
}

fn base(folder: &Path, value: &Value, sources: &mut Sources) -> Option<InstallBase> {
    let file = value.get("base")?.as_str()?;
    let node = document(folder, file, sources).expect("the base");
    Some(InstallBase::new(Object::from_node(node).expect("an object")))
}

fn output(value: &Value) -> InstallOutput {
    match value.get("output").and_then(Value::as_str) {
        Some("full") => InstallOutput::Full,
        _ => InstallOutput::Overlay,
    }
}

fn places(node: &Node) -> Places {
    node.places()
}

fn waypoint(value: &Value) -> Waypoint {
    let name = ObjectName::parse(value["name"].as_str().unwrap_or("waypoint")).expect("a name");
    Waypoint {
        waypoint_for: match value["for"].as_str() {
            Some("service") => WaypointFor::Service,
            _ => WaypointFor::All,
        },
        replicas: value["replicas"].as_u64().and_then(|n| u32::try_from(n).ok()),
        resources: value.get("resources").cloned(),
        autoscaling: value.get("autoscaling").cloned(),
        tolerations: value.get("tolerations").cloned(),
        pod_disruption_budget: value.get("podDisruptionBudget").cloned(),
        service: value.get("service").cloned(),
        labels: labels(&value["labels"]),
        annotations: labels(&value["annotations"]),
        revision: value["revision"].as_str().map(str::to_owned),
        ..Waypoint::named(name)
    }
}

fn labels(value: &Value) -> Labels {
    let map = value.as_object().cloned().unwrap_or_default();
    map.into_iter().map(|(key, value)| (key, value.as_str().expect("a text").to_owned())).collect()
}

fn mapping(value: &Value, pointer: &str) -> Map<String, Value> {
    value.pointer(pointer).and_then(Value::as_object).cloned().unwrap_or_default()
}

fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn string(value: &Value, key: &str) -> String {
    value[key].as_str().expect("a text").to_owned()
}
