//! keytrail: who could, and who did, with every AWS KMS key.
//!
//! CloudTrail logs and permission snapshots flow in at one end, verdicts come out at the other:
//!
//! ```text
//! S3 prefix / folder --> source --> inflate --> decode --> batch --> cloudtrail (Delta) --+
//!                                                                                         +--> SQL (queries/*.sql) --> report
//! AWS APIs / CLI dumps --> snapshot --> keys, policies, grants, principals (Delta) -------+
//!                              +--> policy evaluator --> effective_access ----------------+
//! ```
//!
//! # Rooms, in the order in which data meets them
//!
//! A room names only rooms above it in this list.
//!
//! - [`model`]: nouns every room shares: ARNs, instants, durations, faults.
//! - [`trail`]: bytes to records: object keys, inflating, envelopes, fields, identities, the key an event names.
//! - [`policy`]: the evaluator: what a snapshot allows, to whom, under which condition, and why.
//! - [`replay`]: recorded calls asked again of a snapshot: what a record fixes of its request, and whether we contradict AWS.
//! - [`snapshot`]: permission snapshots: bundles, dumps of every shape, rows, chunks, differences.
//! - [`coverage`]: what a log can vouch for: intervals, their basis, and the cause of every gap.
//! - [`aws`]: the only room that names the AWS SDK: credentials, Region, endpoint, what is read from S3, the collector
//!   of permission snapshots.
//! - [`source`]: S3 prefixes, folders, files and standard input as one stream of objects and their bytes.
//! - [`lake`]: the Delta tables: schemas, writing, the ledger of objects taken, compaction.
//! - [`ingest`]: objects through `trail` into the lake: the pipeline and its accounts.
//! - [`engine`]: SQL over the lake: tables, views, named queries with bound parameters; the only room that plans SQL.
//! - [`trace`]: what the lake answered about one key, put together to a story: order, origins, what broke, what to do.
//! - [`report`]: rows to bytes: table, CSV, JSON, Markdown, Parquet; documents of several answers: traces, unused keys,
//!   administrative rights, evidence packs with their manifest.
//! - [`serve`]: the lake for PostgreSQL's clients: logins, limits, cancelled queries.
//! - [`cli`]: what was typed, what it means, what is printed, how it ends.
//!
//! # Invariants
//!
//! - `model`, `trail`, `policy`, `replay`, `snapshot`, `coverage`, `trace` and `report` are pure: they know no clock, disk,
//!   network, AWS SDK or DataFusion.
//! - Every record read is kept, a duplicate, or a fault with its place; nothing disappears.
//! - Only the command line asks what time it is.

pub mod aws;
pub mod cli;
pub mod coverage;
pub mod engine;
pub mod ingest;
pub mod lake;
pub mod model;
pub mod policy;
pub mod replay;
pub mod report;
pub mod serve;
pub mod snapshot;
pub mod source;
pub mod trace;
pub mod trail;
