//! What a policy becomes that only an Envoy can enforce, or whose callers come through one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::construct::needs;
use super::policy::{Action, Authorization, From, Operation, Rule, Source, To};
use super::ports::{Mapped, is_about_ports, mapped, named_ports, says_the_same};
use super::reach::{Pods, Service};
use super::reason::Reason;
use super::route::{is_for_clients, names, rewrites};
use super::space::{Bound, Space, is_dry_run, refusal};
use super::writing::{Writing, about_pods, derived, named, only};
use super::ztunnel::{Words, in_its_words};
use super::{Outcome, Policy, Serves};
use crate::diagnostic::Diagnostic;
use crate::k8s::{Object, ObjectRef, TargetRef};
use crate::model::RESTART_TOKEN;

/// So many targets may a policy have (istio/api `targetRefs`, MaxItems).
const TARGETS: usize = 16;
/// So long may a name be (Kubernetes, names of objects).
const NAME: usize = 253;
/// The kind of what ztunnel enforces.
const POLICY: &str = "AuthorizationPolicy";

/// A policy on its way into one namespace.
pub(super) struct Twin<'a, 's> {
    pub space: &'a Space<'s>,
    pub at: usize,
    policy: &'a Authorization,
    pub pods: Vec<&'s Pods>,
    pub told: Policy,
    /// Each rule in ztunnel's words, or why ztunnel cannot decide it.
    words: Vec<Words>,
    /// It is of the root namespace: it stays, and holds here for what ztunnel decides.
    pub is_of_root: bool,
    /// The identity of the waypoint that the pods are behind.
    waypoint: Option<String>,
}

/// What a policy is bound to at a waypoint, and its rules there.
pub(super) struct Bunch {
    pub targets: Vec<TargetRef>,
    rules: Vec<Rule>,
}

impl<'a, 's> Twin<'a, 's> {
    /// A policy for these pods, and what is known of it already.
    pub fn new(
        space: &'a Space<'s>,
        at: usize,
        policy: &'a Authorization,
        pods: Vec<&'s Pods>,
        told: Policy,
    ) -> Self {
        let domain = &space.wish.trust_domain;
        let words = policy.rules.iter().map(|rule| in_its_words(rule, domain)).collect();
        let waypoint = Some(space.waypoint_principal());
        Self { space, at, policy, pods, told, words, is_of_root: false, waypoint }
    }

    /// The same of a policy of the root namespace, for the pods of this one; perhaps none of them is behind
    /// a waypoint.
    pub fn of_root(self, is_bound: bool) -> Self {
        let waypoint = self.waypoint.filter(|_| is_bound);
        Self { is_of_root: true, waypoint, ..self }
    }

    /// Writes what the policy becomes.
    pub fn translate(
        mut self,
        bound: &mut Bound<'s>,
        writing: &mut Writing<'_>,
        found: &mut Vec<Diagnostic>,
    ) -> Policy {
        let object = &self.space.objects[self.at];
        let before = found.len();
        self.classify();
        self.refuse(object, found);
        self.refuse_routes(object, found);
        self.refuse_account(found);
        let bunches = self.bunches(bound, object, found);
        if found[before..].iter().any(Diagnostic::is_error) {
            self.told.outcome = Outcome::Refused;
            return self.told;
        }
        let policy = self.policy;
        self.bind(bunches, writing, found, |Bunch { targets, rules }| {
            json!(Authorization {
                selector: None,
                target_ref: None,
                target_refs: targets,
                rules,
                ..policy.clone()
            })
        });
        if !is_dry_run(object) {
            if policy.action() == Action::Deny && !self.is_of_root {
                writing.until_it_goes(self.at, self.behind_the_waypoint());
            }
            self.destination(writing, found);
        }
        self.told
    }

    /// Puts an object for each bunch in the place of the policy.
    pub fn bind(
        &mut self,
        bunches: Vec<Bunch>,
        writing: &mut Writing<'_>,
        found: &mut Vec<Diagnostic>,
        spec: impl Fn(Bunch) -> Value,
    ) {
        if !self.is_of_root {
            writing.remove(self.at);
        }
        let several = bunches.len() > 1;
        for (number, bunch) in bunches.into_iter().enumerate() {
            let suffix =
                if several { format!("-waypoint-{}", number + 1) } else { "-waypoint".to_owned() };
            let kind = self.space.objects[self.at].gvk.kind.as_str();
            self.push(kind, &suffix, spec(bunch), writing, found);
        }
    }

