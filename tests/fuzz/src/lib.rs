//! The pure rooms, taken in from the program's own sources. Holds no code of its own.

#[path = "../../../src/model/mod.rs"]
pub mod model;
#[path = "../../../src/policy/mod.rs"]
pub mod policy;
#[path = "../../../src/replay/mod.rs"]
pub mod replay;
#[path = "../../../src/trail/mod.rs"]
pub mod trail;
