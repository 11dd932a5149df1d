//! The queries that come with the program, embedded from `queries/`.

use super::NamedQuery;
use crate::engine::Result;

macro_rules! pack {
    ($($name:literal),* $(,)?) => {
        const PACK: &[(&str, &str)] = &[$(($name, include_str!(concat!("../../../queries/", $name, ".sql")))),*];
    };
}

pack![
    "access-key-activity",
    "activity-per-period",
    "admin-rights-by-key",
    "admin-rights-by-principal",
    "blast-radius",
    "bulk-destruction",
    "coverage-in-window",
    "denied-kms-calls",
    "destructive-rights-without-mfa",
    "dormant-principals",
    "evaluator-drift",
    "held-admin-rights",
    "key-admin-timeline",
    "key-destruction",
    "key-grants",
    "key-inventory",
    "key-last-use",
    "key-policies",
    "key-timeline",
    "key-usage",
    "key-use-per-day",
    "key-users",
    "keys-pending-deletion-still-wanted",
    "kms-log-tampering",
    "periodicity",
    "permission-limits",
    "population",
    "principal-activity",
    "protected-resources",
    "reduced-admin-policies",
    "removed-admin-rights",
    "separation-of-duties",
    "session-chain",
    "snapshots-in-force",
    "source-ip-activity",
    "source-objects",
    "top-kms-callers",
    "unexercised-admin-rights",
    "unexplained-admin-use",
    "unguarded-keys",
    "unneeded-statements",
    "unused-keys",
    "withheld-admin-rights",
];

/// The names of all queries, sorted.
pub fn names() -> impl Iterator<Item = &'static str> {
    PACK.iter().map(|(name, _)| *name)
}

/// The query of this name.
///
/// # Errors
/// Its header cannot be read.
pub fn named(name: &str) -> Result<Option<NamedQuery>> {
    PACK.iter()
        .find(|(known, _)| *known == name)
        .map(|(name, text)| NamedQuery::parse(name, text))
        .transpose()
}