    /// Adds an object that is made of the policy. That it cannot have its name is reported.
    fn push(
        &mut self,
        kind: &str,
        suffix: &str,
        spec: Value,
        writing: &mut Writing<'_>,
        found: &mut Vec<Diagnostic>,
    ) {
        let object = &self.space.objects[self.at];
        // one of the namespace's own may have the same name
        let of = if self.is_of_root { "-root" } else { "" };
        let name = format!("{}{of}{suffix}", object.name);
        let name = named(object, kind, self.space.namespace, &name);
        self.told.becomes.extend(pushed(object, self.at, name, spec, writing, found));
    }

    /// Adds a guard: everybody but the waypoint is denied, on these ports of the pods or on all. It selects the
    /// label that the restart into ambient mode brings.
    pub fn guard(
        &mut self,
        suffix: &str,
        ports: Option<BTreeSet<String>>,
        writing: &mut Writing<'_>,
        found: &mut Vec<Diagnostic>,
    ) {
        let mut selector = self.policy.selector.clone().unwrap_or_default();
        selector.match_labels.insert(RESTART_TOKEN.into(), "ambient".into());
        let but = self.waypoint.iter().cloned().collect::<Vec<_>>();
        let mut rule = Rule::default();
        if !but.is_empty() {
            rule = only(Source { not_principals: but, ..Source::default() });
        }
        if let Some(ports) = ports {
            let ports = ports.into_iter().collect();
            rule.to.push(To { operation: Operation { ports, ..Operation::default() } });
        }
        let guard = about_pods(Some(selector), Action::Deny, vec![rule]);
        self.push(POLICY, suffix, guard, writing, found);
        self.pods.iter().for_each(|pods| writing.bind_guard(pods.object));
    }

    /// Why it moves.
    fn classify(&mut self) {
        let is_of_namespace = self.policy.is_wide() && !self.is_of_root;
        let (policy, reasons) = (self.policy, &mut self.told.reasons);
        self.told.outcome = Outcome::Moves;
        let (mut here, mut there) = (false, false);
        for words in &self.words {
            match words {
                Ok(_) => here = true,
                // what only an Envoy reads is among these
                Err(why) => {
                    reasons.extend(why);
                    there = true;
                }
            }
        }
        if here && there {
            reasons.insert(Reason::MixedRules);
        }
        if here && !there {
            reasons.insert(Reason::L4Only);
        }
        match policy.action() {
            Action::Deny if there => {
                reasons.insert(Reason::DenyInert);
                let services = self.space.in_front(&self.pods);
                let is_tcp = services.iter().any(|service| service.has_tcp_port());
                reasons.extend(is_tcp.then_some(Reason::DenyOnTcpPort));
            }
            Action::Custom => reasons.extend([Reason::ActionCustom]),
            Action::Audit => reasons.extend([Reason::ActionAudit]),
            Action::Allow | Action::Deny => {}
        }
        if is_dry_run(&self.space.objects[self.at]) {
            reasons.insert(Reason::DryRun);
        }
        let is_empty = policy.selector.as_ref().is_some_and(|s| s.match_labels.is_empty());
        reasons.extend(is_of_namespace.then_some(Reason::NamespaceWide));
        reasons.extend(is_empty.then_some(Reason::EmptySelector));
    }

    /// What means something else at a waypoint.
    fn refuse(&mut self, object: &Object, found: &mut Vec<Diagnostic>) {
        let mut why: BTreeMap<Reason, &str> = BTreeMap::new();
        for rule in &self.policy.rules {
            let needs = needs(rule);
            for reason in &needs.sidecar_only {
                why.insert(
                    *reason,
                    match reason {
                        Reason::Sni => "a waypoint sees the server name on ports that are declared TLS only",
                        Reason::FilterMetadata => "a waypoint has other filters than a sidecar",
                        Reason::SidecarHeader => {
                            "a waypoint does not write this header, and lets the client's pass"
                        }
                        Reason::PathTemplateCrash => {
                            "a template that does not begin with `/` ends Envoy: the webhook lets it pass"
                        }
                        _ => "ztunnel and waypoints have no word for it",
                    },
                );
            }
            for reason in &needs.not_waypoint {
                let (reason, said) = match reason {
                    Reason::IpBlocks if !needs.envoy.is_empty() => (
                        Reason::IpBlocksAtWaypoint,
                        "a waypoint never sees the client's address: `ipBlocks` match nothing there",
                    ),
                    Reason::IpBlocks => (
                        Reason::IpBlocks,
                        "behind a waypoint ztunnel sees the waypoint's address, and the waypoint none",
                    ),
                    _ => {
                        (*reason, "a waypoint sees the address of the Service, and not of the pod")
                    }
                };
                why.insert(reason, said);
            }
        }
        for (reason, said) in why {
            self.told.reasons.insert(reason);
            let mut finding = refusal(reason, object, said);
            if matches!(reason, Reason::IpBlocksAtWaypoint | Reason::IpBlocks) {
                finding = finding.help(
                    "`remoteIpBlocks` reads X-Forwarded-For, which any caller inside the mesh can write: \
                     write it yourself where that is acceptable; or split the policy by port, so that what reads \
                     addresses concerns no Service behind the waypoint",
                );
            }
            found.push(finding);
        }
    }

