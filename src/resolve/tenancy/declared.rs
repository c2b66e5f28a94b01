//! The security settings that documents make, checked, one level at a time. What they come to
//! together is `propagation`'s business.

use std::sync::Arc;

use super::account::{self, Account};
use super::hierarchy::{NodeId, Tree};
use super::rule::{RuleReader, RuleSet};
use crate::diagnostic::{Diagnostic, Span};
use crate::model::{Attributed, TrafficMode};
use crate::spec::tsb::{self, Beyond, Mode, Security, Strategy, TsbDocument};

/// The setting of one level.
#[derive(Clone, Debug)]
pub(super) struct Declared {
    /// `None` where it says nothing or UNSET.
    pub traffic_mode: Option<Attributed<TrafficMode>>,
    /// `None` where it says nothing or UNSET.
    pub policy: Option<Attributed<Policy>>,
    pub strategy: Strategy,
    /// What no policy on principals can express.
    pub beyond: Vec<Beyond>,
}

/// Who may call, as one level says it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Policy {
    Disabled,
    Cluster,
    Workspace,
    Namespace,
    Group,
    Rules(Arc<RuleSet>),
    Custom(Arc<Vec<Account>>),
}

impl Policy {
    /// Its mode: the order of modes is that of their strictness.
    pub fn mode(&self) -> Mode {
        match self {
            Policy::Disabled => Mode::Disabled,
            Policy::Cluster => Mode::Cluster,
            Policy::Workspace => Mode::Workspace,
            Policy::Namespace => Mode::Namespace,
            Policy::Group => Mode::Group,
            Policy::Rules(_) => Mode::Rules,
            Policy::Custom(_) => Mode::Custom,
        }
    }
}

/// Reads the setting of every node that has one, by node.
pub(super) fn read(
    tree: &Tree,
    documents: &[TsbDocument],
    rules: &mut RuleReader<'_, '_>,
    found: &mut Vec<Diagnostic>,
) -> Vec<Option<Declared>> {
    let mut settings = Vec::with_capacity(tree.nodes.len());
    for (id, node) in tree.nodes.iter().enumerate() {
        let setting = node.setting.and_then(|document| documents[document].security(found));
        settings.push(setting.map(|setting| check(id, &setting, rules, found)));
    }
    settings
}

fn check(
    level: NodeId,
    setting: &Security,
    rules: &mut RuleReader<'_, '_>,
    found: &mut Vec<Diagnostic>,
) -> Declared {
    let traffic_mode = setting.traffic_mode.and_then(|mode| {
        let value = match mode.value {
            tsb::TrafficMode::Unset => return None,
            tsb::TrafficMode::Optional => TrafficMode::Optional,
            tsb::TrafficMode::Required => TrafficMode::Required,
        };
        Some(Attributed { value, origin: Some(mode.span) })
    });
    Declared {
        traffic_mode,
        policy: setting.authorization.as_ref().and_then(|a| policy(level, a, rules, found)),
        strategy: setting.strategy.map_or(Strategy::Replace, |s| s.value),
        beyond: setting.beyond.clone(),
    }
}

fn policy(
    level: NodeId,
    authorization: &tsb::Authorization,
    reader: &mut RuleReader<'_, '_>,
    found: &mut Vec<Diagnostic>,
) -> Option<Attributed<Policy>> {
    let mode = authorization.mode.map_or(Mode::Unset, |mode| mode.value);
    let span = authorization.mode.map_or(authorization.span, |mode| mode.span);
    // "serviceAccounts: CUSTOM only", "rules: RULES only" (facts/tsb.md, "Fields")
    if let Some(accounts) = authorization.service_accounts.as_ref()
        && mode != Mode::Custom
    {
        found.push(only_with("serviceAccounts", Mode::Custom, authorization, accounts.span));
    }
    if let Some(rules) = authorization.rules.as_ref()
        && mode != Mode::Rules
    {
        found.push(only_with("rules", Mode::Rules, authorization, rules.span));
    }
    let policy = match mode {
        Mode::Unset => return None,
        Mode::Disabled => Policy::Disabled,
        Mode::Cluster => Policy::Cluster,
        Mode::Workspace => Policy::Workspace,
        Mode::Namespace => Policy::Namespace,
        Mode::Group => Policy::Group,
        Mode::Rules => {
            let rules = authorization.rules.as_ref().map(|rules| &rules.value);
            Policy::Rules(Arc::new(
                rules.map_or_else(RuleSet::default, |r| reader.read(level, r, found)),
            ))
        }
        Mode::Custom => {
            let accounts = match &authorization.service_accounts {
                Some(accounts) => account::read(&accounts.value, found),
                None => Vec::new(),
            };
            if authorization.service_accounts.as_ref().is_none_or(|a| a.value.is_empty()) {
                found.push(
                    Diagnostic::warning(
                        "custom-without-accounts",
                        "mode `CUSTOM` without `serviceAccounts` lets nobody call",
                    )
                    .at(span, "")
                    .help("list who may call in `serviceAccounts`"),
                );
            }
            Policy::Custom(Arc::new(accounts))
        }
    };
    Some(Attributed { value: policy, origin: Some(span) })
}

fn only_with(
    field: &str,
    wanted: Mode,
    authorization: &tsb::Authorization,
    at: Span,
) -> Diagnostic {
    let (code, word) = match wanted {
        Mode::Custom => ("accounts-without-custom", wanted.as_str()),
        _ => ("rules-without-mode", wanted.as_str()),
    };
    let diagnostic = match authorization.mode {
        Some(mode) => Diagnostic::error(
            code,
            format!("`{field}` means nothing in mode `{}`", mode.value.as_str()),
        )
        .also(mode.span, "the mode"),
        None => Diagnostic::error(code, format!("`{field}` means nothing without a mode")),
    };
    diagnostic.at(at, "").help(format!("write `mode: {word}`, or remove `{field}`"))
}
