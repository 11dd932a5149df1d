//! Verdicts over a generated lake of 10,000 keys and 2,000 principals, each from a cold start: seconds and peak memory, the
//! growth with the number of records, and one roll-up beside DuckDB on the same tables with the same SQL.
//!
//! `KEYTRAIL_BENCH_RECORDS` (`1000000,10000000`): the sizes; each lake is made once, compacted, and kept for later runs.
//! `KEYTRAIL_BENCH_LAKE`: a lake of one's own instead, asked as of `KEYTRAIL_BENCH_AS_OF`. `KEYTRAIL_BENCH_ROUNDS` (3): the
//! best of so many counts. What is extrapolated is said to be.
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

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use generator::corpus::Corpus;
use lakes::{keytrail, made, python, setting};

/// Named queries, and the seconds each may take at ten million records.
const QUERIES: [(&str, Option<f64>); 8] = [
    ("unused-keys", Some(2.0)),
    ("unexercised-admin-rights", Some(10.0)),
    ("unexplained-admin-use", None),
    ("removed-admin-rights", None),
    ("admin-rights-by-principal", None),
    ("dormant-principals", None),
    ("unguarded-keys", None),
    ("periodicity", None),
];

/// Uses per key, in words that both engines understand.
const USES: &str = "SELECT k['key_arn'] AS key_arn, count(*) AS uses, max(eventtime) AS last_used_at FROM (\
    SELECT eventtime, unnest(kms) AS k FROM cloudtrail WHERE eventsource = 'kms.amazonaws.com' AND errorcode IS NULL \
    AND eventname IN ('Decrypt', 'Encrypt', 'GenerateDataKey', 'GenerateDataKeyWithoutPlaintext')) AS uses \
    GROUP BY k['key_arn']";

fn corpus(records: u64) -> Corpus {
    Corpus {
        records,
        keys: 10_000,
        principals: 2_000,
        accounts: 10,
        days: 100,
        ..Corpus::default()
    }
}

/// Seconds of a run from its start to its end, and the most memory it held, in MiB (Linux; elsewhere 0).
fn measure(command: &mut Command) -> (f64, f64) {
    let started = Instant::now();
    let mut child = command.stdout(Stdio::null()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0.0_f64;
    loop {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
        peak = peak.max(kib.unwrap_or_default() / 1024.0);
        if let Some(code) = child.try_wait().unwrap() {
            assert!(code.success(), "{command:?}");
            return (started.elapsed().as_secs_f64(), peak);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn best(rounds: usize, mut run: impl FnMut() -> (f64, f64)) -> (f64, f64) {
    let runs: Vec<(f64, f64)> = (0..rounds).map(|_| run()).collect();
    let seconds = runs.iter().map(|run| run.0).fold(f64::INFINITY, f64::min);
    (seconds, runs.iter().map(|run| run.1).fold(0.0, f64::max))
}

fn ask(lake: &Path, query: &[&str], rounds: usize) -> (f64, f64) {
    best(rounds, || {
        measure(keytrail(lake).args(["-q", "query", "--format", "csv"]).args(query))
    })
}

/// DuckDB on the same tables, where Python can have it: seconds of the query alone, its start not counted.
fn duckdb(lake: &Path, rounds: usize) -> Option<f64> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = python()?;
    let mut child = Command::new(python)
        .arg(root.join("benches/peers/uses_per_key.py"))
        .arg(lake.join("cloudtrail"))
        .arg(rounds.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    child.stdin.take()?.write_all(USES.as_bytes()).ok()?;
    let output = child.wait_with_output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

fn main() {
    let rounds: usize = setting("KEYTRAIL_BENCH_ROUNDS", "3").parse().unwrap();
    let mut lakes: Vec<(u64, PathBuf, String)> = Vec::new();
    if let Ok(own) = std::env::var("KEYTRAIL_BENCH_LAKE") {
        lakes.push((0, PathBuf::from(own), setting("KEYTRAIL_BENCH_AS_OF", "2026-10-09")));
    } else {
        for records in setting("KEYTRAIL_BENCH_RECORDS", "1000000,10000000").split(',') {
            let records = records.trim().parse().unwrap();
            lakes.push((
                records,
                made("verdicts", &corpus(records), true),
                corpus(records).collected_at(),
            ));
        }
    }
    println!("| query | records | seconds | peak MiB | aim |\n| --- | ---: | ---: | ---: | ---: |");
    for (query, aim) in QUERIES {
        let mut measured: Vec<(u64, f64)> = Vec::new();
        for (records, lake, as_of) in &lakes {
            let at = format!("as_of={as_of}");
            let (seconds, peak) = ask(lake, &[query, "-p", &at], rounds);
            let aim = aim.map_or_else(String::new, |aim| format!("{aim:.0} s at 10 million, 2048 MiB"));
            println!("| {query} | {records} | {seconds:.2} | {peak:.0} | {aim} |");
            measured.push((*records, seconds));
        }
        if let [(few, first), .., (many, last)] = measured.as_slice() {
            let slope = (last - first) / (*many as f64 - *few as f64);
            let thousand = last + slope * (1e9 - *many as f64);
            println!("| {query} | 1000000000 | {thousand:.0} | | extrapolated along a line, not measured |");
        }
    }
    for (records, lake, _) in &lakes {
        let (seconds, peak) = ask(lake, &[USES], rounds);
        println!("| uses per key, start included | {records} | {seconds:.2} | {peak:.0} | |");
        match duckdb(lake, rounds) {
            Some(seconds) => println!("| the same SQL in DuckDB, its start left out | {records} | {seconds:.2} | | |"),
            None => println!("| the same SQL in DuckDB | {records} | not there | | |"),
        }
    }
}
