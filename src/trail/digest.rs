//! Digest files: which log objects an hour held. Reads what they say; verifies no signature.
//!
//! Source: AWS CloudTrail User Guide, "CloudTrail digest file structure".

use serde::Deserialize;

use crate::model::Instant;

/// One digest file.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    missing_docs,
    reason = "each field is the member of that name in AWS's documentation"
)]
pub struct Digest {
    pub account_id: Option<String>,
    pub start_time: Option<Instant>,
    pub end_time: Option<Instant>,
    pub bucket: Option<String>,
    pub object: Option<String>,
    pub oldest_event_time: Option<Instant>,
    pub newest_event_time: Option<Instant>,
    pub previous_object: Option<String>,
    pub log_files: Vec<LogFile>,
}

/// One log object a digest lists.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    missing_docs,
    reason = "each field is the member of that name in AWS's documentation"
)]
pub struct LogFile {
    pub bucket: Option<String>,
    pub object: Option<String>,
    pub hash: Option<String>,
    pub oldest_event_time: Option<Instant>,
    pub newest_event_time: Option<Instant>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    aws_account_id: Option<String>,
    digest_start_time: Option<String>,
    digest_end_time: Option<String>,
    digest_s3_bucket: Option<String>,
    digest_s3_object: Option<String>,
    oldest_event_time: Option<String>,
    newest_event_time: Option<String>,
    previous_digest_s3_object: Option<String>,
    log_files: Option<Vec<RawLogFile>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawLogFile {
    s3_bucket: Option<String>,
    s3_object: Option<String>,
    hash_value: Option<String>,
    oldest_event_time: Option<String>,
    newest_event_time: Option<String>,
}

impl Digest {
    /// Reads a digest file's JSON.
    ///
    /// # Errors
    /// The text is not a digest: not JSON of that shape, or without the hour it speaks of.
    pub fn parse(text: &[u8]) -> Result<Digest, String> {
        let raw: Raw = serde_json::from_slice(text).map_err(|error| format!("not a digest: {error}"))?;
        let time = |text: Option<String>| text.as_deref().and_then(Instant::parse);
        let digest = Digest {
            account_id: raw.aws_account_id,
            start_time: time(raw.digest_start_time),
            end_time: time(raw.digest_end_time),
            bucket: raw.digest_s3_bucket,
            object: raw.digest_s3_object,
            oldest_event_time: time(raw.oldest_event_time),
            newest_event_time: time(raw.newest_event_time),
            previous_object: raw.previous_digest_s3_object,
            log_files: raw
                .log_files
                .ok_or_else(|| "not a digest: no `logFiles`".to_owned())?
                .into_iter()
                .map(|file| LogFile {
                    bucket: file.s3_bucket,
                    object: file.s3_object,
                    hash: file.hash_value,
                    oldest_event_time: time(file.oldest_event_time),
                    newest_event_time: time(file.newest_event_time),
                })
                .collect(),
        };
        if digest.start_time.is_none() || digest.end_time.is_none() {
            return Err("not a digest: no `digestStartTime` or `digestEndTime`".to_owned());
        }
        Ok(digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_and_its_objects() {
        let text = br#"{"awsAccountId":"111122223333","digestStartTime":"2024-01-01T00:00:00Z","digestEndTime":"2024-01-01T01:00:00Z",
            "logFiles":[{"s3Bucket":"b","s3Object":"k","hashValue":"ab","hashAlgorithm":"SHA-256"}],"oldestEventTime":null}"#;
        let digest = Digest::parse(text).unwrap();
        assert_eq!((digest.log_files.len(), digest.oldest_event_time), (1, None));
        for text in [&b"{}"[..], b"[]", br#"{"logFiles":[]}"#, b"x"] {
            assert!(Digest::parse(text).is_err());
        }
    }
}
