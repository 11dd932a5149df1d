//! Worlds drawn from a seed.

use super::{AS_OF, DAY, SINCE};
use crate::generator::rng::Rng;

pub const EAST: &str = "us-east-1";
pub const WEST: &str = "eu-west-1";

/// What the account's trail was set to deliver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trail {
    All,
    WriteOnly,
    ReadOnly,
    KmsExcluded,
    /// Only us-east-1.
    OneRegion,
    /// The snapshot says that the account has none.
    None,
    /// No snapshot tells.
    NotCollected,
    SelectorsUnknown,
    /// Off from one instant to another.
    Stopped(i64, i64),
    /// A write-only trail beside one that delivers everything to another bucket, which was listed or not.
    Two {
        whole_is_listed: bool,
    },
}

/// What became of the objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    Whole,
    /// The listing ended so much before the end of the window could be vouched for.
    ListedUntil(i64),
    /// Only deliveries since this instant were listed.
    ListedSince(i64),
    Unlisted,
    /// Nothing of that day (counted from the window's first) is there any more.
    SilentDay(i64),
    /// An object of that day and Region cannot be read.
    Faulted(&'static str, i64),
    /// A folder on disk, whole.
    Copy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Success,
    Denied,
    Disabled,
    DryRun,
}

/// How a call is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Plain,
    /// An AWS service for itself.
    Service,
    /// A record in each of two accounts, with one shared id.
    Shared,
    /// The record names an alias only; such calls were refused.
    AliasOnly,
    /// Delivered twice under two event ids, the second an addendum of the first.
    Addendum,
}

/// A cryptographic call.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    pub at: i64,
    pub outcome: Outcome,
    pub shape: Shape,
    /// The record was lost although everything around it was delivered.
    pub is_lost: bool,
}

/// An administrative call by the role, or by the one of the same name before it.
#[derive(Debug, Clone, Copy)]
pub struct Admin {
    pub at: i64,
    pub outcome: Outcome,
    pub by_namesake: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Customer,
    AwsManaged,
    PendingDeletion,
    PendingImport,
}

/// A key.
#[derive(Debug, Clone)]
pub struct Key {
    pub number: usize,
    pub region: &'static str,
    pub kind: Kind,
    pub created_at: i64,
    pub has_grant: bool,
    pub calls: Vec<Call>,
    pub admin: Vec<Admin>,
    /// GetKeyLastUsage was asked at the end of the window, tracking since this instant.
    pub tracked_since: Option<i64>,
}

/// An account.
#[derive(Debug, Clone)]
pub struct World {
    pub seed: u64,
    pub account: String,
    pub trail: Trail,
    pub delivery: Delivery,
    pub role_created_at: i64,
    pub keys: Vec<Key>,
}

impl Key {
    pub fn id(&self, world: &World) -> String {
        format!("{:08x}-0000-4000-8000-{:012}", self.number, world.seed)
    }

    pub fn arn(&self, world: &World) -> String {
        format!("arn:aws:kms:{}:{}:key/{}", self.region, world.account, self.id(world))
    }
}

impl World {
    /// A world without faults: a trail that delivers all, everything listed, and no keys yet.
    pub fn plain(seed: u64) -> World {
        World {
            seed,
            account: format!("{:012}", 100_000_000_000 + seed),
            trail: Trail::All,
            delivery: Delivery::Whole,
            role_created_at: SINCE - 400 * DAY,
            keys: Vec::new(),
        }
    }

    pub fn draw(seed: u64) -> World {
        let mut rng = Rng::seeded(seed);
        let mut world = World::plain(seed);
        world.trail = match rng.below(16) {
            0 => Trail::WriteOnly,
            1 => Trail::ReadOnly,
            2 => Trail::KmsExcluded,
            3 => Trail::OneRegion,
            4 => Trail::None,
            5 => Trail::NotCollected,
            6 => Trail::SelectorsUnknown,
            7 => {
                let from = instant(&mut rng);
                Trail::Stopped(from, from + 1 + number(&mut rng, 3 * DAY))
            }
            8 => Trail::Two {
                whole_is_listed: rng.below(2) == 0,
            },
            _ => Trail::All,
        };
        world.delivery = match rng.below(14) {
            0 => Delivery::ListedUntil(1 + number(&mut rng, DAY)),
            1 => Delivery::ListedSince(SINCE + number(&mut rng, 2) * DAY),
            2 => Delivery::Unlisted,
            3 => Delivery::SilentDay(number(&mut rng, 33) - 1),
            4 | 5 => Delivery::Faulted(region(&mut rng), number(&mut rng, 31)),
            6 => Delivery::Copy,
            _ => Delivery::Whole,
        };
        if rng.below(10) == 0 {
            world.role_created_at = edge(&mut rng);
        }
        let keys = 1 + number(&mut rng, 4);
        world.keys = (0..keys)
            .map(|at| key(&mut rng, usize::try_from(at).unwrap()))
            .collect();
        world
    }

