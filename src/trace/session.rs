//! What else the same hands did around the time: every change and refusal by itself, reads counted together.

use std::collections::BTreeMap;

use serde::Serialize;

use super::facts::{At, Deed};

/// One deed, or several reads of one kind.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entry {
    /// When, or when first.
    pub at: At,
    /// When last, where there were several.
    pub until: At,
    /// How often.
    pub count: usize,
    /// The service, without its domain.
    pub service: String,
    /// The operation.
    pub operation: String,
    /// Why it did not work.
    pub error_code: Option<String>,
    /// Whether it only read.
    pub is_read: bool,
    /// The identity, with its session.
    pub identity_arn: Option<String>,
    /// The account whose log holds it.
    pub account_id: Option<String>,
    /// From where.
    pub source_ip: Option<String>,
    /// The event, or the first.
    pub eventid: String,
    /// Whether it stands in the key's own timeline.
    pub is_of_key: bool,
}

/// The deeds, in order.
pub fn entries(deeds: &[Deed], of_key: &dyn Fn(&str) -> bool) -> Vec<Entry> {
    let mut sorted: Vec<&Deed> = deeds.iter().collect();
    sorted.sort_by(|a, b| (a.eventtime, &a.eventid).cmp(&(b.eventtime, &b.eventid)));
    let mut entries: Vec<Entry> = Vec::new();
    let mut reads: BTreeMap<(String, String, Option<String>), usize> = BTreeMap::new();
    for deed in sorted {
        let entry = entry(deed, of_key(&deed.eventid));
        if entry.is_read && entry.error_code.is_none() && !is_way(&entry) {
            let kind = (
                entry.service.clone(),
                entry.operation.clone(),
                entry.identity_arn.clone(),
            );
            if let Some(known) = reads.get(&kind).and_then(|place| entries.get_mut(*place)) {
                known.count += 1;
                known.until = entry.at;
                continue;
            }
            reads.insert(kind, entries.len());
        }
        entries.push(entry);
    }
    entries
}

/// Opening a session is logged as a read, but it is a step on the way.
fn is_way(entry: &Entry) -> bool {
    entry.service == "sts" && (entry.operation.starts_with("Assume") || entry.operation.ends_with("Token"))
}

fn entry(deed: &Deed, is_of_key: bool) -> Entry {
    let service = deed.eventsource.split('.').next().unwrap_or_default();
    Entry {
        at: deed.eventtime,
        until: deed.eventtime,
        count: 1,
        service: service.to_owned(),
        operation: deed.operation.clone(),
        error_code: deed.error_code.clone(),
        is_read: deed.read_only.unwrap_or(false),
        identity_arn: deed.identity_arn.clone().or_else(|| deed.principal_arn.clone()),
        account_id: deed.account_id.clone(),
        source_ip: deed.source_ip.clone(),
        eventid: deed.eventid.clone(),
        is_of_key,
    }
}
