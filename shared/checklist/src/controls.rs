//! The checklist: every control, in the order people read it. Adding one is a file below, a line here, and `make bless`.

use crate::control::{Control, place};

mod administrator_access;
pub(crate) mod alert_path;
mod groups_assign_permissions;
mod individual_iam_users;
mod password_policy;
mod root_access_keys;
mod root_mfa;
mod root_signing_certificates;
mod root_slots;
mod root_unused;
pub(crate) mod root_use_recorded;

/// All controls, in the order of the five steps; then the account baseline.
pub const CHECKLIST: &[&Control] = &[
    &root_access_keys::CONTROL,
    &root_signing_certificates::CONTROL,
    &root_mfa::CONTROL,
    &individual_iam_users::CONTROL,
    &root_unused::CONTROL,
    &administrator_access::CONTROL,
    &groups_assign_permissions::CONTROL,
    &password_policy::CONTROL,
    &alert_path::CONTROL,
    &root_use_recorded::CONTROL,
];

/// The control called `id`.
pub fn control(id: &str) -> Option<&'static Control> {
    CHECKLIST.iter().copied().find(|control| control.id == id)
}

/// The checklist as a page: `CONTROLS.md`.
pub fn as_markdown() -> String {
    let mut page = String::from(
        "# Controls\n\n<!-- Generated from shared/checklist/src/controls by `make bless`. -->\n\n\
         A control is `passed`, `failed`, `not_applicable` or `unknown`; what could not be read is never passed.\n\n\
         | step | control | severity | passes when |\n|---|---|---|---|\n",
    );
    for control in CHECKLIST {
        page.push_str(&format!(
            "| {} | [`{id}`](#{id}) | {} | {} |\n",
            control
                .step
                .map_or_else(|| "Account baseline".into(), |step| format!("{} {}", step.number(), step.title())),
            control.severity.to_string().to_lowercase(),
            control.title,
            id = control.id,
        ));
    }
    for control in CHECKLIST {
        page.push_str(&format!(
            "\n## {}\n\n**{}** ({}, {})\n\n{}\n\n*When:* {}\n\n*In the console:*\n\n",
            control.id,
            control.title,
            place(control.step),
            control.severity.to_string().to_lowercase(),
            control.rationale,
            control.semantics
        ));
        for (number, step) in (1..).zip(control.remediation.console) {
            page.push_str(&format!("{number}. {step}\n"));
        }
        page.push_str(&format!("\n*On the command line:*\n\n```sh\n{}\n```\n\n", control.remediation.cli.join("\n")));
        for reference in control.references {
            page.push_str(&format!("- [{}]({})\n", reference.name, reference.url));
        }
    }
    page
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::HashSet;

    use super::*;
    use jiff::Timestamp;

    use crate::control::Severity;
    use crate::finding::{Finding, Status, Verdict};
    use crate::root_activity::{Kind, Mfa, RootActivity};
    use crate::settings::Settings;
    use crate::snapshot::{Cause, Snapshot, Source, Unavailable};

    /// An act of root.
    pub(crate) fn act(kind: Kind, time: Option<Timestamp>) -> RootActivity {
        RootActivity {
            event_id: "00000000-0000-4000-8000-000000000001".into(),
            kind,
            severity: Severity::High,
            time,
            region: "us-east-2".into(),
            event_name: "ConsoleLogin".into(),
            event_source: "signin.amazonaws.com".into(),
            source_address: None,
            user_agent: None,
            mfa: Mfa::Used,
            access_key_id: None,
            target: None,
            error: None,
            invoked_by: None,
            details_readable: true,
            planned: None,
        }
    }

    /// Judges a compliant account in which one thing was changed.
    pub(crate) fn judge(control: &Control, change: impl FnOnce(&mut Snapshot)) -> Verdict {
        judge_with(control, &Settings::default(), change)
    }

    pub(crate) fn judge_with(control: &Control, settings: &Settings, change: impl FnOnce(&mut Snapshot)) -> Verdict {
        let mut snapshot = Snapshot::compliant();
        change(&mut snapshot);
        (control.evaluate)(&snapshot, settings).unwrap_or_else(Verdict::from)
    }

    pub(crate) fn unavailable(source: Source) -> Unavailable {
        Unavailable { source, operation: "iam:Some".into(), cause: Cause::Denied { code: "AccessDenied".into() } }
    }

    #[test]
    fn a_compliant_account_passes_everything() {
        for control in CHECKLIST {
            let finding = Finding::of(control, &Snapshot::compliant(), &Settings::default());
            // Where root has not been used for long, there is no use to compare with its trail.
            let expected =
                if control.id == root_use_recorded::CONTROL.id { Status::NotApplicable } else { Status::Passed };
            assert_eq!(finding.status, expected, "{}: {}", control.id, finding.reason);
            assert!(!finding.evidence.is_empty(), "{} proves nothing", control.id);
        }
    }

    #[test]
    fn a_blind_snapshot_passes_nothing_and_every_finding_names_what_is_missing() {
        for control in CHECKLIST {
            let finding = Finding::of(control, &Snapshot::blind(), &Settings::default());
            assert_eq!(finding.status, Status::Unknown, "{}", control.id);
            assert!(finding.reason.contains("was denied (AccessDenied)"), "{}: {}", control.id, finding.reason);
        }
    }

    #[test]
    fn ids_are_public_names_that_do_not_change() {
        let ids: Vec<&str> = CHECKLIST.iter().map(|control| control.id).collect();
        assert_eq!(
            ids,
            [
                "root-access-keys",
                "root-signing-certificates",
                "root-mfa",
                "individual-iam-users",
                "root-unused",
                "administrator-access",
                "groups-assign-permissions",
                "password-policy",
                "alert-path",
                "root-use-recorded",
            ]
        );
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
        for id in ids {
            assert!(id.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{id}");
            assert!(control(id).is_some());
        }
    }

    #[test]
    fn controls_stand_in_the_order_of_the_steps_and_the_account_baseline_after_them() {
        assert!(CHECKLIST.is_sorted_by_key(|control| (control.step.is_none(), control.step)));
    }

    #[test]
    fn every_text_is_there_and_fit_for_its_place() {
        for control in CHECKLIST {
            let id = control.id;
            assert!(!control.title.ends_with('.') && !control.title.starts_with("Ensure"), "{id}");
            assert!((5..=50).contains(&control.violation.len()), "{id}: {}", control.violation);
            assert!(control.rationale.ends_with('.') && control.semantics.ends_with('.'), "{id}");
            assert!(!control.remediation.console.is_empty() && !control.remediation.cli.is_empty(), "{id}");
            assert!(control.remediation.console.iter().all(|step| step.ends_with('.')), "{id}");
            assert!(!control.references.is_empty(), "{id}");
            assert!(control.references.iter().all(|reference| reference.url.starts_with("https://")), "{id}");
        }
    }
}
