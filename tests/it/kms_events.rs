//! The view `kms_events`: what each row says, and aliases resolved as of their event, against a plain loop.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use arrow::array::RecordBatch;
use futures::TryStreamExt;
use keytrail::engine::query::{Bindings, Value as Bound};
use keytrail::engine::{Rows, Session, SessionSettings};
use keytrail::lake::Location;
use keytrail::report::{Format, Writer};
use keytrail::trace::sql::{NARROW, WIDE};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::support::lake::{Event, TestLake, alias_arn, event, key_arn, run, sample_lake};
use crate::support::program::ask;

fn by_id<'a>(rows: &'a [Value], id: &str) -> Vec<&'a Value> {
    rows.iter().filter(|row| row["eventid"] == id).collect()
}

#[test]
fn rows_say_who_did_what_to_which_key_and_whether_it_worked() {
    let lake = TestLake::new();
    let user = json!({
        "type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/Ann", "accountid": "111122223333",
        "sessioncontext": { "attributes": { "mfaauthenticated": "true" } }
    });
    let foreign = json!({ "type": "AWSAccount", "principalid": "AIDAEXAMPLE", "accountid": "444455556666" });
    let service = json!({ "accountid": "111122223333", "invokedby": "AWS Internal" });
    lake.events([
        event("e1", "2026-01-01T00:00:01Z", "Decrypt").keys(&["k1"]),
        event("e2", "2026-01-01T00:00:02Z", "ReEncrypt").keys(&["k1", "k2"]),
        event("e3", "2026-01-01T00:00:03Z", "GenerateRandom"),
        event("e4", "2026-01-01T00:00:04Z", "DisableKey").keys(&["k1"]).by(
            "arn:aws:iam::111122223333:user/Ann",
            "AIDA",
            user,
        ),
        event("e5", "2026-01-01T00:00:05Z", "Encrypt")
            .keys(&["k1"])
            .failed("AccessDeniedException")
            .by("x", "y", foreign),
        event("e6", "2026-01-01T00:00:06Z", "DeleteKey")
            .keys(&["k1"])
            .with("eventtype", "AwsServiceEvent")
            .by("s", "s", service),
        event("e7", "2026-01-01T00:00:07Z", "Encrypt")
            .keys(&["k1"])
            .failed("DryRunOperationException"),
        event("e8", "2026-01-01T00:00:08Z", "Encrypt")
            .keys(&["k1"])
            .failed("DisabledException"),
        event("e9", "2026-01-01T00:00:09Z", "DescribeKey").keys(&["k1"]),
        event("update", "2026-01-01T00:00:01Z", "Decrypt")
            .keys(&["k1"])
            .with("original_event_id", "e1"),
        event("s3", "2026-01-01T00:00:10Z", "GetObject")
            .with("eventsource", "s3.amazonaws.com")
            .with("kms", Value::Null),
        event("new-use", "2026-01-01T00:00:11Z", "Transmogrify")
            .keys(&["k1"])
            .with("readonly", true),
        event("new-admin", "2026-01-01T00:00:12Z", "BendKey")
            .keys(&["k1"])
            .with("readonly", false),
    ]);
    let rows = ask(
        &lake,
        &["SELECT * FROM kms_events ORDER BY eventtime, eventid, key_arn"],
    );
    assert_eq!(rows.len(), 13, "one row per record and key, none for other services");
    let kinds = |id: &str| {
        let row = by_id(&rows, id)[0];
        (
            row["class"].as_str().unwrap().to_owned(),
            row["outcome"].as_str().unwrap().to_owned(),
        )
    };
    let kind = |class: &str, outcome: &str| (class.to_owned(), outcome.to_owned());
    assert_eq!(kinds("e1"), kind("use", "success"));
    assert_eq!(by_id(&rows, "e1").len(), 2, "an addendum is the event it updates");
    assert_eq!(by_id(&rows, "e2").len(), 2);
    assert_eq!(by_id(&rows, "e2")[1]["key_arn"], key_arn("k2"));
    assert_eq!(kinds("e3"), kind("use", "success"));
    assert_eq!(by_id(&rows, "e3")[0]["key_arn"], Value::Null);
    assert_eq!(kinds("e4"), kind("admin", "success"));
    assert_eq!(kinds("e5"), kind("use", "denied"));
    assert_eq!(kinds("e6"), kind("service", "success"));
    assert_eq!(kinds("e7"), kind("use", "dry_run"));
    assert_eq!(kinds("e8"), kind("use", "failed"));
    assert_eq!(kinds("e9"), kind("read", "success"));
    assert_eq!(
        kinds("new-use"),
        kind("use", "success"),
        "an unknown read-only operation may be a use"
    );
    assert_eq!(kinds("new-admin"), kind("admin", "success"));
    let e1 = by_id(&rows, "e1")[0];
    assert_eq!(
        (
            &e1["key_id"],
            &e1["account_id"],
            &e1["region"],
            &e1["session_arn"],
            &e1["mfa"]
        ),
        (
            &json!("k1"),
            &json!("111122223333"),
            &json!("us-east-1"),
            &json!("arn:aws:sts::111122223333:assumed-role/Worker/one"),
            &json!(false)
        )
    );
    let e4 = by_id(&rows, "e4")[0];
    assert_eq!(
        (&e4["session_arn"], &e4["mfa"], &e4["caller_account_id"]),
        (&Value::Null, &json!(true), &json!("111122223333"))
    );
    let e5 = by_id(&rows, "e5")[0];
    assert_eq!(
        (&e5["caller_account_id"], &e5["mfa"]),
        (&json!("444455556666"), &Value::Null)
    );
    assert_eq!(by_id(&rows, "e6")[0]["via_service"], "AWS Internal");
}

