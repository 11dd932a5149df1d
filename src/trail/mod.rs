//! From the bytes of a delivered object to the fields of its records. Pure: no I/O, no clock.

pub mod object_key;
