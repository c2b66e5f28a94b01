//! One organization per environment: whatever names another one is found, once for each name.

use std::collections::BTreeMap;

use crate::diagnostic::{Diagnostic, Span};
use crate::model::Attributed;

/// The environment's organization, and the others that somebody named.
pub(super) struct Organizations<'a> {
    own: &'a Attributed<&'a str>,
    foreign: BTreeMap<String, Vec<Mention>>,
}

struct Mention {
    span: Span,
    /// `Tenant `my-tenant``, or the whole name where a name mentions it.
    who: String,
    by_document: bool,
}

impl<'a> Organizations<'a> {
    pub fn new(own: &'a Attributed<&'a str>) -> Self {
        Self { own, foreign: BTreeMap::new() }
    }

    /// The environment's organization.
    pub fn name(&self) -> &'a str {
        self.own.value
    }

    /// A document says that it belongs to an organization.
    pub fn of_document(&mut self, organization: &str, span: Span, title: String) {
        self.mention(organization, Mention { span, who: title, by_document: true });
    }

    /// A fully qualified name begins with an organization.
    pub fn of_name(&mut self, organization: &str, span: Span, fqn: String) {
        self.mention(organization, Mention { span, who: fqn, by_document: false });
    }

    fn mention(&mut self, organization: &str, mention: Mention) {
        if organization != self.own.value {
            self.foreign.entry(organization.to_owned()).or_default().push(mention);
        }
    }

    /// One finding for each other organization that documents belong to; names of it are part of
    /// the same finding. An organization that only names mention is a finding at each of them.
    pub fn report(self, found: &mut Vec<Diagnostic>) {
        for (name, mut mentions) in self.foreign {
            mentions.sort_by_key(|m| m.span);
            let own = self.own.value;
            if !mentions.iter().any(|m| m.by_document) {
                for mention in &mentions {
                    found.push(
                        Diagnostic::error(
                            "foreign-organization",
                            format!(
                                "`{}` belongs to organization `{name}`, not to `{own}`",
                                mention.who
                            ),
                        )
                        .at(mention.span, "")
                        .help(format!("write `organizations/{own}/…`")),
                    );
                }
                continue;
            }
            let Some((first, rest)) = mentions.split_first() else { continue };
            let mut diagnostic = Diagnostic::error(
                "organization-mismatch",
                format!(
                    "organization `{name}` is named beside `{own}`, the organization of the environment"
                ),
            )
            .at(first.span, format!("by {}", first.who))
            .help(format!(
                "write `{own}` in all of them, or set the environment's `organization` to `{name}`"
            ));
            for mention in rest {
                diagnostic = diagnostic.also(mention.span, format!("and by {}", mention.who));
            }
            if let Some(span) = self.own.origin {
                diagnostic = diagnostic.also(span, "the environment's");
            }
            found.push(diagnostic);
        }
    }
}