#[test]
fn columns_are_those_of_the_contract() {
    let lake = TestLake::new();
    let rows = ask(
        &lake,
        &[
            "SELECT column_name FROM information_schema.columns WHERE table_name = 'kms_events' ORDER BY ordinal_position",
        ],
    );
    let names: Vec<&str> = rows.iter().filter_map(|row| row["column_name"].as_str()).collect();
    let contract = "eventtime, eventid, sharedeventid, operation, class, key_ref, key_arn, key_id, account_id, region, \
        recipient_account_id, principal_arn, principal_id, session_arn, caller_account_id, via_service, source_ip, \
        user_agent, mfa, outcome, error_code, source_object, source_index";
    let contract: Vec<&str> = contract.split(", ").collect();
    assert_eq!(names.get(..contract.len()), Some(contract.as_slice()));
}

#[test]
fn an_alias_means_the_key_of_its_time_whatever_the_order_of_ingest() {
    let lake = TestLake::new();
    // Uses first, in one commit; what explains them later, latest first.
    lake.events([
        event("before", "2026-01-01T00:00:00Z", "Encrypt")
            .alias("a")
            .failed("NotFoundException"),
        event("first", "2026-01-02T00:00:00Z", "Encrypt")
            .alias("a")
            .failed("DisabledException"),
        event("second", "2026-01-04T00:00:00Z", "Encrypt")
            .alias("a")
            .failed("DisabledException"),
        event("after", "2026-01-06T00:00:00Z", "Encrypt")
            .alias("a")
            .failed("NotFoundException"),
        event("unseen", "2026-01-02T00:00:00Z", "Encrypt")
            .alias("b")
            .failed("NotFoundException"),
    ]);
    lake.events([event("c3", "2026-01-05T00:00:00Z", "DeleteAlias")
        .alias("a")
        .with("requestparameters", json!({ "aliasName": "alias/a" }).to_string())]);
    lake.events([event("c2", "2026-01-03T00:00:00Z", "UpdateAlias").changes_alias("a", "k2")]);
    // Records of before 2023 may name the alias in their parameters only.
    lake.events([event("c1", "2026-01-01T12:00:00Z", "CreateAlias")
        .changes_alias("a", "k1")
        .with("resources", Value::Null)]);
    lake.events([event("refused", "2026-01-03T12:00:00Z", "UpdateAlias")
        .changes_alias("a", "k9")
        .failed("AccessDenied")]);
    let rows = ask(&lake, &["SELECT eventid, key_arn, key_id, alias_arn FROM kms_events"]);
    let key = |id: &str| by_id(&rows, id)[0]["key_arn"].clone();
    assert_eq!(key("before"), Value::Null);
    assert_eq!(key("first"), json!(key_arn("k1")));
    assert_eq!(key("second"), json!(key_arn("k2")));
    assert_eq!(key("after"), Value::Null);
    assert_eq!(key("unseen"), Value::Null);
    assert_eq!(
        key("c3"),
        json!(key_arn("k2")),
        "a deletion means the key the alias stood for until then"
    );
    assert_eq!(by_id(&rows, "second")[0]["key_id"], "k2");
    assert_eq!(by_id(&rows, "second")[0]["alias_arn"], json!(alias_arn("a")));
}

