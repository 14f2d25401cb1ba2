//! A report for other systems, each in that system's own format.
//!
//! Untrusted text (names, reasons that quote them, owners of exceptions) is made harmless for each format in its own way.

use std::fmt;
use std::str::FromStr;

use checklist::control::{Control, place};
use checklist::read_errors::UNJUDGED;
use checklist::{Finding, Framework, controls, framework_view};
use facts::{Status, text};
use jiff::Timestamp;
use pages::sheet::plain;
use pages::words::moment;

use crate::stored::Stored;

pub mod asff;
pub mod csv;
pub mod junit;
pub mod ocsf;

/// A file that a report is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// A table for a spreadsheet.
    Csv,
    /// OCSF Compliance Findings, for a SIEM.
    Ocsf,
    /// JUnit XML, for a pipeline.
    Junit,
}

/// A name that is none of a [`Format`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an export is csv, ocsf or junit, not `{found}`")]
pub struct UnknownFormat {
    found: String,
}

/// A report that cannot be written in a format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the report cannot be written as {format}: {reason}")]
pub struct ExportError {
    /// The format.
    pub format: Format,
    /// Why.
    pub reason: String,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Csv, Self::Ocsf, Self::Junit];

    /// Its name in settings and events.
    pub fn id(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Ocsf => "ocsf",
            Self::Junit => "junit",
        }
    }

    /// The name of the newest report's file.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Csv => "latest.csv",
            Self::Ocsf => "latest.ocsf.json",
            Self::Junit => "latest.junit.xml",
        }
    }

    /// Its media type.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Ocsf => "application/json",
            Self::Junit => "application/xml",
        }
    }

    /// `report` in this format, at `now`.
    ///
    /// # Errors
    /// When it lacks what the format cannot do without.
    pub fn write(self, report: &Stored, now: Timestamp) -> Result<String, ExportError> {
        match self {
            Self::Csv => csv::write(report),
            Self::Ocsf => ocsf::write(report),
            Self::Junit => junit::write(report, now),
        }
    }

    fn failed(self, reason: impl fmt::Display) -> ExportError {
        ExportError { format: self, reason: reason.to_string() }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        let format = Self::ALL.into_iter().find(|format| format.id() == name);
        format.ok_or_else(|| UnknownFormat { found: text::bounded(name) })
    }
}

/// A finding with the control that it is of, and what others call it.
struct Evaluated<'a> {
    finding: &'a Finding,
    control: &'static Control,
    names: Vec<(Framework, &'static str)>,
}

/// Every finding, in the order of the report.
fn evaluated(report: &Stored) -> impl Iterator<Item = Evaluated<'_>> {
    let settings = report.evaluated_by();
    // A finding is read only if there is a control of that name.
    report.findings.iter().filter_map(move |finding| {
        let names = framework_view::names(finding, settings.as_ref());
        Some(Evaluated { finding, control: controls::control(finding.control)?, names })
    })
}

impl Evaluated<'_> {
    /// `step 1: Root access keys are deleted`, or `account baseline`.
    fn place(&self) -> String {
        let title = self.finding.step.map(|step| format!(": {}", step.title()));
        place(self.finding.step) + &title.unwrap_or_default()
    }

    /// What standards ask, by the numbers that have its status. Rules of AWS Config and checks of Prowler are no requirements.
    fn requirements(&self) -> impl Iterator<Item = (Framework, &'static str)> {
        let all = self.names.iter().copied();
        all.filter(|(framework, _)| !matches!(framework, Framework::Config | Framework::Prowler))
    }

    /// The names that `framework` has for it, of what has its status.
    fn numbers(&self, framework: Framework) -> Vec<&'static str> {
        self.names.iter().filter(|(of, _)| *of == framework).map(|(_, number)| *number).collect()
    }

    /// `1. Sign in as root. 2. …`; of what is unknown, how to make it readable.
    fn console_steps(&self) -> String {
        match self.finding.status {
            Status::Unknown if self.finding.remedy.is_empty() => UNJUDGED.to_owned(),
            Status::Unknown => plain(&self.finding.remedy.join(" ")),
            _ => {
                let steps = self.control.remediation.console.iter();
                (1..).zip(steps).map(|(number, step)| format!("{number}. {step}")).collect::<Vec<_>>().join(" ")
            }
        }
    }

    /// The same on the command line.
    fn commands(&self) -> &'static [&'static str] {
        if self.finding.status == Status::Unknown { &[] } else { self.control.remediation.cli }
    }

    /// By whom it is suppressed until when, and why.
    fn exceptions(&self) -> String {
        let words = self.finding.exceptions.iter().map(|exception| {
            let of = exception.resource.as_ref().map(|resource| format!(" for {resource}")).unwrap_or_default();
            format!("{} until {}{of}: {}", exception.owner, moment(exception.until), exception.reason)
        });
        plain(&words.collect::<Vec<_>>().join("; "))
    }

    /// The reason as a sentence.
    fn reason(&self) -> String {
        let reason = plain(&self.finding.reason);
        if reason.ends_with(['.', '!', '?']) { reason } else { format!("{reason}.") }
    }
}

