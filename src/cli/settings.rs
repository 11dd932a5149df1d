//! What was typed means: the lake with its credentials, limits in bytes.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Context;
use aws_config::SdkConfig;

use super::args::{AwsArgs, Globals};
use super::error::hinted;
use crate::aws::credentials::Chain;
use crate::coverage::Assumption;
use crate::engine::{Session, SessionSettings};
use crate::lake::{self, Location};
use crate::model::Instant;

/// The lake that was named, with what its storage needs.
///
/// # Errors
/// The address is none, or it is on S3 and there are no credentials.
pub(super) async fn location(globals: &Globals) -> anyhow::Result<Location> {
    if !globals.lake.starts_with("s3://") {
        return Ok(Location::parse(&globals.lake, HashMap::new())?);
    }
    let config = aws(&globals.aws).await;
    let location = Location::parse(&globals.lake, storage(&config))?;
    Ok(location.with_credentials(credentials(&config).await?)?)
}

/// The lake that was named, which must be there.
///
/// # Errors
/// As [`location`], and when there is no lake.
pub(super) async fn existing_lake(globals: &Globals) -> anyhow::Result<Location> {
    let location = location(globals).await?;
    if !has_records(&location).await? {
        return Err(hinted(
            format!("lake `{}`: holds no `cloudtrail` table", globals.lake),
            "name the lake with --lake or KEYTRAIL_LAKE; `keytrail ingest SOURCE` makes one from CloudTrail logs",
        ));
    }
    Ok(location)
}

/// The lake that was named, which must hold records or permission snapshots.
///
/// # Errors
/// As [`location`], and when it holds neither.
pub(super) async fn lake_of_any(globals: &Globals) -> anyhow::Result<Location> {
    let location = location(globals).await?;
    if !has_records(&location).await? && lake::snapshots::list(&location).await?.is_empty() {
        return Err(hinted(
            format!("lake `{}`: holds no `cloudtrail` table and no snapshot", globals.lake),
            "name the lake with --lake or KEYTRAIL_LAKE; `keytrail ingest SOURCE` makes one from CloudTrail logs",
        ));
    }
    Ok(location)
}

async fn has_records(location: &Location) -> anyhow::Result<bool> {
    Ok(lake::table::open(location, lake::schema::CLOUDTRAIL).await?.is_some())
}

/// The lake that was named, which may be new but must not be something else.
///
/// # Errors
/// As [`location`], and when a file, or a folder with other things in it, is in its place.
pub(super) async fn writable_lake(globals: &Globals) -> anyhow::Result<Location> {
    let location = location(globals).await?;
    if let Some(folder) = location.folder() {
        let not_a_lake = |why: &str| {
            hinted(
                format!("lake `{}`: {why}", globals.lake),
                "name an empty folder, a new one, or a lake with --lake",
            )
        };
        if folder.exists() && !folder.is_dir() {
            return Err(not_a_lake("is a file, not a folder"));
        }
        // A lake in the making may hold a table's folder and nothing in it yet.
        let known: Vec<String> = lake::snapshots::stored().into_iter().map(|(name, _)| name).collect();
        let is_table = |name: &str| lake::schema::by_name(name).is_some() || known.iter().any(|table| table == name);
        let mut entries = folder.read_dir().into_iter().flatten().flatten().peekable();
        let is_empty = entries.peek().is_none();
        let is_lake = entries.any(|entry| entry.path().is_dir() && entry.file_name().to_str().is_some_and(is_table));
        if !is_empty && !is_lake {
            return Err(not_a_lake("is not a lake: the folder holds other things"));
        }
    }
    Ok(location)
}

/// What time it is: only the command line asks.
pub(super) fn now() -> Instant {
    Instant(chrono::Utc::now().timestamp_micros())
}

/// Reads an instant or a date.
///
/// # Errors
/// The text is neither.
pub(super) fn instant(text: &str) -> Result<Instant, String> {
    Instant::parse(text)
        .ok_or_else(|| format!("`{text}` is not a date such as 2026-01-31 or a time such as 2026-01-31T12:00:00Z"))
}

/// Reads a duration, in microseconds.
///
/// # Errors
/// The text is none.
pub(super) fn duration(text: &str) -> Result<i64, String> {
    let length = crate::model::duration::parse(text)?;
    length.num_microseconds().ok_or_else(|| format!("`{text}` is too long"))
}

