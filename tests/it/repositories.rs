//! Folders of repositories that others made: what is applied together, and what only looks so.

#![allow(clippy::unwrap_used, reason = "a test may fail this way")]

use waypost::diagnostic::Severity;
use waypost::pipeline::{self, LetStand, ManifestFile, Manifests};
use waypost::validate::catalogue::embedded;
use waypost::validate::manifests::{Options, Validator};
use waypost::validate::rule::Settings;

/// Checks files, each with its path and text.
fn check(files: &[(&str, &str)]) -> Manifests {
    let (validator, found) = Validator::new(&embedded(), &[], Options::default());
    assert_eq!(found, []);
    let listed: Vec<ManifestFile> = files
        .iter()
        .map(|(path, _)| ManifestFile { path: (*path).to_owned(), set: String::new(), unit: None })
        .collect();
    let text = |at: usize| Ok(files[at].1.to_owned());
    let nothing = LetStand { file: None, today: "2026-01-01" };
    pipeline::manifests(&listed, &text, &validator, &Settings::default(), nothing, &|_| {})
}

fn codes(out: &Manifests) -> Vec<&str> {
    out.found.iter().map(|d| d.code).collect()
}

fn errors(out: &Manifests) -> Vec<&str> {
    out.found.iter().filter(|d| d.is_error()).map(|d| d.message.as_str()).collect()
}

const NAMESPACE: &str = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n";
const SETTINGS: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n";

#[test]
fn objects_of_two_kustomizations_do_not_collide() {
    let all = "resources: [a.yaml]\n";
    let out = check(&[
        ("prod/kustomization.yaml", all),
        ("prod/a.yaml", NAMESPACE),
        ("test/kustomization.yml", all),
        ("test/a.yaml", NAMESPACE),
    ]);
    assert_eq!(out.found, []);
    // one of them takes both in
    let out = check(&[
        ("prod/kustomization.yaml", "resources: [a.yaml, ../test]\n"),
        ("prod/a.yaml", NAMESPACE),
        ("test/kustomization.yml", all),
        ("test/a.yaml", NAMESPACE),
    ]);
    assert_eq!(errors(&out), ["`Namespace shop` is there twice"]);
}

#[test]
fn a_base_in_two_namespaces_is_two_objects() {
    let out = check(&[
        ("base/kustomization.yaml", "resources: [settings.yaml, namespace.yaml]\n"),
        ("base/settings.yaml", SETTINGS),
        ("base/namespace.yaml", NAMESPACE),
        ("prod/kustomization.yaml", "namespace: prod\nresources: [../base, settings.yaml]\n"),
        (
            "prod/settings.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: test}\n",
        ),
        ("test/kustomization.yaml", "namespace: test\nresources: [../base]\n"),
    ]);
    // kustomize gives both of `prod` the same namespace
    assert_eq!(errors(&out), ["`ConfigMap prod/settings` is there twice"]);
}

#[test]
fn alternatives_in_a_folder_are_one_warning() {
    let half = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: b}\n";
    let out = check(&[
        ("demo/50.yaml", half),
        ("demo/100.yaml", half),
        ("demo/200.yaml", &format!("{half}---\n{NAMESPACE}")),
        ("demo/300.yaml", NAMESPACE),
        ("other/50.yaml", half),
    ]);
    assert_eq!(codes(&out), ["duplicate-object"]);
    assert_eq!(out.found[0].severity, Severity::Warning);
    assert_eq!(
        out.found[0].message,
        "2 objects are in several files of `demo`, `ConfigMap b/a` for one"
    );
    // of one file there is no doubt
    let out = check(&[("demo/50.yaml", &format!("{half}---\n{half}"))]);
    assert_eq!(errors(&out), ["`ConfigMap b/a` is there twice"]);
}

#[test]
fn objects_of_two_workspaces_are_two_objects() {
    let group = |workspace: &str| {
        format!(
            "apiVersion: security.tsb.tetrate.io/v2\nkind: Group\nmetadata: {{name: g, organization: acme, tenant: web, workspace: {workspace}}}\nspec: {{namespaceSelector: {{names: [\"*/a\"]}}, configMode: BRIDGED}}\n"
        )
    };
    let out = check(&[("tsb.yaml", &format!("{}---\n{}", group("shop"), group("bank")))]);
    assert_eq!(out.found, []);
    let out = check(&[("tsb.yaml", &format!("{}---\n{}", group("shop"), group("shop")))]);
    assert_eq!(errors(&out).len(), 1);
}