/// At most so many bytes, with `…` where something is left out.
fn cut(text: &str, bytes: usize) -> String {
    const MARK: char = '…';
    if text.len() <= bytes {
        return text.to_owned();
    }
    let room = bytes.saturating_sub(MARK.len_utf8());
    let mut kept: String =
        text.char_indices().take_while(|(at, char)| at + char.len_utf8() <= room).map(|(_, char)| char).collect();
    kept.push(MARK);
    kept
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// What IAM, CloudTrail and people could put into a text to break a format.
    pub(crate) const HOSTILE: &[&str] = &[
        "=HYPERLINK(\"https://evil.example\",\"click\")",
        "  =1+1",
        "+1+1",
        "-2+3",
        "@SUM(1+1)",
        "\t=1",
        "\r=1",
        "\u{ff1d}1",
        "\u{ff20}SUM(1)",
        "alice; =cmd|' /C calc'!A0",
        "a\r\nb,\"c\"\n=d",
        "<script>alert(1)</script>",
        "]]><failure/>",
        "&amp;&#0;",
        "\u{0}\u{1b}]0;title\u{7}\u{1b}[31mred",
        "\u{202e}gnp.exe",
        "\u{fffe}\u{ffff}\u{fdd0}",
    ];

    /// A finding of `control`, as JSON.
    pub(crate) fn finding(control: &str, status: &str) -> Value {
        let control = controls::control(control).expect("a control");
        json!({
            "control": control.id, "step": control.step, "severity": control.severity, "status": status,
            "reason": format!("{} is {status}", control.id),
            "evidence": [{"source": "account_summary", "fact": "AccountMFAEnabled", "value": "0",
                "as_of": "2026-11-20T10:00:00Z"}],
            "resources": [], "judged_by": {"account_summary": "2026-11-20T10:00:00Z"}, "exceptions": [],
        })
    }

    pub(crate) fn with(mut finding: Value, field: &str, value: Value) -> Value {
        finding[field] = value;
        finding
    }

    pub(crate) fn exception(control: &str, resource: Option<&str>) -> Value {
        json!([{"control": control, "reason": "the key is in the post", "owner": "alice",
            "until": "2027-03-01T00:00:00Z", "resource": resource}])
    }

    /// A report of `findings`.
    pub(crate) fn report(findings: &[Value]) -> Stored {
        Stored::read(&json!({
            "schema": "rootwatch.report/1", "version": "0.1.0", "taken_at": "2026-11-20T10:05:00.25Z",
            "account": {"id": "111122223333", "alias": "acme-prod", "partition": "aws"},
            "settings": settings("cis"), "findings": findings, "left_out": ["support-role"],
        }))
    }

    /// The default with `profile` for the password policy, as a report has them.
    pub(crate) fn settings(profile: &str) -> Value {
        let password_policy_profile = profile.parse().expect("a profile");
        json!(checklist::Settings { password_policy_profile, ..checklist::Settings::default() })
    }

    /// One finding of every kind of outcome.
    pub(crate) fn one_of_each() -> Stored {
        report(&[
            with(finding("access-key-rotation", "failed"), "resources", json!(["alice", "bob"])),
            finding("root-mfa", "unknown"),
            with(finding("root-unused", "failed"), "exceptions", exception("root-unused", None)),
            finding("root-access-keys", "passed"),
            finding("alert-path", "not_applicable"),
        ])
    }

    #[test]
    fn a_format_is_read_by_its_name_and_another_name_is_refused_with_those_there_are() {
        for format in Format::ALL {
            assert_eq!(format.to_string().parse(), Ok(format));
            assert!(format.file_name().starts_with("latest.") && format.file_name().contains(format.id()));
        }
        let error = "xml".parse::<Format>().unwrap_err();
        assert_eq!(error.to_string(), "an export is csv, ocsf or junit, not `xml`");
    }

    #[test]
    fn the_samples_are_read_whole() {
        assert_eq!(one_of_each().findings.len(), 5);
        assert_eq!(one_of_each().findings.iter().filter(|finding| finding.is_suppressed()).count(), 1);
    }

    #[test]
    fn a_finding_stands_for_the_numbers_that_have_its_status_and_for_no_others() {
        let names = |status: &str, resources: Value, has_settings: bool| {
            let mut report = report(&[with(finding("password-policy", status), "resources", resources)]);
            if !has_settings {
                report.settings.clear();
            }
            let evaluated = evaluated(&report).next().unwrap();
            (evaluated.numbers(Framework::Cis5).join(" "), evaluated.numbers(Framework::SecurityHub).join(" "))
        };
        let said = |cis: &str, hub: &str| (cis.to_owned(), hub.to_owned());
        assert_eq!(names("passed", json!([]), true), said("1.7 1.8", "IAM.15 IAM.16"));
        assert_eq!(names("failed", json!(["MinimumPasswordLength"]), true), said("1.7", "IAM.15"));
        assert_eq!(names("passed", json!([]), false), said("", ""), "a report without its evaluation settings");
    }

    #[test]
    fn what_is_plain_is_one_printed_line() {
        for text in HOSTILE {
            let plain = plain(text);
            assert!(!plain.contains(text::is_unprintable), "{plain:?}");
            assert!(!plain.contains(['\u{fffe}', '\u{ffff}', '\u{fdd0}', '\u{fdef}']), "{plain:?}");
        }
        assert_eq!(plain(" Größe\tπ\u{1f600} "), "Größe π\u{1f600}");
    }

    #[test]
    fn what_is_cut_has_at_most_so_many_bytes_and_no_half_character() {
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("abcdefg", 6), "abc…");
        assert_eq!(cut("äöüäöü", 8), "äö…");
        for bytes in 3..40 {
            assert!(cut(&"ä€\u{1f600}".repeat(9), bytes).len() <= bytes);
        }
    }
}
