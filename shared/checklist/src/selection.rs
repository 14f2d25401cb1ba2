//! Which controls are evaluated, and so which sources are read.

use std::collections::BTreeSet;

use facts::source::Source;
use facts::text::bounded;

use crate::control::Control;
use crate::controls::{self, CHECKLIST, alert_path, root_use_recorded};
use crate::settings::Selection;

/// Read for every run: who the account is, what root did, whether alerts have a subscriber.
const ALWAYS: [Source; 4] = [Source::AccountSummary, Source::AccountAlias, Source::RootEvents, Source::Subscribers];

/// What an audit of root's credentials reads, and what the owner attests.
const AUDITED: [Source; 3] = [Source::AccountSummary, Source::Attestations, Source::RootAudit];
/// What shows the same credentials as the lists of the audit.
const REPLACED: [Source; 2] = [Source::CredentialReport, Source::VirtualMfaDevices];

impl Selection {
    /// The controls that the audit of root's credentials in a member account can evaluate
    /// ([`facts::Snapshot::of_root_audit`]), and no other. What it does not choose is left alone in memory: another look sees it.
    pub fn of_root_audit() -> Self {
        Self { root_audit_only: true, ..Self::default() }
    }

    /// Whether a check of this selection sees what `source` shows, by that source or by another witness of the same.
    pub fn sees(&self, source: Source) -> bool {
        !self.root_audit_only || AUDITED.contains(&source) || REPLACED.contains(&source)
    }

    /// Whether another look than this one evaluates `control`, so that this one says nothing of it. What the owner has disabled, none does.
    pub fn leaves_alone(&self, control: &str) -> bool {
        let control = controls::current_id(control);
        let is_chosen = || self.controls().any(|chosen| chosen.id == control);
        self.root_audit_only && !self.left_out.contains(&control) && !is_chosen()
    }

    /// Leaves out the controls of these ids; with every id that no control has, which leaves out nothing.
    pub fn without<'a>(self, ids: impl IntoIterator<Item = &'a str>) -> (Self, Vec<String>) {
        let ids: BTreeSet<&str> = ids.into_iter().map(controls::current_id).collect();
        let unknown: Vec<String> =
            ids.iter().filter(|id| controls::control(id).is_none()).map(|id| bounded(id)).collect();
        let left_out = CHECKLIST.iter().map(|control| control.id).filter(|id| ids.contains(id)).collect();
        (Self { left_out, ..self }, unknown)
    }

    /// The chosen controls, in the order of the checklist.
    pub fn controls(&self) -> impl Iterator<Item = &'static Control> {
        CHECKLIST.iter().copied().filter(|control| self.includes(control))
    }

    /// Ids of the others, in the same order.
    pub fn not_chosen(&self) -> impl Iterator<Item = &'static str> {
        CHECKLIST.iter().filter(|control| !self.includes(control)).map(|control| control.id)
    }

    /// Every source that a chosen control needs, and what every run needs.
    pub fn sources(&self) -> BTreeSet<Source> {
        let needed = self.controls().flat_map(|control| control.sources).copied();
        if self.root_audit_only {
            return needed.filter(|source| AUDITED.contains(source)).collect();
        }
        needed.chain(ALWAYS).filter(|source| !source.is_of_member()).collect()
    }

    fn includes(&self, control: &Control) -> bool {
        let is_core =
            control.step.is_some() || [alert_path::CONTROL.id, root_use_recorded::CONTROL.id].contains(&control.id);
        let is_audited = control.sources.contains(&Source::RootAudit);
        (is_core || !self.five_steps_only)
            && (is_audited || !self.root_audit_only)
            && !self.left_out.contains(&control.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(selection: &Selection) -> Vec<&str> {
        selection.controls().map(|control| control.id).collect()
    }

    #[test]
    fn all_controls_are_chosen_by_default() {
        assert_eq!(Selection::default().controls().count(), CHECKLIST.len());
    }

    #[test]
    fn the_five_steps_keep_the_alert_path_and_need_no_source_of_the_baseline() {
        let selection = Selection { five_steps_only: true, ..Selection::default() };
        let chosen = ids(&selection);
        assert!(
            chosen.contains(&"root-mfa") && chosen.contains(&"alert-path") && chosen.contains(&"root-use-recorded")
        );
        assert!(selection.controls().all(|control| control.step.is_some() || !chosen.contains(&"user-mfa")));
        assert!(!selection.sources().contains(&Source::Budgets) && selection.sources().contains(&Source::Trails));
    }

    #[test]
    fn a_disabled_control_is_not_evaluated_and_a_source_that_only_it_needs_is_not_read() {
        let (selection, unknown) = Selection::default().without(["billing-alerts", "root-mfa"]);
        assert!(unknown.is_empty());
        assert_eq!(selection.left_out, ["root-mfa", "billing-alerts"], "in the order of the checklist");
        assert!(!ids(&selection).contains(&"root-mfa"));
        assert!(!selection.sources().contains(&Source::Budgets));
        assert!(Selection::default().sources().contains(&Source::Budgets));
    }

    #[test]
    fn who_the_account_is_and_what_root_did_is_read_whatever_is_left_out() {
        let (all, _) = Selection::default().without(CHECKLIST.iter().map(|control| control.id));
        assert_eq!(all.controls().count(), 0);
        assert_eq!(all.sources(), BTreeSet::from(ALWAYS));
    }

    #[test]
    fn a_root_audit_evaluates_what_it_can_and_leaves_the_rest_alone() {
        let selection = Selection::of_root_audit();
        let chosen = [
            "root-access-keys",
            "root-signing-certificates",
            "root-mfa",
            "root-unused",
            "root-hardware-mfa",
            "root-credentials-attested",
        ];
        assert_eq!(ids(&selection), chosen);
        assert_eq!(selection.sources(), BTreeSet::from(AUDITED));
        assert_eq!(selection.not_chosen().count(), CHECKLIST.len() - chosen.len());
        let (selection, _) = selection.without(["user-mfa", "root-mfa"]);
        assert_eq!(ids(&selection).len(), 5);
        let alone = |id: &str| selection.leaves_alone(id);
        assert!(alone("alert-path") && alone("administrator-access"));
        assert!(!alone("user-mfa") && !alone("root-mfa"), "the owner has disabled it");
        assert!(!alone("root-unused") && !Selection::default().leaves_alone("alert-path"));
    }

    #[test]
    fn a_root_audit_sees_what_other_witnesses_of_the_credentials_show_and_no_events() {
        let audit = Selection::of_root_audit();
        assert!(audit.sees(Source::CredentialReport) && audit.sees(Source::VirtualMfaDevices));
        assert!(!audit.sees(Source::RootEvents) && Selection::default().sees(Source::RootEvents));
    }

    #[test]
    fn a_check_of_its_own_account_does_not_ask_for_a_root_audit() {
        assert!(!Selection::default().sources().contains(&Source::RootAudit));
    }

    #[test]
    fn an_unknown_id_is_named_and_takes_no_other_with_it() {
        let (selection, unknown) = Selection::default().without(["root-mfa", "root-mfs"]);
        assert_eq!((selection.left_out, unknown), (vec!["root-mfa"], vec!["root-mfs".to_owned()]));
    }
}
