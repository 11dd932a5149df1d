//! A small lake with a bit of everything: two principals and a service, three keys, refusals, a cross-account call, an
//! addendum. Golden answers of the named queries rest on it.

use serde_json::{Value, json};

use super::lake::{ACCOUNT, Event, TestLake, event};

/// A person, by name.
pub fn person(event: Event, name: &str) -> Event {
    let arn = format!("arn:aws:iam::{ACCOUNT}:user/{name}");
    let identity = json!({
        "type": "IAMUser", "arn": arn, "accountid": ACCOUNT, "username": name, "accesskeyid": "AKIAEXAMPLEPERSON",
        "sessioncontext": { "attributes": { "mfaauthenticated": "true" } }
    });
    let by = event.by(&arn, &format!("AIDAEXAMPLE{}", name.to_uppercase()), identity);
    by.with("accesskeyid", "AKIAEXAMPLEPERSON")
        .with("sourceipaddress", "198.51.100.7")
}

/// A call an AWS service made on the role's behalf.
fn through(service: &str, event: Event) -> Event {
    let mut event = event.with("sourceipaddress", service);
    if let Some(Value::Object(identity)) = event.row.get_mut("useridentity") {
        identity.insert("invokedby".to_owned(), json!(service));
    }
    event
}

/// The records.
pub fn events() -> Vec<Event> {
    let shared = |id: &str, account: &str| {
        let event = event(id, "2026-01-03T10:00:00Z", "Decrypt").keys(&["orders"]);
        event
            .with("sharedeventid", "shared-1")
            .with("recipientaccountid", account)
    };
    vec![
        event("use-1", "2026-01-01T09:00:00Z", "Decrypt").keys(&["orders"]),
        event("use-2", "2026-01-01T09:30:00Z", "Decrypt").keys(&["orders"]),
        event("use-2b", "2026-01-01T09:30:00Z", "Decrypt")
            .keys(&["orders"])
            .with("original_event_id", "use-2"),
        through(
            "s3.amazonaws.com",
            event("use-3", "2026-01-02T00:00:00Z", "GenerateDataKey").keys(&["orders"]),
        ),
        event("use-4", "2026-01-02T23:59:59Z", "ReEncrypt").keys(&["orders", "archive"]),
        shared("use-5", ACCOUNT),
        shared("use-5-there", "444455556666"),
        event("probe", "2026-01-03T11:00:00Z", "Decrypt")
            .keys(&["orders"])
            .failed("DryRunOperationException"),
        event("random", "2026-01-03T11:30:00Z", "GenerateRandom"),
        person(
            event("denied-1", "2026-01-03T12:00:00Z", "Decrypt")
                .alias("payroll")
                .failed("AccessDenied"),
            "Ann",
        ),
        person(
            event("denied-2", "2026-01-04T12:00:00Z", "Decrypt")
                .alias("payroll")
                .failed("AccessDenied"),
            "Ann",
        ),
        person(
            event("denied-3", "2026-01-04T12:00:01Z", "PutKeyPolicy").keys(&["payroll"]),
            "Ann",
        )
        .failed("AccessDeniedException"),
        person(
            event("named", "2026-01-01T00:00:00Z", "CreateAlias").changes_alias("payroll", "payroll"),
            "Bob",
        ),
        person(
            event("disable", "2026-01-05T08:00:00Z", "DisableKey").keys(&["archive"]),
            "Bob",
        ),
        event("broken", "2026-01-05T08:05:00Z", "Decrypt")
            .keys(&["archive"])
            .failed("DisabledException"),
        person(
            event("enable", "2026-01-05T09:00:00Z", "EnableKey").keys(&["archive"]),
            "Bob",
        ),
        event("rotated", "2026-01-06T00:00:00Z", "RotateKey")
            .keys(&["orders"])
            .with("eventtype", "AwsServiceEvent")
            .with("principal_arn", Value::Null)
            .with("principal_id", Value::Null)
            .with("accesskeyid", Value::Null)
            .with(
                "useridentity",
                json!({ "accountid": ACCOUNT, "invokedby": "AWS Internal" }),
            )
            .with("sourceipaddress", "AWS Internal"),
        person(event("login", "2026-01-05T07:59:00Z", "ConsoleLogin"), "Bob")
            .with("eventsource", "signin.amazonaws.com")
            .with("kms", Value::Null),
        event("read", "2026-01-05T08:06:00Z", "DescribeKey").keys(&["archive"]),
        person(event("opened", "2026-01-01T08:30:00Z", "AssumeRole"), "Ann")
            .with("eventsource", "sts.amazonaws.com")
            .with("kms", Value::Null)
            .with(
                "requestparameters",
                r#"{"roleArn":"arn:aws:iam::111122223333:role/app/Worker","roleSessionName":"one"}"#,
            )
            .with(
                "responseelements",
                r#"{"credentials":{"accessKeyId":"ASIAEXAMPLEWORKER"},"assumedRoleUser":{"arn":"arn:aws:sts::111122223333:assumed-role/Worker/one"}}"#,
            ),
        event("blinded", "2026-01-05T07:58:00Z", "PutEventSelectors")
            .with("eventsource", "cloudtrail.amazonaws.com")
            .with("kms", Value::Null)
            .with(
                "requestparameters",
                r#"{"trailName":"all","eventSelectors":[{"excludeManagementEventSources":["kms.amazonaws.com"]}]}"#,
            ),
    ]
}

/// The lake with those records.
pub fn office() -> TestLake {
    let lake = TestLake::new();
    lake.events(events());
    lake.add(
        "ingest_listings",
        &[json!({ "source": "s3://logs/", "finished_at": "2026-01-07T00:15:00Z", "complete": true })],
    );
    lake
}
