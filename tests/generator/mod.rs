//! Seeded CloudTrail: logs that look as AWS delivers them, with the truth about them kept beside.
//!
//! Pure: the same arguments give the same bytes on any machine and any day. Nothing here reads a clock, an environment
//! variable or a random device, and nothing depends on the library under test, so that a mistake there cannot hide here.
//!
//! - [`story`]: the sample organization, written to `sample-logs/`.
//!
//! Accounts, addresses, names and domains come from the ranges reserved for documentation.
#![allow(
    dead_code,
    reason = "shared by the integration tests and the benches; neither uses all of it"
)]

pub mod instant;
pub mod objects;
pub mod rng;
pub mod story;
