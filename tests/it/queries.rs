//! The named queries: each has a golden answer on the office lake, and answers with the columns its header promises.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use crate::support::office::events;
use crate::support::office::office;
use crate::support::permissions::{guarded_office, whole_office};
use crate::support::program::{ask, keytrail, on, run};

/// The parameters of the golden answers, for queries that require some.
fn parameters(name: &str) -> &'static [&'static str] {
    match name {
        "access-key-activity" => &["-p", "access_key=AKIAEXAMPLEPERSON"],
        "blast-radius" | "key-timeline" => &["-p", "key=archive"],
        "bulk-destruction" => &["-p", "keys=1"],
        "evaluator-drift" => &[],
        "session-chain" => &["-p", "access_key=ASIAEXAMPLEWORKER"],
        "principal-activity" => &["-p", "principal=arn:aws:iam::111122223333:user/Bob"],
        "source-ip-activity" => &["-p", "source_ip=198.51.100.7"],
        "top-kms-callers" => &["-p", "top=2"],
        "activity-per-period" => &["-p", "window=2d", "-p", "as_of=2026-01-07"],
        "key-grants"
        | "key-inventory"
        | "key-last-use"
        | "key-policies"
        | "key-users"
        | "permission-limits"
        | "withheld-admin-rights"
        | "population"
        | "snapshots-in-force" => &["-p", "as_of=2026-01-07"],
        "key-use-per-day" => &["-p", "since=2026-01-02", "-p", "until=2026-01-05T08:05:01Z"],
        "keys-pending-deletion-still-wanted" => &["-p", "as_of=2026-01-07"],
        "coverage-in-window" | "periodicity" => &["-p", "window=5d", "-p", "as_of=2026-01-07"],
        name if needs_snapshot(name) => &["-p", "window=5d", "-p", "as_of=2026-01-07"],
        _ => &[],
    }
}

fn needs_snapshot(name: &str) -> bool {
    keytrail::engine::query::named(name).unwrap().unwrap().needs_snapshot
}

fn files() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("queries");
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    entries
        .filter_map(|name| name.strip_suffix(".sql").map(str::to_owned))
        .collect()
}

#[test]
fn the_program_holds_every_query_file() {
    let known: BTreeSet<String> = keytrail::engine::query::names().map(str::to_owned).collect();
    assert_eq!(known, files());
}

#[test]
fn every_query_has_its_golden_answer() {
    let (plain, guarded) = (office(), guarded_office());
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("golden");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    // A missing golden answer is a failure, never written by the way.
    for name in files() {
        let lake = if needs_snapshot(&name) { &guarded } else { &plain };
        let mut arguments = vec!["query", name.as_str(), "--format", "csv"];
        arguments.extend(parameters(&name));
        let answer = on(lake, &arguments);
        assert_eq!(answer.code, 0, "{name}: {}", answer.stderr);
        settings.bind(|| insta::assert_snapshot!(name.as_str(), answer.stdout));
    }
}

/// Where the log is whole there are verdicts of absence, and they have their golden answers too.
#[test]
fn every_verdict_has_its_golden_answer_on_a_whole_log() {
    let lake = whole_office();
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("golden");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let mut said = BTreeSet::new();
    for name in files().into_iter().filter(|name| needs_snapshot(name)) {
        let mut arguments = vec!["query", name.as_str(), "--format", "csv"];
        arguments.extend(parameters(&name));
        let answer = on(&lake, &arguments);
        assert_eq!(answer.code, 0, "{name}: {}", answer.stderr);
        for verdict in [
            "unused",
            "unexercised",
            "dormant",
            "unneeded",
            "inconclusive",
            "unobservable",
        ] {
            if answer
                .stdout
                .lines()
                .skip(1)
                .any(|line| line.contains(&format!(",{verdict}")))
            {
                said.insert(verdict);
            }
        }
        settings.bind(|| insta::assert_snapshot!(format!("{name}@whole"), answer.stdout));
    }
    assert_eq!(said, BTreeSet::from(["unused", "unexercised", "dormant", "unneeded"]));
}

#[test]
fn every_query_answers_with_the_columns_of_its_header() {
    let lake = guarded_office();
    for name in files() {
        let query = keytrail::engine::query::named(&name).unwrap().unwrap();
        let promised: Vec<&str> = query.columns.iter().map(|column| column.name.as_str()).collect();
        let mut arguments = vec!["query", name.as_str(), "--format", "csv"];
        arguments.extend(parameters(&name));
        let answer = on(&lake, &arguments);
        let found: Vec<&str> = answer.stdout.lines().next().unwrap().split(',').collect();
        assert_eq!(found, promised, "{name}");
        for column in &query.columns {
            assert!(
                !column.meaning.is_empty(),
                "{name}: column `{}` has no meaning",
                column.name
            );
        }
        for parameter in &query.parameters {
            assert!(
                query.statement().unwrap().contains(&format!("${}", parameter.name)),
                "{name}: `{}` is not used",
                parameter.name
            );
            assert!(
                !parameter.meaning.is_empty(),
                "{name}: parameter `{}` has no meaning",
                parameter.name
            );
        }
    }
}

