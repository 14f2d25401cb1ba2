//! A table, a row a finding, that a spreadsheet can open without running anything
//! (<https://owasp.org/www-community/attacks/CSV_Injection>).

use checklist::Framework;
use pages::sheet::{self, harmless};

use super::{Evaluated, ExportError, Format, evaluated};
use crate::stored::Stored;

/// The columns before those of the frameworks.
const COLUMNS: [&str; 15] = [
    "account",
    "alias",
    "taken_at",
    "control",
    "step",
    "severity",
    "status",
    "suppressed",
    "exceptions",
    "title",
    "reason",
    "resources",
    "facts_as_of",
    "how_to_fix",
    "version",
];

/// `report` as in RFC 4180, every cell in quotes. A report without findings is the head alone.
///
/// # Errors
/// When the writer refuses a row.
pub fn write(report: &Stored) -> Result<String, ExportError> {
    let frameworks = Framework::ALL.iter().map(|framework| framework.id());
    let rows = evaluated(report).map(|evaluated| row(report, &evaluated));
    sheet::write(COLUMNS.into_iter().chain(frameworks), rows).map_err(|error| Format::Csv.failed(error))
}

fn row(report: &Stored, evaluated: &Evaluated<'_>) -> Vec<String> {
    let (finding, control) = (evaluated.finding, evaluated.control);
    let account = report.account.as_ref();
    let cells: [String; COLUMNS.len()] = [
        account.map(|account| format!("{}:{}", account.partition.as_str(), account.id)).unwrap_or_default(),
        account.and_then(|account| account.alias.clone()).unwrap_or_default(),
        report.taken_at.map(|at| at.to_string()).unwrap_or_default(),
        control.id.to_owned(),
        finding.step.map(|step| step.number().to_string()).unwrap_or_default(),
        finding.severity.to_string().to_lowercase(),
        finding.status.words().to_owned(),
        if finding.is_suppressed() { "yes" } else { "no" }.to_owned(),
        evaluated.exceptions(),
        control.title.to_owned(),
        finding.reason.clone(),
        names(&finding.resources),
        finding.judged_by.values().min().map(ToString::to_string).unwrap_or_default(),
        evaluated.console_steps(),
        report.version.clone(),
    ];
    let numbers = Framework::ALL.iter().map(|framework| numbers(evaluated, *framework));
    cells.into_iter().chain(numbers).collect()
}

/// `CIS 1.10`: of a bare number a spreadsheet would make 1.1, of 2.1.1 a day.
fn numbers(evaluated: &Evaluated<'_>, framework: Framework) -> String {
    let is_bare = |number: &str| number.starts_with(|char: char| char.is_ascii_digit());
    let text = |number: &str| if is_bare(number) { format!("CIS {number}") } else { number.to_owned() };
    evaluated.numbers(framework).into_iter().map(text).collect::<Vec<_>>().join(", ")
}

