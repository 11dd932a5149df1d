//! The word on the command line that names a source. It looks at the word only; whether anything is there shows when it is listed.

use std::ffi::OsStr;
use std::path::PathBuf;

use super::Error;

/// Where logs are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// `s3://bucket/prefix`.
    S3 {
        /// The bucket, or the ARN of an access point.
        bucket: String,
        /// The key of a folder or an object, or with a trailing `*` the beginning of keys; empty for the whole bucket.
        prefix: String,
    },
    /// A folder or a file.
    Path(PathBuf),
    /// `-`: standard input.
    Stdin,
}

impl Source {
    /// Reads the word. Paths need not be UTF-8.
    ///
    /// # Errors
    /// The word is empty, or an address of a kind that is not read.
    pub fn parse(word: &OsStr) -> Result<Source, Error> {
        let fail = |why: &str, hint| Error::Address {
            word: word.to_string_lossy().into_owned(),
            why: why.to_owned(),
            hint,
        };
        if word.is_empty() {
            return Err(fail(
                "the name is empty",
                Some("name a folder, a file, `s3://bucket/prefix` or `-`"),
            ));
        }
        let Some(text) = word.to_str() else {
            return Ok(Source::Path(PathBuf::from(word)));
        };
        if text == "-" {
            return Ok(Source::Stdin);
        }
        if let Some(path) = text.strip_prefix("file://") {
            return Ok(Source::Path(PathBuf::from(path)));
        }
        if let Some(rest) = text.strip_prefix("s3://") {
            let (bucket, prefix) = split_bucket(rest);
            if bucket.is_empty() {
                return Err(fail("the bucket is missing", Some("write `s3://bucket/prefix`")));
            }
            return Ok(Source::S3 {
                bucket: bucket.to_owned(),
                prefix: prefix.to_owned(),
            });
        }
        let is_scheme =
            |text: &str| text.len() > 1 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+');
        match text.split_once("://") {
            Some((scheme, _)) if is_scheme(scheme) => Err(fail(
                "logs are read from `s3://`, folders, files and `-` only",
                Some("download them to a folder first, or pipe them into `-`"),
            )),
            _ => Ok(Source::Path(PathBuf::from(text))),
        }
    }

    /// Whether reading it needs AWS credentials.
    pub fn is_s3(&self) -> bool {
        matches!(self, Source::S3 { .. })
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Source::S3 { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
            Source::Path(path) => write!(f, "{}", path.display()),
            Source::Stdin => f.write_str("-"),
        }
    }
}

/// An access point's ARN holds a slash of its own: `arn:aws:s3:us-east-1:111122223333:accesspoint/name`.
fn split_bucket(rest: &str) -> (&str, &str) {
    let skip = if rest.starts_with("arn:") {
        rest.find('/').map_or(0, |at| at + 1)
    } else {
        0
    };
    match rest.get(skip..).and_then(|tail| tail.find('/')) {
        Some(at) => (
            rest.get(..skip + at).unwrap_or(rest),
            rest.get(skip + at + 1..).unwrap_or_default(),
        ),
        None => (rest, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(word: &str) -> Result<Source, Error> {
        Source::parse(OsStr::new(word))
    }

    fn s3(bucket: &str, prefix: &str) -> Source {
        Source::S3 {
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
        }
    }

    #[test]
    fn words_name_sources() {
        assert_eq!(parse("-").unwrap(), Source::Stdin);
        assert_eq!(parse("s3://logs").unwrap(), s3("logs", ""));
        assert_eq!(parse("s3://logs/a b/AWSLogs/").unwrap(), s3("logs", "a b/AWSLogs/"));
        let point = "arn:aws:s3:us-east-1:111122223333:accesspoint/logs";
        assert_eq!(parse(&format!("s3://{point}/AWSLogs")).unwrap(), s3(point, "AWSLogs"));
        assert_eq!(parse("file:///var/log").unwrap(), Source::Path("/var/log".into()));
        assert_eq!(parse("./x://y").unwrap(), Source::Path("./x://y".into()));
        assert_eq!(parse("logs").unwrap().to_string(), "logs");
    }

    #[test]
    fn other_addresses_are_refused_with_a_hint() {
        for word in ["", "s3://", "s3:///x", "https://example.com/x", "gs://bucket/x"] {
            assert!(parse(word).unwrap_err().hint().is_some(), "{word}");
        }
    }
}
