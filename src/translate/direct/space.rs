//! One namespace: what is bound to a waypoint, and what becomes of each of its policies.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::peer_authentication;
use super::policy::{Action, Attachment, Authorization, Selector};
use super::reach::{Pods, Service};
use super::reason::Reason;
use super::root::Root;
use super::scene::Scene;
use super::twin::{Twin, pushed};
use super::writing::{Writing, named};
use super::ztunnel::in_its_words;
use super::{Binding, Outcome, Policy, Serves, Wish};
use crate::diagnostic::Diagnostic;
use crate::k8s::{Labels, Object};

/// What takes namespaces and pods into ambient mode, or keeps them out.
const DATAPLANE_MODE: &str = "istio.io/dataplane-mode";
/// `istio.io/dry-run: "true"`: evaluated, logged, not enforced.
const DRY_RUN: &str = "istio.io/dry-run";
/// The annotations by which TSB knows an object of DIRECT mode (facts/tsb.md, "DIRECT mode").
const TSB: &str = "tsb.tetrate.io/workspace";
/// What XCP writes on the objects that it makes.
const OF_XCP: &str = "xcp.tetrate.io/contentHash";

/// A namespace that becomes ambient.
pub(super) struct Space<'s> {
    pub objects: &'s [Object],
    pub scene: &'s Scene,
    pub wish: &'s Wish,
    pub namespace: &'s str,
    /// The place of its Namespace.
    pub at: usize,
}

/// What is bound to the namespace's waypoint.
#[derive(Debug, Default)]
pub(super) struct Bound<'s> {
    /// Services whose callers come through the waypoint.
    pub services: Vec<&'s Service>,
    /// Whoever calls pods by address comes through it as well.
    pub is_whole: bool,
    /// Places of workloads whose pods do not go through it although it serves pods.
    pub opted_out: BTreeSet<usize>,
}

impl<'s> Space<'s> {
    /// Writes what the namespace needs, and tells what becomes of its policies.
    pub fn translate(
        &self,
        root: &mut Root<'s>,
        writing: &mut Writing<'_>,
        found: &mut Vec<Diagnostic>,
    ) -> Vec<Policy> {
        self.enrol(writing);
        let mut policies = self.code(found);
        policies.extend(peer_authentication::translate(self, writing));
        let needing = self.needing(root);
        let mut bound = Bound::default();
        match self.wish.binding {
            Binding::AsNeeded if needing.is_empty() => {}
            Binding::AsNeeded => {
                bound = self.bound(&needing);
                if bound.is_whole || !bound.services.is_empty() {
                    self.bind(&bound, writing, found);
                }
            }
            Binding::Namespace => {
                bound.services = self.services().collect();
                bound.is_whole = self.serves() == Serves::All;
            }
            Binding::Nothing => {}
        }
        for (at, policy) in self.authorizations().filter(|(at, _)| self.is_ours(*at)) {
            policies.push(self.authorization(*at, policy, &mut bound, writing, found));
        }
        for (at, attachment) in self.authentications().filter(|(at, _)| self.is_ours(*at)) {
            policies.push(self.authentication(*at, attachment, &mut bound, writing, found));
        }
        root.translate(self, &mut bound, writing, found);
        policies.extend(self.telemetries(&bound, writing, found));
        if self.wish.binding == Binding::AsNeeded {
            self.refuse_gateways(found);
        }
        bound.opted_out.iter().for_each(|at| writing.opt_out(*at));
        policies
    }

    /// The labels of the namespace, and of pods that ztunnel does not capture: those outside of the mesh, and gateways
    /// (facts/istio-ambient.md §1.3). Injection is switched off by a value and
    /// not by absence: see facts/gitops-delivery.md 1.3.
    fn enrol(&self, writing: &mut Writing<'_>) {
        let set = [(DATAPLANE_MODE, "ambient"), ("istio-injection", "disabled")];
        writing.label(self.at, &[], &set);
        let here = self.scene.pods.iter().filter(|pods| pods.namespace == self.namespace);
        let is_said = |pods: &&Pods| pods.labels.contains_key(DATAPLANE_MODE);
        for pods in
            here.filter(|pods| !is_said(pods) && (pods.are_outside() || pods.are_gateways()))
        {
            writing.label_pods(pods.object, DATAPLANE_MODE, "none");
        }
    }

