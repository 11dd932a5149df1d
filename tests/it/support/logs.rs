//! Log files made for one test: a few fields, as many records and repeats as wanted.

use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

/// A record of a KMS call; `id` makes it unlike any other.
pub fn record(id: u32) -> Value {
    let (day, hour, minute) = (1 + id % 5, id / 7 % 24, id % 60);
    json!({
        "eventVersion": "1.09",
        "eventTime": format!("2024-01-{day:02}T{hour:02}:{minute:02}:00Z"),
        "eventSource": "kms.amazonaws.com",
        "eventName": if id.is_multiple_of(3) { "Encrypt" } else { "Decrypt" },
        "awsRegion": "us-east-1",
        "sourceIPAddress": "192.0.2.1",
        "userIdentity": {"type": "IAMUser", "principalId": "AIDAEXAMPLE", "arn": "arn:aws:iam::111122223333:user/alice", "accountId": "111122223333"},
        "requestParameters": null,
        "responseElements": null,
        "eventID": format!("00000000-0000-4000-8000-{id:012}"),
        "eventType": "AwsApiCall",
        "recipientAccountId": "111122223333",
        "resources": [{"ARN": format!("arn:aws:kms:us-east-1:111122223333:key/key-{}", id % 4), "accountId": "111122223333", "type": "AWS::KMS::Key"}],
    })
}

/// A trail's file.
pub fn file(records: &[Value]) -> Vec<u8> {
    gzip(json!({"Records": records}).to_string().as_bytes())
}

/// Bytes as one gzip member.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The key of one delivery.
pub fn key(number: u32) -> String {
    let day = 1 + number % 5;
    format!(
        "AWSLogs/111122223333/CloudTrail/us-east-1/2024/01/{day:02}/111122223333_CloudTrail_us-east-1_202401{day:02}T0005Z_{number:016}.json.gz"
    )
}

/// Writes a file and the folders above it.
pub fn write(root: &Path, name: &str, bytes: &[u8]) {
    let path = root.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// Some trails that deliver partly the same events: `trails` folders of `objects` files of `records` records, of which every third
/// record is in the next trail too, and every fifth file repeats a whole one.
pub fn overlapping_trails(root: &Path, trails: u32, objects: u32, records: u32) -> Vec<String> {
    let mut folders = Vec::new();
    for trail in 0..trails {
        let folder = root.join(format!("trail-{trail}"));
        for object in 0..objects {
            let first = (trail * objects + object) * records;
            let mut all: Vec<Value> = (first..first + records).map(record).collect();
            if trail > 0 {
                let before = first - objects * records;
                all.extend((before..before + records).step_by(3).map(record));
            }
            if object % 5 == 4 {
                all.extend((first - records..first).map(record));
            }
            write(&folder, &format!("t{trail}/{}", key(object)), &file(&all));
        }
        folders.push(folder.display().to_string());
    }
    folders
}
