//! What a corpus holds, counted while it was written.

use std::collections::BTreeMap;

/// Counts over a whole corpus. Copies delivered by a second trail count in `records` and in nothing else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Truth {
    /// Log objects.
    pub objects: u64,
    /// Objects that hold no records of a trail: digests, insights, markers and the like.
    pub asides: u64,
    /// Records in all log objects.
    pub records: u64,
    /// Records once each.
    pub distinct: u64,
    /// Bytes of log objects before gzip.
    pub raw_bytes: u64,
    /// Bytes of log objects.
    pub gz_bytes: u64,
    /// Distinct records by `eventSource:eventName`.
    pub events: BTreeMap<String, u64>,
    /// Distinct records by `errorCode`.
    pub errors: BTreeMap<String, u64>,
    /// Distinct records by `userIdentity.type`; empty where it is absent.
    pub identities: BTreeMap<String, u64>,
    /// Successful uses by key ARN; the two records of a cross-account use are one.
    pub uses: BTreeMap<String, u64>,
    /// Failed uses by key ARN.
    pub failed_uses: BTreeMap<String, u64>,
    /// Successful administrative calls by key ARN.
    pub admin: BTreeMap<String, u64>,
}

impl Truth {
    /// Adds the counts of another part.
    pub fn add(&mut self, other: &Self) {
        self.objects += other.objects;
        self.asides += other.asides;
        self.records += other.records;
        self.distinct += other.distinct;
        self.raw_bytes += other.raw_bytes;
        self.gz_bytes += other.gz_bytes;
        for (mine, theirs) in [
            (&mut self.events, &other.events),
            (&mut self.errors, &other.errors),
            (&mut self.identities, &other.identities),
            (&mut self.uses, &other.uses),
            (&mut self.failed_uses, &other.failed_uses),
            (&mut self.admin, &other.admin),
        ] {
            for (name, n) in theirs {
                *mine.entry(name.clone()).or_default() += n;
            }
        }
    }

    /// Distinct records of one service, such as `kms`.
    pub fn of_service(&self, service: &str) -> u64 {
        let prefix = format!("{service}.amazonaws.com:");
        self.events
            .iter()
            .filter(|(name, _)| name.starts_with(&prefix))
            .map(|(_, n)| n)
            .sum()
    }
}
