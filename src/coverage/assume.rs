//! What the user vouches for: a span, for some accounts and Regions or all.

use std::collections::BTreeSet;

use crate::model::Instant;

/// One statement of the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assumption {
    /// The first instant.
    pub since: Instant,
    /// The first instant after.
    pub until: Instant,
    /// The accounts; all where empty.
    pub accounts: BTreeSet<String>,
    /// The Regions; all where empty.
    pub regions: BTreeSet<String>,
}

impl Assumption {
    /// Reads `SINCE..UNTIL[,ACCOUNT or REGION]...`; `/` may stand for the two dots.
    ///
    /// # Errors
    /// The span is none, ends before it begins, or a word is neither an account id nor a Region.
    pub fn parse(text: &str) -> Result<Assumption, String> {
        let mut words = text.split([',', ';']).map(str::trim);
        let span = words.next().unwrap_or_default();
        let (since, until) = span
            .split_once("..")
            .or_else(|| span.split_once('/'))
            .ok_or_else(|| format!("`{span}` is no span such as 2026-01-01..2026-04-01"))?;
        let instant = |text: &str| {
            Instant::parse(text).ok_or_else(|| format!("`{text}` is neither an RFC 3339 instant nor a date"))
        };
        let (since, until) = (instant(since)?, instant(until)?);
        if since >= until {
            return Err(format!("`{span}` ends before it begins"));
        }
        let mut assumption = Assumption {
            since,
            until,
            accounts: BTreeSet::new(),
            regions: BTreeSet::new(),
        };
        for word in words.filter(|word| !word.is_empty()) {
            let value = word.split_once('=').map_or(word, |(_, value)| value);
            if value.len() == 12 && value.bytes().all(|byte| byte.is_ascii_digit()) {
                assumption.accounts.insert(value.to_owned());
            } else if is_region(value) {
                assumption.regions.insert(value.to_owned());
            } else {
                return Err(format!("`{word}` is neither an account id nor a Region"));
            }
        }
        Ok(assumption)
    }

    /// Whether the user vouches for this place at this instant.
    pub fn holds(&self, account: &str, region: &str, at: i64) -> bool {
        self.since.0 <= at
            && at < self.until.0
            && (self.accounts.is_empty() || self.accounts.contains(account))
            && (self.regions.is_empty() || self.regions.contains(region))
    }
}

/// `us-east-1`, `us-gov-west-1`, `eusc-de-east-1`: lower-case words and a number at the end.
fn is_region(word: &str) -> bool {
    let mut parts: Vec<&str> = word.split('-').collect();
    let number = parts.pop().unwrap_or_default();
    parts.len() >= 2
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && !number.is_empty()
        && parts
            .iter()
            .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_accounts_and_regions_are_told_apart() {
        let all = Assumption::parse("2026-01-01..2026-02-01").unwrap();
        let (first, last) = (
            Instant::parse("2026-01-01").unwrap().0,
            Instant::parse("2026-02-01").unwrap().0,
        );
        assert!(all.holds("1", "x", first) && all.holds("1", "x", last - 1));
        assert!(!all.holds("1", "x", first - 1) && !all.holds("1", "x", last));
        let some = Assumption::parse("2026-01-01/2026-02-01,111122223333,region=eu-west-1,us-gov-west-1").unwrap();
        assert!(some.holds("111122223333", "eu-west-1", first));
        assert!(!some.holds("444455556666", "eu-west-1", first) && !some.holds("111122223333", "us-east-1", first));
        for bad in [
            "",
            "2026-01-01",
            "2026-02-01..2026-01-01",
            "2026-01-01..2026-02-01,Berlin",
            "a..b",
        ] {
            assert!(Assumption::parse(bad).is_err(), "{bad}");
        }
    }
}
