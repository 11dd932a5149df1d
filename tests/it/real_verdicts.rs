//! Real logs, where they are at hand (`../shared/data`): nothing of them is whole, so nothing is called unused by the log.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use crate::ingest_shared::{shared, sources};
use crate::support::ingested::Lake;

/// A bundle that holds every key the log names, in accounts and Regions as named there.
fn bundle(keys: &[Value]) -> Value {
    let mut scope = BTreeSet::new();
    let held: Vec<Value> = keys
        .iter()
        .map(|row| {
            let arn = row["key_arn"].as_str().unwrap();
            let parts: Vec<&str> = arn.split(':').collect();
            let (region, account, id) = (parts[3], parts[4], parts[5].trim_start_matches("key/"));
            scope.insert((account.to_owned(), region.to_owned()));
            json!({
                "KeyMetadata": {"AWSAccountId": account, "KeyId": id, "Arn": arn, "CreationDate": "2010-01-01T00:00:00Z",
                    "Enabled": true, "KeyState": "Enabled", "KeyManager": "CUSTOMER", "KeySpec": "SYMMETRIC_DEFAULT"},
                "Policy": "{\"Version\":\"2012-10-17\",\"Statement\":[]}", "PolicyName": "default", "Grants": [], "Aliases": [], "Tags": []
            })
        })
        .collect();
    let scope: Vec<Value> = scope
        .into_iter()
        .map(|(account, region)| json!({"AccountId": account, "Region": region, "Service": "kms", "State": "complete"}))
        .collect();
    json!({"collected_at": "2026-11-01T00:00:00Z", "kms": {"keys": held}, "iam": {}, "Scope": scope})
}

#[test]
fn nothing_is_unused_that_a_real_log_cannot_support() {
    let Some(shared) = shared() else { return };
    let mut judged = 0;
    for (name, folder, _) in sources(&shared) {
        let lake = Lake::in_folder();
        lake.run(&["ingest", &folder]);
        let refused = lake.run(&["query", "unused-keys"]);
        assert_eq!(refused.code, 2, "{name}: there is no snapshot");
        assert_eq!(refused.stdout, "", "{name}");
        let keys = lake.ask("SELECT DISTINCT key_arn FROM kms_events WHERE key_arn LIKE 'arn:%:kms:%:%:key/%'");
        if keys.is_empty() {
            continue;
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("bundle.json");
        std::fs::write(&file, bundle(&keys).to_string()).unwrap();
        import(&lake, &file);
        let ends = lake.ask("SELECT CAST(max(eventtime) AS VARCHAR) AS last FROM cloudtrail");
        let last = ends[0]["last"].as_str().unwrap().replace(' ', "T");
        // A window that ends with the log, one that ends with the snapshot, and one longer than the log.
        for (window, as_of) in [("1d", "2026-11-01"), ("90d", "2026-11-01"), ("3650d", "2026-11-01")] {
            let run = lake.run(&[
                "query",
                "unused-keys",
                "--format",
                "jsonl",
                "-p",
                &format!("window={window}"),
                "-p",
                &format!("as_of={as_of}"),
            ]);
            assert_eq!(run.code, 0, "{name}, {last}: {}", run.stderr);
            let rows: Vec<Value> = run
                .stdout
                .lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect();
            assert_eq!(rows.len(), keys.len(), "{name}");
            for row in &rows {
                assert_ne!(row["verdict"], "unused", "{name}: {row}");
                assert_ne!(row["reason"], "", "{name}: {row}");
                judged += 1;
            }
        }
    }
    assert!(judged > 20, "the sources hold keys: {judged}");
}

fn import(lake: &Lake, file: &Path) {
    let run = lake.run(&["snapshot", "import", &file.display().to_string()]);
    // Parts of a snapshot that a log does not tell are named as missing.
    assert!([0, 3].contains(&run.code), "{}", run.stderr);
}
