//! What scans leave out, and what is asked of fewer rows than there are, changes no answer: the same questions in words that
//! no rule knows.

use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use crate::generator::corpus::Corpus;
use crate::support::lake::answers;
use crate::support::program::{on, run};

/// A compacted lake of six days, each of them one file, with row groups of the records of KMS and of the others.
fn lake() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let logs = tempfile::tempdir().unwrap();
    let corpus = Corpus {
        records: 24_000,
        days: 6,
        keys: 40,
        principals: 60,
        kms_share: 0.5,
        error_share: 0.1,
        ..Corpus::default()
    };
    corpus.write_to(logs.path()).unwrap();
    let (lake, logs) = (folder.path().display().to_string(), logs.path().display().to_string());
    for arguments in [["ingest", logs.as_str()].as_slice(), ["compact"].as_slice()] {
        let done = run(&[&["--lake", lake.as_str()], arguments].concat());
        assert_eq!(done.code, 0, "{}", done.stderr);
    }
    folder
}

fn rows(lake: &TempDir, queries: &[String]) -> Vec<Vec<Value>> {
    let queries: Vec<&str> = queries.iter().map(String::as_str).collect();
    let answers = answers(lake.path(), &queries).into_iter();
    answers.map(|answer| answer.unwrap()).collect()
}

/// Values of a column: rare ones, frequent ones, and two that are not there.
fn values(lake: &TempDir, column: &str) -> Vec<String> {
    let by = |order: &str| {
        format!(
            "SELECT {column} AS v FROM cloudtrail WHERE {column} IS NOT NULL GROUP BY 1 ORDER BY count(*) {order}, 1 LIMIT 3"
        )
    };
    let found = rows(lake, &[by("ASC"), by("DESC")]);
    let found = found.iter().flatten().map(|row| row["v"].as_str().unwrap().to_owned());
    found.chain([String::new(), "zz' no such".to_owned()]).collect()
}

#[test]
fn what_filters_leave_out_changes_no_answer() {
    let lake = lake();
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
    for column in [
        "kms_key_arn",
        "accesskeyid",
        "principal_arn",
        "sourceipaddress",
        "eventid",
    ] {
        let values = values(&lake, column);
        for (at, value) in values.iter().enumerate() {
            let (value, next) = (quoted(value), quoted(&values[(at + 1) % values.len()]));
            let asked = |condition: &str| {
                format!(
                    "SELECT count(*) AS n, min(eventid) AS least, max(eventtime) AS last FROM cloudtrail WHERE {condition}"
                )
            };
            // What is put together from a column is not the column.
            let plain = |value: &str| format!("concat({column}, '') = {value}");
            let one = rows(
                &lake,
                &[
                    asked(&plain(&value)),
                    asked(&format!("{column} = {value}")),
                    asked(&format!("{value} = {column}")),
                    asked(&format!("{column} IN ({value}, 'nobody', 'a', 'b', 'c')")),
                    asked(&format!("{column} = {value} AND eventsource <> 'nobody'")),
                ],
            );
            assert!(
                one.iter().all(|answer| *answer == one[0]),
                "{column} = {value}: {one:?}"
            );
            let two = rows(
                &lake,
                &[
                    asked(&format!("{} OR {}", plain(&value), plain(&next))),
                    asked(&format!("{column} IN ({value}, {next})")),
                    asked(&format!("{column} = {next} OR {column} = {value}")),
                    asked(&format!("NOT ({column} <> {next} AND {column} <> {value})")),
                ],
            );
            assert!(
                two.iter().all(|answer| *answer == two[0]),
                "{column} = {value}, {next}: {two:?}"
            );
            let other = rows(
                &lake,
                &[
                    asked(&format!("{} OR eventname = 'Decrypt'", plain(&value))),
                    asked(&format!("{column} = {value} OR eventname = 'Decrypt'")),
                    asked(&format!("{} AND eventsource = 'kms.amazonaws.com'", plain(&value))),
                    asked(&format!("{column} = {value} AND eventsource = 'kms.amazonaws.com'")),
                    asked(&format!("NOT ({})", plain(&value))),
                    asked(&format!("{column} NOT IN ({value})")),
                ],
            );
            for pair in other.chunks(2) {
                assert_eq!(pair[0], pair[1], "{column} = {value}");
            }
        }
    }
    // A join asks the one side for what the other has, which is not known before it runs.
    let joined = rows(
        &lake,
        &[
            "SELECT count(*) AS n FROM cloudtrail a JOIN cloudtrail b ON a.eventid = b.eventid".to_owned(),
            "SELECT count(*) AS n FROM cloudtrail".to_owned(),
        ],
    );
    assert_eq!(joined[0], joined[1]);
}

