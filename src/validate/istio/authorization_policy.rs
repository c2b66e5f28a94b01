//! `ValidateAuthorizationPolicy`.

use super::{attachment, field, items, match_value};
use crate::diagnostic::Diagnostic;
use crate::k8s::Object;
use crate::yaml::Node;

/// Source fields that TCP has too: a rule that has one does not reach beyond what it says.
const TCP_SOURCE: [&str; 10] = [
    "notPrincipals",
    "principals",
    "ipBlocks",
    "notIpBlocks",
    "namespaces",
    "notNamespaces",
    "remoteIpBlocks",
    "notRemoteIpBlocks",
    "serviceAccounts",
    "notServiceAccounts",
];
/// Source fields that an external authoriser gets no say in.
const NOT_WITH_CUSTOM: [&str; 10] = [
    "namespaces",
    "notNamespaces",
    "serviceAccounts",
    "notServiceAccounts",
    "principals",
    "notPrincipals",
    "requestPrincipals",
    "notRequestPrincipals",
    "trustDomains",
    "notTrustDomains",
];
const ADDRESSES: [&str; 4] = ["ipBlocks", "notIpBlocks", "remoteIpBlocks", "notRemoteIpBlocks"];
const SERVICE_ACCOUNTS: [&str; 2] = ["serviceAccounts", "notServiceAccounts"];
const BESIDE_SERVICE_ACCOUNTS: [&str; 4] =
    ["principals", "notPrincipals", "namespaces", "notNamespaces"];

pub(super) fn check(object: &Object, spec: Option<&Node>, found: &mut Vec<Diagnostic>) {
    let Some(spec) = spec else { return };
    attachment::check(spec, found);
    let action = field(spec, "action").and_then(Node::as_str).unwrap_or("ALLOW");
    let rules = items(spec, "rules");
    let place = field(spec, "action").map_or(spec.span, |n| n.span);

    if matches!(action, "CUSTOM" | "DENY") && rules.is_empty() {
        found.push(
            Diagnostic::error(
                "policy-without-rules",
                format!("a {action} policy without rules is never triggered"),
            )
            .at(place, "")
            .help("add the rules; an empty rule `{}` matches every request"),
        );
    }
    let provider = field(spec, "provider");
    match (action, provider) {
        ("CUSTOM", provider) if !rules.is_empty() => {
            let name = provider.and_then(|p| field(p, "name")).and_then(Node::as_str);
            if name.is_none_or(str::is_empty) {
                found.push(
                    Diagnostic::error("missing-provider", "a CUSTOM policy names no provider")
                        .at(provider.map_or(place, |p| p.span), "")
                        .help("add `provider.name`, one of the mesh configuration's extension providers"),
                );
            }
        }
        ("CUSTOM", _) | (_, None) => {}
        (_, Some(provider)) => found.push(
            Diagnostic::error(
                "missing-provider",
                format!("a `provider` has no meaning with action {action}"),
            )
            .at(provider.span, "")
            .help("remove it, or use action CUSTOM"),
        ),
    }
    for rule in rules {
        if action == "CUSTOM" {
            check_custom(rule, found);
        }
        check_rule(rule, action, found);
    }
    check_dry_run(object, action, found);
}

fn check_custom(rule: &Node, found: &mut Vec<Diagnostic>) {
    let mut refuse = |what: &str, span| {
        found.push(
            Diagnostic::error(
                "unsupported-with-custom",
                format!("`{what}` is not supported with action CUSTOM"),
            )
            .at(span, "")
            .help("the external authoriser decides on identities; select by addresses and operations here"),
        );
    };
    for source in sources(rule) {
        for name in NOT_WITH_CUSTOM {
            if let [first, ..] = items(source, name) {
                refuse(name, first.span);
            }
        }
    }
    for condition in items(rule, "when") {
        if let Some(key) = field(condition, "key")
            && let Some(name) = key.as_str()
            && (matches!(
                name,
                "source.namespace"
                    | "source.serviceAccount"
                    | "source.principal"
                    | "source.trustDomain"
            ) || name.starts_with("request.auth."))
        {
            refuse(name, key.span);
        }
    }
}

fn check_rule(rule: &Node, action: &str, found: &mut Vec<Diagnostic>) {
    let mut tcp_source = false;
    let mut tcp_operation = false;
    for (side, whom) in [("from", "caller"), ("to", "operation")] {
        if let Some(list) = field(rule, side)
            && list.as_list().is_some_and(<[Node]>::is_empty)
        {
            // the webhook means to refuse it, and cannot see it: decoding drops the empty list
            found.push(
                Diagnostic::warning(
                    "empty-match",
                    format!("`{side}` is empty: the rule matches every {whom}"),
                )
                .at(list.span, "")
                .help(format!("say what it matches, or leave `{side}` out")),
            );
        }
    }
    for from in items(rule, "from") {
        match field(from, "source") {
            None => found.push(empty("source", from)),
            Some(source) => {
                check_source(source, found);
                tcp_source |= TCP_SOURCE.iter().any(|name| field(source, name).is_some());
            }
        }
    }
    for to in items(rule, "to") {
        match field(to, "operation") {
            None => found.push(empty("operation", to)),
            Some(operation) => {
                check_operation(operation, found);
                tcp_operation |=
                    ["ports", "notPorts"].iter().any(|name| field(operation, name).is_some());
            }
        }
    }
    for condition in items(rule, "when") {
        let key = field(condition, "key").filter(|k| k.as_str() != Some(""));
        let (values, not_values) = (items(condition, "values"), items(condition, "notValues"));
        match key {
            None => found.push(empty("key", condition)),
            Some(key) if values.is_empty() && not_values.is_empty() => found.push(
                Diagnostic::error(
                    "empty-match",
                    format!(
                        "the condition on `{}` has neither values nor notValues",
                        key.as_str().unwrap_or_default()
                    ),
                )
                .at(condition.span, "")
                .help("add `values`"),
            ),
            Some(key) => {
                match_value::condition(key, [("values", values), ("notValues", not_values)], found);
            }
        }
    }
    let (has_from, has_to) = (!items(rule, "from").is_empty(), !items(rule, "to").is_empty());
    let http_only = (has_from && !has_to && !tcp_source) || (has_to && !tcp_operation);
    if action == "DENY" && http_only {
        found.push(
            Diagnostic::warning(
                "deny-http-only",
                "this DENY rule uses HTTP attributes only: at a sidecar or waypoint it denies all traffic to TCP ports in its scope",
            )
            .at(rule.span, "")
            .help("name the ports it is meant for"),
        );
    }
}

