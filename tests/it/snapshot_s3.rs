//! Snapshots in a lake on a real S3 server: collected, imported, listed and compared; two collections at once, and one that is
//! killed, are those of a folder.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::emulator::Emulator;
use crate::support::moto;

const KEYS: usize = 48;

/// The emulator is the S3 server too; the notes of collections stand in a folder of the test.
struct Place {
    emulator: Emulator,
    folder: tempfile::TempDir,
}

impl Place {
    async fn start() -> Option<Place> {
        let emulator = Emulator::start("populated_aws.py", &[KEYS, 120, 12])?;
        let config = aws_sdk_s3::config::Builder::from(&moto::config(&emulator.url)).force_path_style(true);
        let client = aws_sdk_s3::Client::from_conf(config.build());
        for bucket in ["first-lake", "second-lake", "third-lake"] {
            client.create_bucket().bucket(bucket).send().await.unwrap();
        }
        Some(Place {
            emulator,
            folder: tempfile::tempdir().unwrap(),
        })
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn of(&self, mut command: Command) -> Command {
        command.env("XDG_STATE_HOME", self.folder.path());
        command
    }

    fn collect(&self, lake: &str, more: &[&str]) -> Command {
        self.of(self.emulator.collect(lake, more))
    }

    fn run(&self, lake: &str, arguments: &[&str]) -> String {
        let done = self.of(self.emulator.command(lake, arguments)).output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(0), "{arguments:?}: {said}");
        String::from_utf8(done.stdout).unwrap() + &said
    }

