//! The drawn timeline.
