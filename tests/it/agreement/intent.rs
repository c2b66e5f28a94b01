//! A random tenant hierarchy over two clusters: who owns which namespace, what each level says, and in
//! which order namespaces move. Written out as TSB's documents and as an environment.

use std::fmt::Write as _;

use proptest::prelude::*;

/// Namespaces by cluster and name.
pub const SLOTS: [(usize, &str); 6] = [(1, "a"), (1, "b"), (1, "c"), (2, "a"), (2, "b"), (2, "d")];
const TRAFFIC: [&str; 3] = ["UNSET", "OPTIONAL", "REQUIRED"];
pub const ACCOUNTS: [&str; 6] = ["./*", "a/*", "a/app", "b/app", "d/*", "b/other"];

/// `authorization.mode`, from the least strict on (facts/tsb.md, "Hierarchy and propagation").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    Unset,
    Disabled,
    Cluster,
    Workspace,
    Namespace,
    Group,
    Rules,
    Custom,
}

const MODES: [Mode; 8] = [
    Mode::Unset,
    Mode::Disabled,
    Mode::Cluster,
    Mode::Workspace,
    Mode::Namespace,
    Mode::Group,
    Mode::Rules,
    Mode::Custom,
];

/// What a rule may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Node {
    Tenant(usize),
    Workspace(usize),
    /// Of a workspace.
    Group(usize, usize),
}

/// What one level says.
#[derive(Clone, Debug)]
pub struct Level {
    pub mode: Mode,
    pub traffic: usize,
    /// From and to, by number of what there is to name.
    allow: Vec<(usize, usize)>,
    deny: Vec<(usize, usize)>,
    pub deny_all: bool,
    pub accounts: Vec<usize>,
    pub strategy: Option<bool>,
}

/// An environment.
#[derive(Clone, Debug)]
pub struct Intent {
    /// The tenant of each workspace.
    pub tenants: [usize; 3],
    /// The workspace of each namespace.
    pub owners: [Option<usize>; 6],
    /// Its security group there.
    pub groups: [Option<usize>; 6],
    pub of_organization: Option<Level>,
    pub of_tenants: [Option<Level>; 2],
    pub of_workspaces: [Option<Level>; 3],
    pub of_groups: [[Option<Level>; 2]; 3],
    pub one_trust_domain: bool,
    /// The namespaces of each stage; the rest stays.
    stages: Vec<Vec<usize>>,
    waypoints: bool,
}

fn level() -> impl Strategy<Value = Level> {
    let pairs = || prop::collection::vec((0..99_usize, 0..99_usize), 0..4);
    let accounts = prop::collection::btree_set(0..ACCOUNTS.len(), 0..4);
    // RULES and CUSTOM have most to them
    let mode = prop_oneof![3 => Just(Mode::Rules), 2 => Just(Mode::Custom), 4 => prop::sample::select(&MODES)];
    let deny_all = prop::bool::weighted(0.1);
    (mode, 0..TRAFFIC.len(), pairs(), pairs(), deny_all, accounts, any::<Option<bool>>()).prop_map(
        |(mode, traffic, allow, deny, deny_all, accounts, strategy)| {
            let accounts = accounts.into_iter().collect();
            Level { mode, traffic, allow, deny, deny_all, accounts, strategy }
        },
    )
}

pub fn intent() -> impl Strategy<Value = Intent> {
    let maybe = |weight| prop::option::weighted(weight, level());
    let shape = (
        prop::array::uniform3(0..2_usize),
        prop::array::uniform6(prop::option::weighted(0.9, 0..3_usize)),
        prop::array::uniform6(prop::option::of(0..2_usize)),
        any::<bool>(),
    );
    let levels = (
        maybe(0.4),
        prop::array::uniform2(maybe(0.6)),
        prop::array::uniform3(maybe(0.5)),
        prop::array::uniform3(prop::array::uniform2(maybe(0.6))),
    );
    let order = Just((0..SLOTS.len()).collect::<Vec<_>>()).prop_shuffle();
    let moves = (order, 1..=6_usize, 1..=3_usize, any::<bool>());
    (shape, levels, moves).prop_map(|(shape, levels, (mut order, moved, at_once, waypoints))| {
        let (tenants, owners, groups, one_trust_domain) = shape;
        let (of_organization, of_tenants, of_workspaces, of_groups) = levels;
        order.truncate(moved);
        let stages = order.chunks(at_once).map(<[usize]>::to_vec).collect();
        Intent {
            tenants,
            owners,
            groups,
            of_organization,
            of_tenants,
            of_workspaces,
            of_groups,
            one_trust_domain,
            stages,
            waypoints,
        }
    })
}

