//! The IAM credential report: CSV into typed rows
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html>).
//!
//! Columns are found by name, in any order, with any number of unknown ones. Every sentinel (`N/A`, `no_information`,
//! `not_supported`) ends here. A report of 5,000 rows parses in milliseconds.

use std::fmt;

use csv::ByteRecord;
use jiff::{SignedDuration, Timestamp};

use crate::account::{Account, Partition};
use crate::source::{Cause, Source, Unavailable};

mod row;

use row::{Columns, Row};

/// How much later than the report its dates may be: IAM notes the last use of a key in steps of 15 minutes
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html>).
const AHEAD: SignedDuration = SignedDuration::from_mins(15);

/// How root's row is named; no IAM user can be called so.
const ROOT_USER: &str = "<root_account>";

/// A parsed credential report.
#[derive(Debug, Clone)]
pub struct CredentialReport {
    /// When IAM wrote it; IAM returns the same report for 4 hours.
    pub generated_at: Timestamp,
    /// Root's row, or why there is none to evaluate.
    pub root: Result<RootRow, ReportError>,
    /// Every IAM user, in the report's order.
    pub users: Vec<UserRow>,
    /// Whether IAM was willing to renew it in this run.
    pub renewal: Result<(), Unavailable>,
    /// SHA-256 of its bytes as IAM gave them, in hexadecimal digits; `None`: not computed.
    pub sha256: Option<String>,
}

/// Root's credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootRow {
    /// When the account was created.
    pub created: Cell<Option<Timestamp>>,
    /// Whether root has a password. Reports up to 2021 say `not_supported` here.
    pub password_enabled: Cell<bool>,
    /// Last sign-in with the password; `None`: never, or no password. Kept by IAM in 5-minute steps.
    pub password_last_used: Cell<Option<Timestamp>>,
    /// When the password was made or changed; `None`: no password. Reports up to 2021 say `not_supported` here.
    pub password_last_changed: Cell<Option<Timestamp>>,
    /// Any kind of MFA device.
    pub mfa_active: Cell<bool>,
    /// Both key slots; their order is not their age.
    pub access_keys: [KeySlot; 2],
    /// Both slots for X.509 signing certificates; the report has no column for their last use.
    pub signing_certificates: [KeySlot; 2],
}

/// A slot for an access key or a signing certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySlot {
    /// Whether it can be used.
    pub active: Cell<bool>,
    /// When it was made or rotated. Stays for an inactive one: a date means that something exists.
    pub last_rotated: Cell<Option<Timestamp>>,
    /// Last use; `None`: never. Kept by IAM in 15-minute steps.
    pub last_used: Cell<Option<Timestamp>>,
    /// Region of the last use; `None`: never used, or of a service without Regions.
    pub last_used_region: Option<String>,
    /// Service of the last use, as `s3`; `None`: never used.
    pub last_used_service: Option<String>,
}

/// What is in a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotState {
    /// Nothing.
    Empty,
    /// A credential that was switched off and can be switched on again.
    Inactive,
    /// A credential that works.
    Active,
}

impl KeySlot {
    /// What the slot holds.
    ///
    /// # Errors
    /// The first cell that would be needed and cannot be read.
    pub fn state(&self) -> Cell<SlotState> {
        match (&self.active, &self.last_rotated) {
            (Ok(true), _) => Ok(SlotState::Active),
            (Ok(false), Ok(None)) => Ok(SlotState::Empty),
            (_, Ok(Some(_))) => Ok(SlotState::Inactive),
            (Err(cell), _) | (_, Err(cell)) => Err(cell.clone()),
        }
    }
}

/// An IAM user's credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRow {
    /// User name.
    pub name: String,
    /// When the user was created.
    pub created: Cell<Option<Timestamp>>,
    /// Whether the user has a password.
    pub password_enabled: Cell<bool>,
    /// Last sign-in with the password; `None`: never, or no password.
    pub password_last_used: Cell<Option<Timestamp>>,
    /// When the password was made or changed; `None`: no password.
    pub password_last_changed: Cell<Option<Timestamp>>,
    /// Any kind of MFA device.
    pub mfa_active: Cell<bool>,
    /// Both key slots; their order is not their age.
    pub access_keys: [KeySlot; 2],
    /// What the report says of access keys and certificates beyond two each; [`crate::text::bounded`]. `None`: there are none, or no such
    /// column.
    pub further_credentials: Option<String>,
}

/// A value, or the cell that does not hold one.
pub type Cell<T> = Result<T, UnreadableCell>;

