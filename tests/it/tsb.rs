//! TSB's hierarchy: folders of `tests/cases/tsb/` with resources (`tsb.yaml`), what exists
//! (`mesh.yaml`) and what both come to (`expected.out`): findings, then the effective setting of
//! every namespace. `WAYPOST_BLESS=1` writes the expectations anew.
//!
//! `example-…` are the worked examples of facts/tsb.md by their numbers.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use waypost::diagnostic::{Diagnostic, Sources, sort};
use waypost::k8s::objects_of;
use waypost::model::{Attributed, ClusterName, NamespaceName, Owner, TrafficMode, TrustDomain};
use waypost::report::text;
use waypost::resolve::tenancy::{Cluster, Settings, Tenancy, resolve};
use waypost::spec::tsb::read_documents;
use waypost::yaml::{Budget, Node, read};

/// What exists in a case.
pub struct Mesh {
    pub organization: String,
    pub policies: Owner,
    pub clusters: BTreeMap<ClusterName, (TrustDomain, BTreeSet<NamespaceName>)>,
    explain: Vec<String>,
}

impl Mesh {
    pub fn read(text: &str) -> Self {
        let mut sources = Sources::default();
        let file = sources.add("mesh.yaml", text);
        let (documents, found) = read(file, text, &Budget::SPEC);
        assert!(found.is_empty(), "{found:?}");
        let root = &documents[0].root;
        let texts = |node: &Node| -> Vec<String> {
            node.as_list()
                .expect("a list")
                .iter()
                .map(|n| n.as_str().expect("text").to_owned())
                .collect()
        };
        let clusters = root.get("clusters").and_then(Node::as_mapping).expect("clusters");
        let clusters = clusters.entries.iter().map(|entry| {
            let namespaces = texts(&entry.value);
            let namespaces =
                namespaces.iter().map(|n| NamespaceName::parse(n).expect("a namespace")).collect();
            let trust_domain = TrustDomain::parse(&format!("{}.tsb.local", entry.key));
            let cluster = ClusterName::parse(&entry.key).expect("a cluster");
            (cluster, (trust_domain.expect("a trust domain"), namespaces))
        });
        Self {
            organization: root.get("organization").and_then(Node::as_str).expect("one").to_owned(),
            policies: match root.get("policies").and_then(Node::as_str) {
                Some("tsb") => Owner::Tsb,
                _ => Owner::GitOps,
            },
            clusters: clusters.collect(),
            explain: root.get("explain").map(texts).unwrap_or_default(),
        }
    }

    pub fn settings(&self) -> Settings<'_> {
        Settings {
            organization: Attributed { value: &self.organization, origin: None },
            policies: self.policies,
            clusters: self
                .clusters
                .iter()
                .map(|(name, (trust_domain, namespaces))| Cluster {
                    name,
                    trust_domain,
                    namespaces: namespaces.iter().collect(),
                })
                .collect(),
        }
    }
}

#[test]
fn every_case_comes_to_what_it_expects() {
    let cases = cases();
    let mut failures = String::new();
    for case in &cases {
        let name = case.file_name().expect("a name").to_string_lossy();
        let actual = run(case);
        let golden = case.join("expected.out");
        if std::env::var_os("WAYPOST_BLESS").is_some() {
            #[allow(clippy::disallowed_methods, reason = "goldens are written by tests")]
            fs::write(&golden, &actual).expect("written");
        }
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        if expected != actual {
            let _ = write!(failures, "//// {name}: expected\n{expected}//// found\n{actual}\n");
        }
    }
    assert!(failures.is_empty(), "{failures}");
    assert!(cases.len() >= 12, "only {} cases", cases.len());
}

fn run(case: &Path) -> String {
    let mesh = Mesh::read(&fs::read_to_string(case.join("mesh.yaml")).expect("mesh.yaml"));
    let text = fs::read_to_string(case.join("tsb.yaml")).expect("tsb.yaml");
    let mut sources = Sources::default();
    let (tenancy, found) = resolved(&text, &mesh, &mut sources);

    let mut out = findings(&found, &sources);
    for (cluster, (_, namespaces)) in &mesh.clusters {
        for namespace in namespaces {
            out.push_str(&effective(&tenancy, cluster, namespace));
            every_caller_has_a_reason(&tenancy, cluster, namespace);
        }
    }
    for id in &mesh.explain {
        out.push_str(&explanation(&tenancy, id, &sources));
    }
    out
}

fn resolved(text: &str, mesh: &Mesh, sources: &mut Sources) -> (Tenancy, Vec<Diagnostic>) {
    let file = sources.add("tsb.yaml", text);
    let (documents, mut found) = read(file, text, &Budget::SPEC);
    let (objects, more) = objects_of(documents);
    found.extend(more);
    let (documents, _, more) = read_documents(objects);
    found.extend(more);
    let (tenancy, more) = resolve(&documents, &mesh.settings());
    found.extend(more);
    sort(&mut found);
    (tenancy, found)
}

