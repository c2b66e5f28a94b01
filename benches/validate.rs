//! How fast manifests are validated, with CEL, beside kubeconform without it:
//!
//! ```text
//! cargo bench --bench validate
//! ```
//!
//! 20,000 objects in as many files, in `/dev/shm` where there is one, else below the temporary folder;
//! read, parsed and checked against the CRDs of Istio and the Gateway API with their rules. The
//! CRDs are those of the data folder (`WAYPOST_DATA`). kubeconform, from `WAYPOST_KUBECONFORM` or the
//! `PATH`, gets JSON Schemas made of the same CRDs, without their rules; where it is not installed it
//! is left out and said so. The two take turns, and the last line is the ratio.

#![allow(
    missing_docs,
    clippy::print_stdout,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a bench prints, and writes its own input"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rayon::prelude::*;
use serde_json::{Value, json};
use waypost::diagnostic::FileId;
use waypost::k8s::{Object, objects_of};
use waypost::validate::catalogue::{embedded, schemas_of_crds};
use waypost::validate::manifests::{Options, Summary, Validator};
use waypost::yaml::{Budget, emit, read};

const OBJECTS: usize = 20_000;
const ROUNDS: usize = 5;

fn main() {
    let memory = Path::new("/dev/shm");
    let folder = match memory.is_dir() && std::env::var_os("TMPDIR").is_none() {
        true => tempfile::tempdir_in(memory),
        false => tempfile::tempdir(),
    };
    let folder = folder.expect("a temporary folder");
    let paths = write_objects(folder.path());
    println!("{OBJECTS} objects in {OBJECTS} files below {}", folder.path().display());

    let own = Validator::new(&embedded(), &[], Options::default()).0;
    line("waypost, own schemas", best(|| run(&own, &paths)));

    let data = std::env::var_os("WAYPOST_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data"),
        PathBuf::from,
    );
    let mut crds = objects_below(&data.join("crds/istio/1.30.3"));
    crds.extend(objects_below(&data.join("crds/gateway-api/v1.4.1-standard")));
    if crds.is_empty() {
        println!("no CRDs below {}: the comparison is left out", data.display());
        return;
    }
    for (name, rules) in [("waypost, CRDs without CEL", false), ("waypost, CRDs with CEL", true)] {
        let validator = Validator::new(&embedded(), &crds, Options { rules }).0;
        line(name, best(|| run(&validator, &paths)));
    }
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
    let validator = Validator::new(&embedded(), &crds, Options::default()).0;
    line("waypost, CRDs with CEL, one thread", best(|| one.install(|| run(&validator, &paths))));
    line(
        "of which: reading files and YAML",
        best(|| one.install(|| paths.par_iter().map(|p| objects(p).len()).sum())),
    );
    let all: Vec<Object> = paths.iter().flat_map(|p| objects(p)).collect();
    line("of which: checking", best(|| one.install(|| check(&validator, &all))));

    let schemas = folder.path().join("schemas");
    for source in schemas_of_crds(&crds).iter().chain(&embedded()) {
        let path = schemas.join(&*source.path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        if !path.exists() {
            fs::write(path, &*source.text).expect("a schema");
        }
    }
    let location = format!(
        "{}/{{{{.Group}}}}/{{{{.ResourceKind}}}}_{{{{.ResourceAPIVersion}}}}.json",
        schemas.display()
    );
    let program = std::env::var_os("WAYPOST_KUBECONFORM").unwrap_or_else(|| "kubeconform".into());
    let kubeconform = || {
        Command::new(&program)
            .args(["-summary", "-n", "8", "-schema-location", &location])
            .arg(folder.path().join("objects"))
            .output()
    };
    match kubeconform() {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stdout);
            println!("{}", said.trim_end());
            assert!(said.contains(&format!("Valid: {OBJECTS}, Invalid: 0")), "not the same work");
            compare(|| run(&validator, &paths), || kubeconform().map_or(0, |_| OBJECTS));
        }
        Err(error) => println!("kubeconform is left out: {error}"),
    }
}

/// Ours with CEL and theirs without, in turns, so that whoever else uses the machine slows both.
fn compare(mut ours: impl FnMut() -> usize, mut theirs: impl FnMut() -> usize) {
    let rounds = (0..ROUNDS).map(|_| (timed(&mut ours), timed(&mut theirs)));
    let (ours, theirs): (Vec<_>, Vec<_>) = rounds.unzip();
    let best = |times: &[(Duration, Duration)]| {
        let wall = times.iter().map(|t| t.0).min().unwrap_or_default();
        (wall, times.iter().map(|t| t.1).min().unwrap_or_default())
    };
    let (ours, theirs) = (best(&ours), best(&theirs));
    line("waypost, CRDs with CEL", ours);
    line("kubeconform, the same CRDs without CEL", theirs);
    println!(
        "waypost with CEL is {:.1} times as fast as kubeconform without it, and takes {:.1} times less of the processors",
        theirs.0.as_secs_f64() / ours.0.as_secs_f64(),
        theirs.1.as_secs_f64() / ours.1.as_secs_f64(),
    );
}

