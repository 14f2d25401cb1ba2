//! The days that the timeline and the strips show, in UTC, the last one today.

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

use super::words::date;
use crate::history::DAYS;

/// [`DAYS`] days.
#[derive(Debug, Clone, Copy)]
pub(super) struct Days {
    first: Date,
}

impl Days {
    /// How many.
    pub(super) const COUNT: usize = DAYS as usize;

    /// Those that end with the day of `now`.
    pub(super) fn until(now: Timestamp) -> Self {
        let last = date(now);
        Self { first: last.checked_sub((DAYS - 1).days()).unwrap_or(last) }
    }

    /// The number of the day of `at`, from 0; `None` before and after.
    pub(super) fn index(self, at: Timestamp) -> Option<usize> {
        usize::try_from(self.whole(date(at))).ok().filter(|index| *index < Self::COUNT)
    }

    /// `at` in days since the first one began, and not beyond either end.
    pub(super) fn offset(self, at: Timestamp) -> f64 {
        let seconds = at.as_second().rem_euclid(86_400);
        #[expect(clippy::cast_precision_loss, reason = "a number of days, and of seconds of a day")]
        let days = self.whole(date(at)) as f64 + seconds as f64 / 86_400.0;
        #[expect(clippy::cast_precision_loss, reason = "90")]
        let end = Self::COUNT as f64;
        days.clamp(0.0, end)
    }

    /// The day numbered `index`.
    pub(super) fn date(self, index: usize) -> Date {
        let index = i64::try_from(index).unwrap_or_default();
        self.first.checked_add(index.days()).unwrap_or(self.first)
    }

    fn whole(self, day: Date) -> i64 {
        self.first.until(day).map_or(0, |span| i64::from(span.get_days()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_ninety_days_is_today_and_what_lies_outside_has_no_number() {
        let days = Days::until("2026-11-20T23:59:59Z".parse().unwrap());
        let index = |at: &str| days.index(at.parse().unwrap());
        assert_eq!([index("2026-11-20T00:00:00Z"), index("2026-08-23T00:00:00Z")], [Some(89), Some(0)]);
        assert_eq!([index("2026-08-22T23:59:59Z"), index("2026-11-21T00:00:00Z")], [None, None]);
        assert_eq!(days.date(89).to_string(), "2026-11-20");
        assert!((days.offset("2026-11-20T12:00:00Z".parse().unwrap()) - 89.5).abs() < 1e-9);
        assert!(days.offset("2020-01-01T00:00:00Z".parse().unwrap()).abs() < 1e-9);
    }
}