/// A word as a shell needs it typed.
pub(super) fn shell_word(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@%+=,".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// The lake that was named, open for questions.
///
/// # Errors
/// As [`location`], and when there is no lake.
pub(super) async fn session(globals: &Globals, memory_bytes: Option<usize>) -> anyhow::Result<Session> {
    session_assuming(globals, memory_bytes, &[]).await
}

/// The same, with what the user vouches for.
///
/// # Errors
/// As [`session`].
pub(super) async fn session_assuming(
    globals: &Globals,
    memory_bytes: Option<usize>,
    assumed: &[Assumption],
) -> anyhow::Result<Session> {
    let settings = SessionSettings {
        memory_bytes,
        assumed: assumed.to_vec(),
        ..SessionSettings::default()
    };
    session_with(globals, &settings).await
}

/// The same, with all that can be set.
///
/// # Errors
/// As [`session`].
pub(super) async fn session_with(globals: &Globals, settings: &SessionSettings) -> anyhow::Result<Session> {
    Ok(Session::open(&location(globals).await?, settings).await?)
}

/// The configuration of the AWS SDK, from every source the AWS CLI knows, with what was typed on top.
pub(super) async fn aws(args: &AwsArgs) -> SdkConfig {
    crate::aws::config::load(
        args.profile.as_deref(),
        args.region.as_deref(),
        args.endpoint_url.as_deref(),
    )
    .await
}

/// The credentials of the AWS SDK, as the lake's object store asks for them.
async fn credentials(config: &SdkConfig) -> anyhow::Result<Arc<Chain>> {
    let hint = "sign in with `aws configure` or `aws sso login`, or name a profile with --profile";
    let provider = config
        .credentials_provider()
        .ok_or_else(|| hinted("there are no AWS credentials", hint))?;
    let chain = Chain::new(provider);
    let signed_in = chain.sign_in().await;
    // What is wrong stands in the causes; the error itself says only that something is.
    signed_in.map_err(|error| {
        hinted(
            format!("there are no AWS credentials: {:#}", anyhow::Error::new(error)),
            hint,
        )
    })?;
    Ok(Arc::new(chain))
}

/// Settings of an object store that make it reach what the AWS SDK would.
fn storage(config: &SdkConfig) -> HashMap<String, String> {
    let region = config.region().map_or("us-east-1", |region| region.as_ref());
    let mut options = HashMap::from([("AWS_REGION".to_owned(), region.to_owned())]);
    let of_s3 = std::env::var("AWS_ENDPOINT_URL_S3").ok().filter(|url| !url.is_empty());
    if let Some(endpoint) = config.endpoint_url().map(str::to_owned).or(of_s3) {
        options.insert("AWS_ALLOW_HTTP".to_owned(), endpoint.starts_with("http://").to_string());
        options.insert("AWS_ENDPOINT_URL".to_owned(), endpoint);
    }
    options
}

/// Reads a size such as `512MiB`, `2GB` or a number of bytes.
///
/// # Errors
/// The text is none.
pub(super) fn bytes(text: &str) -> Result<usize, String> {
    let fail = || format!("`{text}` is not a size such as 512MiB or 2GB");
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let factor: usize = match text
        .strip_prefix(digits)
        .unwrap_or_default()
        .to_ascii_lowercase()
        .as_str()
    {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        _ => return Err(fail()),
    };
    let count: usize = digits.parse().map_err(|_| fail())?;
    count.checked_mul(factor).filter(|bytes| *bytes > 0).ok_or_else(fail)
}

/// Reads `name=value`.
///
/// # Errors
/// There is no name or no `=`.
pub(super) fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.trim_start_matches('$').to_owned(), value.to_owned())),
        _ => Err(format!("`{text}` is not name=value")),
    }
}

/// Reads a file of SQL, or stdin for `-`.
///
/// # Errors
/// It cannot be read, or is not UTF-8.
pub(super) fn sql_file(path: &std::path::Path) -> anyhow::Result<String> {
    if path == std::path::Path::new("-") {
        return std::io::read_to_string(std::io::stdin()).context("cannot read stdin");
    }
    std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        assert_eq!(bytes("512MiB"), Ok(512 << 20));
        assert_eq!(bytes("2gb"), Ok(2_000_000_000));
        assert_eq!(bytes("100"), Ok(100));
        for wrong in ["", "MiB", "-1", "0", "1.5g", "1tb", "99999999999999999999g"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_value_may_hold_anything() {
        assert_eq!(assignment("key=a=b"), Ok(("key".to_owned(), "a=b".to_owned())));
        assert_eq!(assignment("$key="), Ok(("key".to_owned(), String::new())));
        assert!(assignment("key").is_err());
        assert!(assignment("=x").is_err());
    }
}
