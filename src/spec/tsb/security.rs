//! A security setting as it is written: `SecuritySetting.spec`, or `defaultSecuritySetting` of the
//! levels above (facts/tsb.md, "Security settings", "Fields").

use super::field::{boolean, get, list, mapping, missing, only, text, word};
use crate::diagnostic::{Diagnostic, Span, Spanned};
use crate::yaml::{Mapping, Node};

/// A security setting.
#[derive(Clone, Debug)]
pub struct Security {
    /// Where it stands.
    pub span: Span,
    /// `authenticationSettings.trafficMode`, or the deprecated `authentication`.
    pub traffic_mode: Option<Spanned<TrafficMode>>,
    /// `authorization`.
    pub authorization: Option<Authorization>,
    /// `propagationStrategy`.
    pub strategy: Option<Spanned<Strategy>>,
    /// What no policy on principals can express.
    pub beyond: Vec<Beyond>,
}

/// `trafficMode` (facts/tsb.md, "Modes").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrafficMode {
    /// Inherit.
    Unset,
    /// mTLS and plaintext.
    Optional,
    /// mTLS only.
    Required,
}

/// `authorization.mode`, the least strict first (facts/tsb.md, "Hierarchy and propagation").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// Inherit.
    Unset,
    /// Anyone.
    Disabled,
    /// The cluster.
    Cluster,
    /// The workspace.
    Workspace,
    /// The namespace.
    Namespace,
    /// The security group.
    Group,
    /// By `rules`.
    Rules,
    /// By `serviceAccounts`.
    Custom,
}

/// `propagationStrategy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strategy {
    /// The lower setting replaces the higher.
    Replace,
    /// The stricter of both holds.
    Stricter,
}

/// `authorization`.
#[derive(Clone, Debug)]
pub struct Authorization {
    /// Where it stands.
    pub span: Span,
    /// `mode`; absent is as UNSET.
    pub mode: Option<Spanned<Mode>>,
    /// `serviceAccounts`, with the place of their key.
    pub service_accounts: Option<Spanned<Vec<Spanned<String>>>>,
    /// `rules`, with the place of their key.
    pub rules: Option<Spanned<Rules>>,
}

/// `authorization.rules`.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// `denyAll`.
    pub deny_all: bool,
    /// `allow`.
    pub allow: Vec<Rule>,
    /// `deny`.
    pub deny: Vec<Rule>,
}

/// One rule: two fully qualified names, not yet read as such.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Where it stands.
    pub span: Span,
    /// `from.fqn`.
    pub from: Spanned<String>,
    /// `to.fqn`.
    pub to: Spanned<String>,
}

/// A part of a setting that no policy on principals can express.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beyond {
    /// What it is.
    pub feature: Feature,
    /// Where its key stands.
    pub span: Span,
}

/// What no policy on principals can express.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Feature {
    /// `authenticationSettings.http`: JWT or OIDC of end users.
    HttpAuthentication,
    /// `authorization.http`: an external engine, or rules on JWT claims, paths and methods.
    HttpAuthorization,
    /// `authorization.identityMatch` other than the certificate.
    IdentityMatch,
    /// `extension`: Wasm.
    Extension,
    /// `waf`.
    Waf,
}

impl Feature {
    /// The field as the user writes it.
    pub fn field(self) -> &'static str {
        match self {
            Feature::HttpAuthentication => "authenticationSettings.http",
            Feature::HttpAuthorization => "authorization.http",
            Feature::IdentityMatch => "authorization.identityMatch",
            Feature::Extension => "extension",
            Feature::Waf => "waf",
        }
    }
}

const TRAFFIC_MODES: [(&str, TrafficMode); 3] = [
    ("UNSET", TrafficMode::Unset),
    ("OPTIONAL", TrafficMode::Optional),
    ("REQUIRED", TrafficMode::Required),
];