/// A cell that cannot be evaluated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableCell {
    /// Name of the column.
    pub column: &'static str,
    /// What stands there; `None`: no such column.
    pub found: Option<String>,
}

impl fmt::Display for UnreadableCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.found {
            Some(found) => write!(f, "column {} says `{found}`", self.column),
            None => write!(f, "column {} is missing", self.column),
        }
    }
}

impl From<UnreadableCell> for Unavailable {
    fn from(cell: UnreadableCell) -> Self {
        Self {
            source: Source::CredentialReport,
            operation: "iam:GetCredentialReport".into(),
            cause: Cause::Malformed { detail: cell.to_string() },
        }
    }
}

/// Why a report, or its root row, cannot be evaluated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// No header line with the columns `user` and `arn`: an empty body, HTML, another file.
    #[error("it is not a credential report: its first line has no columns user and arn")]
    NotAReport,
    /// No row is called `<root_account>`.
    #[error("it has no <root_account> row")]
    NoRootRow,
    /// More than one row is.
    #[error("it has several <root_account> rows, which is ambiguous")]
    SeveralRootRows,
    /// The root row is another account's.
    #[error("its <root_account> row belongs to `{arn}`, not to this account")]
    AnotherAccount {
        /// The ARN that stands there.
        arn: String,
    },
    /// The text breaks the rules of CSV.
    #[error("line {line} is not CSV")]
    NotCsv {
        /// Line number from 1.
        line: u64,
    },
}

impl CredentialReport {
    /// Parses the bytes of a report of `account`. Line ends, a byte-order mark, quoting, blank lines, the order of columns,
    /// unknown columns, short rows and bytes that are not UTF-8 (shown as `�`) do not matter.
    ///
    /// # Errors
    /// [`ReportError::NotAReport`] or [`ReportError::NotCsv`] when no row can be read. A report without a usable root row
    /// parses: its [`CredentialReport::root`] says why.
    pub fn parse(bytes: &[u8], generated_at: Timestamp, account: &Account) -> Result<Self, ReportError> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(bytes);
        let columns = Columns::find(reader.byte_headers().map_err(not_csv)?);
        if !columns.are_of_a_report() {
            return Err(ReportError::NotAReport);
        }
        let latest = generated_at.checked_add(AHEAD).unwrap_or(Timestamp::MAX);
        let mut root = Err(ReportError::NoRootRow);
        let mut users = Vec::new();
        let mut record = ByteRecord::new();
        while reader.read_byte_record(&mut record).map_err(not_csv)? {
            let row = Row { columns: &columns, record: &record, latest };
            if !row.is_of(ROOT_USER) {
                users.push(row.user());
            } else if matches!(root, Err(ReportError::NoRootRow)) {
                root = row.root(account);
            } else {
                root = Err(ReportError::SeveralRootRows);
            }
        }
        // There is no root user in China, all users are IAM users (<https://docs.amazonaws.cn/en_us/aws/latest/userguide/iam.html>),
        // and no row of it (<https://github.com/prowler-cloud/prowler/issues/1571>).
        if root == Err(ReportError::NoRootRow) && account.partition == Partition::China {
            root = Ok(RootRow::none());
        }
        Ok(Self { generated_at, root, users, renewal: Ok(()), sha256: None })
    }
}

impl RootRow {
    /// Of an account without a root user.
    fn none() -> Self {
        let slot = || KeySlot {
            active: Ok(false),
            last_rotated: Ok(None),
            last_used: Ok(None),
            last_used_region: None,
            last_used_service: None,
        };
        Self {
            created: Ok(None),
            password_enabled: Ok(false),
            password_last_used: Ok(None),
            password_last_changed: Ok(None),
            mfa_active: Ok(false),
            access_keys: [slot(), slot()],
            signing_certificates: [slot(), slot()],
        }
    }
}