    fn authorizations(&self) -> impl Iterator<Item = &'s (usize, Authorization)> {
        self.scene.authorizations.iter().filter(|(at, _)| self.is_here(*at))
    }

    fn authentications(&self) -> impl Iterator<Item = &'s (usize, Attachment)> {
        self.scene.authentications.iter().filter(|(at, _)| self.is_here(*at))
    }

    /// Is a policy one that is translated?
    pub fn is_ours(&self, at: usize) -> bool {
        !self.wish.others.contains(&at)
    }

    pub fn is_here(&self, at: usize) -> bool {
        self.objects[at].namespace_or_default() == self.namespace
    }

    /// The pods that a policy of sidecars selects here.
    pub fn selected(&self, selector: Option<&Selector>) -> Vec<&'s Pods> {
        let selects = |of: &Labels| selector.is_none_or(|selector| selector.selects(of));
        self.scene.selected(self.namespace, selects)
    }

    /// Services in front of some of these pods.
    pub fn in_front(&self, pods: &[&Pods]) -> Vec<&'s Service> {
        self.scene.in_front(pods)
    }

    /// Pods whose policies no ztunnel can decide; none where the namespace needs no waypoint.
    fn needing(&self, root: &Root<'s>) -> Vec<&'s Pods> {
        let policies = self
            .authorizations()
            .filter(|(at, _)| self.is_ours(*at))
            .filter(|(at, policy)| !policy.has_targets() && self.needs_envoy(*at, policy))
            .map(|(_, policy)| policy.selector.as_ref());
        let tokens = self
            .authentications()
            .filter(|(at, attachment)| self.is_ours(*at) && !attachment.has_targets())
            .map(|(_, attachment)| attachment.selector.as_ref());
        let selectors = policies.chain(tokens).chain(root.needing());
        let pods = selectors.flat_map(|selector| self.selected(selector));
        let once: BTreeMap<usize, &Pods> = pods.map(|pods| (pods.object, pods)).collect();
        once.into_values().collect()
    }

    /// Is there something in a policy that ztunnel cannot decide as the sidecar did?
    pub fn needs_envoy(&self, at: usize, policy: &Authorization) -> bool {
        needs_envoy(&self.objects[at], policy, self.wish)
    }

    fn bound(&self, needing: &[&Pods]) -> Bound<'s> {
        let services = match self.serves() {
            // all that is addressed to pods of the namespace goes through it, whatever is bound
            Serves::All => self.services().collect(),
            Serves::Service => {
                self.in_front(needing).into_iter().filter(|s| !s.is_headless).collect()
            }
        };
        Bound { services, is_whole: self.serves() == Serves::All, opted_out: BTreeSet::new() }
    }

    fn services(&self) -> impl Iterator<Item = &'s Service> {
        self.scene
            .services
            .iter()
            .filter(|service| service.namespace == self.namespace && !service.is_headless)
    }

    /// The waypoint, and the labels by which Services and pods name it: the namespace's where that says
    /// the same of fewer objects.
    fn bind(&self, bound: &Bound<'_>, writing: &mut Writing<'_>, found: &mut Vec<Diagnostic>) {
        let name = self.wish.waypoint.as_str();
        let home = self.waypoint_namespace();
        let mut labels = vec![("istio.io/use-waypoint", name)];
        if home != self.namespace {
            labels.push(("istio.io/use-waypoint-namespace", home));
        }
        // a gateway goes past the waypoint else (facts/istio-ambient.md §2.4)
        if self.calls_by_gateway() {
            labels.push(("istio.io/ingress-use-waypoint", "true"));
        }
        if self.serves() == Serves::All || bound.services.len() == self.services().count() {
            writing.label(self.at, &[], &labels);
        } else {
            for service in &bound.services {
                writing.label(service.object, &[], &labels);
            }
        }
        if let Some(at) = self.scene.gateways.get(&(home.to_owned(), name.to_owned())) {
            if !is_waypoint(&self.objects[*at]) {
                let said = format!("Gateway {home}/{name} is no waypoint");
                found.push(
                    Diagnostic::error("waypoint-name-taken", said)
                        .at(self.objects[*at].name_span(), "it has another class")
                        .help("give another name with `--waypoint`"),
                );
            }
            return;
        }
        let Some(&anchor) = self.scene.namespaces.get(home) else { return };
        let mut listener = json!({"name": "mesh", "port": 15008, "protocol": "HBONE"});
        if self.wish.moving.iter().any(|namespace| namespace != home)
            && self.wish.waypoint_namespace.is_some()
        {
            listener["allowedRoutes"] = json!({"namespaces": {"from": "All"}});
        }
        let gateway = json!({
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "Gateway",
            "metadata": {
                "name": name,
                "namespace": home,
                "labels": {"istio.io/waypoint-for": self.serves().as_str()},
            },
            "spec": {"gatewayClassName": "istio-waypoint", "listeners": [listener]},
        });
        writing.add_waypoint(home, anchor, gateway);
    }

    /// Are there gateways here through which callers may come?
    fn calls_by_gateway(&self) -> bool {
        self.wish.binding == Binding::AsNeeded
            && (self.scene.pods.iter().any(Pods::are_gateways)
                || self.scene.gateways.values().any(|at| !is_waypoint(&self.objects[*at])))
    }

    /// What the waypoint serves: one that is there as its label says, which is Services where it says
    /// nothing (facts/istio-ambient.md §3.2).
    pub fn serves(&self) -> Serves {
        let key = (self.waypoint_namespace().to_owned(), self.wish.waypoint.clone());
        let Some(at) = self.scene.gateways.get(&key) else { return self.wish.serves };
        match self.objects[*at].labels.get("istio.io/waypoint-for").map(String::as_str) {
            Some("all") => Serves::All,
            _ => Serves::Service,
        }
    }

    /// Where the waypoint of this namespace lies.
    pub fn waypoint_namespace(&self) -> &'s str {
        self.wish.waypoint_namespace.as_deref().unwrap_or(self.namespace)
    }

    /// The identity that the waypoint calls pods with.
    pub fn waypoint_principal(&self) -> String {
        self.wish.waypoint_principal(self.namespace)
    }

    /// A policy as it is, which concerns these pods.
    pub fn stays(&self, at: usize, pods: &[&Pods], reasons: &[Reason]) -> Policy {
        self.scene.stays(at, pods, reasons)
    }

    /// Does a policy of sidecars hold for gateways here?
    fn gateways(&self, selector: Option<&Selector>) -> bool {
        self.scene.pods.iter().any(|pods| {
            pods.namespace == self.namespace
                && pods.are_gateways()
                && selector.is_none_or(|s| s.selects(&pods.labels))
        })
    }

    fn authorization(
        &self,
        at: usize,
        policy: &Authorization,
        bound: &mut Bound<'s>,
        writing: &mut Writing<'_>,
        found: &mut Vec<Diagnostic>,
    ) -> Policy {
        let object = &self.objects[at];
        if policy.has_targets() {
            return self.stays(at, &[], &[Reason::GatewayAttached]);
        }
        let pods = self.selected(policy.selector.as_ref());
        let gateways = self.gateways(policy.selector.as_ref());
        if gateways && pods.is_empty() {
            return self.stays(at, &[], &[Reason::GatewayAttached]);
        }
        let mut told = self.stays(at, &pods, &[]);
        found.extend(made_by_another(object));
        if object.annotations.contains_key(TSB) {
            told.reasons.insert(Reason::TsbDirect);
        }
        if policy.action() == Action::Allow && policy.rules.is_empty() {
            told.reasons.insert(Reason::NoAccess);
        }
        if self.calls_by_gateway()
            && bound.services.iter().any(|s| pods.iter().any(|p| s.fronts(p)))
        {
            told.reasons.insert(Reason::IngressUseWaypoint);
        }
        if !self.needs_envoy(at, policy) && !self.is_bound(&pods, bound) {
            self.in_words_of_ztunnel(at, policy, &mut told, writing);
            return told;
        }
        if let Some(refused) = self.without_waypoint(at, &told, found) {
            return refused;
        }
        if gateways {
            told.reasons.insert(Reason::GatewayAttached);
        }
        let told = Twin::new(self, at, policy, pods, told).translate(bound, writing, found);
        if gateways && told.outcome != Outcome::Refused {
            return self.kept_at_gateways(at, policy, told, writing, found);
        }
        told
    }

    /// A policy goes, and holds for gateways too: each of them keeps a copy.
    fn kept_at_gateways(
        &self,
        at: usize,
        policy: &Authorization,
        mut told: Policy,
        writing: &mut Writing<'_>,
        found: &mut Vec<Diagnostic>,
    ) -> Policy {
        let object = &self.objects[at];
        let selector = policy.selector.as_ref();
        let gateways = self.scene.pods.iter().filter(|pods| {
            pods.namespace == self.namespace
                && pods.are_gateways()
                && selector.is_none_or(|s| s.selects(&pods.labels))
        });
        for pods in gateways {
            let own = Selector { match_labels: pods.labels.clone() };
            let spec = json!(Authorization { selector: Some(own), ..policy.clone() });
            let name = format!("{}-{}", object.name, pods.name);
            let name = named(object, &object.gvk.kind, self.namespace, &name);
            told.becomes.extend(pushed(object, at, name, spec, writing, found));
        }
        told
    }

    /// A gateway whose proxy is injected because of the namespace's label loses it with the label
    /// (facts/istio-ambient.md §1.5).
    fn refuse_gateways(&self, found: &mut Vec<Diagnostic>) {
        let is_injected =
            |pods: &&Pods| pods.namespace == self.namespace && pods.is_injected_gateway();
        for pods in self.scene.pods.iter().filter(is_injected) {
            let object = &self.objects[pods.object];
            let said = format!("{} would lose its proxy", object.reference());
            found.push(
                Diagnostic::error("gateway-loses-proxy", said)
                    .at(
                        object.name_span(),
                        "it is injected, and its namespace does not inject any more",
                    )
                    .help(
                        "move the gateway into a namespace of its own first, or leave this one out",
                    ),
            );
        }
    }

    /// Does anybody come to these pods through the waypoint?
    pub fn is_bound(&self, pods: &[&Pods], bound: &Bound<'_>) -> bool {
        let is_bound = self
            .in_front(pods)
            .iter()
            .any(|service| bound.services.iter().any(|bound| bound.object == service.object));
        // pods that are not known may be behind the waypoint as well
        is_bound || bound.is_whole || (pods.is_empty() && !bound.services.is_empty())
    }

    /// What only a waypoint can enforce, where there is none.
    pub fn without_waypoint(
        &self,
        at: usize,
        told: &Policy,
        found: &mut Vec<Diagnostic>,
    ) -> Option<Policy> {
        if self.wish.binding != Binding::Nothing {
            return None;
        }
        let object = &self.objects[at];
        found.push(
            refusal(
                Reason::HttpAttributes,
                object,
                "its namespace has no waypoint, and ztunnel reads no HTTP",
            )
            .help("give the namespace a `waypoint`, or leave it out of the stages"),
        );
        let mut told = told.clone();
        told.outcome = Outcome::Refused;
        told.reasons.insert(Reason::HttpAttributes);
        Some(told)
    }

    /// A policy that ztunnel decides. An empty selector selects nothing there (facts/istio-ambient.md §4.3).
    fn in_words_of_ztunnel(
        &self,
        at: usize,
        policy: &Authorization,
        told: &mut Policy,
        writing: &mut Writing<'_>,
    ) {
        let mut put = policy.clone();
        told.reasons.extend(put_in_its_words(&mut put, self.wish));
        if put != *policy {
            writing.edit(at, |value| value["spec"] = json!(put));
        }
    }

    fn authentication(
        &self,
        at: usize,
        attachment: &Attachment,
        bound: &mut Bound<'s>,
        writing: &mut Writing<'_>,
        found: &mut Vec<Diagnostic>,
    ) -> Policy {
        if attachment.has_targets() {
            return self.stays(at, &[], &[Reason::GatewayAttached]);
        }
        let pods = self.selected(attachment.selector.as_ref());
        if pods.is_empty() && self.gateways(attachment.selector.as_ref()) {
            return self.stays(at, &[], &[Reason::GatewayAttached]);
        }
        let object = &self.objects[at];
        found.extend(made_by_another(object));
        let mut told =
            self.stays(at, &pods, &[Reason::RequestAuthentication, Reason::HttpAttributes]);
        if object.annotations.contains_key(TSB) {
            told.reasons.insert(Reason::TsbDirect);
        }
        if let Some(refused) = self.without_waypoint(at, &told, found) {
            return refused;
        }
        let own =
            Authorization { selector: attachment.selector.clone(), ..Authorization::default() };
        Twin::new(self, at, &own, pods, told).translate_tokens(bound, writing, found)
    }

    /// Are callers of the pods' own addresses refused without a guard? ALLOW policies that keep no rule for
    /// them admit the waypoint alone.
    pub fn are_shut(&self, pods: &[&Pods]) -> bool {
        pods.iter().all(|pods| {
            let mut allow = self.authorizations().filter(|(at, policy)| {
                policy.action() == Action::Allow
                    && !policy.has_targets()
                    && !is_dry_run(&self.objects[*at])
                    && policy.selector.as_ref().is_none_or(|s| s.selects(&pods.labels))
            });
            let keeps = |policy: &Authorization| {
                let domain = &self.wish.trust_domain;
                policy.rules.iter().any(|rule| in_its_words(rule, domain).is_ok())
            };
            let first = allow.next();
            first.is_some_and(|(_, policy)| !keeps(policy)) && !allow.any(|(_, p)| keeps(p))
        })
    }

    /// Code and limits of sidecars that pods of this namespace lose: nobody can prove what they did.
    fn code(&self, found: &mut Vec<Diagnostic>) -> Vec<Policy> {
        let is_asked = |at: usize| self.is_here(at) && self.is_ours(at);
        let here = self.scene.code.iter().filter(|(at, of)| is_asked(*at) && !of.has_targets());
        here.filter_map(|(at, attachment)| {
            let pods = self.scene.selected(self.namespace, |labels| attachment.selects(labels));
            if pods.is_empty() {
                return None;
            }
            let object = &self.objects[*at];
            let (reason, why) = match object.gvk.kind.as_str() {
                "EnvoyFilter" => (Reason::EnvoyFilter, "it changes sidecars that are no more"),
                "Sidecar" if limits_egress(object) => {
                    (Reason::SidecarEgressLost, "ztunnel does not limit what clients call")
                }
                "Sidecar" => return None,
                _ => (Reason::OpaqueCode, "it runs in sidecars that are no more"),
            };
            found.push(refusal(reason, object, why));
            let mut told = self.stays(*at, &pods, &[reason]);
            told.outcome = Outcome::Refused;
            Some(told)
        })
        .collect()
    }
}