    /// A route at the client's sidecar comes before the destination's policies; at a waypoint it comes
    /// after them (facts/translation.md, "What decides").
    fn refuse_routes(&mut self, object: &Object, found: &mut Vec<Diagnostic>) {
        let services = self.space.in_front(&self.pods);
        for at in &self.space.scene.virtual_services {
            let route = &self.space.objects[*at];
            if !is_for_clients(route) || !services.iter().any(|service| names(route, service)) {
                continue;
            }
            let (reason, said) = if rewrites(route) {
                (
                    Reason::RewrittenBeforePolicy,
                    "a sidecar's policy reads the path after the client's route has rewritten it, a waypoint's \
                     before",
                )
            } else {
                (
                    Reason::RouteTouches,
                    "where the route leads is not followed yet: what the policy protects after it is not proven",
                )
            };
            self.told.reasons.insert(reason);
            found.push(
                refusal(reason, object, said)
                    .also(route.name_span(), "this route")
                    .help("move the rewriting to the clients or the pods, or write what comes of it into the policy"),
            );
        }
    }

    /// Whoever runs under the waypoint's account is let in as it is.
    pub fn refuse_account(&mut self, found: &mut Vec<Diagnostic>) {
        let space = self.space;
        let home = space.waypoint_namespace();
        let is_it = |pods: &&Pods| {
            pods.namespace == home && pods.account == space.wish.waypoint && !pods.are_gateways()
        };
        let Some(pods) = space.scene.pods.iter().find(is_it) else { return };
        self.told.reasons.insert(Reason::WaypointAccountUsed);
        found.push(
            refusal(
                Reason::WaypointAccountUsed,
                &space.objects[self.at],
                "the waypoint is let in, and a workload runs under its account",
            )
            .also(space.objects[pods.object].name_span(), "this one")
            .help("give the waypoint another name, or the workload another service account"),
        );
    }

    /// The targets at the waypoint, by the rules that they need.
    pub fn bunches(
        &mut self,
        bound: &mut Bound<'s>,
        object: &Object,
        found: &mut Vec<Diagnostic>,
    ) -> Vec<Bunch> {
        let space = self.space;
        if self.is_of_root && self.policy.is_wide() {
            // bound to the class of all waypoints, once
            self.refuse_ports_of_both(object, found);
            return Vec::new();
        }
        if space.serves() == Serves::All
            && self.policy.is_wide()
            && space.waypoint_namespace() == space.namespace
        {
            return self.at_gateway(object, found);
        }
        let services = self.behind(bound, object, found);
        let mut bunches: Vec<Bunch> = Vec::new();
        let (mut rewritten, mut elsewhere) = (false, false);
        for service in services {
            let behind: Vec<&Pods> =
                space.scene.pods.iter().filter(|pods| service.fronts(pods)).collect();
            if behind.iter().any(|pods| !self.pods.iter().any(|own| own.object == pods.object)) {
                self.told.reasons.insert(Reason::ServiceFrontsOthers);
            }
            let Some(rules) = self.for_service(service, &behind, &mut rewritten, &mut elsewhere)
            else {
                self.told.reasons.insert(Reason::PortsRewritten);
                let said = format!(
                    "a port of Service {}/{} leads to different ports of its pods",
                    service.namespace, service.name
                );
                found.push(refusal(Reason::PortsRewritten, object, &said));
                continue;
            };
            // an ALLOW without rules lets nobody in; every other action without rules does nothing
            if rules.is_empty()
                && !self.policy.rules.is_empty()
                && self.policy.action() != Action::Allow
            {
                continue;
            }
            let target = TargetRef::service(service.name.as_str());
            match bunches.iter_mut().find(|b| b.rules == rules && b.targets.len() < TARGETS) {
                Some(bunch) => bunch.targets.push(target),
                None => bunches.push(Bunch { targets: vec![target], rules }),
            }
        }
        let all: usize = bunches.iter().map(|bunch| bunch.targets.len()).sum();
        let reasons = &mut self.told.reasons;
        reasons.extend((all > 1).then_some(Reason::SeveralServices));
        reasons.extend((all > TARGETS).then_some(Reason::TargetRefsLimit));
        reasons.extend(rewritten.then_some(Reason::PortsRewritten));
        reasons.extend(elsewhere.then_some(Reason::PortWithoutService));
        bunches
    }

