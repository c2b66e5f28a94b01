//! Who may call whom by a hierarchy of settings, straight from facts/tsb.md ("Modes", "RULES evaluation",
//! "Hierarchy and propagation"), for the small world of `intent`.

use super::intent::{ACCOUNTS, Intent, Level, Mode, Node, SLOTS};

/// What holds for a namespace.
pub enum Policy {
    Everyone,
    Cluster,
    Workspace,
    Namespace,
    Group,
    Rules { deny_all: bool, deny: Vec<(Node, Node)>, allow: Vec<(Node, Node)> },
    Custom(Vec<&'static str>),
}

/// The policy of a namespace, and whether plaintext is refused.
pub fn effective(intent: &Intent, slot: usize) -> (Policy, bool) {
    let (mut mode, mut policy, mut traffic, mut stricter) =
        (Mode::Unset, Policy::Everyone, 0, false);
    for level in levels(intent, slot) {
        // "STRICTER set anywhere above wins over REPLACE below"
        stricter |= level.strategy == Some(true);
        // "UNSET: inherit"; "trafficMode UNSET → OPTIONAL → REQUIRED"
        if level.traffic != 0 && !(stricter && traffic > level.traffic) {
            traffic = level.traffic;
        }
        // "Strictness order, least strict first"
        if level.mode == Mode::Unset || stricter && mode > level.mode {
            continue;
        }
        let own = policy_of(intent, level);
        policy = if stricter { narrowed(intent, policy, own) } else { own };
        mode = level.mode;
    }
    (policy, traffic == 2)
}

/// From the organization down; a namespace that no workspace owns has none.
fn levels(intent: &Intent, slot: usize) -> Vec<&Level> {
    let Some(workspace) = intent.owners[slot] else { return Vec::new() };
    let group = intent.groups[slot].and_then(|g| intent.of_groups[workspace][g].as_ref());
    let tenant = intent.of_tenants[intent.tenants[workspace]].as_ref();
    let all = [intent.of_organization.as_ref(), tenant, intent.of_workspaces[workspace].as_ref()];
    all.into_iter().chain([group]).flatten().collect()
}

fn policy_of(intent: &Intent, level: &Level) -> Policy {
    match level.mode {
        Mode::Unset | Mode::Disabled => Policy::Everyone,
        Mode::Cluster => Policy::Cluster,
        Mode::Workspace => Policy::Workspace,
        Mode::Namespace => Policy::Namespace,
        Mode::Group => Policy::Group,
        Mode::Rules => Policy::Rules {
            deny_all: level.deny_all,
            deny: intent.rules(level, false),
            allow: intent.rules(level, true),
        },
        Mode::Custom => Policy::Custom(level.accounts.iter().map(|a| ACCOUNTS[*a]).collect()),
    }
}

/// "RULES over RULES: denies accumulate from all ancestors; allows may only narrow"; "CUSTOM over CUSTOM:
/// only child service accounts equal to or narrower than a parent's survive; if none does, the
/// parent's list is kept". Of anything else the stricter holds, which is the lower one here.
fn narrowed(intent: &Intent, above: Policy, own: Policy) -> Policy {
    match (above, own) {
        (
            Policy::Rules { deny_all: all_above, deny: deny_above, allow: allow_above },
            Policy::Rules { deny_all, deny, allow },
        ) => {
            let narrows = |rule: &&(Node, Node)| {
                allow_above.iter().any(|outer| {
                    intent.contains(outer.0, rule.0) && intent.contains(outer.1, rule.1)
                })
            };
            let kept: Vec<(Node, Node)> = allow.iter().filter(narrows).copied().collect();
            let allow = match (allow_above.is_empty(), kept.is_empty()) {
                (true, _) => allow,
                (false, true) => allow_above,
                (false, false) => kept,
            };
            let deny = deny_above.into_iter().chain(deny).collect();
            Policy::Rules { deny_all: all_above || deny_all, deny, allow }
        }
        (Policy::Custom(above), Policy::Custom(own)) => {
            let within = |own: &&str| {
                let whole = own.split_once('/').map(|(namespace, _)| format!("{namespace}/*"));
                above.iter().any(|outer| outer == own || whole.as_deref() == Some(*outer))
            };
            let kept: Vec<&str> = own.iter().filter(|own| within(own)).copied().collect();
            Policy::Custom(if kept.is_empty() { above } else { kept })
        }
        (_, own) => own,
    }
}

/// May the account `app` of a namespace call in another? A certificate tells trust domain, namespace and account.
pub fn lets_in(intent: &Intent, policy: &Policy, from: usize, to: usize) -> bool {
    let identity = |slot: usize| {
        let (cluster, name) = SLOTS[slot];
        (intent.trust_domain(cluster), name)
    };
    let caller = identity(from);
    let any = |inside: &dyn Fn(usize) -> bool| {
        (0..SLOTS.len()).any(|slot| inside(slot) && identity(slot) == caller)
    };
    let same = |one: Option<usize>, other: Option<usize>| one.is_some() && one == other;
    let workspace = |slot: usize| same(intent.owners[slot], intent.owners[to]);
    match policy {
        Policy::Everyone => true,
        Policy::Cluster => caller.0 == identity(to).0,
        Policy::Workspace => any(&workspace),
        Policy::Namespace => caller == identity(to),
        Policy::Group => {
            any(&|slot| workspace(slot) && same(intent.groups[slot], intent.groups[to]))
        }
        Policy::Rules { deny_all, deny, allow } => {
            let matches = |rules: &[(Node, Node)]| {
                rules.iter().any(|(source, target)| {
                    owns(intent, *target, to) && any(&|slot| owns(intent, *source, slot))
                })
            };
            // "1. denyAll; 2. deny; 3. no allow rules: allow; 4. allow; 5. deny"
            !deny_all && !matches(deny) && (allow.is_empty() || matches(allow))
        }
        Policy::Custom(accounts) => accounts.iter().any(|account| {
            let (namespace, account) = account.split_once('/').unwrap();
            let here = |slot: usize| match namespace {
                "." => slot == to,
                // of the workload's own cluster
                _ => SLOTS[slot] == (SLOTS[to].0, namespace),
            };
            matches!(account, "*" | "app") && any(&here)
        }),
    }
}

fn owns(intent: &Intent, node: Node, slot: usize) -> bool {
    intent.owners[slot].is_some_and(|workspace| {
        let own = match intent.groups[slot] {
            Some(group) => Node::Group(workspace, group),
            None => Node::Workspace(workspace),
        };
        intent.contains(node, own)
    })
}