/// Is there something in a policy that ztunnel cannot decide as the sidecar did?
pub(super) fn needs_envoy(object: &Object, policy: &Authorization, wish: &Wish) -> bool {
    matches!(policy.action(), Action::Audit | Action::Custom)
        || is_dry_run(object)
        || policy.rules.iter().any(|rule| in_its_words(rule, &wish.trust_domain).is_err())
}

/// Puts a policy that ztunnel decides in its words, and says what that changed.
pub(super) fn put_in_its_words(policy: &mut Authorization, wish: &Wish) -> BTreeSet<Reason> {
    let mut told = BTreeSet::from([Reason::L4Only]);
    if policy.selector.as_ref().is_some_and(|s| s.match_labels.is_empty()) {
        policy.selector = None;
        told.insert(Reason::EmptySelector);
    }
    for rule in &mut policy.rules {
        if let Ok((words, reasons)) = in_its_words(rule, &wish.trust_domain) {
            *rule = words;
            told.extend(reasons);
        }
    }
    told
}

/// Is a Gateway a waypoint?
fn is_waypoint(gateway: &Object) -> bool {
    let class = gateway.body.get_path(&["spec", "gatewayClassName"]);
    class.and_then(|class| class.as_str()) == Some("istio-waypoint")
}

/// Is a policy evaluated without being enforced?
pub(super) fn is_dry_run(object: &Object) -> bool {
    object.annotations.get(DRY_RUN).is_some_and(|value| value == "true")
}

