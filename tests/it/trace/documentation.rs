//! The records of AWS's KMS documentation, every operation of them, where the shared data is there.

use std::path::Path;

use crate::support::lake::TestLake;
use crate::support::program::{ask, on};

#[test]
fn every_key_of_the_documentation_has_a_story() {
    let records = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/awsdocs_kms/records");
    if !records.exists() {
        let said = "SKIPPED: the documentation's records are not beside this checkout";
        std::io::Write::write_all(&mut std::io::stderr(), format!("{said}\n").as_bytes()).unwrap();
        return;
    }
    let lake = TestLake::new();
    let taken = on(&lake, &["ingest", &records.display().to_string()]);
    assert!([0, 3].contains(&taken.code), "{}", taken.stderr);
    let rows = ask(&lake, &["key-destruction"]);
    assert!(
        rows.iter().any(|row| row["operation"] == "ScheduleKeyDeletion"),
        "{rows:?}"
    );
    assert!(
        rows.iter()
            .all(|row| row["chain_complete"] == true || row["chain_missing"].is_string())
    );
    let keys = ask(
        &lake,
        &[
            "SELECT DISTINCT key_arn FROM kms_events WHERE class IN ('admin', 'service') AND key_arn IS NOT NULL ORDER BY key_arn",
        ],
    );
    assert!(keys.len() > 3, "{keys:?}");
    for key in keys {
        let arn = key["key_arn"].as_str().unwrap();
        for format in ["table", "json", "html"] {
            let told = on(&lake, &["trace", arn, "--format", format]);
            assert_eq!(told.code, 0, "{arn}: {}", told.stderr);
        }
    }
}
