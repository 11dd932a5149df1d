//! Answers of the CloudTrail API about trails as the CLI prints them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Entry, subject};
use crate::snapshot::bundle::{Bundle, Trail};
use crate::snapshot::json;
use crate::snapshot::scope::{CLOUDTRAIL, Failure};

/// Which operation answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Trails,
    Trail,
    Status,
    Selectors,
}

pub(super) fn recognise(value: &Value) -> Option<Answer> {
    if value.get("trailList").is_some_and(Value::is_array) {
        return Some(Answer::Trails);
    }
    if value.get("Trail").is_some_and(|trail| trail.get("TrailARN").is_some()) {
        return Some(Answer::Trail);
    }
    let selectors = ["EventSelectors", "AdvancedEventSelectors"]
        .iter()
        .any(|name| value.get(*name).is_some());
    if value.get("TrailARN").is_some() && selectors {
        return Some(Answer::Selectors);
    }
    (value.get("IsLogging").is_some_and(Value::is_boolean)).then_some(Answer::Status)
}

/// Answers by trail.
#[derive(Debug, Default)]
pub(super) struct Parts {
    trails: BTreeMap<String, Value>,
    selectors: BTreeMap<String, Value>,
    statuses: Vec<(String, Value)>,
    accounts: BTreeMap<String, Option<String>>,
}

impl Parts {
    pub(super) fn take(&mut self, answer: Answer, entry: &Entry) {
        let value = &entry.value;
        let mut trail = |trail: &Value| {
            if let Some(arn) = json::text(trail, "TrailARN") {
                self.accounts.insert(arn.clone(), subject::account(&entry.path));
                self.trails.insert(arn, trail.clone());
            }
        };
        match answer {
            Answer::Trails => json::list(value, "trailList").iter().for_each(trail),
            Answer::Trail => trail(value.get("Trail").unwrap_or(&Value::Null)),
            Answer::Selectors => {
                let arn = json::text(value, "TrailARN").unwrap_or_default();
                self.selectors.insert(arn, value.clone());
            }
            Answer::Status => self
                .statuses
                .push((entry.path.clone(), json::without(value, &["ResponseMetadata"]))),
        }
    }

    /// The trail a status is of: the one whose name or ARN its path holds, else the only one there is.
    fn of_status(&self, path: &str) -> Option<String> {
        let named = |arn: &&String| {
            let name = arn.rsplit('/').next().unwrap_or_default();
            !name.is_empty() && path.contains(name)
        };
        let longest = self.trails.keys().filter(named).max_by_key(|arn| arn.len());
        if let Some(arn) = longest {
            return Some(arn.clone());
        }
        let mut all = self.trails.keys();
        let only = all.next()?;
        all.next().is_none().then(|| only.clone())
    }

    pub(super) fn finish(&mut self, bundle: &mut Bundle, caller: Option<&str>) {
        let mut statuses: BTreeMap<String, Value> = BTreeMap::new();
        for (path, status) in &self.statuses {
            match self.of_status(path) {
                Some(arn) => drop(statuses.insert(arn, status.clone())),
                None => {
                    let why = "a trail status names no trail; put the name of the trail into the name of the file";
                    bundle
                        .failures
                        .push(Failure::of_input(CLOUDTRAIL, path.clone(), "NoTrail", why));
                }
            }
        }
        for arn in self.selectors.keys() {
            // Selectors alone say nothing about where and whether the trail delivers.
            if !self.trails.contains_key(arn) {
                let failure = Failure::of_input(CLOUDTRAIL, arn.clone(), "NotInDump", "describe-trails is missing");
                let account = json::account_of(arn).unwrap_or_default();
                bundle.failures.push(failure.within(&account, ""));
                self.trails.insert(arn.clone(), serde_json::json!({"TrailARN": arn}));
            }
        }
        for (arn, trail) in &self.trails {
            let selectors = self.selectors.get(arn);
            let part = |name: &str| selectors.and_then(|selectors| selectors.get(name)).cloned();
            let raw = json::object([
                ("Trail", Some(trail.clone())),
                ("Status", statuses.get(arn).cloned()),
                ("EventSelectors", part("EventSelectors")),
                ("AdvancedEventSelectors", part("AdvancedEventSelectors")),
            ]);
            let stated = self
                .accounts
                .get(arn)
                .cloned()
                .flatten()
                .or_else(|| caller.map(str::to_owned));
            let account_id = stated.or_else(|| json::account_of(arn)).unwrap_or_default();
            for (missing, operation) in [(statuses.get(arn), "GetTrailStatus"), (selectors, "GetEventSelectors")] {
                if missing.is_none() {
                    let mut failure = Failure::of_input(CLOUDTRAIL, arn.clone(), "NotInDump", "not there");
                    failure.operation = operation.to_owned();
                    failure.skipped = true;
                    bundle.failures.push(failure.within(&account_id, ""));
                }
            }
            bundle.trails.push(Trail { account_id, raw });
        }
    }
}