#[test]
fn a_kustomization_gives_its_namespace_to_what_it_takes_in() {
    let gateway = "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: egress}\nspec:\n  gatewayClassName: istio-waypoint\n  listeners: [{name: mesh, port: 15008, protocol: HBONE}]\n";
    let entry = "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata:\n  name: search\n  labels: {istio.io/use-waypoint: egress, istio.io/use-waypoint-namespace: istio-egress}\nspec:\n  hosts: [search.example.com]\n  ports: [{number: 80, name: http, protocol: HTTP}]\n  resolution: DNS\n";
    let of = |namespace: &str| {
        let kustomization =
            format!("namespace: {namespace}\nresources: [gateway.yaml, entry.yaml]\n");
        let out = check(&[
            ("egress/kustomization.yaml", &kustomization),
            ("egress/gateway.yaml", gateway),
            ("egress/entry.yaml", entry),
        ]);
        codes(&out).contains(&"waypoint-missing")
    };
    assert!(!of("istio-egress"));
    assert!(of("elsewhere"));
}

#[test]
fn what_a_kustomization_would_change_besides_is_said_once() {
    let kustomization = "namePrefix: a-\nresources: [a.yaml]\npatches: [{path: p.yaml}]\n";
    let patch = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\nspec: {nothing: known}\n";
    let out = check(&[
        ("x/kustomization.yaml", kustomization),
        ("x/a.yaml", NAMESPACE),
        ("x/p.yaml", patch),
        ("y/kustomization.yaml", "resources: [a.yaml]\nlabels: [{pairs: {a: b}}]\n"),
        ("y/a.yaml", NAMESPACE),
    ]);
    assert_eq!(codes(&out), ["not-built"]);
    assert_eq!(
        out.found[0].message,
        "objects are checked without what `labels`, `namePrefix`, `patches` of 2 kustomizations would change"
    );
}

#[test]
fn a_part_of_a_workload_is_not_validated_as_a_whole() {
    let deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a, namespace: b}\nspec:\n  replicas: 3\n  strategy: {type: Recreate}\n";
    let out = check(&[("a.yaml", deployment)]);
    assert_eq!((out.found.len(), out.summary.not_validated_count()), (0, 1));
    let selected = "  selector: {matchLabels: {app: a}}\n  template:\n    metadata: {labels: {app: a}}\n    spec: {serviceAccountName: b}\n";
    let out = check(&[("a.yaml", &format!("{deployment}{selected}"))]);
    assert_eq!((out.found.len(), out.summary.not_validated_count()), (0, 1));
}

#[test]
fn flux_substitutes_below_its_path_only() {
    let flux = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: apps, namespace: flux-system}\nspec:\n  interval: 5m\n  path: ./apps/prod\n  prune: true\n  sourceRef: {kind: GitRepository, name: apps}\n  postBuild: {substitute: {region: west}}\n";
    let script = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: b}\ndata: {run: \"echo ${HOME}\"}\n";
    let out = check(&[
        ("apps/production/a.yaml", script),
        ("clusters/prod/apps.yaml", flux),
        ("demo/a.yaml", script),
    ]);
    assert_eq!(out.found, []);
    let base = [
        ("apps/base/a.yaml", script),
        ("apps/base/kustomization.yaml", "resources: [a.yaml]\n"),
        ("apps/prod/kustomization.yaml", "resources: [../base]\n"),
        ("clusters/prod/apps.yaml", flux),
    ];
    let out = check(&base);
    assert_eq!(codes(&out), ["substitution"], "the base is built by what Flux applies");
}

#[test]
fn two_objects_that_nobody_applies_together_are_not_compared() {
    let gateway = |name: &str| {
        format!(
            "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {{name: {name}, namespace: ingress}}\nspec:\n  selector: {{istio: ingressgateway}}\n  servers:\n  - {{port: {{number: 80, name: http, protocol: HTTP}}, hosts: [\"*\"]}}\n"
        )
    };
    let (one, two) = (gateway("one"), gateway("two"));
    let apart = check(&[("demo/a/g.yaml", &one), ("demo/b/g.yaml", &two)]);
    assert_eq!(codes(&apart), Vec::<&str>::new());
    let together = check(&[("demo/a/g.yaml", &one), ("demo/a/h.yaml", &two)]);
    assert_eq!(codes(&together), ["gateway-conflict"]);
}

