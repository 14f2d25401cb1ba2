//! One row of the report into types.
//!
//! An account may have thousands of users: each column is found by its name once, and each date is read by the places of its digits.

use csv::ByteRecord;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

use super::{Cell, KeySlot, ReportError, RootRow, UnreadableCell, UserRow};
use crate::account::Account;
use crate::text;

/// A column that is read.
struct Column {
    name: &'static str,
    /// `None`: the report has none of that name.
    position: Option<usize>,
}

/// The columns of a slot. The report has none for the last use of a certificate, and none for its place.
struct SlotColumns {
    active: Column,
    last_rotated: Column,
    last_used: Column,
    last_used_region: Column,
    last_used_service: Column,
}

/// The columns that are read, by their lower-case names.
pub(super) struct Columns {
    user: Column,
    arn: Column,
    created: Column,
    password_enabled: Column,
    password_last_used: Column,
    password_last_changed: Column,
    mfa_active: Column,
    access_keys: [SlotColumns; 2],
    signing_certificates: [SlotColumns; 2],
    further_credentials: Column,
}

impl Columns {
    pub(super) fn find(header: &ByteRecord) -> Self {
        let names: Vec<String> =
            header.iter().map(|name| String::from_utf8_lossy(name).trim().to_ascii_lowercase()).collect();
        let find = |name| Column { name, position: names.iter().position(|column| column == name) };
        let slot = |[active, last_rotated, last_used, region, service]: [&'static str; 5]| SlotColumns {
            active: find(active),
            last_rotated: find(last_rotated),
            last_used: find(last_used),
            last_used_region: find(region),
            last_used_service: find(service),
        };
        let certificate = |active, last_rotated, last_used| SlotColumns {
            active: find(active),
            last_rotated: find(last_rotated),
            last_used: Column { name: last_used, position: None },
            last_used_region: Column { name: "", position: None },
            last_used_service: Column { name: "", position: None },
        };
        Self {
            user: find("user"),
            arn: find("arn"),
            created: find("user_creation_time"),
            password_enabled: find("password_enabled"),
            password_last_used: find("password_last_used"),
            password_last_changed: find("password_last_changed"),
            mfa_active: find("mfa_active"),
            access_keys: [
                slot([
                    "access_key_1_active",
                    "access_key_1_last_rotated",
                    "access_key_1_last_used_date",
                    "access_key_1_last_used_region",
                    "access_key_1_last_used_service",
                ]),
                slot([
                    "access_key_2_active",
                    "access_key_2_last_rotated",
                    "access_key_2_last_used_date",
                    "access_key_2_last_used_region",
                    "access_key_2_last_used_service",
                ]),
            ],
            signing_certificates: [
                certificate("cert_1_active", "cert_1_last_rotated", "cert_1_last_used_date"),
                certificate("cert_2_active", "cert_2_last_rotated", "cert_2_last_used_date"),
            ],
            further_credentials: find("additional_credentials_info"),
        }
    }

    /// Whether they are those of a credential report.
    pub(super) fn are_of_a_report(&self) -> bool {
        self.user.position.is_some() && self.arn.position.is_some()
    }
}

/// One row.
pub(super) struct Row<'a> {
    pub(super) columns: &'a Columns,
    pub(super) record: &'a ByteRecord,
    /// Every date is of the past: one that is later cannot be evaluated.
    pub(super) latest: Timestamp,
}

