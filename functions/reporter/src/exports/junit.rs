//! JUnit XML, for a pipeline that must stop when something is wrong.

use checklist::controls;
use facts::Status;
use jiff::Timestamp;
use pages::sheet::plain;
use pages::words::moment;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::{Evaluated, ExportError, Format, evaluated};
use crate::page::OLD;
use crate::stored::Stored;

/// A suite for the five steps and one for the baseline, a case a control: what fails is a failure, what is unknown an
/// error, what is suppressed, does not apply or is left out is skipped. What of the report cannot be read, and that it is no longer
/// renewed `now`, is an error in a suite of its own, so that an empty report or one of last month does not pass.
///
/// # Errors
/// When the writer refuses something.
pub fn write(report: &Stored, now: Timestamp) -> Result<String, ExportError> {
    let account = report.account.as_ref().map_or_else(|| "an unknown account".into(), ToString::to_string);
    let taken_at = report.taken_at.map(|at| at.to_string());
    let mut document = Report::new(format!("rootwatch: {}", plain(&account)));
    document.timestamp = taken_at.as_ref().and_then(|at| at.parse().ok());
    for (name, is_of_a_step) in [("five steps", true), ("account baseline", false)] {
        let mut suite = suite(name, taken_at.as_deref());
        let of_it = evaluated(report).filter(|evaluated| evaluated.finding.step.is_some() == is_of_a_step);
        suite.add_test_cases(of_it.map(|evaluated| case(&evaluated)));
        let left_out = report.left_out.iter().filter_map(|id| controls::control(id));
        for control in left_out.filter(|control| control.step.is_some() == is_of_a_step) {
            let mut status = TestCaseStatus::skipped();
            status.set_message("disabled (DisabledControls)");
            suite.add_test_case(named(control.id, control.title, control.step.is_some(), status));
        }
        document.add_test_suite(suite);
    }
    let mut reading = suite("report", taken_at.as_deref());
    reading.add_test_case(completeness(report));
    reading.add_test_case(freshness(report, now));
    document.add_test_suite(reading);
    document.to_string().map_err(|error| Format::Junit.failed(error))
}

fn suite(name: &str, taken_at: Option<&str>) -> TestSuite {
    let mut suite = TestSuite::new(name);
    suite.timestamp = taken_at.and_then(|at| at.parse().ok());
    suite
}

fn named(id: &str, title: &str, is_of_a_step: bool, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(format!("{title} ({id})"), status);
    case.set_classname(if is_of_a_step { "rootwatch.five-steps" } else { "rootwatch.account-baseline" });
    case
}

fn case(evaluated: &Evaluated<'_>) -> TestCase {
    use facts::Status::{Failed, NotApplicable, Passed, Unknown};
    let (finding, control) = (evaluated.finding, evaluated.control);
    let skipped = |why: String| {
        let mut status = TestCaseStatus::skipped();
        status.set_message(why);
        status
    };
    let not_well = |kind: NonSuccessKind| {
        let mut status = TestCaseStatus::non_success(kind);
        status
            .set_message(evaluated.reason())
            .set_type(finding.severity.to_string())
            .set_description(what_to_do(evaluated));
        status
    };
    let status = match finding.status {
        Failed | Unknown if finding.is_suppressed() => {
            skipped(format!("suppressed: {} ({})", evaluated.reason(), evaluated.exceptions()))
        }
        Failed => not_well(NonSuccessKind::Failure),
        Unknown => not_well(NonSuccessKind::Error),
        NotApplicable => skipped(format!("not applicable: {}", evaluated.reason())),
        Passed => TestCaseStatus::success(),
    };
    named(control.id, control.title, finding.step.is_some(), status)
}

/// For the log of the pipeline; lines.
fn what_to_do(evaluated: &Evaluated<'_>) -> String {
    let (finding, control) = (evaluated.finding, evaluated.control);
    let mut lines = vec![format!("{} {}", evaluated.reason(), control.rationale), evaluated.place()];
    if !finding.resources.is_empty() {
        lines.push(format!("Affected: {}", plain(&finding.resources.join(", "))));
    }
    let facts = finding.evidence.iter().map(|fact| plain(&format!("{}: {} = {}", fact.source, fact.fact, fact.value)));
    lines.extend(facts);
    let label = if finding.status == Status::Unknown { "How to make it readable" } else { "Remediation" };
    lines.push(format!("{label}: {}", evaluated.console_steps()));
    lines.extend(evaluated.commands().iter().map(|command| format!("AWS CLI: {command}")));
    lines.extend(control.references.iter().map(|reference| format!("{}: {}", reference.name, reference.url)));
    lines.join("\n")
}

/// Whether the report can be read completely.
fn completeness(report: &Stored) -> TestCase {
    let nothing = report.findings.is_empty().then(|| "The report holds no findings.".to_owned());
    let missing: Vec<String> = nothing.into_iter().chain(report.missing.iter().map(|what| plain(what))).collect();
    of_the_report("The report can be read completely", missing.join(" "))
}

/// Whether newer reports are missing.
fn freshness(report: &Stored, now: Timestamp) -> TestCase {
    let fault = match report.taken_at {
        None => "The report does not say when it was made.".into(),
        Some(at) if now.duration_since(at) > OLD => {
            format!(
                "The report was made {}, more than {} hours ago. Newer reports are missing: see the log of the checker and of the reporter.",
                moment(at),
                OLD.as_hours()
            )
        }
        Some(_) => String::new(),
    };
    of_the_report("The report is new", fault)
}

