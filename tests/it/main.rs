//! All integration tests, in one binary: each links the query engine, which is large.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends where something fails, its helpers included"
)]

#[path = "../generator/mod.rs"]
mod generator;

mod cli;
mod corpus;
mod crash;
mod edges;
mod findings;
mod functions;
mod ingest_faults;
mod ingest_s3;
mod ingest_shared;
mod kms_events;
mod lake_credentials;
mod limits;
mod lint;
mod membership;
mod policy;
mod queries;
mod query;
mod readers;
mod real_verdicts;
mod replay;
mod report;
mod sample_logs;
mod scans;
mod second_opinion;
mod serve;
mod shell;
mod snapshot_cli;
mod snapshot_collect;
mod snapshot_import;
mod snapshot_lake;
mod snapshot_moto;
mod snapshot_organization;
mod snapshot_s3;
mod sources;
mod support;
mod tidy;
mod trace;
mod verdicts;
mod worlds;