#[test]
fn an_alias_only_a_snapshot_saw_means_its_key_since_the_date_kms_tells() {
    let lake = TestLake::new();
    lake.events([
        event("early", "2026-01-01T00:00:00Z", "Encrypt")
            .alias("a")
            .failed("DisabledException"),
        event("late", "2026-01-03T00:00:00Z", "Encrypt")
            .alias("a")
            .failed("DisabledException"),
        event("undated", "2026-01-03T00:00:00Z", "Encrypt")
            .alias("b")
            .failed("DisabledException"),
    ]);
    let alias = |name: &str, dates: Value| {
        let mut alias =
            json!({ "AliasName": format!("alias/{name}"), "AliasArn": alias_arn(name), "TargetKeyId": "k1" });
        alias
            .as_object_mut()
            .unwrap()
            .extend(dates.as_object().unwrap().clone());
        alias
    };
    let updated = json!({ "CreationDate": "2025-01-01T00:00:00Z", "LastUpdatedDate": "2026-01-02T00:00:00.5Z" });
    lake.snapshot(&json!({ "collected_at": "2026-02-01T00:00:00Z", "kms": { "keys": [{
        "KeyMetadata": { "AWSAccountId": "111122223333", "KeyId": "k1", "Arn": key_arn("k1"), "KeyState": "Enabled" },
        "Aliases": [alias("a", updated), alias("b", json!({}))],
    }] } }));
    let rows = ask(&lake, &["SELECT eventid, key_arn FROM kms_events"]);
    let key = |id: &str| by_id(&rows, id)[0]["key_arn"].clone();
    assert_eq!(key("early"), Value::Null);
    assert_eq!(key("late"), json!(key_arn("k1")));
    assert_eq!(key("undated"), json!(key_arn("k1")));
    let held = ask(&lake, &["SELECT alias_name FROM kms_aliases ORDER BY alias_name"]);
    assert_eq!(
        held,
        [json!({ "alias_name": "alias/a" }), json!({ "alias_name": "alias/b" })]
    );
}

#[test]
fn the_sample_organization_uses_its_keys_as_its_truth_says() {
    let truth = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/sample-logs/truth.json")).unwrap();
    let truth: Value = serde_json::from_str(&truth).unwrap();
    let until = format!("until:instant={}", truth["as_of"].as_str().unwrap());
    let sql = "SELECT key_arn, count(DISTINCT coalesce(sharedeventid, eventid)) AS uses FROM kms_events \
               WHERE class = 'use' AND outcome = 'success' AND eventtime >= $until - $window AND eventtime < $until \
               AND key_arn IS NOT NULL GROUP BY key_arn";
    let rows = ask(sample_lake(), &[sql, "-p", &until, "-p", "window:duration=90d"]);
    let found: BTreeMap<&str, u64> = rows
        .iter()
        .map(|row| (row["key_arn"].as_str().unwrap(), row["uses"].as_u64().unwrap()))
        .collect();
    for key in truth["keys"].as_array().unwrap() {
        let arn = key["key_arn"].as_str().unwrap();
        // The truth tells a workload's uses from those a service makes for itself.
        let uses = key["uses"].as_u64().unwrap() + key["service_uses"].as_u64().unwrap();
        assert_eq!(found.get(arn).copied().unwrap_or(0), uses, "{arn}");
    }
}

/// A change of an alias or a use of it: the day, the alias, and the key it is given or `None` for a use.
#[derive(Debug, Clone)]
enum Step {
    Set(u8, u8, u8),
    Delete(u8, u8),
    Use(u8, u8),
}

#[test]
fn aliases_agree_with_a_plain_loop_on_random_histories() {
    let step = prop_oneof![
        (1..28u8, 0..3u8, 0..4u8).prop_map(|(day, alias, key)| Step::Set(day, alias, key)),
        (1..28u8, 0..3u8).prop_map(|(day, alias)| Step::Delete(day, alias)),
        (1..28u8, 0..3u8).prop_map(|(day, alias)| Step::Use(day, alias)),
    ];
    let histories = prop::collection::vec(step, 1..40);
    let mut runner = TestRunner::new(Config {
        cases: 12,
        failure_persistence: None,
        ..Config::default()
    });
    runner
        .run(&histories, |steps| {
            check(&steps);
            Ok(())
        })
        .unwrap();
}