/// An error where there is a `fault`.
fn of_the_report(name: &str, fault: String) -> TestCase {
    let status = if fault.is_empty() {
        TestCaseStatus::success()
    } else {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_message(fault);
        status
    };
    let mut case = TestCase::new(name, status);
    case.set_classname("rootwatch.report");
    case
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::{HOSTILE, finding, one_of_each, report, with};
    use super::*;

    fn now() -> Timestamp {
        "2026-11-20T10:06:00Z".parse().unwrap()
    }

    fn read(text: &str) -> Report {
        Report::deserialize_from_str(text).unwrap()
    }

    /// The status of the case of `control`.
    fn status(document: &Report, control: &str) -> TestCaseStatus {
        let cases = document.test_suites.iter().flat_map(|suite| &suite.test_cases);
        let mut of_it = cases.filter(|case| case.name.as_str().ends_with(&format!("({control})")));
        of_it.next().unwrap().status.clone()
    }

    fn non_success(status: TestCaseStatus) -> (NonSuccessKind, String, String) {
        let TestCaseStatus::NonSuccess { kind, message, description, .. } = status else { panic!("{status:?}") };
        (kind, message.unwrap().to_string(), description.unwrap().to_string())
    }

    fn skipped(status: TestCaseStatus) -> String {
        let TestCaseStatus::Skipped { message, .. } = status else { panic!("{status:?}") };
        message.unwrap().to_string()
    }

    #[test]
    fn a_case_a_control_and_a_suite_for_the_steps_the_baseline_and_the_report() {
        let document = read(&write(&one_of_each(), now()).unwrap());
        let suites: Vec<_> = document.test_suites.iter().map(|suite| (suite.name.to_string(), suite.tests)).collect();
        let names = |name: &str| name.to_owned();
        assert_eq!(suites, [(names("five steps"), 3), (names("account baseline"), 3), (names("report"), 2)]);
        assert_eq!(document.name.as_ref().unwrap().as_str(), "rootwatch: acme-prod (111122223333)");
        assert_eq!(document.timestamp.unwrap().to_rfc3339(), "2026-11-20T10:05:00.250+00:00");
    }

    #[test]
    fn each_outcome_has_its_own_kind() {
        let document = read(&write(&one_of_each(), now()).unwrap());
        let (kind, message, what_to_do) = non_success(status(&document, "access-key-rotation"));
        assert_eq!((kind, message.as_str()), (NonSuccessKind::Failure, "access-key-rotation is failed."));
        assert!(what_to_do.contains("Affected: alice, bob") && what_to_do.contains("Remediation: 1. "));
        assert!(what_to_do.contains("AccountMFAEnabled = 0") && what_to_do.contains("https://"));
        assert_eq!(non_success(status(&document, "root-mfa")).0, NonSuccessKind::Error);
        assert_eq!(
            skipped(status(&document, "root-unused")),
            "suppressed: root-unused is failed. (alice until 2027-03-01 00:00:00 UTC: the key is in the post)"
        );
        assert_eq!(skipped(status(&document, "alert-path")), "not applicable: alert-path is not_applicable.");
        assert_eq!(skipped(status(&document, "support-role")), "disabled (DisabledControls)");
        assert_eq!(status(&document, "root-access-keys"), TestCaseStatus::success());
    }

    #[test]
    fn a_report_of_nothing_is_an_error_and_no_success() {
        for missing in [json!(null), json!({}), json!({"schema": "rootwatch.report/9"})] {
            let document = read(&write(&Stored::read(&missing), now()).unwrap());
            assert_eq!((document.errors, document.tests), (2, 2), "{missing}");
        }
        let TestCaseStatus::NonSuccess { message, .. } = completeness(&Stored::default()).status else { panic!() };
        assert_eq!(message.unwrap().as_str(), "The report holds no findings.");
    }

    #[test]
    fn a_report_that_is_not_renewed_is_an_error() {
        let of = |now: &str| freshness(&one_of_each(), now.parse().unwrap()).status;
        assert_eq!(of("2026-11-20T13:05:00.25Z"), TestCaseStatus::success());
        let TestCaseStatus::NonSuccess { kind, message, .. } = of("2026-11-30T10:05:00Z") else { panic!() };
        assert_eq!(kind, NonSuccessKind::Error);
        assert_eq!(
            message.unwrap().as_str(),
            "The report was made 2026-11-20 10:05:00 UTC, more than 3 hours ago. Newer reports are missing: see the log of the checker and of the reporter."
        );
        let old = read(&write(&one_of_each(), "2026-11-30T10:05:00Z".parse().unwrap()).unwrap());
        assert_eq!(old.errors, read(&write(&one_of_each(), now()).unwrap()).errors + 1);
    }

    #[test]
    fn a_report_that_is_whole_is_a_success() {
        let whole = Stored { missing: Vec::new(), ..report(&[finding("root-mfa", "passed")]) };
        assert_eq!(completeness(&whole).status, TestCaseStatus::success());
    }

    #[test]
    fn hostile_text_stays_text_and_what_follows_it_is_kept() {
        for text in HOSTILE {
            let finding = with(finding("root-mfa", "failed"), "reason", json!(format!("{text}THE END")));
            let finding = with(finding, "resources", json!([text]));
            let written = write(&report(&[finding]), now()).unwrap();
            assert!(
                !written
                    .contains(|char: char| (char.is_control() && char != '\n') || pages::sheet::is_noncharacter(char))
            );
            let document = read(&written);
            assert_eq!((document.failures, document.tests), (1, 4), "{text:?}");
            let (_, message, _) = non_success(status(&document, "root-mfa"));
            assert_eq!(message, plain(&format!("{text}THE END")) + ".");
        }
    }
}
