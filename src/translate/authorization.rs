//! TSB's access rules as AuthorizationPolicies.
//!
//! The names are TSB's, the body of `waypoint-deny-rules` is the guide's; the others are our
//! reading (facts/tsb.md, "Bodies unknown, and our working model"), built on principals only.
//!
//! | policy | attached to | why |
//! |---|---|---|
//! | `allow`, `deny-rules` | the namespace | sidecars and ztunnel; a waypoint never sees them (facts/istio-ambient.md §4.1 A3) |
//! | `allow-gateway-ambient` | the namespace | ztunnel sees the gateway's identity, not the client's |
//! | `allow-waypoint`, `waypoint-deny-rules` | Gateway, by targetRef | behind a waypoint ztunnel sees the waypoint's identity only (§6.1): the client's is checked at the waypoint or nowhere |
//! | `gateway-deny-rules` | gateway pods, by selector | what comes in through a gateway of the namespace |

use std::collections::BTreeSet;

use super::{Context, Placed, PolicyProfile};
use crate::diagnostic::Diagnostic;
use crate::k8s::{Labels, TargetRef};
use crate::manifest::{Action, AuthorizationPolicy, Manifest, Metadata, Rule, Source};
use crate::model::{DataplaneMode, NamespaceName, Principal};

/// Where TSB runs the gateways that join clusters (facts/tsb.md, "Control plane").
const MULTICLUSTER_NAMESPACE: &str = "xcp-multicluster";

/// Pods that Istio's gateway controller made of a Gateway.
const GATEWAY_PODS: (&str, &str) = ("gateway.istio.io/managed", "istio.io-gateway-controller");

pub(super) fn translate(
    context: &Context<'_>,
    placed: &mut Vec<Placed>,
    found: &mut Vec<Diagnostic>,
) {
    let access = &context.namespace.security.access;
    let restricted = access.value.is_restricted();
    let ambient = context.has_ambient_pods(context.state.prepared);
    if context.state.prepared == DataplaneMode::None && !ambient {
        if restricted || !access.value.deny.is_empty() {
            found.push(outside_the_mesh(context));
        }
        return;
    }
    let names = PolicyProfile::of(context.environment.tsb);
    let waypoint = context.waypoint(context.state.prepared).map(|w| w.name.as_str());
    let mut push = |name: &str, action, attachment: Attachment<'_>, sources: Sources| {
        placed.push(Placed {
            area: context.policy_area(),
            manifest: Manifest::AuthorizationPolicy(policy(
                context.namespace.name.as_str(),
                name,
                action,
                attachment,
                sources,
            )),
            origin: access.origin,
        });
    };

    if restricted {
        let clients = allowed(context);
        // nobody is let in: not a gateway either
        let gateways = if clients.is_empty() { Principals::new() } else { gateways(context) };
        let mut direct = clients.clone();
        if !clients.is_empty()
            && let Some(waypoint) = waypoint_identity(context)
            && !clients.iter().any(|p| p.covers(&waypoint))
        {
            direct.insert(waypoint);
        }
        if ambient && names.allow_gateway.is_none() {
            direct.extend(gateways.iter().cloned());
        }
        push(names.allow, None, Attachment::Namespace, direct.into());
        if ambient
            && !gateways.is_empty()
            && let Some(name) = names.allow_gateway
        {
            push(name, None, Attachment::Namespace, gateways.clone().into());
        }
        if let Some(waypoint) = waypoint {
            let sources: Principals = clients.into_iter().chain(gateways).collect();
            push(names.allow_waypoint, None, Attachment::Gateway(waypoint), sources.into());
        }
    }

    if !access.value.deny.is_empty() {
        let denied: Principals = access.value.deny.iter().cloned().collect();
        let deny = Some(Action::Deny);
        // whoever denies a namespace to itself does not mean its waypoint, which has asked for the
        // client already
        let waypoints_own = waypoint_identity(context);
        let but = waypoints_own.into_iter().filter(|own| denied.iter().any(|p| p.covers(own)));
        let direct = Sources { any: denied.clone(), but: but.collect() };
        push(names.deny, deny, Attachment::Namespace, direct);
        if ambient {
            push(names.gateway_deny, deny, Attachment::GatewayPods, denied.clone().into());
        }
        if let Some(waypoint) = waypoint {
            push(names.waypoint_deny, deny, Attachment::Gateway(waypoint), denied.into());
        }
    }
}

