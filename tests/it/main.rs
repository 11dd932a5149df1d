//! The integration tests: one binary, one module a room.

mod policy;
mod snapshot_import;
mod snapshot_lake;