/// As many as a cell of a spreadsheet holds, which is 32,767 UTF-16 units, and how many more there are.
fn names(names: &[String]) -> String {
    const MOST: usize = 30_000;
    let mut length = 0;
    let fits = |name: &&String| {
        length += harmless(name).encode_utf16().count() + 2;
        length <= MOST
    };
    let kept: Vec<&str> = names.iter().take_while(fits).map(String::as_str).collect();
    match names.len() - kept.len() {
        0 => kept.join(", "),
        more if kept.is_empty() => format!("{more} with long names"),
        more => format!("{}, and {more} more", kept.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::{HOSTILE, finding, one_of_each, report, with};
    use super::*;

    const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

    fn read(text: &str) -> Vec<::csv::StringRecord> {
        ::csv::Reader::from_reader(text.as_bytes()).records().collect::<Result<_, _>>().unwrap()
    }

    #[test]
    fn a_row_a_finding_with_what_a_person_asks_for_first() {
        let text = write(&one_of_each()).unwrap();
        assert!(text.starts_with("\"account\",\"alias\",\"taken_at\",\"control\",") && text.ends_with("\"\r\n"));
        let rows = read(&text);
        let cells = |column: usize| rows.iter().map(|row| row[column].to_owned()).collect::<Vec<_>>();
        assert_eq!(cells(3), ["access-key-rotation", "root-mfa", "root-unused", "root-access-keys", "alert-path"]);
        assert_eq!(cells(6), ["failed", "unknown", "failed", "passed", "not applicable"]);
        assert_eq!(cells(7), ["no", "no", "yes", "no", "no"]);
        assert_eq!(rows[2][8], *"alice until 2027-03-01 00:00:00 UTC: the key is in the post");
        assert_eq!(rows[0][11], *"alice, bob");
        assert_eq!(rows[1][12], *"2026-11-20T10:00:00Z");
    }

    #[test]
    fn every_framework_has_a_column_of_its_numbers() {
        let mut reader_rows = read(&write(&report(&[finding("root-mfa", "failed")])).unwrap());
        let row = reader_rows.remove(0);
        assert_eq!(row.len(), COLUMNS.len() + Framework::ALL.len());
        let numbers: Vec<&str> = row.iter().skip(COLUMNS.len()).collect();
        assert_eq!(
            numbers,
            ["CIS 1.5", "CIS 1.4", "CIS 2.4", "CIS 2.5", "IAM.9", "root-account-mfa-enabled", "iam_root_mfa_enabled"]
        );
    }

    #[test]
    fn no_cell_is_a_formula_or_has_two_lines_whatever_a_name_is() {
        for text in HOSTILE {
            let finding = with(finding("root-mfa", "failed"), "reason", json!(text));
            let finding = with(finding, "resources", json!([text, text]));
            let written = write(&report(&[finding])).unwrap();
            assert_eq!(written.matches(['\r', '\n']).count(), 4, "two lines, {text:?}");
            for cell in read(&written)[0].iter() {
                assert!(!cell.trim_start().starts_with(FORMULA), "{cell:?}");
                let parts = cell.split([',', ';', '|', '"']).map(str::trim_start);
                assert!(parts.clone().all(|part| !part.starts_with(FORMULA)), "{cell:?}");
            }
        }
    }

    #[test]
    fn no_number_of_a_framework_and_no_account_is_a_number_to_a_spreadsheet() {
        let findings: Vec<_> = checklist::CHECKLIST.iter().map(|control| finding(control.id, "failed")).collect();
        let mut report = report(&findings);
        report.account.as_mut().unwrap().id = facts::AccountId::parse("012345678901").unwrap();
        let rows = read(&write(&report).unwrap());
        assert!(rows.iter().any(|row| row.iter().any(|cell| cell == "CIS 1.10")));
        for row in &rows {
            assert_eq!(row[0], *"aws:012345678901");
            for cell in row.iter().skip(COLUMNS.len()) {
                assert!(!cell.starts_with(|char: char| char.is_ascii_digit()), "{cell}");
            }
        }
    }

    #[test]
    fn a_cell_of_names_is_not_longer_than_a_spreadsheet_holds() {
        for name in ["service-account-0001", "=1,=2,=3", "\u{1f600}"] {
            let finding = with(finding("user-mfa", "failed"), "resources", json!(vec![name; 40_000]));
            let row = read(&write(&report(&[finding])).unwrap()).remove(0);
            assert!(row[11].encode_utf16().count() <= 32_767, "{}", row[11].len());
            let kept = row[11].matches(harmless(name).as_str()).count();
            assert!(row[11].ends_with(&format!(", and {} more", 40_000 - kept)), "{name}");
        }
        assert_eq!(names(&["x".repeat(40_000)]), "1 with long names");
    }

    #[test]
    fn a_report_without_findings_is_the_head_alone() {
        let text = write(&Stored::default()).unwrap();
        assert_eq!((text.lines().count(), read(&text).len()), (1, 0));
    }
}
