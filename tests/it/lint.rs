//! What `lint` says of queries, and of which it says nothing.

use std::path::{Path, PathBuf};

use crate::support::program::run;

fn said(sql: &str) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.sql");
    std::fs::write(&file, sql).unwrap();
    let path = file.display().to_string();
    let done = run(&["lint", &path]);
    assert_eq!(done.stderr, "");
    (done.code, done.stdout.replace(&path, "a.sql"))
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let from = "SELECT eventid FROM cloudtrail_logs WHERE";
    let cases = [
        (
            "eventname = 'ReEncryptFrom'",
            "[iam-action]",
            "the event is `ReEncrypt`",
        ),
        ("eventname = 'kms:Decrypt'", "[iam-action]", "did you mean `Decrypt`?"),
        ("eventname IN ('ListAllMyBuckets')", "[iam-action]", "`ListBuckets`"),
        ("eventname <> 'PassRole'", "[iam-action]", "no event is recorded"),
        ("eventname = 'consolelogin'", "[unknown-event]", "`ConsoleLogin`"),
        (
            "eventname = 'ScheduleKeyDelteion'",
            "[unknown-event]",
            "`ScheduleKeyDeletion`",
        ),
        (
            "eventsource = 'kms.amazonaws.com' AND eventname = 'Descrypt'",
            "[unknown-event]",
            "`Decrypt`",
        ),
        ("eventsource = 'kms'", "[unknown-source]", "`kms.amazonaws.com`"),
        (
            "eventsource = 'cloudtrial.amazonaws.com'",
            "[unknown-source]",
            "`cloudtrail.amazonaws.com`",
        ),
        (
            "eventtime > '2026-02-01' AND eventtime < '2026-01-01'",
            "[never-matches]",
            "no time is both after 2026-02-01T00:00:00Z and before 2026-01-01T00:00:00Z",
        ),
        (
            "eventtime BETWEEN '2026-02-01' AND '2026-01-01'",
            "[never-matches]",
            "no time",
        ),
        (
            "from_iso8601_timestamp(eventtime) >= timestamp '2026-02-01 00:00:00' AND eventtime < '2026-02-01'",
            "[never-matches]",
            "no time",
        ),
        (
            "eventtime > '01/31/2026'",
            "[never-matches]",
            "not how times are written",
        ),
        ("year = '2026' AND month = '1'", "[never-matches]", "write `01`"),
        ("\"timestamp\" = '2026-01-31'", "[never-matches]", "write `2026/01/31`"),
        (
            "eventname = 'Decrypt' AND eventname = 'Encrypt'",
            "[never-matches]",
            "two things at once",
        ),
        (
            "useridentity.arn NOT IN (SELECT useridentity.arn FROM cloudtrail_logs WHERE errorcode IS NULL)",
            "[not-in-same-table]",
            "NOT EXISTS",
        ),
        ("eventname IN ('Decrypt' 'Encrypt')", "[broken]", "a comma is missing"),
    ];
    for (condition, code, advice) in cases {
        let (exit, text) = said(&format!("{from} {condition}"));
        assert!(text.contains(code) && text.contains(advice), "{condition}: {text}");
        assert_eq!(text.matches("a.sql:").count(), 1, "{condition}: {text}");
        assert_eq!(exit, 1, "{condition}: {text}");
    }
    let (exit, text) = said("SELECT 1;\n\nSELECT eventid\nFROM cloudtrail\nWHERE eventsource = 'KMS.amazonaws.com'");
    assert_eq!(exit, 1);
    assert!(
        text.starts_with("a.sql:5:21: warning: no event has the source"),
        "{text}"
    );
    let (exit, text) = said("SELECT eventid FROM cloudtrail WHERE year(eventtime) = 2026");
    assert!(
        exit == 0 && text.contains("note: ") && text.contains("[partitions-not-used]"),
        "{text}"
    );
    assert_eq!(said("DROP TABLE cloudtrail").0, 1);
    assert_eq!(run(&["lint", "/nowhere/a.sql"]).code, 2);
}

#[test]
fn sound_queries_raise_no_alarm() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<PathBuf> = Vec::new();
    for folder in ["tests/corpus", "queries"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if name.ends_with(".sql") && name != "broken.sql" {
                files.push(path);
            }
        }
    }
    assert!(files.len() > 20);
    let names: Vec<String> = files.iter().map(|path| path.display().to_string()).collect();
    let mut arguments = vec!["lint"];
    arguments.extend(names.iter().map(String::as_str));
    let done = run(&arguments);
    assert_eq!(done.stderr, "");
    let alarms: Vec<&str> = done
        .stdout
        .lines()
        .filter(|line| !line.contains(": note: ") && !line.starts_with(' '))
        .collect();
    assert!(alarms.is_empty() && done.code == 0, "{alarms:#?}");
}
