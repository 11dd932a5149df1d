//! What a user may get wrong, and what a log may hold to mislead a terminal or a browser.

use serde_json::json;

use super::{story, text};
use crate::support::lake::{TestLake, event, key_arn, sample_lake};
use crate::support::office::person;
use crate::support::program::on;

#[test]
fn an_unknown_key_lists_candidates() {
    let slip = on(sample_lake(), &["trace", "70f08269-36e2-46a3-a5ea-574d74653654"]);
    assert_eq!(slip.code, 2);
    assert!(
        slip.stderr.contains("neither the log nor a snapshot knows it"),
        "{}",
        slip.stderr
    );
    assert!(
        slip.stderr
            .contains("did you mean `70f08269-36e2-46a3-a5ea-574d74653653`?"),
        "{}",
        slip.stderr
    );
    let stranger = on(sample_lake(), &["trace", "alias/weather"]);
    assert_eq!(stranger.code, 2);
    assert!(stranger.stderr.contains("known are"), "{}", stranger.stderr);
    assert!(stranger.stdout.is_empty());
}

#[test]
fn an_alias_that_stood_for_two_keys_lists_both() {
    let lake = TestLake::new();
    lake.events([
        event("made", "2026-01-01T00:00:00Z", "CreateAlias").changes_alias("a", "k1"),
        event("moved", "2026-01-02T00:00:00Z", "UpdateAlias").changes_alias("a", "k2"),
        event("off", "2026-01-03T00:00:00Z", "DisableKey").keys(&["k1"]),
    ]);
    for name in ["alias/a", "arn:aws:kms:us-east-1:111122223333:alias/a"] {
        let refused = on(&lake, &["trace", name]);
        assert_eq!(refused.code, 2, "{}", refused.stdout);
        assert!(refused.stderr.contains("means 2 keys"), "{}", refused.stderr);
        assert!(
            refused.stderr.contains(&key_arn("k1")) && refused.stderr.contains(&key_arn("k2")),
            "{}",
            refused.stderr
        );
        let early = story(&lake, &[name, "--until", "2026-01-01T12:00:00Z"]);
        assert_eq!(early["key"]["arn"], json!(key_arn("k1")));
    }
    assert_eq!(story(&lake, &["k1"])["key"]["state"], "Disabled");
}

#[test]
fn nothing_in_the_log_steers_a_terminal_or_a_page() {
    let lake = TestLake::new();
    let evil = "<script>alert(1)</script>\u{1b}[2J\u{202e}' $(reboot)";
    lake.events([
        person(event("policy", "2026-01-01T00:00:00Z", "PutKeyPolicy"), "Ann").keys(&["k1"]).with(
            "requestparameters",
            json!({ "keyId": "k1", "policy": json!({ "Statement": [{ "Sid": evil, "Effect": "Allow", "Principal": "*", "Action": evil }] }).to_string() })
                .to_string(),
        ),
        person(event("policy-2", "2026-01-02T00:00:00Z", "PutKeyPolicy"), "Ann").keys(&["k1"]).with(
            "requestparameters",
            json!({ "keyId": "k1", "policy": json!({ "Statement": [] }).to_string() }).to_string(),
        ),
        person(event("off", "2026-01-02T00:00:01Z", "DisableKey"), "Ann").keys(&["k1"]).with("useragent", evil),
    ]);
    let shown = on(&lake, &["trace", "k1"]).stdout;
    assert!(!shown.contains('\u{1b}') && !shown.contains('\u{202e}'), "{shown}");
    assert!(shown.contains("everyone (`*`) is allowed in"), "{shown}");
    // The policy to put back is one quoted word: its quote is closed, escaped and opened again.
    assert!(
        shown.contains("put-key-policy") && shown.contains("'\\'' $(reboot)"),
        "{shown}"
    );
    let page = on(&lake, &["trace", "k1", "--format", "html"]).stdout;
    // The layout's own script apart.
    assert_eq!(page.matches("<script").count(), 1, "{page}");
    assert!(!page.contains("<script>alert") && page.contains("&lt;script"), "{page}");
    let json = on(&lake, &["trace", "k1", "--format", "json"]).stdout;
    assert!(!json.contains('\u{1b}') && !json.contains('\u{202e}'));
}

