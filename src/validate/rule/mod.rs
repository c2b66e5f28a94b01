//! Lints: what schemas cannot say and a cluster says too late, or never.
//!
//! A rule is a function over all objects that are applied together. Each has a file, whose doc
//! comment is its page (`waypost explain CODE`), a line in [`RULES`], and fixtures in
//! `tests/manifests/<code>/`; the page's example draws the finding and its fix does not, which a
//! test holds. Codes of `istioctl analyze` stand beside ours where the trigger is the same.

mod delivery;
mod enrolment;
mod input;
mod policy;
mod secret;
mod suppress;
mod traffic;
mod waypoint;

use rayon::prelude::*;

use crate::diagnostic::{Diagnostic, Severity};

pub use input::{RuleInput, RuleObjects, Settings};
pub use secret::{
    MASK, SecretPlace, mask, redact, secret_places, secret_ranges, secrets_of_text, shown,
};
pub use suppress::{ByFile, Suppressions, apply_annotations};

/// A rule.
pub struct Rule {
    /// Its code: what findings carry and suppressions name.
    pub code: &'static str,
    /// How bad a finding is, at worst.
    pub severity: Severity,
    /// The fault in one sentence.
    pub summary: &'static str,
    /// The code of `istioctl analyze` for the same trigger.
    pub istio: Option<&'static str>,
    /// Its file, whose head is the page.
    source: &'static str,
    /// Adds what it finds.
    pub check: fn(&RuleInput<'_>, &mut Vec<Diagnostic>),
}

impl Rule {
    /// Its page, Markdown: what, why, an example, the fix, the source.
    pub fn page(&self) -> String {
        let mut page = format!("# {}\n\n", self.code);
        for line in self.source.lines().map_while(|l| l.strip_prefix("//!")) {
            page.push_str(line.strip_prefix(' ').unwrap_or(line));
            page.push('\n');
        }
        page
    }
}

/// Every rule, in the order of its folder and file.
pub const RULES: &[Rule] = &[
    delivery::crd_version::RULE,
    delivery::direct_object_incomplete::RULE,
    delivery::directory_cascade::RULE,
    delivery::kustomize_namespace::RULE,
    delivery::namespace_first::RULE,
    delivery::restart_time::RULE,
    delivery::substitution::RULE,
    delivery::tracking_id::RULE,
    enrolment::inbound_bypass::RULE,
    enrolment::label_as_annotation::RULE,
    enrolment::label_on_workload::RULE,
    enrolment::mesh_label::RULE,
    enrolment::network_policy::RULE,
    enrolment::network_policy_egress::RULE,
    enrolment::network_policy_ports::RULE,
    enrolment::network_policy_waypoint::RULE,
    enrolment::reinjection::RULE,
    enrolment::sidecar_annotation::RULE,
    policy::action_lost::RULE,
    policy::bypass_policy_misplaced::RULE,
    policy::deny_widened::RULE,
    policy::empty_selector::RULE,
    policy::host_without_port::RULE,
    policy::http_rule_on_tcp_port::RULE,
    policy::ignored_kind::RULE,
    policy::ingress_bypasses_waypoint::RULE,
    policy::l7_allow_dropped::RULE,
    policy::l7_deny_noop::RULE,
    policy::old_gateway_label::RULE,
    policy::peer_authentication_ignored::RULE,
    policy::policy_not_attached::RULE,
    policy::port_level_service_port::RULE,
    policy::port_space::RULE,
    policy::selector_matches_nothing::RULE,
    policy::selector_on_waypoint::RULE,
    policy::spiffe_prefix::RULE,
    policy::target_bound_to_nothing::RULE,
    policy::trust_domain_form::RULE,
    policy::trust_domains_differ::RULE,
    policy::trust_domains_ignored::RULE,
    policy::use_waypoint_early::RULE,
    policy::waypoint_bypassable::RULE,
    policy::waypoint_not_admitted::RULE,
    secret::secret_data::RULE,
    secret::secret_text::RULE,
    traffic::destination_host_unknown::RULE,
    traffic::destination_rule_overridden::RULE,
    traffic::gateway_conflict::RULE,
    traffic::headless_sidecar_clients::RULE,
    traffic::host_in_several_entries::RULE,
    traffic::ignored_field::RULE,
    traffic::port_name::RULE,
    traffic::reference_not_found::RULE,
    traffic::sidecar_port_taken::RULE,
    traffic::subset_selects_nothing::RULE,
    waypoint::gateway_drift::RULE,
    waypoint::listener_shape::RULE,
    waypoint::parameters_ref::RULE,
    waypoint::route_parent::RULE,
    waypoint::waypoint_missing::RULE,
    waypoint::waypoint_refused::RULE,
    waypoint::waypoint_unserved::RULE,
];

/// The rule with a code.
pub fn explain(code: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.code == code)
}

