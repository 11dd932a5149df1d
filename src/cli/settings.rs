//! What was typed means: the lake with its credentials, limits in bytes.

use std::collections::HashMap;

use anyhow::Context;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::ProvideCredentials;

use super::args::{AwsArgs, Globals};
use super::error::hinted;
use crate::engine::{Session, SessionSettings};
use crate::lake::Location;

/// The lake that was named, with what its storage needs.
///
/// # Errors
/// The address is none, or it is on S3 and there are no credentials.
pub(super) async fn location(globals: &Globals) -> anyhow::Result<Location> {
    let options = if globals.lake.starts_with("s3://") {
        storage(&aws(&globals.aws).await).await?
    } else {
        HashMap::new()
    };
    Ok(Location::parse(&globals.lake, options)?)
}

/// The lake that was named, open for questions.
///
/// # Errors
/// As [`location`], and when there is no lake.
pub(super) async fn session(globals: &Globals, memory_bytes: Option<usize>) -> anyhow::Result<Session> {
    let location = location(globals).await?;
    Ok(Session::open(&location, &SessionSettings { memory_bytes }).await?)
}

/// The configuration of the AWS SDK, from every source the AWS CLI knows, with what was typed on top.
pub(super) async fn aws(args: &AwsArgs) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::latest());
    if let Some(profile) = &args.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(region) = &args.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(endpoint) = &args.endpoint_url {
        loader = loader.endpoint_url(endpoint);
    }
    loader.load().await
}

/// Settings of an object store that make it use what the AWS SDK found.
async fn storage(config: &SdkConfig) -> anyhow::Result<HashMap<String, String>> {
    let no_credentials = || "sign in with `aws configure` or `aws sso login`, or name a profile with --profile";
    let provider = config
        .credentials_provider()
        .ok_or_else(|| hinted("there are no AWS credentials", no_credentials()))?;
    let credentials = provider
        .provide_credentials()
        .await
        .map_err(|error| hinted(format!("there are no AWS credentials: {error}"), no_credentials()))?;
    let mut options = HashMap::from([
        ("AWS_ACCESS_KEY_ID".to_owned(), credentials.access_key_id().to_owned()),
        (
            "AWS_SECRET_ACCESS_KEY".to_owned(),
            credentials.secret_access_key().to_owned(),
        ),
    ]);
    if let Some(token) = credentials.session_token() {
        options.insert("AWS_SESSION_TOKEN".to_owned(), token.to_owned());
    }
    let region = config.region().map_or("us-east-1", |region| region.as_ref());
    options.insert("AWS_REGION".to_owned(), region.to_owned());
    let of_s3 = std::env::var("AWS_ENDPOINT_URL_S3").ok().filter(|url| !url.is_empty());
    if let Some(endpoint) = config.endpoint_url().map(str::to_owned).or(of_s3) {
        options.insert("AWS_ALLOW_HTTP".to_owned(), endpoint.starts_with("http://").to_string());
        options.insert("AWS_ENDPOINT_URL".to_owned(), endpoint);
    }
    Ok(options)
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
