//! What a listing looks at: which objects of which place, account and Region would have been met by it.

use chrono::{Days, Months, NaiveDate};

use super::{DELIVERY_DELAY, Facts, Listing, Place, SECOND};
use crate::trail::object_key::{Layout, ObjectKey};

impl Place {
    /// Where an object comes from: by its key where that is one of CloudTrail's in a bucket, else by its source.
    pub fn of_object(source_object: &str, source: Option<&str>) -> Place {
        let key = ObjectKey::parse(source_object);
        let layout = key.prefix.zip(key.account.as_ref());
        let organization = key.organization.is_some();
        match (key.bucket, layout) {
            (Some(bucket), Some((lead, _))) => Place::Bucket {
                bucket,
                lead,
                organization,
            },
            (_, layout) => Place::Copy {
                source: source.unwrap_or_default().to_owned(),
                organization: layout.is_some().then_some(organization),
            },
        }
    }
}

impl Listing {
    /// The event times for which "no object" means "nothing delivered", if the listing reaches the account and Region.
    pub(super) fn vouches(&self, facts: &Facts, place: &Place, account: &str, region: &str) -> Option<(i64, i64)> {
        let (first, last) = match place {
            Place::Copy { source, .. } if *source == self.source => (i64::MIN, i64::MAX),
            Place::Copy { .. } => return None,
            Place::Bucket {
                bucket,
                lead,
                organization,
            } => {
                let (named, prefix) = self.source.strip_prefix("s3://")?.split_once('/')?;
                if named != bucket {
                    return None;
                }
                reach(prefix, lead, *organization, account, region)?
            }
        };
        let since = first.max(self.since.unwrap_or(i64::MIN));
        let until = self.seen_until(facts, last)?;
        (since < until).then_some((since, until))
    }

    /// The first instant whose records may not have been delivered when the listing was made.
    pub(super) fn seen_until(&self, facts: &Facts, last: i64) -> Option<i64> {
        let until = last.min(self.until.unwrap_or(i64::MAX)).min(self.finished_at);
        if self.source.starts_with("s3://") {
            return until.checked_sub(DELIVERY_DELAY);
        }
        // A copy stopped receiving when it was made, at the earliest after its last object.
        match (
            facts.last_delivery.get(&self.source),
            facts.last_event.get(&self.source),
        ) {
            (Some(delivered), _) => until.min(*delivered).checked_sub(DELIVERY_DELAY),
            (None, Some(event)) => Some(until.min(event + SECOND)),
            (None, None) => None,
        }
    }
}

/// Which deliveries a prefix of a bucket looks at, for an account and Region below `lead`.
fn reach(prefix: &str, lead: &str, organization: bool, account: &str, region: &str) -> Option<(i64, i64)> {
    let everything = (i64::MIN, i64::MAX);
    let prefix = prefix.strip_suffix('*').unwrap_or(prefix);
    if prefix.contains(['*', '?']) {
        return None;
    }
    let root = format!("{lead}AWSLogs/");
    if root.starts_with(prefix) {
        return Some(everything);
    }
    let below = prefix.strip_prefix(&root)?;
    let below = if organization {
        // Any organization: a bucket holds one organization's trail, and its keys name it.
        let Some((named, rest)) = below.split_once('/') else {
            return "o-".starts_with(below).then_some(everything);
        };
        named.strip_prefix("o-")?;
        rest
    } else {
        below
    };
    let full = format!("{account}/CloudTrail/{region}/");
    if full.starts_with(below) {
        return Some(everything);
    }
    let dates = below.strip_prefix(&full)?;
    // A date that is cut off reaches days that begin alike: only whole folders count.
    let folders = dates.rsplit_once('/').map_or("", |(folders, _)| folders);
    if folders.len() + 1 != dates.len() {
        return None;
    }
    let layout_prefix = format!("AWSLogs/{account}/CloudTrail/{region}/{folders}/");
    let layout = Layout::of_prefix(&layout_prefix)?;
    days(layout.year, layout.month, layout.day)
}

fn days(year: Option<i32>, month: Option<u32>, day: Option<u32>) -> Option<(i64, i64)> {
    let first = NaiveDate::from_ymd_opt(year?, month.unwrap_or(1), day.unwrap_or(1))?;
    let last = match (month, day) {
        (_, Some(_)) => first.checked_add_days(Days::new(1))?,
        (Some(_), None) => first.checked_add_months(Months::new(1))?,
        (None, None) => first.checked_add_months(Months::new(12))?,
    };
    let micros = |date: NaiveDate| Some(date.and_hms_opt(0, 0, 0)?.and_utc().timestamp_micros());
    Some((micros(first)?, micros(last)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(prefix: &str, organization: bool) -> Option<(i64, i64)> {
        reach(prefix, "team/", organization, "111122223333", "eu-west-1")
    }

    #[test]
    fn a_prefix_reaches_what_begins_with_it() {
        let everything = Some((i64::MIN, i64::MAX));
        for prefix in [
            "",
            "te",
            "team/",
            "team/AWSLogs/",
            "team/AWSLogs/1111",
            "team/AWSLogs/111122223333/CloudTrail/",
        ] {
            assert_eq!(of(prefix, false), everything, "{prefix}");
        }
        for prefix in [
            "",
            "team/AWSLogs/",
            "team/AWSLogs/o-x/",
            "team/AWSLogs/o-x/111122223333/CloudTrail/eu-west-1/",
        ] {
            assert_eq!(of(prefix, true), everything, "{prefix}");
        }
        for prefix in [
            "other/",
            "AWSLogs/",
            "team/AWSLogs/444455556666/",
            "team/AWSLogs/111122223333/CloudTrail/us-east-1/",
            "team/AWSLogs/111122223333/CloudTrail-Digest/",
            "team/AWSLogs/o-x/",
            "team/AWSLogs/111122223333/CloudTrail/eu-west-1/2026/0",
            "team/*/x",
        ] {
            assert_eq!(of(prefix, false), None, "{prefix}");
        }
        assert_eq!(of("team/AWSLogs/111122223333/", true), None);
    }

    #[test]
    fn a_dated_prefix_reaches_its_days() {
        let micros = |text: &str| crate::model::Instant::parse(text).unwrap().0;
        let base = "team/AWSLogs/111122223333/CloudTrail/eu-west-1/";
        let at = |dates: &str| of(&format!("{base}{dates}"), false);
        assert_eq!(at("2026/"), Some((micros("2026-01-01"), micros("2027-01-01"))));
        assert_eq!(at("2026/12/"), Some((micros("2026-12-01"), micros("2027-01-01"))));
        assert_eq!(at("2026/02/28/"), Some((micros("2026-02-28"), micros("2026-03-01"))));
        assert_eq!(at("2026/02/28/1111"), None);
    }
}