const MODES: [(&str, Mode); 8] = [
    ("UNSET", Mode::Unset),
    ("NAMESPACE", Mode::Namespace),
    ("GROUP", Mode::Group),
    ("WORKSPACE", Mode::Workspace),
    ("CLUSTER", Mode::Cluster),
    ("DISABLED", Mode::Disabled),
    ("CUSTOM", Mode::Custom),
    ("RULES", Mode::Rules),
];

const STRATEGIES: [(&str, Strategy); 2] =
    [("REPLACE", Strategy::Replace), ("STRICTER", Strategy::Stricter)];

/// Whether a caller is known by the certificate alone.
const IDENTITY_MATCHES: [(&str, bool); 4] = [
    ("UNKNOWN", true),
    ("PEER_CERTIFICATE", true),
    ("PERMISSIVE", false),
    ("SOURCE_IDENTITY", false),
];

impl Mode {
    /// The word in the spec.
    pub fn as_str(self) -> &'static str {
        MODES.iter().find(|(_, mode)| *mode == self).map_or("UNSET", |(name, _)| name)
    }
}

impl Security {
    /// Reads a setting. `subject` is what the user calls the node: `spec` or
    /// `defaultSecuritySetting`.
    pub(super) fn read(node: &Node, subject: &str, found: &mut Vec<Diagnostic>) -> Option<Self> {
        let setting = mapping(node, subject, found)?;
        only(
            setting,
            &[
                "displayName",
                "description",
                "authenticationSettings",
                "authentication",
                "authorization",
                "propagationStrategy",
                "extension",
                "waf",
                "configGenerationMetadata",
            ],
            subject,
            found,
        );
        let mut beyond = Vec::new();
        for (key, feature) in [("extension", Feature::Extension), ("waf", Feature::Waf)] {
            note(setting, key, feature, &mut beyond);
        }
        let traffic_mode = traffic_mode(setting, &mut beyond, found);
        let authorization = get(setting, "authorization")
            .and_then(|node| Authorization::read(node, &mut beyond, found));
        let strategy = get(setting, "propagationStrategy")
            .and_then(|node| word(node, "`propagationStrategy`", &STRATEGIES, found));
        Some(Self { span: node.span, traffic_mode, authorization, strategy, beyond })
    }
}

/// `authenticationSettings.trafficMode`, and the deprecated `authentication`, which has the same
/// words (facts/tsb.md, "Fields").
fn traffic_mode(
    setting: &Mapping,
    beyond: &mut Vec<Beyond>,
    found: &mut Vec<Diagnostic>,
) -> Option<Spanned<TrafficMode>> {
    let settings = get(setting, "authenticationSettings")
        .and_then(|node| mapping(node, "`authenticationSettings`", found));
    let mode = settings.and_then(|settings| {
        only(settings, &["trafficMode", "http"], "`authenticationSettings`", found);
        note(settings, "http", Feature::HttpAuthentication, beyond);
        get(settings, "trafficMode")
            .and_then(|node| word(node, "`trafficMode`", &TRAFFIC_MODES, found))
    });
    let deprecated = setting.entry("authentication").filter(|e| !e.value.is_null());
    let deprecated = deprecated.and_then(|entry| {
        found.push(
            Diagnostic::warning("deprecated-field", "`authentication` is deprecated")
                .at(entry.key_span, "")
                .help("write `authenticationSettings.trafficMode`"),
        );
        word(&entry.value, "`authentication`", &TRAFFIC_MODES, found)
    });
    if let (Some(mode), Some(deprecated)) = (mode, deprecated)
        && mode.value != deprecated.value
    {
        found.push(
            Diagnostic::error(
                "contradiction",
                "`authentication` and `trafficMode` say different things",
            )
            .at(deprecated.span, "")
            .also(mode.span, "the other")
            .help("remove `authentication`"),
        );
    }
    mode.or(deprecated)
}

