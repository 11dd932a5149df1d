//! The ten questions analysts ask most, as they paste them, and the same in DuckDB over the same files: each in a process
//! of its own, the two in turn, round after round. keytrail is timed from its start to its end, DuckDB from opening the
//! table to the last row; what Python needs to start is left out, or, where its own program is named, from its start too.
//!
//! `KEYTRAIL_BENCH_LAKE`: the lake to ask. `KEYTRAIL_BENCH_RECORDS` (`1000000`): else a lake of so many records, made once
//! and compacted. `KEYTRAIL_BENCH_ROUNDS` (5): the medians of so many count. `KEYTRAIL_BENCH_SCAN` (`delta`): how DuckDB
//! reads, `delta` or `parquet`. `KEYTRAIL_BENCH_DUCKDB`: DuckDB's own program, which then reads by `delta_scan` whatever that
//! says. `KEYTRAIL_BENCH_PYTHON`: an interpreter with `tests/python/requirements.txt`.
#![allow(
    unused_imports,
    reason = "the generator's tests are empty where there is no test harness, and only there"
)]
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a bench prints its table, and ends where something fails"
)]

#[path = "../tests/generator/mod.rs"]
mod generator;
mod lakes;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use generator::corpus::Corpus;
use lakes::{keytrail, made, python, setting};