#[test]
fn the_index_lists_every_query_with_its_question() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("queries");
    let index = std::fs::read_to_string(folder.join("README.md")).unwrap();
    let mut expected = Vec::new();
    for name in files() {
        let query = keytrail::engine::query::named(&name).unwrap().unwrap();
        expected.push(format!("| [`{name}`]({name}.sql) | {} |", query.question));
    }
    let listed: Vec<&str> = index.lines().filter(|line| line.starts_with("| [`")).collect();
    assert_eq!(listed, expected);
}

#[test]
fn queries_run_on_an_empty_lake() {
    let lake = crate::support::lake::TestLake::new();
    for name in files() {
        let mut arguments = vec![name.as_str()];
        arguments.extend(parameters(&name));
        if needs_snapshot(&name) {
            let mut all = vec!["query"];
            all.extend(arguments);
            let refused = on(&lake, &all);
            assert_eq!((refused.code, refused.stdout.as_str()), (2, ""), "{name}");
            assert!(
                refused.stderr.contains("no permission snapshot"),
                "{name}: {}",
                refused.stderr
            );
        } else {
            assert_eq!(ask(&lake, &arguments), Vec::<Value>::new(), "{name}");
        }
    }
}

/// `key-usage`, computed by a loop over the records.
#[test]
fn key_usage_agrees_with_a_plain_loop() {
    type Counts = (BTreeSet<String>, BTreeSet<String>, BTreeSet<String>, BTreeSet<String>);
    let uses = ["Decrypt", "Encrypt", "ReEncrypt", "GenerateDataKey", "GenerateRandom"];
    let mut expected: BTreeMap<(String, String, String), Counts> = BTreeMap::new();
    for event in events() {
        let text = |name: &str| event.row.get(name).and_then(Value::as_str);
        let operation = text("eventname").unwrap();
        let error = text("errorcode");
        if text("eventsource") != Some("kms.amazonaws.com")
            || !uses.contains(&operation)
            || error == Some("DryRunOperationException")
        {
            continue;
        }
        let call = text("sharedeventid")
            .or(text("original_event_id"))
            .or(text("eventid"))
            .unwrap()
            .to_owned();
        for key in event.row["kms"].as_array().unwrap() {
            let arn = match (key["key_arn"].as_str(), key["alias_arn"].as_str()) {
                (Some(arn), _) => arn.to_owned(),
                // The only alias of the office stands for the key of its name.
                (None, Some(alias)) => alias.replace(":alias/", ":key/"),
                (None, None) => String::new(),
            };
            let group = (arn, text("principal_arn").unwrap().to_owned(), operation.to_owned());
            let (succeeded, service, denied, failed) = expected.entry(group).or_default();
            match error {
                None => {
                    succeeded.insert(call.clone());
                    if event.row["useridentity"].get("invokedby").is_some() {
                        service.insert(call.clone());
                    }
                }
                Some(code) if code.starts_with("AccessDenied") => drop(denied.insert(call.clone())),
                Some(_) => drop(failed.insert(call.clone())),
            }
        }
    }
    let rows = ask(&office(), &["key-usage"]);
    let answered: BTreeMap<(String, String, String), [u64; 4]> = rows
        .iter()
        .map(|row| {
            let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
            let counts = ["uses", "through_services", "denied", "failed"].map(|name| row[name].as_u64().unwrap());
            ((text("key_arn"), text("principal_arn"), text("operation")), counts)
        })
        .collect();
    let expected: BTreeMap<(String, String, String), [u64; 4]> = expected
        .into_iter()
        .map(|(group, (a, b, c, d))| (group, [a.len(), b.len(), c.len(), d.len()].map(|count| count as u64)))
        .collect();
    assert_eq!(answered, expected);
}

#[test]
fn the_list_names_every_query_and_a_slip_is_recognised() {
    let list = run(&["queries"]);
    assert_eq!(list.code, 0);
    for name in files() {
        assert!(list.stdout.lines().any(|line| line == name), "{name}");
    }
    let one = run(&["queries", "key-usage"]);
    assert!(one.stdout.starts_with("-- title: "), "{}", one.stdout);
    let slip = run(&["queries", "key-usgae"]);
    assert_eq!(slip.code, 2);
    assert!(
        slip.stderr.contains("hint: did you mean `key-usage`?"),
        "{}",
        slip.stderr
    );
    assert_eq!(
        keytrail()
            .args(["queries", "nothing-like-it"])
            .output()
            .unwrap()
            .status
            .code(),
        Some(2)
    );
}

#[test]
fn parameters_are_typed_and_complete() {
    let lake = office();
    for (arguments, message) in [
        (
            vec!["query", "access-key-activity"],
            "parameter `access_key`: must be given",
        ),
        (
            vec!["query", "key-usage", "-p", "sinse=2026-01-01"],
            "parameter `sinse`: is not one of query `key-usage`",
        ),
        (
            vec!["query", "key-usage", "-p", "since=lately"],
            "parameter `since`: `lately` is neither",
        ),
        (
            vec!["query", "top-kms-callers", "-p", "top=many"],
            "parameter `top`: `many` is not a whole number",
        ),
        (
            vec!["query", "key-usage", "-p", "key=a", "-p", "key=b"],
            "parameter `key`: is given twice",
        ),
    ] {
        let refused = on(&lake, &arguments);
        assert_eq!(refused.code, 2, "{arguments:?}");
        assert!(refused.stderr.contains(message), "{arguments:?}: {}", refused.stderr);
        assert!(refused.stdout.is_empty());
    }
}
