//! Each folder of `scenarios/` through the real checker, and the messages that it sends.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::Duration;

use aws::client::Limits;
use checker::{Checker, Error, Settings};
use checklist::{CHECKLIST, Finding};
use function::Invocation;
use jiff::SignedDuration;
use messages::answer::Answer;
use sandbox::{Sandbox, Story, scenarios};
use tokio::sync::OnceCell;

use crate::difference::assert_accepted;

/// The story that shows every control.
pub(crate) const COMPLIANT: &str = "quiet-compliant";

/// As in the function, but in less time.
pub(crate) fn limits() -> Limits {
    Limits {
        connect: Duration::from_secs(1),
        attempt: Duration::from_secs(2),
        operation: Duration::from_secs(5),
        first_pause: Duration::from_millis(50),
        ..Limits::default()
    }
}

pub(crate) async fn run(sandbox: &Sandbox, story: &Story) -> Result<Answer, Error> {
    let settings = Settings::read(story.variables(), story.now);
    let checker = Checker::new(&sandbox.sdk_config(&limits()).await, settings, |_| {});
    checker.handle(&story.event, &invocation(story)).await.map(|answered| answered.check().expect("a check"))
}

pub(crate) fn invocation(story: &Story) -> Invocation {
    Invocation {
        function_arn: story.function_arn(),
        request_id: "00000000-0000-4000-8000-00000000000a".into(),
        now: story.now,
        ends: story.now + SignedDuration::from_secs(300),
    }
}

/// A finding in a story.
fn line(finding: &Finding) -> String {
    format!("{:<26} {:<15} {}", finding.control, finding.status.words(), finding.reason)
}

/// The findings of the compliant account.
async fn compliant() -> &'static [String] {
    static LINES: OnceCell<Vec<String>> = OnceCell::const_new();
    let evaluated = async || {
        let story = Story::load(COMPLIANT);
        let answer = run(&Sandbox::start(story.clone()).await, &story).await.expect("a story ends with an answer");
        answer.report.findings.iter().map(line).collect()
    };
    LINES.get_or_init(evaluated).await
}

/// What came out, for people to read and accept.
async fn messages_of(name: &str) -> String {
    let mut story = Story::load(name);
    // The first run of all would add a digest to every story.
    story.environment.entry("ROOTWATCH_DIGEST".into()).or_insert_with(|| "never".into());
    let sandbox = Sandbox::start(story.clone()).await;
    let answer = run(&sandbox, &story).await.expect("a story ends with an answer");
    let published = sandbox.published();
    assert_eq!(answer.sent.len(), published.len(), "each alert that the answer lists is sent once");
    assert!(published.len() <= 1, "one run, one message");

    let mut text = format!("{}\n\nFINDINGS\n", story.about);
    // The compliant account shows the whole checklist, the others what differs from it: a new control changes one story.
    let compliant = compliant().await;
    let lines = answer.report.findings.iter().map(line);
    for line in lines.filter(|line| name == COMPLIANT || !compliant.contains(line)) {
        let _ = writeln!(text, "{line}");
    }
    assert_eq!(
        answer.report.findings.len() + answer.report.left_out.len(),
        CHECKLIST.len(),
        "each control is evaluated or named"
    );
    let errors: Vec<_> = answer.report.errors().filter_map(|state| state.error.as_ref()).collect();
    if !errors.is_empty() {
        let _ = writeln!(text, "\nUNREAD");
        errors.iter().for_each(|error| {
            let _ = writeln!(text, "{error}");
        });
    }
    if !answer.report.root_activity.is_empty() {
        let _ = writeln!(text, "\nROOT ACTIVITY");
    }
    for act in answer.report.root_activity.iter().take(10) {
        let _ = writeln!(text, "{} {:?} {} {}", act.severity, act.kind, act.region, act.event_id);
    }
    // Not how often: retries and short waits differ from machine to machine.
    let calls: BTreeSet<String> = sandbox.calls().into_iter().map(|call| call.action).collect();
    let _ = writeln!(text, "\nCALLS\n{}", calls.into_iter().collect::<Vec<_>>().join(" "));
    match published.first() {
        Some(message) => {
            let email = &message.bodies["default"];
            let _ = write!(text, "\nSENT\nSubject: {}\n\n{email}", message.subject);
        }
        None => text.push_str("\nSENT\nnothing\n"),
    }
    text
}

macro_rules! stories {
    ($($test:ident = $name:literal;)*) => {
        $(
            #[tokio::test]
            async fn $test() {
                let sent = messages_of($name).await;
                assert_accepted(&scenarios().join($name), "sent", &sent);
                insta::with_settings!({
                    snapshot_path => scenarios().join($name),
                    prepend_module_to_snapshot => false,
                    omit_expression => true,
                }, { insta::assert_snapshot!("sent", sent); });
            }
        )*

        #[test]
        fn every_folder_is_a_story() {
            assert_eq!(Story::names(), [$($name),*]);
        }
    };
}

