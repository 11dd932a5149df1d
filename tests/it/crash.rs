//! Exactly once, whatever happens: killed at any moment, started twice at once, sources in any order, storage that fails. The rows are
//! always those of one clean run.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::ingested::Lake;
use crate::support::logs;
use crate::support::moto::Moto;
use crate::support::peers::Peer;
use crate::support::program;

/// A pseudo-random fraction, the same in every run of the tests.
fn fraction(seed: u32) -> f64 {
    let mixed = (u64::from(seed) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    f64::from(u32::try_from(mixed >> 40).unwrap()) / f64::from(1 << 24)
}

/// Starts an ingest and kills it after a while; whether it was still running then.
fn killed(lake: &Lake, sources: &[&str], after: Duration) -> bool {
    let mut child = lake
        .command(&[&["ingest"], sources].concat())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(after);
    let was_running = child.try_wait().unwrap().is_none();
    // SIGKILL: no code of the program's own runs any more.
    let _ = child.kill();
    child.wait().unwrap();
    was_running
}

/// Whether the lake has its first tables.
fn is_there(lake: &Lake) -> bool {
    lake.run(&["query", "SELECT count(*) FROM cloudtrail, ingest_objects"])
        .code
        == 0
}

fn kill_and_compare(new_lake: impl Fn() -> Lake, sources: &[&str], rounds: u32) {
    let clean = new_lake();
    let began = Instant::now();
    clean.ingest(sources);
    let whole = began.elapsed();
    clean.check();
    let expected = clean.state();
    let mut kills = 0;
    for round in 0..rounds {
        let lake = new_lake();
        for again in 0..3 {
            let share = fraction(round * 3 + again);
            kills += u32::from(killed(&lake, sources, whole.mul_f64(share)));
            // What is there is whole at every moment, or is not there at all.
            if is_there(&lake) {
                lake.check_rows();
            }
        }
        lake.ingest(sources);
        lake.check();
        assert!(
            lake.state() == expected,
            "round {round}: other rows than those of a clean run"
        );
        let again = lake.ingest(sources);
        assert!(again.stderr.contains(" 0 read"), "{}", again.stderr);
    }
    assert!(
        kills * 2 >= rounds,
        "only {kills} runs were killed: the corpus is too small"
    );
}

#[test]
fn killed_at_any_moment_and_run_again_is_one_clean_run() {
    let root = tempfile::tempdir().unwrap();
    let folders = logs::overlapping_trails(root.path(), 5, 20, 60);
    let sources: Vec<&str> = folders.iter().map(String::as_str).collect();
    kill_and_compare(Lake::in_folder, &sources, 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_on_s3_and_run_again_is_one_clean_run() {
    let Some(server) = Moto::shared() else { return };
    let root = tempfile::tempdir().unwrap();
    logs::overlapping_trails(root.path(), 3, 10, 30);
    let bucket = server.bucket().await;
    bucket.put_folder(root.path(), "").await;
    let mut lakes = Vec::new();
    for _ in 0..4 {
        lakes.push(server.bucket().await);
    }
    let lakes = std::sync::Mutex::new(lakes);
    let new_lake = || Lake::on(server, &lakes.lock().unwrap().pop().unwrap());
    let sources: Vec<String> = (0..3)
        .map(|trail| format!("s3://{}/trail-{trail}", bucket.name))
        .collect();
    let sources: Vec<&str> = sources.iter().map(String::as_str).collect();
    tokio::task::block_in_place(|| kill_and_compare(new_lake, &sources, 3));
}

#[test]
fn after_a_kill_no_reader_sees_records_and_ledger_differ() {
    let root = tempfile::tempdir().unwrap();
    let folders = logs::overlapping_trails(root.path(), 6, 3, 30);
    let sources: Vec<&str> = folders.iter().map(String::as_str).collect();
    let began = Instant::now();
    Lake::in_folder().ingest(&sources);
    let whole = began.elapsed();
    for round in 0..20 {
        let lake = Lake::in_folder();
        killed(&lake, &sources, whole.mul_f64(0.3 + 0.7 * fraction(round)));
        if is_there(&lake) {
            lake.check();
        }
    }
}

/// Starts ingests together and waits for all of them.
fn together(lake: &Lake, runs: &[Vec<&str>]) {
    let children: Vec<_> = runs
        .iter()
        .map(|sources| {
            let mut command = lake.command(&[&["ingest"], sources.as_slice()].concat());
            command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert_eq!(
            output.status.code(),
            Some(0),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

/// Races on lakes that are there already, so that only taking in is raced for.
fn race_and_compare(new_lake: impl Fn() -> Lake, sources: &[&str], rounds: u32) {
    let nothing = tempfile::tempdir().unwrap();
    let clean = new_lake();
    clean.ingest(sources);
    let expected = clean.state();
    let backwards: Vec<&str> = sources.iter().rev().copied().collect();
    for round in 0..rounds {
        let lake = new_lake();
        lake.ingest(&[&nothing.path().display().to_string()]);
        let runs = match round % 4 {
            0 => vec![sources.to_vec(), sources.to_vec()],
            1 => vec![sources.to_vec(), backwards.clone()],
            _ => vec![
                sources.to_vec(),
                backwards.clone(),
                sources[1..].to_vec(),
                backwards[1..].to_vec(),
            ],
        };
        together(&lake, &runs);
        lake.check();
        assert!(
            lake.state() == expected,
            "round {round}: other rows than those of a clean run"
        );
    }
}

#[test]
fn ingests_at_once_are_one_clean_run() {
    let root = tempfile::tempdir().unwrap();
    let folders = logs::overlapping_trails(root.path(), 4, 12, 30);
    let sources: Vec<&str> = folders.iter().map(String::as_str).collect();
    race_and_compare(Lake::in_folder, &sources, 12);
}

#[test]
fn first_ingests_at_once_make_one_lake() {
    let root = tempfile::tempdir().unwrap();
    let folders = logs::overlapping_trails(root.path(), 2, 3, 10);
    let sources: Vec<&str> = folders.iter().map(String::as_str).collect();
    let clean = Lake::in_folder();
    clean.ingest(&sources);
    for round in 0..6 {
        let lake = Lake::in_folder();
        together(&lake, &vec![sources.clone(); 4]);
        assert!(
            lake.state() == clean.state(),
            "round {round}: other rows than those of a clean run"
        );
    }
}

#[test]
fn a_lake_whose_making_was_interrupted_is_still_one() {
    let root = tempfile::tempdir().unwrap();
    let folders = logs::overlapping_trails(root.path(), 1, 2, 5);
    let lake = Lake::in_folder();
    // As a kill leaves it between making the folder and the table's first commit.
    std::fs::create_dir_all(Path::new(&lake.address).join("cloudtrail")).unwrap();
    lake.ingest(&[&folders[0]]);
    assert_eq!(lake.count("SELECT count(*) FROM cloudtrail"), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn ingests_at_once_on_s3_are_one_clean_run() {
    let Some(server) = Moto::shared() else { return };
    let root = tempfile::tempdir().unwrap();
    logs::overlapping_trails(root.path(), 3, 8, 20);
    let bucket = server.bucket().await;
    bucket.put_folder(root.path(), "").await;
    let mut lakes = Vec::new();
    for _ in 0..4 {
        lakes.push(server.bucket().await);
    }
    let lakes = std::sync::Mutex::new(lakes);
    let new_lake = || Lake::on(server, &lakes.lock().unwrap().pop().unwrap());
    let sources: Vec<String> = (0..3)
        .map(|trail| format!("s3://{}/trail-{trail}", bucket.name))
        .collect();
    let sources: Vec<&str> = sources.iter().map(String::as_str).collect();
    tokio::task::block_in_place(|| race_and_compare(new_lake, &sources, 3));
}

#[test]
fn the_order_of_sources_changes_no_row() {
    let root = tempfile::tempdir().unwrap();
    let folders = logs::overlapping_trails(root.path(), 3, 6, 20);
    let sources: Vec<&str> = folders.iter().map(String::as_str).collect();
    let (forwards, backwards) = (Lake::in_folder(), Lake::in_folder());
    forwards.ingest(&sources);
    for source in sources.iter().rev() {
        backwards.ingest(&[source]);
        backwards.check();
    }
    assert!(forwards.state() == backwards.state());
}

#[test]
fn other_engines_see_only_whole_commits() {
    let root = tempfile::tempdir().unwrap();
    let folders = logs::overlapping_trails(root.path(), 4, 10, 40);
    let sources: Vec<&str> = folders.iter().map(String::as_str).collect();
    let lake = Lake::in_folder();
    for round in 0..3 {
        killed(&lake, &sources, Duration::from_millis(250 + 250 * round));
    }
    lake.ingest(&sources);
    lake.run(&["compact"]);
    let sql = "SELECT source_object, count(*) AS rows FROM cloudtrail GROUP BY source_object ORDER BY source_object";
    let ours = lake.ask(sql);
    for peer in [Peer::DuckDb, Peer::DeltaPython] {
        let Some(rows) = peer.query(&lake.tables(&["cloudtrail"]), sql, None) else {
            return;
        };
        assert_eq!(rows, ours, "{peer:?}");
    }
}

#[cfg(unix)]
#[test]
fn storage_that_fails_half_way_ends_the_run_and_the_next_one_finishes_it() {
    let root = tempfile::tempdir().unwrap();
    let folders = logs::overlapping_trails(root.path(), 3, 20, 60);
    let sources: Vec<&str> = folders.iter().map(String::as_str).collect();
    let clean = Lake::in_folder();
    clean.ingest(&sources);
    // No file may grow beyond so many blocks: like a disk that is full, at several moments.
    for blocks in [0, 1, 4, 16, 40] {
        let lake = Lake::in_folder();
        let mut command = std::process::Command::new("sh");
        command
            .args(["-c", &format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"")])
            .args(["sh", env!("CARGO_BIN_EXE_keytrail"), "--lake", &lake.address, "ingest"])
            .args(&sources);
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.code() != Some(0) {
            assert!(
                output.status.code() == Some(2) || output.status.code() == Some(3),
                "{blocks} blocks: {:?} {said}",
                output.status
            );
            assert!(said.contains("error"), "{blocks} blocks: {said}");
        } else {
            assert!(blocks >= 16, "{blocks} blocks were enough: {said}");
        }
        lake.ingest(&sources);
        lake.check();
        assert!(lake.state() == clean.state(), "{blocks} blocks");
    }
}

#[test]
fn a_lake_that_is_none_is_refused_and_left_alone() {
    let root = tempfile::tempdir().unwrap();
    let folders = logs::overlapping_trails(root.path(), 1, 1, 1);
    let other = root.path().join("other");
    logs::write(&other, "mine.txt", b"mine");
    let run = program::run(&["--lake", &other.display().to_string(), "ingest", &folders[0]]);
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert!(run.stderr.contains("hint"), "{}", run.stderr);
    assert_eq!(std::fs::read_dir(&other).unwrap().count(), 1);
    let file = other.join("mine.txt");
    let run = program::run(&["--lake", &file.display().to_string(), "ingest", &folders[0]]);
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert_eq!(std::fs::read(&file).unwrap(), b"mine");
    assert!(Path::new(&folders[0]).exists());
}