    /// The waypoint itself serves what the policy covers, and nothing else.
    fn at_gateway(&mut self, object: &Object, found: &mut Vec<Diagnostic>) -> Vec<Bunch> {
        self.refuse_ports_of_both(object, found);
        vec![Bunch {
            targets: vec![TargetRef::gateway(self.space.wish.waypoint.as_str())],
            rules: self.policy.rules.clone(),
        }]
    }

    /// Rules about ports, where a waypoint asks them about several ports of one pod.
    fn refuse_ports_of_both(&mut self, object: &Object, found: &mut Vec<Diagnostic>) {
        if self.policy.rules.iter().any(is_about_ports) {
            let same = self.space.in_front(&self.pods).iter().all(|service| {
                service.ports(&self.pods).is_ok_and(|ports| {
                    self.policy.rules.iter().all(|rule| says_the_same(rule, &ports))
                })
            });
            if !same {
                self.told.reasons.insert(Reason::PortsRewritten);
                let said = if self.is_of_root {
                    "a waypoint sees the port of the Service, and the rule is about that of the pod"
                } else {
                    "a waypoint that serves pods too sees the port of the Service or that of the pod, as the \
                     caller has it: the rule would mean both"
                };
                found.push(refusal(Reason::PortsRewritten, object, said));
            }
        }
    }

