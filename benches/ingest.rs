//! Ingest against ClickHouse, DuckDB and inflating alone, on one generated corpus, in turn.
//!
//! `KEYTRAIL_BENCH_RECORDS` (1,000,000), `KEYTRAIL_BENCH_ROUNDS` (3) and `KEYTRAIL_BENCH_ENGINES` (all) say how much.
//! Figures are ratios of one session: the machine's own speed drifts. The table goes to stdout.
#![allow(
    unused_imports,
    reason = "the generator's tests are empty where there is no test harness, and only there"
)]
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a bench that cannot run has failed, and says where it is"
)]

#[path = "../tests/generator/mod.rs"]
mod generator;

use std::path::{Path, PathBuf};
use std::process::Command;

fn setting(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| default.to_owned())
}

fn python(folder: &Path) -> PathBuf {
    let venv = folder.join("peers-venv");
    let python = venv.join("bin/python");
    if !venv.join("ready").exists() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert!(
            Command::new("python3")
                .args(["-m", "venv"])
                .arg(&venv)
                .status()
                .unwrap()
                .success()
        );
        let install = ["-m", "pip", "install", "-q", "-r"];
        let requirements = root.join("benches/peers/requirements.txt");
        assert!(
            Command::new(&python)
                .args(install)
                .arg(requirements)
                .status()
                .unwrap()
                .success()
        );
        std::fs::write(venv.join("ready"), "").unwrap();
    }
    python
}

fn main() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let records: u64 = setting("KEYTRAIL_BENCH_RECORDS", "1000000").parse().unwrap();
    let logs = folder.join(format!("corpus-{records}"));
    if !logs.join("AWSLogs").exists() {
        eprintln!("writing {records} records to {}", logs.display());
        let corpus = generator::corpus::Corpus {
            records,
            ..generator::corpus::Corpus::default()
        };
        corpus.write_to(&logs).unwrap();
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut compare = Command::new(python(&folder));
    compare
        .arg(root.join("benches/peers/compare.py"))
        .arg(env!("CARGO_BIN_EXE_keytrail"))
        .arg(&logs);
    compare
        .arg(folder.join("compared"))
        .arg(setting("KEYTRAIL_BENCH_ROUNDS", "3"));
    if let Ok(engines) = std::env::var("KEYTRAIL_BENCH_ENGINES") {
        compare.arg(engines);
    }
    assert!(compare.status().unwrap().success());
}
