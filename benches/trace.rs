//! The story of one key as the lake doubles: seconds, and the share of the lake's bytes that were read.
//!
//! `KEYTRAIL_BENCH_RECORDS` (1,000,000) is the largest lake; half and a quarter of it come before. Lakes are kept between
//! runs. Each run is a new process; the page cache is dropped before it where the system lets us, and the table says so.
#![allow(
    unused_imports,
    reason = "the generator's tests are empty where there is no test harness, and only there"
)]
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench that cannot run has failed; its table is its output"
)]

#[path = "../tests/generator/mod.rs"]
mod generator;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Instant;

const ROUNDS: usize = 3;

fn keytrail(lake: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keytrail"));
    let done = command.arg("--lake").arg(lake).args(arguments).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    done
}

fn lake_of(records: u64) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let lake = folder.join(format!("trace-lake-{records}"));
    if lake.exists() {
        return lake;
    }
    let logs = folder.join(format!("corpus-{records}"));
    if !logs.join("AWSLogs").exists() {
        let corpus = generator::corpus::Corpus {
            records,
            ..generator::corpus::Corpus::default()
        };
        corpus.write_to(&logs).unwrap();
    }
    keytrail(&lake, &["-q", "ingest", &logs.display().to_string()]);
    lake
}

/// The key with the most administration: the longest story.
fn key_of(lake: &Path) -> String {
    let sql = "SELECT key_arn FROM kms_events WHERE class = 'admin' AND key_arn IS NOT NULL \
               GROUP BY key_arn ORDER BY count(*) DESC, key_arn LIMIT 1";
    let done = keytrail(lake, &["query", sql, "--format", "csv"]);
    let text = String::from_utf8(done.stdout).unwrap();
    text.lines().nth(1).unwrap().to_owned()
}

fn main() {
    let most = std::env::var("KEYTRAIL_BENCH_RECORDS").map_or(1_000_000, |text| text.parse().unwrap());
    println!("| records | lake MiB | key | seconds | MiB read | share | cold |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for records in [most / 4, most / 2, most] {
        let lake = lake_of(records);
        let key = key_of(&lake);
        for name in [key.as_str(), key.rsplit('/').next().unwrap()] {
            for _ in 0..ROUNDS {
                let cold = std::fs::write("/proc/sys/vm/drop_caches", "3").is_ok();
                let began = Instant::now();
                let done = keytrail(&lake, &["-v", "trace", name, "--as-of", "2026-08-01"]);
                let seconds = began.elapsed().as_secs_f64();
                let said = String::from_utf8(done.stderr).unwrap();
                let line = said.lines().find(|line| line.starts_with("read ")).unwrap();
                let mut numbers = line.split(' ').filter_map(|word| word.parse::<f64>().ok());
                let (read, held) = (numbers.next().unwrap(), numbers.next().unwrap());
                let (mib, share) = (1_048_576.0, 100.0 * read / held);
                let kind = if name.starts_with("arn:") { "ARN" } else { "id" };
                println!(
                    "| {records} | {:.1} | {kind} | {seconds:.2} | {:.1} | {share:.1} % | {cold} |",
                    held / mib,
                    read / mib
                );
            }
        }
    }
}