fn check(steps: &[Step]) {
    // Each step has a second of its own, so that the loop needs no rule for ties.
    let mut timed: Vec<(String, &Step)> = steps
        .iter()
        .enumerate()
        .map(|(index, step)| {
            let (Step::Set(day, ..) | Step::Delete(day, _) | Step::Use(day, _)) = step;
            (format!("2026-01-{day:02}T00:00:{:02}Z", index % 60), step)
        })
        .collect();
    let lake = TestLake::new();
    let events: Vec<_> = timed
        .iter()
        .enumerate()
        .map(|(index, (time, step))| {
            let id = format!("e{index}");
            match step {
                Step::Set(_, alias, key) => {
                    event(&id, time, "UpdateAlias").changes_alias(&format!("a{alias}"), &format!("k{key}"))
                }
                Step::Delete(_, alias) => event(&id, time, "DeleteAlias").alias(&format!("a{alias}")).with(
                    "requestparameters",
                    json!({ "aliasName": format!("alias/a{alias}") }).to_string(),
                ),
                Step::Use(_, alias) => event(&id, time, "Encrypt")
                    .alias(&format!("a{alias}"))
                    .failed("DisabledException"),
            }
        })
        .collect();
    // Two commits, the later half first.
    let (early, late) = events.split_at(events.len() / 2);
    lake.events(late.to_vec());
    if !early.is_empty() {
        lake.events(early.to_vec());
    }
    let mut expected: Vec<(String, Option<String>)> = Vec::new();
    let mut stands_for = std::collections::HashMap::new();
    timed.sort_by(|a, b| a.0.cmp(&b.0));
    for (time, step) in timed {
        match step {
            Step::Set(_, alias, key) => {
                stands_for.insert(*alias, key_arn(&format!("k{key}")));
            }
            Step::Delete(_, alias) => {
                stands_for.remove(alias);
            }
            Step::Use(_, alias) => expected.push((time, stands_for.get(alias).cloned())),
        }
    }
    let rows = ask(
        &lake,
        &["SELECT eventtime, key_arn FROM kms_events WHERE operation = 'Encrypt' ORDER BY eventtime"],
    );
    let answered: Vec<(String, Option<String>)> = rows
        .iter()
        .map(|row| {
            (
                row["eventtime"].as_str().unwrap().to_owned(),
                row["key_arn"].as_str().map(str::to_owned),
            )
        })
        .collect();
    assert_eq!(answered, expected);
    for key in 0..4 {
        read_for_a_key_as_from_the_whole_log(lake.path(), &key_arn(&format!("k{key}")));
    }
}

/// What is read for one key's story, and made into rows without the rest of the log, is what the whole log says of the key.
fn read_for_a_key_as_from_the_whole_log(lake: &Path, key: &str) -> usize {
    const ASKED: &str = "SELECT eventtime, eventid, sharedeventid, operation, class, key_ref, key_arn, key_id, account_id, \
                         region, principal_arn, outcome, error_code, event_date, alias_arn, kms_key_arn, request_parameters \
                         FROM kms_records WHERE key_arn = $key ORDER BY eventtime, eventid, key_ref";
    let location = Location::parse(&lake.display().to_string(), HashMap::new()).unwrap();
    let of_key = Bindings::from([("key".to_owned(), Bound::Text(key.to_owned()))]);
    let mut read = of_key.clone();
    let place = key.rsplit_once(":key/").unwrap().0;
    read.insert("aliases".to_owned(), Bound::Text(format!("{place}:alias/")));
    const CHANGES_OF_LOG: &str = "SELECT * FROM kms_records WHERE key_arn = $key AND class IN ('admin', 'service') \
                                  ORDER BY eventtime, eventid, key_ref";
    let (narrow, whole, wide, changes) = run(async {
        let session = Session::open(&location, &SessionSettings::default()).await.unwrap();
        let narrow = session.holding_log(NARROW, &read, usize::MAX).await.unwrap().unwrap();
        let days = rows(
            &narrow,
            "SELECT DISTINCT CAST(event_date AS VARCHAR) FROM kms_records WHERE key_arn = $key AND class IN ('admin', 'service')",
            &of_key,
        );
        let days = days
            .await
            .into_iter()
            .map(|day| day.split('"').nth_back(1).unwrap().to_owned());
        let days = Bound::List(std::iter::once("0001-01-01".to_owned()).chain(days).collect());
        let mut of_changes = of_key.clone();
        of_changes.extend([("days".to_owned(), days.clone()), ("days_of_others".to_owned(), days)]);
        let wide = session
            .holding_log(WIDE, &of_changes, usize::MAX)
            .await
            .unwrap()
            .unwrap();
        (
            rows(&narrow, ASKED, &of_key).await,
            rows(&session, ASKED, &of_key).await,
            rows(&wide, CHANGES_OF_LOG, &of_key).await,
            rows(&session, CHANGES_OF_LOG, &of_key).await,
        )
    });
    assert_eq!(narrow, whole, "{key}");
    assert_eq!(wide, changes, "{key}");
    whole.len()
}