impl Authorization {
    fn read(node: &Node, beyond: &mut Vec<Beyond>, found: &mut Vec<Diagnostic>) -> Option<Self> {
        let fields = mapping(node, "`authorization`", found)?;
        only(
            fields,
            &["mode", "serviceAccounts", "rules", "http", "identityMatch"],
            "`authorization`",
            found,
        );
        note(fields, "http", Feature::HttpAuthorization, beyond);
        if let Some(entry) = fields.entry("identityMatch").filter(|e| !e.value.is_null())
            && let Some(by_certificate) =
                word(&entry.value, "`identityMatch`", &IDENTITY_MATCHES, found)
            && !by_certificate.value
        {
            beyond.push(Beyond { feature: Feature::IdentityMatch, span: entry.key_span });
        }
        let mode = get(fields, "mode").and_then(|node| word(node, "`mode`", &MODES, found));
        let key_span = |key: &str| fields.entry(key).map_or(node.span, |e| e.key_span);
        let service_accounts = get(fields, "serviceAccounts").map(|node| {
            let items = list(node, "`serviceAccounts`", found).iter();
            let mut accounts = Vec::new();
            for item in items {
                accounts.extend(text(item, "an entry of `serviceAccounts`", found));
            }
            Spanned::new(accounts, key_span("serviceAccounts"))
        });
        let rules = get(fields, "rules")
            .and_then(|node| Rules::read(node, found))
            .map(|rules| Spanned::new(rules, key_span("rules")));
        // what they would mean hangs on the mode, which has been reported
        let (service_accounts, rules) = match (get(fields, "mode"), mode) {
            (Some(_), None) => (None, None),
            _ => (service_accounts, rules),
        };
        Some(Self { span: node.span, mode, service_accounts, rules })
    }
}

impl Rules {
    fn read(node: &Node, found: &mut Vec<Diagnostic>) -> Option<Self> {
        let fields = mapping(node, "`rules`", found)?;
        only(fields, &["allow", "deny", "denyAll"], "`rules`", found);
        let mut rules = |key: &str, subject: &str, entry: &str| -> Vec<Rule> {
            let Some(node) = get(fields, key) else { return Vec::new() };
            let items = list(node, subject, found);
            items.iter().filter_map(|item| Rule::read(item, entry, found)).collect()
        };
        let allow = rules("allow", "`allow`", "an entry of `allow`");
        let deny = rules("deny", "`deny`", "an entry of `deny`");
        let deny_all = get(fields, "denyAll")
            .and_then(|node| boolean(node, "`denyAll`", found))
            .is_some_and(|value| value.value);
        Some(Self { deny_all, allow, deny })
    }
}

impl Rule {
    fn read(node: &Node, subject: &str, found: &mut Vec<Diagnostic>) -> Option<Self> {
        let fields = mapping(node, subject, found)?;
        only(fields, &["from", "to"], subject, found);
        let from = side(fields, node.span, subject, "from", found);
        let to = side(fields, node.span, subject, "to", found);
        Some(Self { span: node.span, from: from?, to: to? })
    }
}

/// `from` or `to`. The providers render both as empty messages, so newer keys may exist
/// (facts/tsb.md, "RULES evaluation"): they are warned about, not refused.
fn side(
    rule: &Mapping,
    at: Span,
    subject: &str,
    key: &str,
    found: &mut Vec<Diagnostic>,
) -> Option<Spanned<String>> {
    let Some(node) = get(rule, key) else {
        found.push(missing(subject, key, at));
        return None;
    };
    let subject = format!("`{key}`");
    let fields = mapping(node, &subject, found)?;
    for entry in fields.entries.iter().filter(|e| e.key != "fqn") {
        found.push(
            Diagnostic::warning(
                "unknown-rule-target",
                format!(
                    "`{}` in `{key}` is not understood and left out of the policies",
                    entry.key
                ),
            )
            .at(entry.key_span, "only `fqn` is documented"),
        );
    }
    match get(fields, "fqn") {
        Some(fqn) => text(fqn, "`fqn`", found),
        None => {
            found.push(missing(&subject, "fqn", node.span));
            None
        }
    }
}

fn note(fields: &Mapping, key: &str, feature: Feature, beyond: &mut Vec<Beyond>) {
    if let Some(entry) = fields.entry(key).filter(|e| !e.value.is_null()) {
        beyond.push(Beyond { feature, span: entry.key_span });
    }
}