fn run(validator: &Validator, paths: &[PathBuf]) -> usize {
    paths.par_iter().map(|path| check(validator, &objects(path))).sum()
}

fn check(validator: &Validator, objects: &[Object]) -> usize {
    let mut summary = Summary::default();
    let mut found = Vec::new();
    for object in objects {
        summary.count(object, validator.check(object, &mut found));
    }
    assert!(found.is_empty() && summary.valid == objects.len(), "{found:?} {summary:?}");
    summary.valid
}

fn objects(path: &Path) -> Vec<Object> {
    let text = fs::read_to_string(path).expect("a file");
    objects_of(read(FileId(0), &text, &Budget::MANIFESTS).0).0
}

fn objects_below(folder: &Path) -> Vec<Object> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
    paths.sort();
    paths.iter().flat_map(|p| objects(p)).collect()
}

fn write_objects(folder: &Path) -> Vec<PathBuf> {
    (0..OBJECTS)
        .map(|at| {
            let folder = folder.join(format!("objects/{}", at / 500));
            fs::create_dir_all(&folder).expect("a folder");
            let path = folder.join(format!("{at}.yaml"));
            fs::write(&path, emit(&object(at)).expect("emits")).expect("a file");
            path
        })
        .collect()
}

/// The shapes that fill a tree: half are policies.
fn object(at: usize) -> Value {
    let namespace = format!("ns-{}", at / 20);
    let metadata = json!({"name": format!("object-{at}"), "namespace": namespace,
        "labels": {"app.kubernetes.io/part-of": "shop", "team": "a"}});
    match at % 20 {
        0 => {
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": format!("object-{at}"),
            "labels": {"istio.io/dataplane-mode": "ambient", "istio.io/use-waypoint": "waypoint"}}})
        }
        1..=3 => {
            json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": metadata,
            "spec": {"gatewayClassName": "istio-waypoint", "listeners": [{"name": "mesh", "port": 15008,
                "protocol": "HBONE", "allowedRoutes": {"namespaces": {"from": "Same"}}}]}})
        }
        4..=7 => {
            json!({"apiVersion": "security.istio.io/v1", "kind": "PeerAuthentication", "metadata": metadata,
            "spec": {"selector": {"matchLabels": {"app": "a"}}, "mtls": {"mode": "STRICT"},
                "portLevelMtls": {"8080": {"mode": "PERMISSIVE"}}}})
        }
        8..=9 => {
            json!({"apiVersion": "security.istio.io/v1", "kind": "RequestAuthentication", "metadata": metadata,
            "spec": {"targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "waypoint"}],
                "jwtRules": [{"issuer": "https://issuer.example", "jwksUri": "https://issuer.example/keys",
                    "audiences": ["shop"], "timeout": "5s"}]}})
        }
        _ => {
            json!({"apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy", "metadata": metadata,
            "spec": {"action": "ALLOW",
                "targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "waypoint"}],
                "rules": [{"from": [{"source": {"principals": [
                        format!("cluster.local/ns/ns-{}/sa/client", at % 97),
                        format!("cluster.local/ns/ns-{}/sa/other", at % 89)]}},
                    {"source": {"namespaces": ["monitoring"]}}],
                    "to": [{"operation": {"methods": ["GET", "HEAD"], "paths": ["/api/*", "/healthz"],
                        "ports": ["8080"]}}]},
                    {"from": [{"source": {"ipBlocks": ["10.0.0.0/8"]}}]}]}})
        }
    }
}

/// Wall and processor time of the best round; the latter also counts children, and is the fairer
/// of the two where others use the machine.
fn best(mut run: impl FnMut() -> usize) -> (Duration, Duration) {
    (0..ROUNDS).map(|_| timed(&mut run)).min().unwrap_or_default()
}

fn timed(run: &mut impl FnMut() -> usize) -> (Duration, Duration) {
    let (start, before) = (Instant::now(), processor_time());
    assert_eq!(run(), OBJECTS);
    (start.elapsed(), processor_time().saturating_sub(before))
}

/// Of this process and the children it has waited for; zero where there is no `/proc`.
fn processor_time() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let behind_name = stat.rsplit(')').next().unwrap_or_default();
    // utime, stime, cutime, cstime: fields 14 to 17, in hundredths of a second
    let ticks = behind_name.split_whitespace().skip(11).take(4);
    Duration::from_millis(ticks.filter_map(|t| t.parse::<u64>().ok()).sum::<u64>() * 10)
}

fn line(name: &str, (wall, processor): (Duration, Duration)) {
    let each = processor.as_secs_f64() * 1e6 / OBJECTS as f64;
    println!(
        "{name:<40} {:>6.0} ms, {:>6.0} ms of processors, {each:>6.1} µs an object",
        wall.as_secs_f64() * 1e3,
        processor.as_secs_f64() * 1e3
    );
}
