//! How long `render` and `check` take, beside `cp -r` of the same files, `helm template` of a chart
//! that writes the same objects, and `kustomize build`.
//!
//! ```text
//! cargo bench --bench render            # 400, 4,000 and 40,000 objects
//! cargo bench --bench render -- 400     # only these
//! ```
//!
//! Every figure of a line was measured in the same run, on the same machine, with the trees on
//! memory (`/dev/shm`): compare within a line, not between machines. helm and kustomize are taken
//! from the path or from the environment variables HELM and KUSTOMIZE; without them their columns
//! stay empty.

#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a bench prints, stops at the first fault, and cleans up its own folder"
)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs};

/// Objects that each namespace comes to: Namespace, Gateway, ConfigMap, PeerAuthentication, six
/// policies.
const PER_NAMESPACE: usize = 10;

/// kustomize grows with the square: beyond this it is not waited for.
const KUSTOMIZE_LIMIT: usize = 4_000;

fn main() {
    let wanted: Vec<usize> = env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    let sizes = if wanted.is_empty() { vec![400, 3_600, 4_000, 40_000] } else { wanted };
    let root = memory_folder().join(format!("waypost-bench-{}", std::process::id()));
    println!(
        "{:>8}  {:>9} {:>9} {:>9} {:>9} {:>9} {:>7} | {:>9} {:>9} {:>9}  (seconds, best of 3)",
        "objects",
        "stdout",
        "disk",
        "again",
        "changed",
        "check",
        "MiB",
        "cp -r",
        "helm",
        "kustomize"
    );
    for objects in sizes {
        let folder = root.join(objects.to_string());
        line(&folder, objects);
        fs::remove_dir_all(&folder).expect("the bench's folder can be removed");
    }
    let _ = fs::remove_dir(&root);
}

fn memory_folder() -> PathBuf {
    let shm = PathBuf::from("/dev/shm");
    if shm.is_dir() { shm } else { env::temp_dir() }
}

fn line(folder: &Path, objects: usize) {
    let namespaces = objects / PER_NAMESPACE;
    generate(folder, namespaces);
    let rendered = folder.join("rendered");

    let stdout = best(|| (), || waypost(folder, &["render", "bench", "--stdout"]));
    let disk = best(
        || {
            let _ = fs::remove_dir_all(&rendered);
        },
        || waypost(folder, &["render", "bench"]),
    );
    let again = best(|| (), || waypost(folder, &["render", "bench"]));
    let check = best(|| (), || waypost(folder, &["check", "bench"]));
    let mut flip = false;
    let changed = best(
        || {
            flip = !flip;
            let spec = folder.join("environments/bench/environment.yaml");
            let text = fs::read_to_string(&spec).expect("the spec can be read");
            let (from, to) =
                if flip { ("replicas: 2", "replicas: 3") } else { ("replicas: 3", "replicas: 2") };
            fs::write(&spec, text.replacen(from, to, 1)).expect("the spec can be written");
        },
        || waypost(folder, &["render", "bench"]),
    );
    let copy = folder.join("copy");
    let copied = best(
        || {
            let _ = fs::remove_dir_all(&copy);
        },
        || run(Command::new("cp").arg("-r").arg(&rendered).arg(&copy)),
    );
    let _ = fs::remove_dir_all(&copy);
    let memory = peak_memory(folder);
    let helm = program("HELM", "helm").map(|helm| {
        chart(&folder.join("chart"), namespaces);
        best(
            || (),
            || run(Command::new(&helm).args(["template", "bench"]).arg(folder.join("chart"))),
        )
    });
    let kustomize =
        program("KUSTOMIZE", "kustomize").filter(|_| objects <= KUSTOMIZE_LIMIT).map(|kustomize| {
            let all = rendered.join("bench/kustomization.yaml");
            fs::write(&all, "resources: [cp-1/mesh, cp-1/enrollment]\n").expect("written");
            let took = run(Command::new(&kustomize).arg("build").arg(rendered.join("bench")));
            fs::remove_file(&all).expect("removed");
            took
        });

    let seconds = |d: Duration| format!("{:.3}", d.as_secs_f64());
    let maybe = |d: Option<Duration>| d.map_or_else(|| "-".to_owned(), seconds);
    println!(
        "{objects:>8}  {:>9} {:>9} {:>9} {:>9} {:>9} {:>7} | {:>9} {:>9} {:>9}",
        seconds(stdout),
        seconds(disk),
        seconds(again),
        seconds(changed),
        seconds(check),
        memory.map_or_else(|| "-".to_owned(), |m| m.to_string()),
        seconds(copied),
        maybe(helm),
        maybe(kustomize),
    );
    let ratio = |a: Duration, b: Duration| format!("{:.2}", a.as_secs_f64() / b.as_secs_f64());
    println!(
        "{:>8}  per object {:.1} us; of cp -r: disk {}, again {}, changed {}, check {}; helm / stdout {}; kustomize / stdout {}",
        "",
        disk.as_secs_f64() * 1e6 / objects as f64,
        ratio(disk, copied),
        ratio(again, copied),
        ratio(changed, copied),
        ratio(check, copied),
        helm.map_or_else(|| "-".to_owned(), |h| ratio(h, stdout)),
        kustomize.map_or_else(|| "-".to_owned(), |k| ratio(k, stdout)),
    );
}

