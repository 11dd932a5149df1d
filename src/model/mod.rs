//! Nouns every room shares. No I/O, no clock.

pub mod arn;
pub mod duration;
pub mod instant;
pub mod nearest;

pub use arn::Arn;
pub use instant::Instant;