pub(super) fn made_by_another(object: &Object) -> Option<Diagnostic> {
    let owner = owner(object)?;
    Some(
        Diagnostic::error("made-by-another", format!("{} is {owner}", object.reference()))
            .at(object.name_span(), "what is written over it comes back")
            .help("translate what it is made of, or leave its namespace out"),
    )
}

/// Who makes an object, where somebody does who would make it again (facts/tsb.md, "Metadata conventions and
/// ownership").
fn owner(object: &Object) -> Option<&'static str> {
    let metadata = object.body.get("metadata")?;
    if object.annotations.contains_key(OF_XCP) || object.labels.contains_key(OF_XCP) {
        return Some("made by TSB");
    }
    if object.labels.get("app.kubernetes.io/managed-by").is_some_and(|by| by == "tsb") {
        return Some("made by TSB");
    }
    let owners = metadata.get("ownerReferences").and_then(|owners| owners.as_list());
    owners.is_some_and(|owners| !owners.is_empty()).then_some("made by its owner")
}

/// Does a Sidecar leave hosts out that its pods could call? A policy for outbound traffic that names no mode
/// is REGISTRY_ONLY (istio/api networking/v1alpha3/sidecar.proto `OutboundTrafficPolicy.Mode`).
fn limits_egress(object: &Object) -> bool {
    let outbound = object.body.get_path(&["spec", "outboundTrafficPolicy"]);
    let mode = |policy: &crate::yaml::Node| {
        policy.get("mode").and_then(|mode| mode.as_str()).unwrap_or("REGISTRY_ONLY").to_owned()
    };
    if outbound.filter(|policy| !policy.is_null()).is_some_and(|p| mode(p) == "REGISTRY_ONLY") {
        return true;
    }
    let egress = object.body.get_path(&["spec", "egress"]).and_then(|egress| egress.as_list());
    let is_all = |host: &str| matches!(host, "*/*");
    egress.is_some_and(|listeners| {
        !listeners.iter().any(|listener| {
            let hosts = listener.get("hosts").and_then(|hosts| hosts.as_list());
            hosts.is_some_and(|hosts| hosts.iter().any(|h| h.as_str().is_some_and(is_all)))
        })
    })
}

/// Why a policy is not translated.
pub(super) fn refusal(reason: Reason, object: &Object, why: &str) -> Diagnostic {
    Diagnostic::error(reason.code(), format!("{} is not translated", object.reference()))
        .at(object.name_span(), why)
}
