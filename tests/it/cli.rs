//! The command line: exit codes, where words go, lakes that are none, pipes that close.

use std::io::Read;
use std::process::Stdio;

use crate::support::office::office;
use crate::support::program::{keytrail, on, run};

#[test]
fn usage_errors_are_2_and_help_is_0() {
    assert_eq!(run(&["--help"]).code, 0);
    assert_eq!(run(&["--version"]).code, 0);
    assert_eq!(run(&["query", "--help"]).code, 0);
    for wrong in [
        vec![],
        vec!["nonsense"],
        vec!["query"],
        vec!["query", "SELECT 1", "--format", "xml"],
        vec!["query", "-p", "x"],
    ] {
        let done = run(&wrong);
        assert_eq!((done.code, done.stdout.as_str()), (2, ""), "{wrong:?}");
        assert!(!done.stderr.is_empty());
    }
}

#[test]
fn a_place_without_a_lake_is_2_with_a_hint_and_stays_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing").display().to_string();
    let done = run(&["query", "SELECT 1", "--lake", &missing]);
    assert_eq!((done.code, done.stdout.as_str()), (2, ""));
    assert!(
        done.stderr.contains("does not exist\nhint: name the lake with --lake"),
        "{}",
        done.stderr
    );
    let empty = folder.path().display().to_string();
    let done = run(&["--lake", &empty, "query", "SELECT 1"]);
    assert_eq!(done.code, 2);
    assert!(done.stderr.contains("is not a lake"), "{}", done.stderr);
    let file = folder.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let done = run(&["--lake", &file.display().to_string(), "query", "SELECT 1"]);
    assert_eq!(done.code, 2);
    assert!(done.stderr.contains("is not a folder"), "{}", done.stderr);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing was made");
    assert_eq!(run(&["--lake", "ftp://x/y", "query", "SELECT 1"]).code, 2);
}

#[test]
fn the_lake_is_named_before_or_after_the_command_or_by_the_environment() {
    let lake = office();
    let path = lake.path().display().to_string();
    assert_eq!(run(&["--lake", &path, "query", "SELECT 1"]).code, 0);
    assert_eq!(run(&["query", "SELECT 1", "--lake", &path]).code, 0);
    let done = keytrail()
        .env("KEYTRAIL_LAKE", &path)
        .args(["query", "SELECT 1"])
        .output()
        .unwrap();
    assert_eq!(done.status.code(), Some(0));
}

#[test]
fn a_lake_on_s3_without_credentials_is_2_with_a_hint() {
    let done = run(&["--lake", "s3://bucket/lake", "query", "SELECT 1"]);
    assert_eq!(done.code, 2);
    assert!(
        done.stderr.contains("there are no AWS credentials") && done.stderr.contains("\nhint: "),
        "{}",
        done.stderr
    );
}

#[test]
fn a_closed_pipe_is_0() {
    let lake = office();
    let sql = "SELECT value, repeat('x', 100) FROM generate_series(1, 2000000)";
    for format in ["csv", "jsonl", "table", "parquet"] {
        let mut child = keytrail()
            .args([
                "--lake",
                &lake.path().display().to_string(),
                "query",
                sql,
                "--format",
                format,
            ])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = [0; 64];
        child.stdout.take().unwrap().read_exact(&mut first).unwrap();
        let done = child.wait_with_output().unwrap();
        assert_eq!(
            done.status.code(),
            Some(0),
            "{format}: {}",
            String::from_utf8_lossy(&done.stderr)
        );
        assert!(
            done.stderr.is_empty(),
            "{format}: {}",
            String::from_utf8_lossy(&done.stderr)
        );
    }
}

#[cfg(unix)]
#[test]
fn an_interrupt_is_130() {
    let lake = office();
    let sql = "SELECT count(*) FROM generate_series(1, 3000000) a, generate_series(1, 3000000) b";
    let mut child = keytrail()
        .args(["--lake", &lake.path().display().to_string(), "query", sql])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1_500));
    assert!(child.try_wait().unwrap().is_none(), "it should still be counting");
    let killed = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    let began = std::time::Instant::now();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(began.elapsed().as_secs() < 20, "it took {:?} to stop", began.elapsed());
}

#[test]
fn errors_and_notes_go_to_stderr_and_quiet_silences_notes() {
    let lake = office();
    let done = on(&lake, &["query", "SELECT nothing FROM cloudtrail"]);
    assert_eq!((done.code, done.stdout.as_str()), (2, ""));
    assert!(done.stderr.starts_with("error: "), "{}", done.stderr);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("q.sql");
    std::fs::write(
        &file,
        "-- title: T\n-- question: Q\n-- param as_of instant = latest: when\nSELECT $as_of AS at\n",
    )
    .unwrap();
    assert_eq!(
        on(&lake, &["-q", "query", "-f", &file.display().to_string()]).stderr,
        ""
    );
}
