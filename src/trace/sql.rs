//! The questions whose answers are [`super::facts`], beside the named queries. Text only: the engine plans them.

/// Whether the log or a snapshot knows a key by the ARN `$name`.
pub const EXACT: &str = include_str!("sql/exact.sql");
/// The ARNs of the keys whose id is `$id`.
pub const ARNS: &str = include_str!("sql/arns.sql");
/// The keys a name may mean: `$name`, and `$alias`, `$account`, `$region` where it is an alias's ARN.
pub const CANDIDATES: &str = include_str!("sql/candidates.sql");
/// Every name by which a key could have been meant.
pub const NAMES: &str = include_str!("sql/names.sql");
/// What the newest snapshot says about `$key`.
pub const KEY: &str = include_str!("sql/key.sql");
/// How far the log reaches, per account, by the ledger.
pub const LEDGER: &str = include_str!("sql/ledger.sql");
/// How far the log reaches, per account, by its records.
pub const LOG: &str = include_str!("sql/log.sql");
/// When `$key` was used with success, first and last.
pub const USES: &str = include_str!("sql/uses.sql");
/// The calls from `$since` until `$until`, on `$days`, that issued `$keys`.
pub const ISSUED: &str = include_str!("sql/issued.sql");
/// What `$keys` and `$arns` did from `$since` until `$until`.
pub const AROUND: &str = include_str!("sql/around.sql");
/// Every record of `cloudtrail` that names `$key`, or an alias whose ARN begins with `$aliases`, in the columns that are
/// asked about uses.
pub const NARROW: &str = include_str!("sql/narrow.sql");
/// The records held that name `$key`.
pub const OF_KEY: &str = include_str!("sql/of_key.sql");
/// On which days the records held are changes.
pub const DAYS: &str = include_str!("sql/days.sql");
/// The records held that change nothing.
pub const MERE: &str = include_str!("sql/mere.sql");
/// Every record of `cloudtrail` that may be a change of `$key`, given those days, in all columns that are asked for.
pub const WIDE: &str = include_str!("sql/wide.sql");
/// The records held that change `$key`.
pub const CHANGES: &str = include_str!("sql/changes.sql");
/// The records held.
pub const HELD: &str = "SELECT * FROM kms_records";
/// The custom key store of `$key`, if it is in one.
pub const STORES: &str = include_str!("sql/stores.sql");
/// What was done to custom key stores, of `cloudtrail`.
pub const STORE_LOG: &str = include_str!("sql/store_log.sql");
/// Whether the log knew a caller, an address, a tool, a right in the caller's hands, before `$since`.
pub const BEFORE: &str = include_str!("sql/before.sql");
/// Whether the log knew a person before `$since`, and from an address.
pub const PERSON_BEFORE: &str = include_str!("sql/person_before.sql");
/// When the log first saw these, from `$since` until `$until`.
pub const FIRSTS: &str = include_str!("sql/firsts.sql");
/// What the encryption contexts of the key's uses name.
pub const CONTEXTS: &str = include_str!("sql/contexts.sql");
/// Failures of other services that name the key, or its revocation.
pub const ELSEWHERE: &str = include_str!("sql/elsewhere.sql");
/// Console logins of `$arns` from `$since` until `$until`, on `$days`.
pub const LOGINS: &str = include_str!("sql/logins.sql");
