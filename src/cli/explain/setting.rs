//! What there is to say of a namespace, free of how it is written. Its JSON is a contract: fields
//! are added, never renamed.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::diagnostic::{Sources, Span};
use crate::manifest::Manifest;
use crate::model::{
    Access, Area, Closed, Cluster, ClusterName, Environment, Fqn, Namespace, Reached, TrafficMode,
};
use crate::plan;
use crate::resolve::Resolved;
use crate::resolve::tenancy::{Membership, Outcome, Step};
use crate::translate::namespace_manifests;

/// A namespace of an environment.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NamespaceReport {
    pub environment: String,
    pub cluster: String,
    pub namespace: String,
    /// The point of the migration.
    pub stage: String,
    /// The mode of its pods at that point.
    pub dataplane_mode: String,
    pub workspace: Option<Owner>,
    pub security_group: Option<Owner>,
    pub security_domain: Option<String>,
    /// `UNSET`, `OPTIONAL` or `REQUIRED`.
    pub traffic_mode: &'static str,
    /// What each level says of it, from the organization down.
    pub traffic_mode_levels: Vec<Level>,
    /// Who may call, in one sentence.
    pub access: String,
    /// What each level says of it, from the organization down.
    pub authorization_levels: Vec<Level>,
    /// Everyone who is named, the refused first.
    pub callers: Vec<Caller>,
    /// The policies that it comes to at that point.
    pub policies: Vec<Policy>,
}

/// A workspace or group.
#[derive(Debug, Serialize)]
pub(super) struct Owner {
    pub fqn: String,
    /// The entry of its selector.
    pub entry: Place,
}

/// What a level says.
#[derive(Debug, Serialize)]
pub(super) struct Level {
    pub level: String,
    pub says: String,
    /// True where it is part of what holds.
    pub holds: bool,
    pub why: &'static str,
    pub place: Option<Place>,
}

/// Somebody who may call, or not.
#[derive(Debug, Serialize)]
pub(super) struct Caller {
    pub principal: String,
    /// `allow` or `deny`.
    pub action: &'static str,
    pub because: Vec<Place>,
}

/// A policy and who applies it.
#[derive(Debug, Serialize)]
pub(super) struct Policy {
    pub kind: &'static str,
    pub name: String,
    /// True in an applied unit; TSB makes the others.
    pub applied: bool,
}

/// A place in the user's files.
#[derive(Debug, Serialize)]
pub(super) struct Place {
    /// Kind and name of the document.
    pub document: Option<String>,
    pub file: String,
    pub line: u32,
    pub column: u32,
}

impl NamespaceReport {
    /// What there is to say of a namespace at a point of the migration.
    pub(super) fn new(
        resolved: &Resolved,
        sources: &Sources,
        cluster: &ClusterName,
        namespace: &Namespace,
        reached: &Reached,
    ) -> Self {
        let Resolved { environment, tenancy, .. } = resolved;
        let explanation = tenancy.explain(cluster, &namespace.name);
        let place = |span: Span| Place::new(resolved, sources, span);
        let owner =
            |member: &Membership| Owner { fqn: member.fqn.to_string(), entry: place(member.entry) };
        let levels = |steps: &[Step]| -> Vec<Level> {
            let level = |step: &Step| Level {
                level: step.level.to_string(),
                says: step.says.clone(),
                holds: matches!(step.outcome, Outcome::Holds | Outcome::Merged),
                why: step.outcome.why(),
                place: step.span.map(place),
            };
            steps.iter().map(level).collect()
        };
        let access = &explanation.setting.access.value;
        let state = plan::state(environment, reached).of(&explanation.namespace);
        Self {
            environment: environment.name.to_string(),
            cluster: cluster.to_string(),
            namespace: namespace.name.to_string(),
            stage: reached.to_string(),
            dataplane_mode: state.running.to_string(),
            workspace: explanation.workspace.as_ref().map(owner),
            security_group: explanation.group.as_ref().map(owner),
            security_domain: explanation.domain.as_ref().map(Fqn::to_string),
            traffic_mode: match explanation.setting.traffic_mode.value {
                TrafficMode::Unset => "UNSET",
                TrafficMode::Optional => "OPTIONAL",
                TrafficMode::Required => "REQUIRED",
            },
            traffic_mode_levels: levels(&explanation.traffic_mode),
            access: who_may_call(access),
            authorization_levels: levels(&explanation.authorization),
            callers: explanation
                .callers
                .iter()
                .map(|caller| Caller {
                    principal: caller.principal.to_string(),
                    action: if caller.denies { "deny" } else { "allow" },
                    because: caller.because.iter().copied().map(place).collect(),
                })
                .collect(),
            policies: environment
                .clusters
                .get(cluster)
                .map(|cluster| policies(environment, cluster, namespace, reached))
                .unwrap_or_default(),
        }
    }
}

/// Who may call, in one sentence, and why where it is nobody.
fn who_may_call(access: &Access) -> String {
    let why = access.closed.as_ref().map(Closed::why);
    match (access.deny_all, &access.allow, access.deny.is_empty()) {
        (true, _, _) => "nobody may call: denyAll".to_owned(),
        (false, None, true) => "everyone may call".to_owned(),
        (false, None, false) => "everyone may call who is not refused".to_owned(),
        (false, Some(allow), _) if allow.is_empty() => {
            format!("nobody may call: {}", why.unwrap_or("nothing is allowed"))
        }
        (false, Some(_), true) => "only those who are allowed may call".to_owned(),
        (false, Some(_), false) => "only those who are allowed and not refused may call".to_owned(),
    }
}

impl Place {
    fn new(resolved: &Resolved, sources: &Sources, span: Span) -> Self {
        let document = resolved.tenancy.document_at(span);
        Self {
            document: document.map(|d| format!("{} {}", d.gvk.kind, d.name).trim_end().to_owned()),
            file: sources.get(span.file).map(|s| s.path.clone()).unwrap_or_default(),
            line: span.start.line,
            column: span.start.column,
        }
    }
}

fn policies(
    environment: &Environment,
    cluster: &Cluster,
    namespace: &Namespace,
    reached: &Reached,
) -> Vec<Policy> {
    let state = plan::state(environment, reached);
    let (placed, _) = namespace_manifests(environment, &state, cluster, namespace);
    let policies: BTreeSet<(&'static str, String, bool)> = placed
        .iter()
        .filter_map(|placed| {
            let applied = matches!(placed.area, Area::Unit(_));
            match &placed.manifest {
                Manifest::AuthorizationPolicy(policy) => {
                    Some(("AuthorizationPolicy", policy.metadata.name.clone(), applied))
                }
                Manifest::PeerAuthentication(policy) => {
                    Some(("PeerAuthentication", policy.metadata.name.clone(), applied))
                }
                _ => None,
            }
        })
        .collect();
    policies.into_iter().map(|(kind, name, applied)| Policy { kind, name, applied }).collect()
}
