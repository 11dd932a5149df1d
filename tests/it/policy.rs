//! The policy evaluator from outside: labelled cases, a second evaluator, properties, hostile input.

mod access;
mod arbitrary;
mod cases;
mod explain;
mod naive;
mod properties;
mod robustness;