/// Any line of any case may be missing, or say something of another kind: what comes out is
/// findings, and every one of them has its place.
#[test]
fn damaged_documents_are_findings() {
    let mut runs = 0;
    for case in cases() {
        let mesh = Mesh::read(&fs::read_to_string(case.join("mesh.yaml")).expect("mesh.yaml"));
        let text = fs::read_to_string(case.join("tsb.yaml")).expect("tsb.yaml");
        let lines: Vec<&str> = text.lines().collect();
        for (index, line) in lines.iter().enumerate() {
            let key = line.split_once(':').map_or(*line, |(key, _)| key);
            for instead in [String::new(), format!("{key}: [1]"), format!("{key}: {{a: null}}")] {
                let mut damaged = lines.clone();
                damaged[index] = &instead;
                let damaged = damaged.join("\n");
                let (_, found) = resolved(&damaged, &mesh, &mut Sources::default());
                runs += 1;
                assert!(found.iter().all(|d| d.primary.is_some()), "{damaged}\n{found:?}");
            }
        }
    }
    assert!(runs > 3_000, "only {runs} runs");
}

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/tsb");
    let mut cases: Vec<PathBuf> =
        fs::read_dir(folder).expect("cases").map(|e| e.expect("an entry").path()).collect();
    cases.sort();
    cases
}

fn findings(found: &[Diagnostic], sources: &Sources) -> String {
    if found.is_empty() {
        return String::new();
    }
    format!("{}\n{}\n\n", text::render(found, sources, false), text::count(found))
}

fn effective(tenancy: &Tenancy, cluster: &ClusterName, namespace: &NamespaceName) -> String {
    let mut out = format!("{cluster}/{namespace}:");
    let Some(workspace) = tenancy.workspace(cluster, namespace) else {
        out.push_str(" no workspace\n");
        return out;
    };
    let _ = write!(out, " {}", workspace.name());
    if let Some(group) = tenancy.group(cluster, namespace) {
        let _ = write!(out, "/{}", group.name());
    }
    let setting = tenancy.security(cluster, namespace);
    out.push_str(match setting.traffic_mode.value {
        TrafficMode::Unset => "\n",
        TrafficMode::Optional => ", traffic OPTIONAL\n",
        TrafficMode::Required => ", traffic REQUIRED\n",
    });
    let access = setting.access.value;
    if access.deny_all {
        out.push_str("  deny all\n");
    }
    for principal in access.deny.iter() {
        let _ = writeln!(out, "  deny  {principal}");
    }
    match &access.allow {
        None if access.deny_all => {}
        None => out.push_str("  allow everyone\n"),
        Some(allow) if allow.is_empty() => out.push_str("  allow nobody\n"),
        Some(allow) => {
            for principal in allow.iter() {
                let _ = writeln!(out, "  allow {principal}");
            }
        }
    }
    out
}

fn explanation(tenancy: &Tenancy, id: &str, sources: &Sources) -> String {
    let (cluster, namespace) = id.split_once('/').expect("cluster/namespace");
    let explanation = tenancy.explain(
        &ClusterName::parse(cluster).expect("a cluster"),
        &NamespaceName::parse(namespace).expect("a namespace"),
    );
    let mut out = format!("\nexplain {id}\n");
    for (what, steps) in
        [("trafficMode", &explanation.traffic_mode), ("authorization", &explanation.authorization)]
    {
        for step in steps {
            let place = step.span.map(|span| sources.place(span)).unwrap_or_default();
            let level = step.level.collection().noun();
            let _ = writeln!(
                out,
                "  {what} {} by {level} {} ({place}): {}",
                step.says,
                step.level.name(),
                step.outcome.why()
            );
        }
    }
    for rule in &explanation.rules {
        let action = if rule.denies { "deny" } else { "allow" };
        let _ = writeln!(
            out,
            "  {action} from {} {} to {} {} ({})",
            rule.from.collection().noun(),
            rule.from.name(),
            rule.to.collection().noun(),
            rule.to.name(),
            sources.place(rule.span)
        );
    }
    out
}

