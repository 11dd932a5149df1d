//! The facts that findings join, as a lake's tables say them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde_json::Value;

use crate::support::lake::TestLake;
use crate::support::permissions::whole_office;
use crate::support::program::ask;

pub struct Facts {
    lake: PathBuf,
    _office: Option<TestLake>,
    pub since: &'static str,
    pub as_of: &'static str,
    window: &'static str,
    pub window_days: f64,
    /// KMS events before `as_of`.
    pub events: Vec<Value>,
    /// Rights at `as_of`, and of every snapshot of the window.
    pub rights: Vec<Value>,
    pub history: Vec<Value>,
    pub coverage: Vec<Value>,
    /// Keys of the newest snapshot, of which both lakes have one per account and Region.
    pub keys: Vec<Value>,
    pub principals: Vec<Value>,
    pub grants: Vec<Value>,
}

pub fn text<'v>(row: &'v Value, name: &str) -> &'v str {
    row[name].as_str().unwrap_or_default()
}

impl Facts {
    /// The sample organization, read once for all tests.
    pub fn of_sample() -> &'static Facts {
        static SAMPLE: LazyLock<Facts> = LazyLock::new(Facts::sample);
        &SAMPLE
    }

    /// The office with two snapshots, read once for all tests.
    pub fn of_office() -> &'static Facts {
        static OFFICE: LazyLock<Facts> = LazyLock::new(Facts::office);
        &OFFICE
    }

    fn sample() -> Facts {
        let lake = crate::verdicts::sample_with_snapshot().to_owned();
        Facts::of(
            lake,
            None,
            ["2026-07-11T06:00:00Z", "2026-10-09T06:00:00Z"],
            "90d",
            90.0,
        )
    }

    fn office() -> Facts {
        let office = whole_office();
        let lake = office.path().to_owned();
        Facts::of(
            lake,
            Some(office),
            ["2026-01-02T00:00:00Z", "2026-01-07T00:00:00Z"],
            "5d",
            5.0,
        )
    }

    fn of(
        lake: PathBuf,
        office: Option<TestLake>,
        span: [&'static str; 2],
        window: &'static str,
        window_days: f64,
    ) -> Facts {
        let [since, as_of] = span;
        let all = |table: &str| ask(&lake, &[&format!("SELECT * FROM {table}")]);
        let newest = |table: &str| -> Vec<Value> {
            let rows = all(table);
            let last = rows
                .iter()
                .map(|row| text(row, "collected_at").to_owned())
                .max()
                .unwrap_or_default();
            rows.into_iter()
                .filter(|row| text(row, "collected_at") == last)
                .collect()
        };
        let mut events = all("kms_events");
        events.retain(|event| text(event, "eventtime") < as_of);
        let mut history = all("effective_access_history");
        history.retain(|right| (since..=as_of).contains(&text(right, "collected_at")));
        Facts {
            events,
            rights: all(&format!("effective_access_at(TIMESTAMP '{as_of}')")),
            history,
            coverage: all("coverage"),
            keys: newest("kms_keys"),
            principals: newest("iam_principals"),
            grants: newest("kms_grants"),
            lake,
            _office: office,
            since,
            as_of,
            window,
            window_days,
        }
    }

    pub fn lake(&self) -> &Path {
        &self.lake
    }

    pub fn ask(&self, query: &str) -> Vec<Value> {
        let parameters = &keytrail::engine::query::named(query).unwrap().unwrap().parameters;
        let mut arguments = vec![query.to_owned(), "-p".to_owned(), format!("as_of={}", self.as_of)];
        if parameters.iter().any(|parameter| parameter.name == "window") {
            arguments.extend(["-p".to_owned(), format!("window={}", self.window)]);
        }
        ask(&self.lake, &arguments.iter().map(String::as_str).collect::<Vec<_>>())
    }

    pub fn is_in_window(&self, event: &Value) -> bool {
        (self.since..self.as_of).contains(&text(event, "eventtime"))
    }

    /// Events of a class and an outcome on a key.
    pub fn on<'f>(&'f self, key: &'f str, class: &'f str, outcome: &'f str) -> impl Iterator<Item = &'f Value> {
        let is_it = move |event: &&Value| {
            text(event, "key_arn") == key && text(event, "class") == class && text(event, "outcome") == outcome
        };
        self.events.iter().filter(is_it)
    }

    /// Whether the log can vouch for a kind of events of a key over the whole window: no second of it is left out.
    pub fn is_covered(&self, key: &str, kind: &str) -> bool {
        let parts: Vec<&str> = key.split(':').collect();
        let mut stretches: Vec<&Value> = self
            .coverage
            .iter()
            .filter(|row| {
                text(row, "account_id") == parts[4] && text(row, "region") == parts[3] && text(row, "kind") == kind
            })
            .filter(|row| text(row, "state") == "covered")
            .collect();
        stretches.sort_by_key(|row| text(row, "since").to_owned());
        let mut reached = self.since.to_owned();
        for stretch in stretches {
            if text(stretch, "since") <= reached.as_str() && text(stretch, "until") > reached.as_str() {
                text(stretch, "until").clone_into(&mut reached);
            }
        }
        reached.as_str() >= self.as_of
    }

    pub fn is_new(&self, row: Option<&Value>, column: &str) -> bool {
        row.is_some_and(|row| text(row, column) > self.since)
    }

    pub fn key(&self, arn: &str) -> Option<&Value> {
        self.keys.iter().find(|key| text(key, "key_arn") == arn)
    }

    pub fn principal(&self, arn: &str) -> Option<&Value> {
        self.principals
            .iter()
            .find(|principal| text(principal, "principal_arn") == arn)
    }

    /// Whether the only path of a right is a grant of the window.
    pub fn is_by_new_grant(&self, right: &Value) -> bool {
        let paths = right["paths"].as_array().unwrap();
        let [path] = paths.as_slice() else { return false };
        self.grants.iter().any(|grant| {
            text(grant, "key_arn") == text(right, "key_arn")
                && path == &Value::from(format!("grant {}", text(grant, "grant_id")))
                && text(grant, "creation_date") > self.since
        })
    }
}

/// Whether an event is by the holder of a right.
pub fn is_by(right: &Value, event: &Value) -> bool {
    let kind = text(right, "principal_type");
    let id = right["principal_id"].as_str();
    let caller = text(event, "caller_account_id");
    match (text(right, "principal_arn"), kind, id) {
        ("*", ..) => !caller.is_empty() && caller != text(event, "account_id"),
        (_, "account", Some(account)) => caller == account,
        (_, "role" | "user", Some(id)) => text(event, "principal_id") == id,
        (arn, ..) => text(event, "principal_arn") == arn,
    }
}

/// Distinct calls, and the time of the last.
pub fn calls<'e>(events: impl Iterator<Item = &'e Value>) -> (usize, Value) {
    let (mut calls, mut last) = (BTreeSet::new(), Value::Null);
    for event in events {
        calls.insert(text(event, "call_id"));
        if last.is_null() || text(event, "eventtime") > last.as_str().unwrap_or_default() {
            last = event["eventtime"].clone();
        }
    }
    (calls.len(), last)
}

/// Texts in order, each once, or null where there is none.
pub fn joined<'t>(texts: impl Iterator<Item = &'t str>) -> Value {
    let texts: BTreeSet<&str> = texts.filter(|text| !text.is_empty()).collect();
    if texts.is_empty() {
        return Value::Null;
    }
    texts.into_iter().collect::<Vec<_>>().join(", ").into()
}
