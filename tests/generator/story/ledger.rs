//! What was really done with every key, kept while the story plays and never read back from its records.

use super::cast::{DATA, Key};
use crate::generator::story;

/// One call on one key.
#[derive(Clone)]
pub struct Entry {
    /// The key.
    pub key: &'static Key,
    /// When.
    pub time: i64,
    /// `eventName`.
    pub operation: &'static str,
    /// The canonical actor; empty for service events.
    pub principal: String,
    /// `errorCode`; empty when it succeeded.
    pub error: String,
    /// The event id in the key owner's account.
    pub id: String,
    /// The request id.
    pub request_id: String,
    /// The id shared by the copies in two accounts.
    pub shared: Option<String>,
}

const USES: [&str; 15] = [
    "Decrypt",
    "Encrypt",
    "ReEncrypt",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GenerateMac",
    "VerifyMac",
    "Sign",
    "Verify",
    "DeriveSharedSecret",
    "Encapsulate",
    "Decapsulate",
    "GenerateRandom",
];

impl Entry {
    /// True unless it failed; a dry run always fails.
    pub fn succeeded(&self) -> bool {
        self.error.is_empty()
    }

    /// True for a failure that shows that somebody wanted the key; a dry run only asks.
    pub fn refused(&self) -> bool {
        !self.succeeded() && self.error != "DryRunOperationException"
    }

    /// True for cryptographic operations.
    pub fn is_use(&self) -> bool {
        USES.contains(&self.operation)
    }

    /// True unless the trail of the key's account was stopped at the time.
    pub fn delivered(&self) -> bool {
        let (stop, start) = story::silence();
        !(self.key.account == DATA && self.time > stop && self.time < start)
    }

    /// True when an AWS service acted for itself.
    pub fn by_service(&self) -> bool {
        self.principal.ends_with(".amazonaws.com")
    }
}

/// All calls on all keys.
#[derive(Default)]
pub struct Ledger {
    entries: Vec<Entry>,
}

impl Ledger {
    /// Adds one.
    pub fn note(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    /// All, in the order in which the story was played.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The cryptographic calls on one key within `[since, until)`.
    pub fn uses<'a>(&'a self, key: &'a Key, since: i64, until: i64) -> impl Iterator<Item = &'a Entry> {
        self.entries
            .iter()
            .filter(move |e| e.is_use() && e.key == key && e.time >= since && e.time < until)
    }

    /// The last successful cryptographic call before an instant, as `GetKeyLastUsage` knows it.
    pub fn last_use<'a>(&'a self, key: &'a Key, before: i64) -> Option<&'a Entry> {
        self.uses(key, i64::MIN, before)
            .filter(|e| e.succeeded())
            .max_by_key(|e| (e.time, e.id.clone()))
    }
}
