//! What tests share: servers, other engines, and the means to run them.

pub mod moto;
pub mod peers;
pub mod python;
pub mod s3_double;