type Principals = BTreeSet<Principal>;

/// Whom a policy means.
struct Sources {
    any: Principals,
    but: Principals,
}

impl From<Principals> for Sources {
    fn from(any: Principals) -> Self {
        Self { any, but: Principals::new() }
    }
}

enum Attachment<'a> {
    Namespace,
    GatewayPods,
    Gateway(&'a str),
}

/// Whom the rules let in. Empty means nobody: `denyAll`, or a mode that no caller can meet.
fn allowed(context: &Context<'_>) -> Principals {
    let access = &context.namespace.security.access.value;
    if access.deny_all {
        return Principals::new();
    }
    access.allow.iter().flat_map(|callers| callers.iter()).cloned().collect()
}

/// Identities of traffic that arrives through gateways: those that join clusters, of every
/// cluster, and those that the spec declares for the namespace.
fn gateways(context: &Context<'_>) -> Principals {
    let multicluster = NamespaceName::parse(MULTICLUSTER_NAMESPACE).ok();
    context
        .environment
        .clusters
        .values()
        .filter_map(|cluster| {
            Some(Principal::Namespace(cluster.trust_domain.clone(), multicluster.clone()?))
        })
        .chain(context.namespace.gateways.iter().cloned())
        .collect()
}

/// The service account that the waypoint calls the workloads with (facts/istio-ambient.md §3.5).
fn waypoint_identity(context: &Context<'_>) -> Option<Principal> {
    let waypoint = context.waypoint(context.state.prepared)?;
    Some(Principal::ServiceAccount(
        context.cluster.trust_domain.clone(),
        context.namespace.name.clone(),
        waypoint.name.clone(),
    ))
}

fn policy(
    namespace: &str,
    name: &str,
    action: Option<Action>,
    attachment: Attachment<'_>,
    sources: Sources,
) -> AuthorizationPolicy {
    let (selector, target_ref) = match attachment {
        Attachment::Namespace => (Labels::new(), None),
        Attachment::GatewayPods => {
            (Labels::from([(GATEWAY_PODS.0.to_owned(), GATEWAY_PODS.1.to_owned())]), None)
        }
        Attachment::Gateway(waypoint) => (Labels::new(), Some(TargetRef::gateway(waypoint))),
    };
    let sorted = |principals: Principals| {
        let mut principals: Vec<Principal> = principals.into_iter().collect();
        principals.sort_by_cached_key(ToString::to_string);
        principals
    };
    let (principals, not_principals) = (sorted(sources.any), sorted(sources.but));
    // without a source there is no rule: an ALLOW that matches nobody
    let rules = if principals.is_empty() {
        Vec::new()
    } else {
        vec![Rule { from: vec![Source { principals, not_principals }] }]
    };
    AuthorizationPolicy {
        metadata: Metadata::namespaced(namespace, name),
        action,
        selector,
        target_ref,
        rules,
    }
}

fn outside_the_mesh(context: &Context<'_>) -> Diagnostic {
    let diagnostic = Diagnostic::warning(
        "not-enforced",
        format!(
            "TSB restricts who may call `{}`, but the namespace is outside the mesh",
            context.namespace.name
        ),
    )
    .at(context.namespace.origin, "`mode: none`: nothing enforces the rules here")
    .help("give it `mode: sidecar` or `mode: ambient`, or take it out of its workspace");
    match context.namespace.security.access.origin {
        Some(rules) => diagnostic.also(rules, "the rules"),
        None => diagnostic,
    }
}
