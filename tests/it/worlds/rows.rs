//! Worlds as the rows of a lake and the bundle of a snapshot.

use keytrail::model::Instant;
use serde_json::{Map, Value, json};

use super::draw::{Admin, Call, Delivery, EAST, Key, Kind, Outcome, Shape, Trail, WEST, World};
use super::{AS_OF, DAY, SINCE, truth};
use crate::support::lake::{Event, event};

pub fn time(seconds: i64) -> String {
    Instant(seconds * 1_000_000).to_string()
}

fn bucket(world: &World) -> String {
    format!("logs-{}", world.account)
}

fn trail_arn(world: &World, name: &str) -> String {
    format!("arn:aws:cloudtrail:{EAST}:{}:trail/{name}", world.account)
}

fn error(outcome: Outcome) -> Option<&'static str> {
    match outcome {
        Outcome::Success => None,
        Outcome::Denied => Some("AccessDenied"),
        Outcome::Disabled => Some("DisabledException"),
        Outcome::DryRun => Some("DryRunOperationException"),
    }
}

/// A call's event id.
fn id(world: &World, key: &Key, what: &str, index: usize) -> String {
    format!("{what}-{}-{}-{index}", world.seed, key.number)
}

fn record(world: &World, key: &Key, id: &str, at: i64, operation: &str) -> Event {
    let arn = key.arn(world);
    let named = json!([{ "key_ref": arn, "key_arn": arn, "key_id": key.id(world), "account_id": world.account, "region": key.region }]);
    event(id, &time(at), operation)
        .with("awsregion", key.region)
        .with("recipientaccountid", world.account.as_str())
        .with("kms_key_arn", arn)
        .with("readonly", true)
        .with("kms", named)
}

/// The same by the world's role, or by its namesake.
fn by_role(world: &World, event: Event, id: &str) -> Event {
    let identity = json!({"type": "AssumedRole", "accountid": world.account,
        "arn": format!("arn:aws:sts::{}:assumed-role/Admin/one", world.account)});
    event.by(&world.role(), id, identity)
}

fn role_id(world: &World) -> String {
    format!("AROA{:016}", world.seed)
}

fn call(world: &World, key: &Key, index: usize, call: &Call) -> Vec<Event> {
    if call.is_lost || !truth::is_in_lake(world, key.region, true, call.at) {
        return Vec::new();
    }
    let id = id(world, key, "use", index);
    let mut event = by_role(world, record(world, key, &id, call.at, "Decrypt"), &role_id(world));
    if let Some(code) = error(call.outcome) {
        event = event.failed(code);
    }
    match call.shape {
        Shape::Plain => vec![event],
        Shape::Service => {
            let identity = json!({"type": "AWSService", "invokedby": "cloudtrail.amazonaws.com"});
            vec![event.by("cloudtrail.amazonaws.com", "", identity)]
        }
        Shape::Shared => {
            let shared = event.with("sharedeventid", format!("shared-{id}"));
            let there = shared
                .clone()
                .with("eventid", format!("{id}-there"))
                .with("recipientaccountid", "999999999999");
            vec![shared, there]
        }
        Shape::AliasOnly => {
            let named = json!([{ "key_ref": "alias/k", "alias_arn": alias(world, key), "account_id": world.account, "region": key.region }]);
            vec![event.with("kms", named).with("kms_key_arn", Value::Null)]
        }
        Shape::Addendum => {
            let update = event
                .clone()
                .with("eventid", format!("{id}-update"))
                .with("original_event_id", id);
            vec![event, update]
        }
    }
}

fn alias(world: &World, key: &Key) -> String {
    format!("arn:aws:kms:{}:{}:alias/k{}", key.region, world.account, key.number)
}

fn admin(world: &World, key: &Key, index: usize, admin: &Admin) -> Option<Event> {
    if !truth::is_in_lake(world, key.region, false, admin.at) {
        return None;
    }
    let id = id(world, key, "admin", index);
    let by = if admin.by_namesake {
        "AROAOFTHENAMESAKE".to_owned()
    } else {
        role_id(world)
    };
    let event = by_role(
        world,
        record(world, key, &id, admin.at, "DisableKey").with("readonly", false),
        &by,
    );
    Some(match error(admin.outcome) {
        Some(code) => event.failed(code),
        None => event,
    })
}

/// Everything that was delivered and read.
pub fn events(world: &World) -> Vec<Event> {
    let mut events = Vec::new();
    for key in &world.keys {
        for (index, one) in key.calls.iter().enumerate() {
            events.extend(call(world, key, index, one));
        }
        events.extend(
            key.admin
                .iter()
                .enumerate()
                .filter_map(|(index, one)| admin(world, key, index, one)),
        );
    }
    if let Trail::Stopped(from, until) = world.trail {
        for (at, operation) in [(from, "StopLogging"), (until, "StartLogging")] {
            let event = event(&format!("{operation}-{}", world.seed), &time(at), operation);
            events.push(
                event
                    .with("eventsource", "cloudtrail.amazonaws.com")
                    .with("recipientaccountid", world.account.as_str())
                    .with(
                        "requestparameters",
                        json!({"name": trail_arn(world, "all")}).to_string(),
                    )
                    .with("kms", Value::Null),
            );
        }
    }
    events
}

