//! S3 as the sources need it: a page of a listing, and an object's bytes from an offset. It decides nothing about
//! keys, keeps no listing in memory, and says in its own words what went wrong.

use std::time::Duration;

use aws_config::Region;
pub use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{Builder, StalledStreamProtectionConfig};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{EncodingType, RequestPayer};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use bytes::Bytes;
use percent_encoding::percent_decode_str;

/// The most keys S3 puts on one page.
pub const PAGE: i32 = 1000;

/// How long a connection may be silent before it counts as broken.
const SILENCE: Duration = Duration::from_secs(60);

/// Why S3 did not answer as hoped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no such bucket.
    #[error("the bucket does not exist")]
    NoBucket,
    /// There is no such object (any more).
    #[error("the object no longer exists")]
    NoKey,
    /// The caller may not do this.
    #[error("access denied: {0}")]
    Denied(String),
    /// The object is not the one that was listed or begun.
    #[error("the object has changed since it was listed")]
    Changed,
    /// The object must be restored before it can be read.
    #[error("the object is archived ({0}) and must be restored first")]
    Archived(String),
    /// The bucket lives in another Region, named where S3 said it.
    #[error("the bucket is in another Region{}", .0.as_deref().map(|region| format!(", {region}")).unwrap_or_default())]
    OtherRegion(Option<String>),
    /// No credentials were found, or they could not be had.
    #[error("no usable AWS credentials: {0}")]
    NoCredentials(String),
    /// S3 stayed busy through every retry.
    #[error("still throttled after every retry: {0}")]
    Throttled(String),
    /// The connection broke or fell silent.
    #[error("the connection failed: {0}")]
    Connection(String),
    /// Anything else, in S3's words.
    #[error("{0}")]
    Other(String),
}

impl Error {
    /// What the user may do about it.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Error::NoBucket => "check the bucket's name and, with `--endpoint-url`, the server",
            Error::Denied(_) => {
                "the caller needs `s3:ListBucket` on the bucket, `s3:GetObject` and perhaps `kms:Decrypt` on its objects; \
                 for a requester-pays bucket add `--request-payer`"
            }
            Error::Archived(_) => "restore the objects, then run the same command again",
            Error::OtherRegion(_) => "name the bucket's Region with `--region`",
            Error::NoCredentials(_) => "set `AWS_PROFILE` or `--profile`, or log in (`aws sso login`)",
            Error::Connection(_) => "check the network and `--endpoint-url`",
            Error::NoKey | Error::Changed | Error::Throttled(_) | Error::Other(_) => return None,
        })
    }
}

/// An object as a listing names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key, decoded.
    pub key: String,
    /// Bytes in S3.
    pub size: u64,
    /// The entity tag without its quotes.
    pub etag: Option<String>,
}

/// One page of a listing.
#[derive(Debug, Default)]
pub struct Page {
    /// Objects, in key order.
    pub objects: Vec<Entry>,
    /// Common prefixes, in order, where a delimiter was asked for.
    pub folders: Vec<String>,
    /// How to ask for the next page; `None` on the last.
    pub next: Option<String>,
}

/// One bucket and how to speak to it.
#[derive(Debug, Clone)]
pub struct Bucket {
    client: Client,
    name: String,
    payer: Option<RequestPayer>,
}

impl Bucket {
    /// The bucket behind a configuration; nothing is sent yet.
    pub fn new(config: &SdkConfig, name: &str, request_payer: bool) -> Bucket {
        Bucket {
            client: client(config, None),
            name: name.to_owned(),
            payer: request_payer.then_some(RequestPayer::Requester),
        }
    }

    /// The same bucket, spoken to in another Region.
    pub fn in_region(self, config: &SdkConfig, region: &str) -> Bucket {
        Bucket {
            client: client(config, Some(region)),
            ..self
        }
    }

    /// The bucket's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// One page of the keys that begin with `prefix`; with `folded`, keys that go on past another slash come as common prefixes.
    ///
    /// # Errors
    /// S3 did not answer with a page.
    pub async fn page(&self, prefix: &str, folded: bool, limit: i32, next: Option<&str>) -> Result<Page, Error> {
        let answer = self
            .client
            .list_objects_v2()
            .bucket(&self.name)
            .prefix(prefix)
            .set_delimiter(folded.then(|| "/".to_owned()))
            .max_keys(limit)
            // Keys may hold characters that XML cannot.
            .encoding_type(EncodingType::Url)
            .set_request_payer(self.payer.clone())
            .set_continuation_token(next.map(str::to_owned))
            .send()
            .await
            .map_err(|error| explain(&error))?;
        let encoded = answer.encoding_type() == Some(&EncodingType::Url);
        let decode = |text: &str| if encoded { decode(text) } else { text.to_owned() };
        let objects = answer.contents().iter().filter_map(|object| {
            Some(Entry {
                key: decode(object.key()?),
                size: object.size().and_then(|size| u64::try_from(size).ok()).unwrap_or(0),
                etag: object.e_tag().map(unquoted),
            })
        });
        let folders = answer
            .common_prefixes()
            .iter()
            .filter_map(|folder| folder.prefix().map(decode));
        let next = answer
            .next_continuation_token()
            .filter(|_| answer.is_truncated() == Some(true));
        Ok(Page {
            objects: objects.collect(),
            folders: folders.collect(),
            next: next.map(str::to_owned),
        })
    }

