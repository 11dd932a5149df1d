//! What tests share: lakes built row by row, and runs of the program.

pub mod lake;
pub mod office;
pub mod program;
