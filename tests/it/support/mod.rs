//! What tests share: lakes built row by row, runs of the program, servers, other engines.

pub mod aws_double;
pub mod emulator;
pub mod expiring;
pub mod ingested;
pub mod lake;
pub mod logs;
pub mod moto;
pub mod office;
pub mod peers;
pub mod permissions;
pub mod program;
pub mod python;
pub mod s3_double;