stories! {
    critical_a_new_root_key_in_a_flood_of_calls = "critical-a-new-root-key-in-a-flood-of-calls";
    critical_event_without_a_readable_record = "critical-event-without-a-readable-record";
    critical_fresh_account_with_nothing_set_up = "critical-fresh-account-with-nothing-set-up";
    critical_govcloud_root_has_a_key = "critical-govcloud-root-has-a-key";
    critical_hostile_text = "critical-hostile-text";
    critical_new_account_in_which_nothing_is_set_up = "critical-new-account-in-which-nothing-is-set-up";
    critical_one_success_among_many_failed_sign_ins = "critical-one-success-among-many-failed-sign-ins";
    critical_root_key_used_today_password_long_ago = "critical-root-key-used-today-password-long-ago";
    critical_root_persists_with_certificate_and_user = "critical-root-persists-with-certificate-and-user";
    critical_root_signs_in_without_mfa_and_creates_a_key = "critical-root-signs-in-without-mfa-and-creates-a-key";
    critical_root_was_used_without_a_cloudtrail_event = "critical-root-was-used-without-a-cloudtrail-event";
    critical_sources_disagree_about_mfa = "critical-sources-disagree-about-mfa";
    high_a_member_as_organizations_makes_it = "high-a-member-as-organizations-makes-it";
    high_a_role_for_every_repository = "high-a-role-for-every-repository";
    high_a_rule_is_disabled = "high-a-rule-is-disabled";
    high_a_rules_target_is_removed = "high-a-rules-target-is-removed";
    high_everything_is_allowed_to_everyone = "high-everything-is-allowed-to-everyone";
    high_no_trail_is_there = "high-no-trail-is-there";
    high_one_region_is_denied_and_the_others_are_reported = "high-one-region-is-denied-and-the-others-are-reported";
    high_one_sign_in_is_sent_once = "high-one-sign-in-is-sent-once";
    high_policies_add_up_to_everything = "high-policies-add-up-to-everything";
    high_root_issues_a_session = "high-root-issues-a-session";
    high_the_schedule_is_disabled = "high-the-schedule-is-disabled";
    high_the_trail_was_stopped = "high-the-trail-was-stopped";
    high_the_trails_bucket_is_gone = "high-the-trails-bucket-is-gone";
    high_the_trails_bucket_is_public = "high-the-trails-bucket-is-public";
    high_trails_leave_something_out = "high-trails-leave-something-out";
    high_users_without_mfa_and_old_keys = "high-users-without-mfa-and-old-keys";
    incomplete_old_report_is_used_when_renewal_is_refused = "incomplete-old-report-is-used-when-renewal-is-refused";
    low_contacts_and_attestations_are_missing = "low-contacts-and-attestations-are-missing";
    low_root_password_is_old = "low-root-password-is-old";
    medium_a_member_account_of_an_organization = "medium-a-member-account-of-an-organization";
    medium_a_member_whose_guardrail_is_visible = "medium-a-member-whose-guardrail-is-visible";
    medium_a_member_whose_policies_do_not_bind_root = "medium-a-member-whose-policies-do-not-bind-root";
    medium_no_billing_alert_works = "medium-no-billing-alert-works";
    medium_no_organization_and_a_region_that_is_not_allowed = "medium-no-organization-and-a-region-that-is-not-allowed";
    medium_only_programs_have_access = "medium-only-programs-have-access";
    medium_settings_are_refused = "medium-settings-are-refused";
    medium_users_hold_policies_of_their_own = "medium-users-hold-policies-of-their-own";
    quiet_a_guardrail_except_for_unlocking = "quiet-a-guardrail-except-for-unlocking";
    quiet_after_the_report_was_not_ready = "quiet-after-the-report-was-not-ready";
    quiet_after_throttling = "quiet-after-throttling";
    quiet_compliant = "quiet-compliant";
    quiet_disabled_controls = "quiet-disabled-controls";
    quiet_five_steps_only = "quiet-five-steps-only";
    quiet_member_without_root_credentials = "quiet-member-without-root-credentials";
    quiet_odd_but_readable_report = "quiet-odd-but-readable-report";
    quiet_report_that_is_not_utf_8 = "quiet-report-that-is-not-utf-8";
    quiet_service_on_behalf_of_root = "quiet-service-on-behalf-of-root";
    unknown_a_forwarding_region_is_denied = "unknown-a-forwarding-region-is-denied";
    unknown_a_guardrail_that_hangs_on_a_condition = "unknown-a-guardrail-that-hangs-on-a-condition";
    unknown_a_region_is_not_enabled = "unknown-a-region-is-not-enabled";
    unknown_a_report_of_the_future = "unknown-a-report-of-the-future";
    unknown_an_organizations_trail_is_withheld = "unknown-an-organizations-trail-is-withheld";
    unknown_answers_are_garbage = "unknown-answers-are-garbage";
    unknown_credential_report_is_html = "unknown-credential-report-is-html";
    unknown_credential_report_is_not_base64 = "unknown-credential-report-is-not-base64";
    unknown_credential_report_without_a_root_row = "unknown-credential-report-without-a-root-row";
    unknown_look_ups_are_throttled = "unknown-look-ups-are-throttled";
    unknown_nothing_can_be_read = "unknown-nothing-can-be-read";
    unknown_one_region_lists_no_trails = "unknown-one-region-lists-no-trails";
    unknown_report_older_than_a_day = "unknown-report-older-than-a-day";
    unknown_root_mfa_cell = "unknown-root-mfa-cell";
    unknown_services_hang = "unknown-services-hang";
    unknown_the_baseline_is_denied = "unknown-the-baseline-is-denied";
    unknown_two_root_rows = "unknown-two-root-rows";
}