#[test]
fn a_log_that_begins_after_the_schedule_says_what_it_cannot_know() {
    let lake = TestLake::new();
    let gone = event("gone", "2026-01-10T00:00:00Z", "DeleteKey")
        .keys(&["k1"])
        .with("eventtype", "AwsServiceEvent")
        .with("accesskeyid", serde_json::Value::Null)
        .by(
            "AWS Internal",
            "",
            json!({ "accountid": "111122223333", "invokedby": "AWS Internal" }),
        );
    lake.events([gone]);
    let told = story(&lake, &["k1"]);
    assert_eq!(told["key"]["state"], "Deleted");
    assert!(
        told["unknown"].to_string().contains("no schedule of it is in the log"),
        "{}",
        told["unknown"]
    );
    assert_eq!(text(&told["timeline"][0], "state_before"), "PendingDeletion");
    assert_eq!(told["timeline"][0]["attributed_eventid"], json!(null));
}

#[test]
fn a_browser_session_is_joined_to_the_sign_in_it_came_from() {
    let lake = TestLake::new();
    let browser = |event: crate::support::lake::Event| person(event, "Ann").with("accesskeyid", "ASIAEXAMPLEBROWSER");
    let login = |id: &str, time: &str, answer: &str| {
        person(event(id, time, "ConsoleLogin"), "Ann")
            .with("eventsource", "signin.amazonaws.com")
            .with("kms", serde_json::Value::Null)
            .with("sourceipaddress", "192.0.2.77")
            .with(
                "additionaleventdata",
                r#"{"LoginTo":"https://console.aws.amazon.com","MFAUsed":"Yes"}"#,
            )
            .with("responseelements", format!(r#"{{"ConsoleLogin":"{answer}"}}"#))
    };
    lake.events([
        login("the-day-before", "2025-12-31T12:00:00Z", "Success"),
        login("opened", "2026-01-01T08:00:00Z", "Success"),
        login("failed", "2026-01-01T08:30:00Z", "Failure"),
        browser(event("off", "2026-01-01T09:00:00Z", "DisableKey")).keys(&["k1"]),
        person(event("by-key", "2026-01-01T09:30:00Z", "EnableKey"), "Ann").keys(&["k1"]),
        login("later", "2026-01-01T10:00:00Z", "Success"),
        browser(event("next-day", "2026-01-03T09:00:00Z", "DisableKey"))
            .keys(&["k1"])
            .with("sourceipaddress", "192.0.2.1"),
    ]);
    let told = story(&lake, &["k1"]);
    let logins: Vec<&str> = told["actors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|actor| text(&actor["login"], "eventid"))
        .collect();
    assert_eq!(logins, ["opened", "", ""], "{}", told["actors"]);
    assert_eq!(told["actors"][0]["login"]["mfa"], true);
    assert_eq!(text(&told["actors"][0]["login"], "source_ip"), "192.0.2.77");
    for form in ["table", "html"] {
        let shown = on(&lake, &["trace", "k1", "--format", form]).stdout;
        assert!(
            shown.contains("2026-01-01T08:00:00Z signed in to the console from 192.0.2.77 with MFA"),
            "{shown}"
        );
    }
}

#[test]
fn how_much_was_read_is_said_when_asked() {
    let key = "70f08269-36e2-46a3-a5ea-574d74653653";
    let asked = on(sample_lake(), &["-v", "trace", key]);
    let line = asked
        .stderr
        .lines()
        .find(|line| line.starts_with("read "))
        .unwrap()
        .to_owned();
    let numbers: Vec<u64> = line.split(' ').filter_map(|word| word.parse().ok()).collect();
    assert!(numbers.len() == 2 && numbers.iter().all(|number| *number > 0), "{line}");
    assert!(on(sample_lake(), &["trace", key]).stderr.is_empty());
}