fn object(world: &World, bucket: Option<&str>, region: &str, at: i64, more: Value) -> Value {
    let (account, stamp) = (&world.account, time(at).replace(['-', ':'], ""));
    let stamp = stamp.get(..13).unwrap();
    let day = time(at).get(..10).unwrap().replace('-', "/");
    let key = format!(
        "AWSLogs/{account}/CloudTrail/{region}/{day}/{account}_CloudTrail_{region}_{stamp}Z_aaaaaaaaaaaaaaaa.json.gz"
    );
    let (key, source) = match bucket {
        Some(bucket) => (format!("s3://{bucket}/{key}"), format!("s3://{bucket}/")),
        None => (key, copy(world)),
    };
    let mut row = json!({
        "source_object": key, "source": source, "kind": "CloudTrail", "account_id": account, "region": region,
        "records_read": 1, "kept": 1, "duplicate": 0, "faulted": 0, "delivered_at": time(at),
        "first_event_at": time(at - 60), "last_event_at": time(at - 60)
    });
    if let (Some(row), Value::Object(more)) = (row.as_object_mut(), more) {
        row.extend(more);
    }
    row
}

fn copy(world: &World) -> String {
    format!("copies/{}", world.account)
}

/// Buckets of the world that something came from, and whether they were listed.
fn places(world: &World) -> Vec<(Option<String>, bool)> {
    let is_listed = world.delivery != Delivery::Unlisted;
    match (world.delivery, world.trail) {
        (Delivery::Copy, _) => vec![(None, true)],
        (_, Trail::Two { whole_is_listed }) => {
            let whole = format!("{}-whole", bucket(world));
            vec![
                (Some(bucket(world)), is_listed),
                (Some(whole), is_listed && whole_is_listed),
            ]
        }
        _ => vec![(Some(bucket(world)), is_listed)],
    }
}

/// An object on each day that something was delivered, also from the days around the window.
pub fn objects(world: &World) -> Vec<Value> {
    let mut rows = Vec::new();
    for (bucket, _) in places(world) {
        for day in -2..=31 {
            let is_there = match world.delivery {
                Delivery::SilentDay(silent) => day != silent,
                Delivery::ListedUntil(before) => SINCE + day * DAY <= AS_OF - before,
                Delivery::ListedSince(since) => SINCE + day * DAY >= since,
                _ => true,
            };
            // Whether the trail was off does not matter: other services' records may be there.
            if is_there {
                let at = SINCE + day * DAY + 20 * 60;
                rows.push(object(world, bucket.as_deref(), EAST, at, json!({})));
            }
        }
        if let Delivery::Faulted(region, day) = world.delivery {
            let at = SINCE + day * DAY + 12 * 3600;
            let nothing = json!({"records_read": 0, "kept": 0, "error": "the gzip stream ends early",
                "first_event_at": Value::Null, "last_event_at": Value::Null});
            rows.push(object(world, bucket.as_deref(), region, at, nothing));
        }
    }
    rows
}

pub fn listings(world: &World) -> Vec<Value> {
    let delay = 15 * 60;
    let (finished, since) = match world.delivery {
        Delivery::ListedUntil(before) => (AS_OF - before + delay, None),
        Delivery::ListedSince(since) => (AS_OF + delay, Some(time(since))),
        Delivery::Copy => (AS_OF + DAY, None),
        _ => (AS_OF + delay, None),
    };
    places(world)
        .into_iter()
        .filter(|(_, is_listed)| *is_listed)
        .map(|(bucket, _)| {
            let source = bucket.map_or_else(|| copy(world), |bucket| format!("s3://{bucket}/"));
            json!({"source": source, "finished_at": time(finished), "since": since, "complete": true})
        })
        .collect()
}

