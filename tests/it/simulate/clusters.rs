//! Calls from one cluster to another.

use waypost::diagnostic::Sources;
use waypost::k8s::{Object, objects_of};
use waypost::simulate::{Cluster, Mesh, Options, Verdict};
use waypost::yaml::{Budget, read};

use super::{AMBIENT, SIDECAR, get, pair, policy};

fn objects(yaml: &str) -> Vec<Object> {
    let mut sources = Sources::default();
    let file = sources.add("mesh.yaml", yaml);
    objects_of(read(file, yaml, &Budget::SPEC).0).0
}

fn two(client: &str, server: &str, more: &str) -> Mesh {
    let named = |cluster: &str, domain: &str| Options {
        cluster: cluster.into(),
        trust_domain: domain.into(),
        ..Options::default()
    };
    let (east, west) = (objects(&pair(client, server, more)), objects(&pair(client, server, more)));
    let clusters = [
        Cluster { options: named("east", "east.example"), objects: east.iter().collect() },
        Cluster { options: named("west", "west.example"), objects: west.iter().collect() },
    ];
    Mesh::from_clusters(&clusters).0
}

#[test]
fn which_identity_a_call_between_clusters_has_is_not_documented() {
    let deny = policy("p", "action: DENY, rules: [{}]");
    for more in ["", deny.as_str()] {
        for (client, server) in [(AMBIENT, AMBIENT), (SIDECAR, SIDECAR), (AMBIENT, SIDECAR)] {
            let found = two(client, server, more);
            let far = get(&found, "east/client/sleep", "west/server/web:8000", "/");
            assert_eq!(far.verdict, Verdict::Unknown);
            let step = far.walk().unwrap().deciding().unwrap();
            assert!(found.reason_text(step).contains("goes to cluster `west` through gateways"));
            // in one cluster it is as it was
            let near = get(&found, "west/client/sleep", "west/server/web:8000", "/").verdict;
            assert_eq!(near, if more.is_empty() { Verdict::Allow } else { Verdict::Deny });
        }
    }
    // a server outside the mesh asks nobody who calls
    let open = two(AMBIENT, "x: y", "");
    let far = get(&open, "east/client/sleep", "west/server/web:8000", "/");
    assert_eq!(far.verdict, Verdict::Allow);
}