    /// What a listing would say of one object, for callers who may read it but not list.
    ///
    /// # Errors
    /// S3 did not describe the object.
    pub async fn head(&self, key: &str) -> Result<Entry, Error> {
        let request = self
            .client
            .head_object()
            .bucket(&self.name)
            .key(key)
            .set_request_payer(self.payer.clone());
        let answer = request.send().await.map_err(|error| explain(&error))?;
        Ok(Entry {
            key: key.to_owned(),
            size: answer
                .content_length()
                .and_then(|size| u64::try_from(size).ok())
                .unwrap_or(0),
            etag: answer.e_tag().map(unquoted),
        })
    }

    /// An object's bytes from `offset` on, only if it still is the one with this `etag`.
    ///
    /// # Errors
    /// S3 did not begin to send.
    pub async fn get(&self, key: &str, offset: u64, etag: Option<&str>) -> Result<Download, Error> {
        let answer = self
            .client
            .get_object()
            .bucket(&self.name)
            .key(key)
            .set_range((offset > 0).then(|| format!("bytes={offset}-")))
            .set_if_match(etag.map(|etag| format!("\"{etag}\"")))
            .set_request_payer(self.payer.clone())
            .send()
            .await
            .map_err(|error| explain(&error))?;
        // A server that ignores the range would begin anew, and bytes would stand twice.
        if offset > 0
            && !answer
                .content_range()
                .is_some_and(|range| range.starts_with(&format!("bytes {offset}-")))
        {
            return Err(Error::Other(format!("the server did not go on at byte {offset}")));
        }
        Ok(Download {
            etag: answer.e_tag().map(unquoted),
            left: answer.content_length().and_then(|length| u64::try_from(length).ok()),
            body: answer.body,
        })
    }
}

/// Bytes on their way.
#[derive(Debug)]
pub struct Download {
    /// The entity tag of what is being sent.
    pub etag: Option<String>,
    left: Option<u64>,
    body: ByteStream,
}

impl Download {
    /// Whether every byte that was announced has come.
    pub fn is_complete(&self) -> bool {
        self.left == Some(0)
    }

    /// The next bytes; `None` at the object's end.
    ///
    /// # Errors
    /// The connection broke, fell silent, or ended early.
    pub async fn next(&mut self) -> Option<Result<Bytes, Error>> {
        let chunk = match tokio::time::timeout(SILENCE, self.body.next()).await {
            Err(_) => return Some(Err(Error::Connection(format!("no byte for {} s", SILENCE.as_secs())))),
            Ok(Some(Err(error))) => return Some(Err(Error::Connection(chain(&error)))),
            Ok(Some(Ok(chunk))) => chunk,
            Ok(None) => {
                let missing = self.left.filter(|left| *left > 0)?;
                return Some(Err(Error::Connection(format!("{missing} bytes are missing"))));
            }
        };
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(chunk.len() as u64);
        }
        Some(Ok(chunk))
    }
}

fn client(config: &SdkConfig, region: Option<&str>) -> Client {
    // A server of the user's own seldom answers to `bucket.host`.
    let own_server = config.endpoint_url().is_some() || std::env::var_os("AWS_ENDPOINT_URL_S3").is_some();
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(10))
        .read_timeout(SILENCE)
        .build();
    let mut builder = Builder::from(config)
        .force_path_style(own_server)
        .timeout_config(timeouts)
        // Bodies wait while decoding is slower than the network; `Download::next` watches for silence itself.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    if let Some(region) = region {
        builder = builder.region(Region::new(region.to_owned()));
    }
    Client::from_conf(builder.build())
}

/// URL encoding as S3 does it in listings: a plus sign is a space.
fn decode(text: &str) -> String {
    percent_decode_str(&text.replace('+', " "))
        .decode_utf8_lossy()
        .into_owned()
}

fn unquoted(etag: &str) -> String {
    etag.trim_matches('"').to_owned()
}

/// S3's answer in our words.
fn explain<E>(error: &SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let text = chain(error);
    let SdkError::ServiceError(service) = error else {
        return match error {
            SdkError::DispatchFailure(_) | SdkError::ConstructionFailure(_) if text.contains("credential") => {
                Error::NoCredentials(text)
            }
            SdkError::ResponseError(_) | SdkError::DispatchFailure(_) | SdkError::TimeoutError(_) => {
                Error::Connection(text)
            }
            _ => Error::Other(text),
        };
    };
    let status = service.raw().status().as_u16();
    let code = service.err().code().unwrap_or_default();
    let said = match service.err().message() {
        Some(message) => format!("{code} ({status}): {message}"),
        None if code.is_empty() => format!("HTTP status {status}"),
        None => format!("{code} ({status})"),
    };
    let region = || service.raw().headers().get("x-amz-bucket-region").map(str::to_owned);
    match (code, status) {
        ("NoSuchBucket", _) => Error::NoBucket,
        ("NoSuchKey" | "NotFound", _) => Error::NoKey,
        ("InvalidObjectState", _) => Error::Archived(said),
        ("PreconditionFailed", _) | (_, 412) => Error::Changed,
        ("PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException", _) | (_, 301) => {
            Error::OtherRegion(region())
        }
        ("ExpiredToken" | "InvalidAccessKeyId" | "InvalidToken" | "SignatureDoesNotMatch", _) => {
            Error::NoCredentials(said)
        }
        ("SlowDown" | "ServiceUnavailable" | "RequestLimitExceeded" | "Throttling", _) | (_, 429 | 503) => {
            Error::Throttled(said)
        }
        ("AccessDenied" | "AllAccessDisabled", _) | (_, 401 | 403) => Error::Denied(said),
        (_, 404) => Error::NoKey,
        _ => Error::Other(said),
    }
}

/// An error with its causes on one line; the SDK's own text names only the outermost.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let said = cause.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        source = cause.source();
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
