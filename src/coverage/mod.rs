//! What a log can vouch for: intervals per account, Region and kind of event, with basis and cause.
//!
//! Pure: takes facts about listings, objects, digests, trails and their changes, and concludes from them alone. It reads
//! no lake and knows no clock; what was not told to it is unknown, never covered.

pub mod assume;
pub mod change;
mod compute;
mod digest;
mod facts;
mod reach;
mod spans;
mod timeline;

#[cfg(test)]
mod tests;

pub use assume::Assumption;
pub use change::Change;
pub use compute::compute;
pub use facts::{Active, Canary, DigestHour, Facts, Fault, Listing, LostObject, Place, TrailRow};

use crate::model::Instant;

/// How long CloudTrail may take to deliver a record: "typically within an average of about 5 minutes", with no promise
/// (<https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html>).
pub const DELIVERY_DELAY: i64 = 15 * 60 * SECOND;

/// Microseconds in a second, the precision of event times.
pub const SECOND: i64 = 1_000_000;

/// The kind of management event a stretch speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Read-only ones: every cryptographic operation is logged as read-only.
    Use,
    /// Mutating ones.
    Admin,
}

impl Kind {
    /// The word in the table.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Use => "use",
            Kind::Admin => "admin",
        }
    }
}

/// What can be said of a stretch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// What happened is in the lake.
    Covered,
    /// Something that was delivered, or should have been, is not.
    Gap,
    /// No trail was set to deliver it.
    Excluded,
    /// Not to be said.
    Unknown,
}

impl State {
    /// The word in the table.
    pub fn word(self) -> &'static str {
        match self {
            State::Covered => "covered",
            State::Gap => "gap",
            State::Excluded => "excluded",
            State::Unknown => "unknown",
        }
    }
}

/// What a covered stretch rests on, the weakest last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Basis {
    /// Digest files list every object of the hour, and all were taken. Signatures are not verified.
    Digest,
    /// A complete listing.
    Listing,
    /// The user's word.
    Assumed,
    /// Nothing.
    None,
}

impl Basis {
    /// The word in the table.
    pub fn word(self) -> &'static str {
        match self {
            Basis::Digest => "digest",
            Basis::Listing => "listing",
            Basis::Assumed => "assumed",
            Basis::None => "none",
        }
    }
}

/// One row of `coverage`: a half-open stretch of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// The account whose events these are.
    pub account_id: String,
    /// The Region.
    pub region: String,
    /// The kind of event.
    pub kind: Kind,
    /// The first instant.
    pub since: Instant,
    /// The first instant after.
    pub until: Instant,
    /// What can be said.
    pub state: State,
    /// What it rests on.
    pub basis: Basis,
    /// The trail, where one is known.
    pub trail_arn: Option<String>,
    /// Why it is not covered, or what the cover leans on.
    pub cause: Option<String>,
}
