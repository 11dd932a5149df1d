//! Edges of coverage: every rule alone, at its exact instant, and what it must not touch.

use serde_json::json;

use super::*;

const A: &str = "111122223333";
const B: &str = "444455556666";
const EAST: &str = "us-east-1";
const WEST: &str = "eu-west-1";
const TRAIL: &str = "arn:aws:cloudtrail:us-east-1:111122223333:trail/all";

fn at(text: &str) -> i64 {
    Instant::parse(text).unwrap().0
}

fn day(text: &str) -> i64 {
    at(text).div_euclid(crate::model::instant::DAY)
}

fn bucket() -> Place {
    Place::Bucket {
        bucket: "logs".to_owned(),
        lead: String::new(),
        organization: false,
    }
}

fn row(arn: &str) -> TrailRow {
    TrailRow {
        collected_at: at("2026-01-10"),
        seen_in: arn.split(':').nth(4).unwrap().to_owned(),
        trail_arn: arn.to_owned(),
        home_region: Some(EAST.to_owned()),
        bucket: Some("logs".to_owned()),
        is_multi_region: Some(true),
        is_organization: Some(false),
        is_logging: Some(true),
        started_at: Some(at("2020-01-01")),
        delivers_read: Some(true),
        delivers_write: Some(true),
        ..TrailRow::default()
    }
}

/// Ten days of two accounts and two Regions, wholly covered by one listing of the bucket.
fn facts() -> Facts {
    let mut facts = Facts {
        listings: vec![Listing {
            source: "s3://logs/".to_owned(),
            finished_at: at("2026-01-11T00:15:00Z"),
            ..Listing::default()
        }],
        trails: vec![row(TRAIL), row(&TRAIL.replace(A, B))],
        trails_read: [A.to_owned(), B.to_owned()].into(),
        ..Facts::default()
    };
    for account in [A, B] {
        for region in [EAST, WEST] {
            facts.wanted.insert((account.to_owned(), region.to_owned()));
        }
        for number in day("2026-01-01")..=day("2026-01-10") {
            facts.active.insert(Active {
                place: bucket(),
                account_id: account.to_owned(),
                day: number,
            });
        }
    }
    facts
}

/// `since..until state basis` of every stretch of an account, Region and kind, whatever the cause.
fn of(facts: &Facts, account: &str, region: &str, kind: Kind) -> Vec<String> {
    let short = |instant: Instant| instant.to_string().replace("2026-", "").replace("T00:00:00Z", "");
    let mut all: Vec<Stretch> = Vec::new();
    for stretch in compute(facts) {
        if (stretch.account_id.as_str(), stretch.region.as_str(), stretch.kind) != (account, region, kind) {
            continue;
        }
        match all.last_mut() {
            Some(last) if (last.until, last.state, last.basis) == (stretch.since, stretch.state, stretch.basis) => {
                last.until = stretch.until;
            }
            _ => all.push(stretch),
        }
    }
    let text = |stretch: &Stretch| {
        let (state, basis) = (stretch.state.word(), stretch.basis.word());
        format!("{}..{} {state} {basis}", short(stretch.since), short(stretch.until))
    };
    all.iter().map(text).collect()
}

fn cause(facts: &Facts, account: &str, region: &str, kind: Kind, instant: &str) -> String {
    let instant = at(instant);
    compute(facts)
        .into_iter()
        .find(|stretch| {
            (stretch.account_id.as_str(), stretch.region.as_str(), stretch.kind) == (account, region, kind)
                && stretch.since.0 <= instant
                && instant < stretch.until.0
        })
        .and_then(|stretch| stretch.cause)
        .unwrap_or_default()
}

const WHOLE: [&str; 1] = ["01-01..01-11 covered listing"];

/// All of an account, Region and kind is covered, for those that a fault must not touch.
fn whole_but(facts: &Facts, touched: &[(&str, &str, Kind)]) {
    for account in [A, B] {
        for region in [EAST, WEST] {
            for kind in [Kind::Use, Kind::Admin] {
                let found = of(facts, account, region, kind);
                let is_whole = found == WHOLE;
                assert_eq!(
                    !is_whole,
                    touched.contains(&(account, region, kind)),
                    "{account} {region} {kind:?}: {found:?}"
                );
            }
        }
    }
}

