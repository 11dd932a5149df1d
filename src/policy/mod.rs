//! The evaluator of KMS permissions: what a snapshot allows, to whom, under which condition, and why. Pure: no I/O, no clock.

pub mod access;
pub mod answer;
pub mod bundle;
pub mod caller;
pub mod classes;
pub mod condition;
pub mod decide;
pub mod describe;
pub mod document;
pub mod explain;
pub mod formula;
pub mod instant;
pub mod kms;
pub mod layers;
pub mod naming;
pub mod operator;
pub mod pattern;
pub mod population;
mod read;
pub mod scene;
pub mod shape;
pub mod simulate;
pub mod solve;
pub mod template;
pub mod worlds;

pub use access::Access;
pub use bundle::Snapshot;
pub use document::Fault;
pub use simulate::{simulate, simulate_request};
