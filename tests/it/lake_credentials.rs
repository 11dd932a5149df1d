//! A lake on S3 outlives the session it was opened with: credentials come from the AWS SDK's chain whenever they are needed, and are
//! asked for again before they end.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::support::expiring::{Gate, Sessions};
use crate::support::moto::Moto;
use crate::support::program::{Run, keytrail};

#[tokio::test(flavor = "multi_thread")]
async fn a_run_longer_than_its_session_goes_on_with_the_next_one() {
    let Some(server) = Moto::shared() else { return };
    let bucket = server.bucket().await;
    let folder = tempfile::tempdir().unwrap();
    let sessions = Sessions::of(folder.path(), 4);
    let gate = Gate::before(&server.endpoint, Duration::from_millis(50)).await;
    let lake = format!("s3://{}/lake", bucket.name);
    let run = |lake: &str, arguments: &[&str]| -> Run {
        let mut command = keytrail();
        command.args(["--lake", lake, "--endpoint-url", &gate.endpoint, "--profile", "short"]);
        command.args(arguments).env("AWS_CONFIG_FILE", sessions.config());
        let output = tokio::task::block_in_place(|| command.output().unwrap());
        Run {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    };
    let logs = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("sample-logs/AWSLogs")
        .display()
        .to_string();
    let began = std::time::Instant::now();
    let done = run(&lake, &["ingest", &logs]);
    let (took, asked) = (began.elapsed(), sessions.asked());
    assert_eq!(done.code, 0, "{}", done.stderr);
    let (passed, refused) = gate.read();
    assert_eq!(refused, 0, "a request was signed with a session that had ended");
    assert!(
        took > Duration::from_secs(8),
        "it took {took:?}, less than two sessions: nothing is shown"
    );
    // One for every three of its four seconds, and some for what is slow to come; not one for every request.
    let most = usize::try_from(took.as_secs()).unwrap() / 2 + 2;
    assert!((3..=most).contains(&asked), "{asked} sessions in {took:?}");
    assert!(passed > 4 * asked, "{passed} requests, {asked} sessions");
    // A lake all the same.
    let sql = "SELECT count(*) AS rows, count(DISTINCT eventid) AS ids FROM cloudtrail";
    let there: Value = serde_json::from_str(run(&lake, &["query", "--format", "jsonl", sql]).stdout.trim()).unwrap();
    let plain = folder.path().join("plain").display().to_string();
    assert_eq!(run(&plain, &["ingest", &logs]).code, 0);
    let here: Value = serde_json::from_str(run(&plain, &["query", "--format", "jsonl", sql]).stdout.trim()).unwrap();
    assert_eq!(there, here);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_signed_in_is_said_before_anything_is_asked() {
    let gate = Gate::before("http://127.0.0.1:9", Duration::ZERO).await;
    let mut command = keytrail();
    command.args([
        "--lake",
        "s3://a-bucket/lake",
        "--endpoint-url",
        &gate.endpoint,
        "query",
        "SELECT 1",
    ]);
    let output = tokio::task::block_in_place(|| command.output().unwrap());
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("no AWS credentials") && said.contains("hint"), "{said}");
    assert_eq!(gate.read(), (0, 0));
}