fn change(operation: &str, time: &str, request: serde_json::Value) -> Change {
    Change {
        at: at(time),
        event_id: format!("{operation}-{time}"),
        operation: operation.to_owned(),
        region: EAST.to_owned(),
        account_id: A.to_owned(),
        principal: Some("arn:aws:iam::111122223333:user/Ann".to_owned()),
        request: Some(request.to_string()),
        response: None,
    }
}

const ALL_OF_A: [(&str, &str, Kind); 4] = [
    (A, EAST, Kind::Use),
    (A, EAST, Kind::Admin),
    (A, WEST, Kind::Use),
    (A, WEST, Kind::Admin),
];

#[test]
fn a_complete_listing_of_busy_days_covers_up_to_the_delivery_delay() {
    whole_but(&facts(), &[]);
    let mut early = facts();
    early.listings[0].finished_at = at("2026-01-11T00:14:59Z");
    assert_eq!(
        of(&early, A, EAST, Kind::Use),
        ["01-01..01-10T23:59:59Z covered listing"]
    );
    let none = Facts {
        listings: Vec::new(),
        last_event: [("x".to_owned(), at("2026-01-05"))].into(),
        ..facts()
    };
    assert_eq!(of(&none, A, EAST, Kind::Use), ["01-01..01-05T00:00:01Z gap none"]);
    assert_eq!(compute(&Facts::default()), Vec::new());
}

#[test]
fn a_silent_day_of_an_account_is_a_gap_of_that_account_alone() {
    let mut silent = facts();
    silent
        .active
        .retain(|active| active.account_id != A || active.day != day("2026-01-05"));
    whole_but(&silent, &ALL_OF_A);
    let expected = [
        "01-01..01-05 covered listing",
        "01-05..01-06 gap none",
        "01-06..01-11 covered listing",
    ];
    assert_eq!(of(&silent, A, WEST, Kind::Use), expected);
}

#[test]
fn a_later_listing_of_some_days_adds_what_it_saw() {
    let mut two = facts();
    two.listings[0].finished_at = at("2026-01-05T00:15:00Z");
    let later = Listing {
        since: Some(at("2026-01-04")),
        finished_at: at("2026-01-11T00:15:00Z"),
        ..two.listings[0].clone()
    };
    two.listings.push(later);
    whole_but(&two, &[]);
    two.listings[1].since = Some(at("2026-01-06"));
    let expected = [
        "01-01..01-05 covered listing",
        "01-05..01-06 gap none",
        "01-06..01-11 covered listing",
    ];
    assert_eq!(of(&two, A, EAST, Kind::Use), expected);
    // Deliveries before an instant hold the events of a delivery delay before it.
    two.listings[0].until = Some(at("2026-01-04"));
    assert_eq!(
        of(&two, A, EAST, Kind::Use)[0],
        "01-01..01-03T23:45:00Z covered listing"
    );
}