fn check_source(source: &Node, found: &mut Vec<Diagnostic>) {
    if is_without_values(source) {
        found.push(empty("source", source));
        return;
    }
    let present =
        |names: &[&'static str]| names.iter().copied().find(|n| !items(source, n).is_empty());
    if let (Some(account), Some(other)) =
        (present(&SERVICE_ACCOUNTS), present(&BESIDE_SERVICE_ACCOUNTS))
    {
        found.push(
            Diagnostic::error(
                "service-accounts-conflict",
                format!("cannot set `{account}` with namespaces or principals"),
            )
            .at(source.span, format!("`{other}` is there too"))
            .help("put them into two sources: a rule takes either"),
        );
    }
    for entry in source.as_mapping().map(|m| m.entries.as_slice()).unwrap_or_default() {
        let values = entry.value.as_list().unwrap_or_default();
        match_value::no_empty(&entry.key, values, found);
        if ADDRESSES.contains(&entry.key.as_str()) {
            match_value::addresses(values, found);
        }
        if SERVICE_ACCOUNTS.contains(&entry.key.as_str()) {
            check_service_accounts(values, found);
        }
    }
}

/// `CheckServiceAccount`: `account` or `namespace/account`, no wildcards.
fn check_service_accounts(values: &[Node], found: &mut Vec<Diagnostic>) {
    for value in values {
        let Some(text) = value.as_str().filter(|t| !t.is_empty()) else { continue };
        let parts: Vec<&str> = text.split('/').collect();
        if text.contains('*') || parts.len() > 2 || parts.iter().any(|p| p.is_empty()) {
            found.push(
                Diagnostic::error(
                    "bad-service-account",
                    format!("`{text}` is not a service account"),
                )
                .at(value.span, "")
                .help("write `account` or `namespace/account`, without wildcards"),
            );
        }
    }
}

fn check_operation(operation: &Node, found: &mut Vec<Diagnostic>) {
    if is_without_values(operation) {
        found.push(empty("operation", operation));
        return;
    }
    for entry in operation.as_mapping().map(|m| m.entries.as_slice()).unwrap_or_default() {
        let values = entry.value.as_list().unwrap_or_default();
        match_value::no_empty(&entry.key, values, found);
        match entry.key.as_str() {
            "ports" | "notPorts" => match_value::ports(values, found),
            "paths" | "notPaths" => match_value::path_templates(values, found),
            _ => {}
        }
    }
}

/// The annotation `istio.io/dry-run`: a boolean, and only for actions that decide.
fn check_dry_run(object: &Object, action: &str, found: &mut Vec<Diagnostic>) {
    let Some(value) = object.annotations.get("istio.io/dry-run") else { return };
    let at = object
        .body
        .get("metadata")
        .and_then(|m| m.get("annotations"))
        .and_then(|a| a.get("istio.io/dry-run"))
        .map_or(object.span(), |n| n.span);
    // Go's `strconv.ParseBool`
    let is_bool = matches!(
        value.as_str(),
        "1" | "t" | "T" | "TRUE" | "true" | "True" | "0" | "f" | "F" | "FALSE" | "false" | "False"
    );
    if !is_bool {
        found.push(
            Diagnostic::error("bad-dry-run", format!("`{value}` is not true or false"))
                .at(at, "for istio.io/dry-run"),
        );
    } else if !matches!(action, "ALLOW" | "DENY") {
        found.push(
            Diagnostic::error("bad-dry-run", format!("action {action} cannot be tried out"))
                .at(at, "")
                .help("istio.io/dry-run goes with ALLOW and DENY"),
        );
    }
}

fn sources(rule: &Node) -> impl Iterator<Item = &Node> {
    items(rule, "from").iter().filter_map(|from| field(from, "source"))
}

fn is_without_values(node: &Node) -> bool {
    node.as_mapping().is_some_and(|m| {
        m.entries
            .iter()
            .all(|e| e.value.is_null() || e.value.as_list().is_some_and(<[Node]>::is_empty))
    })
}

fn empty(what: &str, node: &Node) -> Diagnostic {
    Diagnostic::error("empty-match", format!("`{what}` must not be empty"))
        .at(node.span, "")
        .help(format!("say what it matches, or leave `{what}` out to match everything"))
}