    fn ask(&self, lake: &str, sql: &str) -> Vec<Value> {
        let done = self
            .of(self.emulator.command(lake, &["-q", "query", "--format", "jsonl", sql]))
            .output()
            .unwrap();
        assert!(
            done.status.success(),
            "{sql}: {}",
            String::from_utf8_lossy(&done.stderr)
        );
        let text = String::from_utf8(done.stdout).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// What a snapshot's tables hold, without its name and time.
    fn rows(&self, lake: &str, snapshot: &str) -> Vec<Value> {
        let tables = [
            "kms_keys",
            "kms_key_policies",
            "kms_grants",
            "kms_aliases",
            "kms_tags",
            "iam_principals",
            "iam_policies",
            "trails",
        ];
        let mut rows = Vec::new();
        for table in tables {
            let sql = format!("SELECT * FROM {table} WHERE snapshot_id LIKE '%-{snapshot}'");
            let mut held = self.ask(lake, &sql);
            for row in &mut held {
                let row = row.as_object_mut().unwrap();
                for name in ["snapshot_id", "collected_at", "last_usage_as_of"] {
                    row.remove(name);
                }
            }
            held.sort_by_key(Value::to_string);
            rows.extend(held);
        }
        rows
    }

    /// The start of the content hash of the only snapshots there are.
    fn hashes(&self, lake: &str) -> Vec<String> {
        let rows = self.ask(
            lake,
            "SELECT content_hash FROM snapshots ORDER BY collected_at, snapshot_id",
        );
        rows.iter()
            .map(|row| row["content_hash"].as_str().unwrap()[..12].to_owned())
            .collect()
    }

    /// Starts a collection and kills it once so many parts are noted, and a while later.
    fn kill(&self, lake: &str, more: &[&str], parts: usize, later: Duration) {
        let mut running = self.collect(lake, more).spawn().unwrap();
        let folder = self.folder.path().join("keytrail");
        let deadline = Instant::now() + Duration::from_secs(60);
        while noted(&folder) < parts && Instant::now() < deadline {
            assert!(
                running.try_wait().unwrap().is_none(),
                "it ended before it could be killed"
            );
            std::thread::sleep(Duration::from_millis(3));
        }
        std::thread::sleep(later);
        running.kill().unwrap();
        running.wait().unwrap();
    }
}

/// Lines of the notes of an unfinished collection.
fn noted(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let count = |path: std::path::PathBuf| std::fs::read_to_string(path).map_or(0, |text| text.lines().count());
    entries.map(|entry| count(entry.path())).max().unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn snapshots_on_s3_are_those_of_a_folder() {
    let Some(place) = Place::start().await else { return };
    let (lake, plain, bundle) = ("s3://first-lake/a lake", place.path("plain"), place.path("bundle.json"));
    let done = place.collect(lake, &["-o", &bundle]).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(0), "{said}");
    place.run(&plain, &["snapshot", "import", &bundle]);
    let hash = place.hashes(lake);
    assert_eq!(hash, place.hashes(&plain));
    let rows = place.rows(lake, &hash[0]);
    assert!(rows == place.rows(&plain, &hash[0]), "other rows on S3");
    assert!(rows.len() > 6 * KEYS, "{} rows", rows.len());
    // The same bundle is there already; one with another policy is a second snapshot, and the difference is that policy.
    assert!(place.run(lake, &["snapshot", "import", &bundle]).contains("already"));
    let text = std::fs::read_to_string(&bundle).unwrap();
    let mut changed: Value = serde_json::from_str(&text).unwrap();
    changed["collected_at"] = "2030-01-01T00:00:00Z".into();
    let key = &mut changed["kms"]["keys"][5];
    key["Policies"]["default"] = "{\"Version\": \"2012-10-17\", \"Statement\": []}".into();
    let arn = key["KeyMetadata"]["Arn"].as_str().unwrap().to_owned();
    let later = place.path("later.json");
    std::fs::write(&later, changed.to_string()).unwrap();
    place.run(lake, &["snapshot", "import", &later]);
    let listed = place.run(lake, &["snapshot", "list", "--format", "jsonl"]);
    let listed: Vec<Value> = listed
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    assert_eq!(listed.len(), 2, "{listed:?}");
    assert!(
        listed.iter().all(|row| row["keys"] == KEYS && row["principals"] == 12),
        "{listed:?}"
    );
    let ids: Vec<&str> = listed.iter().map(|row| row["snapshot_id"].as_str().unwrap()).collect();
    let changes = place.run(lake, &["snapshot", "diff", ids[0], ids[1]]);
    let heads: Vec<&str> = changes.lines().filter(|line| line.starts_with("changed")).collect();
    assert_eq!(heads.len(), 1, "{changes}");
    assert!(
        heads[0].starts_with(&format!("changed kms_key_policies: {arn} default")),
        "{changes}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn collections_at_once_are_whole_snapshots_that_share_their_rows() {
    let Some(place) = Place::start().await else { return };
    let lake = "s3://second-lake/lake";
    // Two of everything, which are one snapshot if they end in the same second, and one of a half.
    let half = ["--regions", "eu-west-1"];
    let all: [&[&str]; 3] = [&[], &[], &half];
    let running = all.map(|more| place.collect(lake, more).spawn().unwrap());
    let mut unnoted = 0;
    for one in running {
        let done = one.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(0), "{said}");
        unnoted += usize::from(said.contains("cannot be resumed"));
    }
    assert_eq!(unnoted, 2, "the notes of one were written by others");
    let counts = place.ask(
        lake,
        "SELECT snapshot_id, count(*) AS keys, count(DISTINCT key_arn) AS distinct_keys FROM kms_keys GROUP BY 1 ORDER BY 2",
    );
    let distinct: std::collections::BTreeSet<String> = place.hashes(lake).into_iter().collect();
    assert_eq!(distinct.len(), 2, "{counts:?}");
    assert!(
        counts.iter().all(|row| row["keys"] == row["distinct_keys"]),
        "{counts:?}"
    );
    assert_eq!(counts[0]["keys"], KEYS / 2, "{counts:?}");
    assert!(counts[1..].iter().all(|row| row["keys"] == KEYS), "{counts:?}");
    let grants = place.ask(
        lake,
        "SELECT count(*) AS n FROM kms_grants GROUP BY snapshot_id ORDER BY 1 DESC",
    );
    assert_eq!(grants[0]["n"], 120);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_on_s3_and_resumed_is_one_whole_snapshot() {
    let Some(place) = Place::start().await else { return };
    let (lake, plain) = ("s3://third-lake/lake", place.path("plain"));
    // Half-way through the keys; then while it is being kept, more than once.
    place.kill(lake, &[], KEYS / 2, Duration::ZERO);
    // Every key, and what each Region and account has beside its keys.
    let all = KEYS + 4;
    for wait in [20, 250, 600] {
        place.kill(lake, &["--resume"], all, Duration::from_millis(wait));
        // What is half kept is not there.
        let seen = place
            .of(place.emulator.command(lake, &["snapshot", "list", "--format", "jsonl"]))
            .output()
            .unwrap();
        let seen = String::from_utf8_lossy(&seen.stdout).into_owned();
        assert!(
            seen.lines().all(|line| line.contains(&format!("\"keys\":{KEYS},"))),
            "{seen}"
        );
    }
    let done = place.collect(lake, &["--resume"]).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(0), "{said}");
    let done = place.collect(&plain, &[]).output().unwrap();
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    let hashes = place.hashes(lake);
    assert_eq!(hashes.last(), place.hashes(&plain).last());
    assert!(
        place.rows(lake, &hashes[0]) == place.rows(&plain, &hashes[0]),
        "other rows than of a clean run: {said}"
    );
}
