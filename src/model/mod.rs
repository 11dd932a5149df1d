//! Nouns every room shares. No I/O, no clock.