fn not_csv(error: csv::Error) -> ReportError {
    ReportError::NotCsv { line: error.position().map_or(1, csv::Position::line) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::account::{AccountId, Partition};

    const GOOD: &str = include_str!("../samples/credential-report-good.csv");
    const LEGACY: &str = include_str!("../samples/credential-report-2021.csv");
    const UPPER_CASE: &str = include_str!("../samples/credential-report-23-columns.csv");
    const NO_CREDENTIALS: &str = include_str!("../samples/credential-report-no-root-credentials.csv");
    const ACTIVE_KEY: &str = include_str!("../samples/credential-report-root-key.csv");

    fn account(id: &str) -> Account {
        Account { id: AccountId::parse(id).unwrap(), alias: None, partition: Partition::Aws }
    }

    fn parse(text: impl AsRef<[u8]>) -> Result<CredentialReport, ReportError> {
        CredentialReport::parse(text.as_ref(), "2026-11-20T08:00:00Z".parse().unwrap(), &account("111122223333"))
    }

    fn root(text: impl AsRef<[u8]>) -> RootRow {
        parse(text).unwrap().root.unwrap()
    }

    #[test]
    fn a_good_report_is_read_into_types() {
        let report = parse(GOOD).unwrap();
        let root = report.root.unwrap();
        assert_eq!(root.mfa_active, Ok(true));
        assert_eq!(root.password_enabled, Ok(true));
        assert_eq!(root.password_last_used, Ok(Some("2026-03-02T10:11:12Z".parse().unwrap())));
        assert_eq!(root.created, Ok(Some("2020-01-05T12:00:00Z".parse().unwrap())));
        assert!(root.access_keys.iter().all(|key| key.state() == Ok(SlotState::Empty)));
        assert_eq!(root.password_last_changed.map(|date| date.is_some()), Ok(true));
        let alice = &report.users[0];
        assert_eq!((alice.name.as_str(), &alice.mfa_active, &alice.password_enabled), ("alice", &Ok(true), &Ok(true)));
        assert_eq!(alice.created, Ok(Some("2024-02-01T08:00:00Z".parse().unwrap())));
    }

    #[test]
    fn an_inactive_key_with_a_date_still_exists() {
        let root = root(ACTIVE_KEY);
        assert_eq!(root.access_keys[0].state(), Ok(SlotState::Active));
        assert_eq!(root.access_keys[1].state(), Ok(SlotState::Inactive));
        assert_eq!(root.access_keys[0].last_used, Ok(Some("2026-11-18T10:00:00Z".parse().unwrap())));
        assert_eq!(root.password_last_used, Ok(None), "no_information is no date");
    }

    #[test]
    fn not_supported_is_not_false_and_old_dates_are_read() {
        let root = root(LEGACY);
        assert_eq!(root.password_enabled.unwrap_err().to_string(), "column password_enabled says `not_supported`");
        assert_eq!(root.password_last_used, Ok(Some("2021-03-13T13:17:57Z".parse().unwrap())));
    }

    #[test]
    fn no_password_is_no_date() {
        let member = account("444455556666");
        let report = CredentialReport::parse(NO_CREDENTIALS.as_bytes(), Timestamp::UNIX_EPOCH, &member).unwrap();
        let root = report.root.unwrap();
        assert_eq!((root.password_enabled, root.password_last_used), (Ok(false), Ok(None)));
    }

    #[test]
    fn cr_1_a_report_without_a_root_row_says_so_and_keeps_the_users() {
        let users_only: Vec<&str> = GOOD.lines().filter(|line| !line.starts_with("<root")).collect();
        let report = parse(users_only.join("\n")).unwrap();
        assert_eq!(report.root.unwrap_err(), ReportError::NoRootRow);
        assert_eq!(report.users.len(), 1);
    }

    #[test]
    fn in_china_there_is_no_root_row_and_no_root_user_and_a_row_that_is_there_is_read() {
        let china = Account { partition: Partition::China, ..account("111122223333") };
        let at = "2026-11-20T08:00:00Z".parse().unwrap();
        let in_china = GOOD.replace("arn:aws:", "arn:aws-cn:");
        let users_only: Vec<&str> = in_china.lines().filter(|line| !line.starts_with("<root")).collect();
        let absent = CredentialReport::parse(users_only.join("\n").as_bytes(), at, &china).unwrap();
        assert_eq!((absent.root.unwrap(), absent.users.len()), (RootRow::none(), 1));
        let there = CredentialReport::parse(in_china.as_bytes(), at, &china).unwrap();
        assert_eq!(there.root.unwrap().password_enabled, Ok(true));
        let foreign = CredentialReport::parse(GOOD.as_bytes(), at, &china).unwrap();
        assert!(matches!(foreign.root, Err(ReportError::AnotherAccount { .. })));
    }

    #[test]
    fn a_date_that_has_not_come_yet_cannot_be_judged_by() {
        let parse_at = |last: &str| {
            let text = GOOD.replace("2026-03-02T10:11:12Z", last);
            parse(text).unwrap().root.unwrap().password_last_used
        };
        assert!(parse_at("2026-11-20T08:15:00Z").is_ok(), "IAM notes in steps of 15 minutes");
        for ahead in ["2026-11-20T08:15:01Z", "2027-12-25T08:00:00Z", "9999-12-31T00:00:00Z"] {
            let cell = parse_at(ahead).unwrap_err();
            assert_eq!(cell.to_string(), format!("column password_last_used says `{ahead}`"));
        }
    }

    #[test]
    fn cr_2_two_root_rows_are_ambiguous() {
        let root_line = GOOD.lines().nth(1).unwrap();
        for times in [1, 2] {
            let report = parse(format!("{GOOD}\n{}", format!("{root_line}\n").repeat(times))).unwrap();
            assert_eq!(report.root.unwrap_err(), ReportError::SeveralRootRows);
        }
    }

    #[test]
    fn cr_3_only_the_user_column_makes_a_root_row_and_only_of_this_account() {
        let impostor = GOOD.replace("\nalice,arn:aws:iam::111122223333:user/alice", "\nroot,<root_account>");
        assert_eq!(parse(impostor).unwrap().users[0].name, "root");
        let other = account("999900001111");
        let report = CredentialReport::parse(GOOD.as_bytes(), Timestamp::UNIX_EPOCH, &other).unwrap();
        assert!(matches!(report.root, Err(ReportError::AnotherAccount { .. })));
    }

    #[test]
    fn cr_4_columns_are_found_by_name_in_any_order() {
        let expected = root(GOOD);
        let reordered: Vec<String> =
            GOOD.lines().map(|line| line.rsplit(',').chain(["extra"]).collect::<Vec<_>>().join(",")).collect();
        assert_eq!(root(reordered.join("\n")), expected);
        assert_eq!(root(UPPER_CASE).mfa_active, Ok(true), "upper-case booleans and a 23rd column");
    }

    #[test]
    fn the_23rd_column_tells_of_credentials_that_the_others_do_not_show() {
        let alice = UPPER_CASE.lines().nth(1).unwrap().replace("<root_account>", "alice");
        for (cell, further) in [("", None), ("N/A", None), ("1 additional access key", Some("1 additional access key"))]
        {
            let report = parse(format!("{UPPER_CASE}\n{alice}{cell}")).unwrap();
            assert_eq!(report.users[0].further_credentials.as_deref(), further, "{cell}");
        }
        assert_eq!(parse(GOOD).unwrap().users[0].further_credentials, None);
    }

    #[test]
    fn cr_4_a_missing_column_is_named() {
        let missing = GOOD.replacen("mfa_active", "mfa_status", 1);
        assert_eq!(root(missing).mfa_active.unwrap_err().to_string(), "column mfa_active is missing");
        let short_row = "user,arn,mfa_active\n<root_account>,arn:aws:iam::111122223333:root";
        assert_eq!(root(short_row).mfa_active.unwrap_err().to_string(), "column mfa_active is missing");
    }

    #[test]
    fn cr_5_byte_order_mark_crlf_and_blank_lines_do_not_matter() {
        let text = format!("\u{feff}{}\r\n\r\n", GOOD.replace('\n', "\r\n\r\n"));
        assert_eq!(root(&text), root(GOOD));
        assert_eq!(parse(text).unwrap().users.len(), 1);
    }

    #[test]
    fn cr_6_quoted_commas_and_line_breaks_stay_inside_their_field() {
        let text = GOOD.replace("\nalice,", "\n\"al,i\nce\",");
        assert_eq!(parse(text).unwrap().users[0].name, "al,i ce");
    }

    #[test]
    fn cr_8_a_flag_is_true_or_false_in_any_case_and_else_unreadable() {
        let with = |value: &str| {
            root(format!("user,arn,mfa_active\n<root_account>,arn:aws:iam::111122223333:root,{value}")).mfa_active
        };
        assert_eq!(with("TRUE"), Ok(true));
        assert_eq!(with("False"), Ok(false));
        for value in ["not_supported", "N/A", "", "yes", "1"] {
            assert_eq!(with(value).unwrap_err().found.as_deref(), Some(value));
        }
    }

    #[test]
    fn cr_10_an_empty_body_or_html_is_not_a_report() {
        for text in ["", "\n\n", "<html><body>503</body></html>", "{\"user\": 1}"] {
            assert_eq!(parse(text).unwrap_err(), ReportError::NotAReport, "{text:?}");
        }
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_shown_as_such() {
        let mut bytes = GOOD.as_bytes().to_vec();
        let at = GOOD.find("alice").unwrap();
        bytes[at] = 0xff;
        assert_eq!(parse(bytes).unwrap().users[0].name, "�lice");
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = parse(&bytes);
            let _ = parse([b"user,arn,mfa_active\n<root_account>,".as_slice(), &bytes].concat());
        }
    }
}
