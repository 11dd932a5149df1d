//! Recorded calls asked again of a snapshot: contradictions are found both ways, and nothing that can be explained is one.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::lake::{ACCOUNT, Event, REGION, TestLake, event, key_arn, sample_lake};
use crate::support::program::{ask, on};

const COLLECTED: &str = "2026-01-07T00:00:00Z";

fn allow(sid: &str, actions: Value, condition: Value) -> Value {
    json!({"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": "*", "Condition": condition})
}

fn to(principal: &str, mut statement: Value) -> Value {
    statement["Principal"] = json!({ "AWS": principal });
    statement
}

fn key(id: &str, statements: Vec<Value>, grants: Value) -> Value {
    let mut all = vec![to(
        &format!("arn:aws:iam::{ACCOUNT}:root"),
        allow("Delegate", json!("kms:*"), json!({})),
    )];
    all.extend(statements);
    let policy = json!({"Version": "2012-10-17", "Statement": all});
    json!({
        "KeyMetadata": {"AWSAccountId": ACCOUNT, "KeyId": id, "Arn": key_arn(id), "CreationDate": "2024-01-01T00:00:00Z",
            "Enabled": true, "KeyState": "Enabled", "KeyManager": "CUSTOMER", "KeySpec": "SYMMETRIC_DEFAULT", "MultiRegion": false},
        "Policy": policy.to_string(), "PolicyName": "default", "Grants": grants, "Aliases": [], "Tags": []
    })
}

fn user(name: &str, statements: Vec<Value>) -> Value {
    json!({"Arn": format!("arn:aws:iam::{ACCOUNT}:user/{name}"), "UserName": name, "UserId": format!("AIDAEXAMPLE{}", name.to_uppercase()),
        "Path": "/", "CreateDate": "2023-01-01T00:00:00Z",
        "UserPolicyList": [{"PolicyName": "p", "PolicyDocument": {"Version": "2012-10-17", "Statement": statements}}]})
}