impl Intent {
    /// Everything that owns a namespace.
    pub fn nodes(&self) -> Vec<Node> {
        let mut nodes = vec![Node::Tenant(0), Node::Tenant(1)];
        for workspace in (0..3).filter(|w| self.owners.contains(&Some(*w))) {
            nodes.push(Node::Workspace(workspace));
            for group in 0..2 {
                if !self.members(workspace, Some(group)).is_empty() {
                    nodes.push(Node::Group(workspace, group));
                }
            }
        }
        nodes
    }

    /// The namespaces of a workspace, or of a group in it.
    fn members(&self, workspace: usize, group: Option<usize>) -> Vec<usize> {
        let inside = |slot: &usize| {
            self.owners[*slot] == Some(workspace)
                && (group.is_none() || self.groups[*slot] == group)
        };
        (0..SLOTS.len()).filter(inside).collect()
    }

    /// Is the second all within the first?
    pub fn contains(&self, outer: Node, inner: Node) -> bool {
        let above = |node| match node {
            Node::Tenant(_) => None,
            Node::Workspace(w) => Some(Node::Tenant(self.tenants[w])),
            Node::Group(w, _) => Some(Node::Workspace(w)),
        };
        std::iter::successors(Some(inner), |node| above(*node)).any(|node| node == outer)
    }

    /// The rules of a level; none within another, which TSB refuses.
    pub fn rules(&self, of: &Level, allow: bool) -> Vec<(Node, Node)> {
        let nodes = self.nodes();
        let pairs = if allow { &of.allow } else { &of.deny };
        let mut rules: Vec<(Node, Node)> = Vec::new();
        for (from, to) in pairs {
            let rule = (nodes[from % nodes.len()], nodes[to % nodes.len()]);
            let within = |outer: (Node, Node), inner: (Node, Node)| {
                self.contains(outer.0, inner.0) && self.contains(outer.1, inner.1)
            };
            if !rules.iter().any(|other| within(*other, rule) || within(rule, *other)) {
                rules.push(rule);
            }
        }
        rules
    }

