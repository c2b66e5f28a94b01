//! AuthorizationPolicies as they were read.

use crate::diagnostic::{Diagnostic, Span};
use crate::k8s::{Object, TargetRef};

use super::raw;

/// A policy of a mesh.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyId(pub(super) u32);

/// An AuthorizationPolicy.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// What it does.
    pub action: Action,
    /// Who answers for CUSTOM.
    pub provider: String,
    /// `istio.io/dry-run`: it logs and does not decide.
    pub dry_run: bool,
    /// What it says.
    pub spec: raw::AuthorizationPolicy,
    /// Where it stands.
    pub span: Span,
}

/// What a policy does with what it matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Allows it, and denies the rest.
    Allow,
    /// Denies it.
    Deny,
    /// Logs it.
    Audit,
    /// Asks an external authorizer.
    Custom,
}

impl Action {
    /// The word in `spec.action`.
    pub fn as_str(self) -> &'static str {
        match self {
            Action::Allow => "ALLOW",
            Action::Deny => "DENY",
            Action::Audit => "AUDIT",
            Action::Custom => "CUSTOM",
        }
    }
}

impl Policy {
    /// Reads a policy. One that Istio would refuse as a whole is a finding, and not in force.
    pub(super) fn read(object: &Object) -> Result<Self, Box<Diagnostic>> {
        let spec = object.parse::<raw::Specified<raw::AuthorizationPolicy>>()?.spec;
        let action = match spec.action.as_ref().map(|a| (a.value.as_str(), a.span)) {
            None | Some(("ALLOW" | "", _)) => Action::Allow,
            Some(("DENY", _)) => Action::Deny,
            Some(("AUDIT", _)) => Action::Audit,
            Some(("CUSTOM", _)) => Action::Custom,
            Some((other, span)) => {
                return Err(Box::new(
                    Diagnostic::error(
                        "policy-not-accepted",
                        format!("action `{other}` of {} is not known", object.reference()),
                    )
                    .at(span, "the API server refuses this, so the policy is not in force")
                    .help("use `ALLOW`, `DENY`, `AUDIT` or `CUSTOM`"),
                ));
            }
        };
        Ok(Self {
            namespace: object.namespace.clone().unwrap_or_else(|| "default".into()),
            name: object.name.clone(),
            action,
            provider: spec.provider.clone().unwrap_or_default().name,
            dry_run: is_true(object.annotations.get("istio.io/dry-run").map(String::as_str)),
            spec,
            span: object.name_span(),
        })
    }

    /// What it is bound to, if not to pods.
    pub fn targets(&self) -> impl Iterator<Item = &TargetRef> {
        raw::targets(self.spec.target_ref.as_ref(), &self.spec.target_refs)
    }

    /// True when it has `targetRef` or `targetRefs`.
    pub fn is_targeted(&self) -> bool {
        self.targets().next().is_some()
    }
}

/// As Go's `strconv.ParseBool` reads it.
pub(super) fn is_true(text: Option<&str>) -> bool {
    matches!(text, Some("1" | "t" | "T" | "true" | "TRUE" | "True"))
}
