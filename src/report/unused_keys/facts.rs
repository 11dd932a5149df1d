//! What the lake answered, row by row: the only input of the report.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::changes::Previous;
use crate::model::Instant;
use crate::report::grounds::{Period, SnapshotPart, Stretch};

/// All of it.
#[derive(Debug)]
pub struct Facts {
    /// The window.
    pub period: Period,
    /// `unused-keys`.
    pub keys: Vec<Key>,
    /// `coverage-in-window`.
    pub coverage: Vec<Stretch>,
    /// `snapshots-in-force`.
    pub snapshots: Vec<SnapshotPart>,
    /// `key-inventory`, by key.
    pub inventory: BTreeMap<String, Inventory>,
    /// `key-grants`, by key.
    pub grants: BTreeMap<String, Vec<Grant>>,
    /// What uses of a key named, by key.
    pub protects: BTreeMap<String, Vec<Protected>>,
    /// `key-use-per-day`, by key.
    pub uses: BTreeMap<String, UseOverTime>,
    /// An earlier report.
    pub previous: Option<Previous>,
    /// What the user vouched for, as typed.
    pub assumed: Vec<String>,
}

/// A row of `unused-keys`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the columns' meanings are in the query's header")]
pub struct Key {
    pub key_arn: String,
    pub account_id: String,
    pub region: String,
    pub key_id: String,
    pub aliases: Option<String>,
    pub tags: Option<String>,
    pub key_manager: Option<String>,
    pub key_state: Option<String>,
    pub creation_date: Option<String>,
    pub verdict: String,
    pub proof: Option<String>,
    pub proof_basis: Option<String>,
    pub reason: Option<String>,
    pub caution: Option<String>,
    pub last_used_at: Option<String>,
    pub last_used_by: Option<String>,
    pub last_operation: Option<String>,
    pub uses: i64,
    pub service_uses: i64,
    pub failed_uses: i64,
    pub live_grants: i64,
    pub covered_days: Option<f64>,
    pub window_days: Option<f64>,
    pub monthly_cost_usd: Option<f64>,
    pub snapshot_at: Option<String>,
}

impl Key {
    /// Whether a customer manages it, as far as is known.
    pub fn is_customer_managed(&self) -> bool {
        self.key_manager.as_deref() != Some("AWS")
    }
}

/// A row of `key-inventory`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "the columns' meanings are in the query's header")]
pub struct Inventory {
    pub key_arn: String,
    #[serde(skip_serializing)]
    pub tags: Option<Vec<String>>,
    pub description: Option<String>,
    pub deletion_date: Option<String>,
    pub key_spec: Option<String>,
    pub key_usage: Option<String>,
    pub origin: Option<String>,
    pub custom_key_store_id: Option<String>,
    pub multi_region_key_type: Option<String>,
    pub replica_key_arns: Option<Vec<String>>,
    pub unreadable: Option<Vec<String>>,
}

/// A row of `key-grants`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the columns' meanings are in the query's header")]
pub struct Grant {
    #[serde(skip_serializing)]
    pub key_arn: String,
    pub grant_id: String,
    pub name: Option<String>,
    pub creation_date: Option<String>,
    pub grantee: Option<String>,
    pub retiring: Option<String>,
    pub issuing_account: Option<String>,
    pub operations: Option<Vec<String>>,
    pub constraints: Option<String>,
}

/// A row of `protected-resources`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Protected {
    /// The key.
    #[serde(skip_serializing)]
    pub key_arn: String,
    /// The key of the encryption context, or what kind of thing a grant is bound to.
    pub context_key: Option<String>,
    /// What it names.
    pub context_value: Option<String>,
    /// The log, a grant, or both.
    pub source: Option<String>,
    /// Uses in the window that named it.
    pub uses: Option<i64>,
}

/// A row of `key-use-per-day`.
#[derive(Debug, Deserialize)]
pub struct UseDay {
    /// The UTC day.
    pub day: String,
    /// The key.
    pub key_arn: String,
    /// Successful uses.
    pub uses: u64,
    /// Calls that were denied or failed.
    pub not_used: u64,
}

/// Buckets at most: as many as a picture has room for.
const BUCKETS_MAX: i32 = 92;

/// Uses by equal stretches of UTC days.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UseOverTime {
    /// The first day.
    pub first_day: String,
    /// Days in each stretch.
    pub days_each: i32,
    /// Successful uses in each.
    pub uses: Vec<u64>,
    /// Denied or failed calls in each.
    pub failed: Vec<u64>,
}

impl UseOverTime {
    /// No uses in a period.
    pub fn new(period: Period) -> UseOverTime {
        let first = period.since.day();
        let last = Instant(period.until.0 - 1).day().max(first);
        let days = last - first + 1;
        let days_each = days.div_euclid(BUCKETS_MAX) + i32::from(days.rem_euclid(BUCKETS_MAX) != 0);
        let count = usize::try_from((days + days_each - 1) / days_each).unwrap_or(1);
        UseOverTime {
            first_day: period.since.date(),
            days_each,
            uses: vec![0; count],
            failed: vec![0; count],
        }
    }

    /// Adds a day; one outside the period is none of it.
    pub fn add(&mut self, row: &UseDay) {
        let (Some(first), Some(day)) = (Instant::parse(&self.first_day), Instant::parse(&row.day)) else {
            return;
        };
        let Ok(at) = usize::try_from((day.day() - first.day()).div_euclid(self.days_each)) else {
            return;
        };
        if let (Some(uses), Some(failed)) = (self.uses.get_mut(at), self.failed.get_mut(at)) {
            *uses += row.uses;
            *failed += row.not_used;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn period(since: &str, until: &str) -> Period {
        let at = |text| Instant::parse(text).unwrap();
        Period {
            since: at(since),
            until: at(until),
        }
    }

    fn on(day: &str, uses: u64) -> UseDay {
        UseDay {
            day: day.to_owned(),
            key_arn: String::new(),
            uses,
            not_used: 1,
        }
    }

    #[test]
    fn a_window_that_begins_within_a_day_has_that_day() {
        let mut held = UseOverTime::new(period("2026-07-11T06:00:00Z", "2026-10-09T06:00:00Z"));
        assert_eq!(
            (held.first_day.as_str(), held.days_each, held.uses.len()),
            ("2026-07-11", 1, 91)
        );
        held.add(&on("2026-07-11", 3));
        held.add(&on("2026-10-09", 5));
        held.add(&on("2026-07-10", 100));
        held.add(&on("2026-10-10", 100));
        assert_eq!((held.uses[0], held.uses[90], held.uses.iter().sum::<u64>()), (3, 5, 8));
        assert_eq!(held.failed.iter().sum::<u64>(), 2);
    }

    #[test]
    fn long_windows_are_drawn_in_longer_steps() {
        let year = UseOverTime::new(period("2025-01-01", "2026-01-01"));
        assert_eq!((year.days_each, year.uses.len()), (4, 92));
        let short = UseOverTime::new(period("2026-01-01", "2026-01-01T01:00:00Z"));
        assert_eq!((short.days_each, short.uses.len()), (1, 1));
    }
}