#[test]
fn files_without_what_is_sought_are_not_opened() {
    let lake = lake();
    let files = fs::read_dir(lake.path().join("cloudtrail")).unwrap().count() - 1;
    assert_eq!(files, 6);
    let said = |sql: &str| on(&lake, &["query", "-v", sql]).stderr;
    // One that lies between the least and the greatest of every file.
    let middle = "SELECT eventid FROM cloudtrail ORDER BY 1 LIMIT 1 OFFSET 12000".to_owned();
    let id = rows(&lake, &[middle])[0][0]["eventid"].as_str().unwrap().to_owned();
    let one = said(&format!("SELECT eventname FROM cloudtrail WHERE eventid = '{id}'"));
    assert!(
        one.contains(" of 1 file (1 of 12 row groups); the records are in 6 files"),
        "{one}"
    );
    let none = said("SELECT eventname FROM cloudtrail WHERE accesskeyid = 'AKIANOBODYNOBODY'");
    assert!(none.contains(" of 0 files (0 of 12 row groups); "), "{none}");
    let all = said("SELECT eventname FROM cloudtrail WHERE concat(accesskeyid, '') = 'AKIANOBODYNOBODY'");
    assert!(all.contains(" of 6 files (12 of 12 row groups); "), "{all}");
}

#[test]
fn a_condition_asked_of_one_row_of_each_kind_keeps_the_same_rows() {
    let lake = lake();
    for column in ["errorcode", "eventname", "kms_key_arn", "useragent"] {
        for condition in [
            "c IS NOT NULL",
            "c IS NULL",
            "c <> 'Decrypt'",
            "c = 'Decrypt'",
            "c IN ('AccessDenied', 'Decrypt', 'Encrypt')",
            "c NOT IN ('AccessDenied', 'Decrypt', 'Encrypt')",
            "c LIKE 'D%'",
            "c NOT LIKE '%e%'",
            "c > 'D' AND c < 'G' AND c IS NOT NULL",
            "length(c) > 12 OR c IS NULL",
            "c IS DISTINCT FROM 'Decrypt'",
            "c IS NOT NULL AND eventsource = 'kms.amazonaws.com'",
        ] {
            let condition = condition
                .replace("c ", &format!("{column} "))
                .replace("(c)", &format!("({column})"));
            let asked = |counted: &str| {
                format!(
                    "SELECT {column} AS c, {counted} AS n FROM cloudtrail WHERE {condition} GROUP BY 1 ORDER BY n, c"
                )
            };
            // What sums ones counts, and no rule knows it.
            let answers = rows(&lake, &[asked("count(*)"), asked("sum(1)")]);
            assert_eq!(answers[0], answers[1], "{condition}");
        }
    }
    let plan = rows(
        &lake,
        &["EXPLAIN SELECT errorcode, count(*) FROM cloudtrail WHERE errorcode IS NOT NULL GROUP BY 1".to_owned()],
    );
    let plan = plan[0]
        .iter()
        .map(|row| row["plan"].as_str().unwrap_or_default())
        .collect::<String>();
    let (filter, counted) = (plan.find("FilterExec").unwrap(), plan.find("CountAlike").unwrap());
    assert!(filter < counted, "{plan}");
}

#[test]
fn fields_of_structs_are_the_same_however_the_file_was_opened_before() {
    let lake = lake();
    let fields = [
        "useridentity.arn",
        "useridentity.type",
        "useridentity.sessioncontext.sessionissuer.username",
        "resources[1].arn",
    ];
    let mut first = None;
    // The files' footers are kept by a session: as a scan needed them that asked for no field, for statistics of pages, or
    // for both.
    for before in [
        vec![],
        vec!["SELECT eventname, count(*) FROM cloudtrail GROUP BY 1"],
        vec![
            "SELECT count(*) FROM cloudtrail WHERE eventname = 'Decrypt' AND eventtime > TIMESTAMP '2026-07-02 00:00:00'",
        ],
        vec![
            "SELECT count(*) FROM cloudtrail WHERE eventid = 'nobody'",
            "SELECT useridentity FROM cloudtrail WHERE eventname = 'Decrypt' LIMIT 3",
        ],
    ] {
        let mut asked: Vec<String> = before.iter().map(|&sql| sql.to_owned()).collect();
        for field in fields {
            asked.extend(["count(*)", "sum(1)"].map(|counted| {
                format!("SELECT {field} AS c, {counted} AS n FROM cloudtrail WHERE eventname <> 'Encrypt' GROUP BY 1 ORDER BY n, c")
            }));
        }
        asked.push("SELECT useridentity, resources FROM cloudtrail ORDER BY eventid LIMIT 50".to_owned());
        let answers = rows(&lake, &asked).split_off(before.len());
        for (pair, field) in answers.chunks(2).zip(fields) {
            assert_eq!(pair[0], pair[1], "{field}");
            assert!(pair[0].len() > 1, "{field}");
        }
        assert_eq!(
            first.get_or_insert_with(|| answers.clone()),
            &answers,
            "after {before:?}"
        );
    }
}