    /// The Services in front of the policy's pods. Pods that a waypoint serves too are opted out: what is
    /// addressed to them would pass it without meeting policies of a Service.
    fn behind(
        &mut self,
        bound: &mut Bound<'s>,
        object: &Object,
        found: &mut Vec<Diagnostic>,
    ) -> Vec<&'s Service> {
        let space = self.space;
        let services = space.in_front(&self.pods);
        let (headless, services): (Vec<&Service>, Vec<&Service>) =
            services.into_iter().partition(|service| service.is_headless);
        let needs_envoy = space.needs_envoy(self.at, self.policy);
        if self.pods.is_empty() {
            self.told.reasons.insert(Reason::NoService);
            found.push(
                refusal(
                    Reason::NoService,
                    object,
                    "none of these manifests makes pods that it selects",
                )
                .help("name the manifests of the workloads and Services that it is about, too"),
            );
        }
        let alone = self.pods.iter().find(|pods| !services.iter().any(|s| s.fronts(pods)));
        if let Some(pods) = alone.filter(|_| needs_envoy) {
            let (reason, said) = if headless.iter().any(|service| service.fronts(pods)) {
                (
                    Reason::HeadlessService,
                    format!(
                        "{}/{} is called by pod address: no Service waypoint sees it",
                        pods.namespace, pods.name
                    ),
                )
            } else {
                (
                    Reason::NoService,
                    format!(
                        "no Service leads to {}/{}: no Service waypoint sees its callers",
                        pods.namespace, pods.name
                    ),
                )
            };
            self.told.reasons.insert(reason);
            found.push(refusal(reason, object, &said).help(
                "`--waypoint-for all` with a policy for the whole namespace covers pod addresses",
            ));
        }
        if space.serves() == Serves::All {
            self.told.reasons.insert(Reason::PodAddressPastServicePolicy);
            bound.opted_out.extend(self.pods.iter().map(|pods| pods.object));
        }
        services
    }

    /// The rules for one Service; `None` where its ports cannot be told.
    fn for_service(
        &self,
        service: &Service,
        behind: &[&Pods],
        rewritten: &mut bool,
        elsewhere: &mut bool,
    ) -> Option<Vec<Rule>> {
        if !self.policy.rules.iter().any(is_about_ports) {
            return Some(self.policy.rules.clone());
        }
        let ports = service.ports(behind).ok()?;
        let mut rules = Vec::new();
        for rule in &self.policy.rules {
            match mapped(rule, &ports) {
                Mapped::Same(rule) => rules.push(rule),
                Mapped::Rewritten(now) => {
                    *rewritten |= now != *rule;
                    rules.push(now);
                }
                Mapped::Elsewhere => *elsewhere = true,
            }
        }
        Some(rules)
    }

    /// The policy at sidecars that the waypoint calls already: what it has let through is not refused
    /// because it comes in its name, and without the client's token.
    fn behind_the_waypoint(&self) -> Value {
        let waypoint = self.space.waypoint_principal();
        let mut policy = self.policy.clone();
        policy.rules.iter_mut().for_each(|rule| except(rule, &waypoint));
        json!(policy)
    }

    /// What ztunnel enforces of it: at the pods, whoever calls them.
    fn destination(&mut self, writing: &mut Writing<'_>, found: &mut Vec<Diagnostic>) {
        let (mut kept, mut not_kept) = (Vec::new(), Vec::new());
        let mut is_put_otherwise = false;
        for (rule, words) in self.policy.rules.iter().zip(std::mem::take(&mut self.words)) {
            match words {
                Ok((words, put)) => {
                    is_put_otherwise |= !put.is_empty();
                    self.told.reasons.extend(put);
                    kept.push(words);
                }
                Err(_) => not_kept.push(rule),
            }
        }
        let selector = self.policy.selector.clone();
        let is_split = !kept.is_empty();
        match self.policy.action() {
            Action::Allow => {
                let admitted =
                    |waypoint| Source { principals: vec![waypoint], ..Source::default() };
                let admitted = self.waypoint.clone().map(|waypoint| only(admitted(waypoint)));
                // what a policy that stays says to ztunnel itself, in the same words
                let is_said = self.is_of_root && !is_put_otherwise;
                let kept = kept.into_iter().filter(|_| !is_said);
                let rules: Vec<Rule> = admitted.into_iter().chain(kept).collect();
                if !rules.is_empty() {
                    let policy = about_pods(selector, Action::Allow, rules);
                    self.push(POLICY, "-ztunnel", policy, writing, found);
                }
            }
            Action::Deny => {
                if is_split && !self.is_of_root {
                    let waypoint = self.space.waypoint_principal();
                    kept.iter_mut().for_each(|rule| except(rule, &waypoint));
                    let policy = about_pods(selector, Action::Deny, kept);
                    self.push(POLICY, "-ztunnel", policy, writing, found);
                }
                if !not_kept.is_empty() {
                    // one that names no port is about all
                    let ports: Option<Vec<Vec<String>>> =
                        not_kept.into_iter().map(named_ports).collect();
                    let ports = ports.map(|ports| ports.into_iter().flatten().collect());
                    self.guard("-guard", ports, writing, found);
                }
            }
            Action::Custom => self.guard("-guard", None, writing, found),
            Action::Audit => {}
        }
        if is_split && matches!(self.policy.action(), Action::Allow | Action::Deny) {
            self.told.outcome = Outcome::Split;
        }
    }
}

/// A DENY rule that tells callers apart leaves the waypoint out: it comes for others, whom its own
/// policies have asked.
fn except(rule: &mut Rule, waypoint: &str) {
    let by_condition = rule.when.iter().any(|c| c.key.starts_with("source."));
    if rule.from.is_empty() && by_condition {
        rule.from.push(From::default());
    }
    for from in &mut rule.from {
        from.source.not_principals.push(waypoint.to_owned());
    }
}

/// Adds an object that is made of a policy. That it cannot have its name is reported.
pub(super) fn pushed(
    of: &Object,
    at: usize,
    name: ObjectRef,
    spec: Value,
    writing: &mut Writing<'_>,
    found: &mut Vec<Diagnostic>,
) -> Option<ObjectRef> {
    let fault = if name.name.len() > NAME {
        let said = format!("`{}` and what is added to it are too long for a name", of.name);
        ("name-too-long", said)
    } else if !writing.claim(&name, of) {
        ("name-taken", format!("there is another {} `{}`", name.kind, name.name))
    } else {
        writing.add(at, derived(of, &name, spec));
        return Some(name);
    };
    found.push(
        Diagnostic::error(fault.0, fault.1)
            .at(of.name_span(), "what it becomes needs this name")
            .help("rename one of the two"),
    );
    None
}