/// A question: its name, as it is pasted, and in DuckDB's words.
type Question = (&'static str, &'static str, &'static str);

const QUESTIONS: [Question; 10] = [
    (
        "events by name",
        "SELECT eventname, count(*) AS n FROM cloudtrail_logs GROUP BY eventname ORDER BY n DESC, eventname LIMIT 20",
        "SELECT eventname, count(*) AS n FROM cloudtrail GROUP BY eventname ORDER BY n DESC, eventname LIMIT 20",
    ),
    (
        "principals of a week",
        "SELECT useridentity.arn, count(*) AS n FROM cloudtrail_logs WHERE eventtime >= '{since}' AND eventtime < '{until}' \
         GROUP BY useridentity.arn ORDER BY n DESC, 1 LIMIT 20",
        "SELECT useridentity.arn, count(*) AS n FROM cloudtrail WHERE eventtime >= TIMESTAMPTZ '{since}' \
         AND eventtime < TIMESTAMPTZ '{until}' AND event_date >= DATE '{since}' AND event_date < DATE '{until}' \
         GROUP BY 1 ORDER BY n DESC, 1 LIMIT 20",
    ),
    (
        "one access key",
        "SELECT eventtime, eventsource, eventname, sourceipaddress, errorcode FROM cloudtrail_logs \
         WHERE useridentity.accesskeyid = '{access_key}' ORDER BY eventtime",
        "SELECT eventtime, eventsource, eventname, sourceipaddress, errorcode FROM cloudtrail \
         WHERE accesskeyid = '{access_key}' ORDER BY eventtime",
    ),
    (
        "one source address",
        "SELECT eventsource, eventname, count(*) AS n, min(eventtime) AS first, max(eventtime) AS last FROM cloudtrail_logs \
         WHERE sourceipaddress = '{address}' GROUP BY 1, 2 ORDER BY n DESC, 1, 2",
        "SELECT eventsource, eventname, count(*) AS n, min(eventtime) AS first, max(eventtime) AS last FROM cloudtrail \
         WHERE sourceipaddress = '{address}' GROUP BY 1, 2 ORDER BY n DESC, 1, 2",
    ),
    (
        "errors by code",
        "SELECT errorcode, count(*) AS n FROM cloudtrail_logs WHERE errorcode IS NOT NULL GROUP BY errorcode ORDER BY n DESC, 1",
        "SELECT errorcode, count(*) AS n FROM cloudtrail WHERE errorcode IS NOT NULL GROUP BY errorcode ORDER BY n DESC, 1",
    ),
    (
        "console sign-ins",
        "SELECT eventtime, useridentity.arn, sourceipaddress, json_extract_scalar(responseelements, '$.ConsoleLogin') AS result \
         FROM cloudtrail_logs WHERE eventname = 'ConsoleLogin' ORDER BY eventtime DESC LIMIT 100",
        "SELECT eventtime, useridentity.arn, sourceipaddress, json_extract_string(responseelements, '$.ConsoleLogin') AS result \
         FROM cloudtrail WHERE eventname = 'ConsoleLogin' ORDER BY eventtime DESC LIMIT 100",
    ),
    (
        "one event",
        "SELECT eventtime, eventname, useridentity.arn, requestparameters, responseelements FROM cloudtrail_logs \
         WHERE eventid = '{event}'",
        "SELECT eventtime, eventname, useridentity.arn, requestparameters, responseelements FROM cloudtrail \
         WHERE eventid = '{event}'",
    ),
    (
        "uses of one key",
        "SELECT eventname, useridentity.arn, count(*) AS n, max(eventtime) AS last FROM cloudtrail_logs \
         WHERE eventsource = 'kms.amazonaws.com' AND kms_key_arn = '{key}' GROUP BY 1, 2 ORDER BY n DESC, 1, 2",
        "SELECT eventname, useridentity.arn, count(*) AS n, max(eventtime) AS last FROM cloudtrail \
         WHERE eventsource = 'kms.amazonaws.com' AND kms_key_arn = '{key}' GROUP BY 1, 2 ORDER BY n DESC, 1, 2",
    ),
    (
        "decrypts per day",
        "SELECT date(eventtime) AS day, count(*) AS n FROM cloudtrail_logs \
         WHERE eventsource = 'kms.amazonaws.com' AND eventname = 'Decrypt' GROUP BY 1 ORDER BY 1",
        "SELECT CAST(eventtime AS DATE) AS day, count(*) AS n FROM cloudtrail \
         WHERE eventsource = 'kms.amazonaws.com' AND eventname = 'Decrypt' GROUP BY 1 ORDER BY 1",
    ),
    (
        "a field of the request",
        "SELECT json_extract_scalar(requestparameters, '$.roleArn') AS role, count(*) AS n FROM cloudtrail_logs \
         WHERE eventname = 'AssumeRole' GROUP BY 1 ORDER BY n DESC, 1 LIMIT 20",
        "SELECT json_extract_string(requestparameters, '$.roleArn') AS role, count(*) AS n FROM cloudtrail \
         WHERE eventname = 'AssumeRole' GROUP BY 1 ORDER BY n DESC, 1 LIMIT 20",
    ),
];

/// What the questions are asked about: values that few records of the lake have.
const SUBJECTS: [(&str, &str); 6] = [
    (
        "access_key",
        "SELECT accesskeyid FROM cloudtrail WHERE accesskeyid IS NOT NULL GROUP BY 1 ORDER BY count(*), 1 LIMIT 1",
    ),
    (
        "address",
        "SELECT sourceipaddress FROM cloudtrail WHERE sourceipaddress LIKE '%.%.%.%' GROUP BY 1 ORDER BY count(*), 1 LIMIT 1",
    ),
    (
        "event",
        "SELECT min(eventid) FROM cloudtrail WHERE eventname = 'Decrypt'",
    ),
    (
        "key",
        "SELECT kms_key_arn FROM cloudtrail WHERE kms_key_arn IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1",
    ),
    ("since", "SELECT date(max(eventtime)) - interval '30' day"),
    ("until", "SELECT date(max(eventtime)) - interval '23' day"),
];

/// The first value of a query's answer.
fn subject(lake: &Path, sql: &str) -> String {
    let output = keytrail(lake)
        .args(["-q", "query", "--format", "csv", sql])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{sql}: {said}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().nth(1).unwrap_or_default().trim_matches('"').to_owned()
}

/// Seconds of a whole run, how many rows it wrote, and what it said of what it read.
fn ours(lake: &Path, sql: &str) -> (f64, usize, String) {
    let started = Instant::now();
    let output = keytrail(lake)
        .args(["-v", "query", "--format", "csv", sql])
        .output()
        .unwrap();
    let seconds = started.elapsed().as_secs_f64();
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    assert!(output.status.success(), "{sql}: {said}");
    let rows = String::from_utf8_lossy(&output.stdout)
        .lines()
        .count()
        .saturating_sub(1);
    (seconds, rows, said.replace('\n', "; "))
}

/// DuckDB's own program, timed as keytrail is, from its start to its end.
fn theirs_as_a_program(program: &Path, lake: &Path, sql: &str) -> (f64, usize) {
    let table = lake.join("cloudtrail");
    let text = format!(
        "LOAD delta; CREATE VIEW cloudtrail AS SELECT * FROM delta_scan('{}'); SET TimeZone = 'UTC'; {sql}",
        table.display()
    );
    let started = Instant::now();
    let output = Command::new(program).args(["-csv", "-c", &text]).output().unwrap();
    let seconds = started.elapsed().as_secs_f64();
    assert!(
        output.status.success(),
        "{sql}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let rows = String::from_utf8_lossy(&output.stdout).lines().count();
    (seconds, rows.saturating_sub(1))
}

fn theirs(python: &Path, lake: &Path, sql: &str) -> (f64, usize) {
    if let Some(program) = std::env::var_os("KEYTRAIL_BENCH_DUCKDB") {
        return theirs_as_a_program(Path::new(&program), lake, sql);
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers/questions.py");
    let mut command = Command::new(python);
    command
        .arg(script)
        .arg(lake.join("cloudtrail"))
        .arg(setting("KEYTRAIL_BENCH_SCAN", "delta"));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(sql.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{sql}");
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = answer["rows"].as_u64().unwrap();
    (answer["seconds"].as_f64().unwrap(), usize::try_from(rows).unwrap())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn main() {
    let rounds: usize = setting("KEYTRAIL_BENCH_ROUNDS", "5").parse().unwrap();
    let lake = match std::env::var("KEYTRAIL_BENCH_LAKE") {
        Ok(own) => PathBuf::from(own),
        Err(_) => {
            let corpus = Corpus {
                records: setting("KEYTRAIL_BENCH_RECORDS", "1000000").parse().unwrap(),
                ..Corpus::default()
            };
            made("questions", &corpus, false)
        }
    };
    let own = std::env::var_os("KEYTRAIL_BENCH_PYTHON").map(PathBuf::from);
    let python = own.or_else(python).unwrap();
    let subjects: BTreeMap<&str, String> = SUBJECTS
        .iter()
        .map(|(name, sql)| {
            let from = if sql.contains(" FROM ") { "" } else { " FROM cloudtrail" };
            (*name, subject(&lake, &format!("{sql}{from}")))
        })
        .collect();
    let filled = |sql: &str| {
        let day = |value: &str| value.get(..10).unwrap_or(value).to_owned();
        subjects.iter().fold(sql.to_owned(), |sql, (name, value)| {
            let value = if matches!(*name, "since" | "until") {
                day(value)
            } else {
                value.clone()
            };
            sql.replace(&format!("{{{name}}}"), &value)
        })
    };
    println!("| question | keytrail s | DuckDB s | DuckDB / keytrail | rows | read by keytrail |");
    println!("| --- | ---: | ---: | ---: | ---: | --- |");
    let mut ratios = Vec::new();
    for (name, pasted, duckdb) in QUESTIONS {
        let (pasted, duckdb) = (filled(pasted), filled(duckdb));
        let (mut mine, mut other, mut each, mut read) = (Vec::new(), Vec::new(), Vec::new(), String::new());
        let mut held = 0;
        for _ in 0..rounds {
            let (own, rows, said) = ours(&lake, &pasted);
            let (peer, peers_rows) = theirs(&python, &lake, &duckdb);
            assert_eq!(rows, peers_rows, "{pasted}");
            (held, read) = (rows, said);
            mine.push(own);
            other.push(peer);
            each.push(peer / own);
        }
        let ratio = median(each);
        ratios.push(ratio);
        println!(
            "| {name} | {:.3} | {:.3} | {ratio:.2} | {held} | {read} |",
            median(mine),
            median(other)
        );
    }
    let slowest = ratios.iter().copied().fold(f64::INFINITY, f64::min);
    println!("\nmedian of the ratios {:.2}, the least {slowest:.2}", median(ratios));
}
