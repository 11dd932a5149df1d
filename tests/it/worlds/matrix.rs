//! The fault matrix: each fault alone, in a world that is whole but for it. It turns exactly the keys and rights it
//! affects, names its cause, and leaves every other account and Region alone.

use std::collections::BTreeMap;

use serde_json::Value;

use super::draw::{Call, Delivery, EAST, Outcome, Shape, Trail, WEST, World, idle};
use super::{AS_OF, DAY, SINCE, lake, text, verdicts};

/// A fault, which Regions lose their verdict on uses and on administration, and what the reason says.
struct Case {
    name: &'static str,
    trail: Trail,
    delivery: Delivery,
    is_canary: bool,
    lost_uses: &'static [&'static str],
    lost_admin: &'static [&'static str],
    cause: &'static str,
}

const BOTH: &[&str] = &[EAST, WEST];
const NONE: &[&str] = &[];

fn cases() -> Vec<Case> {
    let case = |name, trail, lost_uses, lost_admin, cause| Case {
        name,
        trail,
        delivery: Delivery::Whole,
        is_canary: false,
        lost_uses,
        lost_admin,
        cause,
    };
    let lost = |name, delivery, lost_regions, cause| Case {
        delivery,
        ..case(name, Trail::All, lost_regions, lost_regions, cause)
    };
    vec![
        case("whole", Trail::All, NONE, NONE, ""),
        lost("a folder on disk", Delivery::Copy, NONE, ""),
        case(
            "write-only trail",
            Trail::WriteOnly,
            BOTH,
            NONE,
            "leave out read-only KMS events",
        ),
        case(
            "read-only trail",
            Trail::ReadOnly,
            NONE,
            BOTH,
            "leave out mutating KMS events",
        ),
        case("KMS excluded", Trail::KmsExcluded, BOTH, BOTH, "leave out"),
        case(
            "one Region",
            Trail::OneRegion,
            &[WEST],
            &[WEST],
            "records only us-east-1",
        ),
        case("no trail", Trail::None, BOTH, BOTH, "has no trail"),
        case(
            "trails not collected",
            Trail::NotCollected,
            BOTH,
            BOTH,
            "no snapshot shows a trail",
        ),
        case(
            "selectors unknown",
            Trail::SelectorsUnknown,
            BOTH,
            BOTH,
            "selectors of trail",
        ),
        case(
            "stopped for a second",
            Trail::Stopped(SINCE + 5 * DAY, SINCE + 5 * DAY + 1),
            BOTH,
            BOTH,
            "StopLogging",
        ),
        case(
            "stopped at the first second",
            Trail::Stopped(SINCE - DAY, SINCE + 1),
            BOTH,
            BOTH,
            "StopLogging",
        ),
        case(
            "stopped until the window",
            Trail::Stopped(SINCE - DAY, SINCE),
            NONE,
            NONE,
            "",
        ),
        case(
            "stopped in the last second",
            Trail::Stopped(AS_OF - 1, AS_OF + 5),
            BOTH,
            BOTH,
            "StopLogging",
        ),
        case(
            "the strong trail was not read",
            Trail::Two { whole_is_listed: false },
            BOTH,
            NONE,
            "leave out read-only KMS events",
        ),
        case(
            "the strong trail was read",
            Trail::Two { whole_is_listed: true },
            NONE,
            NONE,
            "",
        ),
        Case {
            delivery: Delivery::Copy,
            ..case(
                "a copy of one of two trails",
                Trail::Two { whole_is_listed: true },
                BOTH,
                NONE,
                "leave out read-only KMS events",
            )
        },
        lost("not listed", Delivery::Unlisted, BOTH, "no complete listing"),
        lost(
            "listed a second too early",
            Delivery::ListedUntil(1),
            BOTH,
            "up to which deliveries were listed",
        ),
        lost(
            "listed from the window's first day",
            Delivery::ListedSince(SINCE),
            NONE,
            "",
        ),
        lost(
            "listed from the second day",
            Delivery::ListedSince(SINCE + DAY),
            BOTH,
            "not in any complete listing",
        ),
        lost("a silent day", Delivery::SilentDay(17), BOTH, "nothing of account"),
        lost(
            "the first day silent",
            Delivery::SilentDay(0),
            BOTH,
            "nothing of account",
        ),
        lost(
            "the last day silent",
            Delivery::SilentDay(30),
            BOTH,
            "nothing of account",
        ),
        lost("the day before silent", Delivery::SilentDay(-1), NONE, ""),
        lost("the day after silent", Delivery::SilentDay(31), NONE, ""),
        lost(
            "an unreadable object",
            Delivery::Faulted(WEST, 9),
            &[WEST],
            "could not be read",
        ),
        lost(
            "an unreadable object of the first day",
            Delivery::Faulted(EAST, 0),
            &[EAST],
            "could not be read",
        ),
        Case {
            is_canary: true,
            ..case(
                "a lost record that AWS names",
                Trail::All,
                &[EAST],
                &[EAST],
                "GetKeyLastUsage of",
            )
        },
    ]
}

#[test]
fn each_fault_alone_turns_exactly_what_it_affects() {
    let cases = cases();
    let worlds: Vec<World> = cases
        .iter()
        .zip(0..)
        .map(|(case, seed)| {
            let mut world = World {
                trail: case.trail,
                delivery: case.delivery,
                ..World::plain(seed)
            };
            world.keys = vec![idle(0, EAST), idle(1, WEST)];
            if case.is_canary {
                let mut key = idle(2, EAST);
                key.tracked_since = Some(SINCE - DAY);
                key.calls.push(Call {
                    at: SINCE + 8 * DAY,
                    outcome: Outcome::Success,
                    shape: Shape::Plain,
                    is_lost: true,
                });
                world.keys.push(key);
            }
            world
        })
        .collect();
    let lake = lake(&worlds);
    let by = |query: &str, columns: &[&str]| -> BTreeMap<Vec<String>, Value> {
        let key = |row: &Value| columns.iter().map(|column| text(row, column).to_owned()).collect();
        verdicts(&lake, query).into_iter().map(|row| (key(&row), row)).collect()
    };
    let keys = by("unused-keys", &["key_arn"]);
    let rights = by("unexercised-admin-rights", &["principal_arn", "key_arn", "action"]);
    for (case, world) in cases.iter().zip(&worlds) {
        for key in world.keys.iter().take(2) {
            let judge = |row: &Value, lost: &[&str], good: &str, bad: &str| {
                let expected = if lost.contains(&key.region) { bad } else { good };
                assert_eq!(text(row, "verdict"), expected, "{}: {row}", case.name);
                if expected == bad {
                    assert!(text(row, "reason").contains(case.cause), "{}: {row}", case.name);
                }
            };
            judge(&keys[&vec![key.arn(world)]], case.lost_uses, "unused", "inconclusive");
            for action in ["kms:DisableKey", "kms:EnableKey"] {
                let row = &rights[&vec![world.role(), key.arn(world), action.to_owned()]];
                judge(row, case.lost_admin, "unexercised", "unobservable");
            }
        }
    }
}
