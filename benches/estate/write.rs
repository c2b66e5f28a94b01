//! An environment of a given size, written as a person would have it: spec, TSB's resources, what runs
//! in the clusters with the policies of its teams, and access tests. The same size gives the same bytes.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// How large an environment is.
#[derive(Clone, Copy)]
pub struct Size {
    pub namespaces: usize,
    pub clusters: usize,
    /// Workloads of each namespace; each has a Service, an account and a policy.
    pub workloads: usize,
    pub stages: usize,
}

impl Size {
    /// An estate: 2,500 workloads and as many policies of their teams.
    pub const ESTATE: Self = Self { namespaces: 500, clusters: 3, workloads: 5, stages: 20 };

    /// An estate of as many namespaces, alike in everything else.
    pub fn of(namespaces: usize) -> Self {
        Self { namespaces, ..Self::ESTATE }
    }

    fn cluster(&self, namespace: usize) -> String {
        format!("cp-{}", namespace % self.clusters)
    }

    fn stage(&self, namespace: usize) -> usize {
        namespace * self.stages / self.namespaces
    }
}

/// Namespaces of one workspace: a team's.
const TEAM: usize = 5;

/// Writes the environment `name` below a repository's folder.
pub fn write(root: &Path, name: &str, size: &Size) {
    let folder = root.join("environments").join(name);
    let inventory = folder.join("inventory");
    let put = |path: &str, text: String| {
        fs::write(folder.join(path), text).expect("a file of the environment can be written");
    };
    for cluster in 0..size.clusters {
        fs::create_dir_all(inventory.join(format!("cp-{cluster}"))).expect("a folder");
    }
    put("environment.yaml", spec(name, size));
    put("tsb.yaml", tsb(size));
    put("access.yaml", tests(size));
    for number in 0..size.namespaces {
        let path = format!("inventory/{}/ns-{number:05}.yaml", size.cluster(number));
        put(&path, manifests(size, number));
    }
}