fn trails(world: &World) -> Option<Value> {
    let trail = |name: &str, bucket: &str, selector: Value| {
        json!({
            "Trail": {"Name": name, "TrailARN": trail_arn(world, name), "S3BucketName": bucket, "HomeRegion": EAST,
                "IsMultiRegionTrail": true, "IsOrganizationTrail": false},
            "Status": {"IsLogging": true, "StartLoggingTime": "2020-01-01T00:00:00Z"},
            "EventSelectors": [selector]
        })
    };
    let bucket = bucket(world);
    let all = json!({"ReadWriteType": "All", "IncludeManagementEvents": true});
    let of_kind = |kind: &str| json!({"ReadWriteType": kind, "IncludeManagementEvents": true});
    let mut one = trail("all", &bucket, all.clone());
    match world.trail {
        Trail::All => {}
        Trail::WriteOnly => one = trail("all", &bucket, of_kind("WriteOnly")),
        Trail::ReadOnly => one = trail("all", &bucket, of_kind("ReadOnly")),
        Trail::KmsExcluded => one["EventSelectors"][0]["ExcludeManagementEventSources"] = json!(["kms.amazonaws.com"]),
        Trail::OneRegion => one["Trail"]["IsMultiRegionTrail"] = json!(false),
        Trail::None => return Some(json!([])),
        Trail::NotCollected => return None,
        Trail::SelectorsUnknown => drop(one.as_object_mut().unwrap().remove("EventSelectors")),
        Trail::Stopped(from, until) => {
            one["Status"] = json!({"IsLogging": true, "StartLoggingTime": time(until), "StopLoggingTime": time(from)});
        }
        Trail::Two { .. } => {
            let whole = trail("whole", &format!("{bucket}-whole"), all);
            return Some(json!([trail("all", &bucket, of_kind("WriteOnly")), whole]));
        }
    }
    Some(json!([one]))
}

fn key(world: &World, key: &Key) -> Value {
    let arn = key.arn(world);
    let policy = json!({"Version": "2012-10-17", "Statement": {"Sid": "Delegate", "Effect": "Allow",
        "Principal": {"AWS": world.root()}, "Action": "kms:*", "Resource": "*"}});
    let (manager, state) = match key.kind {
        Kind::Customer => ("CUSTOMER", "Enabled"),
        Kind::AwsManaged => ("AWS", "Enabled"),
        Kind::PendingDeletion => ("CUSTOMER", "PendingDeletion"),
        Kind::PendingImport => ("CUSTOMER", "PendingImport"),
    };
    let grants = if key.has_grant {
        json!([{"KeyId": arn, "GrantId": format!("grant-{}", key.number), "CreationDate": "2025-06-01T00:00:00Z",
            "GranteePrincipal": world.role(), "IssuingAccount": world.root(), "Operations": ["Decrypt"]}])
    } else {
        json!([])
    };
    let mut held = json!({
        "KeyMetadata": {"AWSAccountId": world.account, "KeyId": key.id(world), "Arn": arn, "CreationDate": time(key.created_at),
            "Enabled": true, "KeyState": state, "KeyManager": manager, "KeySpec": "SYMMETRIC_DEFAULT", "MultiRegion": false},
        "Policy": policy.to_string(), "PolicyName": "default", "Grants": grants, "Tags": [],
        "Aliases": [{"AliasName": format!("alias/k{}", key.number), "AliasArn": alias(world, key), "TargetKeyId": key.id(world),
            "CreationDate": "2025-01-01T00:00:00Z", "LastUpdatedDate": "2025-01-01T00:00:00Z"}]
    });
    if let Some(since) = key.tracked_since {
        let last = truth::answered(key).map_or(json!({}), |last| {
            let index = key.calls.iter().position(|call| std::ptr::eq(call, last)).unwrap();
            json!({"Operation": "Decrypt", "Timestamp": time(last.at), "CloudTrailEventId": id(world, key, "use", index)})
        });
        held["LastUsage"] = json!({"KeyId": arn, "TrackingStartDate": time(since), "KeyLastUsage": last});
    }
    held
}

/// One snapshot of all worlds, collected at the end of the window.
pub fn bundle(worlds: &[World]) -> Value {
    let policy = json!({"Version": "2012-10-17", "Statement": {"Sid": "Keys", "Effect": "Allow",
        "Action": ["kms:DisableKey", "kms:EnableKey"], "Resource": "*"}});
    let (mut iam, mut all_trails, mut scopes) = (Map::new(), Map::new(), Vec::new());
    for world in worlds {
        let role = json!({"Arn": world.role(), "RoleName": "Admin", "RoleId": role_id(world), "Path": "/ops/",
            "CreateDate": time(world.role_created_at), "RolePolicyList": [{"PolicyName": "keys", "PolicyDocument": policy}],
            "AttachedManagedPolicies": []});
        iam.insert(world.account.clone(), json!({"RoleDetailList": [role]}));
        all_trails.extend(trails(world).map(|trails| (world.account.clone(), trails)));
        for region in [EAST, WEST] {
            scopes.push(json!({"AccountId": world.account, "Region": region, "Service": "kms", "State": "complete"}));
        }
    }
    let keys: Vec<Value> = worlds
        .iter()
        .flat_map(|world| world.keys.iter().map(move |held| key(world, held)))
        .collect();
    json!({"collected_at": time(AS_OF), "iam": iam, "trails": all_trails, "kms": {"keys": keys}, "Scope": scopes})
}