/// Old versions of a kind have the schema of the new one, and are refused alike.
#[test]
fn misspelt_fields_and_words_are_refused_in_every_version() {
    for (api_version, kind, spec, wanted) in [
        (
            "security.istio.io/v1beta1",
            "AuthorizationPolicy",
            "{action: DENY, rules: [{from: [{source: {namespaces: [b], princpals: [x]}}]}]}",
            "`princpals` is not known in `source`",
        ),
        (
            "security.istio.io/v1beta1",
            "PeerAuthentication",
            "{mtls: {mode: strict}}",
            "`strict` is not known for `mode`",
        ),
        (
            "networking.istio.io/v1beta1",
            "DestinationRule",
            "{host: a, trafficPolicy: {tls: {mode: ISTIO-MUTUAL}}}",
            "`ISTIO-MUTUAL` is not known for `mode`",
        ),
        (
            "networking.istio.io/v1alpha3",
            "VirtualService",
            "{hosts: [a], http: [{route: [{destination: {hots: a}}]}]}",
            "`hots` is not known in `destination`",
        ),
        (
            "networking.istio.io/v1",
            "ServiceEntry",
            "{hosts: [a.example], ports: [{number: 80, name: http, protocol: HTTP}], resolution: DSN}",
            "`DSN` is not known for `resolution`",
        ),
        (
            "networking.istio.io/v1",
            "Sidecar",
            "{egress: [{hots: [\"./*\"]}]}",
            "`hots` is not known",
        ),
        (
            "networking.istio.io/v1alpha3",
            "EnvoyFilter",
            "{configPatches: [{applyTo: HTTP_FILTERS}]}",
            "`HTTP_FILTERS` is not known for `applyTo`",
        ),
        (
            "networking.istio.io/v1alpha3",
            "Gateway",
            "{servers: [{port: {number: 443, name: https, protocol: HTTPS}, tls: {mode: SIMPEL}}]}",
            "`SIMPEL` is not known for `mode`",
        ),
        ("telemetry.istio.io/v1alpha1", "Telemetry", "{tracin: []}", "`tracin` is not known"),
        (
            "extensions.istio.io/v1alpha1",
            "WasmPlugin",
            "{url: \"oci://a\", phase: AUTH}",
            "`AUTH` is not known for `phase`",
        ),
        (
            "gateway.networking.k8s.io/v1beta1",
            "HTTPRoute",
            "{rules: [{backendRef: []}]}",
            "`backendRef` is not known in an entry of `rules`",
        ),
        (
            "gateway.networking.k8s.io/v1beta1",
            "Gateway",
            "{gatewayClassName: istio, listeners: [{name: a, port: 80, protocol: HTTP, host: a}]}",
            "`host` is not known in an entry of `listeners`",
        ),
    ] {
        let text = format!(
            "apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: a, namespace: b}}\nspec: {spec}\n"
        );
        let out = check(&[("a.yaml", &text)]);
        let said = errors(&out);
        assert!(said.iter().any(|m| m.starts_with(wanted)), "{api_version} {kind}: {said:?}");
        assert_eq!(out.summary.invalid, 1);
    }
}

/// What Istio's own examples write is valid in every version.
#[test]
fn networking_kinds_are_valid_as_people_write_them() {
    let specs = [
        (
            "VirtualService",
            "{hosts: [reviews], gateways: [mesh], http: [{match: [{uri: {prefix: /a}, headers: {end-user: {exact: jason}}}], route: [{destination: {host: reviews, subset: v2, port: {number: 80}}, weight: 90}], timeout: 5s, retries: {attempts: 3, perTryTimeout: 2s, retryOn: \"5xx\"}, fault: {delay: {percentage: {value: 0.1}, fixedDelay: 5s}}}]}",
        ),
        (
            "DestinationRule",
            "{host: reviews, trafficPolicy: {loadBalancer: {consistentHash: {httpCookie: {name: user, ttl: 0s}}}, portLevelSettings: [{port: {number: 80}, tls: {mode: DISABLE}}]}, subsets: [{name: v1, labels: {version: v1}}]}",
        ),
        (
            "Gateway",
            "{selector: {istio: ingressgateway}, servers: [{port: {number: 443, name: https, protocol: HTTPS}, hosts: [\"*\"], tls: {mode: SIMPLE, credentialName: a}}]}",
        ),
        (
            "ServiceEntry",
            "{hosts: [a.example], addresses: [192.0.2.10, \"2001:db8::10\"], location: MESH_EXTERNAL, ports: [{number: 443, name: tls, protocol: TLS}], resolution: STATIC, endpoints: [{address: 192.0.2.10}]}",
        ),
        (
            "Sidecar",
            "{egress: [{hosts: [\"./*\", \"istio-system/*\"]}], outboundTrafficPolicy: {mode: REGISTRY_ONLY}}",
        ),
        ("WorkloadEntry", "{address: 192.0.2.1, labels: {app: a}, serviceAccount: a}"),
        (
            "WorkloadGroup",
            "{metadata: {labels: {app: a}}, template: {ports: {http: 80}, serviceAccount: a}}",
        ),
    ];
    for version in ["v1", "v1beta1", "v1alpha3"] {
        for (kind, spec) in specs {
            let text = format!(
                "apiVersion: networking.istio.io/{version}\nkind: {kind}\nmetadata: {{name: a, namespace: b}}\nspec: {spec}\n"
            );
            let out = check(&[("a.yaml", &text)]);
            assert_eq!((errors(&out), out.summary.valid), (Vec::new(), 1), "{version} {kind}");
        }
    }
}
