//! All integration tests, in one binary: each links the query engine, which is large.

mod cli;
mod kms_events;
mod queries;
mod query;
mod support;
mod tidy;
