//! PeerAuthentication: which mode holds for a workload and for its ports (facts/istio-ambient.md §5).

use std::collections::BTreeMap;

use crate::diagnostic::{Diagnostic, Span};
use crate::k8s::{Labels, Object};

use super::raw;

/// What a workload asks of those who connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MtlsMode {
    /// Plaintext only; in ambient the same as permissive.
    Disable,
    /// Either.
    Permissive,
    /// A client certificate.
    Strict,
}

/// A PeerAuthentication. Modes that say nothing are `None`.
#[derive(Clone, Debug)]
pub struct PeerAuthentication {
    /// When it was made, where that is told.
    pub created: Option<String>,
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// The pods it holds for; `None` for all. An empty selector counts as none.
    pub selector: Option<raw::WorkloadSelector>,
    /// The mode.
    pub mode: Option<MtlsMode>,
    /// Modes of single ports of the pod.
    pub ports: BTreeMap<u16, Option<MtlsMode>>,
    /// Where it stands.
    pub span: Span,
}

impl PeerAuthentication {
    /// Reads one. A mode that is no mode is a finding, and the object not in force.
    pub(super) fn read(object: &Object) -> Result<Self, Box<Diagnostic>> {
        let spec = object.parse::<raw::Specified<raw::PeerAuthentication>>()?.spec;
        let refused = |what: String| {
            Box::new(
                Diagnostic::error("policy-not-accepted", what)
                    .at(object.name_span(), "the API server refuses this, so it is not in force"),
            )
        };
        let mode = |word: &str| match word {
            "" | "UNSET" => Ok(None),
            "DISABLE" => Ok(Some(MtlsMode::Disable)),
            "PERMISSIVE" => Ok(Some(MtlsMode::Permissive)),
            "STRICT" => Ok(Some(MtlsMode::Strict)),
            other => Err(refused(format!("mode `{other}` of {} is not known", object.reference()))),
        };
        let mut ports = BTreeMap::new();
        for (port, mtls) in &spec.port_level_mtls {
            // `080` is no number in JSON, which the webhook decodes
            let number = port.parse::<u16>().ok().filter(|n| n.to_string() == *port);
            let number = number.filter(|n| *n > 0).ok_or_else(|| {
                refused(format!("`{port}` in `portLevelMtls` of {} is no port", object.reference()))
            })?;
            ports.insert(number, mode(&mtls.mode)?);
        }
        Ok(Self {
            created: object.created().map(str::to_owned),
            namespace: object.namespace.clone().unwrap_or_else(|| "default".into()),
            name: object.name.clone(),
            selector: spec.selector.filter(|s| !s.is_empty()),
            mode: mode(&spec.mtls.mode)?,
            ports,
            span: object.name_span(),
        })
    }
}

/// The PeerAuthentications that concern a workload, one for each level.
#[derive(Clone, Copy, Debug, Default)]
pub struct Levels<'a> {
    /// Root namespace, without selector.
    pub mesh: Option<&'a PeerAuthentication>,
    /// The workload's namespace, without selector.
    pub namespace: Option<&'a PeerAuthentication>,
    /// The workload's namespace, with a selector that matches. One in the root namespace is ignored.
    pub workload: Option<&'a PeerAuthentication>,
}

impl PeerAuthentication {
    fn age(&self) -> (bool, Option<&str>, &str) {
        (self.created.is_none(), self.created.as_deref(), &self.name)
    }
}

impl<'a> Levels<'a> {
    /// Finds them. The oldest wins on each level (istio/istio:pilot/pkg/model/config.go
    /// `sortConfigByCreationTime`); what carries no age is not in the cluster yet, and comes last, by name.
    pub fn of(
        all: impl Iterator<Item = &'a PeerAuthentication> + Clone,
        root: &str,
        namespace: &str,
        labels: &Labels,
    ) -> Self {
        let first = |wanted: &dyn Fn(&PeerAuthentication) -> bool| {
            all.clone().filter(|p| wanted(p)).min_by(|a, b| a.age().cmp(&b.age()))
        };
        Self {
            mesh: first(&|p| p.namespace == root && p.selector.is_none()),
            namespace: first(&|p| {
                p.namespace == namespace && namespace != root && p.selector.is_none()
            }),
            workload: first(&|p| {
                p.namespace == namespace
                    && namespace != root
                    && p.selector.as_ref().is_some_and(|s| s.matches(labels))
            }),
        }
    }

    /// The mode above the workload's own: PERMISSIVE where nobody says anything.
    pub fn parent(&self) -> MtlsMode {
        [self.namespace, self.mesh]
            .into_iter()
            .flatten()
            .find_map(|p| p.mode)
            .unwrap_or(MtlsMode::Permissive)
    }

    /// The workload's mode; UNSET inherits from the level above.
    pub fn mode(&self) -> MtlsMode {
        self.workload.and_then(|p| p.mode).unwrap_or_else(|| self.parent())
    }

    /// The mode of a port of the pod, as a sidecar takes it.
    pub fn port(&self, port: u16) -> MtlsMode {
        self.workload
            .and_then(|p| p.ports.get(&port).copied().flatten())
            .unwrap_or_else(|| self.mode())
    }

    /// Modes of single ports that differ from the workload's.
    pub fn ports(&self) -> BTreeMap<u16, MtlsMode> {
        let own = self.workload.map(|p| p.ports.clone()).unwrap_or_default();
        own.into_iter().filter_map(|(port, mode)| mode.map(|m| (port, m))).collect()
    }

    /// The object that says STRICT, for a reason.
    pub fn deciding(&self) -> Option<&'a PeerAuthentication> {
        [self.workload, self.namespace, self.mesh].into_iter().flatten().find(|p| p.mode.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(namespace: &str, mode: Option<MtlsMode>, selected: bool) -> PeerAuthentication {
        PeerAuthentication {
            created: None,
            namespace: namespace.into(),
            name: "p".into(),
            selector: selected.then(|| raw::WorkloadSelector {
                match_labels: Some(Labels::from([("app".into(), "a".into())])),
            }),
            mode,
            ports: BTreeMap::new(),
            span: Span::default(),
        }
    }

    #[test]
    fn unset_inherits_from_the_level_above() {
        let labels = Labels::from([("app".into(), "a".into())]);
        let mode = |all: &[PeerAuthentication]| {
            Levels::of(all.iter(), "istio-system", "a", &labels).mode()
        };
        let root = peer("istio-system", Some(MtlsMode::Strict), false);
        let unset = peer("a", None, false);
        let own = peer("a", Some(MtlsMode::Permissive), true);
        assert_eq!(mode(&[]), MtlsMode::Permissive);
        assert_eq!(mode(std::slice::from_ref(&root)), MtlsMode::Strict);
        assert_eq!(mode(&[root.clone(), unset.clone()]), MtlsMode::Strict);
        assert_eq!(mode(&[root, unset, own]), MtlsMode::Permissive);
    }

    #[test]
    fn a_selector_in_the_root_namespace_is_ignored() {
        let labels = Labels::from([("app".into(), "a".into())]);
        let all = [peer("istio-system", Some(MtlsMode::Strict), true)];
        let levels = Levels::of(all.iter(), "istio-system", "a", &labels);
        assert_eq!(levels.mode(), MtlsMode::Permissive);
        let levels = Levels::of(all.iter(), "istio-system", "istio-system", &labels);
        assert_eq!(levels.mode(), MtlsMode::Permissive);
    }
}