#[test]
fn a_listing_speaks_only_of_what_it_reaches() {
    let mut narrow = facts();
    narrow.listings[0].source = format!("s3://logs/AWSLogs/{A}/CloudTrail/{EAST}/");
    let untouched = |found: Vec<String>| found == WHOLE;
    assert!(untouched(of(&narrow, A, EAST, Kind::Use)));
    assert_eq!(of(&narrow, A, WEST, Kind::Use), ["01-01..01-11 gap none"]);
    assert_eq!(of(&narrow, B, EAST, Kind::Use), ["01-01..01-11 gap none"]);
    narrow.listings[0].source = format!("s3://logs/AWSLogs/{A}/CloudTrail/{EAST}/2026/01/03/");
    let found = of(&narrow, A, EAST, Kind::Use);
    let expected = [
        "01-01..01-03 gap none",
        "01-03..01-03T23:45:00Z covered listing",
        "01-03T23:45:00Z..01-11 gap none",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_fault_is_a_gap_of_its_account_region_and_time_alone() {
    let mut faulted = facts();
    faulted.faults.push(Fault {
        place: bucket(),
        account_id: Some(A.to_owned()),
        region: Some(WEST.to_owned()),
        since: at("2026-01-05T10:00:00Z"),
        until: at("2026-01-05T11:00:00Z"),
        what: "object `x` could not be read".to_owned(),
    });
    whole_but(&faulted, &[(A, WEST, Kind::Use), (A, WEST, Kind::Admin)]);
    let expected = [
        "01-01..01-05T10:00:00Z covered listing",
        "01-05T10:00:00Z..01-05T11:00:00Z gap none",
        "01-05T11:00:00Z..01-11 covered listing",
    ];
    assert_eq!(of(&faulted, A, WEST, Kind::Admin), expected);
    assert!(cause(&faulted, A, WEST, Kind::Use, "2026-01-05T10:30:00Z").contains("could not be read"));
}

#[test]
fn selectors_decide_by_kind() {
    let mut write_only = facts();
    write_only.trails[0].delivers_read = Some(false);
    whole_but(&write_only, &[(A, EAST, Kind::Use), (A, WEST, Kind::Use)]);
    assert_eq!(of(&write_only, A, EAST, Kind::Use), ["01-01..01-11 excluded none"]);
    let mut unknown = facts();
    (unknown.trails[0].delivers_read, unknown.trails[0].delivers_write) = (None, None);
    assert_eq!(of(&unknown, A, EAST, Kind::Admin), ["01-01..01-11 unknown none"]);
    let mut one_region = facts();
    one_region.trails[0].is_multi_region = Some(false);
    whole_but(&one_region, &[(A, WEST, Kind::Use), (A, WEST, Kind::Admin)]);
    assert_eq!(of(&one_region, A, WEST, Kind::Use), ["01-01..01-11 excluded none"]);
}

#[test]
fn without_trail_information_nothing_is_covered() {
    let nothing = Facts {
        trails: Vec::new(),
        trails_read: Default::default(),
        ..facts()
    };
    assert_eq!(of(&nothing, A, EAST, Kind::Use), ["01-01..01-11 unknown none"]);
    let no_trail = Facts {
        trails: Vec::new(),
        ..facts()
    };
    assert_eq!(of(&no_trail, A, EAST, Kind::Use), ["01-01..01-11 excluded none"]);
    // Another bucket's trail did not make these objects.
    let mut elsewhere = facts();
    elsewhere.trails[0].bucket = Some("other".to_owned());
    assert_eq!(of(&elsewhere, A, EAST, Kind::Use), ["01-01..01-11 unknown none"]);
    elsewhere.listings[0].trail_arn = Some(TRAIL.to_owned());
    assert_eq!(
        of(&elsewhere, A, EAST, Kind::Use),
        WHOLE,
        "the user says whose they are"
    );
    assert_eq!(
        of(&elsewhere, B, EAST, Kind::Use),
        ["01-01..01-11 excluded none"],
        "another account's trail"
    );
}

#[test]
fn stops_and_starts_are_exact() {
    let mut stopped = facts();
    stopped
        .changes
        .push(change("StopLogging", "2026-01-03T10:00:00Z", json!({"name": TRAIL})));
    stopped
        .changes
        .push(change("StartLogging", "2026-01-04T11:00:00Z", json!({"name": "all"})));
    whole_but(&stopped, &ALL_OF_A);
    let expected = [
        "01-01..01-03T10:00:00Z covered listing",
        "01-03T10:00:00Z..01-04T11:00:00Z excluded none",
        "01-04T11:00:00Z..01-11 covered listing",
    ];
    assert_eq!(of(&stopped, A, EAST, Kind::Use), expected);
    assert!(cause(&stopped, A, EAST, Kind::Use, "2026-01-04").contains("event StopLogging-2026-01-03T10:00:00Z"));
    // The status of a snapshot tells the same without the records.
    let mut by_status = facts();
    by_status.trails[0].stopped_at = Some(at("2026-01-03T10:00:00Z"));
    by_status.trails[0].started_at = Some(at("2026-01-04T11:00:00Z"));
    assert_eq!(of(&by_status, A, WEST, Kind::Admin), expected);
    let mut off = facts();
    (off.trails[0].is_logging, off.trails[0].stopped_at) = (Some(false), Some(at("2026-01-08")));
    assert_eq!(
        of(&off, A, EAST, Kind::Use),
        ["01-01..01-08 covered listing", "01-08..01-11 excluded none"]
    );
    // Stopped in the log and on in the snapshot: it was started in between, and nobody knows when.
    let mut unseen = facts();
    unseen
        .changes
        .push(change("StopLogging", "2026-01-03T10:00:00Z", json!({"name": "all"})));
    let expected = [
        "01-01..01-03T10:00:00Z covered listing",
        "01-03T10:00:00Z..01-10 unknown none",
        "01-10..01-11 covered listing",
    ];
    assert_eq!(of(&unseen, A, EAST, Kind::Use), expected);
}

#[test]
fn selectors_change_with_their_record() {
    let excluded = json!({"trailName": TRAIL, "eventSelectors": [{"readWriteType": "All", "includeManagementEvents": true,
        "excludeManagementEventSources": ["kms.amazonaws.com"]}]});
    let all = json!({"trailName": TRAIL, "advancedEventSelectors": [{"fieldSelectors": [{"field": "eventCategory", "equals": ["Management"]}]}]});
    let mut changed = facts();
    changed
        .changes
        .push(change("PutEventSelectors", "2026-01-03", excluded));
    changed
        .changes
        .push(change("PutEventSelectors", "2026-01-05", all.clone()));
    let expected = [
        "01-01..01-03 unknown none",
        "01-03..01-05 excluded none",
        "01-05..01-11 covered listing",
    ];
    assert_eq!(
        of(&changed, A, WEST, Kind::Use),
        expected,
        "what it was before the first record nobody knows"
    );
    let mut earlier = row(TRAIL);
    earlier.collected_at = at("2025-12-31");
    changed.trails.push(earlier);
    let expected = [
        "01-01..01-03 covered listing",
        "01-03..01-05 excluded none",
        "01-05..01-11 covered listing",
    ];
    assert_eq!(of(&changed, A, WEST, Kind::Use), expected, "an earlier snapshot knows");
    let mut unreadable = facts();
    unreadable
        .changes
        .push(change("PutEventSelectors", "2026-01-03", json!({"trailName": TRAIL})));
    assert_eq!(
        of(&unreadable, A, EAST, Kind::Use),
        ["01-01..01-03 unknown none", "01-03..01-11 covered listing"]
    );
}

#[test]
fn a_new_trail_covers_from_its_start_and_a_deleted_one_to_its_end() {
    let request = json!({"name": "all", "s3BucketName": "logs", "isMultiRegionTrail": true});
    let mut created = facts();
    created.changes.push(change("CreateTrail", "2026-01-03", request));
    created
        .changes
        .push(change("StartLogging", "2026-01-03T00:00:05Z", json!({"name": TRAIL})));
    let found = of(&created, A, EAST, Kind::Use);
    assert_eq!(
        found,
        [
            "01-01..01-03T00:00:05Z excluded none",
            "01-03T00:00:05Z..01-11 covered listing"
        ]
    );
    let mut deleted = facts();
    deleted
        .changes
        .push(change("DeleteTrail", "2026-01-10T12:00:00Z", json!({"name": TRAIL})));
    let found = of(&deleted, A, EAST, Kind::Use);
    assert_eq!(
        found,
        [
            "01-01..01-10T12:00:00Z covered listing",
            "01-10T12:00:00Z..01-11 excluded none"
        ]
    );
    // Moved from another bucket: before, this listing did not see its objects.
    let mut moved = facts();
    moved.changes.push(change(
        "UpdateTrail",
        "2026-01-05",
        json!({"name": TRAIL, "s3BucketName": "logs"}),
    ));
    assert_eq!(
        of(&moved, A, EAST, Kind::Use),
        ["01-01..01-05 unknown none", "01-05..01-11 covered listing"]
    );
}

#[test]
fn a_second_trail_mends_what_the_first_leaves_out() {
    let second = TRAIL.replace("trail/all", "trail/second");
    let other = Place::Bucket {
        bucket: "other".to_owned(),
        lead: "team/".to_owned(),
        organization: false,
    };
    let mut two = facts();
    two.trails[0].delivers_read = Some(false);
    two.trails.push(TrailRow {
        bucket: Some("other".to_owned()),
        prefix: Some("team".to_owned()),
        ..row(&second)
    });
    assert_eq!(
        of(&two, A, EAST, Kind::Use),
        ["01-01..01-11 excluded none"],
        "it was not ingested"
    );
    two.listings.push(Listing {
        source: "s3://other/team/".to_owned(),
        ..two.listings[0].clone()
    });
    assert_eq!(
        of(&two, A, EAST, Kind::Use),
        ["01-01..01-11 gap none"],
        "nothing came from it: lost or expired"
    );
    for number in day("2026-01-01")..=day("2026-01-10") {
        two.active.insert(Active {
            place: other.clone(),
            account_id: A.to_owned(),
            day: number,
        });
    }
    assert_eq!(of(&two, A, EAST, Kind::Use), WHOLE);
}

/// The same log as a folder on disk.
fn copy() -> Facts {
    let place = Place::Copy {
        source: "logs".to_owned(),
        organization: Some(false),
    };
    let mut facts = facts();
    facts.listings[0].source = "logs".to_owned();
    facts
        .last_delivery
        .insert("logs".to_owned(), at("2026-01-11T00:15:00Z"));
    facts.active = facts
        .active
        .into_iter()
        .map(|active| Active {
            place: place.clone(),
            ..active
        })
        .collect();
    facts
}

#[test]
fn a_copy_is_of_the_weakest_trail_unless_the_user_says_which() {
    whole_but(&copy(), &[]);
    let second = TRAIL.replace("trail/all", "trail/second");
    let mut weak = copy();
    weak.trails.push(TrailRow {
        delivers_read: Some(false),
        ..row(&second)
    });
    whole_but(&weak, &[(A, EAST, Kind::Use), (A, WEST, Kind::Use)]);
    weak.listings[0].trail_arn = Some(TRAIL.to_owned());
    assert_eq!(of(&weak, A, EAST, Kind::Use), WHOLE);
    weak.listings[0].trail_arn = Some(second);
    assert_eq!(of(&weak, A, EAST, Kind::Use), ["01-01..01-11 excluded none"]);
    // A copy ends with its last object.
    let mut short = copy();
    short
        .last_delivery
        .insert("logs".to_owned(), at("2026-01-09T00:15:00Z"));
    assert_eq!(of(&short, A, EAST, Kind::Use), ["01-01..01-09 covered listing"]);
    let nothing = Facts {
        trails: Vec::new(),
        trails_read: Default::default(),
        ..copy()
    };
    assert_eq!(of(&nothing, A, EAST, Kind::Use), ["01-01..01-11 unknown none"]);
}

#[test]
fn an_organization_trail_covers_its_members() {
    let management = "123456789012";
    let arn = TRAIL.replace(A, management);
    let place = Place::Bucket {
        bucket: "logs".to_owned(),
        lead: String::new(),
        organization: true,
    };
    let mut facts = facts();
    facts.trails = vec![TrailRow {
        is_organization: Some(true),
        ..row(&arn)
    }];
    facts
        .organizations
        .insert(management.to_owned(), [management, A].map(str::to_owned).into());
    facts.active = facts
        .active
        .into_iter()
        .map(|active| Active {
            place: place.clone(),
            ..active
        })
        .collect();
    assert_eq!(of(&facts, A, WEST, Kind::Use), WHOLE);
    assert_ne!(of(&facts, B, WEST, Kind::Use), WHOLE, "not a member");
    let stop = Change {
        account_id: management.to_owned(),
        ..change("StopLogging", "2026-01-09", json!({"name": "all"}))
    };
    facts.changes.push(stop);
    facts.trails[0].collected_at = at("2026-01-08");
    assert_eq!(
        of(&facts, A, WEST, Kind::Use),
        ["01-01..01-09 covered listing", "01-09..01-11 excluded none"]
    );
}

#[test]
fn a_record_that_should_be_there_convicts_its_day() {
    let mut facts = facts();
    facts.canaries.push(Canary {
        account_id: A.to_owned(),
        region: EAST.to_owned(),
        at: at("2026-01-05T10:00:00Z"),
        event_id: "gone".to_owned(),
        key_arn: "k".to_owned(),
    });
    whole_but(&facts, &[(A, EAST, Kind::Use), (A, EAST, Kind::Admin)]);
    let expected = [
        "01-01..01-05 covered listing",
        "01-05..01-06 gap none",
        "01-06..01-11 covered listing",
    ];
    assert_eq!(of(&facts, A, EAST, Kind::Admin), expected);
    // Where the trail was off, its absence is explained.
    facts
        .changes
        .push(change("StopLogging", "2026-01-05T09:00:00Z", json!({"name": TRAIL})));
    facts
        .changes
        .push(change("StartLogging", "2026-01-05T11:00:00Z", json!({"name": TRAIL})));
    assert_eq!(
        of(&facts, A, EAST, Kind::Use)
            .iter()
            .filter(|stretch| stretch.contains("gap"))
            .count(),
        0
    );
    // Nobody can vouch for it.
    facts.changes.clear();
    facts.assumed.push(Assumption::parse("2026-01-01..2026-01-11").unwrap());
    assert_eq!(of(&facts, A, EAST, Kind::Admin), expected);
}

#[test]
fn what_the_user_vouches_for_is_marked() {
    let mut facts = facts();
    facts
        .active
        .retain(|active| active.account_id != A || active.day != day("2026-01-05"));
    facts
        .assumed
        .push(Assumption::parse("2026-01-04..2026-01-05T12:00:00Z,111122223333").unwrap());
    let expected = [
        "01-01..01-05 covered listing",
        "01-05..01-05T12:00:00Z covered assumed",
        "01-05T12:00:00Z..01-06 gap none",
        "01-06..01-11 covered listing",
    ];
    assert_eq!(of(&facts, A, EAST, Kind::Use), expected);
    // Where there is no log at all, too.
    let nothing = Facts {
        assumed: facts.assumed,
        wanted: facts.wanted,
        ..Facts::default()
    };
    assert_eq!(
        of(&nothing, A, EAST, Kind::Use),
        ["01-04..01-05T12:00:00Z covered assumed"]
    );
    assert_eq!(of(&nothing, B, EAST, Kind::Use), ["01-04..01-05T12:00:00Z gap none"]);
}

fn hours(facts: &mut Facts, since: &str, until: &str) {
    const HOUR: i64 = 3600 * SECOND;
    let (first, last) = (at(since), at(until));
    for start in (first..last).step_by(3_600_000_000) {
        facts.digests.push(DigestHour {
            place: bucket(),
            account_id: A.to_owned(),
            region: EAST.to_owned(),
            trail_arn: Some(TRAIL.to_owned()),
            since: start,
            until: start + HOUR,
            object: Some(format!("digest-{start}")),
            previous: (start > first).then(|| format!("digest-{}", start - HOUR)),
            lost: Vec::new(),
        });
    }
}

#[test]
fn digests_are_a_stronger_basis_and_bear_witness_to_silence() {
    let mut facts = facts();
    hours(&mut facts, "2026-01-03", "2026-01-06");
    facts
        .active
        .retain(|active| active.account_id != A || active.day != day("2026-01-04"));
    let expected = [
        "01-01..01-03 covered listing",
        "01-03..01-05T23:45:00Z covered digest",
        "01-05T23:45:00Z..01-11 covered listing",
    ];
    assert_eq!(of(&facts, A, EAST, Kind::Use), expected);
    assert!(
        of(&facts, A, WEST, Kind::Use)
            .iter()
            .any(|stretch| stretch.contains("gap")),
        "another Region's digests"
    );
    // A listed object that is not in the lake.
    let events = Some((at("2026-01-03T05:00:00Z"), at("2026-01-03T05:10:00Z")));
    facts.digests[5].lost.push(LostObject {
        object: "lost".to_owned(),
        events,
    });
    let found = of(&facts, A, EAST, Kind::Admin);
    assert!(
        found.contains(&"01-03T05:00:00Z..01-03T05:10:01Z gap none".to_owned()),
        "{found:?}"
    );
    // A digest that the next one names and that is not there.
    facts.digests[5].lost.clear();
    facts.digests.remove(10);
    let found = of(&facts, A, EAST, Kind::Use);
    assert!(
        found.contains(&"01-03T09:45:00Z..01-03T11:00:00Z gap none".to_owned()),
        "{found:?}"
    );
}

#[test]
fn a_log_that_only_ever_changes_things_is_not_believed() {
    let mut facts = facts();
    facts.one_sided.insert(A.to_owned());
    whole_but(&facts, &[(A, EAST, Kind::Use), (A, WEST, Kind::Use)]);
    assert_eq!(of(&facts, A, EAST, Kind::Use), ["01-01..01-11 unknown none"]);
}

#[test]
fn a_trail_that_cannot_deliver_leaves_a_gap() {
    let mut facts = facts();
    facts.trails[0].delivery_error = Some("AccessDenied".to_owned());
    facts.trails[0].delivered_at = Some(at("2026-01-08T12:00:00Z"));
    let found = of(&facts, A, EAST, Kind::Use);
    assert_eq!(
        found,
        [
            "01-01..01-08T12:00:00Z covered listing",
            "01-08T12:00:00Z..01-10 gap none",
            "01-10..01-11 covered listing"
        ]
    );
}