impl Row<'_> {
    pub(super) fn is_of(&self, user: &str) -> bool {
        self.value(&self.columns.user) == Some(user.as_bytes())
    }

    fn value(&self, column: &Column) -> Option<&[u8]> {
        self.record.get(column.position?)
    }

    fn flag(&self, column: &Column) -> Cell<bool> {
        let value = self.value(column);
        match value.map(<[u8]>::trim_ascii) {
            Some(flag) if flag.eq_ignore_ascii_case(b"true") => Ok(true),
            Some(flag) if flag.eq_ignore_ascii_case(b"false") => Ok(false),
            _ => Err(unreadable(column, value)),
        }
    }

    /// `N/A` and `no_information` mean that there is no date.
    fn date(&self, column: &Column) -> Cell<Option<Timestamp>> {
        let value = self.value(column);
        match value.map(<[u8]>::trim_ascii) {
            Some(b"N/A" | b"n/a" | b"no_information") => Ok(None),
            Some(text) => match date(text) {
                Some(date) if date <= self.latest => Ok(Some(date)),
                _ => Err(unreadable(column, value)),
            },
            None => Err(unreadable(column, None)),
        }
    }

    /// `None`: no such column, or `N/A`.
    fn text(&self, column: &Column) -> Option<String> {
        // Nearly every cell; a text of it would be made to be dropped.
        let value = self.value(column).filter(|value| !value.eq_ignore_ascii_case(b"N/A"))?;
        let text = text::bounded(&String::from_utf8_lossy(value));
        (!text.is_empty() && !text.eq_ignore_ascii_case("N/A")).then_some(text)
    }

    fn slot(&self, columns: &SlotColumns) -> KeySlot {
        KeySlot {
            active: self.flag(&columns.active),
            last_rotated: self.date(&columns.last_rotated),
            last_used: self.date(&columns.last_used),
            last_used_region: self.text(&columns.last_used_region),
            last_used_service: self.text(&columns.last_used_service),
        }
    }

    pub(super) fn user(&self) -> UserRow {
        let columns = self.columns;
        UserRow {
            name: text::bounded(&String::from_utf8_lossy(self.value(&columns.user).unwrap_or_default())),
            created: self.date(&columns.created),
            password_enabled: self.flag(&columns.password_enabled),
            password_last_used: self.date(&columns.password_last_used),
            password_last_changed: self.date(&columns.password_last_changed),
            mfa_active: self.flag(&columns.mfa_active),
            access_keys: columns.access_keys.each_ref().map(|slot| self.slot(slot)),
            further_credentials: self.text(&columns.further_credentials),
        }
    }

    pub(super) fn root(&self, account: &Account) -> Result<RootRow, ReportError> {
        let columns = self.columns;
        let arn = self.value(&columns.arn).map(String::from_utf8_lossy).unwrap_or_default();
        if arn != account.root_arn() {
            return Err(ReportError::AnotherAccount { arn: text::bounded(&arn) });
        }
        Ok(RootRow {
            created: self.date(&columns.created),
            password_enabled: self.flag(&columns.password_enabled),
            password_last_used: self.date(&columns.password_last_used),
            password_last_changed: self.date(&columns.password_last_changed),
            mfa_active: self.flag(&columns.mfa_active),
            access_keys: columns.access_keys.each_ref().map(|slot| self.slot(slot)),
            signing_certificates: columns.signing_certificates.each_ref().map(|slot| self.slot(slot)),
        })
    }
}

fn unreadable(column: &Column, value: Option<&[u8]>) -> UnreadableCell {
    UnreadableCell { column: column.name, found: value.map(|value| text::bounded(&String::from_utf8_lossy(value))) }
}

/// A date in any form that a timestamp may have.
fn date(text: &[u8]) -> Option<Timestamp> {
    by_place(text).or_else(|| str::from_utf8(text).ok()?.parse().ok())
}

/// `2024-02-01T08:00:00Z` or `2024-02-01T08:00:00+00:00`, as IAM writes it; `None`: it is written otherwise, or there is no such time.
fn by_place(text: &[u8]) -> Option<Timestamp> {
    let text = text.strip_suffix(b"Z").or_else(|| text.strip_suffix(b"+00:00"))?;
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T', h1, h2, b':', i1, i2, b':', s1, s2] = text else {
        return None;
    };
    let digit = |byte: &u8| byte.is_ascii_digit().then(|| i16::from(byte - b'0'));
    let two = |tens, ones| i8::try_from(10 * digit(tens)? + digit(ones)?).ok();
    let year = 1_000 * digit(y1)? + 100 * digit(y2)? + 10 * digit(y3)? + digit(y4)?;
    let time = [two(h1, h2)?, two(i1, i2)?, two(s1, s2)?];
    let [hour, minute, second] = time;
    let civil = DateTime::new(year, two(m1, m2)?, two(d1, d2)?, hour, minute, second, 0).ok()?;
    Offset::UTC.to_timestamp(civil).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn by_parser(text: &[u8]) -> Option<Timestamp> {
        str::from_utf8(text).ok()?.parse().ok()
    }

    #[test]
    fn dates_as_iam_writes_them_are_read_by_place() {
        for text in ["2024-02-29T08:00:01Z", "2024-02-29T08:00:01+00:00", "0000-01-01T00:00:00Z"] {
            let read = by_place(text.as_bytes());
            assert!(read.is_some(), "{text}");
            assert_eq!(read, by_parser(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn another_form_is_left_to_the_parser_and_what_is_no_time_stays_none() {
        for text in
            ["2024-02-29 08:00:01Z", "2024-02-29T08:00:01.5Z", "2024-02-29T10:00:01+02:00", "2016-12-31T23:59:60Z"]
        {
            assert_eq!(
                (by_place(text.as_bytes()), date(text.as_bytes())),
                (None, by_parser(text.as_bytes())),
                "{text}"
            );
            assert!(date(text.as_bytes()).is_some(), "{text}");
        }
        for text in
            ["2023-02-29T08:00:01Z", "2024-13-01T08:00:01Z", "2024-02-29T24:00:00Z", "2024-0:-29T08:00:01Z", "", "Z"]
        {
            assert_eq!(date(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn by_place_is_what_the_parser_says(
            text in r"[0-9]{3}[0-9:]-[01][0-9]-[0-3][0-9][Tt ][0-2][0-9]:[0-6][0-9]:[0-6][0-9](Z|z|\+00:00|-00:00|\+01:00|\.5Z|)",
        ) {
            if let Some(read) = by_place(text.as_bytes()) {
                prop_assert_eq!(Some(read), by_parser(text.as_bytes()));
            }
            prop_assert_eq!(date(text.as_bytes()), by_parser(text.as_bytes()));
        }
    }
}
