//! Runs of the program, as a user makes them.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// The program, with nothing of the tester's environment that could change its answer.
pub fn keytrail() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keytrail"));
    command
        .env_remove("KEYTRAIL_LAKE")
        .env("NO_COLOR", "1")
        .env("AWS_CONFIG_FILE", "/dev/null");
    command
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .env("AWS_EC2_METADATA_DISABLED", "true");
    for name in [
        "AWS_PROFILE",
        "AWS_ENDPOINT_URL",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
    ] {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

/// What a run did.
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// Runs the program to its end.
pub fn run(arguments: &[&str]) -> Run {
    let output: Output = keytrail().args(arguments).output().unwrap();
    Run {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs the program on a lake.
pub fn on(lake: &(impl AsRef<Path> + ?Sized), arguments: &[&str]) -> Run {
    let path = lake.as_ref().display().to_string();
    let mut all = vec!["--lake", path.as_str()];
    all.extend(arguments);
    run(&all)
}

/// The rows a query answers with, as JSON objects.
pub fn ask(lake: &(impl AsRef<Path> + ?Sized), arguments: &[&str]) -> Vec<Value> {
    let mut all = vec!["query", "--format", "jsonl"];
    all.extend(arguments);
    let done = on(lake, &all);
    assert_eq!(done.code, 0, "{arguments:?}: {}", done.stderr);
    done.stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}