    pub fn trust_domain(&self, cluster: usize) -> &'static str {
        if cluster == 1 || self.one_trust_domain { "td1" } else { "td2" }
    }

    fn fqn(&self, node: Node) -> String {
        match node {
            Node::Tenant(t) => format!("organizations/tetrate/tenants/t{t}"),
            Node::Workspace(w) => {
                format!("{}/workspaces/w{w}", self.fqn(Node::Tenant(self.tenants[w])))
            }
            Node::Group(w, g) => {
                format!("{}/securitygroups/w{w}-g{g}", self.fqn(Node::Workspace(w)))
            }
        }
    }

    fn setting(&self, of: &Level, indent: &str) -> String {
        let list = |rules: Vec<(Node, Node)>| {
            let rules: Vec<String> = rules
                .into_iter()
                .map(|(from, to)| {
                    format!("{{from: {{fqn: {}}}, to: {{fqn: {}}}}}", self.fqn(from), self.fqn(to))
                })
                .collect();
            rules.join(", ")
        };
        let more = match of.mode {
            Mode::Rules => format!(
                ", rules: {{allow: [{}], deny: [{}], denyAll: {}}}",
                list(self.rules(of, true)),
                list(self.rules(of, false)),
                of.deny_all
            ),
            Mode::Custom => {
                let accounts: Vec<String> =
                    of.accounts.iter().map(|a| format!("'{}'", ACCOUNTS[*a])).collect();
                format!(", serviceAccounts: [{}]", accounts.join(", "))
            }
            _ => String::new(),
        };
        let mode = format!("{:?}", of.mode).to_uppercase();
        let mut out = String::new();
        if let Some(stricter) = of.strategy {
            let strategy = if stricter { "STRICTER" } else { "REPLACE" };
            let _ = writeln!(out, "{indent}propagationStrategy: {strategy}");
        }
        let _ = writeln!(
            out,
            "{indent}authenticationSettings: {{trafficMode: {}}}\n{indent}authorization: {{mode: {mode}{more}}}",
            TRAFFIC[of.traffic]
        );
        out
    }

    pub fn tsb(&self) -> String {
        let mut out = String::new();
        let mut add = |api: &str, kind: &str, metadata: &str, spec: String| {
            let _ = write!(
                out,
                "---\napiVersion: {api}.tsb.tetrate.io/v2\nkind: {kind}\nmetadata: {{organization: tetrate, {metadata}}}\nspec:\n{spec}"
            );
        };
        let defaults =
            |level: &Level| format!("  defaultSecuritySetting:\n{}", self.setting(level, "    "));
        if let Some(level) = &self.of_organization {
            add("api", "OrganizationSetting", "name: s", defaults(level));
        }
        for tenant in 0..2 {
            let named = format!("name: t{tenant}");
            add("api", "Tenant", &named, format!("  displayName: t{tenant}\n"));
            if let Some(level) = &self.of_tenants[tenant] {
                let metadata = format!("name: t{tenant}, tenant: t{tenant}");
                add("api", "TenantSetting", &metadata, defaults(level));
            }
        }
        for node in self.nodes() {
            match node {
                Node::Tenant(_) => {}
                Node::Workspace(w) => {
                    let tenant = format!("tenant: t{}", self.tenants[w]);
                    let names = self.selector(&self.members(w, None));
                    add("api", "Workspace", &format!("name: w{w}, {tenant}"), names);
                    if let Some(level) = &self.of_workspaces[w] {
                        let metadata = format!("name: w{w}, {tenant}, workspace: w{w}");
                        add("api", "WorkspaceSetting", &metadata, defaults(level));
                    }
                }
                Node::Group(w, g) => {
                    let place = format!("tenant: t{}, workspace: w{w}", self.tenants[w]);
                    let names = self.selector(&self.members(w, Some(g)));
                    add("security", "Group", &format!("name: w{w}-g{g}, {place}"), names);
                    if let Some(level) = &self.of_groups[w][g] {
                        let metadata = format!("name: w{w}-g{g}, {place}, group: w{w}-g{g}");
                        add("security", "SecuritySetting", &metadata, self.setting(level, "  "));
                    }
                }
            }
        }
        out
    }

    /// A namespace that both clusters have is named once, where both are meant.
    fn selector(&self, members: &[usize]) -> String {
        let text = |slot: &usize| {
            let (cluster, name) = SLOTS[*slot];
            let twins: Vec<usize> = (0..SLOTS.len()).filter(|s| SLOTS[*s].1 == name).collect();
            let both = twins.len() == 2 && twins.iter().all(|twin| members.contains(twin));
            if both { format!("'*/{name}'") } else { format!("c{cluster}/{name}") }
        };
        let mut names: Vec<String> = members.iter().map(text).collect();
        names.sort();
        names.dedup();
        format!("  namespaceSelector: {{names: [{}]}}\n", names.join(", "))
    }

    pub fn environment(&self) -> String {
        let stages = self.stages.iter().enumerate().map(|(number, slots)| {
            let named = |slot: &usize| format!("c{}/{}", SLOTS[*slot].0, SLOTS[*slot].1);
            let names: Vec<String> = slots.iter().map(named).collect();
            format!("{{name: stage-{number}, namespaces: [{}]}}", names.join(", "))
        });
        let stages: Vec<String> = stages.collect();
        let mut out = String::from(
            "apiVersion: waypost.dev/v1alpha1
kind: Environment
metadata: {name: env}
spec:
  organization: tetrate
  versions: {tsb: '1.13', istio: '1.24'}
  managementPlane: {cluster: c1}
  sources: {tsb: [tsb.yaml], inventory: [inventory.yaml], access: [access.yaml]}
  clusters:
",
        );
        for cluster in [1, 2] {
            let names = SLOTS.iter().filter(|(c, _)| *c == cluster);
            let names: Vec<String> =
                names.map(|(_, name)| format!("{{name: {name}, mode: sidecar}}")).collect();
            let waypoints =
                if self.waypoints { "    waypoints: {default: {for: all}}\n" } else { "" };
            let _ = write!(
                out,
                "  - name: c{cluster}
    platform: generic
    trustDomain: {}
{waypoints}    namespaces: [{}]
",
                self.trust_domain(cluster),
                names.join(", ")
            );
        }
        let _ = writeln!(out, "  migration: {{reached: none, stages: [{}]}}", stages.join(", "));
        out
    }
}