/// Applies every rule; what they find is in their order.
pub fn check_all(input: &RuleInput<'_>, found: &mut Vec<Diagnostic>) {
    let check = |rule: &Rule| {
        let mut own = Vec::new();
        (rule.check)(input, &mut own);
        own
    };
    let all: Vec<Vec<Diagnostic>> = RULES.par_iter().map(check).collect();
    found.extend(all.into_iter().flatten());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::FileId;
    use crate::k8s::objects_of;
    use crate::simulate::{ClusterId, Mesh, Options};
    use crate::yaml::{Budget, read};

    /// What is found in the objects of one unit, of a mesh of two clusters where a rule is about these.
    fn findings(code: &str, text: &str) -> Vec<Diagnostic> {
        let (documents, found) = read(FileId(0), text, &Budget::SPEC);
        assert!(found.iter().all(|d| !d.is_error()), "{text}: {found:?}");
        let (objects, found) = objects_of(documents);
        assert_eq!(found, [], "{text}");
        let mut found = Vec::new();
        let mut settings = Settings::default();
        settings.units.insert(FileId(0), "unit".to_owned());
        if code == "trust-domains-differ" {
            settings.trust_domains = vec!["east.local".to_owned(), "west.local".to_owned()];
            settings.services_elsewhere.insert(("httpbin".to_owned(), "httpbin".to_owned()));
        }
        let (mesh, _) = Mesh::from_objects(&objects, &Options::default());
        let input = RuleObjects::applied_together(&objects);
        check_all(&RuleInput::new(input, (&mesh, ClusterId::FIRST), &settings), &mut found);
        found
    }

    /// The YAML below a heading of a page.
    fn yaml_below(page: &str, heading: &str) -> Option<String> {
        let section = page.split("\n## ").find(|s| s.starts_with(heading))?;
        let block = section.split_once("```yaml\n")?.1;
        Some(block.split_once("```")?.0.to_owned())
    }

    #[test]
    fn every_page_is_complete_and_its_examples_do_what_it_says() {
        for rule in RULES {
            let page = rule.page();
            let code = rule.code;
            for heading in ["What", "Why", "Example", "Fix", "Source"] {
                assert!(page.contains(&format!("\n## {heading}\n")), "{code} lacks {heading}");
            }
            let example =
                yaml_below(&page, "Example").unwrap_or_else(|| panic!("{code}: no example"));
            let codes: Vec<&str> = findings(code, &example).iter().map(|d| d.code).collect();
            assert!(codes.contains(&code), "{code}: the example draws {codes:?}");
            if let Some(fix) = yaml_below(&page, "Fix") {
                let codes: Vec<&str> = findings(code, &fix).iter().map(|d| d.code).collect();
                assert!(!codes.contains(&code), "{code}: the fix draws it too");
            }
        }
    }

    #[test]
    fn codes_are_unique_and_sorted_into_the_words_of_their_files() {
        let mut codes: Vec<&str> = RULES.iter().map(|r| r.code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), RULES.len());
        for rule in RULES {
            assert!(explain(rule.code).is_some());
            let begins = |c: char| c.is_lowercase() || c == '`' || rule.summary.starts_with("Flux");
            let is_sentence = rule.summary.starts_with(begins) && !rule.summary.ends_with('.');
            assert!(is_sentence || rule.summary.starts_with("an ALLOW"), "{}", rule.summary);
        }
    }

    #[test]
    fn findings_keep_the_severity_that_their_rule_names() {
        for rule in RULES {
            let example = yaml_below(&rule.page(), "Example").unwrap_or_default();
            for finding in findings(rule.code, &example).iter().filter(|d| d.code == rule.code) {
                assert!(finding.severity >= rule.severity, "{}", rule.code);
                assert!(finding.primary.is_some(), "{} has no place", rule.code);
                assert!(finding.help.is_some(), "{} has no way out", rule.code);
            }
        }
    }
}
