//! The policy evaluator from outside: labelled cases, a second evaluator, properties, hostile input.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests fail by panicking and say aloud what they skip"
)]

mod access;
mod arbitrary;
mod cases;
mod explain;
mod limits;
mod naive;
mod properties;
mod robustness;
mod variables;
