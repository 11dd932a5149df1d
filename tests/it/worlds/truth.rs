//! What is true of a world, by plain loops over its description.

use super::draw::{Call, Delivery, EAST, Key, Kind, Outcome, Trail, World};
use super::{AS_OF, DAY, SINCE};

/// The true row of a key.
pub struct KeyTruth {
    pub verdict: &'static str,
    pub proof: &'static str,
    pub uses: i64,
    pub failed: i64,
}

/// Whether the trail writes records of a kind, in a Region, at an instant.
pub fn is_recorded(world: &World, region: &str, is_use: bool, at: i64) -> bool {
    match world.trail {
        Trail::All | Trail::NotCollected | Trail::SelectorsUnknown => true,
        Trail::WriteOnly => !is_use,
        Trail::ReadOnly => is_use,
        Trail::KmsExcluded | Trail::None => false,
        Trail::OneRegion => region == EAST,
        Trail::Stopped(from, until) => at < from || at >= until,
        Trail::Two { whole_is_listed } => whole_is_listed || !is_use,
    }
}

/// Whether a record written at an instant is in the lake.
pub fn is_in_lake(world: &World, region: &str, is_use: bool, at: i64) -> bool {
    let day = (at - SINCE).div_euclid(DAY);
    is_recorded(world, region, is_use, at)
        && match world.delivery {
            Delivery::Whole | Delivery::Copy | Delivery::Unlisted => true,
            Delivery::ListedUntil(before) => at < AS_OF - before,
            Delivery::ListedSince(since) => at >= since,
            Delivery::SilentDay(silent) => day != silent,
            Delivery::Faulted(faulted, at) => region != faulted || day != at,
        }
}

/// Whether the log can vouch for the whole window.
pub fn is_covered(world: &World, region: &str, is_use: bool) -> bool {
    let by_trail = match world.trail {
        Trail::None | Trail::NotCollected | Trail::SelectorsUnknown => false,
        Trail::Stopped(from, until) => until <= SINCE || from >= AS_OF,
        _ => is_recorded(world, region, is_use, SINCE),
    };
    // A copy may be of either trail, so that the weaker counts.
    let by_trail =
        by_trail && !(world.delivery == Delivery::Copy && matches!(world.trail, Trail::Two { .. }) && is_use);
    let by_delivery = match world.delivery {
        Delivery::Whole | Delivery::Copy => true,
        Delivery::ListedUntil(_) | Delivery::Unlisted => false,
        Delivery::ListedSince(since) => since <= SINCE,
        Delivery::SilentDay(day) => !(0..31).contains(&day),
        Delivery::Faulted(faulted, _) => region != faulted,
    };
    by_trail
        && by_delivery
        && !world
            .keys
            .iter()
            .any(|key| key.region == region && convicts(world, key))
}

/// Whether AWS names a use of the key that the lake should hold and does not.
fn convicts(world: &World, key: &Key) -> bool {
    let Some(last) = answered(key) else { return false };
    let in_window = (SINCE..AS_OF).contains(&(last.at.div_euclid(DAY) * DAY)) || (SINCE..AS_OF).contains(&last.at);
    last.is_lost && in_window && is_in_lake(world, key.region, true, last.at)
}

/// The use that GetKeyLastUsage names: the last one since tracking began.
pub fn answered(key: &Key) -> Option<&Call> {
    let since = key.tracked_since?;
    let uses = key
        .calls
        .iter()
        .filter(|call| call.outcome == Outcome::Success && call.at >= since && call.at < AS_OF);
    uses.max_by_key(|call| call.at)
}

/// Whether the key was used in the window, logged or not.
pub fn was_used(key: &Key) -> bool {
    key.calls
        .iter()
        .any(|call| call.outcome == Outcome::Success && (SINCE..AS_OF).contains(&call.at))
}

pub fn of_key(world: &World, key: &Key) -> KeyTruth {
    let logged = || {
        key.calls.iter().filter(|call| {
            (SINCE..AS_OF).contains(&call.at) && !call.is_lost && is_in_lake(world, key.region, true, call.at)
        })
    };
    let count = |test: &dyn Fn(&Call) -> bool| i64::try_from(logged().filter(|call| test(call)).count()).unwrap();
    let by_service = |call: &Call| call.shape == super::draw::Shape::Service;
    let uses = count(&|call| call.outcome == Outcome::Success && !by_service(call));
    let service_uses = count(&|call| call.outcome == Outcome::Success && by_service(call));
    let failed = count(&|call| matches!(call.outcome, Outcome::Denied | Outcome::Disabled));
    let named = answered(key).is_some_and(|call| call.at >= SINCE);
    let covered = is_covered(world, key.region, true);
    let no_use_by_answer = key.tracked_since.is_some_and(|since| since <= SINCE) && !named;
    let verdict = match () {
        () if key.kind != Kind::Customer => "not_applicable",
        () if uses + service_uses > 0 || named => "in_use",
        () if failed > 0 => "attempted",
        () if key.has_grant => "held_by_grant",
        () if key.created_at > SINCE => "too_new",
        () if covered || no_use_by_answer => "unused",
        () => "inconclusive",
    };
    let proof = match (verdict, covered, no_use_by_answer) {
        ("unused", true, true) => "log, last_usage",
        ("unused", true, false) => "log",
        ("unused", ..) => "last_usage",
        _ => "",
    };
    KeyTruth {
        verdict,
        proof,
        uses,
        failed,
    }
}

/// The verdict of a right, and how often it was used.
pub fn of_right(world: &World, key: &Key, principal: &str, action: &str) -> (&'static str, i64) {
    let is_role = principal == world.role();
    let calls = key.admin.iter().filter(|call| {
        is_role
            && action == "kms:DisableKey"
            && !call.by_namesake
            && call.outcome == Outcome::Success
            && (SINCE..AS_OF).contains(&call.at)
            && is_in_lake(world, key.region, false, call.at)
    });
    let exercised = i64::try_from(calls.count()).unwrap();
    let verdict = match () {
        () if exercised > 0 => "exercised",
        () if key.created_at > SINCE || (is_role && world.role_created_at > SINCE) => "too_new",
        () if !is_covered(world, key.region, false) => "unobservable",
        () => "unexercised",
    };
    (verdict, exercised)
}
