//! A recorded call asked again of a permission snapshot: what the record fixes of its request, and whether the evaluator's answer
//! contradicts what AWS did. Pure: it knows records and policies, no lake and no clock.
//!
//! ```text
//! Call --asked--> who, which actions on what --+
//!      --evidence--> condition keys -----------+--> policy::recorded --> Replayed
//! Directory (a snapshot, principals by id) ----+
//! ```
//!
//! A contradiction is claimed only where no request that could have left the record agrees with the snapshot; everything else is
//! conditional, undetermined, or not replayed, each with its reason.

mod asked;
mod call;
mod evidence;
mod refusal;
mod verdict;

pub use asked::{Asked, Check, asked};
pub use call::{Call, Observed};
pub use evidence::{Half, evidence};
pub use refusal::{Layer, Refusal};
pub use verdict::{Directory, Replayed, replay};