/// The best of three, each after its preparation.
fn best(mut prepare: impl FnMut(), mut measured: impl FnMut() -> Duration) -> Duration {
    (0..3)
        .map(|_| {
            prepare();
            measured()
        })
        .min()
        .unwrap_or_default()
}

fn waypost(folder: &Path, arguments: &[&str]) -> Duration {
    run(Command::new(env!("CARGO_BIN_EXE_waypost")).current_dir(folder).args(arguments))
}

fn run(command: &mut Command) -> Duration {
    let start = Instant::now();
    let output = command.stdout(Stdio::null()).stderr(Stdio::piped()).output().expect("it starts");
    let took = start.elapsed();
    assert!(
        output.status.success(),
        "{command:?} failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    took
}

/// Peak memory in MiB of a render to standard output, as the program itself says it.
fn peak_memory(folder: &Path) -> Option<u64> {
    let output = Command::new(env!("CARGO_BIN_EXE_waypost"))
        .current_dir(folder)
        .args(["--verbose", "render", "bench", "--stdout"])
        .stdout(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let line = text.lines().find_map(|l| l.strip_prefix("peak memory: "))?;
    line.split(' ').next()?.parse().ok()
}

fn program(variable: &str, name: &str) -> Option<PathBuf> {
    if let Some(path) = env::var_os(variable) {
        return Some(PathBuf::from(path));
    }
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(name)).find(|p| p.is_file())
}

/// One cluster, ten namespaces a workspace; each workspace lets itself in, and refuses its
/// neighbour.
fn generate(folder: &Path, namespaces: usize) {
    let environment = folder.join("environments/bench");
    fs::create_dir_all(&environment).expect("the folder can be made");
    let mut spec = String::from(
        "apiVersion: waypost.dev/v1alpha1\nkind: Environment\nmetadata:\n  name: bench\nspec:\n  organization: tetrate\n  versions: {tsb: \"1.13\", istio: \"1.30\"}\n  sources:\n    tsb: [tsb.yaml]\n  clusters:\n  - name: cp-1\n    namespaces:\n",
    );
    for n in 0..namespaces {
        let _ = writeln!(
            spec,
            "    - name: ns-{n:05}\n      mode: ambient\n      waypoint:\n        name: waypoint\n        replicas: 2"
        );
    }
    fs::write(environment.join("environment.yaml"), spec).expect("the spec can be written");

    let workspaces = namespaces.div_ceil(10);
    let meta = "organization: tetrate, tenant: t";
    let mut tsb = String::from(
        "apiVersion: api.tsb.tetrate.io/v2\nkind: Tenant\nmetadata: {name: t, organization: tetrate}\nspec: {}\n",
    );
    for w in 0..workspaces {
        let _ = writeln!(
            tsb,
            "---\napiVersion: api.tsb.tetrate.io/v2\nkind: Workspace\nmetadata: {{name: w-{w:04}, {meta}}}\nspec:\n  namespaceSelector:\n    names:"
        );
        for n in w * 10..namespaces.min(w * 10 + 10) {
            let _ = writeln!(tsb, "    - cp-1/ns-{n:05}");
        }
    }
    let _ = writeln!(
        tsb,
        "---\napiVersion: api.tsb.tetrate.io/v2\nkind: TenantSetting\nmetadata: {{name: s, {meta}}}\nspec:\n  defaultSecuritySetting:\n    authenticationSettings: {{trafficMode: REQUIRED}}\n    authorization:\n      mode: RULES\n      rules:\n        allow:"
    );
    let fqn = |w: usize| format!("organizations/tetrate/tenants/t/workspaces/w-{w:04}");
    for w in 0..workspaces {
        let _ = writeln!(tsb, "        - {{from: {{fqn: {0}}}, to: {{fqn: {0}}}}}", fqn(w));
    }
    tsb.push_str("        deny:\n");
    for w in 0..workspaces {
        let neighbour = (w + 1) % workspaces.max(2);
        if neighbour < workspaces || workspaces == 1 {
            let to = if workspaces == 1 { w } else { neighbour };
            let _ =
                writeln!(tsb, "        - {{from: {{fqn: {}}}, to: {{fqn: {}}}}}", fqn(w), fqn(to));
        }
    }
    fs::write(environment.join("tsb.yaml"), tsb).expect("the spec can be written");
}

/// A chart that writes the same objects: the bodies as templates, the names as values.
fn chart(folder: &Path, namespaces: usize) {
    fs::create_dir_all(folder.join("templates")).expect("the folder can be made");
    fs::write(folder.join("Chart.yaml"), "apiVersion: v2\nname: bench\nversion: 0.1.0\n")
        .expect("written");
    let mut values = String::from("namespaces:\n");
    for n in 0..namespaces {
        let workspace = n / 10;
        let workspaces = namespaces.div_ceil(10);
        let names = |w: usize| {
            (w * 10..namespaces.min(w * 10 + 10))
                .map(|n| format!("cp-1.tsb.local/ns/ns-{n:05}/*"))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let neighbour = (workspace + workspaces - 1) % workspaces;
        let _ = writeln!(
            values,
            "- name: ns-{n:05}\n  allow: [{}]\n  deny: [{}]",
            names(workspace),
            names(neighbour)
        );
    }
    fs::write(folder.join("values.yaml"), values).expect("written");
    fs::write(folder.join("templates/all.yaml"), CHART).expect("written");
}

const CHART: &str = r#"{{- range .Values.namespaces }}
---
apiVersion: v1
kind: Namespace
metadata:
  name: {{ .name }}
  labels:
    istio-injection: disabled
    istio.io/dataplane-mode: ambient
    istio.io/use-waypoint: waypoint
  annotations:
    argocd.argoproj.io/sync-options: Prune=false,Delete=false
    kustomize.toolkit.fluxcd.io/prune: disabled
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  name: waypoint
  namespace: {{ .name }}
  labels:
    istio.io/waypoint-for: all
spec:
  gatewayClassName: istio-waypoint
  infrastructure:
    labels:
      waypost.dev/managed: "true"
    parametersRef:
      group: ""
      kind: ConfigMap
      name: waypoint-parameters
  listeners:
  - allowedRoutes:
      namespaces:
        from: Same
    name: mesh
    port: 15008
    protocol: HBONE
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: waypoint-parameters
  namespace: {{ .name }}
data:
  deployment: |
    spec:
      replicas: 2
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata:
  name: default
  namespace: {{ .name }}
spec:
  mtls:
    mode: STRICT
{{- $namespace := . }}
{{- range $policy := list (dict "name" "allow" "from" .allow) (dict "name" "allow-gateway-ambient" "from" (list "cp-1.tsb.local/ns/xcp-multicluster/*")) (dict "name" "allow-waypoint" "from" .allow "gateway" true) (dict "name" "deny-rules" "from" .deny "deny" true) (dict "name" "gateway-deny-rules" "from" .deny "deny" true "selector" true) (dict "name" "waypoint-deny-rules" "from" .deny "deny" true "gateway" true) }}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata:
  name: {{ $policy.name }}
  namespace: {{ $namespace.name }}
spec:
{{- if $policy.deny }}
  action: DENY
{{- end }}
  rules:
  - from:
    - source:
        principals:
{{- range $policy.from }}
        - {{ . }}
{{- end }}
{{- if $policy.selector }}
  selector:
    matchLabels:
      gateway.istio.io/managed: istio.io-gateway-controller
{{- end }}
{{- if $policy.gateway }}
  targetRef:
    group: gateway.networking.k8s.io
    kind: Gateway
    name: waypoint
{{- end }}
{{- end }}
{{- end }}
"#;