/// Bob manages keys, with a strong login for rotation; Worker may decrypt `orders`, `sealed` only through S3 and
/// `granted` only by a grant with its encryption context.
fn bundle(collected_at: &str) -> Value {
    let worker = "arn:aws:iam::111122223333:role/app/Worker";
    let via = json!({"StringEquals": {"kms:ViaService": format!("s3.{REGION}.amazonaws.com")}});
    let mfa = json!({"Bool": {"aws:MultiFactorAuthPresent": "true"}});
    let grant = json!([{"KeyId": key_arn("granted"), "GrantId": "grant-1", "CreationDate": "2025-06-01T00:00:00Z",
        "GranteePrincipal": worker, "IssuingAccount": format!("arn:aws:iam::{ACCOUNT}:root"), "Operations": ["Decrypt"],
        "Constraints": {"EncryptionContextEquals": {"tenant": "one"}}}]);
    json!({
        "collected_at": collected_at,
        "iam": {ACCOUNT: {
            "UserDetailList": [user("Bob", vec![
                allow("Keys", json!(["kms:DisableKey", "kms:ScheduleKeyDeletion", "kms:ListKeys"]), json!({})),
                allow("Rotation", json!("kms:EnableKeyRotation"), mfa)])],
            "RoleDetailList": [{"Arn": worker, "RoleName": "Worker", "RoleId": "AROAEXAMPLEWORKER", "Path": "/app/",
                "CreateDate": "2023-01-01T00:00:00Z", "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}}]
        }},
        "kms": {"keys": [
            key("orders", vec![to(worker, allow("Use", json!(["kms:Decrypt", "kms:ReEncryptFrom"]), json!({})))], json!([])),
            key("sealed", vec![to(worker, allow("Use", json!("kms:Decrypt"), via))], json!([])),
            key("granted", vec![], grant),
            key("moved", vec![], json!([]))
        ]}
    })
}

fn bob(event: Event, key: &str, mfa: Option<&str>) -> Event {
    let arn = format!("arn:aws:iam::{ACCOUNT}:user/Bob");
    let mut identity = json!({"type": "IAMUser", "arn": arn, "accountid": ACCOUNT, "username": "Bob", "principalid": "AIDAEXAMPLEBOB"});
    if let Some(mfa) = mfa {
        identity["sessioncontext"] =
            json!({"attributes": {"mfaauthenticated": mfa, "creationdate": "2026-01-05T00:00:00Z"}});
    }
    let by = event.keys(&[key]).by(&arn, "AIDAEXAMPLEBOB", identity);
    by.with(
        "accesskeyid",
        if mfa.is_some() {
            "ASIAEXAMPLEBOB"
        } else {
            "AKIAEXAMPLEBOB"
        },
    )
}

fn refused(event: Event, action: &str, key: &str, tail: &str) -> Event {
    let message = format!(
        "User: someone is not authorized to perform: {action} on resource: {} {tail}",
        key_arn(key)
    );
    event.failed("AccessDenied").with("errormessage", message.trim_end())
}

fn through(event: Event, service: &str) -> Event {
    let mut event = event.with("sourceipaddress", service);
    event.row["useridentity"]["invokedby"] = json!(service);
    event
}

fn verdicts(lake: &TestLake) -> BTreeMap<String, Value> {
    let all = "verdict=drift,other_layer,undetermined,possible,agrees,not_replayed";
    let rows = ask(lake, &["evaluator-drift", "-p", all]);
    rows.into_iter()
        .map(|row| (row["eventid"].as_str().unwrap().to_owned(), row))
        .collect()
}

fn lake(events: Vec<Event>) -> TestLake {
    let lake = TestLake::new();
    lake.events(events);
    lake.snapshot(&bundle(COLLECTED));
    lake
}

/// A call of the worker, with the parameters a record of it has.
fn decrypt(id: &str, key: &str) -> Event {
    event(id, "2026-01-05T10:00:00Z", "Decrypt")
        .keys(&[key])
        .with("requestparameters", r#"{"encryptionAlgorithm":"SYMMETRIC_DEFAULT"}"#)
}

fn admin(id: &str, operation: &str) -> Event {
    event(id, "2026-01-05T11:00:00Z", operation)
}

#[test]
fn only_contradictions_are_drift() {
    let no_identity = "because no identity-based policy allows the action";
    let with_context = |id: &str, context: &str| {
        decrypt(id, "granted").with("requestparameters", format!(r#"{{"encryptionContext":{context}}}"#))
    };
    let cases: Vec<(Event, &str)> = vec![
        (decrypt("may", "orders"), "agrees"),
        // Successes that the snapshot denies.
        (bob(admin("rotation-off", "DisableKeyRotation"), "orders", None), "drift"),
        (
            bob(admin("probe", "DisableKeyRotation"), "orders", None).failed("DryRunOperationException"),
            "drift",
        ),
        (decrypt("sealed-direct", "sealed"), "drift"),
        (with_context("other-tenant", r#"{"tenant":"two"}"#), "drift"),
        (with_context("more-context", r#"{"tenant":"one","a":"b"}"#), "drift"),
        (bob(admin("weak-login", "EnableKeyRotation"), "orders", Some("false")), "drift"),
        (bob(admin("no-session", "EnableKeyRotation"), "orders", None), "drift"),
        // Refusals that it allows.
        (
            refused(bob(admin("refused", "ScheduleKeyDeletion"), "orders", None), "kms:ScheduleKeyDeletion", "orders", no_identity),
            "drift",
        ),
        (bob(admin("refused-mutely", "DisableKey"), "orders", None).failed("AccessDenied"), "drift"),
        (refused(decrypt("refused-role", "orders"), "kms:Decrypt", "orders", no_identity), "drift"),
        // The same calls where the record agrees.
        (bob(admin("strong-login", "EnableKeyRotation"), "orders", Some("true")), "agrees"),
        (through(decrypt("sealed-through", "sealed"), "s3.amazonaws.com"), "agrees"),
        (with_context("tenant", r#"{"tenant":"one"}"#), "agrees"),
        (bob(admin("may-probe", "DisableKey"), "orders", None).failed("DryRunOperationException"), "agrees"),
        (
            refused(bob(admin("rightly", "PutKeyPolicy"), "orders", None), "kms:PutKeyPolicy", "orders", no_identity),
            "agrees",
        ),
        (bob(admin("list", "ListKeys"), "orders", None).with("kms", json!([{ "key_ref": null }])), "agrees"),
        // What the record leaves open.
        (decrypt("bare", "granted").with("requestparameters", Value::Null), "possible"),
        (through(decrypt("sealed-unclear", "sealed"), "AWS Internal"), "possible"),
        // What a snapshot cannot hold.
        (decrypt("no-layer", "orders").failed("AccessDenied"), "undetermined"),
        (
            refused(decrypt("session", "orders"), "kms:Decrypt", "orders", "because no session policy allows it"),
            "undetermined",
        ),
        (
            refused(decrypt("endpoint", "orders"), "kms:Decrypt", "orders", "because no VPC endpoint policy allows it"),
            "undetermined",
        ),
        (decrypt("unknown-key", "gone"), "undetermined"),
        // Refused by both, for different reasons.
        (
            refused(
                bob(admin("by-scp", "PutKeyPolicy"), "orders", None),
                "kms:PutKeyPolicy",
                "orders",
                "with an explicit deny in a service control policy",
            ),
            "other_layer",
        ),
        // Nothing to ask.
        (decrypt("disabled", "orders").failed("DisabledException"), "not_replayed"),
        (decrypt("throttled", "orders").failed("ThrottlingException"), "not_replayed"),
        (
            decrypt("vague", "orders").failed("AccessDenied").with(
                "errormessage",
                "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.",
            ),
            "not_replayed",
        ),
        (decrypt("namesake", "orders").with("useridentity", json!({"type": "AssumedRole", "principalid": "AROAEXAMPLEOLD:one",
            "arn": "arn:aws:sts::111122223333:assumed-role/Worker/one", "accountid": ACCOUNT})), "not_replayed"),
        (decrypt("stranger", "orders").with("useridentity", json!({"type": "AssumedRole", "principalid": "AROAEXAMPLENEW:one",
            "arn": "arn:aws:sts::111122223333:assumed-role/New/one", "accountid": ACCOUNT})), "not_replayed"),
        (
            event("rotated", "2026-01-05T10:00:00Z", "RotateKey").keys(&["orders"]).with("eventtype", "AwsServiceEvent"),
            "not_replayed",
        ),
        // The key owner's copy names the caller by id.
        (decrypt("by-id", "orders").with("useridentity", json!({"type": "AWSAccount", "principalid": "AROAEXAMPLEWORKER:one",
            "accountid": ACCOUNT})), "agrees"),
        (decrypt("elsewhere", "orders").with("useridentity", json!({"type": "AssumedRole", "principalid": "AROAEXAMPLEFAR:one",
            "arn": "arn:aws:sts::444455556666:assumed-role/Far/one", "accountid": "444455556666"})), "drift"),
    ];
    let expected: Vec<(String, &str)> = cases
        .iter()
        .map(|(event, verdict)| (event.row["eventid"].as_str().unwrap().to_owned(), *verdict))
        .collect();
    let lake = lake(cases.into_iter().map(|(event, _)| event).collect());
    let found = verdicts(&lake);
    assert_eq!(found.len(), expected.len());
    let wrong: Vec<String> = expected
        .iter()
        .filter(|(id, verdict)| found[id]["verdict"] != *verdict)
        .map(|(id, verdict)| format!("{id}: expected {verdict}: {}", found[id]))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let refused = &found["refused"];
    assert_eq!(
        (refused["aws_layer"].as_str(), refused["evaluated"].as_str()),
        (Some("identity_policy"), Some("allowed"))
    );
    assert!(refused["statements"].as_str().unwrap().contains("Keys"), "{refused}");
    let let_through = &found["rotation-off"];
    assert_eq!(
        (let_through["our_layer"].as_str(), let_through["observed"].as_str()),
        (Some("identity_policy"), Some("allowed"))
    );

    let listed: Vec<Value> = ask(&lake, &["evaluator-drift"]);
    assert!(listed.iter().all(|row| row["verdict"] == "drift"));
    assert_eq!(
        listed.len(),
        found.values().filter(|row| row["verdict"] == "drift").count()
    );
    let since = ask(&lake, &["evaluator-drift", "-p", "since=2026-01-05T10:30:00Z"]);
    assert!(since.len() < listed.len() && !since.is_empty());
    let refused = on(&lake, &["query", "evaluator-drift", "-p", "verdict=drift,wrong"]);
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("`wrong` is none of"), "{}", refused.stderr);
}

#[test]
fn a_change_between_call_and_snapshot_explains_a_difference() {
    let change = |id: &str, time: &str, operation: &str, key: &str| event(id, time, operation).keys(&[key]);
    let iam = |id: &str, time: &str, name: &str| {
        event(id, time, "PutUserPolicy")
            .with("eventsource", "iam.amazonaws.com")
            .with("kms", Value::Null)
            .with(
                "requestparameters",
                format!(r#"{{"userName":"{name}","policyName":"p"}}"#),
            )
    };
    let call = |id: &str, time: &str, key: &str| bob(event(id, time, "DisableKeyRotation"), key, None);
    let granted = |id: &str, time: &str| {
        event(id, time, "Decrypt")
            .keys(&["moved"])
            .with("requestparameters", "{}")
    };
    let lake = lake(vec![
        call("before-policy", "2026-01-05T09:00:00Z", "moved"),
        change("policy", "2026-01-05T09:30:00Z", "PutKeyPolicy", "moved"),
        call("after-policy", "2026-01-05T10:00:00Z", "moved"),
        call("other-key", "2026-01-05T09:00:00Z", "orders"),
        // A grant explains what grants can give, and nothing else.
        granted("by-grant", "2026-01-05T11:00:00Z"),
        change("grant", "2026-01-05T10:59:00Z", "CreateGrant", "moved"),
        call("no-grant", "2026-01-05T11:00:00Z", "moved"),
        // Another user's policy explains nothing; the caller's own does, before or after the snapshot.
        iam("ann", "2026-01-05T20:00:00Z", "Ann"),
        iam("bob", "2026-01-07T01:00:00Z", "Bob"),
        call("late", "2026-01-07T02:00:00Z", "orders"),
        call("too-late", "2026-01-07T00:30:00Z", "orders"),
    ]);
    let found = verdicts(&lake);
    for (id, verdict) in [
        ("before-policy", "undetermined"),
        ("after-policy", "drift"),
        ("other-key", "drift"),
        ("by-grant", "undetermined"),
        ("no-grant", "drift"),
        ("late", "undetermined"),
        ("too-late", "drift"),
    ] {
        assert_eq!(found[id]["verdict"], verdict, "{id}: {}", found[id]);
    }
    let why = found["before-policy"]["explanation"].as_str().unwrap();
    assert_eq!(
        why,
        "PutKeyPolicy of 2026-01-05T09:30:00Z lies between the call and the snapshot"
    );
}

#[test]
fn the_snapshot_nearest_in_time_decides_and_the_other_side_may_explain() {
    let without_bob = |collected: &str| {
        let mut bundle = bundle(collected);
        bundle["iam"][ACCOUNT]["UserDetailList"] = json!([user("Bob", vec![])]);
        bundle
    };
    let lake = TestLake::new();
    let call = |id: &str, time: &str| bob(event(id, time, "DisableKey"), "orders", None);
    lake.events([
        call("first", "2026-01-02T00:00:00Z"),
        call("between", "2026-01-09T00:00:00Z"),
        call("near-second", "2026-01-13T00:00:00Z"),
        call("last", "2026-01-15T00:00:00Z"),
    ]);
    lake.snapshot(&bundle(COLLECTED));
    lake.snapshot(&without_bob("2026-01-14T00:00:00Z"));
    let found = verdicts(&lake);
    assert_eq!(found["first"]["verdict"], "agrees");
    assert_eq!(found["between"]["verdict"], "agrees");
    assert_eq!(found["between"]["collected_at"], COLLECTED);
    let near = &found["near-second"];
    assert_eq!(
        (near["verdict"].as_str(), near["evaluated"].as_str()),
        (Some("undetermined"), Some("denied"))
    );
    assert!(
        near["explanation"]
            .as_str()
            .unwrap()
            .ends_with("on the other side of the call, answers allowed"),
        "{near}"
    );
    // After the last snapshot there is no other side.
    assert_eq!(found["last"]["verdict"], "drift");
}

#[test]
fn the_sample_story_has_no_drift_and_every_call_has_its_row() {
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().join("lake");
    copy(sample_lake(), &lake);
    let bundle = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-logs/snapshot/bundle.json");
    assert_eq!(
        on(&lake, &["snapshot", "import", &bundle.display().to_string()]).code,
        3
    );
    assert_eq!(ask(&lake, &["evaluator-drift"]), Vec::<Value>::new());
    let counts = ask(
        &lake,
        &[
            "SELECT (SELECT count(*) FROM kms_replay) AS replayed, (SELECT count(*) FROM kms_events) AS events, \
           (SELECT count(*) FROM kms_replay WHERE observed = evaluated) AS agreed, \
           (SELECT count(*) FROM kms_replay WHERE evaluated IS NULL) AS not_asked",
        ],
    );
    assert_eq!(counts[0]["replayed"], counts[0]["events"]);
    let share = counts[0]["agreed"].as_f64().unwrap() / counts[0]["events"].as_f64().unwrap();
    assert!(share > 0.8, "{}", counts[0]);
    assert!(counts[0]["not_asked"].as_u64().unwrap() < 30, "{}", counts[0]);
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
