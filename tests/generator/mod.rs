//! Seeded CloudTrail: logs that look as AWS delivers them, with the truth about them kept beside.
//!
//! Pure: the same arguments give the same bytes on any machine and any day. Nothing here reads a clock, an environment
//! variable or a random device, and nothing depends on the library under test, so that a mistake there cannot hide here.
//!
//! - [`corpus`]: a corpus of any size, with the shares and sizes measured on real trails, and faults on demand.
//! - [`story`]: the sample organization, written to `sample-logs/`.
//!
//! Accounts, addresses, names and domains come from the ranges reserved for documentation.
#![allow(
    dead_code,
    reason = "shared by the integration tests and the benches; neither uses all of it"
)]

pub mod corpus;
pub mod instant;
pub mod objects;
pub mod rng;
pub mod sha256;
pub mod story;

#[cfg(test)]
mod tests;