fn spec(name: &str, size: &Size) -> String {
    let mut text = format!(
        "apiVersion: waypost.dev/v1alpha1
kind: Environment
metadata:
  name: {name}
spec:
  organization: tetrate
  versions: {{tsb: \"1.13\", istio: \"1.24\"}}
  sources:
    tsb: [tsb.yaml]
    # each cluster's folder bears its name
    inventory: [inventory]
    access: [access.yaml]
  managementPlane: {{cluster: cp-0}}
  clusters:
"
    );
    for cluster in 0..size.clusters {
        let _ = write!(
            text,
            "  - name: cp-{cluster}
    platform: generic
    trustDomain: cp-{cluster}.tsb.local
    waypoints:
      default: {{for: all}}
    namespaces:
"
        );
        for number in (cluster..size.namespaces).step_by(size.clusters) {
            let _ = writeln!(text, "    - {{name: ns-{number:05}, mode: sidecar}}");
        }
    }
    text.push_str("  migration:\n    reached: stage-00\n    stages:\n");
    for stage in 0..size.stages {
        let here = (0..size.namespaces).filter(|number| size.stage(*number) == stage);
        let here: Vec<String> =
            here.map(|number| format!("{}/ns-{number:05}", size.cluster(number))).collect();
        let _ =
            writeln!(text, "    - {{name: stage-{stage:02}, namespaces: [{}]}}", here.join(", "));
    }
    text
}

/// A workspace for each team: it lets itself and the team before it in, and refuses the one after it.
fn tsb(size: &Size) -> String {
    let meta = "organization: tetrate, tenant: t";
    let mut text = String::from(
        "apiVersion: api.tsb.tetrate.io/v2
kind: Tenant
metadata: {name: t, organization: tetrate}
spec: {}
",
    );
    let teams = size.namespaces.div_ceil(TEAM);
    for team in 0..teams {
        let of_team = team * TEAM..size.namespaces.min(team * TEAM + TEAM);
        let names: Vec<String> =
            of_team.map(|number| format!("{}/ns-{number:05}", size.cluster(number))).collect();
        let _ = write!(
            text,
            "---
apiVersion: api.tsb.tetrate.io/v2
kind: Workspace
metadata: {{name: team-{team:04}, {meta}}}
spec: {{namespaceSelector: {{names: [{}]}}}}
",
            names.join(", ")
        );
    }
    let _ = write!(
        text,
        "---
apiVersion: api.tsb.tetrate.io/v2
kind: TenantSetting
metadata: {{name: s, {meta}}}
spec:
  defaultSecuritySetting:
    authenticationSettings: {{trafficMode: REQUIRED}}
    authorization:
      mode: RULES
      rules:
"
    );
    let fqn = |team: usize| {
        format!("organizations/tetrate/tenants/t/workspaces/team-{:04}", team % teams)
    };
    let rule = |from: usize, to: usize| {
        format!("        - {{from: {{fqn: {}}}, to: {{fqn: {}}}}}\n", fqn(from), fqn(to))
    };
    text.push_str("        allow:\n");
    for team in 0..teams {
        text.push_str(&rule(team, team));
        text.push_str(&rule(team, team + 1));
    }
    text.push_str("        deny:\n");
    (0..teams).for_each(|team| text.push_str(&rule(team + 2, team)));
    text
}

/// What runs in a namespace, with a policy of the team for each workload.
fn manifests(size: &Size, number: usize) -> String {
    let namespace = format!("ns-{number:05}");
    let mut text = format!(
        "apiVersion: v1
kind: Namespace
metadata: {{name: {namespace}, labels: {{istio-injection: enabled}}}}
"
    );
    let account = |namespace: usize, workload: usize| {
        let namespace = namespace % size.namespaces;
        let cluster = size.cluster(namespace);
        format!("{cluster}.tsb.local/ns/ns-{namespace:05}/sa/w{workload}")
    };
    for workload in 0..size.workloads {
        // the neighbour of the namespace, and the one of the next namespace
        let callers =
            [account(number, (workload + 1) % size.workloads), account(number + 1, workload)]
                .join(", ");
        // every other policy tells requests apart
        let to = match workload % 2 {
            0 => "",
            _ => ", to: [{operation: {methods: [GET, POST], paths: [/api/*, /health]}}]",
        };
        let _ = write!(
            text,
            "---
apiVersion: v1
kind: ServiceAccount
metadata: {{name: w{workload}, namespace: {namespace}}}
---
apiVersion: v1
kind: Service
metadata: {{name: w{workload}, namespace: {namespace}}}
spec:
  selector: {{app: w{workload}}}
  ports: [{{name: http, port: 80, targetPort: 8080}}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: w{workload}, namespace: {namespace}, labels: {{app: w{workload}}}}}
spec:
  replicas: 2
  selector: {{matchLabels: {{app: w{workload}}}}}
  template:
    metadata: {{labels: {{app: w{workload}}}}}
    spec:
      serviceAccountName: w{workload}
      containers:
      - name: app
        image: registry.example.com/app:1.0.0
        ports: [{{containerPort: 8080}}]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {{name: team-w{workload}, namespace: {namespace}}}
spec:
  selector: {{matchLabels: {{app: w{workload}}}}}
  rules:
  - {{from: [{{source: {{principals: [{callers}]}}}}]{to}}}
"
        );
    }
    text
}

/// Two questions for every tenth namespace.
fn tests(size: &Size) -> String {
    let mut text = String::from(
        "apiVersion: waypost.dev/v1alpha1
kind: AccessTest
metadata: {name: estate}
spec:
  cases:
",
    );
    for number in (0..size.namespaces).step_by(10) {
        let name = |namespace: usize| {
            let namespace = namespace % size.namespaces;
            format!("{}/ns-{namespace:05}", size.cluster(namespace))
        };
        let to = name(number);
        // of the same cluster, of a team that is not let in
        let far = (2 * TEAM).next_multiple_of(size.clusters);
        let stranger = number + far;
        let stranger = if stranger < size.namespaces { stranger } else { number - far };
        let (neighbour, stranger) = (&to, name(stranger));
        let _ = write!(
            text,
            "  - {{name: {to} answers its own, from: {neighbour}/w1, to: \"{to}/w0:80\", expect: allow}}
  - {{name: {to} refuses a stranger, from: {stranger}/w0, to: \"{to}/w0:80\", expect: deny}}
"
        );
    }
    text
}

/// An environment of one cluster whose namespaces are all ambient; the first one's waypoint has so many
/// replicas.
pub fn ambient(root: &Path, namespaces: usize, replicas: usize) {
    let folder = root.join("environments/estate");
    let size = Size { clusters: 1, ..Size::of(namespaces) };
    let mut spec = String::from(
        "apiVersion: waypost.dev/v1alpha1
kind: Environment
metadata:
  name: estate
spec:
  organization: tetrate
  versions: {tsb: \"1.13\", istio: \"1.30\"}
  sources:
    tsb: [tsb.yaml]
  clusters:
  - name: cp-0
    platform: generic
    trustDomain: cp-0.tsb.local
    namespaces:
",
    );
    for number in 0..namespaces {
        let replicas = if number == 0 { replicas } else { 2 };
        let _ = writeln!(
            spec,
            "    - {{name: ns-{number:05}, mode: ambient, waypoint: {{name: waypoint, replicas: {replicas}}}}}"
        );
    }
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join("environment.yaml"), spec).expect("the spec can be written");
    fs::write(folder.join("tsb.yaml"), tsb(&size)).expect("TSB's resources can be written");
}

/// Manifests of namespaces with one workload each, in one folder.
pub fn manifests_of(folder: &Path, namespaces: usize) {
    fs::create_dir_all(folder).expect("a folder");
    let size = Size { clusters: 1, workloads: 1, ..Size::of(namespaces) };
    for number in 0..namespaces {
        let path = folder.join(format!("ns-{number:05}.yaml"));
        fs::write(path, manifests(&size, number)).expect("a manifest can be written");
    }
}
