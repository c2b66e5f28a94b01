//! What of a tree the simulator asks: where none of that changed, no answer did.

use super::object::ObjectChange;
use super::tree::TreeDiff;
use super::version::ObjectVersion;
use crate::diagnostic::Span;
use crate::k8s::Object;
use crate::simulate::Parameters;
use crate::yaml::Node;

impl TreeDiff {
    /// False where no answer of the simulator can have changed, as long as what is in the clusters beside
    /// the tree did not. A kind of which nothing is known may change one.
    pub fn can_change_access(&self) -> bool {
        self.unreadable().next().is_some() || self.objects.iter().any(can_change_access)
    }
}

fn can_change_access(change: &ObjectChange) -> bool {
    let versions = || [&change.before, &change.after].into_iter().flatten();
    if !versions().all(is_config_map) {
        return versions().any(is_asked);
    }
    // of a ConfigMap counts what is made of it: without one nothing is
    let read = |version: &Option<ObjectVersion>| {
        version.as_ref().map_or_else(|| Some(Parameters::default()), parameters)
    };
    let (Some(before), Some(after)) = (read(&change.before), read(&change.after)) else {
        return true;
    };
    let place = |version: &ObjectVersion| (version.cluster().to_owned(), version.reference.clone());
    let has_moved = match (&change.before, &change.after) {
        (Some(before), Some(after)) => place(before) != place(after),
        _ => false,
    };
    before != after || (has_moved && before != Parameters::default())
}

fn is_config_map(version: &ObjectVersion) -> bool {
    version.is("", "ConfigMap")
}

/// Everything but TSB's own resources and quotas, which no mesh reads.
fn is_asked(version: &ObjectVersion) -> bool {
    let group = version.reference.group.as_str();
    let is_tsb = group == "install.tetrate.io" || group.ends_with("tsb.tetrate.io");
    !is_tsb && !version.is("", "ResourceQuota")
}

/// `None` where it may be the configuration of the mesh itself.
fn parameters(version: &ObjectVersion) -> Option<Parameters> {
    let is_mesh = version.reference.name == "istio";
    let node = Node::from_json(&version.body, Span::default());
    Object::from_node(node).ok().filter(|_| !is_mesh).map(|map| Parameters::of(&map))
}

#[cfg(test)]
mod tests {
    use crate::diff::{Options, compare};
    use crate::k8s::objects_of;
    use crate::simulate::{self, Mesh, WaypointState};
    use crate::tree::Differing;
    use crate::yaml::{Budget, read};

    const GATEWAY: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: waypoint, namespace: a}
spec:
  gatewayClassName: istio-waypoint
  infrastructure: {parametersRef: {group: '', kind: ConfigMap, name: parameters}}
  listeners: [{name: mesh, port: 15008, protocol: HBONE}]
";

    fn differs(before: Option<&str>, after: Option<&str>) -> bool {
        let bytes = |text: Option<&str>| text.map(|text| text.as_bytes().to_vec());
        let path = "c/mesh/a/configmap-parameters.yaml".to_owned();
        let file = Differing { path, before: bytes(before), after: bytes(after) };
        compare(&[file], &Options::default()).can_change_access()
    }

    fn config_map(name: &str, labels: &str, data: &str) -> String {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: a, labels: {{{labels}}}}}\ndata: {{{data}}}\n"
        )
    }

    /// The state of the waypoint whose parameters these are.
    fn waypoint(map: &str) -> WaypointState {
        let text = format!("{map}---{GATEWAY}");
        let objects = objects_of(read(crate::diagnostic::FileId(0), &text, &Budget::MANIFESTS).0).0;
        let mesh = Mesh::from_objects(&objects, &simulate::Options::default()).0;
        let (id, _) = mesh.gateways().next().expect("the waypoint");
        mesh.waypoint_state(id)
    }

    #[test]
    fn more_replicas_of_a_waypoint_change_no_access() {
        let replicas = |count| {
            config_map("parameters", "", &format!("deployment: 'spec: {{replicas: {count}}}'"))
        };
        assert!(!differs(Some(&replicas(2)), Some(&replicas(3))));
        assert!(!differs(None, Some(&replicas(3))));
        assert_eq!(waypoint(&replicas(2)), waypoint(&replicas(3)));
    }

    #[test]
    fn parameters_that_keep_a_waypoint_from_being_made_change_access() {
        let good = config_map("parameters", "", "deployment: 'spec: {replicas: 2}'");
        for bad in [
            "deploymnet: 'spec: {replicas: 2}'",
            "deployment: text",
            "service: 'metadata: {name: x}'",
        ] {
            let bad = config_map("parameters", "", bad);
            assert_ne!(waypoint(&good), waypoint(&bad), "{bad}");
            assert!(differs(Some(&good), Some(&bad)), "{bad}");
            assert!(differs(Some(&bad), Some(&good)), "{bad}");
            assert!(differs(None, Some(&bad)), "{bad}");
            let elsewhere = bad.replace("name: parameters", "name: other");
            assert!(differs(Some(&bad), Some(&elsewhere)), "{bad}");
        }
    }

    #[test]
    fn defaults_of_a_class_and_the_configuration_of_the_mesh_change_access() {
        let data = "deployment: 'spec: {replicas: 2}'";
        let class = "gateway.istio.io/defaults-for-class: istio-waypoint";
        let (plain, default) = (config_map("x", "", data), config_map("x", class, data));
        assert!(differs(Some(&plain), Some(&default)));
        assert!(differs(None, Some(&config_map("istio", "", "mesh: ''"))));
    }

    #[test]
    fn what_is_not_known_may_change_access() {
        let of = |kind: &str| {
            format!(
                "apiVersion: example.com/v1\nkind: {kind}\nmetadata: {{name: a, namespace: a}}\n"
            )
        };
        assert!(differs(None, Some(&of("Thing"))));
        assert!(differs(None, Some("{")));
        let quota = of("ResourceQuota").replace("example.com/v1", "v1");
        assert!(!differs(None, Some(&quota)));
    }
}
