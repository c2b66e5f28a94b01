//! What a Telemetry becomes. One that selects no pods holds at waypoints as well (facts/translation.md, row
//! `Telemetry`); one that does is bound to the Services of its pods, as far as they are behind a waypoint:
//! ztunnel reads none. It lets nobody in or out.

use super::policy::Attachment;
use super::space::{Bound, Space};
use super::twin::pushed;
use super::writing::{Writing, bound_to, named};
use super::{Outcome, Policy};
use crate::diagnostic::Diagnostic;
use crate::k8s::TargetRef;

impl<'s> Space<'s> {
    /// Writes what the Telemetries of the namespace become.
    pub(super) fn telemetries(
        &self,
        bound: &Bound<'s>,
        writing: &mut Writing<'_>,
        found: &mut Vec<Diagnostic>,
    ) -> Vec<Policy> {
        let here =
            self.scene.telemetries.iter().filter(|(at, _)| self.is_here(*at) && self.is_ours(*at));
        here.map(|(at, attachment)| self.telemetry(*at, attachment, bound, writing, found))
            .collect()
    }

    fn telemetry(
        &self,
        at: usize,
        attachment: &Attachment,
        bound: &Bound<'s>,
        writing: &mut Writing<'_>,
        found: &mut Vec<Diagnostic>,
    ) -> Policy {
        let pods = self.selected(attachment.selector.as_ref());
        let mut told = self.stays(at, &pods, &[]);
        let Some(selector) = attachment.selector.as_ref().filter(|s| !s.match_labels.is_empty())
        else {
            return told;
        };
        let object = &self.objects[at];
        let is_bound = |name: &str| bound.services.iter().any(|service| service.name == name);
        let services = self.in_front(&pods);
        let targets: Vec<TargetRef> = services
            .iter()
            .filter(|service| is_bound(&service.name))
            .map(|service| TargetRef::service(service.name.as_str()))
            .collect();
        if targets.is_empty() {
            // no proxy is left that reads it
            if !pods.is_empty() {
                let labels: Vec<String> =
                    selector.match_labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
                let said = format!("{} is read by no proxy in ambient mode", object.reference());
                found.push(
                    Diagnostic::warning("telemetry-unread", said)
                        .at(object.name_span(), format!("it selects {}", labels.join(", ")))
                        .help("a waypoint reads it, bound with `targetRefs`; ztunnel has metrics and logs of its own"),
                );
            }
            return told;
        }
        let name =
            named(object, &object.gvk.kind, self.namespace, &format!("{}-waypoint", object.name));
        writing.remove(at);
        let spec = bound_to(object, &targets);
        told.becomes.extend(pushed(object, at, name, spec, writing, found));
        told.outcome = Outcome::Moves;
        told
    }
}
