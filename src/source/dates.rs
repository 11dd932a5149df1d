//! Which days of delivery are taken. A path's date is the day of delivery, so a record may be older than its path says.

use chrono::{Datelike, Days, NaiveDate};

/// A range of days of delivery, both ends included; open where `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Dates {
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
}

/// How a longer stretch of time lies to the range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overlap {
    Whole,
    Part,
    None,
}

impl Dates {
    /// Days of delivery for events from `from` to `to`, which may arrive up to `widen_days` days late.
    pub fn of_events(from: Option<NaiveDate>, to: Option<NaiveDate>, widen_days: u64) -> Dates {
        // A range that leaves the calendar has no end.
        Dates {
            from,
            to: to.and_then(|to| to.checked_add_days(Days::new(widen_days))),
        }
    }

    /// Everything delivered since a day, that day included.
    pub fn since(from: NaiveDate) -> Dates {
        Dates {
            from: Some(from),
            to: None,
        }
    }

    /// Whether every day is taken.
    pub fn is_everything(&self) -> bool {
        self.from.is_none() && self.to.is_none()
    }

    /// Whether a day is taken. What has no date cannot be excluded by it.
    pub fn hold(&self, day: Option<NaiveDate>) -> bool {
        day.is_none_or(|day| self.from.is_none_or(|from| from <= day) && self.to.is_none_or(|to| day <= to))
    }

    /// A year (`month` is `None`) or a month against the range.
    pub(super) fn overlap(&self, year: i32, month: Option<u32>) -> Overlap {
        let first = NaiveDate::from_ymd_opt(year, month.unwrap_or(1), 1);
        let last = match month {
            None => NaiveDate::from_ymd_opt(year, 12, 31),
            Some(month) => {
                first.and_then(|first| NaiveDate::from_ymd_opt(year, month, u32::from(first.num_days_in_month())))
            }
        };
        let (Some(first), Some(last)) = (first, last) else {
            return Overlap::Part;
        };
        let begins_late = self.from.is_some_and(|from| from > first);
        let ends_early = self.to.is_some_and(|to| to < last);
        if self.from.is_some_and(|from| from > last) || self.to.is_some_and(|to| to < first) {
            Overlap::None
        } else if begins_late || ends_early {
            Overlap::Part
        } else {
            Overlap::Whole
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(number: i32) -> NaiveDate {
        NaiveDate::from_num_days_from_ce_opt(number).unwrap()
    }

    proptest! {
        #[test]
        fn the_overlap_of_a_month_or_year_is_what_its_days_say(
            from in proptest::option::of(735_000i32..736_500),
            to in proptest::option::of(735_000i32..736_500),
            year in 2012i32..2018,
            month in proptest::option::of(1u32..=12),
        ) {
            let dates = Dates::of_events(from.map(day), to.map(day), 2);
            let days: Vec<bool> = NaiveDate::from_ymd_opt(year, month.unwrap_or(1), 1).unwrap().iter_days()
                .take_while(|day| day.year() == year && month.is_none_or(|month| day.month() == month))
                .map(|day| dates.hold(Some(day)))
                .collect();
            match dates.overlap(year, month) {
                Overlap::Whole => prop_assert!(days.iter().all(|held| *held)),
                Overlap::None => prop_assert!(!days.iter().any(|held| *held)),
                Overlap::Part => prop_assert!(!days.iter().all(|held| *held)),
            }
        }
    }

    #[test]
    fn late_deliveries_are_inside() {
        let dates = Dates::of_events(
            NaiveDate::from_ymd_opt(2024, 1, 5),
            NaiveDate::from_ymd_opt(2024, 1, 6),
            2,
        );
        assert!(dates.hold(NaiveDate::from_ymd_opt(2024, 1, 8)));
        assert!(!dates.hold(NaiveDate::from_ymd_opt(2024, 1, 9)));
        assert!(!dates.hold(NaiveDate::from_ymd_opt(2024, 1, 4)));
        assert!(dates.hold(None));
        assert!(Dates::of_events(None, None, 2).is_everything());
    }
}
