//! What one query may take.

use std::time::Duration;

/// Limits of every query.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Memory for sorting, grouping and joining; what can go to disk beyond it does.
    pub memory_bytes: usize,
    /// Time, from the question to the last row taken.
    pub time: Duration,
    /// Rows of an answer.
    pub rows: usize,
}
