//! The facts coverage is computed from, as the lake and the snapshots tell them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Assumption, Change};

/// Where objects come from, as far as it matters for what their absence means.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Where trails deliver to.
    Bucket {
        /// The bucket.
        bucket: String,
        /// What stands before `AWSLogs/`, ending in a slash unless empty.
        lead: String,
        /// Whether the keys are those of an organization trail.
        organization: bool,
    },
    /// A copy: a folder, or a prefix without CloudTrail's layout.
    Copy {
        /// The source's name.
        source: String,
        /// Whether the keys are those of an organization trail; nothing where they do not tell.
        organization: Option<bool>,
    },
}

/// A finished listing of a source.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// The source as typed: `s3://bucket/prefix` or a path.
    pub source: String,
    /// The trail the user named.
    pub trail_arn: Option<String>,
    /// When it ended.
    pub finished_at: i64,
    /// The first delivery it looked at, where it was limited.
    pub since: Option<i64>,
    /// The first delivery it did not look at.
    pub until: Option<i64>,
}

/// A UTC day on which something of an account was delivered from a place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Active {
    /// From where.
    pub place: Place,
    /// The account.
    pub account_id: String,
    /// Days since 1970, by event time.
    pub day: i64,
}

/// Something that could not be read.
#[derive(Debug, Clone)]
pub struct Fault {
    /// From where.
    pub place: Place,
    /// The account its key names; every account where it names none.
    pub account_id: Option<String>,
    /// The Region its key names; every Region where it names none.
    pub region: Option<String>,
    /// The first instant its records may be of; the beginning of time where nothing tells.
    pub since: i64,
    /// The first instant after.
    pub until: i64,
    /// What it is, in words.
    pub what: String,
}

/// A log object that a digest lists and the lake does not hold whole.
#[derive(Debug, Clone)]
pub struct LostObject {
    /// Its key.
    pub object: String,
    /// The event times the digest gives for it.
    pub events: Option<(i64, i64)>,
}

/// A digest file.
#[derive(Debug, Clone)]
pub struct DigestHour {
    /// From where.
    pub place: Place,
    /// The account.
    pub account_id: String,
    /// The Region.
    pub region: String,
    /// The trail it speaks of.
    pub trail_arn: Option<String>,
    /// The first delivery it lists.
    pub since: i64,
    /// The first delivery it does not list.
    pub until: i64,
    /// Its own key.
    pub object: Option<String>,
    /// The key of the one before.
    pub previous: Option<String>,
    /// Objects it lists that the lake does not hold whole.
    pub lost: Vec<LostObject>,
}

/// A trail as a snapshot shows it.
#[derive(Debug, Clone, Default)]
pub struct TrailRow {
    /// When the snapshot was collected.
    pub collected_at: i64,
    /// The account in which it was seen.
    pub seen_in: String,
    /// The trail.
    pub trail_arn: String,
    /// Where it was made.
    pub home_region: Option<String>,
    /// The bucket it delivers to.
    pub bucket: Option<String>,
    /// The prefix in it, without a slash at its end.
    pub prefix: Option<String>,
    /// Whether it records all Regions.
    pub is_multi_region: Option<bool>,
    /// Whether it records all accounts of the organization.
    pub is_organization: Option<bool>,
    /// Whether it is on.
    pub is_logging: Option<bool>,
    /// When it was turned on last.
    pub started_at: Option<i64>,
    /// When it was turned off last.
    pub stopped_at: Option<i64>,
    /// When it delivered last.
    pub delivered_at: Option<i64>,
    /// Why it cannot deliver.
    pub delivery_error: Option<String>,
    /// Whether it delivers read-only KMS events.
    pub delivers_read: Option<bool>,
    /// Whether it delivers the others.
    pub delivers_write: Option<bool>,
}

/// A record that AWS says was written.
#[derive(Debug, Clone)]
pub struct Canary {
    /// The account of the key.
    pub account_id: String,
    /// The Region of the key.
    pub region: String,
    /// When the key was used.
    pub at: i64,
    /// The event id, which the lake does not hold.
    pub event_id: String,
    /// The key.
    pub key_arn: String,
}

/// Everything coverage rests on.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Complete listings.
    pub listings: Vec<Listing>,
    /// Days on which something was delivered.
    pub active: BTreeSet<Active>,
    /// The last delivery by source, as object names tell it.
    pub last_delivery: BTreeMap<String, i64>,
    /// The last event by source.
    pub last_event: BTreeMap<String, i64>,
    /// What could not be read.
    pub faults: Vec<Fault>,
    /// Digest files.
    pub digests: Vec<DigestHour>,
    /// Trails of all snapshots.
    pub trails: Vec<TrailRow>,
    /// Accounts whose trails a snapshot lists, with the organizations' accounts for each management account apart.
    pub trails_read: BTreeSet<String>,
    /// Accounts of an organization, by its management account.
    pub organizations: BTreeMap<String, BTreeSet<String>>,
    /// Successful changes of trails.
    pub changes: Vec<Change>,
    /// Records that should be in the lake and are not.
    pub canaries: Vec<Canary>,
    /// Accounts with mutating records over a long span and never a read-only one.
    pub one_sided: BTreeSet<String>,
    /// What the user vouches for.
    pub assumed: Vec<Assumption>,
    /// Accounts and Regions to speak of.
    pub wanted: BTreeSet<(String, String)>,
}
