//! Units: what one Argo CD Application or Flux Kustomization applies.

use std::fmt;

/// A unit of a cluster. Names never change: a renamed unit is a pruned and recreated one
/// (facts/gitops-delivery.md 3.1.12).
///
/// They are units, not sync waves, because both appliers move a Namespace in front of everything
/// that lives in it (facts/gitops-delivery.md 1.1): "waypoint ready, then flip the label" is
/// possible between units only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unit {
    /// ControlPlane, ManagementPlane, platform extras.
    Platform,
    /// TSB resources in Kubernetes form.
    Tsb,
    /// Created Namespaces, waypoint Gateways and their parameters, policies.
    Mesh,
    /// Labels of adopted Namespaces.
    Enrollment,
    /// Restart and label patches of workloads.
    Workloads,
}

impl Unit {
    /// All units, each after what it depends on.
    pub const ALL: [Unit; 5] =
        [Unit::Platform, Unit::Tsb, Unit::Mesh, Unit::Enrollment, Unit::Workloads];

    /// The unit's name: its folder.
    pub fn as_str(self) -> &'static str {
        match self {
            Unit::Platform => "platform",
            Unit::Tsb => "tsb",
            Unit::Mesh => "mesh",
            Unit::Enrollment => "enrollment",
            Unit::Workloads => "workloads",
        }
    }

    /// The unit of a name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|u| u.as_str() == text)
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a folder of a cluster holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Area {
    /// A unit: it is applied.
    Unit(Unit),
    /// What TSB makes itself. It is here for review and simulation, and is not applied.
    Expected,
}

impl Area {
    /// The area's name: its folder.
    pub fn as_str(self) -> &'static str {
        match self {
            Area::Unit(unit) => unit.as_str(),
            Area::Expected => "expected",
        }
    }

    /// The area of a name.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "expected" => Some(Area::Expected),
            unit => Unit::parse(unit).map(Area::Unit),
        }
    }

    /// The unit, where it is one.
    pub fn unit(self) -> Option<Unit> {
        match self {
            Area::Unit(unit) => Some(unit),
            Area::Expected => None,
        }
    }
}

/// The annotation on pod templates that restarts pods: the mode that they were started for. It is
/// ours, so that a person's `kubectl rollout restart` does not collide with it.
pub const RESTART_TOKEN: &str = "waypost.dev/dataplane-mode";
