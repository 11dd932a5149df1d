//! All integration tests, in one binary: each links the query engine, which is large.

#[path = "../generator/mod.rs"]
mod generator;

mod cli;
mod kms_events;
mod policy;
mod queries;
mod query;
mod sample_logs;
mod snapshot_cli;
mod snapshot_collect;
mod snapshot_import;
mod snapshot_lake;
mod snapshot_moto;
mod sources;
mod support;
mod tidy;