/// An explanation names the same callers as the setting, and for each the words that name it; the
/// place of each lies in a document.
fn every_caller_has_a_reason(tenancy: &Tenancy, cluster: &ClusterName, namespace: &NamespaceName) {
    let access = tenancy.security(cluster, namespace).access.value;
    let explanation = tenancy.explain(cluster, namespace);
    let (denied, allowed): (Vec<_>, Vec<_>) =
        explanation.callers.iter().partition(|caller| caller.denies);
    let allow = access.allow.clone().unwrap_or_default();
    assert!(denied.iter().map(|caller| &caller.principal).eq(access.deny.iter()));
    assert!(allowed.iter().map(|caller| &caller.principal).eq(allow.iter()));
    for caller in &explanation.callers {
        let documents = caller.because.iter().map(|place| tenancy.document_at(*place));
        assert!(
            !caller.because.is_empty() && documents.into_iter().all(|d| d.is_some()),
            "{cluster}/{namespace}: {caller:?}"
        );
    }
    for member in explanation.workspace.iter().chain(&explanation.group) {
        let document = tenancy.document_at(member.entry).expect("a document");
        assert_eq!(document.name, member.fqn.name());
    }
}

/// What STRICTER promises: whatever rules a group writes, nobody may call it whom the tenant's
/// rules refuse ("stricter rules can only allow the same or less, and/or deny more").
#[test]
fn stricter_never_widens() {
    const TENANT: &str = "organizations/o/tenants/t";
    let mut hierarchy = "
apiVersion: api.tsb.tetrate.io/v2
kind: Tenant
metadata: {name: t, organization: o}
"
    .to_owned();
    let mut targets = vec![TENANT.to_owned()];
    let mut namespaces = BTreeSet::new();
    for w in ["a", "b", "c"] {
        targets.push(format!("{TENANT}/workspaces/{w}"));
        let _ = write!(
            hierarchy,
            "---\napiVersion: api.tsb.tetrate.io/v2\nkind: Workspace\nmetadata: {{name: {w}, organization: o, tenant: t}}\nspec: {{namespaceSelector: {{names: [\"*/{w}1\", \"*/{w}2\"]}}}}\n"
        );
        for n in ["1", "2"] {
            namespaces.insert(NamespaceName::parse(&format!("{w}{n}")).expect("a name"));
            targets.push(format!("{TENANT}/workspaces/{w}/securitygroups/g{n}"));
            let _ = write!(
                hierarchy,
                "---\napiVersion: security.tsb.tetrate.io/v2\nkind: Group\nmetadata: {{name: g{n}, organization: o, tenant: t, workspace: {w}}}\nspec: {{namespaceSelector: {{names: [\"*/{w}{n}\"]}}}}\n"
            );
        }
    }
    let cluster = ClusterName::parse("c1").expect("a name");
    let trust_domain = TrustDomain::parse("c1.tsb.local").expect("one");
    let mesh = Mesh {
        organization: "o".into(),
        policies: Owner::GitOps,
        clusters: BTreeMap::from([(cluster.clone(), (trust_domain, namespaces.clone()))]),
        explain: Vec::new(),
    };
    let mut state = 7_u64;
    let mut random = |below: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut rules = |indent: &str| {
        let mut text = format!("{indent}authorization:\n{indent}  mode: RULES\n{indent}  rules:\n");
        for list in ["allow", "deny"] {
            let _ = writeln!(text, "{indent}    {list}:");
            for _ in 0..random(4) {
                let (from, to) = (&targets[random(10)], &targets[random(10)]);
                let _ =
                    writeln!(text, "{indent}    - {{from: {{fqn: {from}}}, to: {{fqn: {to}}}}}");
            }
        }
        text
    };
    let (mut narrowed, mut same) = (0, 0);
    for _ in 0..400 {
        let parent = format!(
            "{hierarchy}---\napiVersion: api.tsb.tetrate.io/v2\nkind: TenantSetting\nmetadata: {{name: s, organization: o, tenant: t}}\nspec:\n  defaultSecuritySetting:\n    propagationStrategy: STRICTER\n{}",
            rules("    ")
        );
        let child = format!(
            "{parent}---\napiVersion: security.tsb.tetrate.io/v2\nkind: SecuritySetting\nmetadata: {{name: s, organization: o, tenant: t, workspace: a, group: g1}}\nspec:\n{}",
            rules("  ")
        );
        let name = NamespaceName::parse("a1").expect("a name");
        let access = |text: &str| {
            let (tenancy, _) = resolved(text, &mesh, &mut Sources::default());
            tenancy.security(&cluster, &name).access.value
        };
        let (above, below) = (access(&parent), access(&child));
        assert!(below.deny.is_superset(&above.deny), "{child}");
        match (&above.allow, &below.allow) {
            (None, _) => {}
            (Some(above), Some(below)) => assert!(below.is_subset(above), "{child}"),
            (Some(_), None) => panic!("everyone may call\n{child}"),
        }
        if above == below { same += 1 } else { narrowed += 1 }
    }
    assert!(narrowed > 100 && same > 10, "{narrowed} narrowed, {same} the same");
}