    pub fn role(&self) -> String {
        format!("arn:aws:iam::{}:role/ops/Admin", self.account)
    }

    pub fn root(&self) -> String {
        format!("arn:aws:iam::{}:root", self.account)
    }
}

/// A key without history.
pub fn idle(number: usize, region: &'static str) -> Key {
    Key {
        number,
        region,
        kind: Kind::Customer,
        created_at: SINCE - 300 * DAY,
        has_grant: false,
        calls: Vec::new(),
        admin: Vec::new(),
        tracked_since: None,
    }
}

fn key(rng: &mut Rng, at: usize) -> Key {
    let mut key = idle(at, region(rng));
    key.kind = match rng.below(12) {
        0 => Kind::AwsManaged,
        1 => Kind::PendingDeletion,
        2 => Kind::PendingImport,
        _ => Kind::Customer,
    };
    if rng.below(6) == 0 {
        key.created_at = edge(rng);
    }
    key.has_grant = rng.below(6) == 0;
    let calls = [0, 0, 0, 1, 1, 3][usize::try_from(rng.below(6)).unwrap()];
    for _ in 0..calls {
        let shape = match rng.below(8) {
            0 => Shape::Service,
            1 => Shape::Shared,
            2 => Shape::AliasOnly,
            3 => Shape::Addendum,
            _ => Shape::Plain,
        };
        let outcome = match (shape, rng.below(8)) {
            (Shape::AliasOnly, _) | (_, 0 | 1) => Outcome::Denied,
            (_, 2) => Outcome::Disabled,
            (_, 3) => Outcome::DryRun,
            _ => Outcome::Success,
        };
        let at = if rng.below(3) == 0 { edge(rng) } else { instant(rng) };
        key.calls.push(Call {
            at,
            outcome,
            shape,
            is_lost: false,
        });
    }
    key.tracked_since = match rng.below(4) {
        0 => Some(SINCE - 100 * DAY),
        1 => Some(edge(rng)),
        _ => None,
    };
    // A lost record that AWS names: the last use, of a key whose use is tracked.
    if key.tracked_since == Some(SINCE - 100 * DAY) && rng.below(3) == 0 {
        let last = key
            .calls
            .iter_mut()
            .filter(|call| call.outcome == Outcome::Success && call.at < AS_OF);
        if let Some(last) = last.max_by_key(|call| call.at) {
            last.is_lost = true;
        }
    }
    if rng.below(3) == 0 {
        let outcome = if rng.below(4) == 0 {
            Outcome::Denied
        } else {
            Outcome::Success
        };
        let at = if rng.below(3) == 0 { edge(rng) } else { instant(rng) };
        key.admin.push(Admin {
            at,
            outcome,
            by_namesake: rng.below(3) == 0,
        });
    }
    key
}

fn region(rng: &mut Rng) -> &'static str {
    if rng.below(3) == 0 { WEST } else { EAST }
}

fn number(rng: &mut Rng, below: i64) -> i64 {
    i64::try_from(rng.below(u64::try_from(below).unwrap())).unwrap()
}

/// An instant in the window or a day around it.
fn instant(rng: &mut Rng) -> i64 {
    SINCE - DAY / 2 + number(rng, 32 * DAY)
}

/// An instant at an edge of the window, or a second beside it.
fn edge(rng: &mut Rng) -> i64 {
    let edge = if rng.below(2) == 0 { SINCE } else { AS_OF };
    edge - 1 + number(rng, 3)
}
