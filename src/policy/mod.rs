//! The evaluator of KMS permissions: what a snapshot allows, to whom, under which condition, and why. Pure: no I/O, no clock.
//!
//! A question goes this way:
//!
//! ```text
//! bundle --read--> Snapshot --+
//! who, what, where -----------+--> Scene --gather--> Layers --> Combined --> concrete decision
//!                             (facts of every key)                 |
//!                                                                  +--solve over worlds--> allowed | conditional | denied | undetermined
//! ```
//!
//! - [`document`], `statement`, [`condition`], [`operator`], [`template`], [`pattern`]: policies, compiled.
//! - [`bundle`], `read`: a snapshot. [`caller`], [`scene`]: who asks, and what is known of each condition key then.
//! - [`layers`], `gather`, `named`, `grants`: what each layer says, as formulas over [`unknown`] tests. [`decide`]: AWS's flow over them.
//! - [`solve`], [`worlds`], [`shape`], [`describe`]: a formula's truth over all request contexts, and its shortest wording.
//! - [`limits`]: what narrows a right, or withholds it, by statement.
//! - [`answer`], [`recorded`], [`explain`], [`mod@simulate`]: one question. [`access`], [`classes`], [`population`]: everyone at once.
//!
//! Invariants: what is not understood never gives a right and never loses a Deny; what a snapshot or AWS's documentation leaves open is
//! answered `undetermined`, with the reason; beyond a bound the answer is `conditional`, never more.

pub mod access;
pub mod answer;
pub mod bundle;
pub mod caller;
mod candidates;
pub mod classes;
pub mod condition;
pub mod decide;
pub mod describe;
pub mod document;
pub mod explain;
pub mod formula;
mod gather;
mod grants;
pub mod guard;
pub mod instant;
pub mod kms;
pub mod layers;
pub mod limits;
mod named;
pub mod naming;
pub mod operator;
pub mod pattern;
pub mod population;
mod read;
mod read_key;
pub mod recorded;
pub mod scene;
pub mod shape;
pub mod simulate;
pub mod solve;
mod statement;
pub mod template;
pub mod unknown;
pub mod worlds;

pub use access::Access;
pub use bundle::Snapshot;
pub use document::Fault;
pub use simulate::{simulate, simulate_request};
