//! From the bytes of a delivered object to the fields of its records. Pure: no I/O, no clock.
//!
//! [`inflate`] undoes gzip, [`decoder`] finds the records in whatever envelope they came, [`record`] splits one into
//! its fields, [`identity`] names its actor and [`kms`] the keys it is about.

pub mod decoder;
pub mod digest;
pub mod envelope;
pub mod field;
pub mod identity;
pub mod inflate;
pub mod json;
pub mod kms;
pub mod object_key;
pub mod record;

/// Bounds on what one object may ask of the program.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes one object may inflate to.
    pub object_bytes: u64,
    /// Bytes one record may have.
    pub record_bytes: usize,
    /// How deep a record may nest.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        // One delivered object is at most 50 MB compressed and JSON of one trail inflates 10 to 20 times; records are
        // at most 256 KB, 1 MB in Lake (CloudTrail User Guide, "Quotas"). The bounds leave room above that.
        Limits {
            object_bytes: 16 << 30,
            record_bytes: 16 << 20,
            depth: 128,
        }
    }
}

/// A record, or part of an object, that could not be read: its place and the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Which record of the object, counted from 0 over everything that looked like one.
    pub index: u64,
    /// Where it begins, in bytes of the inflated object.
    pub offset: u64,
    /// Why it could not be kept.
    pub reason: String,
    /// Its first bytes.
    pub excerpt: String,
}

/// Who takes what a [`decoder::Decoder`] finds.
pub trait Sink {
    /// A record: its number in the object and its fields.
    fn record(&mut self, index: u64, record: &record::Record<'_>);
    /// Something that should have been a record.
    fn fault(&mut self, fault: Fault);
}