async fn rows(session: &Session, sql: &str, bindings: &Bindings) -> Vec<String> {
    let Rows { schema, stream, .. } = session.query(sql, bindings).await.unwrap();
    let mut writer = Writer::new(Format::Jsonl, &schema, Vec::new()).unwrap();
    let batches: Vec<RecordBatch> = stream.try_collect().await.unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    let text = String::from_utf8(writer.finish().unwrap().1).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn each_keys_records_are_found_without_the_rest_of_the_log() {
    let keys = ask(
        sample_lake(),
        &["SELECT DISTINCT key_arn FROM kms_events WHERE key_arn IS NOT NULL"],
    );
    let found: usize = keys
        .iter()
        .map(|row| read_for_a_key_as_from_the_whole_log(sample_lake(), row["key_arn"].as_str().unwrap()))
        .sum();
    assert!(keys.len() > 10 && found > 100, "{} keys, {found} records", keys.len());
}

/// The flat column of a record's key is there to find it fast, and changes no row.
#[test]
fn the_flat_key_column_changes_no_row() {
    let events = || {
        vec![
            event("one", "2026-01-01T00:00:00Z", "Decrypt").keys(&["k1"]),
            event("two", "2026-01-02T00:00:00Z", "ReEncrypt").keys(&["k1", "k2"]),
            event("made", "2026-01-03T00:00:00Z", "CreateAlias").changes_alias("a", "k2"),
            event("named", "2026-01-04T00:00:00Z", "Decrypt")
                .alias("a")
                .failed("AccessDenied"),
            event("none", "2026-01-05T00:00:00Z", "GenerateRandom"),
            event("nameless", "2026-01-06T00:00:00Z", "Decrypt")
                .keys(&["k1"])
                .with("eventname", Value::Null),
        ]
    };
    let flat = |mut event: Event, many: bool| {
        let keys = event.row["kms"].as_array().unwrap();
        let first = keys[0]["key_arn"].clone();
        if keys.len() == 1 || many {
            event.row.insert("kms_key_arn".to_owned(), first);
        }
        event
    };
    let (plain, told, every) = (TestLake::new(), TestLake::new(), TestLake::new());
    plain.events(events());
    told.events(events().into_iter().map(|event| flat(event, false)));
    every.events(events().into_iter().map(|event| flat(event, true)));
    let all = "SELECT * FROM kms_events ORDER BY eventtime, key_arn";
    let of_key = format!(
        "SELECT eventid FROM kms_events WHERE key_arn = '{}' ORDER BY eventtime",
        key_arn("k2")
    );
    let expected = ask(&plain, &[all]);
    assert_eq!(expected.len(), 7);
    for lake in [&told, &every] {
        assert_eq!(ask(lake, &[all]), expected);
        let ids: Vec<Value> = ask(lake, &[&of_key])
            .into_iter()
            .map(|row| row["eventid"].clone())
            .collect();
        assert_eq!(ids, ["two", "made", "named"]);
    }
}

/// The view takes a record with a flat key, other than ReEncrypt, to name that key alone: a second one would be lost.
#[test]
fn ingest_gives_a_flat_key_to_records_of_one_key_alone() {
    let sql = "SELECT count(CASE WHEN kms_key_arn IS NOT NULL THEN 1 END) AS flat, \
               count(CASE WHEN cardinality(kms) > 1 THEN 1 END) AS several, \
               count(CASE WHEN kms_key_arn IS NOT NULL AND (cardinality(kms) <> 1 \
               OR kms[1].key_arn IS DISTINCT FROM kms_key_arn) THEN 1 END) AS wrong FROM cloudtrail";
    let row = &ask(sample_lake(), &[sql])[0];
    assert_eq!(row["wrong"], 0);
    assert!(
        row["flat"].as_u64().unwrap() > 100 && row["several"].as_u64().unwrap() > 0,
        "{row}"
    );
}
